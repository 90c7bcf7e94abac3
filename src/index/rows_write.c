/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lemona/log/pack.h"
#include "rows_build.h"
#include "touched.h"

/*
 * A part from a builder's rows (docs/formats/index.md, "Rows").
 */
struct order {
	struct lm_sorted *at, *memory[2];
};

static void release_order(struct order *order)
{
	free(order->memory[0]);
	free(order->memory[1]);
}

/* Rows by actor and thread; each thread's stay in the order of their numbers. */
static int order_rows(const struct lm_rows_builder *builder, struct order *order)
{
	size_t count = builder->rows.count;

	for (int i = 0; i < 2; i++) {
		order->memory[i] = lm_array_new(count, sizeof(*order->at));
		if (!order->memory[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct lm_row *row = &builder->rows.at[i];

		order->memory[0][i] = (struct lm_sorted){
			.key = (uint64_t)row->actor << 32 | row->tid, .value = (uint32_t)i,
		};
	}
	order->at = lm_sort(order->memory[0], order->memory[1], count);
	return 0;
}

/* Pages on their way into the part. */
struct pages {
	struct lm_part_writer *writer;
	struct lm_packer *packer;
	struct lm_buffer raw, packed, directory;
};

static void release_pages(struct pages *pages)
{
	lm_part_writer_free(pages->writer);
	lm_packer_free(pages->packer);
	lm_buffer_release(&pages->raw);
	lm_buffer_release(&pages->packed);
	lm_buffer_release(&pages->directory);
}

static void append_page_info(const struct rows_page_info *info, struct lm_buffer *out)
{
	lm_buffer_append_u64(out, info->offset);
	lm_buffer_append_u32(out, info->bytes);
	lm_buffer_append_u32(out, info->raw_bytes);
	lm_buffer_append_u32(out, info->rows);
	lm_buffer_append_u32(out, 0);
	lm_buffer_append_u32(out, info->first_actor);
	lm_buffer_append_u32(out, info->last_actor);
	lm_buffer_append_u64(out, info->begin_ns);
	lm_buffer_append_u64(out, info->until_ns);
	lm_buffer_append_u64(out, info->first_event);
	lm_buffer_append_u64(out, info->last_event);
}

/* Whom a row concerns, and how: entries for the lists of what was touched. */
static int note_touched(const struct lm_rows_builder *builder, const struct lm_row *row,
			uint32_t page, struct touched_list *touched)
{
	const lm_object_id objects[] = {
		row->actor, row->object, row->object2, row->name, row->name2,
	};
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];
	int count = lm_row_dependencies(row, dependencies), r = 0;
	lm_object_id met[LM_DEPENDENCIES_MAX * 2];
	int met_count = 0;

	for (int i = 0; i < count && r == 0; i++) {
		const struct lm_dependency *d = &dependencies[i];

		if (lm_map_get(&builder->is_sink, d->source) ||
		    lm_map_get(&builder->is_sink, d->sink))
			continue;
		met[met_count++] = d->source;
		met[met_count++] = d->sink;
		r = touched_add(touched, d->source, page, LM_ROWS_OUT_OF);
		if (r == 0)
			r = touched_add(touched, d->sink, page, LM_ROWS_INTO);
	}
	for (size_t i = 0; i < LM_ARRAY_SIZE(objects) && r == 0; i++) {
		bool known = objects[i] == LM_OBJECT_NONE;

		for (int k = 0; k < met_count && !known; k++)
			known = met[k] == objects[i];
		if (!known)
			r = touched_add(touched, objects[i], page, LM_ROWS_BESIDE);
	}
	return r;
}

/* One page, packed, and its entry in the directory. */
static int write_page(const struct lm_rows_builder *builder, const struct lm_sorted *order,
		      uint32_t rows, struct pages *pages)
{
	struct rows_page_info info;
	int r;

	lm_buffer_reset(&pages->raw);
	lm_buffer_reset(&pages->packed);
	rows_page_encode(builder->rows.at, order, rows, &pages->raw, &info);
	r = lm_buffer_status(&pages->raw);
	if (r == 0)
		r = lm_pack(pages->packer, pages->raw.data, pages->raw.len, &pages->packed);
	if (r < 0)
		return r;
	info.bytes = (uint32_t)pages->packed.len;
	info.offset = lm_part_position(pages->writer);
	append_page_info(&info, &pages->directory);
	return lm_part_append(pages->writer, pages->packed.data, pages->packed.len);
}

static int write_pages(const struct lm_rows_builder *builder, const struct order *order,
		       struct pages *pages, struct touched_list *touched)
{
	size_t count = builder->rows.count;
	int r = lm_part_begin(pages->writer, ROWS_SECTION_PAGES);

	for (size_t at = 0; at < count && r == 0; at += LM_ROWS_PAGE_MAX) {
		size_t rows = count - at < LM_ROWS_PAGE_MAX ? count - at : LM_ROWS_PAGE_MAX;

		r = write_page(builder, order->at + at, (uint32_t)rows, pages);
		for (size_t i = 0; i < rows && r == 0; i++)
			r = note_touched(builder, &builder->rows.at[order->at[at + i].value],
					 (uint32_t)(at / LM_ROWS_PAGE_MAX), touched);
	}
	return r;
}

static int write_buffer(struct lm_part_writer *writer, uint32_t section, struct lm_buffer *buf)
{
	int r = lm_buffer_status(buf);

	if (r == 0)
		r = lm_part_put(writer, section, buf->data, buf->len);
	lm_buffer_reset(buf);
	return r;
}

static int write_frames(const struct lm_rows_builder *builder, struct lm_part_writer *writer)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	for (size_t i = 0; i < builder->frames.count; i++) {
		const struct lm_row_frame *frame = &builder->frames.at[i];

		lm_buffer_append_u64(&out, frame->first_event);
		lm_buffer_append_u64(&out, frame->offset);
		lm_buffer_append_u32(&out, frame->segment);
		lm_buffer_append_u32(&out, frame->events);
	}
	return write_buffer(writer, ROWS_SECTION_FRAMES, &out);
}

