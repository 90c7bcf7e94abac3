/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/str.h"

/*
 * A growing byte buffer. A failed growth marks the buffer: later appends do
 * nothing and lm_buffer_status() says so once at the end, so that a formatter
 * need not check every append.
 */
struct lm_buffer {
	uint8_t *data;
	size_t len;      /* bytes in use */
	size_t capacity; /* bytes owned */
	bool failed;     /* an allocation failed or the size would overflow */
};

#define LM_BUFFER_INIT { .data = NULL }

void lm_buffer_release(struct lm_buffer *buf);
#define LM_BUFFER LM_CLEANUP(lm_buffer_release)

/** Empty the buffer, keep its memory, clear a failure. */
void lm_buffer_reset(struct lm_buffer *buf);

/* The rare half of lm_buffer_reserve(). */
int lm_buffer_grow(struct lm_buffer *buf, size_t more);

/** Make room for `more` bytes past len. @return 0 or -ENOMEM (buffer marked failed). */
static inline int lm_buffer_reserve(struct lm_buffer *buf, size_t more)
{
	if (!buf->failed && more <= buf->capacity - buf->len)
		return 0;
	return lm_buffer_grow(buf, more);
}

static inline void lm_buffer_append(struct lm_buffer *buf, const void *data, size_t len)
{
	if (len == 0 || lm_buffer_reserve(buf, len) < 0)
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

static inline void lm_buffer_append_byte(struct lm_buffer *buf, uint8_t byte)
{
	if (lm_buffer_reserve(buf, 1) < 0)
		return;
	buf->data[buf->len++] = byte;
}

void lm_buffer_append_str(struct lm_buffer *buf, struct lm_str s);
void lm_buffer_append_text(struct lm_buffer *buf, const char *text);
/** Two lower-case digits a byte. */
void lm_buffer_append_hex(struct lm_buffer *buf, const uint8_t *data, size_t len);
void lm_buffer_printf(struct lm_buffer *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** 0, or -ENOMEM if any append since the last reset could not be kept. */
int lm_buffer_status(const struct lm_buffer *buf);

/* Little-endian fixed width and LEB128 variable width integers. */
void lm_buffer_append_u16(struct lm_buffer *buf, uint16_t v);
void lm_buffer_append_u32(struct lm_buffer *buf, uint32_t v);
void lm_buffer_append_u64(struct lm_buffer *buf, uint64_t v);
void lm_buffer_append_varint(struct lm_buffer *buf, uint64_t v);
/** Zigzag: small magnitudes of either sign stay short. */
void lm_buffer_append_svarint(struct lm_buffer *buf, int64_t v);

/*
 * The reading side: a cursor over borrowed, hostile bytes. Reading past the
 * end returns zeroes and marks the cursor; check `bad` once per structure.
 */
struct lm_bytes {
	const uint8_t *pos;
	const uint8_t *end;
	bool bad; /* ran past the end, or a varint was over-long */
};

struct lm_bytes lm_bytes_from(const void *data, size_t len);
size_t lm_bytes_left(const struct lm_bytes *b);
uint8_t lm_bytes_u8(struct lm_bytes *b);
uint16_t lm_bytes_u16(struct lm_bytes *b);
uint32_t lm_bytes_u32(struct lm_bytes *b);
uint64_t lm_bytes_u64(struct lm_bytes *b);
uint64_t lm_bytes_varint(struct lm_bytes *b);
int64_t lm_bytes_svarint(struct lm_bytes *b);
/** Borrow `len` bytes; LM_STR_NONE and bad when fewer are left. */
struct lm_str lm_bytes_str(struct lm_bytes *b, size_t len);
