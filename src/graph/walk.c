/* SPDX-License-Identifier: MIT */
#include "heard.h"

#define DIRECTORY_DEPTH_MAX 256 /* as of paths; a hostile log may have circles */

void walk_release(struct walk *walk)
{
	free(walk->vertices.at);
	free(walk->edges.at);
	free(walk->heap.at);
	lm_map_release(&walk->vertex_of);
	lm_map_release(&walk->edge_of);
	lm_map_release(&walk->common);
	lm_map_release(&walk->taken);
	heard_release(walk);
	for (size_t i = 0; i < LM_FILTER_COUNT; i++) {
		lm_map_release(&walk->refused[i].known);
		free(walk->refused[i].objects.at);
	}
}

static bool is_backward(const struct walk *walk)
{
	return walk->options.direction == LM_BACKWARD;
}

uint32_t walk_find(const struct walk *walk, lm_object_id object, enum role role)
{
	const uint64_t *at = lm_map_get(&walk->vertex_of, object | (uint64_t)role << 32);

	return at ? (uint32_t)*at : 0;
}

int walk_vertex(struct walk *walk, lm_object_id object, enum role role, uint32_t *ret_vertex)
{
	uint32_t found = walk_find(walk, object, role);
	size_t count = walk->vertices.count;

	if (found) {
		*ret_vertex = found;
		return 0;
	}
	if (walk->options.max_nodes && count > walk->options.max_nodes) {
		walk->limited = true;
		*ret_vertex = 0;
		return 0;
	}
	if (lm_array_reserve(walk->vertices.at, walk->vertices.capacity, count + 1) < 0 ||
	    lm_map_put(&walk->vertex_of, object | (uint64_t)role << 32, count) < 0)
		return -ENOMEM;
	walk->vertices.at[count] = (struct vertex){ .object = object, .role = (uint8_t)role };
	walk->vertices.count = count + 1;
	*ret_vertex = (uint32_t)count;
	return 0;
}

static int push_heap(struct walk *walk, uint64_t key, uint32_t vertex)
{
	size_t i = walk->heap.count;
	struct heap_item *at;

	if (lm_array_reserve(walk->heap.at, walk->heap.capacity, i + 1) < 0)
		return -ENOMEM;
	at = walk->heap.at;
	walk->heap.count++;
	for (; i > 0 && at[(i - 1) / 2].key < key; i = (i - 1) / 2)
		at[i] = at[(i - 1) / 2];
	at[i] = (struct heap_item){ key, vertex };
	return 0;
}

static struct heap_item pop_heap(struct walk *walk)
{
	struct heap_item *at = walk->heap.at, top = at[0];
	size_t count = --walk->heap.count, i = 0;
	struct heap_item last = at[count];

	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && at[child + 1].key > at[child].key)
			child++;
		if (at[child].key <= last.key)
			break;
		at[i] = at[child];
	}
	at[i] = last;
	return top;
}

int walk_reach(struct walk *walk, uint32_t vertex, uint64_t threshold_ns)
{
	struct vertex *v = &walk->vertices.at[vertex];
	bool wider = is_backward(walk) ? threshold_ns > v->threshold_ns :
					 threshold_ns < v->threshold_ns;

	if (v->reached && !wider)
		return 0;
	v->reached = true;
	v->threshold_ns = threshold_ns;
	return push_heap(walk, is_backward(walk) ? threshold_ns : ~threshold_ns, vertex);
}

static void merge_edge(struct edge *into, const struct edge *edge)
{
	if (edge->begin_ns < into->begin_ns)
		into->begin_ns = edge->begin_ns;
	if (edge->end_ns > into->end_ns)
		into->end_ns = edge->end_ns;
	if (edge->event < into->event)
		into->event = edge->event;
	if (edge->control > into->control)
		into->control = edge->control;
	into->count += edge->count;
	into->claimed = into->claimed && edge->claimed;
	into->bytes += edge->bytes;
}

