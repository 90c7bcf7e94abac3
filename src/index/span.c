/* SPDX-License-Identifier: MIT */
#include "lemona/index/span.h"

#include <errno.h>

#include "lemona/base/error.h"
#include "load.h"
#include "rows_internal.h"
#include "touched.h"

enum span_section {
	SPAN_SECTION_RANGE = 1, /* u32 first part, u32 parts */
	SPAN_SECTION_TOUCHED = 2,
	SPAN_SECTION_TOUCHED_DIRECTORY = 3,
};

#define RANGE_BYTES 8u

/* One row part that is being read, object by object. */
struct source {
	struct touched touched;
	uint32_t block;
	struct lm_bytes rest;
	lm_object_id object; /* the next one */
	struct touched_cursor cursor;
	bool over;
};

static void advance(struct source *source)
{
	source->over = !touched_walk(&source->touched, &source->block, &source->rest,
				     &source->object, &source->cursor);
}

static uint8_t roles_of(struct source *source)
{
	uint8_t roles = 0, more;
	uint32_t page;

	while (touched_next(&source->cursor, &page, &more))
		roles |= more;
	return roles;
}

/* The lowest object that is left. @return whether there is one */
static bool next_object(const struct source *sources, uint32_t count, lm_object_id *ret_object)
{
	bool found = false;

	for (uint32_t i = 0; i < count; i++) {
		if (sources[i].over || (found && sources[i].object >= *ret_object))
			continue;
		*ret_object = sources[i].object;
		found = true;
	}
	return found;
}

static int merge_sources(struct source *sources, uint32_t count, struct touched_writer *writer)
{
	struct lm_buffer list LM_BUFFER = LM_BUFFER_INIT;
	lm_object_id object = LM_OBJECT_NONE;
	int r = 0;

	while (r == 0 && next_object(sources, count, &object)) {
		uint32_t before = 0;

		lm_buffer_reset(&list);
		for (uint32_t i = 0; i < count; i++) {
			if (sources[i].over || sources[i].object != object)
				continue;
			lm_buffer_append_varint(&list, (uint64_t)(i - before) << 3 |
						       roles_of(&sources[i]));
			before = i;
			advance(&sources[i]);
		}
		r = lm_buffer_status(&list);
		if (r == 0)
			r = touched_writer_add(writer, object, &list);
	}
	return r;
}

static void free_writer(struct lm_part_writer **writer)
{
	lm_part_writer_free(*writer);
}

int lm_span_write(struct lm_rows *const *parts, uint32_t count, uint32_t first, int fd)
{
	struct lm_part_writer *part LM_CLEANUP(free_writer) = NULL;
	struct touched_writer writer LM_CLEANUP(touched_writer_release) = { .part = NULL };
	struct source *sources LM_FREE = lm_array_new(count, sizeof(*sources));
	struct lm_buffer range LM_BUFFER = LM_BUFFER_INIT;
	struct lm_part_info info;
	int r;

	if (count == 0)
		return -EINVAL;
	if (!sources)
		return -ENOMEM;
	info = *lm_rows_info(parts[0]);
	info.kind = LM_PART_SPAN;
	info.level = 1;
	info.end_event = lm_rows_info(parts[count - 1])->end_event;
	for (uint32_t i = 0; i < count; i++) {
		sources[i].touched = *rows_touched(parts[i]);
		advance(&sources[i]);
	}
	lm_buffer_append_u32(&range, first);
	lm_buffer_append_u32(&range, count);
	r = lm_buffer_status(&range);
	if (r == 0)
		r = lm_part_writer_new(fd, &info, &part);
	if (r == 0)
		r = lm_part_put(part, SPAN_SECTION_RANGE, range.data, range.len);
	if (r == 0)
		r = touched_writer_begin(&writer, part, SPAN_SECTION_TOUCHED);
	if (r == 0)
		r = merge_sources(sources, count, &writer);
	if (r == 0)
		r = touched_writer_finish(&writer, SPAN_SECTION_TOUCHED_DIRECTORY);
	return r < 0 ? r : lm_part_finish(part);
}

struct lm_span {
	struct lm_part *part;
	struct touched touched;
	uint32_t first, count;
};

struct lm_span *lm_span_free(struct lm_span *span)
{
	if (!span)
		return NULL;
	lm_part_free(span->part);
	free(span);
	return NULL;
}

int lm_span_open(struct lm_part *part, struct lm_span **ret_span)
{
	struct lm_span *span = calloc(1, sizeof(*span));
	const uint8_t *range;
	size_t len;

	if (!span) {
		lm_part_free(part);
		return -ENOMEM;
	}
	span->part = part;
	range = lm_part_section(part, SPAN_SECTION_RANGE, &len);
	if (lm_part_info(part)->kind == LM_PART_SPAN && len == RANGE_BYTES) {
		span->first = load_u32(range);
		span->count = load_u32(range + 4);
	}
	if (span->count == 0 || span->count > UINT32_MAX - span->first) {
		lm_span_free(span);
		return -LM_E_DAMAGED;
	}
	touched_open(&span->touched, part, SPAN_SECTION_TOUCHED, SPAN_SECTION_TOUCHED_DIRECTORY);
	*ret_span = span;
	return 0;
}

void lm_span_range(const struct lm_span *span, uint32_t *ret_first, uint32_t *ret_count)
{
	*ret_first = span->first;
	*ret_count = span->count;
}

int lm_span_find(const struct lm_span *span, lm_object_id object, uint8_t roles,
		 struct lm_buffer *out)
{
	struct touched_cursor cursor;
	uint32_t place;
	uint8_t has;

	if (!touched_find(&span->touched, object, &cursor))
		return 0;
	while (touched_next(&cursor, &place, &has)) {
		uint32_t part = span->first + place;

		if (has & roles && place < span->count)
			lm_buffer_append(out, &part, sizeof(part));
	}
	return lm_buffer_status(out);
}
