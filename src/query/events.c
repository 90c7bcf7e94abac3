/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "objects.h"

enum {
	ID, TIME_NS, TIME, BEGIN_NS, PROCESS, PID, TID, UID, COMM, EXE, OP, CALL, RESULT, ERROR,
	BYTES, COUNT, OBJECT, KIND, LABEL, PATH, NAME, OBJECT2, KIND2, LABEL2, PATH2, NAME2, ARG,
	CPU, FLAGS, TEXT,
};

static const struct column columns[] = {
	[ID] = COLUMN("id", "INTEGER", PUSH_EQ | PUSH_RANGE, "number of the event in the log"),
	[TIME_NS] = COLUMN("time_ns", "INTEGER", PUSH_EQ | PUSH_RANGE, "when it ended"),
	[TIME] = COLUMN("time", "TEXT", PUSH_EQ | PUSH_RANGE, "when it ended"),
	[BEGIN_NS] = COLUMN("begin_ns", "INTEGER", 0, "when it may have begun, at the earliest"),
	[PROCESS] = COLUMN("process", "INTEGER", PUSH_EQ, "who did it: processes.id"),
	[PID] = COLUMN("pid", "INTEGER", PUSH_EQ, "number of that process"),
	[TID] = COLUMN("tid", "INTEGER", 0, "number of the thread"),
	[UID] = COLUMN("uid", "INTEGER", 0, "real user of that process, as last seen"),
	[COMM] = COLUMN("comm", "TEXT", 0, "name that the kernel has for that process"),
	[EXE] = COLUMN("exe", "TEXT", 0, "path of its program"),
	[OP] = COLUMN("op", "TEXT", PUSH_EQ | PUSH_IN, "open, write, exec, ...: lemona-events(1)"),
	[CALL] = COLUMN("call", "TEXT", 0, "system call"),
	[RESULT] = COLUMN("result", "INTEGER", 0, "as the call returned it"),
	[ERROR] = COLUMN("error", "TEXT", 0, "ENOENT, ... of a call that failed, else NULL"),
	[BYTES] = COLUMN("bytes", "INTEGER", 0, "how many it moved; NULL for what moves none"),
	[COUNT] = COLUMN("count", "INTEGER", 0, "how many actions it stands for (level reduced)"),
	[OBJECT] = COLUMN("object", "INTEGER", PUSH_EQ, "what it was done to, or NULL"),
	[KIND] = COLUMN("kind", "TEXT", 0, "kind of object: file, socket, process, ..."),
	[LABEL] = COLUMN("label", "TEXT", 0, "what a person calls the object"),
	[PATH] = COLUMN("path", "TEXT", PUSH_EQ | PUSH_RANGE | PUSH_PREFIX,
		"of name, else of object if a file; then, as the process saw it"),
	[NAME] = COLUMN("name", "INTEGER", PUSH_EQ, "the name acted on, or NULL: names.id"),
	[OBJECT2] = COLUMN("object2", "INTEGER", PUSH_EQ, "the second object, or NULL"),
	[KIND2] = COLUMN("kind2", "TEXT", 0, "kind of object2"),
	[LABEL2] = COLUMN("label2", "TEXT", 0, "what a person calls object2"),
	[PATH2] = COLUMN("path2", "TEXT", PUSH_EQ | PUSH_RANGE | PUSH_PREFIX,
		"as path, of name2 and object2: the new name of a rename"),
	[NAME2] = COLUMN("name2", "INTEGER", PUSH_EQ, "the second name, or NULL"),
	[ARG] = COLUMN("arg", "INTEGER", 0, "meaning by op: flags of open, mode of chmod, ..."),
	[CPU] = COLUMN("cpu", "INTEGER", 0, "where it ran"),
	[FLAGS] = COLUMN("flags", "TEXT", 0, "created, claimed, ..., with commas"),
	[TEXT] = COLUMN("text", "TEXT", 0, "what a message says; NULL for what is none"),
};

struct events {
	struct cursor base;
	struct lm_select_cursor *select;
	struct lm_event event;
	struct lm_object actor; /* of the present event; id 0: not looked up */
	struct lm_object_ids actors, touching;
};

