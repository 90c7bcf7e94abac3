/* SPDX-License-Identifier: MIT */
#include "heap.h"
#include "walk.h"

/*
 * What lies between the two ends. A path counts when influence can travel it in
 * time: it reaches an object before that object stops to matter. Edges join many
 * events, so the events behind them are looked at one by one.
 *
 * A forward walk is the mirror image: with time running the other way (~t), both
 * directions are the same.
 */
struct passage {
	uint32_t from, to; /* vertices, in the order in which --to spreads */
	uint32_t edge;
	uint64_t begin_ns, end_ns; /* mirrored when the walk went forward */
	uint64_t event, bytes;     /* event 0: the edge as a whole */
	bool claimed;
};

struct between {
	struct walk *walk;
	bool backward;
	TABLE(struct passage, passages);
	uint32_t *start, *at;  /* passages by from: at[start[v]..start[v + 1]) */
	uint64_t *arrival_ns;  /* by vertex; UINT64_MAX: influence never gets there */
	bool *kept;            /* by edge: met on the way before */
	struct min_heap queue; /* vertices by arrival */
};

static void release_between(struct between *between)
{
	free(between->passages.at);
	free(between->start);
	free(between->at);
	free(between->arrival_ns);
	free(between->kept);
	min_heap_release(&between->queue);
}

/* Up to when a vertex matters, in the time of passages. */
static uint64_t limit_of(const struct between *between, uint32_t vertex)
{
	const struct vertex *v = &between->walk->vertices.at[vertex];

	if (between->backward)
		return v->threshold_ns;
	return ~(v->reached ? v->threshold_ns : v->window_ns);
}

static int add_passage(struct between *between, const struct edge *edge, uint32_t number)
{
	size_t count = between->passages.count;
	struct passage passage = {
		.from = between->backward ? edge->from : edge->to,
		.to = between->backward ? edge->to : edge->from,
		.edge = number,
		.begin_ns = between->backward ? edge->begin_ns : ~edge->end_ns,
		.end_ns = between->backward ? edge->end_ns : ~edge->begin_ns,
		.event = edge->event, .bytes = edge->bytes, .claimed = edge->claimed,
	};

	if (count >= UINT32_MAX ||
	    lm_array_reserve(between->passages.at, between->passages.capacity, count + 1) < 0)
		return -ENOMEM;
	between->passages.at[count] = passage;
	between->passages.count = count + 1;
	return 0;
}

/* The edge that the walk made of a link, position + 1; 0: it did not follow that link. */
static uint32_t find_edge(const struct walk *walk, const struct lm_link *link, uint32_t from,
			  uint32_t to)
{
	const uint64_t *first = lm_map_get(&walk->edge_of, (uint64_t)from << 32 | to);
	uint32_t i = first ? (uint32_t)*first : 0;

	while (i && (walk->edges.at[i - 1].op != link->op ||
		     walk->edges.at[i - 1].kind != EDGE_EVENT))
		i = walk->edges.at[i - 1].next;
	/* Of the same ends and operation, those of low control may have been refused. */
	if (i && link->control == LM_CONTROL_LOW &&
	    walk->edges.at[i - 1].control != LM_CONTROL_LOW &&
	    walk_filters(walk, LM_FILTER_LOW_CONTROL) && !absence_counts(walk, link))
		return 0;
	return i && !walk->edges.at[i - 1].hidden ? i : 0;
}

