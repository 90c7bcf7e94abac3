/* SPDX-License-Identifier: MIT */
#include "lemona/crypto/merkle.h"

#include <errno.h>

#include "lemona/base/error.h"

int lm_merkle_leaf(struct lm_sha256 *hash, const void *data, size_t len,
	struct lm_digest *ret_digest)
{
	static const uint8_t prefix = 0;
	int r = lm_sha256_begin(hash);

	if (r == 0)
		r = lm_sha256_add(hash, &prefix, sizeof(prefix));
	if (r == 0)
		r = lm_sha256_add(hash, data, len);
	return r < 0 ? r : lm_sha256_end(hash, ret_digest->bytes);
}

/* The result may stand where one of the two stood. */
static int hash_node(struct lm_sha256 *hash, const struct lm_digest *left,
	const struct lm_digest *right, struct lm_digest *ret_digest)
{
	uint8_t node[1 + 2 * LM_SHA256_BYTES] = { 1 };
	int r;

	memcpy(node + 1, left->bytes, LM_SHA256_BYTES);
	memcpy(node + 1 + LM_SHA256_BYTES, right->bytes, LM_SHA256_BYTES);
	r = lm_sha256_begin(hash);
	if (r == 0)
		r = lm_sha256_add(hash, node, sizeof(node));
	return r < 0 ? r : lm_sha256_end(hash, ret_digest->bytes);
}

static int hash_of_nothing(struct lm_sha256 *hash, struct lm_digest *ret_digest)
{
	int r = lm_sha256_begin(hash);

	return r < 0 ? r : lm_sha256_end(hash, ret_digest->bytes);
}

int lm_merkle_add(struct lm_sha256 *hash, struct lm_merkle_tree *tree,
	const struct lm_digest *leaf)
{
	uint32_t count = (uint32_t)__builtin_popcountll(tree->size);
	struct lm_digest node = *leaf;
	int r;

	if (tree->size == UINT64_MAX)
		return -EOVERFLOW;
	/* As a carry goes through a number: each full subtree of equal size becomes one with it. */
	for (uint64_t size = tree->size; size & 1; size >>= 1) {
		r = hash_node(hash, &tree->full[count - 1], &node, &node);
		if (r < 0)
			return r;
		count--;
	}
	tree->full[count] = node;
	tree->size++;
	return 0;
}

int lm_merkle_root(struct lm_sha256 *hash, const struct lm_merkle_tree *tree,
	struct lm_digest *ret_root)
{
	uint32_t count = (uint32_t)__builtin_popcountll(tree->size);
	struct lm_digest root;
	int r = 0;

	if (!count)
		return hash_of_nothing(hash, ret_root);
	root = tree->full[count - 1];
	for (uint32_t i = count - 1; r == 0 && i > 0; i--)
		r = hash_node(hash, &tree->full[i - 1], &root, &root);
	if (r == 0)
		*ret_root = root;
	return r;
}

/* Where proofs get leaves from. */
struct source {
	struct lm_sha256 *hash;
	lm_merkle_leaf_at leaf_at;
	void *data;
};

/* The hash of the leaves [start, end), start < end. */
static int hash_range(const struct source *source, uint64_t start, uint64_t end,
	struct lm_digest *ret_digest)
{
	struct lm_merkle_tree tree = { 0 };
	struct lm_digest leaf;
	int r = 0;

	for (uint64_t i = start; r == 0 && i < end; i++) {
		r = source->leaf_at(source->data, i, &leaf);
		if (r == 0)
			r = lm_merkle_add(source->hash, &tree, &leaf);
	}
	return r < 0 ? r : lm_merkle_root(source->hash, &tree, ret_digest);
}

static int append_range(const struct source *source, uint64_t start, uint64_t end,
	struct lm_merkle_proof *proof)
{
	struct lm_digest *digest = &proof->hashes[proof->count];
	int r = hash_range(source, start, end, digest);

	if (r == 0)
		proof->count++;
	return r;
}

