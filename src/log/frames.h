/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <zstd.h>

#include "format.h"

/*
 * The frames of a log, one after the other, across its segments: where they
 * are, whether they are whole, and what is missing between them. What is in
 * them is reader.c's business.
 */
#define LM_DAMAGE_TEXT_BYTES 320u

struct lm_frames {
	int dir_fd;        /* the log directory */
	bool single;       /* one segment was asked for: others are not followed */
	int fd;            /* current segment */
	uint32_t number;   /* of the current segment */
	uint64_t offset;   /* of the next frame in it */
	bool tail_checked; /* nobody writes, and the tail was read after that was known */
	bool finished, ended, cut;
	struct lm_segment_header first; /* the header of the first segment read */

	uint64_t next_sequence, next_event;
	bool missing;      /* frames were lost before the next good one */
	bool deleted;      /* on purpose, before the current segment; cleared by the caller */
	uint64_t deleted_events, deleted_ns; /* how many, and until when */
	char damage[LM_DAMAGE_TEXT_BYTES]; /* first sentence; empty when sound */

	uint64_t finished_bytes; /* of the segments before this one */
	uint64_t frame_count;
	struct lm_buffer stored, raw; /* room for the largest payload from the start */
	ZSTD_DCtx *decompressor;
};

#define LM_FRAMES_INIT { .dir_fd = -1, .fd = -1 }

/** @return as lm_log_open() */
int lm_frames_open(struct lm_frames *frames, const char *path, struct lm_diag *diag);
void lm_frames_release(struct lm_frames *frames);

/**
 * The next batch frame; its payload is then in frames->raw. frames->missing says whether
 * something was lost before it; the caller clears that.
 *
 * @return 1; 0 at the end (finished says for good); -EIO
 */
int lm_frames_next(struct lm_frames *frames, struct lm_frame_header *ret_header);

/** Say that something is wrong with the current place; the first sentence is kept. */
void lm_frames_damage(struct lm_frames *frames, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Bytes of all segments up to the current one's present size. */
uint64_t lm_frames_bytes(const struct lm_frames *frames);
