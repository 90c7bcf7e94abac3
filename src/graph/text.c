/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "answer.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/attributes.h"
#include "lemona/graph/write.h"
#include "verbs.h"

/*
 * The story: one step of influence a line, in order of time, told from the
 * process that acted.
 */
#define INDENT_MAX 10
#define ARGV_MAX_BYTES 72
#define CONTAINER_ID_MAX 12 /* as container managers cut it themselves */

enum style { STYLE_PLAIN, STYLE_DIM, STYLE_BOLD, STYLE_ENTRY, STYLE_DETECTION };

/* One line to be: an edge, and the moment of its first event. */
struct step {
	const struct lm_answer_edge *edge;
	uint64_t moment_ns;
	bool into_process;
};

struct story {
	const struct lm_answer_view *view;
	struct step *steps;
	uint32_t step_count;
	struct lm_buffer out;
	bool colour;
	bool *introduced; /* by node: its arguments were told */
};

static void release_story(struct story *story)
{
	lm_buffer_release(&story->out);
	free(story->steps);
	free(story->introduced);
}

static void set_style(struct story *story, enum style style)
{
	static const char *const codes[] = {
		[STYLE_PLAIN] = "\033[0m", [STYLE_DIM] = "\033[2m", [STYLE_BOLD] = "\033[1m",
		[STYLE_ENTRY] = "\033[1;33m", [STYLE_DETECTION] = "\033[1;31m",
	};

	if (story->colour)
		lm_buffer_append_text(&story->out, codes[style]);
}

static void append_styled(struct story *story, enum style style, const char *text)
{
	set_style(story, style);
	lm_buffer_append_escaped(&story->out, lm_str_from(text));
	if (style != STYLE_PLAIN)
		set_style(story, STYLE_PLAIN);
}

/* "2026-01-02 03:04:05.678901": what a person reads of a time. */
static void append_moment(struct story *story, uint64_t boot_ns, bool with_date)
{
	char text[LM_TIME_TEXT_BYTES];

	lm_time_format(lm_index_wall_ns(story->view->index, boot_ns), text);
	text[10] = ' ';
	lm_buffer_append(&story->out, text + (with_date ? 0 : 11), with_date ? 19 : 15);
}

/* Arguments as typed, cut where the line would get too long to read. */
static void append_argv(struct story *story, const struct lm_process *process)
{
	struct lm_buffer plain LM_BUFFER = LM_BUFFER_INIT;
	bool cut = process->argv_cut || process->argv.len > ARGV_MAX_BYTES;
	uint32_t len = process->argv.len > ARGV_MAX_BYTES ? ARGV_MAX_BYTES : process->argv.len;

	while (len > 0 && process->argv.data[len - 1] == '\0')
		len--;
	if (len == 0)
		return;
	for (uint32_t i = 0; i < len; i++)
		lm_buffer_append_byte(
			&plain, process->argv.data[i] ? (uint8_t)process->argv.data[i] : ' ');
	lm_buffer_append_text(&story->out, ": ");
	lm_buffer_append_escaped(&story->out, (struct lm_str){ (const char *)plain.data,
							       (uint32_t)plain.len });
	if (cut)
		lm_buffer_append_text(&story->out, "...");
	if (lm_buffer_status(&plain) < 0)
		story->out.failed = true;
}

static void append_node(struct story *story, uint32_t position)
{
	const struct lm_answer_node *node = &story->view->nodes[position];
	enum style style = node->flags & LM_NODE_DETECTION ? STYLE_DETECTION :
			   node->flags & LM_NODE_ENTRY	   ? STYLE_ENTRY :
			   node->kind == LM_OBJECT_KIND_PROCESS ? STYLE_BOLD : STYLE_PLAIN;

	append_styled(story, style, node->label);
}

static const char *verb_between(const struct lm_answer_edge *edge)
{
	switch (edge->op) {
	case LM_OP_FORK:
		return "started";
	case LM_OP_EXEC:
		return "became";
	case LM_OP_SIGNAL:
		return "signalled";
	case LM_OP_PTRACE:
		return "traced";
	case LM_OP_VMWRITE:
		return "wrote into the memory of";
	case LM_OP_VMREAD:
		return "was read by";
	default:
		return "influenced";
	}
}

static void append_amount(struct story *story, const struct lm_answer_edge *edge,
			  const char *preposition)
{
	if (edge->bytes > 0)
		lm_buffer_printf(&story->out, " %" PRIu64 " byte%s %s", edge->bytes,
				 edge->bytes == 1 ? "" : "s", preposition);
	else if (edge->op == LM_OP_SEND || edge->op == LM_OP_RECV)
		lm_buffer_printf(&story->out, " %s", preposition);
}

