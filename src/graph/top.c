/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "heap.h"

/*
 * The most telling paths. From each node there is a cheapest way to what is
 * asked about: an edge costs the less the more telling it is, and influence that
 * waited long in a process or a channel before it went on costs more, since what
 * an answer has to do with is most often what came just before it. Whole ways are
 * chosen, cheapest first, from where influence came in (forward: went out), and
 * then detours from one chosen node to another; so what is shown hangs together.
 *
 * A forward answer is the mirror image: with time running the other way (~t),
 * both directions are the same. The near end of an edge is the one towards what
 * is asked about.
 */
#define EDGE_COST_MAX 1100u /* less its score: no edge is free, so shorter is better */
#define WAIT_COST 150u      /* for each doubling of the milliseconds that influence waited */
#define NO_ENTRY_COST 4000u /* of a way that begins elsewhere, where any begins at an entry */
#define SCREEN_COST_MAX 1200u /* mean of a way's edges, beyond which it is not worth the room */
#define NS_PER_MS UINT64_C(1000000)
#define NONE UINT32_MAX

/* The cheapest way from a node to what is asked about. */
struct way {
	uint64_t cost;
	uint64_t limit_ns; /* until when influence has to leave here; mirrored when forward */
	uint32_t length;   /* edges */
	uint32_t edge;     /* the first of them; NONE: here it is */
	bool reached, shown;
};

/* A way that may be chosen: from a node on, or by way of one more edge before it. */
struct candidate {
	uint32_t node, edge; /* edge NONE: it begins at the node */
};

struct top {
	struct lm_answer *answer;
	bool backward;
	struct answer_rows near, far; /* edges by their near ends, and by their far ends */
	struct way *ways;             /* by node */
	TABLE(struct candidate, candidates);
	struct min_heap heap;
	uint32_t shown_count, paths;
	bool any_beginning; /* of those that are known to be one */
};

static void release_top(struct top *top)
{
	answer_rows_release(&top->near);
	answer_rows_release(&top->far);
	free(top->ways);
	free(top->candidates.at);
	min_heap_release(&top->heap);
}

static const struct lm_answer_edge *edge_at(const struct top *top, uint32_t edge)
{
	return &top->answer->edges[edge];
}

static uint32_t near_end(const struct top *top, uint32_t edge)
{
	return top->backward ? edge_at(top, edge)->to : edge_at(top, edge)->from;
}

static uint32_t far_end(const struct top *top, uint32_t edge)
{
	return top->backward ? edge_at(top, edge)->from : edge_at(top, edge)->to;
}

static uint64_t begin_of(const struct top *top, uint32_t edge)
{
	return top->backward ? edge_at(top, edge)->begin_ns : ~edge_at(top, edge)->end_ns;
}

static uint64_t end_of(const struct top *top, uint32_t edge)
{
	return top->backward ? edge_at(top, edge)->end_ns : ~edge_at(top, edge)->begin_ns;
}

/* Files and names keep what they hold; to processes and channels it is gone soon. */
static bool keeps(const struct lm_answer_node *node)
{
	return node->of == LM_OBJECT_KIND_FILE || node->of == LM_OBJECT_KIND_NAME ||
	       node->of == LM_OBJECT_KIND_KERNEL;
}

static uint64_t cost_of(const struct top *top, uint32_t edge)
{
	uint32_t node = near_end(top, edge);
	uint64_t limit_ns = top->ways[node].limit_ns, end_ns = end_of(top, edge), cost, waited;

	cost = EDGE_COST_MAX - edge_at(top, edge)->score.total;
	if (limit_ns == UINT64_MAX || end_ns >= limit_ns || keeps(&top->answer->nodes[node]))
		return cost;
	waited = 1 + (limit_ns - end_ns) / NS_PER_MS;
	return cost + WAIT_COST * (63 - (uint64_t)__builtin_clzll(waited));
}

/* Dijkstra's shortest paths, from all detection points at once. */
static int find_ways(struct top *top)
{
	int r = 0;

	for (uint32_t i = 0; i < top->answer->view.node_count && r == 0; i++) {
		bool asked = top->answer->nodes[i].flags & LM_NODE_DETECTION;

		top->ways[i] = (struct way){ .limit_ns = UINT64_MAX, .edge = NONE,
					     .reached = asked };
		if (asked)
			r = min_heap_push(&top->heap, 0, i);
	}
	while (r == 0 && top->heap.count > 0) {
		struct heap_entry entry = min_heap_pop(&top->heap);
		const struct way way = top->ways[entry.value];

		if (entry.key != way.cost)
			continue;
		for (uint32_t i = top->near.start[entry.value];
			i < top->near.start[entry.value + 1] && r == 0; i++) {
			uint32_t edge = top->near.at[i];
			struct way *other = &top->ways[far_end(top, edge)];
			uint64_t end_ns = end_of(top, edge);
			uint64_t cost = way.cost + cost_of(top, edge);

			if (begin_of(top, edge) > way.limit_ns ||
			    (other->reached && other->cost <= cost))
				continue;
			*other = (struct way){
				.cost = cost, .length = way.length + 1, .edge = edge,
				.limit_ns = end_ns < way.limit_ns ? end_ns : way.limit_ns,
				.reached = true,
			};
			r = min_heap_push(&top->heap, cost, far_end(top, edge));
		}
	}
	return r;
}

