/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "lemona/graph/stats.h"

/*
 * How telling an edge is. What is rare in this log tells more than what happens all
 * the time (NoDoze, NDSS 2019); what influences little, or is influenced by
 * little, tells more than a hub (PrioTracker, NDSS 2018: rareness and fan-out;
 * DepImpact, USENIX Security 2022: amount of data, time, concentration of edges). The
 * statistics are this log's own, so nothing has to be learnt beforehand.
 */
#define WHOLE 1000u
#define FAR 62u /* hops, where no way leads */

enum { WEIGHT_RARITY = 35, WEIGHT_FAN = 15, WEIGHT_DATA = 20, WEIGHT_NEARNESS = 15,
       WEIGHT_CONTROL = 15 };

#define CONTROL_LOW_SCORE 250u
#define DATA_MARKED 700u    /* at a way in or out, or into a program that is run */
#define DATA_PER_DOUBLING 25u
#define NS_PER_MINUTE UINT64_C(60000000000)

struct usual {
	struct lm_stats sources, sinks;
	uint32_t runs, directory; /* of a process's program; of the names beside a file */
	uint8_t kind;             /* of the object, or of a group's members */
	bool executed, changed, fed;
};

struct rank {
	struct lm_answer *answer;
	const struct lm_index *index;
	struct usual *usual;    /* by node */
	uint32_t *from_source, *to_target; /* by node: hops */
	uint32_t *queue;
	uint64_t moment_ns;     /* when it was found (forward: began) */
	struct lm_map directories;
	struct answer_rows in, out;
};

static void release_rank(struct rank *rank)
{
	free(rank->usual);
	free(rank->from_source);
	free(rank->to_target);
	free(rank->queue);
	lm_map_release(&rank->directories);
	answer_rows_release(&rank->in);
	answer_rows_release(&rank->out);
}

static uint32_t floor_log2(uint64_t n)
{
	return n > 1 ? 63 - (uint32_t)__builtin_clzll(n) : 0;
}