/* The largest power of two below n, n > 1. */
static uint64_t split_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* The leaves [start, end). */
struct span {
	uint64_t start, end;
};

/* Go down from a subtree to its half that holds a leaf. @return the other half */
static struct span descend(struct span *at, uint64_t leaf)
{
	uint64_t middle = at->start + split_of(at->end - at->start);
	struct span left = { at->start, middle }, right = { middle, at->end };

	*at = leaf < middle ? left : right;
	return leaf < middle ? right : left;
}

/* The halves that a walk down the tree left aside; the proof has them from below. */
static int append_aside(const struct source *source, const struct span *aside, uint32_t count,
	struct lm_merkle_proof *proof)
{
	int r = 0;

	while (r == 0 && count > 0) {
		count--;
		r = append_range(source, aside[count].start, aside[count].end, proof);
	}
	return r;
}

int lm_merkle_prove_inclusion(struct lm_sha256 *hash, uint64_t index, uint64_t size,
	lm_merkle_leaf_at leaf_at, void *data, struct lm_merkle_proof *ret_proof)
{
	const struct source source = { hash, leaf_at, data };
	struct span aside[LM_MERKLE_LEVELS];
	struct lm_merkle_proof proof = { 0 };
	struct span at = { 0, size };
	uint32_t count = 0;
	int r;

	if (index >= size)
		return -EINVAL;
	while (at.end - at.start > 1)
		aside[count++] = descend(&at, index);
	r = append_aside(&source, aside, count, &proof);
	if (r == 0)
		*ret_proof = proof;
	return r;
}

int lm_merkle_prove_consistency(struct lm_sha256 *hash, uint64_t size1, uint64_t size2,
	lm_merkle_leaf_at leaf_at, void *data, struct lm_merkle_proof *ret_proof)
{
	const struct source source = { hash, leaf_at, data };
	struct span aside[LM_MERKLE_LEVELS];
	struct lm_merkle_proof proof = { 0 };
	struct span at = { 0, size2 };
	uint32_t count = 0;
	int r = 0;

	if (size1 == 0 || size1 > size2)
		return -EINVAL;
	/* Down to the subtree that ends where the smaller tree does. */
	while (at.end != size1)
		aside[count++] = descend(&at, size1 - 1);
	/* From the first leaf on it is the smaller tree itself, whose hash is known. */
	if (at.start > 0)
		r = append_range(&source, at.start, at.end, &proof);
	if (r == 0)
		r = append_aside(&source, aside, count, &proof);
	if (r == 0)
		*ret_proof = proof;
	return r;
}

static bool read_digest(struct lm_str bytes, struct lm_digest *ret_digest)
{
	if (bytes.len != LM_SHA256_BYTES)
		return false;
	memcpy(ret_digest->bytes, bytes.data, LM_SHA256_BYTES);
	return true;
}

static struct lm_str bytes_of(const struct lm_digest *digest)
{
	return (struct lm_str){ (const char *)digest->bytes, LM_SHA256_BYTES };
}

static int verdict(bool proved)
{
	return proved ? 0 : -LM_E_DAMAGED;
}

int lm_merkle_check_inclusion(struct lm_sha256 *hash, uint64_t index, uint64_t size,
	struct lm_str leaf, struct lm_str root, const struct lm_merkle_claim *claim)
{
	uint64_t node = index, last = size - 1;
	struct lm_digest reached, next;
	int r = 0;

	if (index >= size || !read_digest(leaf, &reached))
		return -LM_E_DAMAGED;
	for (size_t i = 0; r == 0 && i < claim->count; i++) {
		if (last == 0 || !read_digest(claim->proof[i], &next))
			return -LM_E_DAMAGED;
		if (node & 1 || node == last) {
			r = hash_node(hash, &next, &reached, &reached);
			/* The last one of a level may have nobody beside it for some levels. */
			for (; node && !(node & 1); last >>= 1)
				node >>= 1;
		} else {
			r = hash_node(hash, &reached, &next, &reached);
		}
		node >>= 1;
		last >>= 1;
	}
	return r < 0 ? r : verdict(last == 0 && lm_str_equal(bytes_of(&reached), root));
}

