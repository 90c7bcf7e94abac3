/* SPDX-License-Identifier: MIT */
#include "objects.h"

enum {
	ID, PATH, FILE_, DIR_, COMPONENT, SINCE_NS, SINCE, UNTIL_NS, UNTIL, CLAIMED, EVENT,
};

static const struct column columns[] = {
	[ID] = COLUMN("id", "INTEGER", PUSH_EQ | PUSH_RANGE, "number of the name as an object"),
	[PATH] = COLUMN("path", "TEXT", PUSH_EQ | PUSH_RANGE | PUSH_PREFIX,
		"as it was when the file got this name"),
	[FILE_] = COLUMN("file", "INTEGER", PUSH_EQ,
		"what it led to: files.id; NULL: nothing, as far as is known"),
	[DIR_] = COLUMN("dir", "INTEGER", PUSH_EQ, "the directory: files.id"),
	[COMPONENT] = COLUMN("component", "TEXT", 0, "the name in that directory"),
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "since when it led to that file"),
	[SINCE] = COLUMN("since", "TEXT", 0, "since when it led to that file"),
	[UNTIL_NS] = COLUMN("until_ns", "INTEGER", 0, "until when; NULL: to the end of the log"),
	[UNTIL] = COLUMN("until", "TEXT", 0, "until when; NULL: to the end of the log"),
	[CLAIMED] = COLUMN("claimed", "INTEGER", 0, "1: user memory says so, and nobody else"),
	[EVENT] = COLUMN("event", "INTEGER", 0, "what gave it the name: events.id, or NULL"),
};

/* Rows are what a name led to, one file after the other; one row without if it led to none. */
struct names {
	struct objects base;
	const struct lm_bound *bounds;
	uint32_t count, at;
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	double rows = objects_guess(query, LM_OBJECT_KIND_NAME), look_up = 1;

	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];

		if (c->column == ID)
			rows = c->op == '=' ? 2 : rows / 4;
		else if (c->column == FILE_)
			rows = 2;
		else if (c->column == DIR_)
			rows = rows < 64 ? rows : 64;
	}
	if (constraints_on(constraints, PATH) > 0) {
		rows /= 16;
		look_up = 100;
	}
	ret->rows = rows;
	ret->cost = rows + look_up;
}

static void take_name(struct names *names)
{
	const struct lm_query *query = names->base.base.query;

	names->at = 0;
	names->count = names->base.base.eof ? 0 :
		lm_index_bounds_of_name(query->index, names->base.object.id, &names->bounds);
	names->base.base.rowid <<= 24;
}

/* Names that led to a file, or stand in a directory. */
static int list_names(struct names *names, sqlite3_value *file, sqlite3_value *dir)
{
	const struct lm_index *index = names->base.base.query->index;
	sqlite3_int64 id = sqlite3_value_int64(file ? file : dir);
	const struct lm_bound *bounds = NULL;
	const lm_object_id *in_dir = NULL;
	uint32_t count = 0;
	int r = 0;

	if (id <= 0 || id >= UINT32_MAX)
		return 0;
	if (file)
		count = lm_index_bounds_of_file(index, (lm_object_id)id, &bounds);
	else
		count = lm_index_names_in(index, (lm_object_id)id, &in_dir);
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = lm_object_ids_add(&names->base.ids, file ? bounds[i].name : in_dir[i]);
	return r;
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct names *names = (struct names *)cursor;
	struct objects *objects = &names->base;
	struct path_bound bound PATH_BOUND = PATH_BOUND_INIT;
	sqlite3_value *file = constraint_equal(constraints, FILE_);
	sqlite3_value *dir = constraint_equal(constraints, DIR_);
	int r = path_bound_of(constraints, PATH, &bound);
	struct lm_str path = { (const char *)bound.text.data, (uint32_t)bound.text.len };

	query_touch_all(cursor->query);
	objects->kind = LM_OBJECT_KIND_NAME;
	objects->range = range_of(constraints, ID);
	objects->listed = file || dir || path.len > 0;
	if (r == 0 && (file || dir))
		r = list_names(names, file, dir);
	else if (r == 0 && path.len > 0)
		r = lm_index_names_below(cursor->query->index, path, bound.exact, &objects->ids);
	if (r == 0)
		r = objects_begin(objects);
	if (r == 0)
		take_name(names);
	return r;
}

static int next(struct cursor *cursor)
{
	struct names *names = (struct names *)cursor;

	if (names->at + 1 < names->count) {
		names->at++;
		cursor->rowid++;
		return query_look(cursor->query);
	}
	int r = objects_next(cursor);

	if (r == 0)
		take_name(names);
	return r;
}

static int put_bound(const struct lm_query *query, const struct lm_bound *bound,
	sqlite3_context *context, int column)
{
	switch (column) {
	case FILE_:
		return value_id(context, bound->file);
	case SINCE_NS:
		return value_time_ns(context, query, bound->begin_ns);
	case SINCE:
		return value_time(context, query, bound->begin_ns);
	case UNTIL_NS:
		return value_time_ns(context, query, bound->end_ns);
	case UNTIL:
		return value_time(context, query, bound->end_ns);
	case CLAIMED:
		sqlite3_result_int(context, bound->claimed);
		return 0;
	default:
		return bound->event ? value_id(context, bound->event) : 0;
	}
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct names *names = (const struct names *)cursor;
	const struct lm_object *object = &names->base.object;
	const struct lm_bound *bound = names->count ? &names->bounds[names->at] : NULL;

	switch (column) {
	case ID:
		return value_id(context, object->id);
	case DIR_:
		return value_id(context, object->name.dir);
	case COMPONENT:
		return value_str(context, object->name.component);
	case PATH:
		return value_path(context, cursor->query, object->id,
			bound ? bound->begin_ns : object->time_ns, LM_OBJECT_NONE);
	case CLAIMED:
		if (!bound)
			sqlite3_result_int(context, object->flags & LM_OBJECT_CLAIMED ? 1 : 0);
		return bound ? put_bound(cursor->query, bound, context, column) : 0;
	default:
		return bound ? put_bound(cursor->query, bound, context, column) : 0;
	}
}

const struct table table_names = {
	.name = "names",
	.says = "names over time: one row for each file that a name led to, and since when",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct names),
	.order_column = ID,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = objects_end,
};
