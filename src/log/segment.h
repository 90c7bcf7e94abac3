/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "format.h"

/* The segment that is being written: a file whose end is always a whole frame. */
struct lm_segment {
	int fd;
	uint64_t end; /* bytes of whole frames; what lies behind is not ours */
	bool torn;    /* a failed write left bytes behind `end` that could not be removed yet */
};

#define LM_SEGMENT_INIT { .fd = -1 }

/**
 * Make the segment's file and write its header.
 *
 * @param dir_fd  the log directory
 * @return 0; -EEXIST, -ENOSPC, -EIO, ...; no file is left behind on failure
 */
int lm_segment_create(int dir_fd, const struct lm_segment_header *header,
	struct lm_segment *ret_segment);

/**
 * Append bytes: all of them or none.
 *
 * @return 0; -ENOSPC, -EFBIG, -EIO, ...: the segment is as it was
 */
int lm_segment_append(struct lm_segment *segment, const void *data, size_t len);

/** Close without a word; the file stays. */
void lm_segment_release(struct lm_segment *segment);
