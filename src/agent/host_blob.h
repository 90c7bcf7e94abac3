/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/crypto/sign.h"

/*
 * The file that holds a host's key, sealed by its TPM (docs/formats/checkpoint.md, "The key of a
 * host"). What the TPM wrote is handed back to it as it is.
 */
#define HOST_BLOB_PART_BYTES 1024u /* more than a TPM writes */
#define HOST_BLOB_MAX_BYTES  (48u + 2 * HOST_BLOB_PART_BYTES + 32u)
#define HOST_PCRS            24u

struct host_blob {
	uint32_t pcrs;            /* whose state it is sealed for, a bit each; 0: none */
	struct lm_public_key key; /* of the host, that anybody may know */
	struct lm_str sealed_public, sealed_private; /* TPM2B_PUBLIC, TPM2B_PRIVATE; borrowed */
};

/** @return 0; -EINVAL (a part is empty or too long, no such PCR); -EIO; -ENOMEM */
int host_blob_encode(const struct host_blob *blob, struct lm_buffer *out);

/**
 * @param bytes     the whole file
 * @param ret_blob  points into it
 * @return 0; -LM_E_FORMAT (something else); -LM_E_VERSION (newer); -LM_E_DAMAGED; -EIO; -ENOMEM
 */
int host_blob_decode(struct lm_str bytes, struct host_blob *ret_blob);
