/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "host_blob.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/crypto/hash.h"

static const char long_part[HOST_BLOB_PART_BYTES + 1] = { 1 };

static const struct host_blob plain = {
	.pcrs = 1u << 23 | 1u,
	.key = { { 1, 2, 3 } },
	.sealed_public = { "public", 6 },
	.sealed_private = { "private", 7 },
};

static struct lm_str str(const struct lm_buffer *buf)
{
	return (struct lm_str){ (const char *)buf->data, (uint32_t)buf->len };
}

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

/* Have the sum fit what stands before it. */
static void sum_up(struct lm_buffer *file)
{
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	size_t summed = file->len - LM_SHA256_BYTES;

	assert_int_equal(lm_sha256_new(&hash), 0);
	assert_int_equal(lm_sha256_begin(hash), 0);
	assert_int_equal(lm_sha256_add(hash, file->data, summed), 0);
	assert_int_equal(lm_sha256_end(hash, file->data + summed), 0);
}

static void test_and_back(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct host_blob blob = plain, back;

	assert_int_equal(host_blob_encode(&blob, &out), 0);
	assert_int_equal(out.len, 48 + 6 + 7 + 32);
	assert_int_equal(host_blob_decode(str(&out), &back), 0);
	assert_int_equal(back.pcrs, blob.pcrs);
	assert_memory_equal(&back.key, &blob.key, sizeof(back.key));
	assert_true(lm_str_equal(back.sealed_public, blob.sealed_public));
	assert_true(lm_str_equal(back.sealed_private, blob.sealed_private));
	lm_buffer_reset(&out);
	blob.sealed_public = (struct lm_str){ long_part, HOST_BLOB_PART_BYTES };
	blob.sealed_private = blob.sealed_public;
	assert_int_equal(host_blob_encode(&blob, &out), 0);
	assert_int_equal(out.len, HOST_BLOB_MAX_BYTES);
	assert_int_equal(host_blob_decode(str(&out), &back), 0);
}

static void test_not_written(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct host_blob blob = plain;

	blob.pcrs = 1u << HOST_PCRS;
	assert_int_equal(host_blob_encode(&blob, &out), -EINVAL);
	blob = plain;
	blob.sealed_public.len = 0;
	assert_int_equal(host_blob_encode(&blob, &out), -EINVAL);
	blob = plain;
	blob.sealed_private = (struct lm_str){ long_part, sizeof(long_part) };
	assert_int_equal(host_blob_encode(&blob, &out), -EINVAL);
	assert_int_equal(out.len, 0);
}

static void test_every_bit(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct host_blob back;

	assert_int_equal(host_blob_encode(&plain, &out), 0);
	for (size_t i = 0; i < out.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			out.data[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(host_blob_decode(str(&out), &back),
				i < 4 ? -LM_E_FORMAT : -LM_E_DAMAGED);
			out.data[i] ^= (uint8_t)(1 << bit);
		}
	for (uint32_t len = 0; len < out.len; len++)
		assert_int_equal(
			host_blob_decode((struct lm_str){ (char *)out.data, len }, &back),
			-LM_E_DAMAGED);
}

/* What has the right sum is held against its bounds all the same. */
static void refuse(size_t at, uint8_t value, int code)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct host_blob back;

	assert_int_equal(host_blob_encode(&plain, &out), 0);
	out.data[at] = value;
	sum_up(&out);
	assert_int_equal(host_blob_decode(str(&out), &back), code);
}

static void test_hostile(void **state)
{
	refuse(4, 2, -LM_E_VERSION);
	refuse(6, 1, -LM_E_DAMAGED);
	refuse(11, 1, -LM_E_DAMAGED); /* PCR 24 */
	refuse(12, 0, -LM_E_DAMAGED);
	refuse(12, 7, -LM_E_DAMAGED);
	refuse(12, 200, -LM_E_DAMAGED);
	refuse(13, 255, -LM_E_DAMAGED);
	refuse(14, 0, -LM_E_DAMAGED);
	refuse(14, 8, -LM_E_DAMAGED);
	refuse(15, 255, -LM_E_DAMAGED);
	refuse(16, 9, 0); /* which key it is, only the TPM can tell */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_and_back),
		cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
