/* SPDX-License-Identifier: MIT */
#include "sync.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "lemona/base/cleanup.h"

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

int lm_sync_parent(const char *path)
{
	LM_FREE char *copy = strdup(path);
	LM_CLOSE int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : lm_sync_directory(fd);
}