/* Where it ran and for whom, if anywhere in particular: container, terminal, login. */
static void append_whereabouts(struct story *story, const struct lm_process *process)
{
	struct lm_container container;
	struct lm_buffer raw LM_BUFFER = LM_BUFFER_INIT;

	if (lm_container_of(index_cgroup_path(story->view->index, process->cgroup), &container)) {
		lm_buffer_append_text(&raw, ", in ");
		lm_buffer_append_str(&raw, container.runtime);
		lm_buffer_append_byte(&raw, ' ');
		if (container.id.len > CONTAINER_ID_MAX)
			container.id.len = CONTAINER_ID_MAX;
		lm_buffer_append_str(&raw, container.id);
	}
	if (process->tty) {
		lm_buffer_append_text(&raw, ", on ");
		lm_tty_append(process->tty, &raw);
	}
	if (process->loginuid != UINT32_MAX)
		lm_buffer_printf(&raw, ", login of %u", process->loginuid);
	lm_buffer_append_escaped(&story->out,
		(struct lm_str){ (const char *)raw.data, (uint32_t)raw.len });
	if (lm_buffer_status(&raw) < 0)
		story->out.failed = true;
}

static void append_introduction(struct story *story, uint32_t position)
{
	const struct lm_process *process =
		index_process(story->view->index, story->view->nodes[position].object);

	if (!process || story->introduced[position])
		return;
	story->introduced[position] = true;
	append_argv(story, process);
	append_whereabouts(story, process);
}

static void append_name(struct story *story, lm_object_id name, uint64_t t_ns)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	if (lm_index_path_seen(story->view->index, name, t_ns, &path) < 0)
		lm_buffer_append_text(&path, "?");
	lm_buffer_append_escaped(&story->out, (struct lm_str){ (const char *)path.data,
							       (uint32_t)path.len });
	if (lm_buffer_status(&path) < 0)
		story->out.failed = true;
}

/* Both names of a renaming are one step. */
static bool append_rename(struct story *story, const struct lm_answer_edge *edge)
{
	const struct lm_event *event = lm_index_event(story->view->index, edge->event);

	if (edge->op != LM_OP_RENAME || !event || !event->name || !event->name2)
		return false;
	append_node(story, edge->from);
	lm_buffer_append_text(&story->out, " renamed ");
	append_name(story, event->name, event->begin_ns);
	lm_buffer_append_text(&story->out, " to ");
	append_name(story, event->name2, event->end_ns);
	return true;
}

/* A process that is there only for having started another one is told from that one's side. */
static bool append_starter(struct story *story, const struct lm_answer_edge *edge)
{
	if (!(story->view->nodes[edge->from].flags & LM_NODE_STARTER) || edge->op != LM_OP_FORK)
		return false;
	append_node(story, edge->to);
	lm_buffer_append_text(&story->out, " was started by ");
	append_node(story, edge->from);
	append_introduction(story, edge->from);
	return true;
}

/* Who did what to whom. The one that acts is a process whenever one of the two is. */
static void append_step(struct story *story, const struct lm_answer_edge *edge)
{
	const struct lm_answer_node *nodes = story->view->nodes;
	bool from_process = nodes[edge->from].kind == LM_OBJECT_KIND_PROCESS;
	bool to_process = nodes[edge->to].kind == LM_OBJECT_KIND_PROCESS;
	uint32_t actor = from_process ? edge->from : edge->to;
	uint32_t other = from_process ? edge->to : edge->from;

	if (append_rename(story, edge) || append_starter(story, edge))
		return;
	if (!from_process && !to_process) {
		append_node(story, edge->from);
		lm_buffer_append_text(&story->out,
			edge->op == LM_OP_NONE && strcmp(edge->op_name, "directory") == 0
				? " led to "
				: " went into ");
		append_node(story, edge->to);
		return;
	}
	append_node(story, actor);
	lm_buffer_append_byte(&story->out, ' ');
	if (from_process && to_process) {
		lm_buffer_append_text(&story->out, verb_between(edge));
	} else {
		bool talks = edge->op == LM_OP_CONNECT || edge->op == LM_OP_ACCEPT;

		lm_buffer_append_text(&story->out,
			from_process ? verb_out(edge->op) : verb_in(edge->op));
		if (edge->op == LM_OP_WRITE || edge->op == LM_OP_SEND || edge->op == LM_OP_COPY ||
		    edge->op == LM_OP_READ || edge->op == LM_OP_RECV)
			append_amount(story, edge, from_process ? "to" : "from");
		if (talks && from_process)
			lm_buffer_append_text(&story->out, " over");
	}
	lm_buffer_append_byte(&story->out, ' ');
	append_node(story, other);
	append_introduction(story, from_process && to_process ? other : actor);
}

