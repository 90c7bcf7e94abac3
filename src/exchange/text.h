/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/buffer.h"
#include "lemona/base/str.h"

/* Taking foreign text apart. Nothing here reads past the end of what it is given. */

/** Step over `word` if the text begins with it. @return whether it did */
bool text_skip(struct lm_str *text, const char *word);
/** Step over blanks. */
void text_skip_blanks(struct lm_str *text);
/** Step to behind the next `c`. @return false: there is none, nothing was taken */
bool text_take_until(struct lm_str *text, char c, struct lm_str *ret_before);
bool text_has(struct lm_str text, const char *word);

/**
 * A number without sign. Base 0: "0x" and "0" say which, else ten.
 *
 * @return false: it begins with no digit, or is larger than 64 bits; nothing was taken
 */
bool text_take_u64(struct lm_str *text, unsigned int base, uint64_t *ret_value);
/** All of the text as a number; 0 where it is none. */
uint64_t text_u64(struct lm_str text, unsigned int base);
/** Decimal, with a sign perhaps. */
int64_t text_i64(struct lm_str text);
/** Seconds with up to nine decimals. @return false: it is none, nothing was taken */
bool text_take_seconds(struct lm_str *text, uint64_t *ret_ns);

/** Append what pairs of hexadecimal digits say. @return false: it is something else */
bool text_append_unhex(struct lm_buffer *to, struct lm_str text);
