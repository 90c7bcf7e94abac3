/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/crypto/note.h"

/*
 * The key of a host (docs/formats/checkpoint.md, "The key of a host"): it signs the key note with
 * which a log begins, beside the log's own first key, and nothing else.
 */

#define LM_HOST_NAME_BYTES (12 + 32) /* "lemona-host/" and hex digits; no NUL */

/** The name under which it signs: SHA-256 of the key, its first half. @return 0; -EIO; -ENOMEM */
int lm_host_name(const struct lm_public_key *key, char ret_name[LM_HOST_NAME_BYTES]);

/** Append NAME+KEYID+KEY, without a newline. @return 0; -EIO; -ENOMEM */
int lm_host_key_encode(const struct lm_public_key *key, struct lm_buffer *out);

/** One newline may follow it. @return 0; -LM_E_DAMAGED (it is not the key of a host); -EIO; -ENOMEM
 */
int lm_host_key_parse(struct lm_str text, struct lm_public_key *ret_key);

/**
 * Sign the note that the buffer holds from `start` on a second time: append a line.
 *
 * @return 0; -EINVAL (that is no note); -EIO; -ENOMEM; the buffer is as it was
 */
int lm_host_sign(struct lm_buffer *out, size_t start, const struct lm_seed *host);

/** @return as lm_note_check() */
int lm_host_check(const struct lm_note *note, const struct lm_public_key *key);

/** "other-tpm" and so on: why a host's key could not be used; NULL for other states. Static. */
const char *lm_host_reason(enum lm_host_state state);
