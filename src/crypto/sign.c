/* SPDX-License-Identifier: MIT */
#include "lemona/crypto/sign.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/random.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

static void cleanup_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void cleanup_context(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static void cleanup_kdf(EVP_KDF **kdf)
{
	EVP_KDF_free(*kdf);
}

static void cleanup_kdf_context(EVP_KDF_CTX **context)
{
	EVP_KDF_CTX_free(*context);
}

int lm_seed_new(struct lm_seed *ret_seed)
{
	struct lm_seed seed;

	/* Up to 256 bytes come whole or not at all, and no signal interrupts them. */
	if (getrandom(seed.bytes, sizeof(seed.bytes), 0) != (ssize_t)sizeof(seed.bytes))
		return -EIO;
	*ret_seed = seed;
	lm_seed_wipe(&seed);
	return 0;
}

int lm_seed_next(const struct lm_seed *seed, struct lm_seed *ret_next)
{
	struct lm_str key = { (const char *)seed->bytes, sizeof(seed->bytes) };
	struct lm_seed next;
	int r = lm_hkdf(
		key, LM_STR_NONE, LM_STR("lemona next key"), next.bytes, sizeof(next.bytes));

	if (r < 0)
		return r;
	*ret_next = next;
	lm_seed_wipe(&next);
	return 0;
}

void lm_seed_wipe(struct lm_seed *seed)
{
	OPENSSL_cleanse(seed->bytes, sizeof(seed->bytes));
}

/* The key pair of a seed; OpenSSL wipes its copy when the key is freed. */
static EVP_PKEY *open_seed(const struct lm_seed *seed)
{
	return EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, seed->bytes, sizeof(seed->bytes));
}

int lm_sign_public(const struct lm_seed *seed, struct lm_public_key *ret_key)
{
	LM_CLEANUP(cleanup_pkey) EVP_PKEY *pair = open_seed(seed);
	struct lm_public_key key;
	size_t len = sizeof(key.bytes);

	if (!pair || EVP_PKEY_get_raw_public_key(pair, key.bytes, &len) != 1 ||
		len != sizeof(key.bytes))
		return -EIO;
	*ret_key = key;
	return 0;
}

int lm_sign(const struct lm_seed *seed, const void *data, size_t len,
	uint8_t ret_signature[LM_SIGNATURE_BYTES])
{
	LM_CLEANUP(cleanup_pkey) EVP_PKEY *pair = open_seed(seed);
	LM_CLEANUP(cleanup_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t signature[LM_SIGNATURE_BYTES];
	size_t signature_len = sizeof(signature);

	if (!context)
		return -ENOMEM;
	if (!pair || EVP_DigestSignInit(context, NULL, NULL, NULL, pair) != 1 ||
		EVP_DigestSign(context, signature, &signature_len, data, len) != 1 ||
		signature_len != sizeof(signature))
		return -EIO;
	memcpy(ret_signature, signature, sizeof(signature));
	return 0;
}

int lm_sign_check(const struct lm_public_key *key, const void *data, size_t len,
	const uint8_t signature[LM_SIGNATURE_BYTES])
{
	LM_CLEANUP(cleanup_pkey)
	EVP_PKEY *public =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof(key->bytes));
	LM_CLEANUP(cleanup_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
	int r;

	if (!context)
		return -ENOMEM;
	if (!public || EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) != 1)
		return -EIO;
	r = EVP_DigestVerify(context, signature, LM_SIGNATURE_BYTES, data, len);
	if (r == 1)
		return 0;
	return r == 0 ? -LM_E_DAMAGED : -EIO;
}

int lm_hkdf(struct lm_str key, struct lm_str salt, struct lm_str info, uint8_t *ret, size_t len)
{
	LM_CLEANUP(cleanup_kdf) EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	LM_CLEANUP(cleanup_kdf_context) EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[5];
	size_t count = 0;

	if (!kdf)
		return -EIO;
	if (!context)
		return -ENOMEM;
	params[count++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[count++] =
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key.data, key.len);
	if (salt.len > 0)
		params[count++] = OSSL_PARAM_construct_octet_string(
			OSSL_KDF_PARAM_SALT, (void *)salt.data, salt.len);
	params[count++] =
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.data, info.len);
	params[count] = OSSL_PARAM_construct_end();
	return EVP_KDF_derive(context, ret, len, params) == 1 ? 0 : -EIO;
}
