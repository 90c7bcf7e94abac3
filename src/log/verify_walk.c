/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "unpack.h"
#include "verify_internal.h"

#define WINDOW_BYTES       (2u << 20)
#define REGIONS_MAX        4096u
#define PROGRESS_BYTES     (16u << 20)

static void tell_progress(struct lm_verify *v, uint64_t in_segment)
{
	uint64_t done = v->done_bytes + in_segment;

	if (!v->options || !v->options->progress || done < v->told_bytes + PROGRESS_BYTES)
		return;
	v->told_bytes = done;
	v->options->progress(v->options->progress_data, done, v->total_bytes);
}

/*
 * Look at `want` bytes, at most a frame.
 *
 * @param ret_data  until the next look
 * @return how many there are; -EIO; -ENOMEM
 */
static int64_t look(struct lm_verify *v, int fd, uint64_t offset, size_t want,
	const uint8_t **ret_data)
{
	struct lm_window *window = &v->window;
	int64_t n;

	if (offset < window->offset || offset - window->offset > window->len ||
		window->len - (size_t)(offset - window->offset) < want) {
		n = lm_file_read(fd, window->data, window->capacity, offset);
		if (n < 0)
			return n;
		window->offset = offset;
		window->len = (size_t)n;
		tell_progress(v, offset);
	}
	*ret_data = window->data + (offset - window->offset);
	n = (int64_t)(window->len - (size_t)(offset - window->offset));
	return n < (int64_t)want ? n : (int64_t)want;
}

