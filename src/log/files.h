/* SPDX-License-Identifier: MIT */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lemona/base/buffer.h"

/*
 * Reading the files of a log's directory, which may hold anything under any name.
 */

/**
 * Opening neither waits for a fifo nor takes a terminal; fstat(2) says what it is. Links are
 * followed: a log's files may have been moved to where there is room.
 *
 * @return descriptor; -errno
 */
int lm_file_open(int dir_fd, const char *name);
int lm_file_open_segment(int dir_fd, uint32_t number);

/** Read `len` bytes, or as many as there are. @return how many; -EIO */
int64_t lm_file_read(int fd, void *data, size_t len, uint64_t offset);

/**
 * All of a small file.
 *
 * @param ret  what it held is gone
 * @return bytes; -EFBIG (longer than `max`, or no file of bytes); -ENOENT, ...; -EIO; -ENOMEM
 */
int64_t lm_file_load(int dir_fd, const char *name, size_t max, struct lm_buffer *ret);

/** The entries of a directory, from the first one. @return NULL with errno */
DIR *lm_file_list(int dir_fd);
/** For LM_CLEANUP. */
void lm_file_list_close(DIR **list);

/** Does a living writer hold the log's lock? */
bool lm_file_is_live(int dir_fd);