/* An index keeps events in pages of some hundred: finding a few costs as much as a page. */
#define LOOK_UP 500.0

/* What one constraint leaves of so many events, where nothing better is known. */
static double share_of(const struct constraint *constraint)
{
	switch (constraint->column) {
	case ID:
		return 0.25;
	case OP:
		return constraint->op == '=' ? 1.0 / 16 : 1.0 / 4;
	default:
		return 1;
	}
}

static bool is_object(int column)
{
	return column == OBJECT || column == OBJECT2 || column == NAME || column == NAME2;
}

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	const double all = (double)lm_index_event_count(query->index);
	const double apiece = 2 * all / (double)(lm_index_object_count(query->index) + 1) + 1;
	double rows = all * window_share(query, constraints, TIME_NS, TIME), look_up = 0;

	ret->unique = false;
	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];
		double most = rows;

		ret->unique = ret->unique || (c->column == ID && c->op == '=');
		if (is_object(c->column))
			most = apiece;
		else if (c->column == PATH || c->column == PATH2)
			most = c->op == '=' ? 4 * apiece : all / 64;
		else if (c->column == PROCESS || c->column == PID)
			most = all / objects_guess(query, LM_OBJECT_KIND_PROCESS);
		if (most < rows || is_object(c->column))
			look_up = LOOK_UP;
		rows = most < rows ? most : rows;
		rows *= share_of(c);
	}
	ret->rows = ret->unique ? 1 : rows;
	ret->cost = ret->unique ? 1 : rows + look_up + 1;
}

static int add_equal(sqlite3_value *value, struct lm_object_ids *ids)
{
	sqlite3_int64 id = sqlite3_value_int64(value);

	return id > 0 && id < UINT32_MAX ? lm_object_ids_add(ids, (lm_object_id)id) : 0;
}

static int find_actors(struct events *events, const struct constraints *constraints, bool *ret_some)
{
	sqlite3_value *process = constraint_equal(constraints, PROCESS);
	sqlite3_value *pid = constraint_equal(constraints, PID);
	sqlite3_int64 number = pid ? sqlite3_value_int64(pid) : 0;

	*ret_some = process || pid;
	if (process)
		return add_equal(process, &events->actors);
	if (!pid || number < 0 || number > UINT32_MAX)
		return 0;
	return lm_index_processes_by_pid(events->base.query->index, (uint32_t)number,
		&events->actors);
}

/* The names a path leads to, and the files behind them: an event may hold either. */
static int add_path(struct events *events, const struct path_bound *bound)
{
	const struct lm_index *index = events->base.query->index;
	struct lm_object_ids *ids = &events->touching;
	struct lm_str path = { (const char *)bound->text.data, (uint32_t)bound->text.len };
	int r = lm_index_names_below(index, path, bound->exact, ids);
	const size_t names = ids->count;

	for (size_t i = 0; i < names && r == 0; i++) {
		const struct lm_bound *bounds = NULL;
		uint32_t count = lm_index_bounds_of_name(index, ids->at[i], &bounds);

		for (uint32_t j = 0; j < count && r == 0; j++)
			r = lm_object_ids_add(ids, bounds[j].file);
	}
	return r;
}

/* One bound is enough: SQLite sees to the others. */
static int find_touching(struct events *events, const struct constraints *constraints,
	bool *ret_some)
{
	static const int ids[] = { OBJECT, NAME, OBJECT2, NAME2 }, paths[] = { PATH, PATH2 };

	*ret_some = true;
	for (size_t i = 0; i < LM_ARRAY_SIZE(ids); i++) {
		sqlite3_value *value = constraint_equal(constraints, ids[i]);

		if (value)
			return add_equal(value, &events->touching);
	}
	for (size_t i = 0; i < LM_ARRAY_SIZE(paths); i++) {
		struct path_bound bound PATH_BOUND = PATH_BOUND_INIT;
		int r = path_bound_of(constraints, paths[i], &bound);

		if (r < 0 || bound.text.len > 0)
			return r < 0 ? r : add_path(events, &bound);
	}
	*ret_some = false;
	return 0;
}

