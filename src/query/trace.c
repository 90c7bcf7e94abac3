/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "bound.h"
#include "guard.h"
#include "lemona/base/time.h"
#include "value.h"

/* backtrack() and forward(): one row for each edge of the answer. */

enum {
	SOURCE, SOURCE_KIND, SOURCE_LABEL, SOURCE_FLAGS, SINK, SINK_KIND, SINK_LABEL, SINK_FLAGS,
	OP, CONTROL, SINCE_NS, SINCE, UNTIL_NS, UNTIL, COUNT, BYTES, EVENT, CLAIMED, SCORE, FROM,
	OPTION,
};

#define OPTIONS 8

static const struct column columns[] = {
	[SOURCE] = COLUMN("source", "INTEGER", 0, "where influence came from; NULL: a group"),
	[SOURCE_KIND] = COLUMN("source_kind", "TEXT", 0, "process, file, name, ..., group"),
	[SOURCE_LABEL] = COLUMN("source_label", "TEXT", 0, "what a person calls it"),
	[SOURCE_FLAGS] = COLUMN("source_flags", "TEXT", 0,
		"detection, entry, exit, to, removed, absent, starter, with commas"),
	[SINK] = COLUMN("sink", "INTEGER", 0, "where influence went; NULL: a group"),
	[SINK_KIND] = COLUMN("sink_kind", "TEXT", 0, "as source_kind"),
	[SINK_LABEL] = COLUMN("sink_label", "TEXT", 0, "what a person calls it"),
	[SINK_FLAGS] = COLUMN("sink_flags", "TEXT", 0, "as source_flags"),
	[OP] = COLUMN("op", "TEXT", 0, "operation, or directory, or connection"),
	[CONTROL] = COLUMN("control", "TEXT", 0, "high or low"),
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "when it began"),
	[SINCE] = COLUMN("since", "TEXT", 0, "when it began"),
	[UNTIL_NS] = COLUMN("until_ns", "INTEGER", 0, "when it ended"),
	[UNTIL] = COLUMN("until", "TEXT", 0, "when it ended"),
	[COUNT] = COLUMN("count", "INTEGER", 0, "how many events it stands for"),
	[BYTES] = COLUMN("bytes", "INTEGER", 0, "how many they moved"),
	[EVENT] = COLUMN("event", "INTEGER", 0, "the first of them: events.id, or NULL"),
	[CLAIMED] = COLUMN("claimed", "INTEGER", 0, "1: user memory says so, and nobody else"),
	[SCORE] = COLUMN("score", "INTEGER", 0, "how telling it is: 0 (usual) to 1000"),
	[FROM] = ARGUMENT("detection", "where to start: a SPEC, as for --from"),
	[OPTION] = ARGUMENT("option1",
		"from=SPEC, to=SPEC, since=T, until=T, top=N, no-filter=NAME"),
	ARGUMENT("option2", "another option"),
	ARGUMENT("option3", "another option"),
	ARGUMENT("option4", "another option"),
	ARGUMENT("option5", "another option"),
	ARGUMENT("option6", "another option"),
	ARGUMENT("option7", "another option"),
	ARGUMENT("option8", "another option"),
};

struct trace {
	struct cursor base;
	struct lm_answer *answer;
	struct lm_answer_view view;
	char *arguments[1 + OPTIONS]; /* as given, for whoever selects them */
};

/* What the arguments ask. */
struct question {
	struct lm_detections from, to;
	struct lm_trace_options options;
};

static void release_question(struct question *question)
{
	lm_detections_release(&question->from);
	lm_detections_release(&question->to);
}

/* Without a place to start from there is no answer; any other table will do to look it up in. */
static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	bool asked = constraints_on(constraints, FROM) > 0;

	ret->rows = asked ? 100 : 1e6;
	ret->cost = asked ? 1e4 : 1e12;
}

static int resolve(struct trace *trace, const char *spec, struct lm_detections *out)
{
	struct lm_query *query = trace->base.query;

	return lm_spec_resolve(query->index, spec, query->options.now_wall_ns, out, &query->diag);
}

static int read_time(struct trace *trace, const char *text, uint64_t *ret_boot_ns)
{
	struct lm_query *query = trace->base.query;
	uint64_t wall_ns = 0;
	int r = lm_time_parse(text, query->options.now_wall_ns, &wall_ns, &query->diag);

	if (r == 0)
		*ret_boot_ns = lm_index_boot_ns(query->index, wall_ns);
	return r;
}

