/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LM_SHA256_BYTES 32

/** SHA-256 (FIPS 180-4) of bytes that come piece by piece; reused for one after the other. */
struct lm_sha256;

/** @return 0; -ENOMEM; -ENOSYS (the library does not offer SHA-256: a policy forbids it) */
int lm_sha256_new(struct lm_sha256 **ret_hash);
struct lm_sha256 *lm_sha256_free(struct lm_sha256 *hash);

/** Begin anew, whatever was there. @return 0; -EIO (the library failed) */
int lm_sha256_begin(struct lm_sha256 *hash);
/** @return 0; -EIO */
int lm_sha256_add(struct lm_sha256 *hash, const void *data, size_t len);
/** @param ret_digest  untouched on failure. @return 0; -EIO */
int lm_sha256_end(struct lm_sha256 *hash, uint8_t ret_digest[LM_SHA256_BYTES]);
