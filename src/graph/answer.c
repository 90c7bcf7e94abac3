/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <inttypes.h>
#include <stdio.h>

/* What a vertex became: a position in the answer, or nothing. */
#define NO_NODE UINT32_MAX
/* How many look-ups of one name are looked at for one that failed. */
#define LOOKS_MAX 1024

struct build {
	struct lm_answer *answer;
	const struct walk *walk;
	uint32_t *node_of;      /* by vertex */
	struct lm_map object_node;
	uint64_t absorbed;      /* opens of names that a read or write of the file stands for */
};

static void release_build(struct build *build)
{
	free(build->node_of);
	lm_map_release(&build->object_node);
}

static char id_letter(uint8_t kind)
{
	static const char letters[LM_OBJECT_KIND_MAX + 1] = {
		'f', 'k', 'p', 'f', 'n', 's', 'i', 'm', 'c', 'h',
	};

	return kind <= LM_OBJECT_KIND_MAX ? letters[kind] : 'f';
}

void answer_id(const struct lm_index *index, lm_object_id id, char text[16])
{
	snprintf(text, 16, "%c%u", id_letter((uint8_t)lm_index_kind(index, id)), id);
}

lm_object_id answer_object(const struct lm_answer_node *node)
{
	return node->member_count > 0 ? node->members[0] : node->object;
}

void answer_free_node(struct lm_answer_node *node)
{
	free((char *)node->label);
	free((char *)node->path);
	free(node->members);
}

static int keep_text(struct lm_buffer *buf, const char **ret_text)
{
	lm_buffer_append_byte(buf, '\0');
	if (lm_buffer_status(buf) < 0)
		return -ENOMEM;
	*ret_text = (char *)lm_take_ptr(buf->data);
	lm_buffer_release(buf);
	*buf = (struct lm_buffer)LM_BUFFER_INIT;
	return 0;
}

/* The inputs of a server that older-inputs left out. */
static int make_inputs_node(struct build *build, const struct vertex *v,
			    struct lm_answer_node *node)
{
	lm_object_id server = build->walk->vertices.at[v->group_of].object;
	struct lm_buffer label LM_BUFFER = LM_BUFFER_INIT;

	snprintf(node->id, sizeof(node->id), "g%u", server);
	node->of = LM_OBJECT_KIND_SOCKET;
	node->count = v->group_count;
	lm_buffer_printf(&label, "%" PRIu64 " earlier connection%s of ", v->group_count,
			 v->group_count == 1 ? "" : "s");
	lm_buffer_append_str(&label, label_program(build->walk->index, server));
	return keep_text(&label, &node->label);
}

static int add_node(struct build *build, const struct vertex *v, uint32_t *ret_position)
{
	struct lm_answer *answer = build->answer;
	uint32_t position = answer->view.node_count++;
	struct lm_answer_node *node = &answer->nodes[position];
	uint8_t kind = (uint8_t)lm_index_kind(build->walk->index, v->object);

	*ret_position = position;
	*node = (struct lm_answer_node){
		.object = v->object, .kind = kind, .of = kind, .count = 1
	};
	if (v->object == VERTEX_GROUP)
		return make_inputs_node(build, v, node);
	answer_id(build->walk->index, v->object, node->id);
	return lm_map_put(&build->object_node, v->object, position);
}

