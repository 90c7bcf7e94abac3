/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "bound.h"
#include "lemona/base/map.h"
#include "processes.h"

/* tree(PID): a process and all that it started, each below what started it. */

enum { LEVEL, ID, PARENT, PID, COMM, EXE, COMMAND, SINCE_NS, SINCE, OF };

static const struct column columns[] = {
	[LEVEL] = COLUMN("level", "INTEGER", 0, "0: the process itself, 1: what it started, ..."),
	[ID] = COLUMN("id", "INTEGER", 0, "processes.id"),
	[PARENT] = COLUMN("parent", "INTEGER", 0, "the row above it: processes.id, or NULL"),
	[PID] = COLUMN("pid", "INTEGER", 0, "process number"),
	[COMM] = COLUMN("comm", "TEXT", 0, "name that the kernel has for it"),
	[EXE] = COLUMN("exe", "TEXT", 0, "path of its program"),
	[COMMAND] = COLUMN("command", "TEXT", 0, "its arguments with spaces between them"),
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "when this version began"),
	[SINCE] = COLUMN("since", "TEXT", 0, "when this version began"),
	[OF] = ARGUMENT("of", "process number"),
};

struct branch {
	lm_object_id id, parent;
	uint32_t level;
};

struct tree {
	struct cursor base;
	sqlite3_int64 of;
	struct branch *branches; /* not visited yet, the next one last */
	size_t count, capacity;
	struct lm_map seen;      /* each once, though a log may hold a loop */
	struct branch at;
	struct lm_object object;
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	bool asked = constraints_on(constraints, OF) > 0;

	ret->rows = asked ? 32 : 1e6;
	ret->cost = asked ? 128 : 1e12;
}

static int push(struct tree *tree, struct branch branch)
{
	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity ? 2 * tree->capacity : 64;
		struct branch *more = realloc(tree->branches, capacity * sizeof(*more));

		if (!more)
			return -ENOMEM;
		tree->branches = more;
		tree->capacity = capacity;
	}
	tree->branches[tree->count++] = branch;
	return 0;
}

/* What a process started comes before what it became by exec: that is how it happened. */
static int push_children(struct tree *tree)
{
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	int r = lm_index_children(tree->base.query->index, tree->at.id, &ids);

	for (size_t i = ids.count; i > 0 && r == 0; i--) {
		struct lm_object child;
		bool became = find_process(tree->base.query, ids.at[i - 1], &child) &&
			child.process.previous == tree->at.id;

		r = push(tree, (struct branch){ ids.at[i - 1], tree->at.id,
						tree->at.level + (became ? 0 : 1) });
	}
	return r;
}

static int step(struct tree *tree)
{
	while (tree->count > 0) {
		tree->at = tree->branches[--tree->count];
		if (lm_map_get(&tree->seen, tree->at.id) ||
			!find_process(tree->base.query, tree->at.id, &tree->object))
			continue;
		if (lm_map_put(&tree->seen, tree->at.id, 1) < 0)
			return -ENOMEM;
		tree->base.rowid = tree->at.id;
		int r = push_children(tree);

		return r < 0 ? r : query_look(tree->base.query);
	}
	tree->base.eof = true;
	return 0;
}

static void end(struct cursor *cursor)
{
	struct tree *tree = (struct tree *)cursor;

	free(tree->branches);
	tree->branches = NULL;
	tree->count = tree->capacity = 0;
	lm_map_release(&tree->seen);
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct tree *tree = (struct tree *)cursor;
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	sqlite3_value *of = constraint_equal(constraints, OF);
	int r = 0;

	if (!of)
		return lm_diag_set(&cursor->query->diag, -EINVAL,
			"tree() wants the number of a process, as in tree(1)");
	tree->of = sqlite3_value_int64(of);
	query_touch_all(cursor->query);
	if (tree->of >= 0 && tree->of <= UINT32_MAX)
		r = lm_index_processes_by_pid(cursor->query->index, (uint32_t)tree->of, &ids);
	for (size_t i = ids.count; i > 0 && r == 0; i--)
		r = push(tree, (struct branch){ .id = ids.at[i - 1] });
	return r < 0 ? r : step(tree);
}

static int next(struct cursor *cursor)
{
	return step((struct tree *)cursor);
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct tree *tree = (const struct tree *)cursor;
	const struct lm_process *process = &tree->object.process;

	switch (column) {
	case LEVEL:
		sqlite3_result_int64(context, tree->at.level);
		return 0;
	case ID:
		return value_id(context, tree->object.id);
	case PARENT:
		return value_id(context, tree->at.parent);
	case PID:
		sqlite3_result_int64(context, process->tgid);
		return 0;
	case COMM:
		return value_str(context, process->comm);
	case EXE:
		return value_exe(context, cursor->query, &tree->object);
	case COMMAND:
		return process_put_command(context, process);
	case SINCE_NS:
		return value_time_ns(context, cursor->query, process_since_ns(&tree->object));
	case SINCE:
		return value_time(context, cursor->query, process_since_ns(&tree->object));
	default:
		sqlite3_result_int64(context, tree->of);
		return 0;
	}
}

const struct table table_tree = {
	.name = "tree",
	.says = "tree(PID): a process and all that it started",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct tree),
	.order_column = -1,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = end,
};
