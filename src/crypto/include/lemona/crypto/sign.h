/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lemona/base/str.h"

/*
 * Ed25519 signatures (RFC 8032) with keys that evolve one way: each key pair comes from a seed of
 * 32 bytes, and from a seed comes the next one, by HKDF-SHA256 (RFC 5869) without salt and with
 * the info "lemona next key". Whoever learns a seed knows all later ones and no earlier one.
 */

#define LM_SEED_BYTES       32
#define LM_PUBLIC_KEY_BYTES 32
#define LM_SIGNATURE_BYTES  64

struct lm_seed {
	uint8_t bytes[LM_SEED_BYTES];
};

struct lm_public_key {
	uint8_t bytes[LM_PUBLIC_KEY_BYTES];
};

/** A seed that nobody knows (getrandom(2)). @return 0; -EIO (no random bytes) */
int lm_seed_new(struct lm_seed *ret_seed);

/** The seed after this one, which is left for the caller to wipe. @return 0; -EIO; -ENOMEM */
int lm_seed_next(const struct lm_seed *seed, struct lm_seed *ret_next);

/** Overwrite it, whatever the compiler thinks of that. */
void lm_seed_wipe(struct lm_seed *seed);

/** @return 0; -EIO (the library failed); -ENOMEM */
int lm_sign_public(const struct lm_seed *seed, struct lm_public_key *ret_key);

/** Sign all of the bytes (pure Ed25519). @return 0; -EIO; -ENOMEM */
int lm_sign(const struct lm_seed *seed, const void *data, size_t len,
	uint8_t ret_signature[LM_SIGNATURE_BYTES]);

/**
 * Key, bytes and signature may come from anywhere.
 *
 * @return 0: the key's owner signed these bytes; -LM_E_DAMAGED: not; -EIO; -ENOMEM
 */
int lm_sign_check(const struct lm_public_key *key, const void *data, size_t len,
	const uint8_t signature[LM_SIGNATURE_BYTES]);

/**
 * HKDF-SHA256: extract and expand.
 *
 * @param salt  LM_STR_NONE: as many zero bytes as a hash has
 * @param len   bytes wanted, 1..8160
 * @return 0; -EIO (the library failed, or does not offer it); -ENOMEM
 */
int lm_hkdf(struct lm_str key, struct lm_str salt, struct lm_str info, uint8_t *ret, size_t len);
