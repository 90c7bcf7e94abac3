/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/crypto/note.h"

/* How signed notes name keys, and what note.c does for the notes of a log. */

#define LM_LOG_NAME_BYTES (7 + 2 * LM_LOG_ID_BYTES) /* "lemona/" and the hex digits */

/** Name of a log's keys, and first line of its notes. No NUL. */
void lm_log_name(const uint8_t log_id[LM_LOG_ID_BYTES], char ret_name[LM_LOG_NAME_BYTES]);
/** @return 0; -LM_E_DAMAGED */
int lm_log_name_parse(struct lm_str name, uint8_t ret_log_id[LM_LOG_ID_BYTES]);

/** First four bytes of SHA-256(name || newline || 0x01 || key). @return 0; -EIO; -ENOMEM */
int lm_note_key_id(struct lm_str name, const struct lm_public_key *key, uint32_t *ret_key_id);

/* NAME+KEYID+KEY of any name. */

/** @return 0; -EIO; -ENOMEM */
int lm_note_key_append(struct lm_buffer *out, struct lm_str name, const struct lm_public_key *key);
/** @param name_len  of the name, which the caller reads. @return as lm_verifier_key_parse() */
int lm_note_key_parse(struct lm_str text, uint32_t name_len, struct lm_public_key *ret_key);

/**
 * Append the signature line of a text, which may be in the buffer itself.
 *
 * @return 0; -EIO; -ENOMEM
 */
int lm_note_append_line(struct lm_buffer *out, struct lm_str text, struct lm_str name,
	const struct lm_seed *signer);

/**
 * Sign what the buffer holds from `start` on, append the rest of the note.
 *
 * @return 0; -EIO; -ENOMEM
 */
int lm_note_append_signature(
	struct lm_buffer *out, size_t start, struct lm_str name, const struct lm_seed *signer);