/* Both ends of a two-way object are one node. */
static int make_nodes(struct build *build)
{
	const struct walk *walk = build->walk;

	build->node_of = lm_array_new(walk->vertices.count, sizeof(*build->node_of));
	build->answer->nodes = lm_array_new(walk->vertices.count, sizeof(*build->answer->nodes));
	if (!build->node_of || !build->answer->nodes)
		return -ENOMEM;
	for (uint32_t i = 1; i < walk->vertices.count; i++) {
		const struct vertex *v = &walk->vertices.at[i];
		const uint64_t *known = lm_map_get(&build->object_node, v->object);
		struct lm_answer_node *node;

		build->node_of[i] = NO_NODE;
		if (v->hidden)
			continue;
		if (v->object != VERTEX_GROUP && known)
			build->node_of[i] = (uint32_t)*known;
		else if (add_node(build, v, &build->node_of[i]) < 0)
			return -ENOMEM;
		node = &build->answer->nodes[build->node_of[i]];
		node->flags |= (v->detection ? LM_NODE_DETECTION : 0) |
			       (v->entry ? LM_NODE_ENTRY : 0) |
			       (v->exit ? LM_NODE_EXIT : 0) | (v->wanted ? LM_NODE_TO : 0) |
			       (v->starter ? LM_NODE_STARTER : 0);
	}
	return 0;
}

static const char *op_name_of(const struct edge *edge)
{
	switch (edge->kind) {
	case EDGE_DIRECTORY:
		return "directory";
	case EDGE_CONNECTION:
		return "connection";
	default:
		return lm_op_name(edge->op);
	}
}

/* An edge on its way into the answer. */
struct draft {
	struct lm_answer_edge edge;
	bool folded, dropped;
};

static bool same_ends(const struct draft *a, const struct draft *b)
{
	return a->edge.from == b->edge.from && a->edge.to == b->edge.to;
}

static int compare_ends(const void *a, const void *b)
{
	const struct lm_answer_edge *x = &((const struct draft *)a)->edge;
	const struct lm_answer_edge *y = &((const struct draft *)b)->edge;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	return x->op_name == y->op_name ? 0 : strcmp(x->op_name, y->op_name);
}

static int compare_drafts(const void *a, const void *b)
{
	int order = compare_ends(a, b);

	return order ? order :
		       ((const struct draft *)a)->folded - ((const struct draft *)b)->folded;
}

/* Whether the process that opened also made it: then that says it all. */
static bool was_made(const struct build *build, const struct draft *drafts, size_t count,
		     const struct draft *open)
{
	struct draft made = { .edge = { .from = open->edge.to, .to = open->edge.from,
					.op = LM_OP_OPEN, .op_name = open->edge.op_name } };
	const struct draft *found = bsearch(&made, drafts, count, sizeof(made), compare_ends);

	return found && build->answer->nodes[made.edge.from].kind == LM_OBJECT_KIND_PROCESS;
}

/* Opening a file to read it is told by the reading. */
static void absorb_opens(struct build *build, struct draft *run, size_t count)
{
	size_t left = count;

	for (size_t i = 0; i < count && left > 1; i++) {
		if (run[i].folded && !run[i].dropped && run[i].edge.op == LM_OP_OPEN) {
			run[i].dropped = true;
			build->absorbed += run[i].edge.count;
			left--;
		}
	}
}

static size_t merge_runs(struct build *build, struct draft *drafts, size_t count)
{
	size_t kept = 0, start = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && same_ends(&drafts[kept - 1], &drafts[i]) &&
		    drafts[kept - 1].edge.op == drafts[i].edge.op &&
		    drafts[kept - 1].edge.op_name == drafts[i].edge.op_name) {
			answer_merge_edge(&drafts[kept - 1].edge, &drafts[i].edge);
			continue;
		}
		drafts[kept++] = drafts[i];
	}
	for (size_t i = 1; i <= kept; i++) {
		if (i < kept && same_ends(&drafts[i], &drafts[start]))
			continue;
		absorb_opens(build, &drafts[start], i - start);
		start = i;
	}
	for (size_t i = 0; i < kept; i++) {
		if (!drafts[i].folded || drafts[i].dropped || drafts[i].edge.op != LM_OP_OPEN ||
		    !was_made(build, drafts, kept, &drafts[i]))
			continue;
		drafts[i].dropped = true;
		build->absorbed += drafts[i].edge.count;
	}
	return kept;
}

