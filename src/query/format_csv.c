/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <string.h>

/*
 * RFC 4180, with a head line. Names and arguments are chosen by whoever is being investigated,
 * and spreadsheets run texts that begin like formulas: those get an apostrophe in front, and so
 * do texts that begin with one, so that taking away the first apostrophe of a cell gives back
 * what was there. Numbers are as they are.
 */
static bool wants_apostrophe(struct lm_str s)
{
	return s.len > 0 && strchr("=+-@\t\r'", s.data[0]) && s.data[0];
}

static void append_cell(struct lm_buffer *out, struct lm_str s, bool text)
{
	bool quoted = false;

	for (uint32_t i = 0; i < s.len && !quoted; i++)
		quoted = s.data[i] == '"' || s.data[i] == ',' || s.data[i] == '\r' ||
			s.data[i] == '\n';
	if (quoted)
		lm_buffer_append_byte(out, '"');
	if (text && wants_apostrophe(s))
		lm_buffer_append_byte(out, '\'');
	for (uint32_t i = 0; i < s.len; i++) {
		if (s.data[i] == '"')
			lm_buffer_append_byte(out, '"');
		lm_buffer_append_byte(out, (uint8_t)s.data[i]);
	}
	if (quoted)
		lm_buffer_append_byte(out, '"');
}

static int begin_csv(struct sink *sink)
{
	sqlite3_stmt *statement = sink->statement;
	int count = sqlite3_column_count(statement);

	for (int i = 0; i < count; i++) {
		if (i > 0)
			lm_buffer_append_byte(&sink->buf, ',');
		append_cell(&sink->buf, lm_str_from(sqlite3_column_name(statement, i)), true);
	}
	lm_buffer_append_text(&sink->buf, "\r\n");
	return sink_flush(sink);
}

static int write_csv_row(struct sink *sink)
{
	sqlite3_stmt *statement = sink->statement;
	struct lm_buffer cell LM_BUFFER = LM_BUFFER_INIT;
	int count = sqlite3_column_count(statement);

	for (int i = 0; i < count; i++) {
		bool text = sqlite3_column_type(statement, i) == SQLITE_TEXT;

		lm_buffer_reset(&cell);
		sink_append_plain(&cell, statement, i);
		if (lm_buffer_status(&cell) < 0)
			return -ENOMEM;
		if (i > 0)
			lm_buffer_append_byte(&sink->buf, ',');
		append_cell(&sink->buf,
			(struct lm_str){ (const char *)cell.data, (uint32_t)cell.len }, text);
	}
	lm_buffer_append_text(&sink->buf, "\r\n");
	return sink_flush(sink);
}

static int end_csv(struct sink *sink, const struct lm_query *query, const char *error)
{
	return sink_flush(sink);
}

const struct sink_kind sink_csv = { begin_csv, write_csv_row, end_csv };