static bool is_beginning(const struct top *top, uint32_t node)
{
	unsigned int ends = (top->backward ? LM_NODE_ENTRY : LM_NODE_EXIT) | LM_NODE_TO;

	return top->answer->nodes[node].flags & ends;
}

static bool is_furthest(const struct top *top, uint32_t node)
{
	return top->near.start[node] == top->near.start[node + 1];
}

static int add_candidate(struct top *top, uint32_t node, uint32_t edge)
{
	size_t count = top->candidates.count;

	if (count >= NONE ||
	    lm_array_reserve(top->candidates.at, top->candidates.capacity, count + 1) < 0)
		return -ENOMEM;
	top->candidates.at[count] = (struct candidate){ node, edge };
	top->candidates.count = count + 1;
	/* What it costs is found out when its turn comes: it changes with what is shown. */
	return min_heap_push(&top->heap, 0, (uint32_t)count);
}

static int show_node(struct top *top, uint32_t node)
{
	int r = 0;

	top->ways[node].shown = true;
	top->shown_count++;
	for (uint32_t i = top->far.start[node]; i < top->far.start[node + 1] && r == 0; i++) {
		uint32_t edge = top->far.at[i];
		const struct way *way = &top->ways[near_end(top, edge)];

		if (way->reached && !way->shown && begin_of(top, edge) <= way->limit_ns)
			r = add_candidate(top, near_end(top, edge), edge);
	}
	return r;
}

/* What a way costs, as the mean of those of its edges that are not shown; and its nodes. */
static uint64_t weigh(const struct top *top, const struct candidate *candidate,
		      uint32_t *ret_added)
{
	const struct way *first = &top->ways[candidate->node], *last;
	uint32_t at = candidate->node, added = 0, length;
	uint64_t cost;

	while (!top->ways[at].shown) {
		added++;
		if (top->ways[at].edge == NONE)
			break;
		at = near_end(top, top->ways[at].edge);
	}
	last = &top->ways[at];
	cost = first->cost - last->cost;
	length = first->length - last->length;
	if (candidate->edge != NONE) {
		cost += cost_of(top, candidate->edge);
		length++;
	} else if (top->any_beginning && !is_beginning(top, candidate->node)) {
		cost += NO_ENTRY_COST;
	}
	*ret_added = added;
	return cost / (length > 0 ? length : 1);
}

static int show_way(struct top *top, uint32_t node)
{
	int r = 0;

	top->paths++;
	while (r == 0 && !top->ways[node].shown) {
		r = show_node(top, node);
		if (top->ways[node].edge != NONE)
			node = near_end(top, top->ways[node].edge);
	}
	return r;
}

/* Cheapest first. A way whose price has risen since it was last weighed waits again. */
static int choose_ways(struct top *top, uint32_t paths_max, uint32_t nodes_max, uint64_t cost_max)
{
	int r = 0;

	while (r == 0 && top->heap.count > 0 && top->paths < paths_max) {
		struct heap_entry entry = min_heap_pop(&top->heap);
		const struct candidate candidate = top->candidates.at[entry.value];
		uint32_t added;
		uint64_t cost;

		if (top->ways[candidate.node].shown)
			continue;
		cost = weigh(top, &candidate, &added);
		if (cost > entry.key) {
			r = min_heap_push(&top->heap, cost, entry.value);
			continue;
		}
		/* The very first is shown whole, however long or dear it is. */
		if (top->paths > 0 &&
		    (cost > cost_max || added > nodes_max - top->shown_count))
			break;
		r = show_way(top, candidate.node);
	}
	return r;
}

/* Detection points that anything leads to are there anyway, as far as they leave room. */
static int start_ways(struct top *top, uint32_t nodes_max)
{
	uint32_t nodes = top->answer->view.node_count;
	int r = 0;

	for (uint32_t i = 0; i < nodes && r == 0; i++) {
		const struct way *way = &top->ways[i];

		if (way->reached && way->length == 0 && !is_furthest(top, i) &&
		    top->shown_count < nodes_max / 2)
			r = show_node(top, i);
	}
	for (uint32_t i = 0; i < nodes && r == 0; i++) {
		top->any_beginning |= top->ways[i].reached && is_beginning(top, i);
		if (top->ways[i].reached && !top->ways[i].shown &&
		    (is_beginning(top, i) || is_furthest(top, i)))
			r = add_candidate(top, i, NONE);
	}
	return r;
}

/* Drop what no chosen way holds. */
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
		to[i] = top->ways[i].shown ? kept++ : ANSWER_DROPPED;
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
	uint32_t nodes_max = screen ? LM_SCREEN_NODES : NONE;
	int r;

	if (paths == LM_TOP_ALL || (screen && nodes <= LM_SCREEN_NODES))
		return 0;
	top.ways = lm_array_new(nodes, sizeof(*top.ways));
	r = top.ways ? answer_rows_build(&top.near, answer, top.backward) : -ENOMEM;
	if (r == 0)
		r = answer_rows_build(&top.far, answer, !top.backward);
	if (r == 0)
		r = find_ways(&top);
	if (r == 0)
		r = start_ways(&top, nodes_max);
	if (r == 0)
		r = choose_ways(&top, screen ? NONE : paths, nodes_max,
				screen ? SCREEN_COST_MAX : UINT64_MAX);
	return r < 0 ? r : keep_shown(&top);
}
