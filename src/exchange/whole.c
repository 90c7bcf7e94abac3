/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/event/dependency.h"

/*
 * Events with the same ends and operation are one edge. A key holds two positions and an
 * operation: the bound on edges keeps positions below 2^28, since an edge adds two nodes at most.
 */
#define POSITION_BITS 28

_Static_assert(2ull * LM_WHOLE_EDGES_MAX < 1ull << POSITION_BITS, "positions fit into a key");
_Static_assert(LM_OP_MAX < 1u << (64 - 2 * POSITION_BITS), "operations fit into a key");

struct lm_whole {
	struct lm_log_meta meta;
	struct lm_answer_node *nodes;
	struct lm_answer_edge *edges;
	uint32_t node_count, node_capacity, edge_count, edge_capacity;
	struct lm_map positions, known; /* of objects, and of edges by key: position + 1 */
	uint32_t gaps;
};

int lm_whole_new(const struct lm_log_meta *meta, struct lm_whole **ret_whole)
{
	struct lm_whole *whole = calloc(1, sizeof(*whole));

	if (!whole)
		return -ENOMEM;
	whole->meta = *meta;
	*ret_whole = whole;
	return 0;
}

struct lm_whole *lm_whole_free(struct lm_whole *whole)
{
	if (!whole)
		return NULL;
	for (uint32_t i = 0; i < whole->node_count; i++) {
		free((char *)whole->nodes[i].label);
		free((char *)whole->nodes[i].path);
	}
	free(whole->nodes);
	free(whole->edges);
	lm_map_release(&whole->positions);
	lm_map_release(&whole->known);
	free(whole);
	return NULL;
}

/* Room for one more. @return 0; -ENOMEM */
static int reserve(void **items, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t wanted = *capacity ? *capacity * 2 : 64;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*items, wanted, size);
	if (!grown)
		return -ENOMEM;
	*items = grown;
	*capacity = wanted;
	return 0;
}

/* What is in the buffer, up to its first NUL, as answers have it. @return NULL: no memory */
static char *copy_text(struct lm_buffer *text)
{
	lm_buffer_append_byte(text, '\0');
	return lm_buffer_status(text) < 0 ? NULL : strdup((const char *)text->data);
}

static int name_node(const struct lm_labels *labels, struct lm_answer_node *node)
{
	const struct lm_label *label = lm_labels_get(labels, node->object);
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT, path LM_BUFFER = LM_BUFFER_INIT;
	lm_object_id named = label->kind == LM_OBJECT_KIND_PROCESS ?
		(label->process.exe_name ? label->process.exe_name : label->process.exe) :
		node->object;
	uint8_t kind = lm_labels_get(labels, named)->kind;

	lm_labels_append(labels, node->object, &text);
	node->label = copy_text(&text);
	if (!node->label)
		return -ENOMEM;
	if (kind != LM_OBJECT_KIND_FILE && kind != LM_OBJECT_KIND_NAME)
		return 0;
	lm_labels_append_path(labels, named, &path);
	node->path = copy_text(&path);
	return node->path ? 0 : -ENOMEM;
}

/* The letters of docs/formats/graph.md. */
static char letter_of(uint8_t kind)
{
	static const char letters[LM_OBJECT_KIND_MAX + 1] = {
		[LM_OBJECT_KIND_NONE] = 'o',   [LM_OBJECT_KIND_KERNEL] = 'k',
		[LM_OBJECT_KIND_PROCESS] = 'p', [LM_OBJECT_KIND_FILE] = 'f',
		[LM_OBJECT_KIND_NAME] = 'n',   [LM_OBJECT_KIND_SOCKET] = 's',
		[LM_OBJECT_KIND_PIPE] = 'i',   [LM_OBJECT_KIND_MEMORY] = 'm',
		[LM_OBJECT_KIND_CGROUP] = 'c', [LM_OBJECT_KIND_CONTENT] = 'h',
	};

	return kind <= LM_OBJECT_KIND_MAX ? letters[kind] : 'o';
}

