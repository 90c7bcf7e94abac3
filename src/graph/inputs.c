/* SPDX-License-Identifier: MIT */
#include "heard.h"

/*
 * Servers: processes that live long and hear from many. Taken strictly, each
 * of their answers depends on all that they ever heard, and whoever broke in
 * through one is behind everything it did since. What they did depends, as
 * far as anybody can use, on what they had just heard.
 *
 * Backward, the newest INPUTS_KEPT sockets and pipes before each influence
 * that counts are followed, the rest becomes one group. Forward, what a server
 * did after a tainted input counts until it hears from somebody else.
 */
#define LOOK_BACK_MAX 4096
#define LOOK_AHEAD_MAX 64

enum { SERVER_UNKNOWN = 0, SERVER_NO = 1, SERVER_YES = 2 };

/* The newest distinct channels of one kind. */
struct newest {
	lm_object_id at[INPUTS_KEPT];
	uint32_t count;
};

bool inputs_is_channel(const struct walk *walk, lm_object_id id)
{
	enum lm_object_kind kind = lm_index_kind(walk->index, id);

	return kind == LM_OBJECT_KIND_SOCKET || kind == LM_OBJECT_KIND_PIPE;
}

/* Whether `id` is among the newest, or there is room for it. */
static bool admit(struct newest *newest, lm_object_id id)
{
	for (uint32_t i = 0; i < newest->count; i++) {
		if (newest->at[i] == id)
			return true;
	}
	if (newest->count == INPUTS_KEPT)
		return false;
	newest->at[newest->count++] = id;
	return true;
}

static bool hears_many(const struct walk *walk, lm_object_id process)
{
	struct lm_links links = lm_index_incoming(walk->index, process, UINT64_MAX);
	struct newest sockets = { .count = 0 };

	for (uint32_t i = 0; i < links.count; i++) {
		const struct lm_link link = lm_links_get(&links, i);

		if (link.control == LM_CONTROL_HIGH &&
		    lm_index_kind(walk->index, link.source) == LM_OBJECT_KIND_SOCKET &&
		    !admit(&sockets, link.source))
			return true;
	}
	return false;
}

bool inputs_is_server(struct walk *walk, uint32_t vertex)
{
	struct vertex *v = &walk->vertices.at[vertex];

	if (!walk_filters(walk, LM_FILTER_OLDER_INPUTS) || !index_process(walk->index, v->object))
		return false;
	if (v->channels == SERVER_UNKNOWN)
		v->channels = hears_many(walk, v->object) ? SERVER_YES : SERVER_NO;
	return v->channels == SERVER_YES;
}

int inputs_take(struct walk *walk, const struct lm_link *link)
{
	uint64_t key = link->key;

	if (lm_map_get(&walk->taken, key))
		return 0;
	return lm_map_put(&walk->taken, key, 1) < 0 ? -ENOMEM : 1;
}

bool inputs_were_taken(struct walk *walk, const struct lm_link *link, uint32_t vertex)
{
	bool choosy =
		walk->options.direction == LM_FORWARD || inputs_is_channel(walk, link->source);

	return !choosy || !inputs_is_server(walk, vertex) ||
	       lm_map_get(&walk->taken, link->key);
}

/* An input met again may matter longer than before, but is the same event. */
static int take_input(struct walk *walk, const struct lm_link *link, uint32_t server,
		      uint64_t before_ns)
{
	uint64_t threshold_ns = link->end_ns < before_ns ? link->end_ns : before_ns;
	int first = inputs_take(walk, link);
	uint32_t source;

	if (first < 0)
		return first;
	if (first)
		return walk_follow_back(walk, link, server, before_ns);
	source = walk_find(walk, link->source, walk_source_role(walk, link));
	return source ? walk_reach(walk, source, threshold_ns) : 0;
}

static int take_output(struct walk *walk, const struct lm_link *link, uint32_t server,
		       uint64_t after_ns)
{
	int first = inputs_take(walk, link);
	uint32_t sink;

	if (first < 0)
		return first;
	if (first)
		return walk_follow_on(walk, link, server, after_ns);
	sink = walk_find(walk, link->sink, walk_sink_role(walk, link));
	if (!sink || inputs_is_server(walk, sink))
		return 0;
	return walk_reach(walk, sink, link->begin_ns > after_ns ? link->begin_ns : after_ns);
}