int walk_edge(struct walk *walk, const struct edge *edge)
{
	uint64_t key = (uint64_t)edge->from << 32 | edge->to;
	const uint64_t *first = lm_map_get(&walk->edge_of, key);
	uint32_t head = first ? (uint32_t)*first : 0;
	size_t count = walk->edges.count;

	for (uint32_t i = head; i; i = walk->edges.at[i - 1].next) {
		struct edge *same = &walk->edges.at[i - 1];

		if (same->op == edge->op && same->kind == edge->kind) {
			merge_edge(same, edge);
			return 0;
		}
	}
	if (lm_array_reserve(walk->edges.at, walk->edges.capacity, count + 1) < 0 ||
	    lm_map_put(&walk->edge_of, key, count + 1) < 0)
		return -ENOMEM;
	walk->edges.at[count] = *edge;
	walk->edges.at[count].next = head;
	walk->edges.count = count + 1;
	return 0;
}

int walk_refuse(struct walk *walk, enum lm_filter filter, lm_object_id object, uint64_t events)
{
	struct refusal *refusal = &walk->refused[filter];
	size_t count = refusal->objects.count;

	refusal->events += events;
	if (lm_map_get(&refusal->known, object))
		return 0;
	if (lm_array_reserve(refusal->objects.at, refusal->objects.capacity, count + 1) < 0 ||
	    lm_map_put(&refusal->known, object, 1) < 0)
		return -ENOMEM;
	refusal->objects.at[count] = object;
	refusal->objects.count = count + 1;
	return 0;
}

bool walk_in_window(const struct walk *walk, const struct lm_link *link)
{
	return link->end_ns >= walk->options.since_ns && link->begin_ns <= walk->until_ns;
}

/* What was done to a socket is certain: there the claim is an address. */
static bool is_claimed(const struct walk *walk, const struct lm_link *link)
{
	return link->event_flags & LM_EVENT_CLAIMED && !index_socket(walk->index, link->source) &&
	       !index_socket(walk->index, link->sink);
}

struct edge walk_edge_of_link(const struct walk *walk, const struct lm_link *link, uint32_t from,
			      uint32_t to)
{
	return (struct edge){
		.from = from, .to = to, .op = link->op, .control = link->control,
		.begin_ns = link->begin_ns, .end_ns = link->end_ns, .count = link->count,
		.bytes = link->bytes, .event = link->event, .claimed = is_claimed(walk, link),
	};
}

/* Through the master of a pair of terminals: its way in is the other end's way out. */
static bool is_of_master(const struct lm_link *link)
{
	return link->event_flags & LM_EVENT_MASTER;
}

enum role walk_source_role(const struct walk *walk, const struct lm_link *link)
{
	if (!object_is_two_way(walk->index, link->source))
		return ROLE_WHOLE;
	return is_of_master(link) ? ROLE_OUT : ROLE_IN;
}

enum role walk_sink_role(const struct walk *walk, const struct lm_link *link)
{
	if (!object_is_two_way(walk->index, link->sink))
		return ROLE_WHOLE;
	/* An ioctl on a terminal may push bytes into what is read from it (TIOCSTI). */
	return link->op == LM_OP_IOCTL || is_of_master(link) ? ROLE_IN : ROLE_OUT;
}

