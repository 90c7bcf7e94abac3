/* SPDX-License-Identifier: MIT */
#include "lemona/base/escape.h"

/*
 * Unicode 15, table 3-7. Only the second byte has limits of its own: they keep out over-long
 * forms, surrogates and what lies above U+10FFFF.
 */
uint32_t lm_utf8_measure(const uint8_t *s, uint32_t left, uint32_t *ret_point)
{
	uint32_t len = s[0] < 0x80                    ? 1
		       : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
		       : s[0] >= 0xe0 && s[0] <= 0xef ? 3
		       : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						      : 0;
	uint8_t low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

	if (len == 0 || len > left)
		return 0;
	if (len == 1) {
		*ret_point = s[0];
		return 1;
	}
	uint32_t point = s[0] & (0xffu >> (len + 1));

	for (uint32_t i = 1; i < len; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
		point = point << 6 | (s[i] & 0x3f);
	}
	*ret_point = point;
	return len;
}

/* Controls (C0, DEL, C1), zero width and direction marks, line separators, tags. */
static bool is_deceptive(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xad ||
	       point == 0x61c || point == 0x180e || (point >= 0x200b && point <= 0x200f) ||
	       (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) ||
	       point == 0xfeff || (point >= 0xfff0 && point <= 0xfffb) ||
	       (point >= 0xe0000 && point <= 0xe0fff);
}

static void append_hex(struct lm_buffer *buf, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";
	const char text[4] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };

	lm_buffer_append(buf, text, sizeof(text));
}

static void append_escaped_byte(struct lm_buffer *buf, uint8_t byte)
{
	if (byte == '\n')
		lm_buffer_append_text(buf, "\\n");
	else if (byte == '\t')
		lm_buffer_append_text(buf, "\\t");
	else if (byte == '\r')
		lm_buffer_append_text(buf, "\\r");
	else
		append_hex(buf, byte);
}

void lm_buffer_append_escaped(struct lm_buffer *buf, struct lm_str s)
{
	const uint8_t *p = (const uint8_t *)s.data;

	for (uint32_t i = 0; i < s.len;) {
		uint32_t point = 0;
		uint32_t len = lm_utf8_measure(p + i, s.len - i, &point);

		if (len == 0 || is_deceptive(point)) {
			for (uint32_t n = len ? len : 1; n > 0; n--)
				append_escaped_byte(buf, p[i++]);
			continue;
		}
		if (point == '\\')
			lm_buffer_append_byte(buf, '\\');
		lm_buffer_append(buf, p + i, len);
		i += len;
	}
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Would the bytes at p be taken for one of our own escapes? */
static bool reads_as_escape(const uint8_t *p, uint32_t left)
{
	return left >= 4 && p[0] == '\\' && p[1] == 'x' && is_hex(p[2]) && is_hex(p[3]);
}

/* How many bytes from p on stand for themselves: nearly all of nearly every string. */
static uint32_t measure_plain(const uint8_t *p, uint32_t left)
{
	uint32_t len = 0;

	while (len < left && p[len] >= 0x20 && p[len] < 0x7f && p[len] != '"' && p[len] != '\\')
		len++;
	return len;
}

void lm_buffer_append_json(struct lm_buffer *buf, struct lm_str s)
{
	const uint8_t *p = (const uint8_t *)s.data;

	lm_buffer_append_byte(buf, '"');
	for (uint32_t i = 0; i < s.len;) {
		uint32_t plain = measure_plain(p + i, s.len - i);

		lm_buffer_append(buf, p + i, plain);
		i += plain;
		if (i == s.len)
			break;
		uint32_t point = 0;
		uint32_t len = lm_utf8_measure(p + i, s.len - i, &point);

		if (len == 0 || reads_as_escape(p + i, s.len - i)) {
			lm_buffer_append_byte(buf, '\\');
			append_hex(buf, p[i++]);
			continue;
		}
		if (point == '"' || point == '\\')
			lm_buffer_printf(buf, "\\%c", (int)point);
		else if (point < 0x20 || point == 0x7f)
			lm_buffer_printf(buf, "\\u%04x", point);
		else
			lm_buffer_append(buf, p + i, len);
		i += len;
	}
	lm_buffer_append_byte(buf, '"');
}
