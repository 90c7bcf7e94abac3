/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/base/error.h"
#include "lemona/crypto/merkle.h"

#define LEAVES 70

struct fixture {
	struct lm_sha256 *hash;
	struct lm_digest leaves[LEAVES];
	struct lm_digest roots[LEAVES + 1]; /* by size */
	uint32_t asked[LEAVES];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct lm_merkle_tree tree = { 0 };

	assert_non_null(f);
	assert_int_equal(lm_sha256_new(&f->hash), 0);
	assert_int_equal(lm_merkle_root(f->hash, &tree, &f->roots[0]), 0);
	for (uint32_t i = 0; i < LEAVES; i++) {
		assert_int_equal(lm_merkle_leaf(f->hash, &i, sizeof(i), &f->leaves[i]), 0);
		assert_int_equal(lm_merkle_add(f->hash, &tree, &f->leaves[i]), 0);
		assert_int_equal(lm_merkle_root(f->hash, &tree, &f->roots[i + 1]), 0);
	}
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lm_sha256_free(f->hash);
	free(f);
	return 0;
}

static int leaf_at(void *data, uint64_t index, struct lm_digest *ret_leaf)
{
	struct fixture *f = data;

	assert_true(index < LEAVES);
	f->asked[index]++;
	*ret_leaf = f->leaves[index];
	return 0;
}

static struct lm_str bytes(const struct lm_digest *digest)
{
	return (struct lm_str){ (const char *)digest->bytes, sizeof(digest->bytes) };
}

struct pieces {
	struct lm_str hashes[LM_MERKLE_PROOF_MAX + 1];
	struct lm_merkle_claim claim;
};

static struct lm_merkle_claim *claim_of(const struct lm_merkle_proof *proof, struct pieces *pieces)
{
	for (uint32_t i = 0; i < proof->count; i++)
		pieces->hashes[i] = bytes(&proof->hashes[i]);
	pieces->claim = (struct lm_merkle_claim){ pieces->hashes, proof->count };
	return &pieces->claim;
}

static void from_hex(const char *hex, struct lm_digest *ret_digest)
{
	for (int i = 0; i < LM_SHA256_BYTES; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		ret_digest->bytes[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
}

/* Hash of nothing: FIPS 180-4. Of one empty leaf: RFC 6962's own reference implementation. */
static void test_known_hashes(void **state)
{
	struct fixture *f = *state;
	struct lm_digest want, got;

	from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", &want);
	assert_memory_equal(&f->roots[0], &want, sizeof(want));
	from_hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", &want);
	assert_int_equal(lm_merkle_leaf(f->hash, "", 0, &got), 0);
	assert_memory_equal(&got, &want, sizeof(want));
	assert_memory_equal(&f->roots[1], &f->leaves[0], sizeof(want));
}

static void test_every_leaf_is_proved_in_every_tree(void **state)
{
	struct fixture *f = *state;
	struct lm_merkle_proof proof;
	struct pieces pieces;

	for (uint64_t size = 1; size <= LEAVES; size++)
		for (uint64_t i = 0; i < size; i++) {
			struct lm_merkle_claim *claim;

			memset(f->asked, 0, sizeof(f->asked));
			assert_int_equal(lm_merkle_prove_inclusion(f->hash, i, size, leaf_at, f,
				&proof), 0);
			for (uint64_t j = 0; j < size; j++)
				assert_int_equal(f->asked[j], j != i);
			claim = claim_of(&proof, &pieces);
			assert_int_equal(lm_merkle_check_inclusion(f->hash, i, size,
				bytes(&f->leaves[i]), bytes(&f->roots[size]), claim), 0);
			assert_int_equal(lm_merkle_check_inclusion(f->hash, i, size,
				bytes(&f->leaves[(i + 1) % LEAVES]), bytes(&f->roots[size]),
				claim), -LM_E_DAMAGED);
			assert_int_equal(lm_merkle_check_inclusion(f->hash, i, size,
				bytes(&f->leaves[i]), bytes(&f->roots[size - 1]), claim),
				-LM_E_DAMAGED);
		}
	assert_int_equal(lm_merkle_prove_inclusion(f->hash, 5, 5, leaf_at, f, &proof), -EINVAL);
}

static void test_every_tree_begins_with_every_smaller_one(void **state)
{
	struct fixture *f = *state;
	struct lm_merkle_proof proof;
	struct pieces pieces;

	for (uint64_t large = 1; large <= LEAVES; large++)
		for (uint64_t small = 1; small <= large; small++) {
			struct lm_merkle_claim *claim;

			assert_int_equal(lm_merkle_prove_consistency(f->hash, small, large,
				leaf_at, f, &proof), 0);
			claim = claim_of(&proof, &pieces);
			assert_int_equal(lm_merkle_check_consistency(f->hash, small, large,
				bytes(&f->roots[small]), bytes(&f->roots[large]), claim), 0);
			assert_int_equal(lm_merkle_check_consistency(f->hash, small, large,
				bytes(&f->roots[small - 1]), bytes(&f->roots[large]), claim),
				-LM_E_DAMAGED);
			if (small == large)
				continue;
			assert_int_equal(lm_merkle_check_consistency(f->hash, small, large,
				bytes(&f->roots[small]), bytes(&f->roots[large - 1]), claim),
				-LM_E_DAMAGED);
			claim->count--;
			assert_int_equal(lm_merkle_check_consistency(f->hash, small, large,
				bytes(&f->roots[small]), bytes(&f->roots[large]), claim),
				-LM_E_DAMAGED);
		}
	assert_int_equal(lm_merkle_prove_consistency(f->hash, 0, 5, leaf_at, f, &proof), -EINVAL);
	assert_int_equal(lm_merkle_prove_consistency(f->hash, 6, 5, leaf_at, f, &proof), -EINVAL);
}

/* Each bit of a proof counts, and so does a hash too many. */
static void test_every_bit_of_a_proof_counts(void **state)
{
	struct fixture *f = *state;
	struct lm_merkle_proof proof;
	struct pieces pieces;
	struct lm_merkle_claim *claim;

	assert_int_equal(lm_merkle_prove_inclusion(f->hash, 37, 67, leaf_at, f, &proof), 0);
	claim = claim_of(&proof, &pieces);
	for (uint32_t i = 0; i < proof.count * LM_SHA256_BYTES * 8; i++) {
		proof.hashes[i / 256].bytes[i % 256 / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(lm_merkle_check_inclusion(f->hash, 37, 67,
			bytes(&f->leaves[37]), bytes(&f->roots[67]), claim), -LM_E_DAMAGED);
		proof.hashes[i / 256].bytes[i % 256 / 8] ^= (uint8_t)(1u << i % 8);
	}
	pieces.hashes[claim->count++] = bytes(&f->leaves[0]);
	assert_int_equal(lm_merkle_check_inclusion(f->hash, 37, 67, bytes(&f->leaves[37]),
		bytes(&f->roots[67]), claim), -LM_E_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_hashes),
		cmocka_unit_test(test_every_leaf_is_proved_in_every_tree),
		cmocka_unit_test(test_every_tree_begins_with_every_smaller_one),
		cmocka_unit_test(test_every_bit_of_a_proof_counts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
