/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "frames_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

static int diagnose_header(int code, const char *path, struct lm_diag *diag)
{
	switch (-code) {
	case LM_E_FORMAT:
		return lm_diag_set(diag, code, "%s is not a Lemona log", path);
	case LM_E_EMPTY:
		return lm_diag_set(diag, code, "%s is empty: no log was written there", path);
	case LM_E_TRUNCATED:
		return lm_diag_set(diag, -LM_E_DAMAGED,
			"%s is damaged: it ends in the middle of its first header", path);
	case LM_E_DAMAGED:
		return lm_diag_set(diag, code,
			"%s is damaged: the header of its first segment is not as it was written",
			path);
	case LM_E_VERSION:
		return lm_diag_set(diag, code,
			"%s was written by a newer version of Lemona: read it with that", path);
	}
	return lm_diag_errno(diag, code, "cannot read the log %s", path);
}

static int open_path(const char *path, int *ret_fd, struct stat *ret_status)
{
	LM_CLOSE int fd = lm_file_open(AT_FDCWD, path);

	if (fd < 0)
		return fd;
	if (fstat(fd, ret_status) < 0)
		return -errno;
	*ret_fd = lm_take_fd(fd);
	return 0;
}

/* One segment was named: its directory has the lock, if it has not been copied alone. */
static int open_parent(const char *path, int *ret_fd)
{
	LM_FREE char *copy = strdup(path);
	int fd;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int open_first(struct lm_frames *frames, const char *path, struct lm_diag *diag)
{
	LM_CLOSE int fd = -1;
	struct stat status;
	int r;

	r = open_path(path, &fd, &status);
	if (r < 0)
		return diagnose_header(r, path, diag);
	if (S_ISDIR(status.st_mode)) {
		frames->dir_fd = lm_take_fd(fd);
		r = lm_frames_enter_following(frames, 0);
		if (r == 0)
			return diagnose_header(-LM_E_EMPTY, path, diag);
		r = r < 0 ? r : 0;
	} else if (S_ISREG(status.st_mode)) {
		r = open_parent(path, &frames->dir_fd);
		if (r < 0)
			return diagnose_header(r, path, diag);
		frames->single = true;
		frames->fd = lm_take_fd(fd);
	} else {
		r = -LM_E_FORMAT;
	}
	return r < 0 ? diagnose_header(r, path, diag) : 0;
}

int lm_frames_open(struct lm_frames *frames, const char *path, struct lm_diag *diag)
{
	int r;

	*frames = (struct lm_frames)LM_FRAMES_INIT;
	frames->decompressor = ZSTD_createDCtx();
	if (!frames->decompressor ||
		lm_buffer_reserve(&frames->stored, LM_FRAME_PAYLOAD_MAX_BYTES) < 0 ||
		lm_buffer_reserve(&frames->raw, LM_FRAME_PAYLOAD_MAX_BYTES) < 0)
		return lm_diag_errno(diag, -ENOMEM, "cannot read the log %s", path);
	r = open_first(frames, path, diag);
	if (r < 0)
		return r;
	r = lm_frames_read_header(frames, &frames->first, &frames->offset);
	if (r == 0 && !frames->single && frames->first.number != frames->number)
		r = -LM_E_DAMAGED;
	if (r < 0)
		return diagnose_header(r, path, diag);
	/* A directory is expected to hold the log from its start. */
	frames->number = frames->first.number;
	frames->next_sequence = frames->single ? frames->first.first_sequence : 1;
	frames->next_event = frames->single ? frames->first.first_event : 1;
	if (!frames->single)
		lm_frames_pass_deleted(frames, &frames->first);
	return 0;
}

void lm_frames_release(struct lm_frames *frames)
{
	if (frames->fd >= 0)
		close(frames->fd);
	if (frames->dir_fd >= 0)
		close(frames->dir_fd);
	lm_buffer_release(&frames->stored);
	lm_buffer_release(&frames->raw);
	ZSTD_freeDCtx(frames->decompressor);
	*frames = (struct lm_frames)LM_FRAMES_INIT;
}