static bool add_op(sqlite3_value *value, struct lm_select *select)
{
	const char *text = sqlite3_value_type(value) == SQLITE_TEXT ?
		(const char *)sqlite3_value_text(value) : NULL;
	enum lm_op op = text ? lm_op_from_name(text) : LM_OP_NONE;

	if (op != LM_OP_NONE)
		lm_select_add_op(select, op);
	return op != LM_OP_NONE;
}

/* @return false: no operation has any of these names */
static bool find_ops(const struct constraints *constraints, struct lm_select *select)
{
	for (int i = 0; i < constraints->count; i++) {
		sqlite3_value *one = NULL;
		bool some = false;

		if (constraints->at[i].column != OP)
			continue;
		if (constraints->at[i].op == '=')
			return add_op(constraints->at[i].value, select);
		for (int r = sqlite3_vtab_in_first(constraints->at[i].value, &one); r == SQLITE_OK;
			r = sqlite3_vtab_in_next(constraints->at[i].value, &one))
			some = add_op(one, select) || some;
		return some;
	}
	return true;
}

static void end(struct cursor *cursor)
{
	struct events *events = (struct events *)cursor;

	events->select = lm_select_close(events->select);
	lm_object_ids_release(&events->actors);
	lm_object_ids_release(&events->touching);
}

static int next(struct cursor *cursor)
{
	struct events *events = (struct events *)cursor;
	int r = lm_select_next(events->select, &events->event);

	events->actor.id = LM_OBJECT_NONE;
	if (r <= 0) {
		cursor->eof = true;
		return r;
	}
	cursor->rowid = (int64_t)events->event.id;
	return query_look(cursor->query);
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct events *events = (struct events *)cursor;
	struct range ids = range_of(constraints, ID);
	struct lm_select select = LM_SELECT_INIT;
	bool some_actors = false, some_touching = false;

	cursor->eof = !window_of(cursor->query, constraints, TIME_NS, TIME, &select.since_ns,
			&select.until_ns) || !find_ops(constraints, &select) ||
		ids.low > ids.high || ids.high < 1;
	if (cursor->eof)
		return 0;
	query_touch(cursor->query, select.since_ns, select.until_ns);
	select.first_event = ids.low > 0 ? (uint64_t)ids.low : 0;
	select.last_event = ids.high == INT64_MAX ? UINT64_MAX : (uint64_t)ids.high;
	int r = find_actors(events, constraints, &some_actors);

	if (r == 0)
		r = find_touching(events, constraints, &some_touching);
	if (r < 0)
		return r;
	cursor->eof = (some_actors && events->actors.count == 0) ||
		(some_touching && events->touching.count == 0);
	if (cursor->eof)
		return 0;
	lm_object_ids_sort(&events->actors);
	lm_object_ids_sort(&events->touching);
	select.actors = some_actors ? events->actors.at : NULL;
	select.actor_count = events->actors.count;
	select.touching = some_touching ? events->touching.at : NULL;
	select.touching_count = events->touching.count;
	r = lm_select_open(cursor->query->index, &select, &events->select);
	return r < 0 ? r : next(cursor);
}

static const struct lm_object *actor_of(struct events *events)
{
	struct lm_object *actor = &events->actor;

	if (actor->id == LM_OBJECT_NONE &&
		!find_process(events->base.query, events->event.actor, actor))
		*actor = (struct lm_object){ .id = events->event.actor };
	return actor;
}

static int put_actor(struct events *events, sqlite3_context *context, int column)
{
	const struct lm_object *actor = actor_of(events);

	if (actor->kind != LM_OBJECT_KIND_PROCESS)
		return 0;
	switch (column) {
	case PID:
		sqlite3_result_int64(context, actor->process.tgid);
		return 0;
	case UID:
		sqlite3_result_int64(context, actor->process.uid);
		return 0;
	case COMM:
		return value_str(context, actor->process.comm);
	default:
		return value_exe(context, events->base.query, actor);
	}
}

static int put_error(sqlite3_context *context, const struct lm_event *event)
{
	const char *name = NULL;
	char text[40];

	if (!lm_event_failed(event))
		return 0;
	name = lm_error_name(-event->result);
	snprintf(text, sizeof(text), "errno %lld", -(long long)event->result);
	sqlite3_result_text(context, name ? name : text, -1, SQLITE_TRANSIENT);
	return 0;
}

