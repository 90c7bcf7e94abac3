/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "frames_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

uint32_t lm_frames_following(int dir_fd, uint32_t number)
{
	LM_CLEANUP(lm_file_list_close) DIR *dir = lm_file_list(dir_fd);
	const struct dirent *entry;
	uint32_t found = 0;

	if (!dir)
		return 0;
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
	LM_CLOSE int fd = lm_file_open_segment(frames->dir_fd, number);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
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

int lm_frames_read_header(struct lm_frames *frames, struct lm_segment_header *ret_header,
	uint64_t *ret_bytes)
{
	uint8_t data[LM_SEGMENT_HEADER_BYTES + LM_SEGMENT_META_MAX_BYTES];
	int64_t n = lm_file_read(frames->fd, data, sizeof(data), 0);
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

uint64_t lm_frames_bytes(const struct lm_frames *frames)
{
	struct stat status;

	if (frames->fd < 0 || fstat(frames->fd, &status) < 0)
		return frames->finished_bytes;
	return frames->finished_bytes + (uint64_t)status.st_size;
}
