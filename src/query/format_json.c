/* SPDX-License-Identifier: MIT */
#include "format.h"

#include <inttypes.h>
#include <math.h>

#include "lemona/base/time.h"
#include "value.h"

/* docs/tables.md; members come in the order of that page. */

static int begin_json(struct sink *sink)
{
	sqlite3_stmt *statement = sink->statement;
	int count = sqlite3_column_count(statement);

	lm_buffer_append_text(&sink->buf, "{\"columns\":[");
	for (int i = 0; i < count; i++) {
		if (i > 0)
			lm_buffer_append_byte(&sink->buf, ',');
		value_append_json(&sink->buf, lm_str_from(sqlite3_column_name(statement, i)));
	}
	lm_buffer_append_text(&sink->buf, "],\n\"rows\":[");
	return sink_flush(sink);
}

static void append_value(struct lm_buffer *out, sqlite3_stmt *statement, int column)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_NULL:
		lm_buffer_append_text(out, "null");
		return;
	case SQLITE_FLOAT:
		/* JSON has no word for what is beyond all numbers. */
		if (!isfinite(sqlite3_column_double(statement, column))) {
			lm_buffer_append_text(out, "null");
			return;
		}
		break;
	case SQLITE_INTEGER:
		break;
	default:
		sink_append_plain(&text, statement, column);
		value_append_json(out, (struct lm_str){ (const char *)text.data,
							(uint32_t)text.len });
		out->failed = out->failed || text.failed;
		return;
	}
	sink_append_plain(out, statement, column);
}

static int write_json_row(struct sink *sink)
{
	sqlite3_stmt *statement = sink->statement;
	int count = sqlite3_column_count(statement);

	lm_buffer_append_text(&sink->buf, sink->rows > 0 ? ",\n[" : "\n[");
	for (int i = 0; i < count; i++) {
		if (i > 0)
			lm_buffer_append_byte(&sink->buf, ',');
		append_value(&sink->buf, statement, i);
	}
	lm_buffer_append_byte(&sink->buf, ']');
	return sink_flush(sink);
}

static void append_time(struct lm_buffer *out, const char *key, const struct lm_index *index,
	uint64_t boot_ns)
{
	char text[LM_TIME_TEXT_BYTES];

	lm_time_format(lm_index_wall_ns(index, boot_ns), text);
	lm_buffer_printf(out, "\"%s\":\"%s\",", key, text);
}

static void append_gap(struct lm_buffer *out, const struct lm_index *index,
	const struct lm_gap *gap)
{
	uint64_t first_ns, last_ns, end_ns = gap->end_ns;

	lm_index_span(index, &first_ns, &last_ns);
	if (end_ns == UINT64_MAX)
		end_ns = last_ns > gap->begin_ns ? last_ns : gap->begin_ns;
	lm_buffer_append_byte(out, '{');
	append_time(out, "begin", index, gap->begin_ns);
	append_time(out, "end", index, end_ns);
	if (gap->count > 0)
		lm_buffer_printf(out, "\"events\":%" PRIu64, gap->count);
	else
		lm_buffer_append_text(out, "\"events\":null");
	lm_buffer_printf(out, ",\"reason\":\"%s\"}", lm_gap_reason_name(gap->reason));
}

static void append_hidden(struct lm_buffer *out, const struct lm_query_outcome *outcome)
{
	const char *separator = "";

	lm_buffer_append_text(out, "],\n\"hidden\":[");
	for (int i = 0; i < LM_FILTER_COUNT; i++) {
		if (outcome->hidden[i].objects == 0 && outcome->hidden[i].events == 0)
			continue;
		lm_buffer_printf(out, "%s{\"filter\":\"%s\",\"objects\":%" PRIu64
			",\"events\":%" PRIu64 "}", separator, lm_filter_name((enum lm_filter)i),
			outcome->hidden[i].objects, outcome->hidden[i].events);
		separator = ",";
	}
}

static int write_gaps(struct sink *sink, const struct lm_query *query)
{
	const char *separator = "\n";
	int r = 0;

	for (size_t i = 0; i < lm_index_gap_count(query->index) && r == 0; i++) {
		const struct lm_gap *gap = lm_index_gap(query->index, i);

		if (!query_is_touched(query, gap))
			continue;
		lm_buffer_append_text(&sink->buf, separator);
		append_gap(&sink->buf, query->index, gap);
		separator = ",\n";
		r = sink_flush(sink);
	}
	return r;
}

static int end_json(struct sink *sink, const struct lm_query *query, const char *error)
{
	lm_buffer_append_text(&sink->buf, "],\n\"gaps\":[");
	int r = write_gaps(sink, query);

	append_hidden(&sink->buf, &query->outcome);
	lm_buffer_printf(&sink->buf, "],\n\"complete\":%s",
		query->outcome.gaps == 0 && !error ? "true" : "false");
	if (error) {
		lm_buffer_append_text(&sink->buf, ",\"error\":");
		value_append_json(&sink->buf, lm_str_from(error));
	}
	lm_buffer_append_text(&sink->buf, "}\n");
	return r < 0 ? r : sink_flush(sink);
}

const struct sink_kind sink_json = { begin_json, write_json_row, end_json };
