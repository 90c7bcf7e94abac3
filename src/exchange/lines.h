/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/buffer.h"

/*
 * Foreign text, a line or a run of bytes at a time, with the number of the line. Memory is bounded
 * whatever the input is.
 */
#define LINES_MAX_BYTES (1u << 20) /* a longer line is passed over */

struct lines {
	int fd;                 /* borrowed */
	uint64_t number;        /* of the line that was handed out last, from 1 */
	struct lm_buffer bytes; /* read, from `at` on not handed out yet */
	size_t at;
	bool ended;             /* nothing more to read from fd */
};

#define LINES_INIT(fd_) { .fd = (fd_), .bytes = LM_BUFFER_INIT }

void lines_release(struct lines *lines);

/**
 * What comes next, without taking it: to see what the input is.
 *
 * @param ret_bytes  at most `bytes`, fewer at the end; valid until the next call
 * @return 0; -ENOMEM; what read(2) gave
 */
int lines_peek(struct lines *lines, size_t bytes, struct lm_str *ret_bytes);

/**
 * Take the next line, without its end. The last one need not have an end.
 *
 * @param ret_line  may hold any byte but a line feed; valid until the next call
 * @return 1; 0 at the end; -EMSGSIZE (the line was longer than LINES_MAX_BYTES and is passed over:
 *         go on); -ENOMEM; what read(2) gave
 */
int lines_next(struct lines *lines, struct lm_str *ret_line);

/**
 * Take exactly so many bytes. Line feeds in them count as lines.
 *
 * @param bytes  at most LINES_MAX_BYTES
 * @return 1; 0 (it ends before that); -EMSGSIZE (nothing was taken); -ENOMEM; what read(2) gave
 */
int lines_take(struct lines *lines, size_t bytes, struct lm_str *ret_bytes);