static int add_region(struct lm_verify_segment *segment, const struct lm_region *region)
{
	struct lm_region *last =
		segment->region_count ? &segment->regions[segment->region_count - 1] : NULL;

	/* Noise that a scan met in parts; and who sends thousands of regions gets one. */
	if (last && ((last->kind == LM_REGION_NOISE && region->kind == LM_REGION_NOISE &&
			     last->end == region->begin) ||
			    segment->region_count == REGIONS_MAX)) {
		last->end = region->end;
		return 0;
	}
	if (segment->region_count == segment->region_capacity) {
		size_t capacity = segment->region_capacity ? segment->region_capacity * 2 : 16;
		struct lm_region *moved =
			reallocarray(segment->regions, capacity, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		segment->regions = moved;
		segment->region_capacity = capacity;
	}
	segment->regions[segment->region_count++] = *region;
	return 0;
}

static struct lm_found *add_found(struct lm_verify_segment *segment)
{
	if (segment->found_count == segment->found_capacity) {
		size_t capacity = segment->found_capacity ? segment->found_capacity * 2 : 64;
		struct lm_found *moved = reallocarray(segment->found, capacity, sizeof(*moved));

		if (!moved)
			return NULL;
		segment->found = moved;
		segment->found_capacity = capacity;
	}
	return &segment->found[segment->found_count++];
}

/* Where the next frame's header stands, from `at` on; the end of the segment without one. */
static int scan(struct lm_verify *v, const struct lm_verify_segment *segment, uint64_t at,
	uint64_t *ret_next)
{
	for (;;) {
		const uint8_t *data = NULL, *end;
		int64_t n = look(v, segment->fd, at, LM_FRAME_PAYLOAD_MAX_BYTES, &data);

		if (n < 0)
			return (int)n;
		if (n < (int64_t)LM_FRAME_HEADER_BYTES)
			break;
		end = data + n - LM_FRAME_HEADER_BYTES + 1;
		for (const uint8_t *p = data; p < end; p++) {
			p = memchr(p, lm_frame_magic[0], (size_t)(end - p));
			if (!p)
				break;
			if (lm_frame_header_is_sound(p)) {
				*ret_next = at + (uint64_t)(p - data);
				return 0;
			}
		}
		/* A header may lie across the end of what was looked at. */
		at += (uint64_t)n - (LM_FRAME_HEADER_BYTES - 1);
	}
	*ret_next = segment->size;
	return 0;
}

/* The bytes at `offset` are no frame: up to where the next one begins. */
static int skip_noise(struct lm_verify *v, struct lm_verify_segment *segment, uint64_t *offset)
{
	struct lm_region region = { .kind = LM_REGION_NOISE, .begin = *offset };
	int r = scan(v, segment, *offset + 1, &region.end);

	if (r < 0)
		return r;
	*offset = region.end;
	return add_region(segment, &region);
}

static bool is_deep(const struct lm_verify *v)
{
	return v->options && v->options->deep;
}

/* Count the gaps that a batch tells. @return 0; -LM_E_DAMAGED; -ENOMEM */
static int count_gaps(struct lm_verify *v, const struct lm_frame_header *header)
{
	struct lm_item item;
	uint64_t gaps = 0;
	int r = lm_payload_gaps(v->raw.data, v->raw.len, &gaps);

	if (r == 0 && header->gap_count != lm_frame_gaps(gaps))
		r = -LM_E_DAMAGED;
	if (r < 0 || (gaps == 0 && !is_deep(v)))
		return r;
	r = v->batch ? lm_batch_reader_load(v->batch, v->raw.data, v->raw.len, header->base_ns,
			       header->first_event) :
		       lm_batch_reader_new(v->raw.data, v->raw.len, header->base_ns,
			       header->first_event, &v->batch);
	while (r == 0) {
		r = lm_batch_reader_next(v->batch, &item);
		if (r <= 0 || (item.kind == LM_ITEM_EVENT && !is_deep(v)))
			return r < 0 ? r : 0;
		if (item.kind == LM_ITEM_GAP) {
			v->report.gaps++;
			v->report.lost += item.gap.count;
		}
		r = 0;
	}
	return r;
}

/* What a frame holds, told if that is no batch. @return 0; -ENOMEM */
static int read_batch(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct lm_frame_header *header, const uint8_t *stored, uint64_t offset)
{
	uint64_t end = offset + LM_FRAME_HEADER_BYTES + header->stored_bytes;
	int r = lm_frame_unpack(v->decompressor, header, stored, &v->raw);

	if (r == 0)
		r = count_gaps(v, header);
	if (r != -LM_E_DAMAGED)
		return r;
	lm_verify_tell(v, LM_VERDICT_ALTERED,
		&(struct lm_place){ segment->name, segment->file->number, header->sequence,
			header->sequence, offset, end, header->min_ns, header->max_ns },
		"the payload of the frame is not the batch that its header tells of, though its "
		"checksums fit");
	return 0;
}

/*
 * What a checkpoint covers is as it was signed, and its header says how many gaps it has: only
 * those are worth decoding it for. Whether one covers it shows later.
 */
static bool can_wait(const struct lm_verify *v, const struct lm_frame_header *header)
{
	return v->report.sealed && !is_deep(v) && header->gap_count == 0;
}

/* A whole frame of this log. */
static int take_frame(struct lm_verify *v, struct lm_verify_segment *segment,
	const struct lm_frame_header *header, const uint8_t *data, uint64_t offset)
{
	const uint8_t *stored = data + LM_FRAME_HEADER_BYTES;
	struct lm_found *found = add_found(segment);
	int r;

	if (!found)
		return -ENOMEM;
	*found = (struct lm_found){
		.sequence = header->sequence,
		.offset = offset,
		.first_event = header->first_event,
		.base_ns = header->base_ns,
		.min_ns = header->min_ns,
		.max_ns = header->max_ns,
		.bytes = LM_FRAME_HEADER_BYTES + header->stored_bytes,
		.events = header->event_count,
		.type = header->type,
	};
	r = lm_seal_stored_leaf(v->hash, data, stored, header->stored_bytes, &found->leaf);
	if (r < 0)
		return r;
	v->report.frames++;
	v->report.events += header->event_count;
	if (header->type != LM_FRAME_BATCH || header->flags & ~(unsigned int)LM_FRAME_FLAGS_KNOWN)
		return 0;
	v->report.raw_bytes += header->raw_bytes;
	found->unread = can_wait(v, header);
	return found->unread ? 0 : read_batch(v, segment, header, stored, offset);
}

/*
 * A frame whose payload is not what its header says. The next one should stand behind it; where
 * something was cut out, it stands elsewhere.
 *
 * @return 1; -EIO; -ENOMEM
 */
static int skip_broken(struct lm_verify *v, struct lm_verify_segment *segment,
	struct lm_region *region, uint64_t *offset)
{
	const uint8_t *data = NULL;
	int64_t n = look(v, segment->fd, region->declared_end, LM_FRAME_HEADER_BYTES, &data);
	int r;

	if (n < 0)
		return (int)n;
	region->kind = LM_REGION_BROKEN;
	region->end = region->declared_end;
	r = 0;
	if (region->declared_end < segment->size &&
		(n < (int64_t)LM_FRAME_HEADER_BYTES || !lm_frame_header_is_sound(data)))
		r = scan(v, segment, *offset + 1, &region->end);
	*offset = region->end;
	if (r == 0)
		r = add_region(segment, region);
	return r < 0 ? r : 1;
}

/*
 * A frame that is longer than the file is torn, unless frames of this log stand behind its
 * header.
 *
 * @return 1; 0: the end; -EIO; -ENOMEM
 */
static int skip_torn(struct lm_verify *v, struct lm_verify_segment *segment,
	struct lm_region *region, uint64_t *offset)
{
	struct lm_frame_header header;
	const uint8_t *data = NULL;
	uint64_t next = segment->size;
	int64_t n;
	int r = scan(v, segment, *offset + 1, &next);

	if (r == 0 && next < segment->size) {
		n = look(v, segment->fd, next, LM_FRAME_HEADER_BYTES, &data);
		if (n == (int64_t)LM_FRAME_HEADER_BYTES &&
			lm_frame_header_decode(data, &header) == 0 && header.log_mark == v->mark) {
			region->kind = LM_REGION_BROKEN;
			region->end = *offset = next;
			r = 1;
		}
	}
	if (r >= 0 && add_region(segment, region) < 0)
		return -ENOMEM;
	return r;
}

/* @return 1: go on at *offset; 0: the end; -EIO; -ENOMEM */
static int step(struct lm_verify *v, struct lm_verify_segment *segment, uint64_t *offset)
{
	struct lm_region region = { .begin = *offset };
	struct lm_frame_header header;
	const uint8_t *data = NULL;
	uint64_t left = segment->size - *offset;
	int64_t n = look(v, segment->fd, *offset, LM_FRAME_HEADER_BYTES, &data);
	int r;

	if (n <= 0 || left == 0)
		return (int)n < 0 ? (int)n : 0;
	region.kind = LM_REGION_TORN;
	region.end = segment->size;
	if (n < (int64_t)LM_FRAME_HEADER_BYTES || left < LM_FRAME_HEADER_BYTES)
		return add_region(segment, &region);
	if (!lm_frame_header_is_sound(data) ||
		lm_frame_header_decode(data, &header) == -LM_E_DAMAGED) {
		r = skip_noise(v, segment, offset);
		return r < 0 ? r : 1;
	}
	region.sequence = header.sequence;
	region.declared_end = *offset + LM_FRAME_HEADER_BYTES + header.stored_bytes;
	if (region.declared_end > segment->size)
		return skip_torn(v, segment, &region, offset);
	n = look(v, segment->fd, *offset, LM_FRAME_HEADER_BYTES + header.stored_bytes, &data);
	if (n < (int64_t)(LM_FRAME_HEADER_BYTES + header.stored_bytes))
		return n < 0 ? (int)n : add_region(segment, &region);
	if (!lm_frame_is_sound(data, data + LM_FRAME_HEADER_BYTES, header.stored_bytes))
		return skip_broken(v, segment, &region, offset);
	*offset = region.end = region.declared_end;
	region.kind = LM_REGION_FOREIGN;
	r = header.log_mark != v->mark ? add_region(segment, &region) :
					 take_frame(v, segment, &header, data, region.begin);
	return r < 0 ? r : 1;
}

/* Room for the whole of a small segment, or for some frames. */
static int open_window(struct lm_window *window, uint64_t size)
{
	size_t capacity = size < WINDOW_BYTES ? size : WINDOW_BYTES;
	uint8_t *data;

	window->len = 0;
	if (capacity <= window->capacity)
		return 0;
	data = realloc(window->data, capacity);
	if (!data)
		return -ENOMEM;
	window->data = data;
	window->capacity = capacity;
	return 0;
}

int lm_verify_walk(struct lm_verify *v, struct lm_verify_segment *segment)
{
	uint64_t offset = segment->file->status == 0 ? segment->file->header_bytes : 0;
	int r = open_window(&v->window, segment->size);

	if (r < 0)
		return r;
	if (segment->file->status < 0 && segment->size > 0)
		r = skip_noise(v, segment, &offset);
	while (r >= 0 && offset < segment->size) {
		r = step(v, segment, &offset);
		if (r == 0)
			break;
	}
	v->done_bytes += segment->size;
	v->report.bytes += segment->size;
	return r < 0 ? r : 0;
}

int lm_verify_unread(struct lm_verify *v, const struct lm_verify_segment *segment)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < segment->found_count; i++) {
		const struct lm_found *frame = &segment->found[i];
		struct lm_frame_header header;
		const uint8_t *data = NULL;
		int64_t n;

		if (!frame->unread || (frame->placed && frame->sequence <= v->signed_frame))
			continue;
		n = look(v, segment->fd, frame->offset, frame->bytes, &data);
		if (n < 0)
			return (int)n;
		/* The file may have been changed since it was walked. */
		if (n < (int64_t)frame->bytes || !lm_frame_header_is_sound(data) ||
			lm_frame_header_decode(data, &header) < 0 ||
			LM_FRAME_HEADER_BYTES + header.stored_bytes != frame->bytes)
			return -EIO;
		r = read_batch(v, segment, &header, data + LM_FRAME_HEADER_BYTES, frame->offset);
	}
	return r;
}