static void append_marks(struct story *story, const struct lm_answer_edge *edge)
{
	const struct lm_answer_node *from = &story->view->nodes[edge->from];
	const struct lm_answer_node *to = &story->view->nodes[edge->to];

	if (edge->count > 1)
		lm_buffer_printf(&story->out, " (%" PRIu64 " times)", edge->count);
	if (!edge->control)
		lm_buffer_append_text(&story->out, " (low control)");
	if (edge->claimed)
		lm_buffer_append_text(&story->out, " (claimed)");
	if (from->flags & LM_NODE_ENTRY)
		append_styled(story, STYLE_ENTRY, "  <- entry point");
	if (to->flags & LM_NODE_DETECTION)
		append_styled(story, STYLE_DETECTION, "  <- detection point");
}

/* The process that acts sets the indentation. */
static uint32_t depth_of(const struct story *story, const struct lm_answer_edge *edge)
{
	const struct lm_answer_node *from = &story->view->nodes[edge->from];
	const struct lm_answer_node *to = &story->view->nodes[edge->to];

	return from->kind == LM_OBJECT_KIND_PROCESS ? from->depth : to->depth;
}

static void append_line(struct story *story, const struct step *step)
{
	uint32_t depth = depth_of(story, step->edge);

	set_style(story, STYLE_DIM);
	append_moment(story, step->moment_ns, false);
	set_style(story, STYLE_PLAIN);
	lm_buffer_append_text(&story->out, "  ");
	for (uint32_t i = 0; i < depth && i < INDENT_MAX; i++)
		lm_buffer_append_text(&story->out, "  ");
	append_step(story, step->edge);
	append_marks(story, step->edge);
	lm_buffer_append_byte(&story->out, '\n');
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->moment_ns != y->moment_ns)
		return x->moment_ns < y->moment_ns ? -1 : 1;
	if (x->edge->event != y->edge->event)
		return x->edge->event < y->edge->event ? -1 : 1;
	/* One event that reads and writes reads first. */
	if (x->into_process != y->into_process)
		return x->into_process ? -1 : 1;
	return x->edge < y->edge ? -1 : x->edge > y->edge;
}

static int order_steps(struct story *story)
{
	const struct lm_answer_view *view = story->view;

	story->steps = lm_array_new(view->edge_count, sizeof(*story->steps));
	if (!story->steps)
		return -ENOMEM;
	for (uint32_t i = 0; i < view->edge_count; i++) {
		const struct lm_answer_edge *edge = &view->edges[i];
		const struct lm_event *event = lm_index_event(view->index, edge->event);

		story->steps[i] = (struct step){
			.edge = edge,
			.moment_ns = event ? event->end_ns : edge->begin_ns,
			.into_process = view->nodes[edge->to].kind == LM_OBJECT_KIND_PROCESS,
		};
	}
	story->step_count = view->edge_count;
	if (story->step_count > 0)
		qsort(story->steps, story->step_count, sizeof(*story->steps), compare_steps);
	return 0;
}

/* The second name of a renaming was told with the first. */
static bool is_told(const struct story *story, uint32_t i)
{
	const struct lm_answer_edge *edge = story->steps[i].edge;
	const struct lm_answer_edge *before = i > 0 ? story->steps[i - 1].edge : NULL;

	return before && edge->op == LM_OP_RENAME && before->op == LM_OP_RENAME &&
	       edge->event == before->event && edge->from == before->from &&
	       !(story->view->nodes[edge->to].flags & LM_NODE_DETECTION);
}

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

static const char *plural_of(const struct lm_answer_node *node)
{
	switch (node->kind) {
	case LM_OBJECT_KIND_PROCESS:
		return "processes";
	case LM_OBJECT_KIND_SOCKET:
		return "sockets";
	case LM_OBJECT_KIND_PIPE:
		return "pipes";
	default:
		return "files";
	}
}

static bool is_detection(const struct lm_answer_node *node, bool joined, bool unjoined_only)
{
	return (node->flags & LM_NODE_DETECTION) && !(unjoined_only && joined);
}

