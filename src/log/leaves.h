/* SPDX-License-Identifier: MIT */
#pragma once

#include "format.h"
#include "lemona/crypto/merkle.h"

/*
 * The leaves of a sealed log, by number, without reading its events: from the index frames, and
 * from the frames themselves where no index frame tells them. Nothing is believed for that: a
 * root must be made of them and held against a checkpoint. One segment's are in memory at a time.
 */
struct lm_leaf {
	struct lm_digest hash;
	uint64_t offset;      /* in the segment's file */
	uint64_t first_event;
	bool known;
};

struct lm_leaf_segment {
	uint32_t number;
	uint64_t first_sequence, first_event;
	uint64_t first_leaf; /* of its header */
};

struct lm_leaves {
	int dir_fd, fd;
	struct lm_sha256 *hash;
	struct lm_leaf_segment *segments; /* by number */
	size_t segment_count;
	size_t loaded; /* index of the segment in memory; SIZE_MAX: none */
	struct lm_leaf *leaves;
	size_t count, capacity;
	uint64_t limit; /* a segment of that size has fewer leaves */
	struct lm_buffer payload;
	/* What is left of segments that were deleted: the tree of their leaves. */
	struct lm_merkle_tree deleted;
};

#define LM_LEAVES_INIT { .dir_fd = -1, .fd = -1, .loaded = SIZE_MAX }

/** @return 0; -ENOENT, -ENOTDIR, -EACCES, ...; -LM_E_EMPTY; -LM_E_DAMAGED (a header); -ENOMEM */
int lm_leaves_open(struct lm_leaves *leaves, const char *path);
void lm_leaves_release(struct lm_leaves *leaves);

/** Make a segment the one in memory. @return 0; -LM_E_DAMAGED; -EIO; -ENOMEM */
int lm_leaves_load(struct lm_leaves *leaves, size_t segment);

/** @return 0; -ENODATA (the log has no such leaf, or it was deleted); as lm_leaves_load() */
int lm_leaves_at(struct lm_leaves *leaves, uint64_t index, const struct lm_leaf **ret_leaf);

/**
 * Header and payload of a frame of the segment in memory.
 *
 * @return 0; -LM_E_DAMAGED; -EIO; -ENOMEM
 */
int lm_leaves_frame(struct lm_leaves *leaves, uint64_t offset, uint8_t ret[LM_FRAME_HEADER_BYTES],
	struct lm_frame_header *ret_header, struct lm_buffer *ret_payload);

/** The root of the leaves [start, end); start is where a subtree of the log's tree begins. */
int lm_leaves_root(struct lm_leaves *leaves, uint64_t start, uint64_t end, struct lm_digest *ret);
