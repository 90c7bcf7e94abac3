/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A borrowed run of bytes. Names and arguments come from the kernel and from
 * intruders: they may hold any byte, so they are never assumed to be UTF-8,
 * printable or NUL-terminated.
 */
struct lm_str {
	const char *data; /* NULL only when len is 0 */
	uint32_t len;     /* bytes */
};

#define LM_STR(literal) ((struct lm_str){ (literal), sizeof(literal) - 1 })
#define LM_STR_NONE ((struct lm_str){ NULL, 0 })

static inline struct lm_str lm_str_from(const char *s)
{
	return s ? (struct lm_str){ s, (uint32_t)strlen(s) } : LM_STR_NONE;
}

static inline bool lm_str_equal(struct lm_str a, struct lm_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
