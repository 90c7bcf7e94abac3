/* SPDX-License-Identifier: MIT */
#include "lemona/log/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "events.h"
#include "frames_internal.h"
#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "threads.h"

/* Steps of the wall clock that are worth an entry: slewing makes every frame differ a little. */
#define OFFSET_STEP_NS    100000
#define OFFSETS_MAX       (1u << 20)

/* From time_ns on, wall time was boot time plus offset_ns. */
struct wall_offset {
	uint64_t time_ns;
	int64_t offset_ns;
};

struct lm_log {
	struct lm_frames frames;
	struct lm_frame_header frame; /* the one whose items are being handed out */
	struct lm_batch_reader *batch;
	bool in_frame;
	bool cut_told;
	int failure;                  /* what a call that failed returned: so do all later ones */
	uint64_t last_ns;             /* latest event time so far */
	struct lm_threads threads;
	struct wall_offset *offsets;
	size_t offset_count, offset_capacity;
	struct lm_log_counts counts;
};

struct lm_log *lm_log_free(struct lm_log *log)
{
	if (!log)
		return NULL;
	lm_frames_release(&log->frames);
	lm_batch_reader_free(log->batch);
	lm_threads_release(&log->threads);
	free(log->offsets);
	free(log);
	return NULL;
}

static void free_log(struct lm_log **log)
{
	lm_log_free(*log);
}

/* Note a change of the wall clock; times only ever grow, so that they can be searched. */
static int note_offset(struct lm_log *log, uint64_t time_ns, int64_t offset_ns)
{
	const struct wall_offset *last =
		log->offset_count ? &log->offsets[log->offset_count - 1] : NULL;
	int64_t step = last ? (int64_t)((uint64_t)offset_ns - (uint64_t)last->offset_ns) : 0;

	if (last && (time_ns < last->time_ns || log->offset_count >= OFFSETS_MAX ||
			    (step > -OFFSET_STEP_NS && step < OFFSET_STEP_NS)))
		return 0;
	if (log->offset_count == log->offset_capacity) {
		size_t capacity = log->offset_capacity ? log->offset_capacity * 2 : 16;
		struct wall_offset *moved = reallocarray(log->offsets, capacity, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		log->offsets = moved;
		log->offset_capacity = capacity;
	}
	log->offsets[log->offset_count++] = (struct wall_offset){ time_ns, offset_ns };
	return 0;
}

int lm_log_open(const char *path, struct lm_log **ret_log, struct lm_diag *diag)
{
	LM_CLEANUP(free_log) struct lm_log *log = calloc(1, sizeof(*log));
	int r;

	if (!log)
		return lm_diag_errno(diag, -ENOMEM, "cannot read the log %s", path);
	log->frames = (struct lm_frames)LM_FRAMES_INIT;
	r = lm_frames_open(&log->frames, path, diag);
	if (r < 0)
		return r;
	log->last_ns = log->frames.first.meta.start_ns;
	r = note_offset(log, 0, log->frames.first.wall_minus_boot_ns);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot read the log %s", path);
	*ret_log = lm_take_ptr(log);
	return 0;
}

const struct lm_log_meta *lm_log_meta(const struct lm_log *log)
{
	return &log->frames.first.meta;
}

/* Unpack the frame whose payload was just read. @return 1; 0 when it is damaged; -ENOMEM */
static int enter_frame(struct lm_log *log)
{
	const struct lm_frame_header *frame = &log->frame;
	const struct lm_buffer *raw = &log->frames.raw;
	int r;

	r = log->batch ?
		lm_batch_reader_load(log->batch, raw->data, raw->len, frame->base_ns,
			frame->first_event) :
		lm_batch_reader_new(raw->data, raw->len, frame->base_ns, frame->first_event,
			&log->batch);
	if (r == -ENOMEM)
		return r;
	if (r < 0 || lm_batch_reader_events(log->batch) != frame->event_count) {
		lm_frames_damage(&log->frames, "frame %" PRIu64 " is damaged: its payload is not "
			"a batch", frame->sequence);
		return 0;
	}
	log->in_frame = true;
	return 1;
}

/* The gap that stands for frames lost before the current one, or before the end. */
static void make_gap(struct lm_log *log, uint16_t reason, uint64_t end_ns, uint64_t count,
	struct lm_item *ret_item)
{
	*ret_item = (struct lm_item){
		.kind = LM_ITEM_GAP,
		.gap = {
			.begin_ns = log->last_ns,
			.end_ns = end_ns > log->last_ns ? end_ns : log->last_ns,
			.count = count,
			.cpu = LM_GAP_CPU_NONE,
			.reason = reason,
		},
	};
	log->frames.missing = false;
	log->counts.lost += count;
}

static void make_deleted_gap(struct lm_log *log, struct lm_item *ret_item)
{
	bool missing = log->frames.missing;

	make_gap(log, LM_GAP_RETENTION, log->frames.deleted_ns, log->frames.deleted_events,
		ret_item);
	log->frames.missing = missing;
	log->frames.deleted = false;
	log->frames.deleted_events = 0;
}

static void make_damaged_gap(struct lm_log *log, struct lm_item *ret_item)
{
	const struct lm_frame_header *frame = &log->frame;
	uint64_t lost = frame->first_event - log->frames.next_event;

	make_gap(log, LM_GAP_DAMAGED, frame->event_count ? frame->min_ns : frame->base_ns, lost,
		ret_item);
	log->frames.next_event = frame->first_event;
}

/* @return 1 with a gap; 0 */
static int end_log(struct lm_log *log, struct lm_item *ret_item)
{
	struct lm_frames *frames = &log->frames;

	if (!frames->finished)
		return 0;
	if (frames->deleted) {
		make_deleted_gap(log, ret_item);
		return 1;
	}
	if (frames->cut && !log->cut_told) {
		log->cut_told = true;
		make_gap(log, LM_GAP_CUT, UINT64_MAX, 0, ret_item);
		return 1;
	}
	if (frames->missing) {
		/* The end mark is the last frame read: it knows what should have been there. */
		make_damaged_gap(log, ret_item);
		return 1;
	}
	return 0;
}

static int finish_item(struct lm_log *log, struct lm_item *item)
{
	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		if (item->object.id > log->counts.objects)
			log->counts.objects = item->object.id;
		return lm_threads_define(&log->threads, &item->object);
	case LM_ITEM_EVENT:
		log->counts.events++;
		log->counts.folded += lm_event_count(&item->event) - 1;
		if (item->event.end_ns > log->last_ns)
			log->last_ns = item->event.end_ns;
		return lm_threads_bound(&log->threads, &item->event);
	case LM_ITEM_GAP:
		log->counts.lost += item->gap.count;
		return 0;
	case LM_ITEM_BINDING:
		return 0;
	}
	return 0;
}