/* A copy is told as a read and a write of the process that made it. */
static bool is_told_otherwise(const struct build *build, const struct edge *edge)
{
	const struct walk *walk = build->walk;
	struct lm_event event;

	if (edge->op != LM_OP_COPY || edge->kind != EDGE_EVENT ||
	    index_process(walk->index, walk->vertices.at[edge->from].object) ||
	    index_process(walk->index, walk->vertices.at[edge->to].object))
		return false;
	return lm_index_event(walk->index, edge->event, &event) == 0 &&
	       lm_map_get(&build->object_node, event.actor);
}

static struct draft make_draft(const struct build *build, const struct edge *edge, uint64_t last_ns)
{
	return (struct draft){
		.folded = edge->folded,
		.edge = {
			.from = build->node_of[edge->from], .to = build->node_of[edge->to],
			.op = edge->kind == EDGE_DIRECTORY || edge->kind == EDGE_CONNECTION ?
				      LM_OP_NONE : edge->op,
			.op_name = op_name_of(edge), .control = edge->control,
			.claimed = edge->claimed,
			.begin_ns = edge->begin_ns,
			.end_ns = edge->end_ns < last_ns ? edge->end_ns : last_ns,
			.count = edge->count, .bytes = edge->bytes, .event = edge->event,
		},
	};
}

static int make_edges(struct build *build)
{
	const struct walk *walk = build->walk;
	struct lm_answer *answer = build->answer;
	struct draft *drafts LM_FREE = lm_array_new(walk->edges.count, sizeof(*drafts));
	uint64_t first_ns, last_ns;
	size_t count = 0;

	answer->edges = lm_array_new(walk->edges.count, sizeof(*answer->edges));
	if (!drafts || !answer->edges)
		return -ENOMEM;
	lm_index_span(walk->index, &first_ns, &last_ns);
	for (size_t i = 0; i < walk->edges.count; i++) {
		const struct edge *edge = &walk->edges.at[i];

		if (edge->hidden || build->node_of[edge->from] == NO_NODE ||
		    build->node_of[edge->to] == NO_NODE ||
		    build->node_of[edge->from] == build->node_of[edge->to] ||
		    is_told_otherwise(build, edge))
			continue;
		drafts[count++] = make_draft(build, edge, last_ns);
	}
	if (count > 0)
		qsort(drafts, count, sizeof(*drafts), compare_drafts);
	count = merge_runs(build, drafts, count);
	for (size_t i = 0; i < count; i++) {
		if (!drafts[i].dropped)
			answer->edges[answer->view.edge_count++] = drafts[i].edge;
	}
	if (answer->view.edge_count > 0)
		qsort(answer->edges, answer->view.edge_count, sizeof(*answer->edges),
			answer_compare_edges);
	return 0;
}

static void widen(struct lm_answer_node *node, const struct lm_answer_edge *edge)
{
	if (edge->begin_ns < node->first_ns)
		node->first_ns = edge->begin_ns;
	if (edge->end_ns > node->last_ns)
		node->last_ns = edge->end_ns;
}

static void set_times(struct lm_answer *answer, const struct lm_index *index)
{
	uint64_t first_ns, last_ns;

	lm_index_span(index, &first_ns, &last_ns);
	answer->view.first_ns = UINT64_MAX;
	for (uint32_t i = 0; i < answer->view.node_count; i++)
		answer->nodes[i].first_ns = UINT64_MAX;
	for (uint32_t i = 0; i < answer->view.edge_count; i++) {
		widen(&answer->nodes[answer->edges[i].from], &answer->edges[i]);
		widen(&answer->nodes[answer->edges[i].to], &answer->edges[i]);
	}
	for (uint32_t i = 0; i < answer->view.node_count; i++) {
		struct lm_answer_node *node = &answer->nodes[i];

		if (node->first_ns == UINT64_MAX)
			node->first_ns = node->last_ns = node->object ?
				index_first_ns(index, node->object) : first_ns;
		if (node->first_ns < answer->view.first_ns)
			answer->view.first_ns = node->first_ns;
		if (node->last_ns > answer->view.last_ns)
			answer->view.last_ns = node->last_ns;
	}
	if (answer->view.node_count == 0)
		answer->view.first_ns = answer->view.last_ns = last_ns;
}

