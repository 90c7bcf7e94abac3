/* SPDX-License-Identifier: MIT */
#include "lemona/crypto/note.h"

#include "lemona/base/base64.h"
#include "lemona/base/error.h"
#include "lemona/base/escape.h"
#include "note_key.h"

#define DASH           "\xe2\x80\x94 " /* U+2014 and a space: a signature line begins so */
#define LINE_BYTES_MAX 8192u /* of key id and signature; those of ML-DSA need less than 5000 */

/* Unicode's white space. */
static bool is_space(uint32_t point)
{
	return point <= 0x20 || point == 0x85 || point == 0xa0 || point == 0x1680 ||
	       (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 ||
	       point == 0x202f || point == 0x205f || point == 0x3000;
}

/* UTF-8 without controls other than the newline. */
static bool is_note_text(struct lm_str s)
{
	uint32_t i = 0;

	while (i < s.len) {
		uint32_t point = 0;
		uint32_t len = lm_utf8_measure((const uint8_t *)s.data + i, s.len - i, &point);

		if (len == 0 || (point < 0x20 && point != '\n'))
			return false;
		i += len;
	}
	return true;
}

/* Of bytes that are UTF-8. */
static bool is_key_name(struct lm_str name)
{
	uint32_t i = 0;

	while (i < name.len) {
		uint32_t point = 0;

		i += lm_utf8_measure((const uint8_t *)name.data + i, name.len - i, &point);
		if (is_space(point) || point == '+')
			return false;
	}
	return name.len > 0;
}

/* "— NAME BASE64", without its newline. */
static int parse_line(struct lm_str s, struct lm_note_line *ret_line)
{
	const struct lm_str dash = LM_STR(DASH);
	struct lm_note_line line = { .signature_bytes = 0 };
	uint8_t bytes[LINE_BYTES_MAX];
	struct lm_str text;
	const char *space;
	size_t len;

	if (s.len < dash.len || memcmp(s.data, dash.data, dash.len) != 0)
		return -LM_E_DAMAGED;
	line.name.data = s.data + dash.len;
	space = memchr(line.name.data, ' ', s.len - dash.len);
	if (!space)
		return -LM_E_DAMAGED;
	line.name.len = (uint32_t)(space - line.name.data);
	text = (struct lm_str){ space + 1, (uint32_t)(s.data + s.len - space - 1) };
	if (!is_key_name(line.name) || lm_base64_decode(text, bytes, sizeof(bytes), &len) < 0 ||
		len <= sizeof(line.key_id))
		return -LM_E_DAMAGED;
	for (size_t i = 0; i < sizeof(line.key_id); i++)
		line.key_id = line.key_id << 8 | bytes[i];
	line.signature_bytes = (uint32_t)(len - sizeof(line.key_id));
	if (line.signature_bytes == LM_SIGNATURE_BYTES)
		memcpy(line.signature, bytes + sizeof(line.key_id), LM_SIGNATURE_BYTES);
	*ret_line = line;
	return 0;
}

/* Where the last empty line begins; 0 if there is none behind any text. */
static uint32_t find_separator(struct lm_str bytes)
{
	for (uint32_t i = bytes.len; i >= 2; i--)
		if (bytes.data[i - 1] == '\n' && bytes.data[i - 2] == '\n')
			return i - 1;
	return 0;
}

int lm_note_parse(struct lm_str bytes, struct lm_note *ret_note)
{
	struct lm_note note = { .count = 0 };
	uint32_t separator, pos;

	if (bytes.len > LM_NOTE_OUTSIDE_MAX_BYTES || !is_note_text(bytes))
		return -LM_E_DAMAGED;
	separator = find_separator(bytes);
	if (separator == 0)
		return -LM_E_DAMAGED;
	note.text = (struct lm_str){ bytes.data, separator };
	for (pos = separator + 1; pos < bytes.len; note.count++) {
		struct lm_str line = { bytes.data + pos, 0 };
		const char *end = memchr(line.data, '\n', bytes.len - pos);

		if (!end || note.count == LM_NOTE_LINES)
			return -LM_E_DAMAGED;
		line.len = (uint32_t)(end - line.data);
		if (parse_line(line, &note.lines[note.count]) < 0)
			return -LM_E_DAMAGED;
		pos += line.len + 1;
	}
	if (note.count == 0)
		return -LM_E_DAMAGED;
	*ret_note = note;
	return 0;
}

int lm_note_check_name(
	const struct lm_note *note, struct lm_str name, const struct lm_public_key *key)
{
	uint32_t key_id;
	int found = -LM_E_WRONG_KEY;
	int r = lm_note_key_id(name, key, &key_id);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < note->count; i++) {
		const struct lm_note_line *line = &note->lines[i];

		if (line->key_id != key_id || !lm_str_equal(line->name, name))
			continue;
		if (line->signature_bytes != LM_SIGNATURE_BYTES)
			return -LM_E_DAMAGED;
		r = lm_sign_check(key, note->text.data, note->text.len, line->signature);
		if (r < 0)
			return r;
		found = 0;
	}
	return found;
}

int lm_note_check(const struct lm_note *note, const struct lm_public_key *key)
{
	/* A note's text ends with a newline. */
	const char *end = memchr(note->text.data, '\n', note->text.len);
	struct lm_str name = { note->text.data, (uint32_t)(end - note->text.data) };

	return lm_note_check_name(note, name, key);
}

int lm_note_append_line(
	struct lm_buffer *out, struct lm_str text, struct lm_str name, const struct lm_seed *signer)
{
	uint8_t bytes[4 + LM_SIGNATURE_BYTES];
	struct lm_public_key key;
	uint32_t key_id;
	int r = lm_sign_public(signer, &key);

	if (r == 0)
		r = lm_note_key_id(name, &key, &key_id);
	if (r == 0)
		r = lm_sign(signer, text.data, text.len, bytes + 4);
	if (r < 0)
		return r;
	for (size_t i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(key_id >> (24 - 8 * i));
	lm_buffer_append_text(out, DASH);
	lm_buffer_append_str(out, name);
	lm_buffer_append_byte(out, ' ');
	lm_buffer_append_base64(out, bytes, sizeof(bytes));
	lm_buffer_append_byte(out, '\n');
	return lm_buffer_status(out);
}

int lm_note_append_signature(
	struct lm_buffer *out, size_t start, struct lm_str name, const struct lm_seed *signer)
{
	size_t len = out->len - start;

	lm_buffer_append_byte(out, '\n');
	if (lm_buffer_status(out) < 0)
		return -ENOMEM;
	return lm_note_append_line(out,
		(struct lm_str){ (const char *)out->data + start, (uint32_t)len }, name, signer);
}
