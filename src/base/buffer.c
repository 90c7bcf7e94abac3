/* SPDX-License-Identifier: MIT */
#include "lemona/base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_BYTES 256u
#define VARINT_MAX_BYTES 10u

void lm_buffer_release(struct lm_buffer *buf)
{
	free(buf->data);
	*buf = (struct lm_buffer)LM_BUFFER_INIT;
}

void lm_buffer_reset(struct lm_buffer *buf)
{
	buf->len = 0;
	buf->failed = false;
}

int lm_buffer_grow(struct lm_buffer *buf, size_t more)
{
	size_t need, capacity;
	uint8_t *data;

	if (buf->failed)
		return -ENOMEM;
	if (__builtin_add_overflow(buf->len, more, &need))
		goto fail;
	capacity = buf->capacity ? buf->capacity : BUFFER_FIRST_BYTES;
	while (capacity < need)
		if (__builtin_mul_overflow(capacity, (size_t)2, &capacity))
			goto fail;
	data = realloc(buf->data, capacity);
	if (!data)
		goto fail;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
fail:
	buf->failed = true;
	return -ENOMEM;
}

void lm_buffer_append_str(struct lm_buffer *buf, struct lm_str s)
{
	lm_buffer_append(buf, s.data, s.len);
}

void lm_buffer_append_text(struct lm_buffer *buf, const char *text)
{
	lm_buffer_append(buf, text, strlen(text));
}

void lm_buffer_append_hex(struct lm_buffer *buf, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		lm_buffer_append_byte(buf, (uint8_t)digits[data[i] >> 4]);
		lm_buffer_append_byte(buf, (uint8_t)digits[data[i] & 15]);
	}
}

void lm_buffer_printf(struct lm_buffer *buf, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	/* vsnprintf() ends with a NUL, which is written and not counted. */
	if (lm_buffer_reserve(buf, (size_t)n + 1) < 0)
		return;
	va_start(args, fmt);
	vsnprintf((char *)buf->data + buf->len, (size_t)n + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)n;
}

int lm_buffer_status(const struct lm_buffer *buf)
{
	return buf->failed ? -ENOMEM : 0;
}

static void append_little_endian(struct lm_buffer *buf, uint64_t v, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(v >> (8 * i));
	lm_buffer_append(buf, bytes, width);
}

void lm_buffer_append_u16(struct lm_buffer *buf, uint16_t v)
{
	append_little_endian(buf, v, sizeof(v));
}

void lm_buffer_append_u32(struct lm_buffer *buf, uint32_t v)
{
	append_little_endian(buf, v, sizeof(v));
}

void lm_buffer_append_u64(struct lm_buffer *buf, uint64_t v)
{
	append_little_endian(buf, v, sizeof(v));
}

void lm_buffer_append_varint(struct lm_buffer *buf, uint64_t v)
{
	uint8_t *p;

	if (lm_buffer_reserve(buf, VARINT_MAX_BYTES) < 0)
		return;
	p = buf->data + buf->len;
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	buf->len = (size_t)(p - buf->data);
}

void lm_buffer_append_svarint(struct lm_buffer *buf, int64_t v)
{
	lm_buffer_append_varint(buf, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

struct lm_bytes lm_bytes_from(const void *data, size_t len)
{
	static const uint8_t nothing[1];
	const uint8_t *pos = data ? data : nothing;

	return (struct lm_bytes){ .pos = pos, .end = pos + (data ? len : 0) };
}

size_t lm_bytes_left(const struct lm_bytes *b)
{
	return (size_t)(b->end - b->pos);
}

static uint64_t read_little_endian(struct lm_bytes *b, size_t width)
{
	uint64_t v = 0;

	if (b->bad || lm_bytes_left(b) < width) {
		b->bad = true;
		return 0;
	}
	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)b->pos[i] << (8 * i);
	b->pos += width;
	return v;
}

uint8_t lm_bytes_u8(struct lm_bytes *b)
{
	return (uint8_t)read_little_endian(b, 1);
}

uint16_t lm_bytes_u16(struct lm_bytes *b)
{
	return (uint16_t)read_little_endian(b, 2);
}

uint32_t lm_bytes_u32(struct lm_bytes *b)
{
	return (uint32_t)read_little_endian(b, 4);
}

uint64_t lm_bytes_u64(struct lm_bytes *b)
{
	return read_little_endian(b, 8);
}

uint64_t lm_bytes_varint(struct lm_bytes *b)
{
	const uint8_t *p = b->pos;
	uint64_t v = 0;

	if (b->bad)
		return 0;
	for (unsigned int shift = 0; shift < 64 && p < b->end; shift += 7) {
		uint8_t byte = *p++;

		/* The tenth byte has room for one bit; a last byte of zero is over-long. */
		if ((shift == 63 && byte > 1) || (byte == 0 && shift > 0))
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			b->pos = p;
			return v;
		}
	}
	b->bad = true;
	return 0;
}

int64_t lm_bytes_svarint(struct lm_bytes *b)
{
	uint64_t v = lm_bytes_varint(b);

	return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

struct lm_str lm_bytes_str(struct lm_bytes *b, size_t len)
{
	struct lm_str s;

	if (b->bad || lm_bytes_left(b) < len || len > UINT32_MAX) {
		b->bad = true;
		return LM_STR_NONE;
	}
	if (len == 0)
		return LM_STR_NONE;
	s = (struct lm_str){ (const char *)b->pos, (uint32_t)len };
	b->pos += len;
	return s;
}
