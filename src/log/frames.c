/* SPDX-License-Identifier: MIT */
#include "frames_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "unpack.h"

#define SCAN_BYTES (64u << 10)

/* What was found at the current place. */
enum found {
	FOUND_FRAME,   /* whole: header and frames->stored belong together */
	FOUND_NOTHING, /* the segment ends here */
	FOUND_PART,    /* bytes that are no whole frame, and no frame behind them */
	FOUND_DAMAGE,  /* skipped to where the next frame may be */
	FOUND_NEWER,   /* whole, but of a kind that this version may not skip */
};

void lm_frames_damage(struct lm_frames *frames, const char *fmt, ...)
{
	va_list args;

	frames->missing = true;
	if (frames->damage[0] != '\0')
		return;
	va_start(args, fmt);
	vsnprintf(frames->damage, sizeof(frames->damage), fmt, args);
	va_end(args);
}

/* Look for a frame's header from `offset` on. @return 1 and where; 0; -EIO */
static int scan(struct lm_frames *frames, uint64_t offset, uint64_t *ret_offset)
{
	struct lm_buffer *window = &frames->raw;

	lm_buffer_reset(window);
	for (;;) {
		int64_t n = lm_file_read(frames->fd, window->data, SCAN_BYTES, offset);

		if (n < (int64_t)LM_FRAME_HEADER_BYTES)
			return n < 0 ? (int)n : 0;
		for (size_t i = 0; i + LM_FRAME_HEADER_BYTES <= (size_t)n; i++) {
			const uint8_t *p = memchr(window->data + i, lm_frame_magic[0],
				(size_t)n - LM_FRAME_HEADER_BYTES + 1 - i);

			if (!p)
				break;
			i = (size_t)(p - window->data);
			if (lm_frame_header_is_sound(p)) {
				*ret_offset = offset + i;
				return 1;
			}
		}
		/* A header may lie across the end of the window. */
		offset += (uint64_t)n - (LM_FRAME_HEADER_BYTES - 1);
	}
}

/* No frame begins here: go to where one does. @return enum found; -EIO */
static int skip_to_frame(struct lm_frames *frames)
{
	uint64_t offset = 0;
	int r = scan(frames, frames->offset + 1, &offset);

	if (r <= 0)
		return r < 0 ? r : FOUND_PART;
	lm_frames_damage(frames,
		"segment %08" PRIu32 " is damaged: %" PRIu64 " bytes at offset %" PRIu64
		" are no frame",
		frames->number, offset - frames->offset, frames->offset);
	frames->offset = offset;
	return FOUND_DAMAGE;
}

/*
 * Read the frame at the current place into frames->stored.
 *
 * @param ret_sound  whether header and payload belong together
 * @return enum found (FOUND_DAMAGE: no frame begins here); -EIO
 */
static int load_frame(struct lm_frames *frames, struct lm_frame_header *ret_header, bool *ret_sound)
{
	uint8_t data[LM_FRAME_HEADER_BYTES];
	int64_t n = lm_file_read(frames->fd, data, sizeof(data), frames->offset);
	int r;

	if (n < (int64_t)sizeof(data))
		return n < 0 ? (int)n : n == 0 ? FOUND_NOTHING : FOUND_PART;
	if (!lm_frame_header_is_sound(data))
		return FOUND_DAMAGE;
	r = lm_frame_header_decode(data, ret_header);
	if (r == -LM_E_DAMAGED)
		return FOUND_DAMAGE;
	n = lm_file_read(frames->fd, frames->stored.data, ret_header->stored_bytes,
		frames->offset + sizeof(data));
	if (n < (int64_t)ret_header->stored_bytes)
		return n < 0 ? (int)n : FOUND_PART;
	frames->stored.len = ret_header->stored_bytes;
	*ret_sound = lm_frame_is_sound(data, frames->stored.data, frames->stored.len);
	return r == -LM_E_VERSION && *ret_sound ? FOUND_NEWER : FOUND_FRAME;
}

