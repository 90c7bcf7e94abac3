/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "lemona/base/time.h"

bool text_skip(struct lm_str *text, const char *word)
{
	uint32_t len = (uint32_t)strlen(word);

	if (text->len < len || memcmp(text->data, word, len) != 0)
		return false;
	text->data += len;
	text->len -= len;
	return true;
}

void text_skip_blanks(struct lm_str *text)
{
	while (text->len && (*text->data == ' ' || *text->data == '\t')) {
		text->data++;
		text->len--;
	}
}

bool text_take_until(struct lm_str *text, char c, struct lm_str *ret_before)
{
	const char *found = text->len ? memchr(text->data, c, text->len) : NULL;

	if (!found)
		return false;
	*ret_before = (struct lm_str){ text->data, (uint32_t)(found - text->data) };
	text->data = found + 1;
	text->len -= ret_before->len + 1;
	return true;
}

bool text_has(struct lm_str text, const char *word)
{
	return text.len && memmem(text.data, text.len, word, strlen(word));
}

/* @return the digit's value, or one that no base has */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return UINT32_MAX;
}

bool text_take_u64(struct lm_str *text, unsigned int base, uint64_t *ret_value)
{
	struct lm_str left = *text;
	uint64_t value = 0;
	uint32_t count = 0;

	if (base == 0 || base == 16) {
		if (text_skip(&left, "0x"))
			base = 16;
		else if (base == 0)
			base = left.len && *left.data == '0' ? 8 : 10;
	}
	for (; left.len && digit_of(*left.data) < base; left.data++, left.len--, count++)
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit_of(*left.data), &value))
			return false;
	if (count == 0)
		return false;
	*text = left;
	*ret_value = value;
	return true;
}

uint64_t text_u64(struct lm_str text, unsigned int base)
{
	uint64_t value = 0;

	return text_take_u64(&text, base, &value) ? value : 0;
}

int64_t text_i64(struct lm_str text)
{
	bool negative = text_skip(&text, "-");
	uint64_t value = text_u64(text, 10);

	return (int64_t)(negative ? 0 - value : value);
}

bool text_take_seconds(struct lm_str *text, uint64_t *ret_ns)
{
	struct lm_str left = *text;
	uint64_t seconds, ns = 0, unit = LM_NS_PER_SEC;

	if (!text_take_u64(&left, 10, &seconds) || seconds > INT64_MAX / LM_NS_PER_SEC - 1)
		return false;
	if (text_skip(&left, ".")) {
		for (; left.len && digit_of(*left.data) < 10; left.data++, left.len--) {
			unit /= 10;
			ns += digit_of(*left.data) * unit;
		}
	}
	*text = left;
	*ret_ns = seconds * LM_NS_PER_SEC + ns;
	return true;
}

bool text_append_unhex(struct lm_buffer *to, struct lm_str text)
{
	if (text.len % 2)
		return false;
	for (uint32_t i = 0; i < text.len; i++)
		if (digit_of(text.data[i]) >= 16)
			return false;
	for (uint32_t i = 0; i < text.len; i += 2)
		lm_buffer_append_byte(to, (uint8_t)(digit_of(text.data[i]) << 4 |
			digit_of(text.data[i + 1])));
	return true;
}
