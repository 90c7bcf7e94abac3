/* SPDX-License-Identifier: MIT */
#include "lemona/base/text.h"

/* Length of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), 0 when it is none. */
static size_t decode_utf8(const uint8_t *p, size_t left, uint32_t *ret_point)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
		p[0] < 0xf5 ? 4 : 0;
	uint32_t point;

	if (len == 0 || len > left)
		return 0;
	point = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (p[i] & 0x3f);
	}
	if ((len == 3 && point < 0x800) || (len == 4 && point < 0x10000) || point > 0x10ffff ||
		(point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret_point = point;
	return len;
}

/* Code points that a terminal does not show as themselves, or that move what stands around them. */
static bool is_hidden(uint32_t point)
{
	return (point >= 0x80 && point < 0xa0) || point == 0xad || point == 0x61c ||
		(point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
		(point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
		(point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe007f);
}

static void escape_byte(struct lm_buffer *buf, uint8_t byte)
{
	switch (byte) {
	case '\n':
		lm_buffer_append_text(buf, "\\n");
		break;
	case '\t':
		lm_buffer_append_text(buf, "\\t");
		break;
	case '\r':
		lm_buffer_append_text(buf, "\\r");
		break;
	case '\\':
		lm_buffer_append_text(buf, "\\\\");
		break;
	default:
		lm_buffer_printf(buf, "\\x%02x", byte);
	}
}

void lm_text_escape(struct lm_buffer *buf, struct lm_str s)
{
	const uint8_t *p = (const uint8_t *)s.data;
	size_t left = s.len;

	while (left > 0) {
		uint32_t point = 0;
		size_t len = decode_utf8(p, left, &point);

		if (len == 0 || (len == 1 && (point < 0x20 || point == 0x7f || point == '\\'))) {
			escape_byte(buf, *p);
			len = 1;
		} else if (is_hidden(point)) {
			lm_buffer_printf(buf, "\\u{%x}", point);
		} else {
			lm_buffer_append(buf, p, len);
		}
		p += len;
		left -= len;
	}
}