/* In order of time, so that a parent is placed before its children. */
static void set_depths(struct lm_answer *answer)
{
	for (uint32_t i = 0; i < answer->view.edge_count; i++) {
		const struct lm_answer_edge *edge = &answer->edges[i];
		const struct lm_answer_node *from = &answer->nodes[edge->from];
		struct lm_answer_node *to = &answer->nodes[edge->to];

		if (from->of != LM_OBJECT_KIND_PROCESS || to->of != LM_OBJECT_KIND_PROCESS ||
		    to->depth > 0)
			continue;
		if (edge->op == LM_OP_FORK)
			to->depth = from->depth + 1;
		else if (edge->op == LM_OP_EXEC)
			to->depth = from->depth;
	}
}

static int set_path(const struct lm_index *index, struct lm_answer_node *node)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	const struct lm_process *process = index_process(index, node->object);
	int r = -ENOENT;

	if (process && process->exe)
		r = lm_index_path_at(index, process->exe, index_first_ns(index, node->object),
				     process->root, &path);
	else if (node->kind == LM_OBJECT_KIND_FILE || node->kind == LM_OBJECT_KIND_NAME)
		r = lm_index_path_seen(index, node->object, node->last_ns, &path);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : keep_text(&path, &node->path);
}

static int set_words(struct lm_answer *answer, const struct lm_index *index)
{
	int r = 0;

	for (uint32_t i = 0; i < answer->view.node_count && r == 0; i++) {
		struct lm_answer_node *node = &answer->nodes[i];
		struct lm_buffer label LM_BUFFER = LM_BUFFER_INIT;

		if (node->label)
			continue;
		r = set_path(index, node);
		label_object(index, node->object, node->path, &label);
		if (r == 0)
			r = keep_text(&label, &node->label);
	}
	return r;
}

/* Whether somebody in the answer looked for a name and found nothing there. */
static bool was_absent(const struct lm_index *index, lm_object_id name)
{
	struct lm_links links = lm_index_outgoing(index, name, 0);

	for (uint32_t i = 0; i < links.count && i < LOOKS_MAX; i++) {
		const struct lm_link link = lm_links_get(&links, i);

		if (absence_is(index, &link))
			return true;
	}
	return false;
}

static void set_removed(struct lm_answer *answer, const struct lm_index *index)
{
	for (uint32_t i = 0; i < answer->view.node_count; i++) {
		struct lm_answer_node *node = &answer->nodes[i];
		const struct lm_bound *bound;

		if (node->kind != LM_OBJECT_KIND_NAME && node->kind != LM_OBJECT_KIND_FILE)
			continue;
		bound = node->kind == LM_OBJECT_KIND_NAME ?
				lm_index_bound_of_name_at(index, node->object, UINT64_MAX - 1) :
				lm_index_bound_of_file_at(index, node->object, UINT64_MAX - 1);
		if (bound && bound->end_ns != UINT64_MAX)
			node->flags |= LM_NODE_REMOVED;
	}
	for (uint32_t i = 0; i < answer->view.edge_count; i++) {
		struct lm_answer_node *name = &answer->nodes[answer->edges[i].from];
		uint16_t op = answer->edges[i].op;

		if (name->kind == LM_OBJECT_KIND_NAME && !(name->flags & LM_NODE_ABSENT) &&
		    (op == LM_OP_OPEN || op == LM_OP_STAT || op == LM_OP_EXEC) &&
		    was_absent(index, name->object))
			name->flags |= LM_NODE_ABSENT;
	}
}