static int put_flags(sqlite3_context *context, uint16_t flags)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	const char *name = NULL;

	for (unsigned int bit = 0; (name = lm_event_flag_name(bit)); bit++) {
		if (!(flags >> bit & 1))
			continue;
		if (text.len > 0)
			lm_buffer_append_byte(&text, ',');
		lm_buffer_append_text(&text, name);
	}
	return value_plain(context, &text);
}

static int put_event(const struct lm_event *event, sqlite3_context *context, int column)
{
	char call[32];

	switch (column) {
	case TID:
		sqlite3_result_int64(context, event->tid);
		break;
	case OP:
		sqlite3_result_text(context, lm_op_name(event->op), -1, SQLITE_STATIC);
		break;
	case CALL:
		sqlite3_result_text(context, lm_call_name(event->call, call), -1, SQLITE_TRANSIENT);
		break;
	case RESULT:
		sqlite3_result_int64(context, event->result);
		break;
	case ERROR:
		return put_error(context, event);
	case BYTES:
		if (lm_op_moves_bytes(event->op) && event->result >= 0)
			sqlite3_result_int64(context, event->result);
		break;
	case COUNT:
		sqlite3_result_int64(context, (sqlite3_int64)lm_event_count(event));
		break;
	case ARG:
		sqlite3_result_int64(context, (sqlite3_int64)event->arg);
		break;
	case CPU:
		sqlite3_result_int64(context, event->cpu);
		break;
	case FLAGS:
		return put_flags(context, event->flags);
	}
	return 0;
}

static int put_kind(struct events *events, sqlite3_context *context, lm_object_id id)
{
	enum lm_object_kind kind = lm_index_kind(events->base.query->index, id);

	if (id)
		sqlite3_result_text(context, lm_object_kind_name(kind), -1, SQLITE_STATIC);
	return 0;
}

static int put_path(struct events *events, sqlite3_context *context, lm_object_id name,
	lm_object_id object)
{
	const struct lm_query *query = events->base.query;
	const struct lm_object *actor = actor_of(events);
	lm_object_id root = actor->kind == LM_OBJECT_KIND_PROCESS ? actor->process.root : 0;

	if (events->event.op == LM_OP_MESSAGE ||
		(!name && lm_index_kind(query->index, object) != LM_OBJECT_KIND_FILE))
		return 0;
	return value_path(context, query, name ? name : object, events->event.end_ns, root);
}

/* Stands in a name's place, and is none. */
static int put_text(struct events *events, sqlite3_context *context)
{
	struct lm_object text;

	if (events->event.op != LM_OP_MESSAGE ||
		lm_index_object(events->base.query->index, events->event.name2, &text) < 0)
		return 0;
	return value_str(context, text.name.component);
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	struct events *events = (struct events *)cursor;
	const struct lm_event *event = &events->event;

	switch (column) {
	case ID:
		return value_id(context, event->id);
	case TIME_NS:
		return value_time_ns(context, cursor->query, event->end_ns);
	case TIME:
		return value_time(context, cursor->query, event->end_ns);
	case BEGIN_NS:
		return value_time_ns(context, cursor->query, event->begin_ns);
	case PROCESS:
		return value_id(context, event->actor);
	case PID:
	case UID:
	case COMM:
	case EXE:
		return put_actor(events, context, column);
	case OBJECT:
		return value_id(context, event->object);
	case OBJECT2:
		return value_id(context, event->object2);
	case NAME:
		return value_id(context, event->name);
	case NAME2:
		return value_id(context, event->name2);
	case KIND:
		return put_kind(events, context, event->object);
	case KIND2:
		return put_kind(events, context, event->object2);
	case LABEL:
		return value_label(context, cursor->query, event->object, event->end_ns);
	case LABEL2:
		return value_label(context, cursor->query, event->object2, event->end_ns);
	case PATH:
		return put_path(events, context, event->name, event->object);
	case PATH2:
		return put_path(events, context, event->name2, event->object2);
	case TEXT:
		return put_text(events, context);
	default:
		return put_event(event, context, column);
	}
}

const struct table table_events = {
	.name = "events",
	.says = "what was done, by whom, to what",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct events),
	.order_column = ID,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = end,
};
