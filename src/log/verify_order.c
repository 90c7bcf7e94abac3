/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "verify_internal.h"

#define FOLLOWED_MAX 8192u /* ranges, and strays, that are followed to where they belong */
#define LOOK_UPS_MAX 32u   /* each walks through a segment */

static uint64_t end_of(const struct lm_found *frame)
{
	return frame->offset + frame->bytes;
}

static bool is_end(const struct lm_found *frame)
{
	return frame->type == LM_FRAME_END || frame->type == LM_FRAME_SEGMENT_END;
}

/* As nearly always: each frame follows from the one before. */
static bool is_in_order(const struct lm_verify_segment *segment)
{
	for (size_t i = 0; i < segment->found_count; i++)
		if (segment->found[i].sequence != segment->first_sequence + i ||
			segment->found[i].sequence > segment->limit)
			return false;
	return true;
}

/*
 * The longest run of frames whose numbers rise is taken to stand in place, by patience sorting:
 * tails[n] is the frame with the lowest number that ends a run of n + 1.
 */
static int place_longest(struct lm_verify_segment *segment)
{
	size_t count = segment->found_count, longest = 0;
	LM_FREE uint32_t *tails = calloc(count, sizeof(*tails));
	LM_FREE uint32_t *before = calloc(count, sizeof(*before));

	if (!tails || !before)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t sequence = segment->found[i].sequence;
		size_t low = 0, high = longest;

		if (sequence < segment->first_sequence || sequence > segment->limit)
			continue;
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (segment->found[tails[middle]].sequence < sequence)
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low > 0 ? tails[low - 1] : UINT32_MAX;
		/* Of two with the same number the first one is in place. */
		if (low == longest || segment->found[tails[low]].sequence != sequence)
			tails[low] = (uint32_t)i;
		if (low == longest)
			longest++;
	}
	for (uint32_t i = longest ? tails[longest - 1] : UINT32_MAX; i != UINT32_MAX; i = before[i])
		segment->found[i].placed = true;
	return 0;
}

static int place(struct lm_verify_segment *segment)
{
	bool in_order = is_in_order(segment);
	int r = in_order || segment->found_count > UINT32_MAX ? 0 : place_longest(segment);

	if (r < 0)
		return r;
	segment->placed = calloc(segment->found_count + 1, sizeof(struct lm_found *));
	if (!segment->placed)
		return -ENOMEM;
	for (size_t i = 0; i < segment->found_count; i++) {
		struct lm_found *frame = &segment->found[i];

		frame->placed = frame->placed || in_order;
		if (frame->placed)
			segment->placed[segment->placed_count++] = frame;
	}
	return 0;
}

