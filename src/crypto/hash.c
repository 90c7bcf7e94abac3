/* SPDX-License-Identifier: MIT */
#include "lemona/crypto/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct lm_sha256 {
	EVP_MD *algorithm;
	EVP_MD_CTX *context;
};

int lm_sha256_new(struct lm_sha256 **ret_hash)
{
	struct lm_sha256 *hash = calloc(1, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	hash->context = EVP_MD_CTX_new();
	if (!hash->context) {
		lm_sha256_free(hash);
		return -ENOMEM;
	}
	hash->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!hash->algorithm) {
		lm_sha256_free(hash);
		return -ENOSYS;
	}
	*ret_hash = hash;
	return 0;
}

struct lm_sha256 *lm_sha256_free(struct lm_sha256 *hash)
{
	if (!hash)
		return NULL;
	EVP_MD_CTX_free(hash->context);
	EVP_MD_free(hash->algorithm);
	free(hash);
	return NULL;
}

int lm_sha256_begin(struct lm_sha256 *hash)
{
	return EVP_DigestInit_ex2(hash->context, hash->algorithm, NULL) == 1 ? 0 : -EIO;
}

int lm_sha256_add(struct lm_sha256 *hash, const void *data, size_t len)
{
	return EVP_DigestUpdate(hash->context, data, len) == 1 ? 0 : -EIO;
}

int lm_sha256_end(struct lm_sha256 *hash, uint8_t ret_digest[LM_SHA256_BYTES])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (EVP_DigestFinal_ex(hash->context, digest, &len) != 1 || len != LM_SHA256_BYTES)
		return -EIO;
	memcpy(ret_digest, digest, LM_SHA256_BYTES);
	return 0;
}