/*
 * Several objects may have had the one path that was asked for, under other
 * roots or one after the other: each path is said once, with their number. A
 * name of that path is no object besides.
 */
static void append_detections(struct story *story, const bool *joined, bool unjoined_only)
{
	const struct lm_answer_node *nodes = story->view->nodes;
	bool first = true;

	for (uint32_t i = 0; i < story->view->node_count; i++) {
		const struct lm_answer_node *counted = &nodes[i];
		uint32_t before = 0, objects = 0;

		if (!is_detection(&nodes[i], joined[i], unjoined_only))
			continue;
		for (uint32_t j = 0; j < story->view->node_count && before == 0; j++) {
			if (!is_detection(&nodes[j], joined[j], unjoined_only) ||
			    strcmp(nodes[j].label, nodes[i].label) != 0)
				continue;
			before += j < i;
			if (nodes[j].kind == LM_OBJECT_KIND_NAME)
				continue;
			counted = &nodes[j];
			objects++;
		}
		if (before > 0)
			continue;
		lm_buffer_append_text(&story->out, first ? "" : ", ");
		append_node(story, i);
		if (objects > 1)
			lm_buffer_printf(&story->out, " (%u %s)", objects, plural_of(counted));
		first = false;
	}
}

/* One line for all of those that nothing in the answer joins. */
static void append_unjoined(struct story *story, const bool *joined)
{
	const struct lm_answer_view *view = story->view;
	bool any = false;

	for (uint32_t i = 0; i < view->node_count; i++)
		any |= is_detection(&view->nodes[i], joined[i], true);
	if (!any || view->edge_count == 0)
		return;
	lm_buffer_append_text(&story->out, view->direction == LM_BACKWARD ? "Nothing led to " :
									    "Nothing came of ");
	append_detections(story, joined, true);
	lm_buffer_append_byte(&story->out, '\n');
}

static void append_heading(struct story *story)
{
	const struct lm_answer_view *view = story->view;
	bool *joined LM_FREE = find_joined(view);

	if (!joined) {
		story->out.failed = true;
		return;
	}
	lm_buffer_append_text(&story->out, view->direction == LM_BACKWARD ? "What led to " :
									    "What came of ");
	append_detections(story, joined, false);
	if (view->index->host[0]) {
		lm_buffer_append_text(&story->out, " on ");
		lm_buffer_append_escaped(&story->out, lm_str_from(view->index->host));
	}
	lm_buffer_append_byte(&story->out, '\n');
	append_moment(story, story->step_count ? story->steps[0].moment_ns : view->first_ns, true);
	lm_buffer_append_text(&story->out, " to ");
	append_moment(story, story->step_count ? story->steps[story->step_count - 1].moment_ns :
						 view->last_ns, true);
	lm_buffer_printf(&story->out, " UTC: %u node%s, %u edge%s\n", view->node_count,
			 view->node_count == 1 ? "" : "s", view->edge_count,
			 view->edge_count == 1 ? "" : "s");
	append_unjoined(story, joined);
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

static void append_completeness(struct story *story, bool cut)
{
	const struct lm_answer_view *view = story->view;
	uint64_t lost = 0;

	if (view->complete) {
		lm_buffer_append_text(&story->out, "Complete: no event of this time is known to be "
						   "missing\n");
	} else {
		append_styled(story, STYLE_DETECTION, "Not complete:");
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
	lm_buffer_append_byte(&story->out, '\n');
}

int lm_answer_write_text(const struct lm_answer *answer, FILE *out, bool colour)
{
	struct lm_answer_view view = lm_answer_view(answer);
	struct story story LM_CLEANUP(release_story) = { .view = &view, .colour = colour };

	story.introduced = lm_array_new(view.node_count, sizeof(*story.introduced));
	if (!story.introduced || order_steps(&story) < 0)
		return -ENOMEM;
	append_heading(&story);
	append_hidden(&story);
	append_completeness(&story, answer->cut);
	for (uint32_t i = 0; i < story.step_count; i++) {
		if (!is_told(&story, i))
			append_line(&story, &story.steps[i]);
	}
	if (view.edge_count == 0)
		lm_buffer_append_text(&story.out, view.direction == LM_BACKWARD ?
				"Nothing in the log leads there.\n" :
				"Nothing in the log came of it.\n");
	if (lm_buffer_status(&story.out) < 0)
		return -ENOMEM;
	if (fwrite(story.out.data, 1, story.out.len, out) != story.out.len || fflush(out) != 0)
		return -EIO;
	return 0;
}
