/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frames_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

uint32_t lm_frames_following(int dir_fd, uint32_t number)
{
	LM_CLEANUP(close_dir) DIR *dir = NULL;
	LM_CLOSE int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	uint32_t found = 0;

	dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return 0;
	lm_take_fd(copy);
	while ((entry = readdir(dir))) {
		uint32_t n = lm_segment_number(entry->d_name);

		if (n > number && (found == 0 || n < found))
			found = n;
	}
	return found;
}

bool lm_frames_pass_deleted(struct lm_frames *frames, const struct lm_segment_header *header)
{
	char name[LM_SEGMENT_NAME_BYTES];

	if (header->number < 2 || header->first_sequence <= frames->next_sequence ||
		header->first_event < frames->next_event)
		return false;
	lm_deleted_name(header->number - 1, name);
	if (faccessat(frames->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	frames->deleted = true;
	frames->deleted_events += header->first_event - frames->next_event;
	frames->deleted_ns = header->created_ns;
	frames->next_sequence = header->first_sequence;
	frames->next_event = header->first_event;
	return true;
}

int lm_frames_enter(struct lm_frames *frames, uint32_t number)
{
	char name[LM_SEGMENT_NAME_BYTES];
	LM_CLOSE int fd = -1;
	struct stat status;

	lm_segment_name(number, name);
	fd = openat(frames->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -LM_E_FORMAT;
	frames->finished_bytes = lm_frames_bytes(frames);
	if (frames->fd >= 0)
		close(frames->fd);
	frames->fd = lm_take_fd(fd);
	frames->number = number;
	frames->offset = 0;
	frames->tail_checked = false;
	return 0;
}

int lm_frames_enter_following(struct lm_frames *frames, uint32_t number)
{
	for (;;) {
		int r;

		number = lm_frames_following(frames->dir_fd, number);
		if (number == 0)
			return 0;
		r = lm_frames_enter(frames, number);
		if (r != -ENOENT)
			return r < 0 ? r : 1;
	}
}

int64_t lm_frames_read(const struct lm_frames *frames, void *data, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(frames->fd, (uint8_t *)data + done, len - done,
			(off_t)(offset + done));

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

int lm_frames_read_header(struct lm_frames *frames, struct lm_segment_header *ret_header,
	uint64_t *ret_bytes)
{
	uint8_t data[LM_SEGMENT_HEADER_BYTES + LM_SEGMENT_META_MAX_BYTES];
	int64_t n = lm_frames_read(frames, data, sizeof(data), 0);
	size_t bytes = 0;
	int r;

	if (n <= 0)
		return n < 0 ? (int)n : -LM_E_EMPTY;
	r = lm_segment_header_decode(data, (size_t)n, ret_header, &bytes);
	if (r < 0)
		return r;
	*ret_bytes = bytes;
	return 0;
}

bool lm_frames_is_live(const struct lm_frames *frames)
{
	LM_CLOSE int fd = openat(frames->dir_fd, LM_LOG_LOCK_NAME,
		O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	/* Closing lets go of the lock that was got if nobody writes. */
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

uint64_t lm_frames_bytes(const struct lm_frames *frames)
{
	struct stat status;

	if (frames->fd < 0 || fstat(frames->fd, &status) < 0)
		return frames->finished_bytes;
	return frames->finished_bytes + (uint64_t)status.st_size;
}
