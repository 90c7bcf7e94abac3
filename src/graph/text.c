/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "answer.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/attributes.h"
#include "lemona/graph/write.h"
#include "text.h"
#include "verbs.h"

/*
 * The story: one step of influence a line, in order of time, told from the
 * process that acted.
 */
#define INDENT_MAX 10
#define ARGV_MAX_BYTES 72
#define MEMBERS_TOLD 3
#define CONTAINER_ID_MAX 12 /* as container managers cut it themselves */

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

void story_append_styled(struct story *story, enum style style, const char *text)
{
	set_style(story, style);
	lm_buffer_append_escaped(&story->out, lm_str_from(text));
	if (style != STYLE_PLAIN)
		set_style(story, STYLE_PLAIN);
}

/* "2026-01-02 03:04:05.678901": what a person reads of a time. */
void story_append_moment(struct story *story, uint64_t boot_ns, bool with_date)
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

void story_append_node(struct story *story, uint32_t position)
{
	const struct lm_answer_node *node = &story->view->nodes[position];
	enum style style = node->flags & LM_NODE_DETECTION ? STYLE_DETECTION :
			   node->flags & (LM_NODE_ENTRY | LM_NODE_EXIT) ? STYLE_ENTRY :
			   node->of == LM_OBJECT_KIND_PROCESS ? STYLE_BOLD : STYLE_PLAIN;

	story_append_styled(story, style, node->label);
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

/* A few of those that a group stands for. */
static void append_members(struct story *story, const struct lm_answer_node *group)
{
	uint32_t count = group->member_count < MEMBERS_TOLD ? group->member_count : MEMBERS_TOLD;

	for (uint32_t i = 0; i < count; i++) {
		const struct lm_process *process =
			index_process(story->view->index, group->members[i]);
		struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
		const char *slash;
		size_t skipped;

		lm_buffer_append_text(&story->out, i == 0 ? ": " : ", ");
		if (process) {
			lm_buffer_printf(&story->out, "%u", process->tgid);
			continue;
		}
		if (lm_index_path_seen(story->view->index, group->members[i], UINT64_MAX - 1,
				       &path) < 0)
			label_object(story->view->index, group->members[i], NULL, &path);
		slash = path.len > 0 ? memrchr(path.data, '/', path.len) : NULL;
		skipped = slash ? (size_t)(slash + 1 - (const char *)path.data) : 0;
		lm_buffer_append_escaped(&story->out,
			(struct lm_str){ (const char *)path.data + skipped,
					 (uint32_t)(path.len - skipped) });
		story->out.failed |= path.failed;
	}
	if (count < group->count && count > 0)
		lm_buffer_append_text(&story->out, ", ...");
}

static void append_introduction(struct story *story, uint32_t position)
{
	const struct lm_answer_node *node = &story->view->nodes[position];
	const struct lm_process *process =
		index_process(story->view->index, node->object);

	if (story->introduced[position])
		return;
	story->introduced[position] = true;
	if (node->count > 1)
		append_members(story, node);
	if (!process)
		return;
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
	struct lm_event event;

	if (edge->op != LM_OP_RENAME || story->view->nodes[edge->from].count > 1 ||
	    story->view->nodes[edge->to].count > 1 ||
	    lm_index_event(story->view->index, edge->event, &event) < 0 || !event.name ||
	    !event.name2)
		return false;
	/* The old name also influences whoever takes it: that is the same step. */
	story_append_node(story, story->view->nodes[edge->from].of == LM_OBJECT_KIND_PROCESS ?
					 edge->from : edge->to);
	lm_buffer_append_text(&story->out, " renamed ");
	append_name(story, event.name, event.begin_ns);
	lm_buffer_append_text(&story->out, " to ");
	append_name(story, event.name2, event.end_ns);
	return true;
}

/* A process that is there only for having started another one is told from that one's side. */
static bool append_starter(struct story *story, const struct lm_answer_edge *edge)
{
	if (!(story->view->nodes[edge->from].flags & LM_NODE_STARTER) || edge->op != LM_OP_FORK)
		return false;
	story_append_node(story, edge->to);
	lm_buffer_append_text(&story->out, " was started by ");
	story_append_node(story, edge->from);
	append_introduction(story, edge->from);
	return true;
}

/* A name that was not there influenced the one that looked for it. */
static bool append_absence(struct story *story, const struct lm_answer_edge *edge)
{
	struct lm_event event;

	if (!(story->view->nodes[edge->from].flags & LM_NODE_ABSENT) ||
	    lm_index_event(story->view->index, edge->event, &event) < 0 || event.result >= 0)
		return false;
	story_append_node(story, edge->to);
	lm_buffer_append_text(&story->out, " looked in vain for ");
	story_append_node(story, edge->from);
	append_introduction(story, edge->to);
	return true;
}

/* Who did what to whom. The one that acts is a process whenever one of the two is. */
static void append_step(struct story *story, const struct lm_answer_edge *edge)
{
	const struct lm_answer_node *nodes = story->view->nodes;
	bool from_process = nodes[edge->from].of == LM_OBJECT_KIND_PROCESS;
	bool to_process = nodes[edge->to].of == LM_OBJECT_KIND_PROCESS;
	uint32_t actor = from_process ? edge->from : edge->to;
	uint32_t other = from_process ? edge->to : edge->from;

	if (append_rename(story, edge) || append_starter(story, edge) ||
	    append_absence(story, edge))
		return;
	if (!from_process && !to_process) {
		story_append_node(story, edge->from);
		lm_buffer_append_text(&story->out,
			edge->op == LM_OP_NONE && strcmp(edge->op_name, "directory") == 0
				? " led to "
				: " went into ");
		story_append_node(story, edge->to);
		return;
	}
	story_append_node(story, actor);
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
	story_append_node(story, other);
	if (nodes[other].count > 1)
		append_introduction(story, other);
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
		story_append_styled(story, STYLE_ENTRY, "  <- entry point");
	if (to->flags & LM_NODE_EXIT)
		story_append_styled(story, STYLE_ENTRY, "  <- exit");
	if (to->flags & LM_NODE_DETECTION)
		story_append_styled(story, STYLE_DETECTION, "  <- detection point");
}

/* The process that acts sets the indentation. */
static uint32_t depth_of(const struct story *story, const struct lm_answer_edge *edge)
{
	const struct lm_answer_node *from = &story->view->nodes[edge->from];
	const struct lm_answer_node *to = &story->view->nodes[edge->to];

	return from->of == LM_OBJECT_KIND_PROCESS ? from->depth : to->depth;
}

static void append_line(struct story *story, const struct step *step)
{
	uint32_t depth = depth_of(story, step->edge);

	set_style(story, STYLE_DIM);
	story_append_moment(story, step->moment_ns, false);
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
		struct lm_event event;

		story->steps[i] = (struct step){
			.edge = edge,
			.moment_ns = lm_index_event(view->index, edge->event, &event) == 0 ?
				event.end_ns : edge->begin_ns,
			.into_process = view->nodes[edge->to].of == LM_OBJECT_KIND_PROCESS,
		};
	}
	story->step_count = view->edge_count;
	if (story->step_count > 0)
		qsort(story->steps, story->step_count, sizeof(*story->steps), compare_steps);
	return 0;
}

/* Both names of a renaming, and the file under them, were told with the first. */
static bool is_told(const struct story *story, uint32_t i)
{
	const struct lm_answer_edge *edge = story->steps[i].edge;
	const struct lm_answer_edge *before = i > 0 ? story->steps[i - 1].edge : NULL;
	const struct lm_answer_node *nodes = story->view->nodes;

	return before && edge->op == LM_OP_RENAME && before->op == LM_OP_RENAME &&
	       edge->event == before->event && !(nodes[edge->to].flags & LM_NODE_DETECTION) &&
	       nodes[edge->from].count == 1 && nodes[edge->to].count == 1;
}

int lm_answer_write_text(const struct lm_answer *answer, FILE *out, bool colour)
{
	struct lm_answer_view view = lm_answer_view(answer);
	struct story story LM_CLEANUP(release_story) = { .view = &view, .colour = colour };

	story.introduced = lm_array_new(view.node_count, sizeof(*story.introduced));
	if (!story.introduced || order_steps(&story) < 0)
		return -ENOMEM;
	story_append_heading(&story);
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
