/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "hex.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/crypto/sign.h"

/* RFC 8032, section 7.1, tests 1 to 3. */
static const struct {
	const char *seed, *key, *message, *signature;
} signatures[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc"
		"61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e4"
		"58f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290a"
		"e67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

static void test_signatures(void **state)
{
	for (size_t i = 0; i < LM_ARRAY_SIZE(signatures); i++) {
		uint8_t message[8], want[LM_SIGNATURE_BYTES], got[LM_SIGNATURE_BYTES];
		size_t len = read_hex(signatures[i].message, message, sizeof(message));
		struct lm_public_key key, want_key;
		struct lm_seed seed;

		read_hex(signatures[i].seed, seed.bytes, sizeof(seed.bytes));
		read_hex(signatures[i].key, want_key.bytes, sizeof(want_key.bytes));
		assert_int_equal(
			read_hex(signatures[i].signature, want, sizeof(want)), sizeof(want));
		assert_int_equal(lm_sign_public(&seed, &key), 0);
		assert_memory_equal(&key, &want_key, sizeof(key));
		assert_int_equal(lm_sign(&seed, message, len, got), 0);
		assert_memory_equal(got, want, sizeof(got));
		assert_int_equal(lm_sign_check(&key, message, len, got), 0);
	}
}

/* Each bit of key, message and signature matters; so does the length. */
static void test_other_bits(void **state)
{
	uint8_t message[4] = { 1, 2, 3, 4 }, signature[LM_SIGNATURE_BYTES];
	struct lm_public_key key;
	struct lm_seed seed;

	assert_int_equal(lm_seed_new(&seed), 0);
	assert_int_equal(lm_sign_public(&seed, &key), 0);
	assert_int_equal(lm_sign(&seed, message, sizeof(message), signature), 0);
	for (size_t i = 0; i < 8 * (sizeof(message) + sizeof(signature) + sizeof(key)); i++) {
		uint8_t *p = i < 8 * sizeof(message)                         ? message
			     : i < 8 * (sizeof(message) + sizeof(signature)) ? signature
									     : key.bytes;
		size_t bit = p == message     ? i
			     : p == signature ? i - 8 * sizeof(message)
					      : i - 8 * (sizeof(message) + sizeof(signature));

		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(
			lm_sign_check(&key, message, sizeof(message), signature), -LM_E_DAMAGED);
		p[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(lm_sign_check(&key, message, sizeof(message), signature), 0);
	assert_int_equal(lm_sign_check(&key, message, 3, signature), -LM_E_DAMAGED);
}

/* RFC 5869, appendix A, tests 1 to 3. */
static void test_hkdf(void **state)
{
	uint8_t key[80], salt[80], info[80], got[82], want[82];

	memset(key, 0x0b, 22);
	for (size_t i = 0; i < 13; i++)
		salt[i] = (uint8_t)i;
	for (size_t i = 0; i < 10; i++)
		info[i] = (uint8_t)(0xf0 + i);
	read_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b88718"
		 "5865",
		want, sizeof(want));
	assert_int_equal(
		lm_hkdf((struct lm_str){ (char *)key, 22 }, (struct lm_str){ (char *)salt, 13 },
			(struct lm_str){ (char *)info, 10 }, got, 42),
		0);
	assert_memory_equal(got, want, 42);

	read_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a"
		 "96c8",
		want, sizeof(want));
	assert_int_equal(
		lm_hkdf((struct lm_str){ (char *)key, 22 }, LM_STR_NONE, LM_STR_NONE, got, 42), 0);
	assert_memory_equal(got, want, 42);

	for (size_t i = 0; i < 80; i++) {
		key[i] = (uint8_t)i;
		salt[i] = (uint8_t)(0x60 + i);
		info[i] = (uint8_t)(0xb0 + i);
	}
	read_hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac78272"
		 "71cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f"
		 "1d87",
		want, sizeof(want));
	assert_int_equal(
		lm_hkdf((struct lm_str){ (char *)key, 80 }, (struct lm_str){ (char *)salt, 80 },
			(struct lm_str){ (char *)info, 80 }, got, 82),
		0);
	assert_memory_equal(got, want, 82);
}

/* The chain of seeds; the numbers were computed with Python's hmac. */
static void test_next_seed(void **state)
{
	struct lm_seed seed, next, want;

	for (size_t i = 0; i < sizeof(seed.bytes); i++)
		seed.bytes[i] = (uint8_t)i;
	read_hex("9dce92cbc55169001f2490cf54083e3a2410c2b18dfa001b61b8993d6ee34efb", want.bytes,
		sizeof(want.bytes));
	assert_int_equal(lm_seed_next(&seed, &next), 0);
	assert_memory_equal(&next, &want, sizeof(next));
	read_hex("a29b1c9fdcf3f6b0db582afe153b71c0380282fd4834ee769e2c73212abef774", want.bytes,
		sizeof(want.bytes));
	assert_int_equal(lm_seed_next(&next, &next), 0);
	assert_memory_equal(&next, &want, sizeof(next));
}

static void test_seeds_differ_and_go(void **state)
{
	static const struct lm_seed none;
	struct lm_seed a, b;

	assert_int_equal(lm_seed_new(&a), 0);
	assert_int_equal(lm_seed_new(&b), 0);
	assert_memory_not_equal(&a, &b, sizeof(a));
	lm_seed_wipe(&a);
	assert_memory_equal(&a, &none, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_other_bits),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_next_seed),
		cmocka_unit_test(test_seeds_differ_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
