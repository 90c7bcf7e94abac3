/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Filters that need the whole walk: what lies on no path that matters.
 */

struct filter_text {
	const char *name, *purpose;
};

static const struct filter_text filter_texts[LM_FILTER_COUNT] = {
	[LM_FILTER_READ_ONLY] = { "read-only", "files and names that nobody changed in time" },
	[LM_FILTER_LOW_CONTROL] = { "low-control",
		"stat, signals, times: influence without content" },
	[LM_FILTER_NO_ENTRY] = { "no-entry", "branches that come from no entry point (backtrack)" },
	[LM_FILTER_HELPERS] = { "helpers", "processes that only talk to their parent (backtrack)" },
	[LM_FILTER_COMMON] = { "common", "what readers take from files that everyone reads" },
	[LM_FILTER_OLDER_INPUTS] = { "older-inputs", "what a server heard before its last inputs" },
	[LM_FILTER_PEER_NAMESPACE] = { "peer-namespace",
		"connection ends in another network namespace" },
	[LM_FILTER_NAMES] = { "names", "names, shown as the files that they lead to" },
	[LM_FILTER_CLUSTERS] = { "clusters", "objects of one shape, shown as one group" },
	[LM_FILTER_NO_EXIT] = { "no-exit",
		"readers that changed nothing and sent nothing (forward)" },
};

const char *lm_filter_name(enum lm_filter filter)
{
	return (unsigned int)filter < LM_FILTER_COUNT ? filter_texts[filter].name : NULL;
}

const char *lm_filter_purpose(enum lm_filter filter)
{
	return (unsigned int)filter < LM_FILTER_COUNT ? filter_texts[filter].purpose : NULL;
}

uint32_t lm_filter_bits(const char *name)
{
	if (strcmp(name, "all") == 0)
		return LM_FILTERS_ALL;
	for (unsigned int i = 0; i < LM_FILTER_COUNT; i++) {
		if (strcmp(name, filter_texts[i].name) == 0)
			return 1u << i;
	}
	return 0;
}

void adjacency_release(struct adjacency *adjacency)
{
	free(adjacency->start);
	free(adjacency->at);
	*adjacency = (struct adjacency){ NULL, NULL };
}

#define ADJACENCY LM_CLEANUP(adjacency_release)

static bool edge_is_live(const struct walk *walk, const struct edge *edge)
{
	return !edge->hidden && !walk->vertices.at[edge->from].hidden &&
	       !walk->vertices.at[edge->to].hidden;
}

int adjacency_build(struct adjacency *adjacency, const struct walk *walk, bool incoming)
{
	size_t vertices = walk->vertices.count;

	adjacency->start = lm_array_new(vertices + 2, sizeof(*adjacency->start));
	adjacency->at = lm_array_new(walk->edges.count, sizeof(*adjacency->at));
	if (!adjacency->start || !adjacency->at)
		return -ENOMEM;
	for (size_t i = 0; i < walk->edges.count; i++) {
		const struct edge *edge = &walk->edges.at[i];

		if (edge_is_live(walk, edge))
			adjacency->start[(incoming ? edge->to : edge->from) + 1]++;
	}
	for (size_t v = 1; v <= vertices; v++)
		adjacency->start[v] += adjacency->start[v - 1];
	for (size_t i = 0; i < walk->edges.count; i++) {
		const struct edge *edge = &walk->edges.at[i];

		if (edge_is_live(walk, edge))
			adjacency->at[adjacency->start[incoming ? edge->to : edge->from]++] =
				(uint32_t)i;
	}
	for (size_t v = vertices; v > 0; v--)
		adjacency->start[v] = adjacency->start[v - 1];
	adjacency->start[0] = 0;
	return 0;
}

int adjacency_build_both(struct adjacency *in, struct adjacency *out, const struct walk *walk)
{
	int r = adjacency_build(in, walk, true);

	return r < 0 ? r : adjacency_build(out, walk, false);
}

static uint64_t hide_edges(struct walk *walk, uint32_t vertex, const struct adjacency *adjacency,
			   enum lm_filter filter)
{
	uint64_t events = 0;

	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		struct edge *edge = &walk->edges.at[adjacency->at[i]];

		if (edge->hidden)
			continue;
		edge->hidden = true;
		edge->hidden_by = (uint8_t)(filter + 1);
		events += edge->kind == EDGE_EVENT ? edge->count : 0;
	}
	return events;
}

int walk_hide(struct walk *walk, uint32_t vertex, const struct adjacency *in,
	      const struct adjacency *out, enum lm_filter filter)
{
	struct vertex *v = &walk->vertices.at[vertex];
	uint64_t events = hide_edges(walk, vertex, in, filter) +
			  hide_edges(walk, vertex, out, filter);

	v->hidden = true;
	if (v->object == VERTEX_GROUP)
		return 0;
	return walk_refuse(walk, filter, v->object, events);
}

static bool is_kept(const struct vertex *v)
{
	return v->detection || v->wanted;
}

