/* SPDX-License-Identifier: MIT */
#pragma once

#include <zstd.h>

#include "lemona/log/writer.h"
#include "segment.h"

struct lm_log_writer {
	int dir_fd, lock_fd;
	bool made; /* the directory is ours to remove */
	struct lm_segment segment;
	struct lm_segment_header header; /* of the current segment */
	size_t segment_bytes;
	uint64_t next_sequence, next_event;

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

	ZSTD_CCtx *compressor;
	struct lm_buffer raw, stored; /* of one frame; stored begins with the header */
	struct lm_log_counts counts;
	uint64_t finished_bytes;      /* of the segments before this one */
};
