/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"

/*
 * Compression for what lies beside a log's frames: small pieces, each on its own.
 */
struct lm_packer;

int lm_packer_new(struct lm_packer **ret_packer);
/** NULL allowed; returns NULL. */
struct lm_packer *lm_packer_free(struct lm_packer *packer);

/** Append the compressed form. @return 0; -ENOMEM */
int lm_pack(struct lm_packer *packer, const void *data, size_t len, struct lm_buffer *out);

/**
 * @param raw_len  how long the original is; bounded by the caller
 * @param ret_raw  what it held is gone
 * @return 0; -LM_E_DAMAGED (it is another length, or nothing compressed); -ENOMEM
 */
int lm_unpack(struct lm_packer *packer, const void *data, size_t len, size_t raw_len,
	      struct lm_buffer *ret_raw);
