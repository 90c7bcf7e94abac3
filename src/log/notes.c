/* SPDX-License-Identifier: MIT */
#include "lemona/log/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "files.h"
#include "frames_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "seal.h"

/* A note, and what it says; size 0 without one. */
struct newest {
	struct lm_buffer note;
	struct lm_checkpoint checkpoint;
};

static int open_log(const char *path, int *ret_fd, struct lm_diag *diag)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return lm_diag_errno(diag, -errno, "cannot read the log %s", path);
	*ret_fd = fd;
	return 0;
}

/* A file of the size of a note. @return 0; -LM_E_DAMAGED (longer, or no file); -errno */
static int read_file(int dir_fd, const char *name, struct lm_buffer *ret)
{
	int64_t n = lm_file_load(dir_fd, name, LM_NOTE_MAX_BYTES, ret);

	return n == -EFBIG ? -LM_E_DAMAGED : n < 0 ? (int)n : 0;
}

int lm_log_key(const char *path, struct lm_buffer *ret_key, struct lm_diag *diag)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_public_key key;
	LM_CLOSE int dir_fd = -1;
	int r = open_log(path, &dir_fd, diag);

	if (r < 0)
		return r;
	r = read_file(dir_fd, LM_LOG_KEY_NAME, &text);
	if (r == -ENOENT)
		return lm_diag_set(diag, -ENODATA, "the log %s is not sealed: it has no key", path);
	if (r == 0)
		r = lm_verifier_key_parse(
			(struct lm_str){ (char *)text.data, text.len }, log_id, &key);
	if (r == 0)
		r = lm_verifier_key_encode(log_id, &key, ret_key);
	if (r == -LM_E_DAMAGED)
		return lm_diag_set(diag, r, "the key of the log %s is damaged", path);
	return r < 0 ? lm_diag_errno(diag, r, "cannot read the key of the log %s", path) : 0;
}

/* Keep it if it is a checkpoint and says more. @return 0; -ENOMEM */
static int take_note(struct newest *newest, struct lm_str bytes)
{
	struct lm_checkpoint checkpoint;
	struct lm_note note;

	if (lm_checkpoint_parse(bytes, &checkpoint, &note) < 0 ||
		checkpoint.size <= newest->checkpoint.size)
		return 0;
	lm_buffer_reset(&newest->note);
	lm_buffer_append_str(&newest->note, bytes);
	newest->checkpoint = checkpoint;
	return lm_buffer_status(&newest->note);
}

static bool has_note(const struct lm_frame_header *header)
{
	return header->type == LM_FRAME_CHECKPOINT || header->type == LM_FRAME_END ||
		header->type == LM_FRAME_SEGMENT_END;
}

/* @param data  the frame's header, as stored. @return 0; -EIO; -ENOMEM */
static int take_frame(struct newest *newest, const struct lm_frames *frames, const uint8_t *data,
	const struct lm_frame_header *header)
{
	uint8_t payload[LM_NOTE_MAX_BYTES + LM_END_TAIL_BYTES];
	struct lm_end end = { .note = { (char *)payload, header->stored_bytes } };
	int64_t n;

	if (!has_note(header) || header->stored_bytes > sizeof(payload))
		return 0;
	n = lm_file_read(frames->fd, payload, header->stored_bytes,
		frames->offset + LM_FRAME_HEADER_BYTES);
	if (n < (int64_t)header->stored_bytes)
		return n < 0 ? (int)n : 0;
	if (!lm_frame_is_sound(data, payload, header->stored_bytes) ||
		(header->type != LM_FRAME_CHECKPOINT &&
			lm_end_decode(payload, header->stored_bytes, &end) < 0))
		return 0;
	return take_note(newest, end.note);
}

/* All of the current segment, from header to header, as far as they are sound. */
static int read_segment(struct newest *newest, struct lm_frames *frames)
{
	struct lm_segment_header segment;
	int r = lm_frames_read_header(frames, &segment, &frames->offset);

	while (r == 0) {
		uint8_t data[LM_FRAME_HEADER_BYTES];
		struct lm_frame_header header;
		int64_t n = lm_file_read(frames->fd, data, sizeof(data), frames->offset);

		if (n < (int64_t)sizeof(data))
			return n < 0 ? (int)n : 0;
		if (!lm_frame_header_is_sound(data) || lm_frame_header_decode(data, &header) < 0)
			return 0;
		r = take_frame(newest, frames, data, &header);
		frames->offset += sizeof(data) + header.stored_bytes;
	}
	return r == -EIO || r == -ENOMEM ? r : 0;
}

/* The last segment, or the one before if that was only just begun. */
static int read_segments(struct newest *newest, int dir_fd)
{
	struct lm_frames frames = LM_FRAMES_INIT;
	uint64_t size = newest->checkpoint.size;
	uint32_t last = 0, number = 0;
	int r = 0;

	while ((number = lm_frames_following(dir_fd, last)) != 0)
		last = number;
	frames.dir_fd = dir_fd;
	for (number = last; r == 0 && number > 0 && number + 1 >= last; number--) {
		r = lm_frames_enter(&frames, number);
		if (r == 0)
			r = read_segment(newest, &frames);
		if (newest->checkpoint.size > size)
			break;
	}
	frames.dir_fd = -1;
	lm_frames_release(&frames);
	/* A segment that retention has just deleted has no news. */
	return r == -ENOENT ? 0 : r;
}

static int find_newest(struct newest *newest, int dir_fd)
{
	LM_BUFFER struct lm_buffer file = LM_BUFFER_INIT;
	int r = read_file(dir_fd, LM_LOG_CHECKPOINT_NAME, &file);

	if (r == 0)
		r = take_note(newest, (struct lm_str){ (char *)file.data, file.len });
	if (r < 0 && r != -ENOENT && r != -LM_E_DAMAGED)
		return r;
	return read_segments(newest, dir_fd);
}

int lm_log_newest_checkpoint(const char *path, struct lm_buffer *ret_note,
	struct lm_checkpoint *ret_checkpoint, struct lm_diag *diag)
{
	struct newest newest = { .note = LM_BUFFER_INIT };
	LM_CLOSE int dir_fd = -1;
	int r = open_log(path, &dir_fd, diag);

	if (r < 0)
		return r;
	r = find_newest(&newest, dir_fd);
	if (r < 0)
		lm_diag_errno(diag, r, "cannot read the log %s", path);
	else if (newest.checkpoint.size == 0)
		r = lm_diag_set(diag, -ENODATA,
			"the log %s has no checkpoint: it is not sealed, or was only just begun",
			path);
	if (r == 0) {
		lm_buffer_append(ret_note, newest.note.data, newest.note.len);
		r = lm_buffer_status(ret_note);
		*ret_checkpoint = newest.checkpoint;
	}
	lm_buffer_release(&newest.note);
	return r;
}