/* The next item of the current frame. @return 1; 0 when it has no more; -ENOMEM */
static int take_item(struct lm_log *log, struct lm_item *ret_item)
{
	int r;

	if (log->frames.deleted) {
		make_deleted_gap(log, ret_item);
		return 1;
	}
	if (log->frames.missing) {
		make_damaged_gap(log, ret_item);
		return 1;
	}
	log->frames.next_event = log->frame.first_event + log->frame.event_count;
	r = lm_batch_reader_next(log->batch, ret_item);
	if (r == 1) {
		r = finish_item(log, ret_item);
		return r < 0 ? r : 1;
	}
	log->in_frame = false;
	if (r < 0)
		lm_frames_damage(&log->frames, "frame %" PRIu64 " is damaged: its payload is not "
			"a batch", log->frame.sequence);
	return 0;
}

/* @return as lm_log_next() */
static int next_item(struct lm_log *log, struct lm_item *ret_item)
{
	for (;;) {
		int r;

		if (log->in_frame) {
			r = take_item(log, ret_item);
			if (r != 0)
				return r;
		}
		r = lm_frames_next(&log->frames, &log->frame);
		if (r == 0)
			return end_log(log, ret_item);
		if (r > 0)
			r = note_offset(log, log->last_ns, log->frame.wall_minus_boot_ns);
		if (r == 0)
			r = enter_frame(log);
		if (r < 0)
			return r;
	}
}

int lm_log_next(struct lm_log *log, struct lm_item *ret_item)
{
	int r = log->failure < 0 ? log->failure : next_item(log, ret_item);

	/* Something was read and not handed out: going on would pass over it in silence. */
	if (r < 0)
		log->failure = r;
	return r;
}

enum lm_log_state lm_log_state(const struct lm_log *log)
{
	if (log->frames.ended)
		return LM_LOG_ENDED;
	return log->frames.cut ? LM_LOG_CUT : LM_LOG_LIVE;
}

const char *lm_log_damage(const struct lm_log *log)
{
	return log->frames.damage[0] != '\0' ? log->frames.damage : NULL;
}

int64_t lm_log_wall_offset_ns(const struct lm_log *log, uint64_t t_ns)
{
	size_t low = 0, high = log->offset_count;

	/* The last entry at or before t; the first one is at 0. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (log->offsets[middle].time_ns <= t_ns)
			low = middle;
		else
			high = middle;
	}
	return log->offsets[low].offset_ns;
}

const uint8_t *lm_log_identity(const struct lm_log *log)
{
	return log->frames.first.log_id;
}

int lm_log_events_new(const struct lm_log *log, struct lm_log_events **ret_events)
{
	return lm_log_events_make(log->frames.dir_fd, lm_log_mark(log->frames.first.log_id),
				  ret_events);
}

int lm_log_directory(const struct lm_log *log)
{
	return log->frames.single ? -1 : log->frames.dir_fd;
}

int lm_log_segments(const struct lm_log *log, struct lm_log_segment **ret_segments,
		    size_t *ret_count)
{
	LM_FREE struct lm_log_segment *segments = NULL;
	size_t count = 0, capacity = 0;
	uint32_t number = 0;

	if (log->frames.single)
		return -ENOTDIR;
	while ((number = lm_frames_following(log->frames.dir_fd, number)) > 0) {
		char name[LM_SEGMENT_NAME_BYTES];
		struct stat status;

		lm_segment_name(number, name);
		if (fstatat(log->frames.dir_fd, name, &status, 0) < 0) {
			if (errno == ENOENT) /* deleted just now */
				continue;
			return -errno;
		}
		if (lm_array_reserve(segments, capacity, count + 1) < 0)
			return -ENOMEM;
		segments[count++] = (struct lm_log_segment){ (uint64_t)status.st_size, number };
	}
	*ret_segments = lm_take_ptr(segments);
	*ret_count = count;
	return 0;
}

void lm_log_place(const struct lm_log *log, struct lm_log_place *ret_place)
{
	*ret_place = (struct lm_log_place){
		.segment = log->frames.number, .events = log->frame.event_count,
		.offset = log->frames.offset - LM_FRAME_HEADER_BYTES - log->frame.stored_bytes,
		.first_event = log->frame.first_event,
	};
}

void lm_log_read_counts(const struct lm_log *log, struct lm_log_counts *ret_counts)
{
	*ret_counts = log->counts;
	ret_counts->bytes = lm_frames_bytes(&log->frames);
	ret_counts->frames = log->frames.frame_count;
}
