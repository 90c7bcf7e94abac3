/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Who started what is left. A daemon that ran an intruder's job has no part in
 * how he came in, so no-entry hides it; but an investigator asks for it first.
 * So the process that forked one in sight is kept, with that fork and nothing
 * else: neither what led to it nor who started it in turn.
 */
struct starters {
	struct walk *walk;
	struct lm_map shown; /* first version of a process in sight: its earliest vertex in sight */
	struct lm_map told;  /* the same, where the process that forked it is in sight too */
};

static void release_starters(struct starters *starters)
{
	lm_map_release(&starters->shown);
	lm_map_release(&starters->told);
}

static int gather_shown(struct starters *starters)
{
	const struct walk *walk = starters->walk;

	for (uint32_t v = 1; v < walk->vertices.count; v++) {
		const struct vertex *vertex = &walk->vertices.at[v];
		lm_object_id root;
		const uint64_t *known;

		if (vertex->hidden || !index_process(walk->index, vertex->object))
			continue;
		root = object_process_root(walk->index, vertex->object);
		known = lm_map_get(&starters->shown, root);
		/* Versions are numbered in order. */
		if (known && walk->vertices.at[*known].object < vertex->object)
			continue;
		if (lm_map_put(&starters->shown, root, v) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The process that an edge says was forked by its real parent, or 0. */
static lm_object_id forked_by(const struct walk *walk, const struct edge *edge)
{
	lm_object_id from = walk->vertices.at[edge->from].object;
	lm_object_id child = walk->vertices.at[edge->to].object;
	const struct lm_process *process = index_process(walk->index, child);

	/* While memory is shared, a fork also stands for the way back from child to parent. */
	if (edge->kind != EDGE_EVENT || edge->op != LM_OP_FORK || !process ||
	    process->version != 0 || process->parent != from)
		return LM_OBJECT_NONE;
	return child;
}

static int gather_told(struct starters *starters)
{
	const struct walk *walk = starters->walk;

	for (size_t i = 0; i < walk->edges.count; i++) {
		lm_object_id child = forked_by(walk, &walk->edges.at[i]);

		if (child && !walk->edges.at[i].hidden &&
		    lm_map_put(&starters->told, child, 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void show_starter(struct walk *walk, struct edge *edge, uint32_t child)
{
	struct vertex *parent = &walk->vertices.at[edge->from];

	parent->starter |= parent->hidden;
	parent->hidden = false;
	edge->hidden = false;
	edge->to = child;
	/* What is shown after all does not count as hidden. */
	if (edge->hidden_by)
		walk->refused[edge->hidden_by - 1].events -= edge->count;
	edge->hidden_by = 0;
}

int filter_keep_starters(struct walk *walk)
{
	struct starters starters LM_CLEANUP(release_starters) = { .walk = walk };
	bool between = walk->options.to && walk->options.to->count > 0;
	int r;

	if (walk->options.direction != LM_BACKWARD || between ||
	    !walk_filters(walk, LM_FILTER_NO_ENTRY))
		return 0;
	r = gather_shown(&starters);
	if (r == 0)
		r = gather_told(&starters);
	for (size_t i = 0; i < walk->edges.count && r == 0; i++) {
		struct edge *edge = &walk->edges.at[i];
		lm_object_id child = forked_by(walk, edge);
		const uint64_t *shown = child ? lm_map_get(&starters.shown, child) : NULL;
		lm_object_id parent = walk->vertices.at[edge->from].object;

		if (!shown || lm_map_get(&starters.told, child) ||
		    (walk->index->objects.at[parent].flags & LM_OBJECT_SELF))
			continue;
		show_starter(walk, edge, (uint32_t)*shown);
	}
	return r;
}