/* @return position; -ENOMEM */
static int64_t find_node(struct lm_whole *whole, const struct lm_event_view *view, lm_object_id id)
{
	const uint64_t *known = lm_map_get(&whole->positions, id);
	uint8_t kind = lm_labels_get(view->labels, id)->kind;
	struct lm_answer_node node = {
		.object = id, .kind = kind, .of = kind, .count = 1,
		.first_ns = view->wall_begin_ns, .last_ns = view->wall_end_ns,
	};

	if (known)
		return (int64_t)*known;
	if (reserve((void **)&whole->nodes, whole->node_count, &whole->node_capacity,
		    sizeof(node)) < 0)
		return -ENOMEM;
	snprintf(node.id, sizeof(node.id), "%c%u", letter_of(kind), id);
	int r = name_node(view->labels, &node);

	whole->nodes[whole->node_count++] = node;
	if (r == 0)
		r = lm_map_put(&whole->positions, id, whole->node_count - 1);
	return r < 0 ? r : (int64_t)whole->node_count - 1;
}

static void touch_node(struct lm_answer_node *node, const struct lm_event_view *view)
{
	if (view->wall_begin_ns < node->first_ns)
		node->first_ns = view->wall_begin_ns;
	if (view->wall_end_ns > node->last_ns)
		node->last_ns = view->wall_end_ns;
}

/* @return the edge between two nodes; NULL with -E2BIG or -ENOMEM in *ret_code */
static struct lm_answer_edge *find_edge(struct lm_whole *whole, uint32_t from, uint32_t to,
	const struct lm_event_view *view, int *ret_code)
{
	const struct lm_event *event = view->event;
	uint64_t key = (uint64_t)event->op << (2 * POSITION_BITS) |
		       (uint64_t)from << POSITION_BITS | to;
	const uint64_t *known = lm_map_get(&whole->known, key);

	if (known)
		return &whole->edges[*known];
	*ret_code = whole->edge_count == LM_WHOLE_EDGES_MAX ? -E2BIG :
		reserve((void **)&whole->edges, whole->edge_count, &whole->edge_capacity,
			sizeof(*whole->edges));
	if (*ret_code == 0)
		*ret_code = lm_map_put(&whole->known, key, whole->edge_count);
	if (*ret_code < 0)
		return NULL;
	whole->edges[whole->edge_count] = (struct lm_answer_edge){
		.from = from, .to = to, .op = event->op, .op_name = lm_op_name(event->op),
		.claimed = true, .begin_ns = view->wall_begin_ns, .end_ns = view->wall_end_ns,
		.event = event->id,
	};
	return &whole->edges[whole->edge_count++];
}

static int add_influence(struct lm_whole *whole, const struct lm_event_view *view,
	const struct lm_dependency *influence)
{
	const struct lm_event *event = view->event;
	int64_t from = find_node(whole, view, influence->source);
	int64_t to = from < 0 ? from : find_node(whole, view, influence->sink);
	struct lm_answer_edge *edge;
	int r = 0;

	if (to < 0)
		return (int)to;
	edge = find_edge(whole, (uint32_t)from, (uint32_t)to, view, &r);
	if (!edge)
		return r;
	touch_node(&whole->nodes[from], view);
	touch_node(&whole->nodes[to], view);
	edge->count += lm_event_count(event);
	if (lm_op_moves_bytes(event->op) && event->result > 0)
		edge->bytes += (uint64_t)event->result;
	if (influence->control > edge->control)
		edge->control = influence->control;
	edge->claimed = edge->claimed && (event->flags & LM_EVENT_CLAIMED);
	if (view->wall_begin_ns < edge->begin_ns)
		edge->begin_ns = view->wall_begin_ns;
	if (view->wall_end_ns > edge->end_ns)
		edge->end_ns = view->wall_end_ns;
	return 0;
}

int lm_whole_add(struct lm_whole *whole, const struct lm_event_view *view)
{
	struct lm_dependency influences[LM_DEPENDENCIES_MAX];
	int count = lm_event_dependencies(view->event, influences);

	for (int i = 0; i < count; i++) {
		int r = add_influence(whole, view, &influences[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void lm_whole_add_gap(struct lm_whole *whole)
{
	whole->gaps++;
}

int lm_whole_write(const struct lm_whole *whole, const struct lm_labels *labels,
	enum lm_whole_format format, FILE *out)
{
	const struct graph_source source = {
		.view = {
			.complete = whole->gaps == 0, .gap_count = whole->gaps,
			.nodes = whole->nodes, .node_count = whole->node_count,
			.edges = whole->edges, .edge_count = whole->edge_count,
		},
		.labels = labels, .meta = &whole->meta, .title = "events of the log", .out = out,
	};

	return format == LM_WHOLE_PROV ? graph_write_prov(&source) : graph_write_graphml(&source);
}