/*
 * Which runs an influence depends on. What is sent into a channel that the server has read from
 * before answers what it read there: what it heard since then counts. What it sends into one that
 * it opened itself and has not read from is a question that somebody's question led to: the newest
 * inputs count, but not the answers to its other questions, or each answer would lead through
 * another server to all requests before it. Else the newest count.
 */
struct scope {
	size_t from;          /* runs before this place do not count */
	bool no_answers;      /* those of channels that the server opened do not count */
};

static struct scope find_scope(const struct walk *walk, const struct heard *heard, size_t count,
			       const struct lm_link *influence)
{
	size_t asked;

	if (!influence || !inputs_is_channel(walk, influence->sink))
		return (struct scope){ .from = 0 };
	asked = heard_from(heard, influence->sink, count);
	return (struct scope){
		.from = asked ? asked - 1 : 0,
		.no_answers = !asked && lm_map_get(&heard->opened, influence->sink),
	};
}

/* All inputs of a run that began in time, from the newest on; older ones than a known one are. */
static int take_run(struct walk *walk, const struct lm_links *links, const struct heard_run *run,
		    uint32_t server, uint64_t before_ns)
{
	const struct vertex v = walk->vertices.at[server];
	uint32_t end = run->last < links->count ? run->last + 1 : links->count;

	for (uint32_t i = end; i > run->first; i--) {
		const struct lm_link link = lm_links_get(links, i - 1);
		bool refused, known = lm_map_get(&walk->taken, link.key) != NULL;
		int r;

		if (link.source != run->channel || !walk_in_window(walk, &link))
			continue;
		r = walk_judge(walk, &link, &v, before_ns, &refused);
		if (r == 0 && !refused)
			r = take_input(walk, &link, server, before_ns);
		if (r < 0 || known)
			return r;
	}
	return 0;
}

int inputs_take_recent(struct walk *walk, uint32_t server, uint64_t before_ns,
		       const struct lm_link *influence)
{
	lm_object_id process = walk->vertices.at[server].object;
	struct lm_links links = lm_index_incoming(walk->index, process, before_ns);
	const struct heard *heard = heard_by(walk, process);
	struct newest sockets = { .count = 0 }, pipes = { .count = 0 };
	struct scope scope;
	size_t count;
	int r = 0;

	if (!heard)
		return -ENOMEM;
	count = heard_before(heard, links.count);
	scope = find_scope(walk, heard, count, influence);
	for (size_t i = count; i > scope.from && count - i < LOOK_BACK_MAX && r == 0; i--) {
		const struct heard_run *run = &heard->runs[i - 1];
		bool socket = lm_index_kind(walk->index, run->channel) == LM_OBJECT_KIND_SOCKET;

		if (sockets.count == INPUTS_KEPT && pipes.count == INPUTS_KEPT)
			break;
		if ((scope.no_answers && lm_map_get(&heard->opened, run->channel)) ||
		    !admit(socket ? &sockets : &pipes, run->channel))
			continue;
		r = take_run(walk, &links, run, server, before_ns);
	}
	return r;
}

/* When the server next heard from anybody else. */
static uint64_t next_input_ns(const struct walk *walk, const struct lm_link *input)
{
	struct lm_links all = lm_index_incoming(walk->index, input->sink, UINT64_MAX);
	struct lm_links before = lm_index_incoming(walk->index, input->sink, input->begin_ns);

	for (uint32_t i = before.count; i < all.count; i++) {
		const struct lm_link link = lm_links_get(&all, i);

		if (link.begin_ns > input->begin_ns && link.source != input->source &&
		    link.control == LM_CONTROL_HIGH && inputs_is_channel(walk, link.source))
			return link.begin_ns;
	}
	return UINT64_MAX;
}

