/* SPDX-License-Identifier: MIT */
#include "bound.h"
#include "value.h"

/* path_at(FILE, TIME): the paths that a file had at a time, or that a name had. */

enum { PATH, NAME, CLAIMED, SINCE_NS, SINCE, UNTIL_NS, UNTIL, FILE_, TIME };

static const struct column columns[] = {
	[PATH] = COLUMN("path", "TEXT", 0, "a path that it had then"),
	[NAME] = COLUMN("name", "INTEGER", 0, "the name: names.id"),
	[CLAIMED] = COLUMN("claimed", "INTEGER", 0, "1: user memory says so, and nobody else"),
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "since when it had that name"),
	[SINCE] = COLUMN("since", "TEXT", 0, "since when it had that name"),
	[UNTIL_NS] = COLUMN("until_ns", "INTEGER", 0, "until when; NULL: to the end of the log"),
	[UNTIL] = COLUMN("until", "TEXT", 0, "until when; NULL: to the end of the log"),
	[FILE_] = ARGUMENT("file", "number of a file or a name"),
	[TIME] = ARGUMENT("at", "ns since 1970, or a text as ns() reads it"),
};

struct path_at {
	struct cursor base;
	lm_object_id file;
	uint64_t wall_ns, at_ns;
	const struct lm_bound *bounds;
	uint32_t count, at;
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	bool asked = constraints_on(constraints, FILE_) > 0 &&
		     constraints_on(constraints, TIME) > 0;

	ret->rows = asked ? 1 : 1e6;
	ret->cost = asked ? 2 : 1e12;
}

static bool covers(const struct path_at *path, const struct lm_bound *bound)
{
	return bound->begin_ns <= path->at_ns && bound->end_ns > path->at_ns;
}

static void find_next(struct path_at *path)
{
	while (path->at < path->count && !covers(path, &path->bounds[path->at]))
		path->at++;
	path->base.eof = path->at >= path->count;
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct path_at *path = (struct path_at *)cursor;
	struct lm_query *query = cursor->query;
	sqlite3_value *file = constraint_equal(constraints, FILE_);
	sqlite3_value *time = constraint_equal(constraints, TIME);
	int r;

	cursor->eof = true;
	if (!file || !time)
		return lm_diag_set(&query->diag, -EINVAL,
			"path_at() wants a file's number and a time, as in path_at(42, '-5m')");
	sqlite3_int64 id = sqlite3_value_int64(file);

	r = value_read_time(query, time, &path->wall_ns);
	if (r <= 0 || id <= 0 || id >= UINT32_MAX)
		return r < 0 ? r : 0;
	path->file = (lm_object_id)id;
	path->at_ns = lm_index_boot_ns(query->index, path->wall_ns);
	path->at = 0;
	path->count = lm_index_kind(query->index, path->file) == LM_OBJECT_KIND_NAME ?
		lm_index_bounds_of_name(query->index, path->file, &path->bounds) :
		lm_index_bounds_of_file(query->index, path->file, &path->bounds);
	query_touch(query, 0, path->at_ns);
	find_next(path);
	return 0;
}

static int next(struct cursor *cursor)
{
	struct path_at *path = (struct path_at *)cursor;

	path->at++;
	cursor->rowid++;
	find_next(path);
	return query_look(cursor->query);
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct path_at *path = (const struct path_at *)cursor;
	const struct lm_bound *bound = &path->bounds[path->at];

	switch (column) {
	case PATH:
		return value_path(context, cursor->query, bound->name, path->at_ns,
			LM_OBJECT_NONE);
	case NAME:
		return value_id(context, bound->name);
	case CLAIMED:
		sqlite3_result_int(context, bound->claimed);
		return 0;
	case SINCE_NS:
		return value_time_ns(context, cursor->query, bound->begin_ns);
	case SINCE:
		return value_time(context, cursor->query, bound->begin_ns);
	case UNTIL_NS:
		return value_time_ns(context, cursor->query, bound->end_ns);
	case UNTIL:
		return value_time(context, cursor->query, bound->end_ns);
	case FILE_:
		return value_id(context, path->file);
	default:
		sqlite3_result_int64(context, (sqlite3_int64)path->wall_ns);
		return 0;
	}
}

static void end(struct cursor *cursor)
{
	cursor->eof = true;
}

const struct table table_path_at = {
	.name = "path_at",
	.says = "path_at(FILE, TIME): the paths that a file had at a time",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct path_at),
	.order_column = -1,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = end,
};