static int switch_off(struct trace *trace, const char *name, struct question *question)
{
	uint32_t bits = lm_filter_bits(name);

	question->options.filters &= ~bits;
	return bits ? 0 : lm_diag_set(&trace->base.query->diag, -EINVAL,
		"There is no filter %s", name);
}

/* So many of the most telling paths. */
static int choose(struct trace *trace, const char *text, struct question *question)
{
	char *end = NULL;
	unsigned long paths = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;

	if (paths == 0 || *end || paths >= LM_TOP_SCREEN)
		return lm_diag_set(&trace->base.query->diag, -EINVAL,
			"top=%s: how many paths? Write top=3", text);
	question->options.top = (uint32_t)paths;
	return 0;
}

static int take_option(struct trace *trace, const char *text, struct question *question)
{
	static const char *const names[] = { "from=", "to=", "since=", "until=", "no-filter=",
					     "top=" };
	size_t i = 0;

	while (i < LM_ARRAY_SIZE(names) && strncmp(text, names[i], strlen(names[i])) != 0)
		i++;
	const char *value = i < LM_ARRAY_SIZE(names) ? text + strlen(names[i]) : text;

	switch (i) {
	case 0:
		return resolve(trace, value, &question->from);
	case 1:
		return resolve(trace, value, &question->to);
	case 2:
		return read_time(trace, value, &question->options.since_ns);
	case 3:
		return read_time(trace, value, &question->options.until_ns);
	case 4:
		return switch_off(trace, value, question);
	case 5:
		return choose(trace, value, question);
	default:
		return lm_diag_set(&trace->base.query->diag, -EINVAL,
			"%s() has no option \"%s\": from=SPEC, to=SPEC, since=T, until=T, "
			"top=N or no-filter=NAME", trace->base.table->name, text);
	}
}

/* A NULL among the arguments asks nothing: no rows, as SQL has it. @return 1, 0 (NULL), or fails */
static int take_arguments(struct trace *trace, const struct constraints *constraints,
	struct question *question)
{
	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];
		const char *text = NULL;

		if (sqlite3_value_type(c->value) == SQLITE_NULL)
			return 0;
		text = (const char *)sqlite3_value_text(c->value);
		trace->arguments[c->column - FROM] = sqlite3_mprintf("%s", text ? text : "");
		if (!text || !trace->arguments[c->column - FROM])
			return -ENOMEM;
	}
	if (!trace->arguments[0])
		return lm_diag_set(&trace->base.query->diag, -EINVAL,
			"%s() wants to know where to start, as in %s('file:/etc/passwd')",
			trace->base.table->name, trace->base.table->name);
	int r = resolve(trace, trace->arguments[0], &question->from);

	for (int i = 1; i <= OPTIONS && r == 0; i++)
		r = trace->arguments[i] ? take_option(trace, trace->arguments[i], question) : 0;
	return r < 0 ? r : 1;
}

static void end(struct cursor *cursor)
{
	struct trace *trace = (struct trace *)cursor;

	trace->answer = lm_answer_free(trace->answer);
	for (size_t i = 0; i < LM_ARRAY_SIZE(trace->arguments); i++) {
		sqlite3_free(trace->arguments[i]);
		trace->arguments[i] = NULL;
	}
}

/* What the answer lacks, and what was hidden from it. */
static void tell(struct lm_query *query, const struct lm_answer_view *view)
{
	for (uint32_t i = 0; i < view->hidden_count; i++) {
		query->outcome.hidden[view->hidden[i].filter].objects += view->hidden[i].objects;
		query->outcome.hidden[view->hidden[i].filter].events += view->hidden[i].events;
	}
	for (uint32_t i = 0; i < view->gap_count; i++)
		query_touch(query, view->gaps[i]->begin_ns, view->gaps[i]->begin_ns);
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct trace *trace = (struct trace *)cursor;
	struct lm_query *query = cursor->query;
	struct question question LM_CLEANUP(release_question) = {
		.from = LM_DETECTIONS_INIT, .to = LM_DETECTIONS_INIT,
		.options = { .direction = cursor->table == &table_forward ? LM_FORWARD :
									    LM_BACKWARD,
			     /* What repeats is a picture's trouble: SQL groups by what it likes. */
			     .filters = LM_FILTERS_ALL & ~(1u << LM_FILTER_CLUSTERS),
			     .scores = true },
	};
	int r = take_arguments(trace, constraints, &question);

	cursor->eof = true;
	if (r <= 0)
		return r;
	question.options.from = &question.from;
	question.options.to = &question.to;
	r = lm_trace(query->index, &question.options, &trace->answer, &query->diag);
	if (r < 0)
		return r;
	trace->view = lm_answer_view(trace->answer);
	tell(query, &trace->view);
	cursor->eof = trace->view.edge_count == 0;
	return guard_is_late(query) ? -EINTR : 0;
}

