/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "guard.h"
#include "lemona/base/time.h"

/* How many rows of a table are looked at between two looks at the clock. */
#define LOOKS 1024

int query_look(struct lm_query *query)
{
	if (++query->outcome.looked % LOOKS != 0 || !guard_is_late(query))
		return 0;
	return -EINTR;
}

void query_touch(struct lm_query *query, uint64_t since_ns, uint64_t until_ns)
{
	if (since_ns < query->since_ns)
		query->since_ns = since_ns;
	if (until_ns > query->until_ns)
		query->until_ns = until_ns;
}

void query_touch_all(struct lm_query *query)
{
	query_touch(query, 0, UINT64_MAX);
}

bool query_is_touched(const struct lm_query *query, const struct lm_gap *gap)
{
	return gap->begin_ns <= query->until_ns && gap->end_ns >= query->since_ns;
}

static int register_all(struct lm_query *query)
{
	const struct table *table = NULL;
	int r = functions_register(query);

	for (size_t i = 0; r == SQLITE_OK && (table = table_at(i)); i++)
		r = table_register(query, table);
	return r;
}

static int fail_open(struct lm_query *query, int code, struct lm_diag *diag)
{
	if (code == SQLITE_NOMEM)
		return lm_diag_errno(diag, -ENOMEM, "The query could not be set up");
	return lm_diag_set(diag, -EIO, "SQLite could not be set up: %s",
		query->db ? sqlite3_errmsg(query->db) : sqlite3_errstr(code));
}

int lm_query_open(const struct lm_index *index, const struct lm_query_options *options,
	struct lm_query **ret_query, struct lm_diag *diag)
{
	struct lm_query *query = calloc(1, sizeof(*query));
	int r;

	if (!query)
		return lm_diag_errno(diag, -ENOMEM, "The query could not be set up");
	query->index = index;
	query->options = *options;
	/* Nothing is kept: there is no file, and none may be made. */
	r = sqlite3_open_v2(":memory:", &query->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_EXRESCODE, NULL);
	if (r == SQLITE_OK)
		r = register_all(query);
	if (r == SQLITE_OK)
		r = guard_up(query);
	if (r != SQLITE_OK) {
		r = fail_open(query, r, diag);
		lm_query_close(query);
		return r;
	}
	*ret_query = query;
	return 0;
}

struct lm_query *lm_query_close(struct lm_query *query)
{
	if (!query)
		return NULL;
	sqlite3_close_v2(query->db);
	free(query);
	return NULL;
}

int sink_flush(struct sink *sink)
{
	int r = lm_buffer_status(&sink->buf);

	if (r == 0 && sink->buf.len > 0 &&
		fwrite(sink->buf.data, 1, sink->buf.len, sink->out) != sink->buf.len)
		r = -EIO;
	lm_buffer_reset(&sink->buf);
	return r;
}

void sink_append_plain(struct lm_buffer *out, sqlite3_stmt *statement, int column)
{
	const void *data = NULL;

	if (sqlite3_column_type(statement, column) == SQLITE_BLOB) {
		data = sqlite3_column_blob(statement, column);
		lm_buffer_append_hex(out, data, (size_t)sqlite3_column_bytes(statement, column));
		return;
	}
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return;
	data = sqlite3_column_text(statement, column);
	/* A number that there was no memory to write out is not an empty cell. */
	if (!data)
		out->failed = true;
	else
		lm_buffer_append(out, data, (size_t)sqlite3_column_bytes(statement, column));
}

static void count_gaps(struct lm_query *query)
{
	query->outcome.gap_events_known = true;
	for (size_t i = 0; i < lm_index_gap_count(query->index); i++) {
		const struct lm_gap *gap = lm_index_gap(query->index, i);

		if (!query_is_touched(query, gap))
			continue;
		query->outcome.gaps++;
		query->outcome.gap_events += gap->count;
		if (gap->count == 0)
			query->outcome.gap_events_known = false;
	}
}

/* Step through all rows. @return 0, a negative code, or -EINVAL after SQLite said what is wrong */
static int write_rows(struct lm_query *query, struct sink *sink, struct lm_diag *diag)
{
	int r = sink->kind->begin(sink), code = SQLITE_ROW;

	while (r == 0 && (code = sqlite3_step(sink->statement)) == SQLITE_ROW) {
		r = sink->kind->row(sink);
		sink->rows++;
	}
	if (r == 0 && code != SQLITE_DONE)
		r = guard_explain(query, code, diag);
	else if (r == 0 && lm_index_status(query->index) < 0)
		/* What could not be read was passed over: that is no answer. */
		r = lm_diag_errno(diag, lm_index_status(query->index),
			"Not all of the log or its index could be read");
	else if (r == -ENOMEM)
		lm_diag_errno(diag, r, "The answer could not be written");
	query->outcome.rows = sink->rows;
	count_gaps(query);
	int ended = sink->kind->end(sink, query, r < 0 ? diag->text : NULL);

	return r < 0 ? r : ended;
}

static const struct sink_kind *kind_of(enum lm_query_format format)
{
	return format == LM_QUERY_JSON ? &sink_json :
	       format == LM_QUERY_CSV  ? &sink_csv :
					 &sink_table;
}

static void begin_statement(struct lm_query *query)
{
	memset(&query->outcome, 0, sizeof(query->outcome));
	query->diag = (struct lm_diag)LM_DIAG_INIT;
	query->since_ns = UINT64_MAX;
	query->until_ns = 0;
	guard_start_clock(query);
}

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

int lm_query_run(struct lm_query *query, const char *sql, enum lm_query_format format, FILE *out,
	const char **ret_tail, struct lm_query_outcome *ret_outcome, struct lm_diag *diag)
{
	sqlite3_stmt *statement LM_CLEANUP(finalize) = NULL;
	struct lm_diag own = LM_DIAG_INIT;
	const char *tail = sql + strlen(sql);

	begin_statement(query);
	int r = sqlite3_prepare_v2(query->db, sql, -1, &statement, &tail);

	/* After an error SQLite's tail stands inside the statement. */
	if (ret_tail)
		*ret_tail = r == SQLITE_OK ? tail : sql + strlen(sql);
	if (r != SQLITE_OK)
		return guard_explain(query, r, diag);
	if (!statement)
		return 0;
	/* Without columns it is nothing that can be answered, whatever else it may be. */
	if (sqlite3_column_count(statement) == 0)
		return guard_explain(query, SQLITE_AUTH, diag);
	struct sink sink = { .kind = kind_of(format), .statement = statement, .out = out,
			     .buf = LM_BUFFER_INIT };

	r = write_rows(query, &sink, &own);
	lm_buffer_release(&sink.buf);
	if (r < 0)
		return own.text[0] ? lm_diag_set(diag, r, "%s", own.text) : r;
	*ret_outcome = query->outcome;
	return 1;
}

void lm_query_interrupt(struct lm_query *query)
{
	query->interrupted = 1;
}

bool lm_query_is_complete(const char *sql)
{
	return sqlite3_complete(sql) != 0;
}
