/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "writer_internal.h"

#define COPY_BYTES (256u << 10)

static bool is_removed(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_nlink == 0;
}

/* Does the name still lead to the open file? */
static bool is_in_place(int dir_fd, const char *name, int fd)
{
	struct stat there, ours;

	if (fstat(fd, &ours) < 0 || fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

/* Each directory above the log that is not there. What fails shows when the log's own is made. */
static void make_parents(const char *path)
{
	char parent[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(parent))
		return;
	memcpy(parent, path, len + 1);
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(parent, 0700);
		*slash = '/';
	}
}

static int restore_lock(struct lm_log_writer *writer)
{
	LM_CLOSE int fd = -1;
	int r;

	if (unlinkat(writer->dir_fd, LM_LOG_LOCK_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	r = lm_log_take_lock(writer->dir_fd, &fd);
	if (r < 0)
		return r;
	close(writer->lock_fd);
	writer->lock_fd = lm_take_fd(fd);
	return 0;
}

/* What was to be synced is gone: whatever is still there is synced with the next checkpoint. */
static int restore_syncer(struct lm_log_writer *writer)
{
	if (!writer->sealer)
		return 0;
	(void)lm_syncer_free(writer->syncer, false);
	writer->syncer = NULL;
	return lm_syncer_new(writer->dir_fd, writer->header.number, &writer->syncer);
}

/* Nothing is left to be deleted; without a new one nothing is, and the log grows. */
static void restore_retainer(struct lm_log_writer *writer)
{
	if (!writer->retainer)
		return;
	writer->retainer = lm_retainer_free(writer->retainer);
	(void)lm_retainer_new(writer->dir_fd, &writer->retainer);
}

/* What earlier segments held is gone. */
static void count_removed(struct lm_log_writer *writer)
{
	uint64_t gone = writer->header.first_event - writer->first_event;

	writer->counts.events -= gone;
	writer->counts.lost += gone;
	writer->first_event = writer->header.first_event;
	writer->first_segment = writer->header.number;
	writer->finished_bytes = 0;
}

static int restore_directory(struct lm_log_writer *writer)
{
	LM_CLOSE int fd = -1;
	bool made;
	int r;

	make_parents(writer->path);
	r = lm_log_open_directory(writer->path, &fd, &made, NULL);
	if (r < 0)
		return r;
	close(writer->dir_fd);
	writer->dir_fd = lm_take_fd(fd);
	writer->made = writer->made || made;
	count_removed(writer);
	/* Tried again by the next call: no new checkpoint files until then. */
	(void)restore_syncer(writer);
	restore_retainer(writer);
	return 0;
}

static int copy_bytes(int from, int to, uint64_t len)
{
	LM_FREE uint8_t *bytes = malloc(COPY_BYTES);
	uint64_t done = 0;

	if (!bytes)
		return -ENOMEM;
	while (done < len) {
		size_t part = len - done < COPY_BYTES ? (size_t)(len - done) : COPY_BYTES;
		ssize_t n = pread(from, bytes, part, (off_t)done);

		if (n > 0)
			n = pwrite(to, bytes, (size_t)n, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (uint64_t)n;
	}
	return 0;
}

/* A file without a name keeps its bytes for as long as it is open. */
static int restore_segment(int dir_fd, uint32_t number, struct lm_segment *segment)
{
	char name[LM_SEGMENT_NAME_BYTES], new_name[LM_SEGMENT_NAME_BYTES + 4];
	LM_CLOSE int fd = -1;
	int r;

	lm_segment_name(number, name);
	snprintf(new_name, sizeof(new_name), "%s.new", name);
	fd = openat(dir_fd, new_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = copy_bytes(segment->fd, fd, segment->end);
	if (r == 0 && renameat(dir_fd, new_name, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir_fd, new_name, 0);
		return r;
	}
	close(segment->fd);
	segment->fd = lm_take_fd(fd);
	segment->torn = false;
	return 0;
}

static bool has_key(const struct lm_log_writer *writer)
{
	return !writer->sealer || faccessat(writer->dir_fd, LM_LOG_KEY_NAME, F_OK, 0) == 0;
}

/* @return 0; 1 it was not in place; -errno */
static int look_at_segment(int dir_fd, uint32_t number, struct lm_segment *segment)
{
	char name[LM_SEGMENT_NAME_BYTES];
	int r;

	if (segment->fd < 0)
		return 0;
	lm_segment_name(number, name);
	if (is_in_place(dir_fd, name, segment->fd))
		return 0;
	r = restore_segment(dir_fd, number, segment);
	return r < 0 ? r : 1;
}

/* What a new directory needs beside segments. @return as look_at_segment() */
static int look_at_rest(struct lm_log_writer *writer)
{
	bool locked = is_in_place(writer->dir_fd, LM_LOG_LOCK_NAME, writer->lock_fd);
	int r = locked ? 0 : restore_lock(writer);

	if (r == 0 && writer->sealer && !writer->syncer)
		r = restore_syncer(writer);
	if (r < 0)
		return r;
	if (has_key(writer))
		return !locked;
	r = lm_log_write_key(writer);
	return r < 0 ? r : 1;
}

int lm_log_restore(struct lm_log_writer *writer)
{
	bool removed = is_removed(writer->dir_fd);
	int rest, current, next;
	int r = removed ? restore_directory(writer) : 0;

	if (r < 0)
		return r;
	rest = look_at_rest(writer);
	if (rest < 0)
		return rest;
	current = look_at_segment(writer->dir_fd, writer->header.number, &writer->segment);
	if (current < 0)
		return current;
	next = look_at_segment(writer->dir_fd, writer->next_header.number, &writer->next_segment);
	return next < 0 ? next : removed || rest || current || next;
}
