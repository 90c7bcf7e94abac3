/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/crypto/note.h"
#include "lemona/log/signer.h"
#include "seal.h"

/*
 * What a writer keeps in mind to seal its log: the tree over all that is on the disk, the rows of
 * the next index frame, and what was signed and is not on the disk yet. Writes nothing itself.
 */
struct lm_sealer {
	const struct lm_signer *signer;
	struct lm_sha256 *hash;
	bool since_1970;          /* what checkpoints tell of time */
	struct lm_merkle_tree tree;
	int stopped;              /* why nothing is signed any more; 0 */

	struct lm_buffer rows;    /* of the leaves since the last index frame */
	uint32_t row_count;       /* they end with the tree's last leaf */
	uint64_t index_offset;    /* of the last index frame in this segment; 0: none */

	bool news;                /* leaves that deserve a checkpoint */
	bool asked;               /* for `checkpoint`, which was not taken yet */
	uint64_t asked_ns;        /* for the last one */
	struct lm_checkpoint checkpoint; /* that was asked for or, once taken, is signed */
	struct lm_buffer note;    /* a checkpoint or, of a new segment, the key note: signed,
				   * and not on the disk yet */
	enum lm_sealer_owed {
		LM_SEALER_NOTHING,
		LM_SEALER_CHECKPOINT,
		LM_SEALER_KEY,
		LM_SEALER_END,     /* the last checkpoint of a segment */
	} owed;
};

/**
 * @param signer      borrowed
 * @param since_1970  as in struct lm_log_options
 * @return 0; -ENOMEM; -ENOSYS (no SHA-256)
 */
int lm_sealer_new(const struct lm_signer *signer, bool since_1970, struct lm_sealer **ret_sealer);
struct lm_sealer *lm_sealer_free(struct lm_sealer *sealer);

/** Is there one, and does it still sign? NULL allowed. */
bool lm_sealer_is_signing(const struct lm_sealer *sealer);
/** Nothing is signed any more: `code` says why. */
void lm_sealer_stop(struct lm_sealer *sealer, int code);

/*
 * All below are for a sealer that is signing. What fails in them stops it.
 */

/** A segment was begun: its header's leaf comes next. */
void lm_sealer_add_header(struct lm_sealer *sealer, const struct lm_segment_header *header);

/** Hash a frame that is about to be written. @return whether the leaf is good */
bool lm_sealer_hash(struct lm_sealer *sealer, const uint8_t *frame, size_t len,
	struct lm_digest *ret_leaf);
/** That frame is on the disk, at `offset` of the segment. */
void lm_sealer_add_frame(struct lm_sealer *sealer, const struct lm_frame_header *header,
	uint64_t offset, const struct lm_digest *leaf);

/** Append the payload of an index frame with all rows there are. @return their number; -ENOMEM */
int64_t lm_sealer_index(const struct lm_sealer *sealer, struct lm_buffer *out);
/** It was written, and added as a frame, at `offset`: its rows are done with. */
void lm_sealer_drop_rows(struct lm_sealer *sealer, uint32_t count, uint64_t offset);

/** The key note of a segment is then owed. */
void lm_sealer_get_key(struct lm_sealer *sealer, uint32_t segment);
/** Ask for a checkpoint of the tree as it is now. Nothing may be asked for or owed. */
void lm_sealer_ask(struct lm_sealer *sealer, const struct lm_segment_header *header,
	enum lm_checkpoint_state state);
/** Take what was asked for, if it is there: it is then owed. */
void lm_sealer_take(struct lm_sealer *sealer, int timeout_ms);
