/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Helpers: processes that nothing but their parent feeds and that feed nothing
 * but their parent. Whatever they did is the parent's doing. Backward only:
 * forward, each program that an intruder ran is worth seeing.
 */
struct helpers {
	struct walk *walk;
	struct adjacency in, out;
	lm_object_id *group; /* by vertex: first version of its process, or 0 */
	uint32_t *next;      /* by vertex: another one of the same process */
	struct lm_map first; /* group: a vertex of it */
	TABLE(lm_object_id, order);
};

static void release_helpers(struct helpers *helpers)
{
	adjacency_release(&helpers->in);
	adjacency_release(&helpers->out);
	free(helpers->group);
	free(helpers->next);
	lm_map_release(&helpers->first);
	free(helpers->order.at);
}

static int compare_down(const void *a, const void *b)
{
	lm_object_id x = *(const lm_object_id *)a, y = *(const lm_object_id *)b;

	return x > y ? -1 : x < y;
}

static int add_group(struct helpers *helpers, lm_object_id group)
{
	size_t count = helpers->order.count;

	if (lm_array_reserve(helpers->order.at, helpers->order.capacity, count + 1) < 0)
		return -ENOMEM;
	helpers->order.at[count] = group;
	helpers->order.count = count + 1;
	return 0;
}

static int gather_groups(struct helpers *helpers)
{
	struct walk *walk = helpers->walk;

	helpers->group = lm_array_new(walk->vertices.count, sizeof(*helpers->group));
	helpers->next = lm_array_new(walk->vertices.count, sizeof(*helpers->next));
	if (!helpers->group || !helpers->next)
		return -ENOMEM;
	for (uint32_t i = 1; i < walk->vertices.count; i++) {
		const struct vertex *v = &walk->vertices.at[i];
		const uint64_t *first;

		if (v->hidden || !index_process(walk->index, v->object))
			continue;
		helpers->group[i] = object_process_root(walk->index, v->object);
		first = lm_map_get(&helpers->first, helpers->group[i]);
		helpers->next[i] = first ? (uint32_t)*first : 0;
		if (!first && add_group(helpers, helpers->group[i]) < 0)
			return -ENOMEM;
		if (lm_map_put(&helpers->first, helpers->group[i], i) < 0)
			return -ENOMEM;
	}
	if (helpers->order.count > 0)
		qsort(helpers->order.at, helpers->order.count, sizeof(lm_object_id), compare_down);
	return 0;
}

/* Whether every live edge of a pipe or private file touches only the two. */
static bool is_between(const struct helpers *helpers, uint32_t vertex,
		       const struct adjacency *adjacency, bool incoming, lm_object_id child,
		       lm_object_id parent)
{
	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		const struct edge *edge = &helpers->walk->edges.at[adjacency->at[i]];
		lm_object_id group = helpers->group[incoming ? edge->from : edge->to];

		if (!edge->hidden && group != child && (group != parent || !parent))
			return false;
	}
	return true;
}

static bool is_private(const struct helpers *helpers, uint32_t vertex, lm_object_id child,
		       lm_object_id parent)
{
	const struct vertex *v = &helpers->walk->vertices.at[vertex];

	/* A pipe may join the two; a file or name must be the helper's alone. */
	switch (lm_index_kind(helpers->walk->index, v->object)) {
	case LM_OBJECT_KIND_PIPE:
		break;
	case LM_OBJECT_KIND_FILE:
	case LM_OBJECT_KIND_NAME:
	case LM_OBJECT_KIND_MEMORY:
		parent = LM_OBJECT_NONE;
		break;
	default:
		return false;
	}
	return !v->detection && !v->wanted && !v->entry &&
	       is_between(helpers, vertex, &helpers->in, true, child, parent) &&
	       is_between(helpers, vertex, &helpers->out, false, child, parent);
}

