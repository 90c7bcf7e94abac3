/* SPDX-License-Identifier: MIT */
#include "lemona/crypto/host.h"

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "note_key.h"

#define NAME_PREFIX "lemona-host/"

static const char *const reasons[] = {
	[LM_HOST_MISSING] = "missing",
	[LM_HOST_DAMAGED] = "damaged",
	[LM_HOST_OTHER_TPM] = "other-tpm",
	[LM_HOST_PCRS] = "pcrs",
	[LM_HOST_PASSWORD] = "password",
	[LM_HOST_LOCKED] = "locked",
	[LM_HOST_FAILED] = "failed",
};

const char *lm_host_reason(enum lm_host_state state)
{
	return (size_t)state < LM_ARRAY_SIZE(reasons) ? reasons[state] : NULL;
}

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

int lm_host_name(const struct lm_public_key *key, char ret_name[LM_HOST_NAME_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	const struct lm_str prefix = LM_STR(NAME_PREFIX);
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	uint8_t digest[LM_SHA256_BYTES];
	int r = lm_sha256_new(&hash);

	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	if (lm_sha256_begin(hash) < 0 ||
		lm_sha256_add(hash, key->bytes, sizeof(key->bytes)) < 0 ||
		lm_sha256_end(hash, digest) < 0)
		return -EIO;
	memcpy(ret_name, prefix.data, prefix.len);
	for (size_t i = 0; 2 * i < LM_HOST_NAME_BYTES - prefix.len; i++) {
		ret_name[prefix.len + 2 * i] = digits[digest[i] >> 4];
		ret_name[prefix.len + 2 * i + 1] = digits[digest[i] & 15];
	}
	return 0;
}

int lm_host_key_encode(const struct lm_public_key *key, struct lm_buffer *out)
{
	char name[LM_HOST_NAME_BYTES];
	int r = lm_host_name(key, name);

	return r < 0 ? r : lm_note_key_append(out, (struct lm_str){ name, sizeof(name) }, key);
}

int lm_host_key_parse(struct lm_str text, struct lm_public_key *ret_key)
{
	char name[LM_HOST_NAME_BYTES];
	struct lm_public_key key;
	int r = text.len > sizeof(name) ? lm_note_key_parse(text, sizeof(name), &key) :
					  -LM_E_DAMAGED;

	if (r == 0)
		r = lm_host_name(&key, name);
	if (r == 0 && memcmp(name, text.data, sizeof(name)) != 0)
		r = -LM_E_DAMAGED;
	if (r == 0)
		*ret_key = key;
	return r;
}

int lm_host_sign(struct lm_buffer *out, size_t start, const struct lm_seed *host)
{
	char name[LM_HOST_NAME_BYTES];
	struct lm_public_key key;
	struct lm_note note;
	struct lm_str whole;
	size_t end = out->len;
	int r = lm_buffer_status(out);

	if (r < 0)
		return r;
	whole = (struct lm_str){ (const char *)out->data + start, (uint32_t)(end - start) };
	if (lm_note_parse(whole, &note) < 0)
		return -EINVAL;
	r = lm_sign_public(host, &key);
	if (r == 0)
		r = lm_host_name(&key, name);
	if (r == 0)
		r = lm_note_append_line(
			out, note.text, (struct lm_str){ name, sizeof(name) }, host);
	if (r < 0)
		out->len = end;
	return r;
}

int lm_host_check(const struct lm_note *note, const struct lm_public_key *key)
{
	char name[LM_HOST_NAME_BYTES];
	int r = lm_host_name(key, name);

	return r < 0 ? r : lm_note_check_name(note, (struct lm_str){ name, sizeof(name) }, key);
}
