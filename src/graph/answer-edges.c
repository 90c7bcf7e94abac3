/* SPDX-License-Identifier: MIT */
#include "answer.h"

void answer_merge_edge(struct lm_answer_edge *into, const struct lm_answer_edge *edge)
{
	bool same = into->event == edge->event;

	into->count = same ? (into->count > edge->count ? into->count : edge->count) :
			     into->count + edge->count;
	into->bytes = same ? (into->bytes > edge->bytes ? into->bytes : edge->bytes) :
			     into->bytes + edge->bytes;
	if (edge->begin_ns < into->begin_ns)
		into->begin_ns = edge->begin_ns;
	if (edge->end_ns > into->end_ns)
		into->end_ns = edge->end_ns;
	if (edge->control > into->control)
		into->control = edge->control;
	into->claimed = into->claimed && edge->claimed;
	if (edge->event < into->event)
		into->event = edge->event;
}

void answer_rows_release(struct answer_rows *rows)
{
	free(rows->start);
	free(rows->at);
	*rows = (struct answer_rows){ NULL, NULL };
}

int answer_rows_build(struct answer_rows *rows, const struct lm_answer *answer, bool incoming)
{
	uint32_t nodes = answer->view.node_count, edges = answer->view.edge_count;

	rows->start = lm_array_new((size_t)nodes + 2, sizeof(*rows->start));
	rows->at = lm_array_new(edges, sizeof(*rows->at));
	if (!rows->start || !rows->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < edges; i++)
		rows->start[(incoming ? answer->edges[i].to : answer->edges[i].from) + 2]++;
	for (uint32_t n = 2; n <= nodes; n++)
		rows->start[n] += rows->start[n - 1];
	for (uint32_t i = 0; i < edges; i++) {
		uint32_t node = incoming ? answer->edges[i].to : answer->edges[i].from;

		rows->at[rows->start[node + 1]++] = i;
	}
	return 0;
}

static void remap_nodes(struct lm_answer *answer, const uint32_t *to)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < answer->view.node_count; i++) {
		if (to[i] == kept)
			answer->nodes[kept++] = answer->nodes[i];
		else
			answer_free_node(&answer->nodes[i]);
	}
	answer->view.node_count = kept;
}

static int compare_ends(const void *a, const void *b)
{
	const struct lm_answer_edge *x = a, *y = b;
	int order;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	order = x->op_name == y->op_name ? 0 : strcmp(x->op_name, y->op_name);
	if (order)
		return order;
	return x->event < y->event ? -1 : x->event > y->event;
}

static bool same_ends(const struct lm_answer_edge *a, const struct lm_answer_edge *b)
{
	return a->from == b->from && a->to == b->to && a->op == b->op &&
	       strcmp(a->op_name, b->op_name) == 0;
}

int answer_compare_edges(const void *a, const void *b)
{
	const struct lm_answer_edge *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

uint64_t answer_remap(struct lm_answer *answer, const uint32_t *to)
{
	struct lm_answer_edge *edges = answer->edges;
	uint64_t within = 0, previous = 0;
	uint32_t moved = 0, kept = 0;

	for (uint32_t i = 0; i < answer->view.edge_count; i++) {
		struct lm_answer_edge edge = edges[i];

		edge.from = to[edge.from];
		edge.to = to[edge.to];
		if (edge.from == ANSWER_DROPPED || edge.to == ANSWER_DROPPED)
			continue;
		if (edge.from == edge.to)
			within += edge.event ? edge.count : 0;
		else
			edges[moved++] = edge;
	}
	remap_nodes(answer, to);
	if (moved > 0)
		qsort(edges, moved, sizeof(*edges), compare_ends);
	for (uint32_t i = 0; i < moved; i++) {
		struct lm_answer_edge *last = kept > 0 ? &edges[kept - 1] : NULL;
		struct lm_answer_edge edge = edges[i];
		uint64_t event = edge.event;

		if (last && same_ends(last, &edge)) {
			/* Of one event each end may have become another member of one group. */
			edge.event = event == previous ? last->event : event;
			answer_merge_edge(last, &edge);
		} else {
			edges[kept++] = edge;
		}
		previous = event;
	}
	if (kept > 0)
		qsort(edges, kept, sizeof(*edges), answer_compare_edges);
	answer->view.edge_count = kept;
	return within;
}
