/* SPDX-License-Identifier: MIT */
#include "note_key.h"

#include "lemona/base/base64.h"
#include "lemona/base/error.h"

#define TYPE_ED25519  0x01u
#define NAME_PREFIX   "lemona/"
#define KEY_ID_DIGITS 8u

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

void lm_log_name(const uint8_t log_id[LM_LOG_ID_BYTES], char ret_name[LM_LOG_NAME_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	const struct lm_str prefix = LM_STR(NAME_PREFIX);

	memcpy(ret_name, prefix.data, prefix.len);
	for (size_t i = 0; i < LM_LOG_ID_BYTES; i++) {
		ret_name[prefix.len + 2 * i] = digits[log_id[i] >> 4];
		ret_name[prefix.len + 2 * i + 1] = digits[log_id[i] & 15];
	}
}

/* The value of lower-case hex digits, at most 16 of them; false for anything else. */
static bool read_hex(struct lm_str s, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_value = value;
	return true;
}

int lm_log_name_parse(struct lm_str name, uint8_t ret_log_id[LM_LOG_ID_BYTES])
{
	const struct lm_str prefix = LM_STR(NAME_PREFIX);
	uint8_t log_id[LM_LOG_ID_BYTES];

	if (name.len != LM_LOG_NAME_BYTES || memcmp(name.data, prefix.data, prefix.len) != 0)
		return -LM_E_DAMAGED;
	for (size_t i = 0; i < LM_LOG_ID_BYTES; i++) {
		uint64_t value;

		if (!read_hex((struct lm_str){ name.data + prefix.len + 2 * i, 2 }, &value))
			return -LM_E_DAMAGED;
		log_id[i] = (uint8_t)value;
	}
	memcpy(ret_log_id, log_id, sizeof(log_id));
	return 0;
}

int lm_note_key_id(struct lm_str name, const struct lm_public_key *key, uint32_t *ret_key_id)
{
	static const uint8_t between[2] = { '\n', TYPE_ED25519 };
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	uint8_t digest[LM_SHA256_BYTES];
	int r = lm_sha256_new(&hash);

	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	if (lm_sha256_begin(hash) < 0 || lm_sha256_add(hash, name.data, name.len) < 0 ||
		lm_sha256_add(hash, between, sizeof(between)) < 0 ||
		lm_sha256_add(hash, key->bytes, sizeof(key->bytes)) < 0 ||
		lm_sha256_end(hash, digest) < 0)
		return -EIO;
	*ret_key_id = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
		      (uint32_t)digest[2] << 8 | digest[3];
	return 0;
}

int lm_note_key_append(struct lm_buffer *out, struct lm_str name, const struct lm_public_key *key)
{
	uint8_t bytes[1 + LM_PUBLIC_KEY_BYTES] = { TYPE_ED25519 };
	uint32_t key_id;
	int r = lm_note_key_id(name, key, &key_id);

	if (r < 0)
		return r;
	memcpy(bytes + 1, key->bytes, sizeof(key->bytes));
	lm_buffer_append_str(out, name);
	lm_buffer_printf(out, "+%08x+", key_id);
	lm_buffer_append_base64(out, bytes, sizeof(bytes));
	return lm_buffer_status(out);
}

int lm_note_key_parse(struct lm_str text, uint32_t name_len, struct lm_public_key *ret_key)
{
	const uint32_t key_at = name_len + 1 + KEY_ID_DIGITS + 1;
	struct lm_str name = { text.data, name_len };
	uint8_t bytes[1 + LM_PUBLIC_KEY_BYTES];
	struct lm_public_key key;
	uint64_t said;
	uint32_t key_id;
	size_t len;
	int r;

	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len <= key_at || text.data[name_len] != '+' || text.data[key_at - 1] != '+' ||
		!read_hex((struct lm_str){ text.data + name_len + 1, KEY_ID_DIGITS }, &said))
		return -LM_E_DAMAGED;
	text = (struct lm_str){ text.data + key_at, text.len - key_at };
	if (lm_base64_decode(text, bytes, sizeof(bytes), &len) < 0 || len != sizeof(bytes) ||
		bytes[0] != TYPE_ED25519)
		return -LM_E_DAMAGED;
	memcpy(key.bytes, bytes + 1, sizeof(key.bytes));
	r = lm_note_key_id(name, &key, &key_id);
	if (r < 0)
		return r;
	if (key_id != said)
		return -LM_E_DAMAGED;
	*ret_key = key;
	return 0;
}

int lm_verifier_key_encode(const uint8_t log_id[LM_LOG_ID_BYTES], const struct lm_public_key *key,
	struct lm_buffer *out)
{
	char name[LM_LOG_NAME_BYTES];

	lm_log_name(log_id, name);
	return lm_note_key_append(out, (struct lm_str){ name, sizeof(name) }, key);
}

int lm_verifier_key_parse(
	struct lm_str text, uint8_t ret_log_id[LM_LOG_ID_BYTES], struct lm_public_key *ret_key)
{
	struct lm_str name = { text.data, LM_LOG_NAME_BYTES };
	uint8_t log_id[LM_LOG_ID_BYTES];
	int r;

	if (text.len <= LM_LOG_NAME_BYTES || lm_log_name_parse(name, log_id) < 0)
		return -LM_E_DAMAGED;
	r = lm_note_key_parse(text, LM_LOG_NAME_BYTES, ret_key);
	if (r < 0)
		return r;
	memcpy(ret_log_id, log_id, sizeof(log_id));
	return 0;
}