/* @return enum found; -EIO */
static int read_frame(struct lm_frames *frames, struct lm_frame_header *ret_header)
{
	bool sound = true;
	int r = load_frame(frames, ret_header, &sound);

	/* A writer that had to take back a frame may have put another one there between the
	 * two reads: of a live log, a second look decides. */
	if (r == FOUND_DAMAGE || !sound) {
		if (lm_file_is_live(frames->dir_fd))
			r = load_frame(frames, ret_header, &sound);
	}
	if (r == FOUND_DAMAGE)
		return skip_to_frame(frames);
	if (r != FOUND_FRAME && r != FOUND_NEWER)
		return r;
	if (r == FOUND_FRAME && sound)
		return r;
	lm_frames_damage(frames,
		"segment %08" PRIu32 "%s: frame %" PRIu64 " at offset %" PRIu64 " %s",
		frames->number, sound ? "" : " is damaged", ret_header->sequence, frames->offset,
		sound ? "was written by a newer version of Lemona" : "is not as it was written");
	frames->offset += LM_FRAME_HEADER_BYTES + ret_header->stored_bytes;
	return FOUND_DAMAGE;
}

/* Go to the next segment there is. @return 1; 0 when there is none; -EIO */
static int enter_next(struct lm_frames *frames)
{
	struct lm_segment_header header;
	uint32_t number;
	int r = frames->single ? 0 : lm_frames_enter_following(frames, frames->number);

	if (r <= 0)
		return r < 0 ? -EIO : 0;
	number = frames->number;
	r = lm_frames_read_header(frames, &header, &frames->offset);
	if (r == -EIO)
		return r;
	if (r < 0 || header.number != number) {
		/* Its frames may be sound all the same: look for the first. */
		lm_frames_damage(frames, "segment %08" PRIu32 " is damaged: its header is not as "
			"it was written", number);
		return 1;
	}
	if (memcmp(header.log_id, frames->first.log_id, sizeof(header.log_id)) != 0) {
		lm_frames_damage(frames, "segment %08" PRIu32 " belongs to another log", number);
		frames->offset = lm_frames_bytes(frames) - frames->finished_bytes;
		return 1;
	}
	lm_frames_pass_deleted(frames, &header);
	return 1;
}

/*
 * Do frames follow in a later segment? Then this one gets no more. A writer makes the next
 * one before it ends this one, and may be killed in between.
 */
static bool is_left(const struct lm_frames *frames)
{
	struct lm_frames next = LM_FRAMES_INIT;
	struct lm_segment_header header;
	uint32_t number = lm_frames_following(frames->dir_fd, frames->number);
	uint64_t bytes = 0;
	bool left = true;
	int r;

	if (number == 0)
		return false;
	next.dir_fd = frames->dir_fd;
	if (lm_frames_following(frames->dir_fd, number) == 0 &&
		lm_frames_enter(&next, number) == 0) {
		r = lm_frames_read_header(&next, &header, &bytes);
		/* A header that is not all there yet has at least its own size to come. */
		left = r == 0 ? lm_frames_bytes(&next) > bytes :
			r != -LM_E_TRUNCATED &&
				lm_frames_bytes(&next) >= LM_SEGMENT_HEADER_BYTES;
	}
	next.dir_fd = -1;
	lm_frames_release(&next);
	return left;
}

/*
 * The bytes are used up. Of a live log that is the end so far. Whether it is live has
 * to be asked before the last look, or what was written between the two would be missed.
 *
 * @return 1: look again; 0: the end; -EIO
 */
static int meet_tail(struct lm_frames *frames, enum found found)
{
	int r;

	if (!frames->tail_checked) {
		if (lm_file_is_live(frames->dir_fd) && !is_left(frames))
			return 0;
		frames->tail_checked = true;
		return 1;
	}
	if (found == FOUND_PART)
		lm_frames_damage(frames,
			"segment %08" PRIu32 " ends in the middle of a frame, at offset %" PRIu64,
			frames->number, frames->offset);
	if (!frames->single && is_left(frames)) {
		lm_frames_damage(frames, "segment %08" PRIu32 " ends without its end mark",
			frames->number);
		r = enter_next(frames);
		if (r != 0)
			return r;
	}
	frames->finished = frames->cut = true;
	return 0;
}