/* The links of one vertex that the walk followed from there. */
static int gather_links(struct between *between, uint32_t vertex)
{
	struct walk *walk = between->walk;
	const struct vertex v = walk->vertices.at[vertex];
	uint64_t t_ns = v.reached ? v.threshold_ns : v.window_ns;
	struct lm_links links = between->backward ?
					lm_index_incoming(walk->index, v.object, t_ns) :
					lm_index_outgoing(walk->index, v.object, t_ns);

	for (uint32_t i = 0; i < links.count; i++) {
		const struct lm_link link = lm_links_get(&links, i);
		uint32_t other = between->backward ?
			walk_find(walk, link.source, walk_source_role(walk, &link)) :
			walk_find(walk, link.sink, walk_sink_role(walk, &link));
		uint32_t from = between->backward ? other : vertex;
		uint32_t to = between->backward ? vertex : other;
		uint32_t number;
		struct edge edge;

		if (!other || !walk_in_window(walk, &link) ||
		    !inputs_were_taken(walk, &link, vertex))
			continue;
		if (v.role != (between->backward ? walk_sink_role(walk, &link) :
						   walk_source_role(walk, &link)))
			continue;
		number = find_edge(walk, &link, from, to);
		if (!number)
			continue;
		edge = walk_edge_of_link(walk, &link, from, to);
		if (add_passage(between, &edge, number - 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int gather_passages(struct between *between)
{
	const struct walk *walk = between->walk;
	int r = 0;

	for (uint32_t v = 1; v < walk->vertices.count && r == 0; v++) {
		if (walk->vertices.at[v].object != VERTEX_GROUP)
			r = gather_links(between, v);
	}
	for (uint32_t i = 0; i < walk->edges.count && r == 0; i++) {
		struct edge edge = walk->edges.at[i];

		edge.event = 0;
		if (!edge.hidden &&
		    (edge.kind == EDGE_DIRECTORY || edge.kind == EDGE_CONNECTION))
			r = add_passage(between, &edge, i);
	}
	return r;
}

static int sort_passages(struct between *between)
{
	size_t vertices = between->walk->vertices.count;

	between->start = lm_array_new(vertices + 2, sizeof(*between->start));
	between->at = lm_array_new(between->passages.count, sizeof(*between->at));
	if (!between->start || !between->at)
		return -ENOMEM;
	for (size_t i = 0; i < between->passages.count; i++)
		between->start[between->passages.at[i].from + 1]++;
	for (size_t v = 1; v <= vertices; v++)
		between->start[v] += between->start[v - 1];
	for (size_t i = 0; i < between->passages.count; i++)
		between->at[between->start[between->passages.at[i].from]++] = (uint32_t)i;
	for (size_t v = vertices; v > 0; v--)
		between->start[v] = between->start[v - 1];
	between->start[0] = 0;
	return 0;
}

static int arrive(struct between *between, uint32_t vertex, uint64_t t_ns)
{
	if (t_ns >= limit_of(between, vertex) || t_ns >= between->arrival_ns[vertex])
		return 0;
	between->arrival_ns[vertex] = t_ns;
	return min_heap_push(&between->queue, t_ns, vertex);
}

/* When influence comes out of a passage; UINT64_MAX: it cannot be taken in time. */
static uint64_t time_through(const struct between *between, const struct passage *passage)
{
	uint64_t since_ns = between->arrival_ns[passage->from], t_ns;

	if (since_ns == UINT64_MAX || passage->end_ns <= since_ns)
		return UINT64_MAX;
	t_ns = passage->begin_ns > since_ns ? passage->begin_ns : since_ns;
	return t_ns < limit_of(between, passage->to) ? t_ns : UINT64_MAX;
}

/* Influence never arrives before it left, so in order of arrival each vertex is looked at once. */
static int spread_arrivals(struct between *between)
{
	while (between->queue.count > 0) {
		struct heap_entry entry = min_heap_pop(&between->queue);
		uint32_t v = entry.value;

		if (entry.key != between->arrival_ns[v])
			continue;
		for (uint32_t i = between->start[v]; i < between->start[v + 1]; i++) {
			const struct passage *passage = &between->passages.at[between->at[i]];
			int r = arrive(between, passage->to, time_through(between, passage));

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int start_between(struct between *between, const struct between_start *starts,
			 size_t count, bool *ret_joined)
{
	int r = 0;

	for (uint32_t v = 0; v < between->walk->vertices.count; v++)
		between->arrival_ns[v] = UINT64_MAX;
	for (size_t i = 0; i < count && r == 0; i++) {
		r = arrive(between, starts[i].vertex, starts[i].t_ns);
		if (ret_joined)
			ret_joined[i] = between->arrival_ns[starts[i].vertex] != UINT64_MAX;
	}
	return r;
}

static void clear_edge(struct edge *edge)
{
	edge->begin_ns = edge->event = UINT64_MAX;
	edge->end_ns = edge->count = edge->bytes = 0;
	edge->claimed = true;
}

/* An edge tells of those of its events that are on a way. */
static void keep_passage(struct between *between, const struct passage *passage)
{
	struct edge *edge = &between->walk->edges.at[passage->edge];
	uint64_t begin_ns = between->backward ? passage->begin_ns : ~passage->end_ns;
	uint64_t end_ns = between->backward ? passage->end_ns : ~passage->begin_ns;
	bool first = !between->kept[passage->edge];

	between->kept[passage->edge] = true;
	if (passage->event == 0)
		return;
	if (first)
		clear_edge(edge);
	edge->begin_ns = begin_ns < edge->begin_ns ? begin_ns : edge->begin_ns;
	edge->end_ns = end_ns > edge->end_ns ? end_ns : edge->end_ns;
	edge->event = passage->event < edge->event ? passage->event : edge->event;
	edge->bytes += passage->bytes;
	edge->claimed = edge->claimed && passage->claimed;
	edge->count++;
}

static void hide_others(struct between *between)
{
	struct walk *walk = between->walk;

	for (size_t i = 0; i < between->passages.count; i++) {
		if (time_through(between, &between->passages.at[i]) != UINT64_MAX)
			keep_passage(between, &between->passages.at[i]);
	}
	for (size_t i = 0; i < walk->edges.count; i++)
		walk->edges.at[i].hidden |= !between->kept[i];
	for (uint32_t v = 1; v < walk->vertices.count; v++)
		walk->vertices.at[v].hidden |= between->arrival_ns[v] == UINT64_MAX &&
					       !walk->vertices.at[v].detection;
}

int walk_keep_between(struct walk *walk, const struct between_start *starts, size_t count,
		      bool *ret_joined)
{
	struct between between LM_CLEANUP(release_between) = {
		.walk = walk, .backward = walk->options.direction == LM_BACKWARD,
	};
	int r;

	between.arrival_ns = lm_array_new(walk->vertices.count, sizeof(*between.arrival_ns));
	between.kept = lm_array_new(walk->edges.count, sizeof(*between.kept));
	if (!between.arrival_ns || !between.kept)
		return -ENOMEM;
	r = gather_passages(&between);
	if (r == 0)
		r = sort_passages(&between);
	if (r == 0)
		r = start_between(&between, starts, count, ret_joined);
	if (r == 0)
		r = spread_arrivals(&between);
	if (r == 0)
		hide_others(&between);
	return r;
}

/* Each end of --to in each of its roles, as far as the walk came there. */
static size_t find_ends(const struct walk *walk, struct between_start *starts)
{
	const struct lm_detections *to = walk->options.to;
	bool backward = walk->options.direction == LM_BACKWARD;
	size_t count = 0;

	for (size_t i = 0; i < to->count; i++) {
		const struct lm_detection *d = &to->at[i];
		uint64_t t_ns = backward ? d->begin_ns : ~d->end_ns;

		for (int role = ROLE_WHOLE; role <= ROLE_OUT; role++) {
			uint32_t v = walk_find(walk, d->object, role);

			/* The end itself counts from and including its time. */
			if (v)
				starts[count++] = (struct between_start){ v, t_ns - (t_ns > 0) };
		}
	}
	return count;
}

int filter_between(struct walk *walk)
{
	const struct lm_detections *to = walk->options.to;
	struct between_start *starts LM_FREE = NULL;
	bool *joined LM_FREE = NULL;
	size_t count;
	int r;

	if (!to || to->count == 0)
		return 0;
	starts = lm_array_new(to->count * (ROLE_OUT + 1), sizeof(*starts));
	joined = lm_array_new(to->count * (ROLE_OUT + 1), sizeof(*joined));
	if (!starts || !joined)
		return -ENOMEM;
	count = find_ends(walk, starts);
	r = walk_keep_between(walk, starts, count, joined);
	for (size_t i = 0; i < count && r == 0; i++)
		walk->vertices.at[starts[i].vertex].wanted = joined[i];
	return r;
}
