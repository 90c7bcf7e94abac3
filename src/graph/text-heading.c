/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "lemona/base/escape.h"
#include "text.h"

/*
 * The lines above the steps: what was asked, how much was found, what each
 * filter hid, what is not on the first screen, and what is known to be missing.
 */

/* Whether the answer holds an influence on a detection point (forward: of it). */
static bool *find_joined(const struct lm_answer_view *view)
{
	bool *joined = lm_array_new(view->node_count, sizeof(*joined));

	for (uint32_t i = 0; joined && i < view->edge_count; i++) {
		const struct lm_answer_edge *edge = &view->edges[i];

		joined[view->direction == LM_BACKWARD ? edge->to : edge->from] = true;
	}
	return joined;
}

/* Nodes to be listed, those of one label side by side. */
struct listed {
	const struct lm_answer_node *node;
	uint32_t position, first; /* first: the lowest position with that label */
	uint32_t objects;         /* with that label; names are none */
	uint8_t of;
};

static int compare_labels(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strcmp(x->node->label, y->node->label);

	if (order)
		return order;
	return x->position < y->position ? -1 : x->position > y->position;
}

static int compare_first(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* One entry for each label. @return how many */
static uint32_t join_labels(struct listed *list, uint32_t count)
{
	uint32_t kept = 0;

	if (count > 0)
		qsort(list, count, sizeof(*list), compare_labels);
	for (uint32_t i = 0; i < count; i++) {
		bool object = list[i].node->kind != LM_OBJECT_KIND_NAME;
		struct listed *last = kept > 0 ? &list[kept - 1] : NULL;

		if (!last || strcmp(last->node->label, list[i].node->label) != 0) {
			list[kept] = list[i];
			last = &list[kept++];
			last->first = last->position;
			last->objects = 0;
			last->of = last->node->of;
		}
		last->objects += object;
		if (object)
			last->of = list[i].node->of;
	}
	if (kept > 0)
		qsort(list, kept, sizeof(*list), compare_first);
	return kept;
}

/*
 * Several objects may have had the one path that was asked for, under other
 * roots or one after the other: each path is said once, with their number. A
 * name of that path is no object besides.
 *
 * @param flag     what the nodes must have
 * @param besides  by node: those to leave out, or NULL
 */
static void append_flagged(struct story *story, enum lm_node_flag flag, const bool *besides)
{
	uint32_t nodes = story->view->node_count, count = 0;
	struct listed *list LM_FREE = lm_array_new(nodes, sizeof(*list));

	if (!list) {
		story->out.failed = true;
		return;
	}
	for (uint32_t i = 0; i < nodes; i++) {
		const struct lm_answer_node *node = &story->view->nodes[i];

		if (node->flags & flag && !(besides && besides[i]))
			list[count++] = (struct listed){ .node = node, .position = i };
	}
	count = join_labels(list, count);
	for (uint32_t i = 0; i < count; i++) {
		lm_buffer_append_text(&story->out, i == 0 ? "" : ", ");
		story_append_node(story, list[i].first);
		if (list[i].objects > 1)
			lm_buffer_printf(&story->out, " (%u %s)", list[i].objects,
					 label_kinds(list[i].of));
	}
}

/* One line for all of those that nothing in the answer joins. */
static void append_unjoined(struct story *story, const bool *joined)
{
	const struct lm_answer_view *view = story->view;
	bool any = false;

	for (uint32_t i = 0; i < view->node_count; i++)
		any |= view->nodes[i].flags & LM_NODE_DETECTION && !joined[i];
	if (!any || view->edge_count == 0)
		return;
	lm_buffer_append_text(&story->out, view->direction == LM_BACKWARD ? "Nothing led to " :
									    "Nothing came of ");
	append_flagged(story, LM_NODE_DETECTION, joined);
	lm_buffer_append_byte(&story->out, '\n');
}

/* What narrowed the question down: several points at once, the other end of a way. */
static void append_limits(struct story *story)
{
	const struct lm_answer_view *view = story->view;
	bool backward = view->direction == LM_BACKWARD, reached = false;

	if (view->intersected)
		lm_buffer_append_text(&story->out, view->nothing_common ?
				"Nothing is common to all of them\n" :
				"Only what is common to all of them\n");
	if (!view->between)
		return;
	for (uint32_t i = 0; i < view->node_count; i++)
		reached |= view->nodes[i].flags & LM_NODE_TO;
	if (!reached) {
		lm_buffer_append_text(&story->out, backward ?
				"No way that time allows leads there from the other end\n" :
				"No way that time allows leads from there to the other end\n");
		return;
	}
	lm_buffer_append_text(&story->out, backward ? "Only the ways from " : "Only the ways to ");
	append_flagged(story, LM_NODE_TO, NULL);
	lm_buffer_append_byte(&story->out, '\n');
}

static void append_question(struct story *story)
{
	const struct lm_answer_view *view = story->view;
	uint64_t first_ns = view->first_ns, last_ns = view->last_ns;
	bool *joined LM_FREE = find_joined(view);

	if (!joined) {
		story->out.failed = true;
		return;
	}
	lm_buffer_append_text(&story->out, view->direction == LM_BACKWARD ? "What led to " :
									    "What came of ");
	append_flagged(story, LM_NODE_DETECTION, NULL);
	if (view->index->host[0]) {
		lm_buffer_append_text(&story->out, " on ");
		lm_buffer_append_escaped(&story->out, lm_str_from(view->index->host));
	}
	if (view->index->imported[0]) {
		lm_buffer_append_text(&story->out, ", imported from ");
		lm_buffer_append_escaped(&story->out, lm_str_from(view->index->imported));
	}
	lm_buffer_append_byte(&story->out, '\n');
	append_limits(story);
	if (story->step_count > 0) {
		first_ns = story->steps[0].moment_ns;
		last_ns = story->steps[story->step_count - 1].moment_ns;
	}
	story_append_moment(story, first_ns, true);
	lm_buffer_append_text(&story->out, " to ");
	story_append_moment(story, last_ns, true);
	lm_buffer_printf(&story->out, " UTC: %u node%s, %u edge%s\n", view->node_count,
			 view->node_count == 1 ? "" : "s", view->edge_count,
			 view->edge_count == 1 ? "" : "s");
	append_unjoined(story, joined);
}

/* What is not on the first screen, and how to see it. */
static void append_shown(struct story *story)
{
	const struct lm_answer_view *view = story->view;
	const struct lm_answer_shown *shown = &view->shown;

	if (shown->paths == 0)
		return;
	lm_buffer_printf(&story->out,
			 "Shown: the %u most telling path%s, %u of %u nodes and %u of %u edges; "
			 "--top all shows the rest\n",
			 shown->paths, shown->paths == 1 ? "" : "s", view->node_count,
			 shown->of_nodes, view->edge_count, shown->of_edges);
}

static void append_hidden(struct story *story)
{
	const struct lm_answer_view *view = story->view;

	for (uint32_t i = 0; i < view->hidden_count; i++) {
		const struct lm_answer_hidden *hidden = &view->hidden[i];

		lm_buffer_printf(&story->out,
				 "%s%s %" PRIu64 " object%s, %" PRIu64 " event%s",
				 i == 0 ? "Hidden: " : "; ", lm_filter_name(hidden->filter),
				 hidden->objects, hidden->objects == 1 ? "" : "s", hidden->events,
				 hidden->events == 1 ? "" : "s");
	}
	lm_buffer_append_text(&story->out, view->hidden_count > 0 ? "\n" : "Hidden: nothing\n");
}

static void append_completeness(struct story *story)
{
	const struct lm_answer_view *view = story->view;
	bool cut = view->cut;
	uint64_t lost = 0;

	if (view->complete) {
		lm_buffer_append_text(&story->out, "Complete: no event of this time is known to be "
						   "missing\n");
	} else {
		story_append_styled(story, STYLE_DETECTION, "Not complete:");
		for (uint32_t i = 0; i < view->gap_count; i++)
			lost += view->gaps[i]->count;
		if (view->gap_count > 0)
			lm_buffer_printf(&story->out,
				" %u gap%s, at least %" PRIu64 " event%s missing", view->gap_count,
				view->gap_count == 1 ? "" : "s", lost, lost == 1 ? "" : "s");
		if (cut)
			lm_buffer_printf(&story->out, "%s the log was cut off",
					 view->gap_count > 0 ? "," : "");
		if (view->limited)
			lm_buffer_append_text(&story->out, " the limit of nodes was reached");
		lm_buffer_append_byte(&story->out, '\n');
	}
	if (view->direction == LM_BACKWARD && view->no_entry_found)
		lm_buffer_append_text(&story->out,
				      "No entry point was found, so every branch is shown\n");
	if (view->direction == LM_FORWARD && view->no_exit_found)
		lm_buffer_append_text(&story->out, "Nothing was changed or sent, so every reader "
						   "is shown\n");
	lm_buffer_append_byte(&story->out, '\n');
}

void story_append_heading(struct story *story)
{
	append_question(story);
	append_hidden(story);
	append_shown(story);
	append_completeness(story);
}