static int compare_ends(const void *a, const void *b)
{
	const struct row_end *x = a, *y = b;

	if (x->actor != y->actor)
		return x->actor < y->actor ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

static int write_ends(const struct lm_rows_builder *builder, struct lm_part_writer *writer)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;
	const struct lasting *lasting = &builder->lasting;

	if (lasting->end_count > 0)
		qsort(lasting->ends, lasting->end_count, sizeof(*lasting->ends), compare_ends);
	for (size_t i = 0; i < lasting->end_count; i++) {
		lm_buffer_append_u32(&out, lasting->ends[i].actor);
		lm_buffer_append_u32(&out, lasting->ends[i].object);
		lm_buffer_append_u64(&out, lasting->ends[i].time_ns);
	}
	return write_buffer(writer, ROWS_SECTION_ENDS, &out);
}

static int write_sinks(const struct lm_rows_builder *builder, struct lm_part_writer *writer)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	for (size_t i = 0; i < builder->sinks.count; i++)
		lm_buffer_append_u32(&out, builder->sinks.at[i]);
	return write_buffer(writer, ROWS_SECTION_SINKS, &out);
}

int rows_write(const struct lm_rows_builder *builder, int fd,
	       const uint8_t log_id[LM_PART_IDENTITY_BYTES])
{
	struct pages pages LM_CLEANUP(release_pages) = { .writer = NULL };
	struct touched_list touched LM_CLEANUP(touched_release) = TOUCHED_LIST_INIT;
	struct order order LM_CLEANUP(release_order) = { .at = NULL };
	struct lm_part_info info = {
		.kind = LM_PART_ROWS, .first_event = builder->first_event,
		.end_event = builder->last_event + 1,
	};
	int r;

	memcpy(info.log_id, log_id, sizeof(info.log_id));
	r = lm_part_writer_new(fd, &info, &pages.writer);
	if (r == 0)
		r = lm_packer_new(&pages.packer);
	if (r == 0)
		r = order_rows(builder, &order);
	if (r == 0)
		r = write_pages(builder, &order, &pages, &touched);
	if (r == 0)
		r = write_buffer(pages.writer, ROWS_SECTION_DIRECTORY, &pages.directory);
	if (r == 0)
		r = write_frames(builder, pages.writer);
	if (r == 0)
		r = write_ends(builder, pages.writer);
	if (r == 0)
		r = write_sinks(builder, pages.writer);
	if (r == 0)
		r = touched_write(&touched, pages.writer, ROWS_SECTION_TOUCHED,
				  ROWS_SECTION_TOUCHED_DIRECTORY);
	return r < 0 ? r : lm_part_finish(pages.writer);
}
