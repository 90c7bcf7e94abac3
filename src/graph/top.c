/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "heap.h"

/*
 * The most telling paths. Through every node there is a best path from where
 * influence came in to what is asked about (forward: from what is asked about to
 * where it went out): the cheaper an edge, the more telling it is, and time has to
 * allow the path. Paths are kept whole, best first, so that what is shown hangs
 * together.
 */
#define EDGE_COST_MAX 1100u    /* less its score: no edge is free, so shorter is better */
#define NO_ENTRY_COST 4000u    /* a path that begins where nothing is known to come in */
#define NO_WAY_COST 16000u     /* one that leads on to nothing */
#define TIME_COST 8000u        /* its two halves do not meet in time */
#define MISFITS_MAX 64u        /* paths too long for the room that is left, before it is closed */

/* The best half of a path: from its beginning to a node, or from there to its end. */
struct half {
	uint32_t cost, length;
	uint32_t edge;     /* towards the beginning, or the end; NO_EDGE: there it is */
	uint64_t limit_ns; /* when it arrives; until when it has to leave */
	bool reached;
	bool shown;        /* all the way is on the screen */
};
#define NO_EDGE UINT32_MAX
#define NO_NODE UINT32_MAX

struct candidate {
	uint64_t key;
	uint32_t node;
};

struct top {
	struct lm_answer *answer;
	bool backward;
	struct answer_rows in, out;
	struct half *before, *after; /* by node */
	struct candidate *candidates;
	bool *shown;
	uint32_t shown_count, paths;
	struct min_heap heap;
};

static void release_top(struct top *top)
{
	answer_rows_release(&top->in);
	answer_rows_release(&top->out);
	free(top->before);
	free(top->after);
	free(top->candidates);
	free(top->shown);
	min_heap_release(&top->heap);
}

/* What it costs that a path begins here; UINT32_MAX: it does not. */
static uint32_t cost_of_begin(const struct top *top, uint32_t node)
{
	unsigned int flags = top->answer->nodes[node].flags;

	if (flags & (top->backward ? LM_NODE_ENTRY | LM_NODE_TO : LM_NODE_DETECTION))
		return 0;
	return top->in.start[node] == top->in.start[node + 1] ? NO_ENTRY_COST : UINT32_MAX;
}

static uint32_t cost_of_end(const struct top *top, uint32_t node)
{
	unsigned int flags = top->answer->nodes[node].flags;

	if (flags & (top->backward ? LM_NODE_DETECTION : LM_NODE_EXIT | LM_NODE_TO))
		return 0;
	return top->out.start[node] == top->out.start[node + 1] ? NO_ENTRY_COST : UINT32_MAX;
}

static int start_halves(struct top *top, bool ends)
{
	struct half *halves = ends ? top->after : top->before;
	int r = 0;

	for (uint32_t i = 0; i < top->answer->view.node_count && r == 0; i++) {
		uint32_t cost = ends ? cost_of_end(top, i) : cost_of_begin(top, i);

		halves[i] = (struct half){ .cost = NO_WAY_COST, .edge = NO_EDGE,
					   .limit_ns = ends ? UINT64_MAX : 0 };
		if (cost == UINT32_MAX)
			continue;
		halves[i].reached = true;
		halves[i].cost = cost;
		r = min_heap_push(&top->heap, cost, i);
	}
	return r;
}

/* One edge further; false: time does not allow it, or it is no better. */
static bool extend(const struct half *half, const struct lm_answer_edge *edge, bool ends,
		   struct half *other)
{
	uint32_t cost = half->cost + EDGE_COST_MAX - edge->score.total;
	uint64_t limit_ns = ends ? edge->end_ns : edge->begin_ns;

	if (ends ? edge->begin_ns > half->limit_ns : edge->end_ns < half->limit_ns)
		return false;
	if (other->reached && other->cost <= cost)
		return false;
	if (ends ? half->limit_ns < limit_ns : half->limit_ns > limit_ns)
		limit_ns = half->limit_ns;
	other->cost = cost;
	other->length = half->length + 1;
	other->limit_ns = limit_ns;
	other->reached = true;
	return true;
}