int adjacency_spread(const struct walk *walk, const struct adjacency *adjacency, bool incoming,
		     bool *marked)
{
	uint32_t *stack LM_FREE = lm_array_new(walk->vertices.count, sizeof(*stack));
	size_t depth = 0;

	if (!stack)
		return -ENOMEM;
	for (uint32_t v = 1; v < walk->vertices.count; v++) {
		if (marked[v])
			stack[depth++] = v;
	}
	while (depth > 0) {
		uint32_t v = stack[--depth];

		for (uint32_t i = adjacency->start[v]; i < adjacency->start[v + 1]; i++) {
			const struct edge *edge = &walk->edges.at[adjacency->at[i]];
			uint32_t other = incoming ? edge->from : edge->to;

			if (!marked[other]) {
				marked[other] = true;
				stack[depth++] = other;
			}
		}
	}
	return 0;
}

/* Files and names that nothing in the answer changed, and then those that only these led to. */
int filter_read_only(struct walk *walk)
{
	struct adjacency in ADJACENCY = { NULL, NULL }, out ADJACENCY = { NULL, NULL };
	uint32_t *inputs LM_FREE = lm_array_new(walk->vertices.count, sizeof(*inputs));
	uint32_t *stack LM_FREE = lm_array_new(walk->vertices.count, sizeof(*stack));
	size_t depth = 0;
	int r;

	if (!walk_filters(walk, LM_FILTER_READ_ONLY) || walk->options.direction != LM_BACKWARD)
		return 0;
	if (!inputs || !stack)
		return -ENOMEM;
	r = adjacency_build_both(&in, &out, walk);
	for (uint32_t v = 1; v < walk->vertices.count && r == 0; v++) {
		inputs[v] = in.start[v + 1] - in.start[v];
		if (inputs[v] == 0)
			stack[depth++] = v;
	}
	while (depth > 0 && r == 0) {
		uint32_t vertex = stack[--depth];
		const struct vertex *v = &walk->vertices.at[vertex];
		enum lm_object_kind kind = lm_index_kind(walk->index, v->object);

		if (v->hidden || v->entry || is_kept(v) ||
		    (kind != LM_OBJECT_KIND_FILE && kind != LM_OBJECT_KIND_NAME))
			continue;
		for (uint32_t i = out.start[vertex]; i < out.start[vertex + 1]; i++) {
			const struct edge *edge = &walk->edges.at[out.at[i]];

			if (!edge->hidden && --inputs[edge->to] == 0)
				stack[depth++] = edge->to;
		}
		r = walk_hide(walk, vertex, &in, &out, LM_FILTER_READ_ONLY);
	}
	return r;
}

int filter_dangling(struct walk *walk, enum lm_filter filter)
{
	struct adjacency in ADJACENCY = { NULL, NULL }, out ADJACENCY = { NULL, NULL };
	bool *marked LM_FREE = lm_array_new(walk->vertices.count, sizeof(*marked));
	int r = marked ? adjacency_build_both(&in, &out, walk) : -ENOMEM;

	for (uint32_t i = 1; i < walk->vertices.count && r == 0; i++)
		marked[i] = !walk->vertices.at[i].hidden && walk->vertices.at[i].detection;
	if (r == 0)
		r = adjacency_spread(walk, &in, true, marked);
	for (uint32_t i = 1; i < walk->vertices.count && r == 0; i++) {
		const struct vertex *v = &walk->vertices.at[i];

		if (!v->hidden && !is_kept(v) && !marked[i])
			r = walk_hide(walk, i, &in, &out, filter);
	}
	return r;
}

int filter_no_entry(struct walk *walk, bool *ret_no_entry_found)
{
	struct adjacency in ADJACENCY = { NULL, NULL }, out ADJACENCY = { NULL, NULL };
	bool *marked LM_FREE = lm_array_new(walk->vertices.count, sizeof(*marked));
	bool any = false;
	int r;

	if (walk->options.direction != LM_BACKWARD)
		return 0;
	if (!marked)
		return -ENOMEM;
	for (uint32_t i = 1; i < walk->vertices.count; i++) {
		const struct vertex *v = &walk->vertices.at[i];

		marked[i] = !v->hidden && (v->entry || v->wanted);
		any |= marked[i];
	}
	*ret_no_entry_found = !any;
	if (!any || !walk_filters(walk, LM_FILTER_NO_ENTRY))
		return 0;
	r = adjacency_build_both(&in, &out, walk);
	if (r == 0)
		r = adjacency_spread(walk, &out, false, marked);
	for (uint32_t i = 1; i < walk->vertices.count && r == 0; i++) {
		const struct vertex *v = &walk->vertices.at[i];
		bool on_path = v->object == VERTEX_GROUP ? marked[v->group_of] : marked[i];

		if (!v->hidden && !is_kept(v) && !on_path)
			r = walk_hide(walk, i, &in, &out, LM_FILTER_NO_ENTRY);
	}
	return r;
}
