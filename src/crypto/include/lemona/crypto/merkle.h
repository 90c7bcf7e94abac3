/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lemona/base/str.h"
#include "lemona/crypto/hash.h"

/*
 * Merkle trees of RFC 6962, section 2.1, over SHA-256: the hash of a leaf is
 * SHA-256(0x00 || data), of a node SHA-256(0x01 || left || right), and a tree of n > 1 leaves is
 * split at the largest power of two below n. An empty tree has the hash of nothing.
 */

struct lm_digest {
	uint8_t bytes[LM_SHA256_BYTES];
};

#define LM_MERKLE_LEVELS 64 /* of a tree with 2^64 - 1 leaves */
/* An inclusion proof has at most one hash for each level, a consistency proof one more. */
#define LM_MERKLE_PROOF_MAX (LM_MERKLE_LEVELS + 1)

/* `hash` makes the hashes; whatever it was in the middle of is lost. */

/** Hash of a leaf that holds `len` bytes. @return 0; -EIO (the library failed) */
int lm_merkle_leaf(struct lm_sha256 *hash, const void *data, size_t len,
	struct lm_digest *ret_digest);

/**
 * A tree that grows at its end, known by its largest full subtrees: as many as `size` has bits
 * set, from left to right. Zero is an empty tree.
 */
struct lm_merkle_tree {
	uint64_t size; /* leaves */
	struct lm_digest full[LM_MERKLE_LEVELS];
};

/** Add a leaf. @return 0; -EOVERFLOW (it has 2^64 - 1); -EIO; the tree is as it was then */
int lm_merkle_add(struct lm_sha256 *hash, struct lm_merkle_tree *tree,
	const struct lm_digest *leaf);

/** The hash of the whole tree. @return 0; -EIO */
int lm_merkle_root(struct lm_sha256 *hash, const struct lm_merkle_tree *tree,
	struct lm_digest *ret_root);

/** Where proofs get leaves from: gives the hash of a leaf. @return 0; a negative code */
typedef int (*lm_merkle_leaf_at)(void *data, uint64_t index, struct lm_digest *ret_leaf);

struct lm_merkle_proof {
	uint32_t count;
	struct lm_digest hashes[LM_MERKLE_PROOF_MAX]; /* from the leaf upwards */
};

/**
 * Prove that a leaf is in the tree (RFC 9162, 2.1.3.1). Asks for every other leaf once.
 *
 * @return 0; -EINVAL (index >= size); -EIO; what leaf_at returned
 */
int lm_merkle_prove_inclusion(struct lm_sha256 *hash, uint64_t index, uint64_t size,
	lm_merkle_leaf_at leaf_at, void *data, struct lm_merkle_proof *ret_proof);

/**
 * Prove that the tree of the first `size1` leaves was the beginning of the one of `size2`
 * (RFC 9162, 2.1.4.1).
 *
 * @return 0; -EINVAL (size1 is 0 or above size2); -EIO; what leaf_at returned
 */
int lm_merkle_prove_consistency(struct lm_sha256 *hash, uint64_t size1, uint64_t size2,
	lm_merkle_leaf_at leaf_at, void *data, struct lm_merkle_proof *ret_proof);

/*
 * Checking proofs from anywhere. Hashes come as bytes of any number: what is not as long as a
 * SHA-256 is no hash of a tree, and can only be equal to itself.
 */
struct lm_merkle_claim {
	const struct lm_str *proof; /* hashes */
	size_t count;
};

/**
 * The leaf is number `index` of the tree with that many leaves and that root (RFC 9162, 2.1.3.2).
 *
 * @return 0: proved; -LM_E_DAMAGED: not; -EIO
 */
int lm_merkle_check_inclusion(struct lm_sha256 *hash, uint64_t index, uint64_t size,
	struct lm_str leaf, struct lm_str root, const struct lm_merkle_claim *claim);

/**
 * As above, for leaf `index` of the tree, within its subtree of the leaves [start, end). A subtree
 * begins at a multiple of the smallest power of two that is not below its number of leaves.
 */
int lm_merkle_check_subtree_inclusion(struct lm_sha256 *hash, uint64_t index, uint64_t start,
	uint64_t end, struct lm_str leaf, struct lm_str root,
	const struct lm_merkle_claim *claim);

/**
 * The tree of size1 leaves with root1 is the beginning of the one of size2 with root2 (RFC 9162,
 * 2.1.4.2). Nothing can be said of the beginning of no leaves: not proved.
 *
 * @return 0: proved; -LM_E_DAMAGED: not; -EIO
 */
int lm_merkle_check_consistency(struct lm_sha256 *hash, uint64_t size1, uint64_t size2,
	struct lm_str root1, struct lm_str root2, const struct lm_merkle_claim *claim);

/**
 * The leaves [start, end) of the tree of `size` leaves with that root make the subtree with that
 * hash (draft-ietf-plants-merkle-tree-certs, "Subtree Consistency Proofs"). One without leaves
 * has the hash of nothing, and needs no proof.
 *
 * @return 0: proved; -LM_E_DAMAGED: not; -EIO
 */
int lm_merkle_check_subtree(struct lm_sha256 *hash, uint64_t start, uint64_t end, uint64_t size,
	struct lm_str subtree, struct lm_str root, const struct lm_merkle_claim *claim);
