/* SPDX-License-Identifier: MIT */
#include "bound.h"
#include "value.h"

/* What is known to be missing; and alerts, which no log has. */

enum { SINCE_NS, SINCE, UNTIL_NS, UNTIL, EVENTS, REASON, KINDS, PID, CPU };

static const struct column gap_columns[] = {
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "when the first may be missing"),
	[SINCE] = COLUMN("since", "TEXT", 0, "when the first may be missing"),
	[UNTIL_NS] = COLUMN("until_ns", "INTEGER", 0, "when the last may; NULL: not known"),
	[UNTIL] = COLUMN("until", "TEXT", 0, "when the last may; NULL: not known"),
	[EVENTS] = COLUMN("events", "INTEGER", 0, "how many; NULL: nobody counted them"),
	[REASON] = COLUMN("reason", "TEXT", 0, "full, cut, damaged, ...: docs/formats/graph.md"),
	[KINDS] = COLUMN("kinds", "TEXT", 0, "what was lost, with commas; NULL: not known"),
	[PID] = COLUMN("pid", "INTEGER", 0, "whose; NULL: of several, or not known"),
	[CPU] = COLUMN("cpu", "INTEGER", 0, "where; NULL: not known"),
};

static const struct column alert_columns[] = {
	COLUMN("id", "INTEGER", 0, "number of the alert"),
	COLUMN("time_ns", "INTEGER", 0, "when it was raised"),
	COLUMN("time", "TEXT", 0, "when it was raised"),
	COLUMN("rule", "TEXT", 0, "the rule that matched"),
	COLUMN("level", "TEXT", 0, "how bad the rule calls it"),
	COLUMN("title", "TEXT", 0, "what the rule is about, in one line"),
	COLUMN("event", "INTEGER", 0, "what it is about: events.id"),
	COLUMN("process", "INTEGER", 0, "who did it: processes.id"),
	COLUMN("object", "INTEGER", 0, "what it was done to"),
};

static void estimate_gaps(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	ret->rows = ret->cost = (double)lm_index_gap_count(query->index) + 1;
}

/* What is said of gaps misses nothing because of them. */
static int begin_gaps(struct cursor *cursor, const struct constraints *constraints)
{
	cursor->eof = lm_index_gap_count(cursor->query->index) == 0;
	return 0;
}

static int next_gap(struct cursor *cursor)
{
	cursor->rowid++;
	cursor->eof = (size_t)cursor->rowid >= lm_index_gap_count(cursor->query->index);
	return query_look(cursor->query);
}

static int put_kinds(sqlite3_context *context, uint64_t kinds)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(kinds >> bit & 1))
			continue;
		if (text.len > 0)
			lm_buffer_append_byte(&text, ',');
		lm_buffer_append_text(&text, lm_gap_kind_name(bit));
	}
	return text.len || text.failed ? value_plain(context, &text) : 0;
}

static int put_gap(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct lm_gap *gap = lm_index_gap(cursor->query->index, (size_t)cursor->rowid);

	switch (column) {
	case SINCE_NS:
		return value_time_ns(context, cursor->query, gap->begin_ns);
	case SINCE:
		return value_time(context, cursor->query, gap->begin_ns);
	case UNTIL_NS:
		return value_time_ns(context, cursor->query, gap->end_ns);
	case UNTIL:
		return value_time(context, cursor->query, gap->end_ns);
	case EVENTS:
		return value_id(context, gap->count);
	case REASON:
		sqlite3_result_text(context, lm_gap_reason_name(gap->reason), -1, SQLITE_STATIC);
		return 0;
	case KINDS:
		return put_kinds(context, gap->kinds);
	case PID:
		return value_id(context, gap->tgid);
	default:
		if (gap->cpu != LM_GAP_CPU_NONE)
			sqlite3_result_int(context, gap->cpu);
		return 0;
	}
}

static void end(struct cursor *cursor)
{
	cursor->eof = true;
}

const struct table table_gaps = {
	.name = "gaps",
	.says = "stretches for which events are known to be missing",
	.columns = gap_columns,
	.column_count = LM_ARRAY_SIZE(gap_columns),
	.cursor_size = sizeof(struct cursor),
	.order_column = -1,
	.estimate = estimate_gaps,
	.begin = begin_gaps,
	.next = next_gap,
	.column = put_gap,
	.end = end,
};

static void estimate_alerts(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	ret->rows = ret->cost = 1;
}

static int begin_alerts(struct cursor *cursor, const struct constraints *constraints)
{
	cursor->eof = true;
	return 0;
}

static int next_alert(struct cursor *cursor)
{
	cursor->eof = true;
	return 0;
}

static int put_alert(struct cursor *cursor, sqlite3_context *context, int column)
{
	return 0;
}

const struct table table_alerts = {
	.name = "alerts",
	.says = "what rules found; empty, since no log has alerts yet",
	.columns = alert_columns,
	.column_count = LM_ARRAY_SIZE(alert_columns),
	.cursor_size = sizeof(struct cursor),
	.order_column = -1,
	.estimate = estimate_alerts,
	.begin = begin_alerts,
	.next = next_alert,
	.column = put_alert,
	.end = end,
};
