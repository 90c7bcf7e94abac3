/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/error.h"
#include "verify_internal.h"

/* More rows than a segment's bytes can have frames are no rows of it, but for what was cut out. */
#define ROWS_SPARE 1000000u

static int reserve_rows(struct lm_verify_segment *segment, size_t count)
{
	size_t capacity = segment->row_capacity ? segment->row_capacity : 256;
	struct lm_digest *rows;
	uint64_t *offsets;

	while (capacity < count)
		capacity *= 2;
	if (capacity == segment->row_capacity)
		return 0;
	rows = reallocarray(segment->rows, capacity, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	segment->rows = rows;
	offsets = reallocarray(segment->row_offsets, capacity, sizeof(*offsets));
	if (!offsets)
		return -ENOMEM;
	segment->row_offsets = offsets;
	segment->row_capacity = capacity;
	return 0;
}

static int take_rows(struct lm_verify_segment *segment, const struct lm_index *index)
{
	uint64_t header = lm_seal_header_index(segment->file->number, segment->first_sequence);
	uint64_t first = index->first_leaf - header;
	struct lm_index_row row;
	int r;

	if (index->first_leaf < header ||
		first + index->count > segment->size / LM_FRAME_HEADER_BYTES + ROWS_SPARE)
		return 0;
	r = reserve_rows(segment, first + index->count);
	if (r < 0)
		return r;
	while (segment->row_count < first)
		segment->row_offsets[segment->row_count++] = 0;
	for (uint32_t i = 0; i < index->count; i++) {
		lm_index_row_at(index, i, &row);
		segment->rows[first + i] = row.leaf;
		segment->row_offsets[first + i] = row.offset;
	}
	if (segment->row_count < first + index->count)
		segment->row_count = first + index->count;
	return 0;
}

int lm_verify_rows(struct lm_verify *v, struct lm_verify_segment *segment)
{
	struct lm_index index;
	int r = 0;

	for (size_t i = 0; r == 0 && i < segment->found_count; i++) {
		if (segment->found[i].type != LM_FRAME_INDEX)
			continue;
		r = lm_verify_payload(v, segment, &segment->found[i]);
		if (r == 0 && lm_index_decode(v->raw.data, v->raw.len, &index) == 0)
			r = take_rows(segment, &index);
	}
	return r;
}
