/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"

/*
 * Foreign bytes on their way out. A file name, an argument or a comm is chosen
 * by whoever is being investigated: it must not move a cursor, forge a line or
 * break a parser. Both forms are reversible.
 */

/**
 * For terminals and plain text: well-formed UTF-8 stays, except controls,
 * invisible and direction-changing characters; those and malformed bytes
 * become \n, \t, \r or \xHH byte by byte, and a backslash becomes two.
 */
void lm_buffer_append_escaped(struct lm_buffer *buf, struct lm_str s);

/**
 * For JSON: a string with its quotes, always valid UTF-8. A byte that is not
 * UTF-8 is written as the four characters \xHH; where the bytes themselves
 * read \xHH, their backslash is written as \x5c.
 */
void lm_buffer_append_json(struct lm_buffer *buf, struct lm_str s);

/**
 * The well-formed UTF-8 sequence that begins at s.
 *
 * @param left  bytes that are there, at least 1
 * @return its length; 0: there is none, ret_point untouched
 */
uint32_t lm_utf8_measure(const uint8_t *s, uint32_t left, uint32_t *ret_point);