int lm_verify_payload(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct lm_found *frame)
{
	size_t len = frame->bytes - LM_FRAME_HEADER_BYTES;

	lm_buffer_reset(&v->raw);
	if (lm_buffer_reserve(&v->raw, LM_FRAME_PAYLOAD_MAX_BYTES) < 0)
		return -ENOMEM;
	if (lm_file_read(segment->fd, v->raw.data, len, frame->offset + LM_FRAME_HEADER_BYTES) !=
		(int64_t)len)
		return -EIO;
	v->raw.len = len;
	return 0;
}

/* The segment that holds the frame with that number, if all is well. */
static const struct lm_segment_file *file_of(const struct lm_verify *v, uint64_t sequence)
{
	const struct lm_segment_file *found = NULL;

	for (size_t i = 0; i < v->file_count; i++) {
		const struct lm_segment_file *file = &v->files[i];

		if (!file->skipped && !file->deleted && file->status == 0 &&
			file->header.first_sequence <= sequence)
			found = file;
	}
	return found;
}

int lm_verify_leaf_of(struct lm_verify *v, const struct lm_stray *stray,
	struct lm_digest *ret_leaf)
{
	uint64_t sequence = stray->frame.sequence;
	const struct lm_segment_file *file = file_of(v, sequence);
	uint8_t data[LM_FRAME_HEADER_BYTES];
	struct lm_frame_header header;
	LM_CLOSE int fd = -1;
	uint64_t at = file ? file->header_bytes : 0;
	int r;

	if (!file)
		return 0;
	fd = lm_file_open_segment(v->dir_fd, file->named);
	if (fd < 0)
		return 0;
	for (;;) {
		if (lm_file_read(fd, data, sizeof(data), at) < (int64_t)sizeof(data) ||
			!lm_frame_header_is_sound(data) ||
			lm_frame_header_decode(data, &header) == -LM_E_DAMAGED)
			return 0;
		if (header.sequence == sequence && header.log_mark == v->mark &&
			(file->number != stray->segment || at != stray->frame.offset))
			break;
		at += sizeof(data) + header.stored_bytes;
	}
	lm_buffer_reset(&v->raw);
	if (lm_buffer_reserve(&v->raw, LM_FRAME_PAYLOAD_MAX_BYTES) < 0)
		return -ENOMEM;
	if (lm_file_read(fd, v->raw.data, header.stored_bytes, at + sizeof(data)) <
		(int64_t)header.stored_bytes)
		return 0;
	r = lm_seal_stored_leaf(v->hash, data, v->raw.data, header.stored_bytes, ret_leaf);
	return r < 0 ? r : 1;
}
