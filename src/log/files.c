/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "lemona/base/cleanup.h"

int lm_file_open(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

int lm_file_open_segment(int dir_fd, uint32_t number)
{
	char name[LM_SEGMENT_NAME_BYTES];

	lm_segment_name(number, name);
	return lm_file_open(dir_fd, name);
}

int64_t lm_file_read(int fd, void *data, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (uint8_t *)data + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -EIO;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (int64_t)done;
}

int64_t lm_file_load(int dir_fd, const char *name, size_t max, struct lm_buffer *ret)
{
	LM_CLOSE int fd = lm_file_open(dir_fd, name);
	struct stat status;
	int64_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > (off_t)max)
		return -EFBIG;
	lm_buffer_reset(ret);
	if (lm_buffer_reserve(ret, max) < 0)
		return -ENOMEM;
	n = lm_file_read(fd, ret->data, max, 0);
	if (n > 0)
		ret->len = (size_t)n;
	return n;
}

DIR *lm_file_list(int dir_fd)
{
	/* Of its own, with a position of its own. */
	LM_CLOSE int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);

	if (list)
		lm_take_fd(copy);
	return list;
}

void lm_file_list_close(DIR **list)
{
	if (*list)
		closedir(*list);
}

bool lm_file_is_live(int dir_fd)
{
	LM_CLOSE int fd = openat(dir_fd, LM_LOG_LOCK_NAME,
		O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	/* Closing lets go of the lock that was got if nobody writes. */
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}
