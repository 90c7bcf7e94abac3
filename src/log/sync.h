/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What a power cut must not take away. Files and directories are two things: bytes that are on the
 * disk are of no use under a name that is not.
 */

/**
 * Have all bytes of a segment on the disk, whoever wrote them.
 *
 * @return 0; -ENOENT; -EIO, -ENOSPC, ...
 */
int lm_sync_segment(int dir_fd, uint32_t number);

/**
 * Have the names in a directory on the disk. A file system that knows no such thing (-EINVAL) has
 * nothing to be waited for.
 *
 * @return 0; -EIO, ...
 */
int lm_sync_directory(int dir_fd);

/**
 * Put a small file in its place as a whole, or leave it as it was: written under another name, with
 * ".new" behind it, synced, renamed, and the directory synced.
 *
 * @param name  at most 32 bytes
 * @return 0; -ENOSPC, -EIO, ...
 */
int lm_sync_replace(int dir_fd, const char *name, const void *data, size_t len);

/**
 * The same of the directory that a path's last component is in.
 *
 * @return 0; -EACCES, -EIO, ...; -ENOMEM
 */
int lm_sync_parent(const char *path);
