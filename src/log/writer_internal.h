/* SPDX-License-Identifier: MIT */
#pragma once

#include <zstd.h>

#include "lemona/base/time.h"
#include "lemona/log/writer.h"
#include "retainer.h"
#include "sealer.h"
#include "segment.h"
#include "syncer.h"

struct lm_log_writer {
	char *path;             /* of the directory, absolute */
	int dir_fd, lock_fd;
	bool made; /* the directory is ours to remove */
	struct lm_segment segment;
	struct lm_segment_header header; /* of the current segment */
	size_t segment_bytes;
	bool since_1970;        /* as in struct lm_log_options */
	uint64_t next_sequence, next_event;
	uint32_t first_segment; /* of those that are still there */
	uint64_t first_event;   /* in it */

	struct lm_batch *batch; /* the frame being built */
	uint64_t oldest_ns;     /* when its first item was added */
	uint64_t min_ns, max_ns;/* of its events */
	uint64_t folded;        /* actions that its events stand for beside themselves */

	/* What could not be written and is owed to the reader. */
	struct lm_buffer kept;       /* payloads without events, each after its u32 size */
	bool definitions_lost;       /* `kept` grew beyond its maximum */
	bool gap_owed;
	struct lm_gap gap;           /* events that were given up */
	struct lm_batch *repair;     /* to write the gap from */

	/* The segment after this one, made while this one's end is not on the disk yet. */
	struct lm_segment next_segment;
	struct lm_segment_header next_header;

	/* Both NULL when the log is not sealed. */
	uint64_t segment_min_ns, segment_max_ns; /* of the events in the current segment; 0 */
	uint64_t keep_bytes, keep_ns;            /* 0: all of it, for ever */
	struct lm_retainer *retainer;            /* NULL: nothing is deleted */

	struct lm_sealer *sealer;
	struct lm_syncer *syncer;
	uint64_t checkpoint_ns; /* between two that are asked for */

	ZSTD_CCtx *compressor;
	struct lm_buffer raw, stored; /* of one frame; stored begins with the header */
	struct lm_log_counts counts;
	uint64_t finished_bytes;      /* of the segments before this one */
};

/* The log's own clock, and how far the wall clock is ahead of it. */
static inline uint64_t lm_writer_now_ns(const struct lm_log_writer *writer)
{
	return writer->since_1970 ? lm_time_wall_ns() : lm_time_boot_ns();
}

static inline int64_t lm_writer_offset_ns(const struct lm_log_writer *writer)
{
	return writer->since_1970 ? 0 : lm_time_wall_minus_boot_ns();
}

/* writer_frame.c: one frame to the disk. All of these return 0 or a negative code, and then
 * nothing has happened. */

/** A batch, compressed where that helps. `header` has type, events and times. */
int lm_writer_put_batch(struct lm_log_writer *writer, struct lm_frame_header *header,
	const uint8_t *raw, const struct lm_batch_parts *parts);
/** A frame of any other type, its payload as it is. `header` has type and flags. */
int lm_writer_put(struct lm_log_writer *writer, struct lm_frame_header *header,
	struct lm_str payload);

/* writer_debt.c: what an earlier failure left behind. */

/** Count events that will not be written. */
void lm_writer_owe_gap(struct lm_log_writer *writer, uint64_t begin_ns, uint64_t end_ns,
	uint64_t count);
/** The disk refused the batch: its events become a gap, all else waits. */
void lm_writer_keep_batch(struct lm_log_writer *writer);
/** Write what is owed, if anything. @return 0; a negative code: some of it is owed still */
int lm_writer_pay(struct lm_log_writer *writer);

/* writer_seal.c: from segment to segment, and the frames that seal. */

/** The first segment is there: its header's leaf, its key frame. @return 0; a negative code */
int lm_writer_begin_seal(struct lm_log_writer *writer);
/**
 * One for the log as it begins, waited for: so that there is never a sealed log without.
 *
 * @return 0; a negative code
 */
int lm_writer_first_checkpoint(struct lm_log_writer *writer);
/**
 * Write what has to stand before any other frame: the end of a segment whose last checkpoint is
 * signed, the key frame of a new one.
 */
int lm_writer_settle(struct lm_log_writer *writer);
/** Write an index frame if enough rows have come together. Tried again by the next call. */
void lm_writer_put_index_if_due(struct lm_log_writer *writer);
/**
 * Go on in a new segment. If that cannot be done now the old one grows beyond its size: tried again
 * after the next frame.
 */
void lm_writer_rotate(struct lm_log_writer *writer);
/**
 * Ask for a checkpoint when one is due, and write the one that was asked for once it is there.
 * Never waits.
 *
 * @return 0; a negative code: it could not be written now, and the next call tries again
 */
int lm_writer_checkpoint(struct lm_log_writer *writer);
/** The end frame, and what seals it. @return 0; a negative code */
int lm_writer_end(struct lm_log_writer *writer);

/* writer_retain.c: segments that are deleted. */

/**
 * The current segment is finished, and sealed.
 *
 * @param tree        what its last note covers
 * @param end_offset  where its end frame begins
 */
void lm_writer_note_finished(struct lm_log_writer *writer, const struct lm_merkle_tree *tree,
	uint64_t end_offset);
/** Whatever is next for segments that are due. Never waits; call it often. */
void lm_writer_retain(struct lm_log_writer *writer);
/** The log ends: what is there now stays. */
void lm_writer_end_retention(struct lm_log_writer *writer);

/** @param ret_made  whether the directory is new, and ours to remove */
int lm_log_open_directory(const char *path, int *ret_fd, bool *ret_made, struct lm_diag *diag);
/** Make the lock file, and hold it. @return 0; -EEXIST; -errno */
int lm_log_take_lock(int dir_fd, int *ret_fd);
/**
 * The key by which others will know that this log is the one that was begun here: all of it, or
 * none. Of a sealed log.
 *
 * @return 0; -errno
 */
int lm_log_write_key(const struct lm_log_writer *writer);