/* 1000 for one, and less with each doubling. */
static uint32_t few(uint64_t n)
{
	return WHOLE / (1 + floor_log2(n));
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Programs that used names beside this one; found out once for a directory. */
static int count_beside(struct rank *rank, const struct lm_object *object, uint32_t *ret_count)
{
	lm_object_id dir = object->kind == LM_OBJECT_KIND_NAME ? object->name.dir : LM_OBJECT_NONE;
	const uint64_t *known;
	uint32_t count;

	if (object->kind == LM_OBJECT_KIND_FILE) {
		const struct lm_bound *bound =
			lm_index_bound_of_file_at(rank->index, object->id, UINT64_MAX - 1);
		struct lm_object name;

		if (bound && lm_index_object(rank->index, bound->name, &name) == 0)
			dir = name.name.dir;
	}
	if (dir == LM_OBJECT_NONE)
		return 0;
	known = lm_map_get(&rank->directories, dir);
	count = known ? (uint32_t)*known : lm_stats_directory(rank->index, dir);
	*ret_count = count;
	return known ? 0 : lm_map_put(&rank->directories, dir, count);
}

static int look_up(struct rank *rank)
{
	int r = 0;

	for (uint32_t i = 0; i < rank->answer->view.node_count && r == 0; i++) {
		const struct lm_answer_node *node = &rank->answer->nodes[i];
		struct usual *usual = &rank->usual[i];
		struct lm_object object;

		usual->kind = node->of;
		if (lm_index_object(rank->index, answer_object(node), &object) < 0)
			continue;
		usual->sources = lm_stats_sources(rank->index, object.id);
		usual->sinks = lm_stats_sinks(rank->index, object.id);
		if (object.kind == LM_OBJECT_KIND_PROCESS && object.process.exe)
			usual->runs = lm_stats_runs(rank->index, object.process.exe);
		r = count_beside(rank, &object, &usual->directory);
	}
	return r;
}

/* What the answer itself says of its nodes. */
static void look_around(struct rank *rank)
{
	const struct lm_answer *answer = rank->answer;
	bool backward = answer->view.direction == LM_BACKWARD;

	rank->moment_ns = backward ? 0 : UINT64_MAX;
	for (uint32_t i = 0; i < answer->view.edge_count; i++) {
		const struct lm_answer_edge *edge = &answer->edges[i];
		const struct lm_answer_node *from = &answer->nodes[edge->from];
		const struct lm_answer_node *to = &answer->nodes[edge->to];

		rank->usual[edge->from].executed |= edge->op == LM_OP_EXEC &&
						    from->of != LM_OBJECT_KIND_PROCESS;
		rank->usual[edge->to].changed |= from->of == LM_OBJECT_KIND_PROCESS;
		rank->usual[edge->to].fed |= from->of == LM_OBJECT_KIND_SOCKET &&
			from->flags & (LM_NODE_ENTRY | LM_NODE_DETECTION);
		if (backward && to->flags & LM_NODE_DETECTION && edge->end_ns > rank->moment_ns)
			rank->moment_ns = edge->end_ns;
		if (!backward && from->flags & LM_NODE_DETECTION &&
		    edge->begin_ns < rank->moment_ns)
			rank->moment_ns = edge->begin_ns;
	}
}

/* hops[n] from the nearest node with one of these flags, along or against the edges. */
static void count_hops(struct rank *rank, unsigned int flags, bool against, uint32_t *hops)
{
	const struct answer_rows *rows = against ? &rank->in : &rank->out;
	uint32_t head = 0, tail = 0;

	for (uint32_t i = 0; i < rank->answer->view.node_count; i++) {
		hops[i] = FAR;
		if (rank->answer->nodes[i].flags & flags) {
			hops[i] = 0;
			rank->queue[tail++] = i;
		}
	}
	while (head < tail) {
		uint32_t node = rank->queue[head++];

		for (uint32_t i = rows->start[node]; i < rows->start[node + 1]; i++) {
			const struct lm_answer_edge *edge = &rank->answer->edges[rows->at[i]];
			uint32_t other = against ? edge->from : edge->to;

			if (hops[other] <= hops[node] + 1)
				continue;
			hops[other] = hops[node] + 1;
			rank->queue[tail++] = other;
		}
	}
}

static uint32_t score_rarity(const struct rank *rank, const struct lm_answer_edge *edge)
{
	const struct usual *from = &rank->usual[edge->from], *to = &rank->usual[edge->to];
	bool gives = from->kind == LM_OBJECT_KIND_PROCESS;
	const struct usual *process = gives ? from : to, *object = gives ? to : from;
	uint64_t count = rank->answer->nodes[edge->from].count;
	uint32_t score;

	if (rank->answer->nodes[edge->to].count > count)
		count = rank->answer->nodes[edge->to].count;
	if (from->kind == LM_OBJECT_KIND_PROCESS && to->kind == LM_OBJECT_KIND_PROCESS)
		score = (few(from->runs) + few(to->runs)) / 2;
	else if (process->kind != LM_OBJECT_KIND_PROCESS)
		score = few(to->sources.objects);
	else
		score = (few(gives ? object->sources.programs : object->sinks.programs) +
			 few(object->directory) + few(process->runs)) / 3;
	return min_u32(score, few(count));
}

static uint32_t score_data(const struct rank *rank, const struct lm_answer_edge *edge)
{
	const struct usual *from = &rank->usual[edge->from], *to = &rank->usual[edge->to];
	uint32_t amount = edge->bytes ? DATA_PER_DOUBLING * floor_log2(edge->bytes) : 0;

	/* What was changed during the log, and then run. */
	if (edge->op == LM_OP_EXEC && from->changed && from->kind != LM_OBJECT_KIND_PROCESS)
		return WHOLE;
	if (from->kind == LM_OBJECT_KIND_PROCESS && to->executed)
		return from->fed ? WHOLE : min_u32(DATA_MARKED + amount, WHOLE);
	if (rank->answer->nodes[edge->from].flags & LM_NODE_ENTRY ||
	    rank->answer->nodes[edge->to].flags & LM_NODE_EXIT)
		return min_u32(DATA_MARKED + amount, WHOLE);
	return min_u32(amount, DATA_MARKED);
}

static uint32_t score_nearness(const struct rank *rank, const struct lm_answer_edge *edge)
{
	uint32_t hops = rank->from_source[edge->from] + rank->to_target[edge->to];
	uint64_t apart_ns = edge->end_ns > rank->moment_ns ? edge->end_ns - rank->moment_ns :
							     rank->moment_ns - edge->end_ns;

	return (2 * WHOLE / (2 + hops) + few(1 + apart_ns / NS_PER_MINUTE)) / 2;
}

static struct lm_score score_edge(const struct rank *rank, const struct lm_answer_edge *edge)
{
	uint32_t rarity = score_rarity(rank, edge), data = score_data(rank, edge);
	uint32_t fan = (few(rank->usual[edge->from].sinks.objects) +
			few(rank->usual[edge->to].sources.objects)) / 2;
	uint32_t nearness = score_nearness(rank, edge);
	uint32_t control = edge->control == LM_CONTROL_HIGH ? WHOLE : CONTROL_LOW_SCORE;
	uint32_t total = rarity * WEIGHT_RARITY + fan * WEIGHT_FAN + data * WEIGHT_DATA +
			 nearness * WEIGHT_NEARNESS + control * WEIGHT_CONTROL;

	return (struct lm_score){
		.total = (uint16_t)(total / 100), .rarity = (uint16_t)rarity,
		.fan = (uint16_t)fan, .data = (uint16_t)data,
		.nearness = (uint16_t)nearness, .control = (uint16_t)control,
	};
}

int answer_rank(struct lm_answer *answer, const struct lm_index *index)
{
	struct rank rank LM_CLEANUP(release_rank) = { .answer = answer, .index = index };
	bool backward = answer->view.direction == LM_BACKWARD;
	uint32_t nodes = answer->view.node_count;
	int r;

	rank.usual = lm_array_new(nodes, sizeof(*rank.usual));
	rank.from_source = lm_array_new(nodes, sizeof(*rank.from_source));
	rank.to_target = lm_array_new(nodes, sizeof(*rank.to_target));
	rank.queue = lm_array_new(nodes, sizeof(*rank.queue));
	r = rank.usual && rank.from_source && rank.to_target && rank.queue ? 0 : -ENOMEM;
	if (r == 0)
		r = answer_rows_build(&rank.in, answer, true);
	if (r == 0)
		r = answer_rows_build(&rank.out, answer, false);
	if (r == 0)
		r = look_up(&rank);
	if (r < 0)
		return r;
	look_around(&rank);
	count_hops(&rank, backward ? LM_NODE_ENTRY : LM_NODE_DETECTION, false, rank.from_source);
	count_hops(&rank, backward ? LM_NODE_DETECTION : LM_NODE_EXIT, true, rank.to_target);
	for (uint32_t i = 0; i < answer->view.edge_count; i++)
		answer->edges[i].score = score_edge(&rank, &answer->edges[i]);
	answer->view.scored = true;
	return 0;
}
