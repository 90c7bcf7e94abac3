/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Two nodes that a person thinks of as one: a name and the file that it led
 * to, and a process between fork and exec.
 */

/* The file that a name led to at the time of an edge, if the answer holds it; else 0. */
static uint32_t file_at_edge(const struct walk *walk, const struct vertex *name,
			     const struct edge *edge)
{
	bool clip = walk->options.direction == LM_BACKWARD && name->threshold_ns < edge->end_ns;
	const struct lm_bound *bound = lm_index_bound_of_name_at(
		walk->index, name->object, clip ? name->threshold_ns : edge->end_ns);
	uint32_t file;

	if (!bound || bound->begin_ns > edge->end_ns || bound->end_ns < edge->begin_ns)
		return 0;
	file = walk_find(walk, bound->file, ROLE_WHOLE);
	return file && !walk->vertices.at[file].hidden ? file : 0;
}

static uint32_t file_at_end(const struct walk *walk, const struct vertex *v)
{
	struct edge moment = { .begin_ns = v->threshold_ns, .end_ns = v->threshold_ns };

	return file_at_edge(walk, v, &moment);
}

/* Move one end of an edge; what then leads to itself says nothing any more. */
static void move_edge(struct edge *edge, uint32_t from, uint32_t to)
{
	if (edge->from == from)
		edge->from = to;
	if (edge->to == from)
		edge->to = to;
	if (edge->from == edge->to)
		edge->hidden = true;
}

static bool move_edges(struct walk *walk, uint32_t vertex, const struct adjacency *adjacency,
		       uint32_t *last_file)
{
	const struct vertex *name = &walk->vertices.at[vertex];
	bool all = true;

	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		struct edge *edge = &walk->edges.at[adjacency->at[i]];
		uint32_t file = file_at_edge(walk, name, edge);

		if (!file) {
			all = false;
			continue;
		}
		move_edge(edge, vertex, file);
		edge->folded = true;
		*last_file = file;
	}
	return all;
}

int fold_names(struct walk *walk)
{
	struct adjacency in LM_CLEANUP(adjacency_release) = { NULL, NULL };
	struct adjacency out LM_CLEANUP(adjacency_release) = { NULL, NULL };
	int r;

	if (!walk_filters(walk, LM_FILTER_NAMES))
		return 0;
	r = adjacency_build(&in, walk, true);
	if (r == 0)
		r = adjacency_build(&out, walk, false);
	for (uint32_t i = 1; i < walk->vertices.count && r == 0; i++) {
		struct vertex *v = &walk->vertices.at[i];
		uint32_t file = 0;
		bool all;

		if (v->hidden || lm_index_kind(walk->index, v->object) != LM_OBJECT_KIND_NAME)
			continue;
		all = move_edges(walk, i, &in, &file);
		all = move_edges(walk, i, &out, &file) && all;
		if (all && !file)
			file = file_at_end(walk, v);
		if (!all || !file)
			continue;
		v->hidden = true;
		walk->vertices.at[file].detection |= v->detection;
		walk->vertices.at[file].wanted |= v->wanted;
		r = walk_refuse(walk, LM_FILTER_NAMES, v->object, 0);
	}
	return r;
}

static bool is_setup_in(const struct edge *edge)
{
	return edge->kind == EDGE_DIRECTORY || edge->op == LM_OP_FORK || edge->op == LM_OP_OPEN ||
	       edge->op == LM_OP_MMAP || edge->op == LM_OP_MPROTECT || edge->op == LM_OP_SIGNAL ||
	       edge->op == LM_OP_STAT;
}

static bool is_setup_out(const struct walk *walk, const struct edge *edge)
{
	enum lm_object_kind kind = lm_index_kind(walk->index, walk->vertices.at[edge->to].object);

	/* Where output is to go, and memory lent by a parent that waits (vfork). */
	if (edge->op == LM_OP_OPEN || edge->op == LM_OP_TRUNCATE)
		return kind == LM_OBJECT_KIND_FILE || kind == LM_OBJECT_KIND_NAME;
	return edge->op == LM_OP_FORK;
}

/* The version that a freshly forked process executed and did nothing before, or 0. */
static uint32_t executed_version(const struct walk *walk, uint32_t vertex,
				 const struct adjacency *in, const struct adjacency *out)
{
	const struct vertex *v = &walk->vertices.at[vertex];
	const struct lm_process *process = index_process(walk->index, v->object);
	uint32_t executed = 0;

	/* What ran before the recorder started is no fork of something in sight. */
	if (!process || process->version != 0 || v->detection || v->wanted || v->hidden ||
	    v->starter || (index_flags(walk->index, v->object) & LM_OBJECT_FOUND))
		return 0;
	for (uint32_t i = in->start[vertex]; i < in->start[vertex + 1]; i++) {
		if (!is_setup_in(&walk->edges.at[in->at[i]]))
			return 0;
	}
	for (uint32_t i = out->start[vertex]; i < out->start[vertex + 1]; i++) {
		const struct edge *edge = &walk->edges.at[out->at[i]];
		const struct lm_process *sink =
			index_process(walk->index, walk->vertices.at[edge->to].object);

		if (edge->op == LM_OP_EXEC && sink && sink->previous == v->object)
			executed = edge->to;
		else if (edge->op == LM_OP_FORK && sink && sink->parent == v->object)
			return 0;
		else if (!is_setup_out(walk, edge))
			return 0;
	}
	return executed;
}

static void move_to_version(struct walk *walk, uint32_t vertex, uint32_t executed,
			    const struct adjacency *adjacency)
{
	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		struct edge *edge = &walk->edges.at[adjacency->at[i]];

		/* Lent memory went back to the parent before anything was executed. */
		if (edge->from == vertex && edge->op == LM_OP_FORK)
			edge->hidden = true;
		else
			move_edge(edge, vertex, executed);
	}
}

int fold_versions(struct walk *walk)
{
	struct adjacency in LM_CLEANUP(adjacency_release) = { NULL, NULL };
	struct adjacency out LM_CLEANUP(adjacency_release) = { NULL, NULL };
	int r = adjacency_build(&in, walk, true);

	if (r == 0)
		r = adjacency_build(&out, walk, false);
	for (uint32_t i = 1; i < walk->vertices.count && r == 0; i++) {
		uint32_t executed = executed_version(walk, i, &in, &out);

		if (!executed)
			continue;
		move_to_version(walk, i, executed, &in);
		move_to_version(walk, i, executed, &out);
		walk->vertices.at[i].hidden = true;
	}
	return r;
}