static void count_hidden(struct build *build)
{
	struct lm_answer *answer = build->answer;

	for (int filter = 0; filter < LM_FILTER_COUNT; filter++) {
		const struct refusal *refusal = &build->walk->refused[filter];
		struct lm_answer_hidden hidden = { .filter = filter, .events = refusal->events };

		for (size_t i = 0; i < refusal->objects.count; i++)
			hidden.objects += !lm_map_get(&build->object_node, refusal->objects.at[i]);
		if (filter == LM_FILTER_NAMES)
			hidden.events += build->absorbed;
		if (filter == LM_FILTER_CLUSTERS) {
			hidden.objects = answer->clustered.objects;
			hidden.events = answer->clustered.events;
		}
		if (hidden.objects > 0 || hidden.events > 0)
			answer->hidden[answer->view.hidden_count++] = hidden;
	}
}

/* Gaps of the time that the question is about, whatever the answer came to. */
static int find_gaps(struct lm_answer *answer, const struct walk *walk)
{
	const struct lm_detections *from = walk->options.from;
	uint64_t begin_ns = walk->options.since_ns, end_ns = 0;

	answer->gaps = lm_array_new(lm_index_gap_count(walk->index), sizeof(*answer->gaps));
	if (!answer->gaps)
		return -ENOMEM;
	if (walk->options.direction == LM_FORWARD) {
		uint64_t earliest_ns = UINT64_MAX;

		for (size_t i = 0; i < from->count; i++)
			if (from->at[i].begin_ns < earliest_ns)
				earliest_ns = from->at[i].begin_ns;
		begin_ns = earliest_ns > begin_ns ? earliest_ns : begin_ns;
		end_ns = walk->until_ns;
	} else {
		for (size_t i = 0; i < from->count; i++)
			if (from->at[i].end_ns > end_ns)
				end_ns = from->at[i].end_ns;
		end_ns = end_ns < walk->until_ns ? end_ns : walk->until_ns;
	}
	for (size_t i = 0; i < lm_index_gap_count(walk->index); i++) {
		const struct lm_gap *gap = lm_index_gap(walk->index, i);

		if (gap->begin_ns <= end_ns && gap->end_ns >= begin_ns)
			answer->gaps[answer->view.gap_count++] = gap;
	}
	return 0;
}

/* What the writers are to say of the answer as a whole. */
static void set_view(struct lm_answer *answer, const struct walk *walk)
{
	answer->view.index = walk->index;
	answer->view.direction = walk->options.direction;
	answer->view.limited = walk->limited;
	answer->view.intersected = walk->options.common_count > 1;
	answer->view.between = walk->options.to && walk->options.to->count > 0;
	answer->view.cut = walk->index->parts.summary.cut;
	answer->view.complete = answer->view.gap_count == 0 && !walk->limited &&
				!answer->view.cut;
}

/* From everything that is left to what is shown. */
static int choose_shown(struct lm_answer *answer, const struct walk *walk)
{
	const struct lm_trace_options *options = &walk->options;
	int r;

	set_removed(answer, walk->index);
	r = answer_cluster(answer, walk);
	if (r == 0 && (options->scores || options->top != LM_TOP_ALL))
		r = answer_rank(answer, walk->index);
	return r < 0 ? r : answer_keep_top(answer, options->top);
}

int answer_build(struct lm_answer *answer, const struct walk *walk)
{
	struct build build LM_CLEANUP(release_build) = { .answer = answer, .walk = walk };
	int r = make_nodes(&build);

	if (r == 0)
		r = make_edges(&build);
	if (r == 0)
		r = find_gaps(answer, walk);
	if (r < 0)
		return r;
	set_view(answer, walk);
	r = choose_shown(answer, walk);
	if (r < 0)
		return r;
	set_times(answer, walk->index);
	set_depths(answer);
	count_hidden(&build);
	return set_words(answer, walk->index);
}
