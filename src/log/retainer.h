/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "seal.h"

/*
 * Retention: finished segments, oldest first, and how far each has come on its way out. What
 * touches files runs in a thread of its own. The order (docs/formats/log.md, "Tombstones") is such
 * that a log which is left between any two steps is sound:
 *
 *   KEPT -> DUE: the writer decides. -> MADE: the .lmt file is on the disk. -> TOLD: the writer has
 *   written the tombstone frame. -> COVERED: so has a checkpoint, on the disk. -> GONE: removed
 */
enum lm_retained_state {
	LM_RETAINED_KEPT,
	LM_RETAINED_DUE,
	LM_RETAINED_MADE,
	LM_RETAINED_TOLD,
	LM_RETAINED_COVERED,
	LM_RETAINED_GONE,
};

struct lm_retained {
	enum lm_retained_state state;
	struct lm_tombstone tombstone; /* `rest` is there from MADE on */
	struct lm_merkle_tree tree;    /* at the segment's end, without the end frame itself */
	uint64_t end_offset;           /* of the end frame in the file */
	uint64_t ended_ns;
	uint64_t leaf;                 /* of the tombstone frame, from TOLD on */
};

struct lm_retainer;

/** @param dir_fd  the log's directory; a copy is taken. @return 0; -errno; -ENOSYS */
int lm_retainer_new(int dir_fd, struct lm_retainer **ret_retainer);
/** End the thread, once it has finished what it is at: nothing moves any more. */
void lm_retainer_stop(struct lm_retainer *retainer);
/** NULL allowed; returns NULL. */
struct lm_retainer *lm_retainer_free(struct lm_retainer *retainer);

/**
 * A segment was finished and sealed. NULL: nothing happens. Without memory for it, it is never
 * deleted, nor are those after it.
 */
void lm_retainer_add(struct lm_retainer *retainer, const struct lm_retained *segment);

/**
 * The segment at a place, as it is now; 0 is the oldest that is not gone.
 *
 * @return false: there are no more
 */
bool lm_retainer_get(struct lm_retainer *retainer, size_t place, struct lm_retained *ret_segment);

/** One step on, by the writer: to DUE, TOLD (with the leaf of its frame) or COVERED. */
void lm_retainer_advance(struct lm_retainer *retainer, size_t place, enum lm_retained_state state,
	uint64_t leaf);

/** Forget the oldest one, which is gone. */
void lm_retainer_drop(struct lm_retainer *retainer);
