/* SPDX-License-Identifier: MIT */
#include "sync.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "lemona/base/cleanup.h"

#define NAME_ROOM_BYTES 37u

int lm_sync_segment(int dir_fd, uint32_t number)
{
	char name[LM_SEGMENT_NAME_BYTES];
	LM_CLOSE int fd = -1;

	lm_segment_name(number, name);
	fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 || fdatasync(fd) < 0 ? -errno : 0;
}

int lm_sync_directory(int dir_fd)
{
	return fsync(dir_fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int write_new(int dir_fd, const char *name, const void *data, size_t len)
{
	LM_CLOSE int fd = openat(dir_fd, name,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, data, len);
	if (n < 0 || fsync(fd) < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOSPC;
}

int lm_sync_replace(int dir_fd, const char *name, const void *data, size_t len)
{
	char new_name[NAME_ROOM_BYTES];
	int r;

	if (snprintf(new_name, sizeof(new_name), "%s.new", name) >= (int)sizeof(new_name))
		return -ENAMETOOLONG;
	r = write_new(dir_fd, new_name, data, len);
	if (r == 0 && renameat(dir_fd, new_name, dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, new_name, 0);
	return r < 0 ? r : lm_sync_directory(dir_fd);
}

int lm_sync_parent(const char *path)
{
	LM_FREE char *copy = strdup(path);
	LM_CLOSE int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : lm_sync_directory(fd);
}