static uint64_t min_ns(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

int walk_follow_back(struct walk *walk, const struct lm_link *link, uint32_t sink,
		     uint64_t before_ns)
{
	uint64_t threshold_ns = min_ns(link->end_ns, before_ns);
	uint32_t source;
	struct edge edge;
	int r = walk_vertex(walk, link->source, walk_source_role(walk, link), &source);

	if (r < 0 || !source)
		return r;
	edge = walk_edge_of_link(walk, link, source, sink);
	r = walk_edge(walk, &edge);
	if (r == 0)
		r = walk_reach(walk, source, threshold_ns);
	if (r == 0 && inputs_is_server(walk, source))
		r = inputs_take_recent(walk, source, threshold_ns, link);
	return r;
}

int walk_follow_on(struct walk *walk, const struct lm_link *link, uint32_t source,
		   uint64_t after_ns)
{
	uint32_t sink;
	struct edge edge;
	int r = walk_vertex(walk, link->sink, walk_sink_role(walk, link), &sink);

	if (r < 0 || !sink)
		return r;
	edge = walk_edge_of_link(walk, link, source, sink);
	r = walk_edge(walk, &edge);
	if (r < 0)
		return r;
	if (inputs_is_channel(walk, link->source) && inputs_is_server(walk, sink))
		return inputs_follow(walk, link, sink, after_ns);
	return walk_reach(walk, sink, max_ns(link->begin_ns, after_ns));
}

/* Whether an influence is left alone, and counted as such. */
int walk_judge(struct walk *walk, const struct lm_link *link, const struct vertex *end,
	       uint64_t t_ns, bool *ret_refused)
{
	lm_object_id other = is_backward(walk) ? link->source : link->sink;
	bool common = false;
	int r;

	*ret_refused = true;
	if (link->control == LM_CONTROL_LOW && walk_filters(walk, LM_FILTER_LOW_CONTROL) &&
	    !end->low_counts && !absence_counts(walk, link))
		return walk_refuse(walk, LM_FILTER_LOW_CONTROL, other, link->count);
	/* Forward from a common file is a question about its readers. */
	if (walk_filters(walk, LM_FILTER_COMMON) && index_process(walk->index, link->sink) &&
	    (is_backward(walk) || !end->detection)) {
		r = walk_is_common(walk, link->source, t_ns, &common);
		if (r < 0)
			return r;
		if (common)
			return walk_refuse(walk, LM_FILTER_COMMON, other, link->count);
	}
	*ret_refused = false;
	return 0;
}

static bool has_high(const struct lm_links *links)
{
	for (uint32_t i = 0; i < links->count; i++) {
		if (lm_links_get(links, i).control == LM_CONTROL_HIGH)
			return true;
	}
	return false;
}

static int expand_links_back(struct walk *walk, uint32_t vertex)
{
	const struct vertex v = walk->vertices.at[vertex];
	struct lm_links links = lm_index_incoming(walk->index, v.object, v.threshold_ns);
	struct vertex judged = v;
	bool server = inputs_is_server(walk, vertex);

	judged.low_counts = v.detection && !has_high(&links);
	for (uint32_t i = 0; i < links.count; i++) {
		const struct lm_link link = lm_links_get(&links, i);
		bool refused;
		int r;

		if (!walk_in_window(walk, &link) || walk_sink_role(walk, &link) != v.role)
			continue;
		/* A server's inputs are taken where its influences are met. */
		if (server && inputs_is_channel(walk, link.source))
			continue;
		r = walk_judge(walk, &link, &judged, v.threshold_ns, &refused);
		if (r == 0 && !refused)
			r = walk_follow_back(walk, &link, vertex, v.threshold_ns);
		if (r < 0)
			return r;
	}
	return server && v.detection ? inputs_take_recent(walk, vertex, v.threshold_ns, NULL) : 0;
}

static int expand_links_on(struct walk *walk, uint32_t vertex)
{
	const struct vertex v = walk->vertices.at[vertex];
	struct lm_links links = lm_index_outgoing(walk->index, v.object, v.threshold_ns);
	struct vertex judged = v;

	/* What was sent out of an end does not come back in through it: others read it there. */
	if (v.role == ROLE_OUT && !object_is_terminal(walk->index, v.object))
		return 0;
	judged.low_counts = v.detection && !has_high(&links);
	for (uint32_t i = 0; i < links.count; i++) {
		const struct lm_link link = lm_links_get(&links, i);
		bool refused;
		int r;

		if (!walk_in_window(walk, &link) || walk_source_role(walk, &link) != v.role)
			continue;
		r = walk_judge(walk, &link, &judged, v.threshold_ns, &refused);
		if (r == 0 && !refused)
			r = inputs_is_server(walk, vertex) ? inputs_take(walk, &link) : 1;
		if (r > 0)
			r = walk_follow_on(walk, &link, vertex, v.threshold_ns);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An influence without an event: a directory's name, or the other end of a connection. */
static int follow_implied(struct walk *walk, uint32_t vertex, lm_object_id other, enum role role,
			  struct edge edge)
{
	uint64_t t_ns = walk->vertices.at[vertex].threshold_ns;
	uint32_t found;
	int r;

	if (is_backward(walk) ? edge.begin_ns >= t_ns : edge.end_ns <= t_ns)
		return 0;
	r = walk_vertex(walk, other, role, &found);
	if (r < 0 || !found)
		return r;
	edge.from = is_backward(walk) ? found : vertex;
	edge.to = is_backward(walk) ? vertex : found;
	r = walk_edge(walk, &edge);
	if (r < 0)
		return r;
	return walk_reach(walk, found,
		is_backward(walk) ? min_ns(edge.end_ns, t_ns) : max_ns(edge.begin_ns, t_ns));
}

static int expand_peers(struct walk *walk, uint32_t vertex)
{
	const struct vertex v = walk->vertices.at[vertex];
	const struct lm_peer *peers = NULL;
	uint32_t count = lm_index_peers(walk->index, v.object, &peers);
	int r = 0;

	if (v.role != (is_backward(walk) ? ROLE_IN : ROLE_OUT))
		return 0;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct edge edge = {
			.kind = EDGE_CONNECTION, .control = LM_CONTROL_HIGH,
			.begin_ns = peers[i].since_ns, .end_ns = UINT64_MAX,
		};

		if (!peers[i].same_namespace && walk_filters(walk, LM_FILTER_PEER_NAMESPACE))
			r = walk_refuse(walk, LM_FILTER_PEER_NAMESPACE, peers[i].socket, 0);
		else
			r = follow_implied(walk, vertex, peers[i].socket,
					   is_backward(walk) ? ROLE_OUT : ROLE_IN, edge);
	}
	return r;
}

/* Whether a name was there when something above it moved. */
static bool was_taken_along(const struct walk *walk, lm_object_id name, uint64_t moved_ns)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_name(walk->index, name, &bounds);

	for (uint32_t i = 0; i < count; i++) {
		if (bounds[i].begin_ns < moved_ns && bounds[i].end_ns > moved_ns)
			return true;
	}
	return false;
}

/* Whether a directory further up was moved with the name in it, within the time that matters. */
static bool was_moved_above(const struct walk *walk, const struct lm_bound *directory,
			    lm_object_id name, uint64_t t_ns)
{
	lm_object_id at = directory->name;

	for (int depth = 0; depth < DIRECTORY_DEPTH_MAX; depth++) {
		const struct lm_name *below = index_name(walk->index, at);
		const struct lm_bound *up = below ? lm_index_bound_of_file_at(
			walk->index, below->dir, is_backward(walk) ? t_ns : UINT64_MAX - 1) : NULL;
		bool in_time;

		if (!up)
			return false;
		in_time = is_backward(walk) ? up->begin_ns < t_ns : up->begin_ns >= t_ns;
		if (in_time && up->begin_ns > directory->begin_ns &&
		    was_taken_along(walk, name, up->begin_ns))
			return true;
		at = up->name;
	}
	return false;
}

/*
 * A directory that is moved takes along what is in it, at any depth: that decides
 * what the names below mean. A name that was made in it later means what its
 * maker made.
 */
static enum lm_control directory_control(const struct walk *walk, const struct lm_bound *directory,
					 lm_object_id name, uint64_t t_ns)
{
	const struct lm_bound *bounds = NULL;

	/* A directory that was always there passes on what moved it from further up. */
	if (directory->begin_ns == 0 || was_taken_along(walk, name, directory->begin_ns) ||
	    lm_index_bounds_of_name(walk->index, name, &bounds) == 0 ||
	    was_moved_above(walk, directory, name, t_ns))
		return LM_CONTROL_HIGH;
	return LM_CONTROL_LOW;
}

static int follow_directory(struct walk *walk, uint32_t vertex, lm_object_id other,
			    const struct lm_bound *directory, lm_object_id name)
{
	uint64_t t_ns = walk->vertices.at[vertex].threshold_ns;
	struct edge edge = {
		.kind = EDGE_DIRECTORY,
		.control = directory_control(walk, directory, name, t_ns),
		.begin_ns = directory->begin_ns, .end_ns = directory->end_ns,
		.event = directory->event,
	};

	if (is_backward(walk) ? edge.begin_ns >= t_ns : edge.end_ns <= t_ns)
		return 0;
	/* A directory that nobody touched has nothing to say, and nothing to hide. */
	if (edge.control == LM_CONTROL_LOW && walk_filters(walk, LM_FILTER_LOW_CONTROL))
		return walk_refuse(walk, LM_FILTER_LOW_CONTROL, other, 0);
	return follow_implied(walk, vertex, other, ROLE_WHOLE, edge);
}

/* A name is reached through its directory, and that through the names it had. */
static int expand_directory_back(struct walk *walk, uint32_t vertex)
{
	const struct lm_name *name = index_name(walk->index, walk->vertices.at[vertex].object);
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_file(walk->index, name->dir, &bounds);
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = follow_directory(walk, vertex, bounds[i].name, &bounds[i],
				     walk->vertices.at[vertex].object);
	return r;
}

/* Only names below that somebody used afterwards say anything. */
static int expand_directory_on(struct walk *walk, uint32_t vertex)
{
	const struct vertex v = walk->vertices.at[vertex];
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_name(walk->index, v.object, &bounds);
	int r = 0;

	for (uint32_t i = 0; i < count; i++) {
		const lm_object_id *names = NULL;
		uint32_t below = lm_index_names_in(walk->index, bounds[i].file, &names);
		uint64_t from_ns = max_ns(bounds[i].begin_ns, v.threshold_ns);

		for (uint32_t n = 0; n < below && r == 0; n++) {
			bool used = lm_index_outgoing(walk->index, names[n], from_ns).count > 0;
			const struct lm_bound *deeper = NULL;

			/* A directory's name matters for what lies below it. */
			if (!used && lm_index_bounds_of_name(walk->index, names[n], &deeper) > 0)
				used = lm_index_names_in(walk->index, deeper->file,
							 &(const lm_object_id *){ NULL }) > 0;
			if (used)
				r = follow_directory(walk, vertex, names[n], &bounds[i], names[n]);
		}
	}
	return r;
}

static int expand_vertex(struct walk *walk, uint32_t vertex)
{
	const struct vertex v = walk->vertices.at[vertex];
	int r = is_backward(walk) ? expand_links_back(walk, vertex) : expand_links_on(walk, vertex);

	if (r == 0 && v.role != ROLE_WHOLE)
		r = expand_peers(walk, vertex);
	if (r == 0 && index_name(walk->index, v.object))
		r = is_backward(walk) ? expand_directory_back(walk, vertex) :
					expand_directory_on(walk, vertex);
	return r;
}

static int start_at(struct walk *walk, lm_object_id object, enum role role, uint64_t t_ns)
{
	uint32_t vertex;
	int r = walk_vertex(walk, object, role, &vertex);

	if (r < 0 || !vertex)
		return r;
	walk->vertices.at[vertex].detection = true;
	return walk_reach(walk, vertex, t_ns);
}

static int start_walk(struct walk *walk)
{
	const struct lm_detections *from = walk->options.from;
	int r = 0;

	for (size_t i = 0; i < from->count && r == 0; i++) {
		const struct lm_detection *d = &from->at[i];
		uint64_t t_ns;

		/* The detection itself counts up to and including its time. */
		if (is_backward(walk)) {
			t_ns = min_ns(d->end_ns, walk->until_ns);
			t_ns += t_ns < UINT64_MAX;
		} else {
			t_ns = max_ns(d->begin_ns, walk->options.since_ns);
			t_ns -= t_ns > 0;
		}
		if (!object_is_two_way(walk->index, d->object)) {
			r = start_at(walk, d->object, ROLE_WHOLE, t_ns);
			continue;
		}
		r = start_at(walk, d->object, ROLE_IN, t_ns);
		if (r == 0)
			r = start_at(walk, d->object, ROLE_OUT, t_ns);
	}
	return r;
}

int walk_run(struct walk *walk, const struct lm_index *index,
	     const struct lm_trace_options *options)
{
	int r;

	walk->index = index;
	walk->options = *options;
	walk->until_ns = options->until_ns ? options->until_ns : UINT64_MAX;
	if (!options->from || options->from->count == 0)
		return -EINVAL;
	if (lm_array_reserve(walk->vertices.at, walk->vertices.capacity, 1) < 0)
		return -ENOMEM;
	walk->vertices.count = 1;
	r = start_walk(walk);
	while (r == 0 && walk->heap.count > 0) {
		struct heap_item item = pop_heap(walk);
		struct vertex *v = &walk->vertices.at[item.vertex];

		if (v->expanded)
			continue;
		v->expanded = true;
		r = expand_vertex(walk, item.vertex);
	}
	for (uint32_t i = 1; i < walk->vertices.count; i++) {
		struct vertex *v = &walk->vertices.at[i];

		v->entry = object_is_entry(index, v->object) && v->role != ROLE_OUT;
	}
	return r < 0 ? r : inputs_fold(walk);
}
