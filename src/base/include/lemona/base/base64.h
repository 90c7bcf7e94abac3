/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"

/* Base 64 with its standard alphabet and padding (RFC 4648, section 4). */

/** Characters that `len` bytes become. */
#define LM_BASE64_CHARS(len) (((len) + 2) / 3 * 4)

void lm_buffer_append_base64(struct lm_buffer *buf, const void *data, size_t len);

/**
 * Read base 64 from anywhere: there is one text for each run of bytes, and every other is refused
 * (unused bits that are set, missing padding, line breaks).
 *
 * @param ret      `room` bytes; what it holds on failure means nothing
 * @param ret_len  bytes; untouched on failure
 * @return 0; -LM_E_FORMAT; -EMSGSIZE (more than `room` bytes)
 */
int lm_base64_decode(struct lm_str text, void *ret, size_t room, size_t *ret_len);