/* Is [start, end), not empty, a subtree: one that trees of every size from `end` on have? */
static bool is_subtree(uint64_t start, uint64_t end)
{
	uint64_t leaves = end - start;
	uint64_t below = leaves > 1 ? split_of(leaves) * 2 - 1 : 0;

	return start < end && !(start & below);
}

int lm_merkle_check_subtree_inclusion(struct lm_sha256 *hash, uint64_t index, uint64_t start,
	uint64_t end, struct lm_str leaf, struct lm_str root, const struct lm_merkle_claim *claim)
{
	if (!is_subtree(start, end) || index < start)
		return -LM_E_DAMAGED;
	return lm_merkle_check_inclusion(hash, index - start, end - start, leaf, root, claim);
}

int lm_merkle_check_consistency(struct lm_sha256 *hash, uint64_t size1, uint64_t size2,
	struct lm_str root1, struct lm_str root2, const struct lm_merkle_claim *claim)
{
	if (size1 == 0)
		return -LM_E_DAMAGED;
	return lm_merkle_check_subtree(hash, 0, size1, size2, root1, root2, claim);
}

/* Where a walk up the tree is: positions on one level of the subtree's ends and the tree's end. */
struct climb {
	uint64_t first, last, tree_last;
};

static void rise(struct climb *at)
{
	at->first >>= 1;
	at->last >>= 1;
	at->tree_last >>= 1;
}

/* From the node where both hashes begin, up to the root. */
static int climb_up(struct lm_sha256 *hash, struct climb *at, const struct lm_merkle_claim *rest,
	struct lm_digest *subtree, struct lm_digest *tree)
{
	struct lm_digest next;
	int r = 0;

	for (size_t i = 0; r == 0 && i < rest->count; i++) {
		if (at->tree_last == 0 || !read_digest(rest->proof[i], &next))
			return -LM_E_DAMAGED;
		if (at->last & 1 || at->last == at->tree_last) {
			if (at->first < at->last)
				r = hash_node(hash, &next, subtree, subtree);
			if (r == 0)
				r = hash_node(hash, &next, tree, tree);
			while (at->last && !(at->last & 1))
				rise(at);
		} else {
			r = hash_node(hash, tree, &next, tree);
		}
		rise(at);
	}
	return r;
}

int lm_merkle_check_subtree(struct lm_sha256 *hash, uint64_t start, uint64_t end, uint64_t size,
	struct lm_str subtree, struct lm_str root, const struct lm_merkle_claim *claim)
{
	struct climb at = { start, end - 1, size - 1 };
	struct lm_digest small, large;
	struct lm_merkle_claim rest = *claim;
	int r;

	if (start == end && end <= size) {
		r = hash_of_nothing(hash, &small);
		return r < 0 ? r :
			verdict(!claim->count && lm_str_equal(bytes_of(&small), subtree));
	}
	if (!is_subtree(start, end) || end > size)
		return -LM_E_DAMAGED;
	if (start == 0 && end == size) /* the tree itself */
		return verdict(!claim->count && lm_str_equal(subtree, root));
	/* Up to the largest full subtree at its end: from there on the two hashes differ. */
	while (at.first < at.last && (at.last == at.tree_last || at.last & 1))
		rise(&at);
	if (at.first == at.last) {
		if (!read_digest(subtree, &small))
			return -LM_E_DAMAGED;
	} else {
		if (!rest.count || !read_digest(rest.proof[0], &small))
			return -LM_E_DAMAGED;
		rest.proof++;
		rest.count--;
	}
	large = small;
	r = climb_up(hash, &at, &rest, &small, &large);
	if (r < 0)
		return r;
	return verdict(at.tree_last == 0 && lm_str_equal(bytes_of(&small), subtree) &&
		lm_str_equal(bytes_of(&large), root));
}
