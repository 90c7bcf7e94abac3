/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/io.h"

static int cut_tail(struct lm_segment *segment)
{
	if (ftruncate(segment->fd, (off_t)segment->end) < 0)
		return -errno;
	segment->torn = false;
	return 0;
}

int lm_segment_append(struct lm_segment *segment, const void *data, size_t len)
{
	int r;

	if (segment->torn) {
		r = cut_tail(segment);
		if (r < 0)
			return r;
	}
	r = lm_write_at(segment->fd, data, len, segment->end);
	if (r < 0) {
		/* Tried again before the next append if it cannot be done now. */
		segment->torn = true;
		cut_tail(segment);
		return r;
	}
	segment->end += len;
	return 0;
}

int lm_segment_create(int dir_fd, const struct lm_segment_header *header,
	struct lm_segment *ret_segment)
{
	struct lm_segment segment = LM_SEGMENT_INIT;
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;
	LM_CLOSE int fd = -1;
	char name[LM_SEGMENT_NAME_BYTES];
	int r;

	r = lm_segment_header_encode(header, &bytes);
	if (r < 0)
		return r;
	lm_segment_name(header->number, name);
	/* Readable, so that it can be made anew from this descriptor when its name is removed. */
	fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	segment.fd = fd;
	r = lm_segment_append(&segment, bytes.data, bytes.len);
	if (r < 0) {
		unlinkat(dir_fd, name, 0);
		return r;
	}
	segment.fd = lm_take_fd(fd);
	*ret_segment = segment;
	return 0;
}

void lm_segment_release(struct lm_segment *segment)
{
	if (segment->fd >= 0)
		close(segment->fd);
	*segment = (struct lm_segment)LM_SEGMENT_INIT;
}