/* Dijkstra's shortest paths, from all beginnings, or from all ends, at once. */
static int find_halves(struct top *top, bool ends)
{
	struct half *halves = ends ? top->after : top->before;
	const struct answer_rows *rows = ends ? &top->in : &top->out;
	int r = start_halves(top, ends);

	while (r == 0 && top->heap.count > 0) {
		struct heap_entry entry = min_heap_pop(&top->heap);
		uint32_t node = entry.value;

		if (entry.key != halves[node].cost)
			continue;
		for (uint32_t i = rows->start[node]; i < rows->start[node + 1] && r == 0; i++) {
			const struct lm_answer_edge *edge = &top->answer->edges[rows->at[i]];
			uint32_t other = ends ? edge->from : edge->to;

			if (!extend(&halves[node], edge, ends, &halves[other]))
				continue;
			halves[other].edge = rows->at[i];
			r = min_heap_push(&top->heap, halves[other].cost, other);
		}
	}
	return r;
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/*
 * The best path of each thing that is asked about comes first, then through
 * whatever else: a path counts by the mean of its edges, so that an attack of
 * many steps is not behind a neighbour's single one.
 */
static void order_candidates(struct top *top)
{
	uint32_t nodes = top->answer->view.node_count;

	for (uint32_t i = 0; i < nodes; i++) {
		const struct half *before = &top->before[i], *after = &top->after[i];
		uint64_t cost = (uint64_t)before->cost + after->cost;
		bool asked = top->answer->nodes[i].flags & LM_NODE_DETECTION &&
			     before->length + after->length > 0;

		if (before->limit_ns > after->limit_ns)
			cost += TIME_COST;
		cost = cost * 16 / (before->length + after->length + 1);
		top->candidates[i] = (struct candidate){
			.key = (uint64_t)!asked << 63 | cost, .node = i
		};
	}
	if (nodes > 0)
		qsort(top->candidates, nodes, sizeof(*top->candidates), compare_candidates);
}

static uint32_t next_on_way(const struct top *top, uint32_t node, bool ends)
{
	const struct lm_answer_edge *edges = top->answer->edges;
	uint32_t edge = (ends ? top->after : top->before)[node].edge;

	if (edge == NO_EDGE)
		return NO_NODE;
	return ends ? edges[edge].to : edges[edge].from;
}

/* How many nodes of the best path through one are not shown yet. */
static uint32_t count_missing(const struct top *top, uint32_t node)
{
	uint32_t count = 0;

	for (int ends = 0; ends <= 1; ends++) {
		const struct half *halves = ends ? top->after : top->before;

		/* The node itself is met from either side: it counts once. */
		for (uint32_t at = node; at != NO_NODE && !halves[at].shown;
			at = next_on_way(top, at, ends)) {
			if (!top->shown[at] && (at != node || !ends))
				count++;
		}
	}
	return count;
}

static void show_path(struct top *top, uint32_t node)
{
	for (int ends = 0; ends <= 1; ends++) {
		struct half *halves = ends ? top->after : top->before;

		for (uint32_t at = node; at != NO_NODE && !halves[at].shown;
			at = next_on_way(top, at, ends)) {
			halves[at].shown = true;
			top->shown_count += !top->shown[at];
			top->shown[at] = true;
		}
	}
	top->paths++;
}

static void choose_paths(struct top *top, uint32_t paths_max, uint32_t nodes_max)
{
	uint32_t misfits = 0;

	for (uint32_t i = 0; i < top->answer->view.node_count; i++) {
		uint32_t node = top->candidates[i].node, added;

		if (top->shown[node])
			continue;
		if (top->paths == paths_max || misfits == MISFITS_MAX ||
		    top->shown_count >= nodes_max)
			break;
		added = count_missing(top, node);
		/* The very first is shown whole, however long it is. */
		if (top->paths > 0 && added > nodes_max - top->shown_count) {
			misfits++;
			continue;
		}
		show_path(top, node);
	}
}

/* Drop what no chosen path holds. */
static int keep_shown(struct top *top)
{
	struct lm_answer *answer = top->answer;
	uint32_t *to LM_FREE = lm_array_new(answer->view.node_count, sizeof(*to));
	uint32_t kept = 0;

	if (!to)
		return -ENOMEM;
	answer->view.shown = (struct lm_answer_shown){
		.paths = top->paths, .of_nodes = answer->view.node_count,
		.of_edges = answer->view.edge_count,
	};
	for (uint32_t i = 0; i < answer->view.node_count; i++)
		to[i] = top->shown[i] ? kept++ : ANSWER_DROPPED;
	answer_remap(answer, to);
	return 0;
}

int answer_keep_top(struct lm_answer *answer, uint32_t paths)
{
	struct top top LM_CLEANUP(release_top) = {
		.answer = answer, .backward = answer->view.direction == LM_BACKWARD,
	};
	uint32_t nodes = answer->view.node_count;
	bool screen = paths == LM_TOP_SCREEN;
	int r;

	if (paths == LM_TOP_ALL || (screen && nodes <= LM_SCREEN_NODES))
		return 0;
	top.before = lm_array_new(nodes, sizeof(*top.before));
	top.after = lm_array_new(nodes, sizeof(*top.after));
	top.candidates = lm_array_new(nodes, sizeof(*top.candidates));
	top.shown = lm_array_new(nodes, sizeof(*top.shown));
	if (!top.before || !top.after || !top.candidates || !top.shown)
		return -ENOMEM;
	r = answer_rows_build(&top.in, answer, true);
	if (r == 0)
		r = answer_rows_build(&top.out, answer, false);
	if (r == 0)
		r = find_halves(&top, false);
	if (r == 0)
		r = find_halves(&top, true);
	if (r < 0)
		return r;
	order_candidates(&top);
	choose_paths(&top, screen ? UINT32_MAX : paths, screen ? LM_SCREEN_NODES : UINT32_MAX);
	return keep_shown(&top);
}