/* Nothing may stand behind the end of the log. */
static void meet_end(struct lm_frames *frames)
{
	frames->finished = frames->ended = true;
	if (lm_frames_bytes(frames) - frames->finished_bytes > frames->offset ||
		(!frames->single && lm_frames_following(frames->dir_fd, frames->number) != 0))
		lm_frames_damage(frames, "segment %08" PRIu32
			" goes on behind the end mark of the log", frames->number);
}

/* @return 1; 0 when that segment is not there; -EIO */
static int meet_segment_end(struct lm_frames *frames)
{
	uint32_t before = frames->number;
	int r;

	if (frames->single) {
		frames->finished = frames->ended = true;
		return 1;
	}
	r = enter_next(frames);
	if (r == 0) {
		lm_frames_damage(frames, "the log goes on after segment %08" PRIu32
			", but the next segment is missing", before);
		frames->finished = frames->cut = true;
		return 1;
	}
	return r;
}

/* Numbers must go on where they were. False: this frame belongs elsewhere. */
static bool check_place(struct lm_frames *frames, const struct lm_frame_header *header)
{
	if (header->log_mark != lm_log_mark(frames->first.log_id)) {
		lm_frames_damage(frames,
			"segment %08" PRIu32 " is damaged: frame %" PRIu64
			" in it belongs to another log",
			frames->number, header->sequence);
		return false;
	}
	if (header->sequence < frames->next_sequence || header->first_event < frames->next_event) {
		lm_frames_damage(frames,
			"segment %08" PRIu32 " is damaged: frame %" PRIu64 " stands where frame %"
			PRIu64 " belongs",
			frames->number, header->sequence, frames->next_sequence);
		return false;
	}
	if (header->sequence > frames->next_sequence)
		lm_frames_damage(frames, "frames %" PRIu64 " to %" PRIu64 " are missing",
			frames->next_sequence, header->sequence - 1);
	else if (header->first_event != frames->next_event && !frames->missing)
		lm_frames_damage(frames, "events %" PRIu64 " to %" PRIu64 " are missing",
			frames->next_event, header->first_event - 1);
	frames->next_sequence = header->sequence + 1;
	return true;
}

/* A whole frame. @return 1 when it is a batch to hand out; 0 to go on; -EIO */
static int take_frame(struct lm_frames *frames, const struct lm_frame_header *header)
{
	int r;

	frames->offset += LM_FRAME_HEADER_BYTES + header->stored_bytes;
	if (!check_place(frames, header))
		return 0;
	frames->frame_count++;
	switch (header->type) {
	case LM_FRAME_END:
		meet_end(frames);
		return 0;
	case LM_FRAME_SEGMENT_END:
		r = meet_segment_end(frames);
		return r < 0 ? r : 0;
	case LM_FRAME_BATCH:
		if (lm_frame_unpack(frames->decompressor, header, frames->stored.data,
			    &frames->raw) == 0)
			return 1;
		lm_frames_damage(frames, "segment %08" PRIu32 " is damaged: frame %" PRIu64
			" does not decompress", frames->number, header->sequence);
		return 0;
	}
	return 0; /* skippable */
}

int lm_frames_next(struct lm_frames *frames, struct lm_frame_header *ret_header)
{
	while (!frames->finished) {
		int r = read_frame(frames, ret_header);

		if (r < 0)
			return r;
		switch ((enum found)r) {
		case FOUND_FRAME:
			frames->tail_checked = false;
			r = take_frame(frames, ret_header);
			if (r != 0)
				return r;
			break;
		case FOUND_NOTHING:
		case FOUND_PART:
			r = meet_tail(frames, (enum found)r);
			if (r <= 0)
				return r;
			break;
		case FOUND_DAMAGE:
		case FOUND_NEWER:
			frames->tail_checked = false;
			break;
		}
	}
	return 0;
}