int inputs_follow(struct walk *walk, const struct lm_link *input, uint32_t server,
		  uint64_t after_ns)
{
	uint64_t from_ns = input->begin_ns > after_ns ? input->begin_ns : after_ns;
	uint64_t to_ns = next_input_ns(walk, input);
	const struct vertex v = walk->vertices.at[server];
	struct lm_links links = lm_index_outgoing(walk->index, v.object, from_ns);
	uint32_t past = 0;

	if (v.window_ns == 0 || from_ns < v.window_ns)
		walk->vertices.at[server].window_ns = from_ns;
	for (uint32_t i = 0; i < links.count && past < LOOK_AHEAD_MAX; i++) {
		const struct lm_link link = lm_links_get(&links, i);
		bool refused;
		int r;

		past = link.begin_ns >= to_ns ? past + 1 : 0;
		if (past > 0 || !walk_in_window(walk, &link))
			continue;
		r = walk_judge(walk, &link, &v, from_ns, &refused);
		if (r < 0)
			return r;
		if (refused)
			continue;
		r = take_output(walk, &link, server, from_ns);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_group(struct walk *walk, uint32_t server, uint64_t objects, const struct edge *edge)
{
	size_t count = walk->vertices.count;
	struct edge joined = *edge;

	if (lm_array_reserve(walk->vertices.at, walk->vertices.capacity, count + 1) < 0)
		return -ENOMEM;
	walk->vertices.at[count] = (struct vertex){
		.object = VERTEX_GROUP, .group_of = server, .group_count = objects,
		.threshold_ns = walk->vertices.at[server].threshold_ns,
	};
	walk->vertices.count = count + 1;
	joined.from = (uint32_t)count;
	joined.to = server;
	return walk_edge(walk, &joined);
}

/* The newest channels before an influence. */
static int keep_newest(const struct walk *walk, const struct heard *heard, size_t count,
		       struct lm_map *kept)
{
	struct newest sockets = { .count = 0 }, pipes = { .count = 0 };

	for (size_t i = count; i > 0 && count - i < LOOK_BACK_MAX; i--) {
		lm_object_id channel = heard->runs[i - 1].channel;
		bool socket = lm_index_kind(walk->index, channel) == LM_OBJECT_KIND_SOCKET;

		if (sockets.count == INPUTS_KEPT && pipes.count == INPUTS_KEPT)
			break;
		if (admit(socket ? &sockets : &pipes, channel) && lm_map_put(kept, channel, 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Runs that began before a moment. */
static size_t runs_before(const struct heard *heard, uint64_t moment_ns)
{
	size_t low = 0, high = heard->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (heard->runs[middle].begin_ns < moment_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Mark the newest channels before an influence, and those in the course of it.
 *
 * @param looked  runs from *looked on have been marked for another influence
 */
static int keep_recent(const struct walk *walk, const struct heard *heard,
		       const struct edge *influence, struct lm_map *kept, size_t *looked)
{
	size_t begin = runs_before(heard, influence->begin_ns);
	size_t end = runs_before(heard, influence->end_ns);

	for (size_t i = begin; i < end && i < *looked; i++) {
		if (lm_map_put(kept, heard->runs[i].channel, 1) < 0)
			return -ENOMEM;
	}
	if (begin < *looked && end >= *looked)
		*looked = begin;
	return keep_newest(walk, heard, begin, kept);
}

static void merge_group_edge(struct edge *joined, const struct edge *edge)
{
	if (edge->begin_ns < joined->begin_ns)
		joined->begin_ns = edge->begin_ns;
	if (edge->end_ns > joined->end_ns)
		joined->end_ns = edge->end_ns;
	if (edge->event < joined->event)
		joined->event = edge->event;
	joined->count += edge->count;
}

/* Let go of the inputs of one server that no influence in sight calls for. */
static int drop_inputs(struct walk *walk, uint32_t server, const struct adjacency *in,
		       const struct adjacency *out)
{
	struct lm_map kept LM_MAP = LM_MAP_INIT, gone LM_MAP = LM_MAP_INIT;
	struct edge joined = { .kind = EDGE_GROUP, .op = LM_OP_RECV, .begin_ns = UINT64_MAX,
			       .event = UINT64_MAX, .control = LM_CONTROL_HIGH };
	const struct heard *heard = heard_by(walk, walk->vertices.at[server].object);
	size_t looked = heard ? heard->count : 0;
	uint32_t group = 0;
	int r = heard ? 0 : -ENOMEM;

	for (uint32_t i = out->start[server]; i < out->start[server + 1] && r == 0; i++)
		r = keep_recent(walk, heard, &walk->edges.at[out->at[i]], &kept, &looked);
	for (uint32_t i = in->start[server]; i < in->start[server + 1] && r == 0; i++) {
		struct edge *edge = &walk->edges.at[in->at[i]];
		const struct vertex *source = &walk->vertices.at[edge->from];

		if (source->group_of == server)
			group = edge->from;
		if (edge->hidden || edge->kind != EDGE_EVENT ||
		    !inputs_is_channel(walk, source->object) || source->detection ||
		    source->wanted || lm_map_get(&kept, source->object))
			continue;
		edge->hidden = true;
		merge_group_edge(&joined, edge);
		r = walk_refuse(walk, LM_FILTER_OLDER_INPUTS, source->object, edge->count);
		if (r == 0)
			r = lm_map_put(&gone, source->object, 1);
	}
	if (r < 0 || gone.count == 0)
		return r;
	if (!group)
		return add_group(walk, server, gone.count, &joined);
	walk->vertices.at[group].group_count += gone.count;
	joined.from = group;
	joined.to = server;
	return walk_edge(walk, &joined);
}

int inputs_prune(struct walk *walk)
{
	struct adjacency in LM_CLEANUP(adjacency_release) = { NULL, NULL };
	struct adjacency out LM_CLEANUP(adjacency_release) = { NULL, NULL };
	size_t count = walk->vertices.count; /* groups are added behind */
	int r;

	if (!walk_filters(walk, LM_FILTER_OLDER_INPUTS) || walk->options.direction != LM_BACKWARD)
		return 0;
	r = adjacency_build(&in, walk, true);
	if (r == 0)
		r = adjacency_build(&out, walk, false);
	for (uint32_t i = 1; i < count && r == 0; i++) {
		const struct vertex *v = &walk->vertices.at[i];

		/* A server that is itself asked about keeps what it was given. */
		if (v->channels == SERVER_YES && !v->hidden && !v->detection)
			r = drop_inputs(walk, i, &in, &out);
	}
	return r < 0 ? r : filter_dangling(walk, LM_FILTER_OLDER_INPUTS);
}

/* The inputs of one server that were passed over become one node. */
static int fold_inputs(struct walk *walk, uint32_t server)
{
	const struct vertex v = walk->vertices.at[server];
	struct lm_links links = lm_index_incoming(walk->index, v.object, v.threshold_ns);
	struct edge edge = { .kind = EDGE_GROUP, .op = LM_OP_RECV, .begin_ns = UINT64_MAX,
			     .event = UINT64_MAX, .control = LM_CONTROL_HIGH };
	struct lm_map seen LM_MAP = LM_MAP_INIT;
	uint64_t objects = 0;

	for (uint32_t i = 0; i < links.count; i++) {
		const struct lm_link link = lm_links_get(&links, i);
		enum role role = walk_source_role(walk, &link);

		if (!inputs_is_channel(walk, link.source) || !walk_in_window(walk, &link) ||
		    link.control == LM_CONTROL_LOW ||
		    lm_map_get(&walk->taken, link.key))
			continue;
		if (walk_refuse(walk, LM_FILTER_OLDER_INPUTS, link.source, link.count) < 0)
			return -ENOMEM;
		if (walk_find(walk, link.source, role))
			continue;
		if (!lm_map_get(&seen, link.source)) {
			objects++;
			if (lm_map_put(&seen, link.source, 1) < 0)
				return -ENOMEM;
		}
		if (link.begin_ns < edge.begin_ns) {
			edge.begin_ns = link.begin_ns;
			edge.event = link.event;
		}
		if (link.end_ns > edge.end_ns)
			edge.end_ns = link.end_ns;
		edge.count += link.count;
	}
	return objects > 0 ? add_group(walk, server, objects, &edge) : 0;
}

/* What a server did outside of the stretches that followed a tainted input. */
static int count_outputs(struct walk *walk, uint32_t server)
{
	const struct vertex v = walk->vertices.at[server];
	struct lm_links links = lm_index_outgoing(walk->index, v.object, v.window_ns);

	for (uint32_t i = 0; i < links.count; i++) {
		const struct lm_link link = lm_links_get(&links, i);

		if (!walk_in_window(walk, &link) || link.control == LM_CONTROL_LOW ||
		    lm_map_get(&walk->taken, link.key))
			continue;
		if (walk_refuse(walk, LM_FILTER_OLDER_INPUTS, link.sink, link.count) < 0)
			return -ENOMEM;
	}
	return 0;
}

int inputs_fold(struct walk *walk)
{
	size_t count = walk->vertices.count;
	int r = 0;

	for (uint32_t i = 1; i < count && r == 0; i++) {
		const struct vertex *v = &walk->vertices.at[i];

		if (v->channels != SERVER_YES)
			continue;
		if (walk->options.direction == LM_BACKWARD)
			r = fold_inputs(walk, i);
		else if (!v->expanded)
			r = count_outputs(walk, i);
	}
	return r;
}