static bool stays_inside(const struct helpers *helpers, uint32_t vertex,
			 const struct adjacency *adjacency, bool incoming, lm_object_id child,
			 lm_object_id parent)
{
	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		const struct edge *edge = &helpers->walk->edges.at[adjacency->at[i]];
		uint32_t other = incoming ? edge->from : edge->to;

		if (edge->hidden || helpers->group[other] == child ||
		    helpers->group[other] == parent)
			continue;
		if (!is_private(helpers, other, child, parent))
			return false;
	}
	return true;
}

static lm_object_id parent_of(const struct helpers *helpers, lm_object_id child)
{
	const struct lm_process *process = index_process(helpers->walk->index, child);

	return process && process->parent ?
		       object_process_root(helpers->walk->index, process->parent) :
		       LM_OBJECT_NONE;
}

static bool is_helper(const struct helpers *helpers, lm_object_id child, lm_object_id parent)
{
	const uint64_t *first = lm_map_get(&helpers->first, child);

	/* Without its parent in the answer there is nothing to fold it into. */
	if (!parent || parent == child || !lm_map_get(&helpers->first, parent))
		return false;
	for (uint32_t v = (uint32_t)*first; v; v = helpers->next[v]) {
		const struct vertex *vertex = &helpers->walk->vertices.at[v];

		if (vertex->detection || vertex->wanted ||
		    !stays_inside(helpers, v, &helpers->in, true, child, parent) ||
		    !stays_inside(helpers, v, &helpers->out, false, child, parent))
			return false;
	}
	return true;
}

static int hide_around(struct helpers *helpers, uint32_t vertex, const struct adjacency *adjacency,
		       bool incoming, lm_object_id child, lm_object_id parent)
{
	int r = 0;

	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1] && r == 0; i++) {
		const struct edge *edge = &helpers->walk->edges.at[adjacency->at[i]];
		uint32_t other = incoming ? edge->from : edge->to;

		if (!edge->hidden && !helpers->group[other] &&
		    is_private(helpers, other, child, parent))
			r = walk_hide(helpers->walk, other, &helpers->in, &helpers->out,
				      LM_FILTER_HELPERS);
	}
	return r;
}

static int hide_helper(struct helpers *helpers, lm_object_id child, lm_object_id parent)
{
	const uint64_t *first = lm_map_get(&helpers->first, child);
	int r = 0;

	for (uint32_t v = (uint32_t)*first; v && r == 0; v = helpers->next[v]) {
		r = hide_around(helpers, v, &helpers->in, true, child, parent);
		if (r == 0)
			r = hide_around(helpers, v, &helpers->out, false, child, parent);
		if (r == 0)
			r = walk_hide(helpers->walk, v, &helpers->in, &helpers->out,
				      LM_FILTER_HELPERS);
	}
	return r;
}

/* One pass; children have larger numbers than parents, so most trees fold in one. */
static int fold_pass(struct helpers *helpers, bool *ret_changed)
{
	struct walk *walk = helpers->walk;

	for (size_t i = 0; i < helpers->order.count; i++) {
		lm_object_id id = helpers->order.at[i], parent;
		int r;

		if (walk->vertices.at[*lm_map_get(&helpers->first, id)].hidden)
			continue;
		parent = parent_of(helpers, id);
		if (!is_helper(helpers, id, parent))
			continue;
		r = hide_helper(helpers, id, parent);
		if (r < 0)
			return r;
		*ret_changed = true;
	}
	return 0;
}

int filter_helpers(struct walk *walk)
{
	struct helpers helpers LM_CLEANUP(release_helpers) = { .walk = walk };
	bool changed = true;
	int r;

	if (!walk_filters(walk, LM_FILTER_HELPERS) || walk->options.direction != LM_BACKWARD)
		return 0;
	r = gather_groups(&helpers);
	if (r == 0)
		r = adjacency_build(&helpers.in, walk, true);
	if (r == 0)
		r = adjacency_build(&helpers.out, walk, false);
	while (r == 0 && changed) {
		changed = false;
		r = fold_pass(&helpers, &changed);
	}
	return r;
}