static int add_missing(struct lm_verify *v, const struct lm_missing *missing)
{
	if (v->missing_count == v->missing_capacity) {
		size_t capacity = v->missing_capacity ? v->missing_capacity * 2 : 16;
		struct lm_missing *moved = reallocarray(v->missing, capacity, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		v->missing = moved;
		v->missing_capacity = capacity;
	}
	v->missing[v->missing_count++] = *missing;
	return 0;
}

static int add_stray(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct lm_found *frame, uint64_t after)
{
	if (v->stray_count == v->stray_capacity) {
		size_t capacity = v->stray_capacity ? v->stray_capacity * 2 : 16;
		struct lm_stray *moved = reallocarray(v->strays, capacity, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		v->strays = moved;
		v->stray_capacity = capacity;
	}
	v->strays[v->stray_count++] = (struct lm_stray){ *frame, segment->file->number, after };
	return 0;
}

/* What lies between two frames in place that should be neighbours, or at an end of the segment. */
struct between {
	const struct lm_found *a, *b; /* NULL at the ends */
	uint64_t begin, end;          /* bytes */
	uint64_t first, last;         /* sequence numbers that are missing; first > last: none */
	const struct lm_region *regions;
	size_t region_count;
};

/* The bytes of the segment's last index frame, of which the end frame is the next one. */
static uint64_t last_index_bytes(const struct lm_verify_segment *segment,
	const struct lm_found *end)
{
	uint64_t rows = end->sequence - segment->first_sequence;

	for (size_t i = segment->placed_count; i > 0; i--)
		if (segment->placed[i - 1]->sequence + 1 == end->sequence)
			return segment->placed[i - 1]->bytes;
	rows -= segment->row_count < rows ? segment->row_count : rows;
	return LM_FRAME_HEADER_BYTES + LM_INDEX_HEAD_BYTES + rows * LM_INDEX_ROW_BYTES;
}

/* Where the frame stood, as an index frame says, or the end frame of the index frame. */
static bool was_at(const struct lm_verify_segment *segment, const struct lm_found *frame,
	uint64_t *ret_offset)
{
	uint64_t row = frame->sequence - segment->first_sequence + 1;

	if (row < segment->row_count && segment->row_offsets[row] != 0)
		*ret_offset = segment->row_offsets[row];
	else if (segment->tail_index && frame->type == LM_FRAME_INDEX)
		*ret_offset = segment->tail_index;
	else if (segment->tail_index && is_end(frame))
		*ret_offset = segment->tail_index + last_index_bytes(segment, frame);
	else
		return false;
	return true;
}

/* How many bytes belong there, if that is known. */
static bool expected_bytes(const struct lm_verify_segment *segment, const struct between *at,
	uint64_t *ret_bytes)
{
	uint64_t begin = segment->file->status == 0 ? segment->file->header_bytes : 0, end;

	if (!at->b || !was_at(segment, at->b, &end))
		return false;
	if (at->a && !was_at(segment, at->a, &begin))
		begin = at->a->offset;
	*ret_bytes = end - begin - (at->a ? at->a->bytes : 0);
	return true;
}

/* How many bytes belong at the end of the segment, which still ends as one that is finished. */
static uint64_t tail_bytes(const struct lm_verify_segment *segment, const struct between *at)
{
	uint64_t rows = at->first - segment->first_sequence + 1;

	if (segment->tail_index < at->begin)
		return segment->tail_bytes;
	/* The last index frame is not there either. */
	rows -= segment->row_count < rows ? segment->row_count : rows;
	return segment->tail_index - at->begin + LM_FRAME_HEADER_BYTES + LM_INDEX_HEAD_BYTES +
		rows * LM_INDEX_ROW_BYTES + segment->tail_bytes;
}

/* Were bytes taken out there, or changed? */
static enum lm_verdict judge(const struct lm_verify_segment *segment, const struct between *at)
{
	const struct lm_region *last = &at->regions[at->region_count - 1];
	uint64_t there = at->end - at->begin, frames = at->last - at->first + 1, bytes;
	/* An end that is still there was not cut off. */
	enum lm_verdict cut = at->b || !segment->last || segment->tail_bytes ?
		LM_VERDICT_CUT_MIDDLE : LM_VERDICT_CUT_END;

	if (expected_bytes(segment, at, &bytes))
		return bytes > there ? cut : LM_VERDICT_ALTERED;
	if (at->first > at->last)
		return LM_VERDICT_ALTERED;
	for (size_t i = 0; i < at->region_count; i++) {
		const struct lm_region *region = &at->regions[i];

		if (region->kind == LM_REGION_TORN ||
			(region->kind == LM_REGION_BROKEN && region->declared_end > region->end))
			return cut;
	}
	if (!at->b && last->kind == LM_REGION_BROKEN && last->declared_end == segment->size)
		return LM_VERDICT_ALTERED;
	if (!at->b)
		return segment->tail_bytes && there >= tail_bytes(segment, at) ?
			LM_VERDICT_ALTERED : cut;
	return frames * LM_FRAME_HEADER_BYTES > there ? cut : LM_VERDICT_ALTERED;
}

static struct lm_place place_of(const struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct between *at)
{
	return (struct lm_place){
		.file = segment->name,
		.segment = segment->file->number,
		.first_frame = at->first,
		.last_frame = at->last,
		.begin = at->begin,
		.end = at->end,
		.begin_ns = at->a && at->a->max_ns ? at->a->max_ns : v->last_ns,
		.end_ns = !at->b ? 0 : at->b->min_ns ? at->b->min_ns : at->b->base_ns,
	};
}

static void tell_region(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct between *at, const struct lm_region *region, enum lm_verdict verdict)
{
	struct lm_place place = place_of(v, segment, at);
	bool known = region->kind == LM_REGION_BROKEN && region->sequence >= at->first &&
		region->sequence <= at->last;

	place.begin = region->begin;
	place.end = region->end;
	if (known && verdict == LM_VERDICT_ALTERED)
		place.first_frame = place.last_frame = region->sequence;
	if (region->kind == LM_REGION_FOREIGN)
		lm_verify_tell_frames(v, LM_VERDICT_MIXED, &place,
			"frame %" PRIu64 " of another log stands here", region->sequence);
	else if (verdict != LM_VERDICT_ALTERED)
		lm_verify_tell_frames(v, verdict, &place, "bytes are missing here");
	else if (known)
		lm_verify_tell_frames(v, verdict, &place, "the frame is not as it was written");
	else if (region->begin == 0)
		lm_verify_tell_frames(v, verdict, &place,
			"the segment's header is not as it was written");
	else if (at->a && is_end(at->a))
		lm_verify_tell_frames(v, verdict, &place,
			"the segment goes on behind its end mark");
	else
		lm_verify_tell_frames(v, verdict, &place, "these bytes are no frame");
}

/* An unsealed log that nobody ended: its last bytes can be anything. */
static bool is_torn_tail(const struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct between *at)
{
	return !v->report.sealed && segment->last && !at->b &&
		segment->file->status == 0 && !(at->a && is_end(at->a));
}

static int tell_between(struct lm_verify *v, struct lm_verify_segment *segment,
	struct between *at)
{
	struct lm_place place = place_of(v, segment, at);
	enum lm_verdict verdict;

	if (at->region_count > 0) {
		verdict = judge(segment, at);
		if (is_torn_tail(v, segment, at))
			lm_verify_tell(v, LM_VERDICT_NOTE, &place,
				"the last frame is not whole, as a kill or a power cut leaves it");
		else
			for (size_t i = 0; i < at->region_count; i++)
				tell_region(v, segment, at, &at->regions[i], verdict);
		return 0;
	}
	if (at->first <= at->last && v->missing_count >= FOLLOWED_MAX) {
		lm_verify_tell_frames(v, LM_VERDICT_CUT_MIDDLE, &place, "frames are missing here");
		return 0;
	}
	if (at->first <= at->last)
		return add_missing(v, &(struct lm_missing){
			at->first, at->last, segment->file->number, at->begin, at->end,
			place.begin_ns, place.end_ns, SIZE_MAX, segment->last && !at->b });
	if (at->a && at->b && at->a->first_event + at->a->events != at->b->first_event) {
		place.first_frame = at->a->sequence;
		place.last_frame = at->b->sequence;
		place.begin = at->a->offset;
		place.end = end_of(at->b);
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the numbers of their events do not follow each other");
	}
	return 0;
}

/* Take the regions in front of `end` into it. */
static void take_regions(const struct lm_verify_segment *segment, size_t *next, struct between *at)
{
	at->regions = segment->region_count ? segment->regions + *next : NULL;
	while (*next < segment->region_count && segment->regions[*next].begin < at->end) {
		(*next)++;
		at->region_count++;
	}
}

static uint64_t last_missing(const struct lm_verify_segment *segment, const struct lm_found *a,
	const struct lm_found *b, uint64_t first)
{
	if (b)
		return b->sequence - 1;
	if (a && is_end(a))
		return first - 1;
	if (segment->limit != UINT64_MAX)
		return segment->limit;
	/* Who knows how many: the first of them at least, where something is left of it. */
	return segment->region_count > 0 &&
			segment->regions[segment->region_count - 1].end == segment->size ?
		first : first - 1;
}

static int tell_gaps(struct lm_verify *v, struct lm_verify_segment *segment)
{
	const struct lm_found *a = NULL;
	size_t region = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i <= segment->placed_count; i++) {
		const struct lm_found *b =
			i < segment->placed_count ? segment->placed[i] : NULL;
		struct between at = {
			.a = a,
			.b = b,
			.begin = a ? end_of(a) : segment->file->status == 0 ?
				segment->file->header_bytes : 0,
			.end = b ? b->offset : segment->size,
			.first = a ? a->sequence + 1 : segment->first_sequence,
		};

		at.last = last_missing(segment, a, b, at.first);
		take_regions(segment, &region, &at);
		r = tell_between(v, segment, &at);
		if (b)
			v->last_ns = b->max_ns ? b->max_ns : b->base_ns;
		a = b;
	}
	return r;
}

int lm_verify_order(struct lm_verify *v, struct lm_verify_segment *segment)
{
	uint64_t after = segment->first_sequence - 1;
	const struct lm_found *last;
	int r = place(segment);

	if (r == 0)
		r = tell_gaps(v, segment);
	for (size_t i = 0; r == 0 && i < segment->found_count; i++) {
		const struct lm_found *frame = &segment->found[i];

		if (frame->placed)
			after = frame->sequence;
		else if (v->stray_count < FOLLOWED_MAX)
			r = add_stray(v, segment, frame, after);
		else
			v->report.dropped++;
	}
	if (r < 0)
		return r;
	last = segment->placed_count ? segment->placed[segment->placed_count - 1] : NULL;
	segment->ended = last && is_end(last);
	if (last) {
		v->next_sequence = last->sequence + 1;
		v->next_event = last->first_event + last->events;
	}
	return 0;
}

/* Strike a number off what is missing. */
static bool strike(struct lm_verify *v, uint64_t sequence, struct lm_missing *ret_from)
{
	for (size_t i = 0; i < v->missing_count; i++) {
		struct lm_missing *missing = &v->missing[i];
		struct lm_missing rest = *missing;

		if (sequence < missing->first || sequence > missing->last)
			continue;
		*ret_from = rest;
		missing->last = sequence - 1;
		rest.first = sequence + 1;
		/* Without memory for the rest it is told too little: as a finding it counts all
		 * the same. */
		if (rest.first <= rest.last && add_missing(v, &rest) < 0)
			v->missing[i] = rest;
		return true;
	}
	return false;
}

struct last_stray {
	const struct lm_stray *stray;
	enum lm_verdict verdict;
	size_t finding;
};

/* Frames that were moved or doubled together are told together. */
static bool joins(const struct last_stray *last, const struct lm_stray *stray,
	enum lm_verdict verdict)
{
	return last->stray && last->finding != SIZE_MAX && last->verdict == verdict &&
		last->stray->segment == stray->segment &&
		end_of(&last->stray->frame) == stray->frame.offset &&
		last->stray->frame.sequence + 1 == stray->frame.sequence;
}

static int settle_stray(struct lm_verify *v, const struct lm_stray *stray, struct last_stray *last)
{
	const struct lm_found *frame = &stray->frame;
	struct lm_missing from = { 0 };
	enum lm_verdict verdict = LM_VERDICT_ALTERED;
	char name[LM_SEGMENT_NAME_BYTES];
	struct lm_place place = { name, stray->segment, frame->sequence, frame->sequence,
		frame->offset, end_of(frame), frame->min_ns, frame->max_ns };
	struct lm_digest leaf;
	int r = 0;

	if (strike(v, frame->sequence, &from)) {
		uint64_t leaf_index = lm_seal_frame_index(from.segment, frame->sequence);

		verdict = LM_VERDICT_REORDERED;
		if (from.at_end && leaf_index >= v->leaves)
			v->leaves = leaf_index + 1;
	} else if (frame->sequence < v->next_sequence) {
		bool look = v->look_ups < LOOK_UPS_MAX;

		r = look ? lm_verify_leaf_of(v, stray, &leaf) : 0;
		v->look_ups += look;
		if (!look || (r == 1 && memcmp(&leaf, &frame->leaf, sizeof(leaf)) == 0))
			verdict = LM_VERDICT_DUPLICATED;
	}
	if (r < 0)
		return r;
	lm_segment_name(stray->segment, name);
	if (joins(last, stray, verdict)) {
		v->report.findings[last->finding].last_frame = frame->sequence;
		v->report.findings[last->finding].end_byte = place.end;
		last->stray = stray;
		return 0;
	}
	*last = (struct last_stray){ stray, verdict, SIZE_MAX };
	if (verdict == LM_VERDICT_REORDERED) {
		last->finding = lm_verify_tell_frames(v, verdict, &place,
			"the frame stands behind frame %" PRIu64, stray->after);
	} else if (verdict == LM_VERDICT_DUPLICATED) {
		last->finding = lm_verify_tell_frames(v, verdict, &place,
			"a copy of the frame stands behind frame %" PRIu64, stray->after);
	} else {
		if (strike(v, stray->after + 1, &from))
			place.first_frame = place.last_frame = stray->after + 1;
		lm_verify_tell_frames(v, verdict, &place,
			"a frame that says it is number %" PRIu64 " stands here, and is not that",
			frame->sequence);
	}
	return 0;
}

int lm_verify_settle(struct lm_verify *v)
{
	struct last_stray last = { .finding = SIZE_MAX };
	char name[LM_SEGMENT_NAME_BYTES];
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->stray_count; i++)
		r = settle_stray(v, &v->strays[i], &last);
	for (size_t i = 0; r == 0 && i < v->missing_count; i++) {
		const struct lm_missing *missing = &v->missing[i];

		if (missing->first > missing->last || missing->finding != SIZE_MAX)
			continue;
		lm_segment_name(missing->segment, name);
		lm_verify_tell_frames(v,
			missing->at_end ? LM_VERDICT_CUT_END : LM_VERDICT_CUT_MIDDLE,
			&(struct lm_place){ name, missing->segment, missing->first, missing->last,
				missing->begin, missing->end, missing->begin_ns, missing->end_ns },
			"frames are missing here");
	}
	return r;
}
