/* SPDX-License-Identifier: MIT */
#include "lemona/base/base64.h"

#include "lemona/base/error.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void lm_buffer_append_base64(struct lm_buffer *buf, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			     (left > 2 ? p[i + 2] : 0);

		lm_buffer_append_byte(buf, (uint8_t)alphabet[v >> 18]);
		lm_buffer_append_byte(buf, (uint8_t)alphabet[v >> 12 & 63]);
		lm_buffer_append_byte(buf, (uint8_t)(left > 1 ? alphabet[v >> 6 & 63] : '='));
		lm_buffer_append_byte(buf, (uint8_t)(left > 2 ? alphabet[v & 63] : '='));
	}
}

/* The value of a character; -1 for one that is none of them. */
static int32_t read_character(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, the last `padding` of which stand for nothing. */
static int read_group(const char *text, uint32_t padding, uint8_t ret[3])
{
	uint32_t v = 0;

	for (uint32_t i = 0; i < 4; i++) {
		int32_t c = i + padding < 4 ? read_character(text[i]) : 0;

		if (c < 0)
			return -LM_E_FORMAT;
		v = v << 6 | (uint32_t)c;
	}
	if (v & ((1u << 8 * padding) - 1))
		return -LM_E_FORMAT;
	ret[0] = (uint8_t)(v >> 16);
	ret[1] = (uint8_t)(v >> 8);
	ret[2] = (uint8_t)v;
	return 0;
}

int lm_base64_decode(struct lm_str text, void *ret, size_t room, size_t *ret_len)
{
	uint32_t padding = 0;
	uint8_t *out = ret;
	size_t len;

	if (text.len % 4)
		return -LM_E_FORMAT;
	while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
		padding++;
	len = (size_t)text.len / 4 * 3 - padding;
	if (len > room)
		return -EMSGSIZE;
	for (size_t i = 0; i < text.len; i += 4) {
		uint32_t unused = i + 4 == text.len ? padding : 0;
		uint8_t group[3];
		int r = read_group(text.data + i, unused, group);

		if (r < 0)
			return r;
		memcpy(out + i / 4 * 3, group, 3 - unused);
	}
	*ret_len = len;
	return 0;
}