static int next(struct cursor *cursor)
{
	cursor->rowid++;
	cursor->eof = cursor->rowid >= ((struct trace *)cursor)->view.edge_count;
	return query_look(cursor->query);
}

static int put_flags(sqlite3_context *context, uint8_t flags)
{
	static const struct {
		uint8_t flag;
		const char *word;
	} words[] = { { LM_NODE_DETECTION, "detection" }, { LM_NODE_ENTRY, "entry" },
		      { LM_NODE_EXIT, "exit" }, { LM_NODE_TO, "to" },
		      { LM_NODE_REMOVED, "removed" }, { LM_NODE_ABSENT, "absent" },
		      { LM_NODE_STARTER, "starter" } };
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	for (size_t i = 0; i < LM_ARRAY_SIZE(words); i++) {
		if (!(flags & words[i].flag))
			continue;
		if (text.len > 0)
			lm_buffer_append_byte(&text, ',');
		lm_buffer_append_text(&text, words[i].word);
	}
	return value_plain(context, &text);
}

static int put_node(sqlite3_context *context, const struct lm_answer_node *node, int what)
{
	switch (what) {
	case SOURCE:
		return value_id(context, node->object);
	case SOURCE_KIND:
		sqlite3_result_text(context, node->object ?
			lm_object_kind_name((enum lm_object_kind)node->kind) : "group", -1,
			SQLITE_STATIC);
		return 0;
	case SOURCE_LABEL:
		return value_str(context, lm_str_from(node->label));
	default:
		return put_flags(context, node->flags);
	}
}

static int put_edge(const struct trace *trace, sqlite3_context *context,
	const struct lm_answer_edge *edge, int column)
{
	const struct lm_query *query = trace->base.query;

	switch (column) {
	case OP:
		sqlite3_result_text(context, edge->op_name, -1, SQLITE_STATIC);
		return 0;
	case CONTROL:
		sqlite3_result_text(context, edge->control ? "high" : "low", -1, SQLITE_STATIC);
		return 0;
	case SINCE_NS:
		return value_time_ns(context, query, edge->begin_ns);
	case SINCE:
		return value_time(context, query, edge->begin_ns);
	case UNTIL_NS:
		return value_time_ns(context, query, edge->end_ns);
	case UNTIL:
		return value_time(context, query, edge->end_ns);
	case COUNT:
		sqlite3_result_int64(context, (sqlite3_int64)edge->count);
		return 0;
	case BYTES:
		sqlite3_result_int64(context, (sqlite3_int64)edge->bytes);
		return 0;
	case EVENT:
		return value_id(context, edge->event);
	case CLAIMED:
		sqlite3_result_int(context, edge->claimed);
		return 0;
	case SCORE:
		sqlite3_result_int(context, edge->score.total);
		return 0;
	default:
		sqlite3_result_text(context, trace->arguments[column - FROM], -1,
			SQLITE_TRANSIENT);
		return 0;
	}
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct trace *trace = (const struct trace *)cursor;
	const struct lm_answer_edge *edge = &trace->view.edges[cursor->rowid];

	if (column < SINK)
		return put_node(context, &trace->view.nodes[edge->from], column);
	if (column < OP)
		return put_node(context, &trace->view.nodes[edge->to], column - SINK);
	return put_edge(trace, context, edge, column);
}

const struct table table_backtrack = {
	.name = "backtrack",
	.says = "backtrack(SPEC, OPTION...): what may have led to it, an edge a row",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct trace),
	.order_column = -1,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = end,
};

const struct table table_forward = {
	.name = "forward",
	.says = "forward(SPEC, OPTION...): what it may have influenced, an edge a row",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct trace),
	.order_column = -1,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = end,
};
