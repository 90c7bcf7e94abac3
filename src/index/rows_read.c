/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lemona/base/error.h"
#include "lemona/log/pack.h"
#include "load.h"
#include "rows_internal.h"
#include "touched.h"

#define PAGE_RAW_MAX_BYTES (1u << 20) /* no honest page comes near this */
#define FRAME_BYTES        24u
#define END_BYTES          16u

struct lm_rows {
	struct lm_part *part;
	struct touched touched;
	const uint8_t *pages, *directory, *frames, *ends, *sinks;
	size_t pages_len;
	uint32_t page_count;
	size_t frame_count, end_count, sink_count;
	struct lm_packer *packer;
	struct lm_buffer raw;
};

struct lm_rows *lm_rows_free(struct lm_rows *rows)
{
	if (!rows)
		return NULL;
	lm_part_free(rows->part);
	lm_packer_free(rows->packer);
	lm_buffer_release(&rows->raw);
	free(rows);
	return NULL;
}

int lm_rows_open(struct lm_part *part, struct lm_rows **ret_rows)
{
	struct lm_rows *rows = calloc(1, sizeof(*rows));
	size_t len;

	if (!rows || lm_packer_new(&rows->packer) < 0) {
		lm_part_free(part);
		free(rows);
		return -ENOMEM;
	}
	rows->part = part;
	if (lm_part_info(part)->kind != LM_PART_ROWS) {
		lm_rows_free(rows);
		return -LM_E_DAMAGED;
	}
	touched_open(&rows->touched, part, ROWS_SECTION_TOUCHED, ROWS_SECTION_TOUCHED_DIRECTORY);
	rows->pages = lm_part_section(part, ROWS_SECTION_PAGES, &rows->pages_len);
	rows->directory = lm_part_section(part, ROWS_SECTION_DIRECTORY, &len);
	rows->page_count = (uint32_t)(len / ROWS_PAGE_INFO_BYTES);
	rows->frames = lm_part_section(part, ROWS_SECTION_FRAMES, &len);
	rows->frame_count = len / FRAME_BYTES;
	rows->ends = lm_part_section(part, ROWS_SECTION_ENDS, &len);
	rows->end_count = len / END_BYTES;
	rows->sinks = lm_part_section(part, ROWS_SECTION_SINKS, &len);
	rows->sink_count = len / sizeof(uint32_t);
	*ret_rows = rows;
	return 0;
}

const struct lm_part_info *lm_rows_info(const struct lm_rows *rows)
{
	return lm_part_info(rows->part);
}

const struct touched *rows_touched(const struct lm_rows *rows)
{
	return &rows->touched;
}

int lm_rows_find(const struct lm_rows *rows, lm_object_id object, uint8_t roles,
		 struct lm_buffer *out)
{
	struct touched_cursor cursor;
	uint32_t page;
	uint8_t has;

	if (!touched_find(&rows->touched, object, &cursor))
		return 0;
	while (touched_next(&cursor, &page, &has)) {
		if (has & roles && page < rows->page_count)
			lm_buffer_append(out, &page, sizeof(page));
	}
	return lm_buffer_status(out);
}

static struct rows_page_info load_page_info(const struct lm_rows *rows, uint32_t page)
{
	const uint8_t *at = rows->directory + (size_t)page * ROWS_PAGE_INFO_BYTES;

	return (struct rows_page_info){
		.offset = load_u64(at), .bytes = load_u32(at + 8), .raw_bytes = load_u32(at + 12),
		.rows = load_u32(at + 16), .first_actor = load_u32(at + 24),
		.last_actor = load_u32(at + 28), .begin_ns = load_u64(at + 32),
		.until_ns = load_u64(at + 40), .first_event = load_u64(at + 48),
		.last_event = load_u64(at + 56),
	};
}

uint32_t lm_rows_page_count(const struct lm_rows *rows)
{
	return rows->page_count;
}

struct lm_rows_page lm_rows_page(const struct lm_rows *rows, uint32_t page)
{
	struct rows_page_info info;

	if (page >= rows->page_count)
		return (struct lm_rows_page){ .rows = 0 };
	info = load_page_info(rows, page);
	return (struct lm_rows_page){
		.begin_ns = info.begin_ns, .until_ns = info.until_ns, .rows = info.rows,
		.first_event = info.first_event, .last_event = info.last_event,
	};
}

int lm_rows_read(struct lm_rows *rows, uint32_t page, struct lm_row *ret_rows)
{
	struct rows_page_info info;
	int r;

	if (page >= rows->page_count)
		return -LM_E_DAMAGED;
	info = load_page_info(rows, page);
	if (!rows->pages || info.offset > rows->pages_len ||
	    info.bytes > rows->pages_len - info.offset ||
	    info.raw_bytes > PAGE_RAW_MAX_BYTES)
		return -LM_E_DAMAGED;
	r = lm_unpack(rows->packer, rows->pages + info.offset, info.bytes, info.raw_bytes,
		      &rows->raw);
	if (r == 0)
		r = rows_page_decode(lm_bytes_from(rows->raw.data, rows->raw.len), &info,
				     ret_rows);
	return r < 0 ? r : (int)info.rows;
}

int lm_rows_frame(const struct lm_rows *rows, uint64_t event, struct lm_row_frame *ret_frame)
{
	size_t low = 0, high = rows->frame_count;
	const uint8_t *at;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (load_u64(rows->frames + middle * FRAME_BYTES) <= event)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return -ENOENT;
	at = rows->frames + (low - 1) * FRAME_BYTES;
	*ret_frame = (struct lm_row_frame){
		.first_event = load_u64(at), .offset = load_u64(at + 8),
		.segment = load_u32(at + 16), .events = load_u32(at + 20),
	};
	return event - ret_frame->first_event < ret_frame->events ? 0 : -ENOENT;
}

bool lm_rows_end(const struct lm_rows *rows, lm_object_id actor, lm_object_id object,
		 uint64_t *ret_time_ns)
{
	uint64_t key = (uint64_t)actor << 32 | object;
	size_t low = 0, high = rows->end_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const uint8_t *at = rows->ends + middle * END_BYTES;

		if (((uint64_t)load_u32(at) << 32 | load_u32(at + 4)) < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == rows->end_count || load_u32(rows->ends + low * END_BYTES) != actor ||
	    load_u32(rows->ends + low * END_BYTES + 4) != object)
		return false;
	*ret_time_ns = load_u64(rows->ends + low * END_BYTES + 8);
	return true;
}

size_t lm_rows_sinks(const struct lm_rows *rows, const uint8_t **ret_sinks)
{
	*ret_sinks = rows->sinks;
	return rows->sink_count;
}
