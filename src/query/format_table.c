/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <stdlib.h>

#include "lemona/base/escape.h"

/*
 * Aligned columns for a person. The first rows wait until it is known how wide they are; those
 * that follow go out as they come, and a wider cell moves the rest of its line.
 */
#define WAITING_ROWS 200
#define WAITING_BYTES (256u << 10)
#define WIDTH_MAX 80 /* cells beyond are not waited for */
#define GAP 2

struct layout {
	int columns;
	bool settled;      /* widths are what they are */
	uint64_t waiting;  /* rows in cells */
	uint32_t *width;   /* by column, in characters */
	bool *number;      /* by column: all cells so far are numbers */
	struct lm_buffer cells;  /* texts of waiting rows, one behind the other */
	uint32_t *lengths; /* of those texts: column by column, row by row */
};

static struct layout *free_layout(struct layout *layout)
{
	if (!layout)
		return NULL;
	lm_buffer_release(&layout->cells);
	free(layout->lengths);
	free(layout->width);
	free(layout->number);
	free(layout);
	return NULL;
}

/* Characters, as far as a terminal shows each in one place. */
static uint32_t count_characters(const uint8_t *text, size_t len)
{
	uint32_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += (text[i] & 0xc0) != 0x80;
	return count;
}

static void pad(struct lm_buffer *out, uint32_t have, uint32_t want)
{
	for (uint32_t i = have; i < want; i++)
		lm_buffer_append_byte(out, ' ');
}

static void append_cell(struct sink *sink, const struct layout *layout, int column,
	const uint8_t *text, size_t len)
{
	uint32_t width = layout->width[column], have = count_characters(text, len);

	if (layout->number[column]) {
		pad(&sink->buf, have, width);
		have = have > width ? have : width;
	}
	lm_buffer_append(&sink->buf, text, len);
	if (column + 1 == layout->columns) {
		lm_buffer_append_byte(&sink->buf, '\n');
		return;
	}
	pad(&sink->buf, have, width + GAP);
	/* A cell wider than its column must not run into the next one. */
	if (have >= width + GAP)
		lm_buffer_append_byte(&sink->buf, ' ');
}

/* Controls of a text that the question itself has made; the log's are escaped already. */
static void append_visible(struct lm_buffer *out, const uint8_t *text, size_t len)
{
	size_t begin = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != '\\')
			continue;
		lm_buffer_append_escaped(out, (struct lm_str){ (const char *)text + begin,
							       (uint32_t)(i - begin) });
		if (i < len)
			lm_buffer_append_byte(out, '\\');
		begin = i + 1;
	}
}

static void widen(struct layout *layout, int column, const uint8_t *text, size_t len)
{
	uint32_t have = count_characters(text, len);

	have = have > WIDTH_MAX ? WIDTH_MAX : have;
	if (have > layout->width[column])
		layout->width[column] = have;
}

static int write_head(struct sink *sink, const struct layout *layout)
{
	struct lm_buffer name LM_BUFFER = LM_BUFFER_INIT;

	for (int i = 0; i < layout->columns; i++) {
		struct lm_str text = lm_str_from(sqlite3_column_name(sink->statement, i));

		lm_buffer_reset(&name);
		append_visible(&name, (const uint8_t *)text.data, text.len);
		append_cell(sink, layout, i, name.data, name.len);
		sink->buf.failed = sink->buf.failed || name.failed;
	}
	for (int i = 0; i < layout->columns; i++) {
		for (uint32_t n = 0; n < layout->width[i]; n++)
			lm_buffer_append_byte(&sink->buf, '-');
		lm_buffer_append_text(&sink->buf, i + 1 < layout->columns ? "  " : "\n");
	}
	return sink_flush(sink);
}

static int settle(struct sink *sink, struct layout *layout)
{
	size_t at = 0, cell = 0;
	int r = write_head(sink, layout);

	layout->settled = true;
	for (uint64_t row = 0; row < layout->waiting && r == 0; row++) {
		for (int i = 0; i < layout->columns; i++, cell++) {
			append_cell(sink, layout, i, layout->cells.data + at,
				layout->lengths[cell]);
			at += layout->lengths[cell];
		}
		r = sink_flush(sink);
	}
	layout->waiting = 0;
	return r;
}

static struct layout *new_layout(size_t columns)
{
	struct layout *layout = calloc(1, sizeof(*layout));

	if (!layout)
		return NULL;
	layout->columns = (int)columns;
	layout->width = calloc(columns, sizeof(*layout->width));
	layout->number = calloc(columns, sizeof(*layout->number));
	layout->lengths = calloc(columns * WAITING_ROWS, sizeof(*layout->lengths));
	return layout->width && layout->number && layout->lengths ? layout : free_layout(layout);
}

static int begin_table(struct sink *sink)
{
	struct layout *layout = new_layout((size_t)sqlite3_column_count(sink->statement));

	sink->state = layout;
	if (!layout)
		return -ENOMEM;
	for (int i = 0; i < layout->columns; i++) {
		struct lm_str name = lm_str_from(sqlite3_column_name(sink->statement, i));

		layout->number[i] = true;
		widen(layout, i, (const uint8_t *)name.data, name.len);
	}
	return 0;
}

static int keep_row(struct sink *sink, struct layout *layout)
{
	struct lm_buffer plain LM_BUFFER = LM_BUFFER_INIT;

	for (int i = 0; i < layout->columns; i++) {
		size_t before = layout->cells.len;
		int type = sqlite3_column_type(sink->statement, i);

		lm_buffer_reset(&plain);
		sink_append_plain(&plain, sink->statement, i);
		append_visible(&layout->cells, plain.data, plain.len);
		if (plain.failed || lm_buffer_status(&layout->cells) < 0)
			return -ENOMEM;
		if (type != SQLITE_INTEGER && type != SQLITE_FLOAT && type != SQLITE_NULL)
			layout->number[i] = false;
		layout->lengths[layout->waiting * (uint64_t)layout->columns + (uint64_t)i] =
			(uint32_t)(layout->cells.len - before);
		widen(layout, i, layout->cells.data + before, layout->cells.len - before);
	}
	layout->waiting++;
	return layout->waiting == WAITING_ROWS || layout->cells.len > WAITING_BYTES ?
		settle(sink, layout) : 0;
}

static int write_table_row(struct sink *sink)
{
	struct layout *layout = sink->state;
	struct lm_buffer plain LM_BUFFER = LM_BUFFER_INIT, text LM_BUFFER = LM_BUFFER_INIT;

	if (!layout->settled)
		return keep_row(sink, layout);
	for (int i = 0; i < layout->columns; i++) {
		lm_buffer_reset(&plain);
		lm_buffer_reset(&text);
		sink_append_plain(&plain, sink->statement, i);
		append_visible(&text, plain.data, plain.len);
		if (plain.failed || lm_buffer_status(&text) < 0)
			return -ENOMEM;
		append_cell(sink, layout, i, text.data, text.len);
	}
	return sink_flush(sink);
}

static int end_table(struct sink *sink, const struct lm_query *query, const char *error)
{
	struct layout *layout = sink->state;
	int r = 0;

	if (layout && !layout->settled)
		r = settle(sink, layout);
	sink->state = free_layout(layout);
	return r;
}

const struct sink_kind sink_table = { begin_table, write_table_row, end_table };
