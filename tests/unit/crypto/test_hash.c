/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lemona/crypto/hash.h"

/* Examples of FIPS 180-2, appendix B, and the empty message. */
static const struct {
	const char *message;
	uint8_t digest[4]; /* its first bytes */
} examples[] = {
	{ "", { 0xe3, 0xb0, 0xc4, 0x42 } },
	{ "abc", { 0xba, 0x78, 0x16, 0xbf } },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		{ 0x24, 0x8d, 0x6a, 0x61 } },
};

static void test_examples(void **state)
{
	struct lm_sha256 *hash = NULL;
	uint8_t digest[LM_SHA256_BYTES];

	assert_int_equal(lm_sha256_new(&hash), 0);
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const char *message = examples[i].message;
		size_t half = strlen(message) / 2;

		assert_int_equal(lm_sha256_begin(hash), 0);
		assert_int_equal(lm_sha256_add(hash, message, half), 0);
		assert_int_equal(lm_sha256_add(hash, message + half, strlen(message) - half), 0);
		assert_int_equal(lm_sha256_end(hash, digest), 0);
		assert_memory_equal(digest, examples[i].digest, sizeof(examples[i].digest));
	}
	lm_sha256_free(hash);
}

/* What was begun and not ended leaves no trace. */
static void test_begun_anew(void **state)
{
	struct lm_sha256 *hash = NULL;
	uint8_t digest[LM_SHA256_BYTES];

	assert_int_equal(lm_sha256_new(&hash), 0);
	assert_int_equal(lm_sha256_begin(hash), 0);
	assert_int_equal(lm_sha256_add(hash, "x", 1), 0);
	assert_int_equal(lm_sha256_begin(hash), 0);
	assert_int_equal(lm_sha256_end(hash, digest), 0);
	assert_memory_equal(digest, examples[0].digest, sizeof(examples[0].digest));
	lm_sha256_free(hash);
	assert_null(lm_sha256_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_begun_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
