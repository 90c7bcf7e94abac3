/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Who started what is left. A daemon that ran an intruder's job has no part in
 * how he came in, so no-entry hides it; but an investigator asks for it first.
 * So the process that forked one in sight is kept, with that fork and nothing
 * else: neither what led to it nor who started it in turn. Only where it started
 * nothing but that one, as the shell of "sh -c" does, does it say too little:
 * then the one that started it is kept as well.
 */
struct starters {
	struct walk *walk;
	struct lm_map forks; /* process, as its version 0: position + 1 of the edge of its fork */
	struct lm_map shown; /* the same: its earliest vertex in sight */
	struct lm_map told;  /* the same, where its fork is in sight */
};

static void release_starters(struct starters *starters)
{
	lm_map_release(&starters->forks);
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

/* While memory is shared, a fork also stands for the way back from child to parent. */
static bool is_fork(const struct lm_index *index, uint16_t op, lm_object_id parent,
		    lm_object_id child)
{
	const struct lm_process *process = index_process(index, child);

	return op == LM_OP_FORK && process && process->version == 0 && process->parent == parent;
}

static int gather_forks(struct starters *starters)
{
	const struct walk *walk = starters->walk;

	for (uint32_t i = 0; i < walk->edges.count; i++) {
		const struct edge *edge = &walk->edges.at[i];
		lm_object_id parent = walk->vertices.at[edge->from].object;
		lm_object_id child = walk->vertices.at[edge->to].object;

		if (edge->kind != EDGE_EVENT || !is_fork(walk->index, edge->op, parent, child))
			continue;
		if (lm_map_put(&starters->forks, child, i + 1) < 0 ||
		    (!edge->hidden && lm_map_put(&starters->told, child, 1) < 0))
			return -ENOMEM;
	}
	return 0;
}

/* Whether a process, in this version and those before, started one other at most. */
static bool started_one_only(const struct lm_index *index, lm_object_id id)
{
	lm_object_id started = LM_OBJECT_NONE;

	for (;;) {
		const struct lm_process *process = index_process(index, id);
		struct lm_links links = lm_index_outgoing(index, id, 0);

		for (uint32_t i = 0; i < links.count; i++) {
			const struct lm_link link = lm_links_get(&links, i);

			if (!is_fork(index, link.op, id, link.sink))
				continue;
			if (started && started != link.sink)
				return false;
			started = link.sink;
		}
		/* Earlier versions have smaller numbers: a hostile log makes no circle. */
		if (!process || !process->previous || process->previous >= id)
			return true;
		id = process->previous;
	}
}

/* Bring back the fork of a process, seen as `vertex`. @return its parent's vertex; 0: none */
static uint32_t show_starter(struct starters *starters, lm_object_id child, uint32_t vertex)
{
	struct walk *walk = starters->walk;
	const uint64_t *fork = lm_map_get(&starters->forks, child);
	struct edge *edge = fork ? &walk->edges.at[*fork - 1] : NULL;
	struct vertex *parent = edge ? &walk->vertices.at[edge->from] : NULL;

	if (!edge || !edge->hidden || lm_map_get(&starters->told, child) ||
	    (index_flags(walk->index, parent->object) & LM_OBJECT_SELF))
		return 0;
	parent->starter |= parent->hidden;
	parent->hidden = false;
	edge->hidden = false;
	edge->to = vertex;
	/* What is shown after all does not count as hidden. */
	if (edge->hidden_by)
		walk->refused[edge->hidden_by - 1].events -= edge->count;
	edge->hidden_by = 0;
	return edge->from;
}

int filter_keep_starters(struct walk *walk)
{
	struct starters starters LM_CLEANUP(release_starters) = { .walk = walk };
	bool between = walk->options.to && walk->options.to->count > 0;
	uint32_t count = (uint32_t)walk->vertices.count;
	int r;

	if (walk->options.direction != LM_BACKWARD || between ||
	    !walk_filters(walk, LM_FILTER_NO_ENTRY))
		return 0;
	r = gather_shown(&starters);
	if (r == 0)
		r = gather_forks(&starters);
	for (uint32_t v = 1; v < count && r == 0; v++) {
		lm_object_id root = object_process_root(walk->index, walk->vertices.at[v].object);
		const uint64_t *shown = lm_map_get(&starters.shown, root);
		uint32_t parent = shown && *shown == v ? show_starter(&starters, root, v) : 0;
		lm_object_id id = walk->vertices.at[parent].object;

		if (parent && walk->vertices.at[parent].starter &&
		    started_one_only(walk->index, id))
			show_starter(&starters, object_process_root(walk->index, id), parent);
	}
	return r;
}
