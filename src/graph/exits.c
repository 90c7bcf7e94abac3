/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Forward: where influence left the host, and which branches lead nowhere. A
 * process that read and did nothing with it says little, as long as nobody who
 * is asked about had it run.
 */

/* What was sent into the end of a connection whose other end is not in sight. */
static void mark_exits(struct walk *walk)
{
	for (size_t i = 0; i < walk->edges.count; i++) {
		const struct edge *edge = &walk->edges.at[i];
		struct vertex *sink = &walk->vertices.at[edge->to];

		if (!edge->hidden && edge->kind == EDGE_EVENT && sink->role == ROLE_OUT &&
		    lm_index_kind(walk->index, sink->object) == LM_OBJECT_KIND_SOCKET &&
		    object_is_entry(walk->index, sink->object))
			sink->exit = true;
	}
}

/* Whether who decides about the source decides about the sink: more than giving it something. */
static bool passes_control(const struct walk *walk, const struct edge *edge)
{
	const struct vertex *source = &walk->vertices.at[edge->from];

	if (lm_index_kind(walk->index, walk->vertices.at[edge->to].object) !=
	    LM_OBJECT_KIND_PROCESS)
		return true;
	switch (edge->op) {
	case LM_OP_FORK:
	case LM_OP_EXEC:
	case LM_OP_PTRACE:
	case LM_OP_VMWRITE:
		return true;
	default:
		/* Who is at the other end of a connection or a terminal that is asked about. */
		return source->detection && object_is_two_way(walk->index, source->object);
	}
}

/* What the detection points had done: marked[v] from them on, along control. */
static int spread_control(const struct walk *walk, const struct adjacency *out, bool *marked)
{
	uint32_t *stack LM_FREE = lm_array_new(walk->vertices.count, sizeof(*stack));
	size_t depth = 0;

	if (!stack)
		return -ENOMEM;
	for (uint32_t v = 1; v < walk->vertices.count; v++) {
		marked[v] = walk->vertices.at[v].detection && !walk->vertices.at[v].hidden;
		if (marked[v])
			stack[depth++] = v;
	}
	while (depth > 0) {
		uint32_t v = stack[--depth];

		for (uint32_t i = out->start[v]; i < out->start[v + 1]; i++) {
			const struct edge *edge = &walk->edges.at[out->at[i]];

			if (marked[edge->to] || !passes_control(walk, edge))
				continue;
			marked[edge->to] = true;
			stack[depth++] = edge->to;
		}
	}
	return 0;
}

static bool is_of_interest(const struct walk *walk, const struct vertex *v, bool controlled)
{
	if (v->hidden || v->detection)
		return v->exit && !v->hidden;
	switch (lm_index_kind(walk->index, v->object)) {
	case LM_OBJECT_KIND_PROCESS:
		return controlled || v->wanted;
	case LM_OBJECT_KIND_FILE: /* in a forward walk: changed */
		return v->wanted || !object_is_terminal(walk->index, v->object);
	case LM_OBJECT_KIND_NAME:
	case LM_OBJECT_KIND_KERNEL:
		return true;
	default:
		return v->exit || v->wanted;
	}
}

static int hide_the_rest(struct walk *walk, const struct adjacency *in,
			 const struct adjacency *out, const bool *marked)
{
	int r = 0;

	for (uint32_t i = 1; i < walk->vertices.count && r == 0; i++) {
		const struct vertex *v = &walk->vertices.at[i];

		if (!v->hidden && !v->detection && !v->wanted && !marked[i])
			r = walk_hide(walk, i, in, out, LM_FILTER_NO_EXIT);
	}
	return r;
}

int filter_no_exit(struct walk *walk, bool *ret_no_exit_found)
{
	struct adjacency in LM_CLEANUP(adjacency_release) = { NULL, NULL };
	struct adjacency out LM_CLEANUP(adjacency_release) = { NULL, NULL };
	bool *marked LM_FREE = lm_array_new(walk->vertices.count, sizeof(*marked));
	bool any = false;
	int r;

	if (walk->options.direction != LM_FORWARD)
		return 0;
	mark_exits(walk);
	r = marked ? adjacency_build_both(&in, &out, walk) : -ENOMEM;
	if (r == 0)
		r = spread_control(walk, &out, marked);
	for (uint32_t v = 1; v < walk->vertices.count && r == 0; v++) {
		marked[v] = is_of_interest(walk, &walk->vertices.at[v], marked[v]);
		any |= marked[v];
	}
	*ret_no_exit_found = !any;
	if (r < 0 || !any || !walk_filters(walk, LM_FILTER_NO_EXIT))
		return r;
	r = adjacency_spread(walk, &in, true, marked);
	return r < 0 ? r : hide_the_rest(walk, &in, &out, marked);
}
