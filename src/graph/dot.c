/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "answer.h"
#include "lemona/base/escape.h"
#include "lemona/graph/write.h"

#define LABEL_MAX_BYTES 60

/* Graphviz strings know only \" and, in labels, backslash sequences. */
static void append_quoted(struct lm_buffer *out, const struct lm_buffer *text)
{
	lm_buffer_append_byte(out, '"');
	for (size_t i = 0; i < text->len; i++) {
		char c = (char)text->data[i];

		if (c == '"' || c == '\\')
			lm_buffer_append_byte(out, '\\');
		if (c == '\n')
			lm_buffer_append_text(out, "\\n");
		else
			lm_buffer_append_byte(out, (uint8_t)c);
	}
	lm_buffer_append_byte(out, '"');
}

/* The end of a path says more than its start. */
static void append_shortened(struct lm_buffer *out, struct lm_str text)
{
	struct lm_buffer escaped LM_BUFFER = LM_BUFFER_INIT;
	size_t start;

	lm_buffer_append_escaped(&escaped, text);
	if (escaped.len <= LABEL_MAX_BYTES) {
		lm_buffer_append(out, escaped.data, escaped.len);
		return;
	}
	start = escaped.len - LABEL_MAX_BYTES;
	while (start < escaped.len && (escaped.data[start] & 0xc0) == 0x80)
		start++;
	lm_buffer_append_text(out, "...");
	lm_buffer_append(out, escaped.data + start, escaped.len - start);
}

static const char *shape_of(const struct lm_answer_node *node)
{
	if (node->count > 1)
		return "box3d";
	switch (node->kind) {
	case LM_OBJECT_KIND_PROCESS:
		return "box";
	case LM_OBJECT_KIND_SOCKET:
		return "diamond";
	case LM_OBJECT_KIND_NONE:
		return "box3d";
	case LM_OBJECT_KIND_NAME:
		return "note";
	default:
		return "ellipse";
	}
}

static const char *colour_of(const struct lm_answer_node *node)
{
	if (node->flags & LM_NODE_DETECTION)
		return "#f4b6b6";
	if (node->flags & (LM_NODE_ENTRY | LM_NODE_EXIT))
		return "#f6dc9a";
	return node->of == LM_OBJECT_KIND_PROCESS ? "#dce6f4" : "#f4f4f4";
}

static void append_node(struct lm_buffer *out, const struct lm_answer_view *view,
			const struct lm_answer_node *node)
{
	const struct lm_process *process = index_process(view->index, node->object);
	struct lm_buffer label LM_BUFFER = LM_BUFFER_INIT;

	append_shortened(&label, lm_str_from(node->label));
	if (process && process->argv.len > 0) {
		struct lm_buffer argv LM_BUFFER = LM_BUFFER_INIT;

		for (uint32_t i = 0; i < process->argv.len; i++)
			lm_buffer_append_byte(&argv, process->argv.data[i] ?
							     (uint8_t)process->argv.data[i] : ' ');
		if (argv.len > LABEL_MAX_BYTES)
			argv.len = LABEL_MAX_BYTES;
		lm_buffer_append_byte(&label, '\n');
		append_shortened(&label, (struct lm_str){ (const char *)argv.data,
							  (uint32_t)argv.len });
		if (lm_buffer_status(&argv) < 0)
			out->failed = true;
	}
	if (node->flags & LM_NODE_ENTRY)
		lm_buffer_append_text(&label, "\nentry point");
	if (node->flags & LM_NODE_EXIT)
		lm_buffer_append_text(&label, "\nexit");
	if (node->flags & LM_NODE_ABSENT)
		lm_buffer_append_text(&label, "\nwas not there");
	else if (node->flags & LM_NODE_REMOVED)
		lm_buffer_append_text(&label, "\nremoved");
	if (node->flags & LM_NODE_DETECTION)
		lm_buffer_append_text(&label, "\ndetection point");
	lm_buffer_printf(out, "  \"%s\" [shape=%s, fillcolor=\"%s\", label=", node->id,
			 shape_of(node), colour_of(node));
	append_quoted(out, &label);
	lm_buffer_append_text(out, "];\n");
	if (lm_buffer_status(&label) < 0)
		out->failed = true;
}

static void append_edge(struct lm_buffer *out, const struct lm_answer_view *view,
			const struct lm_answer_edge *edge, uint32_t number)
{
	lm_buffer_printf(out, "  \"%s\" -> \"%s\" [label=\"%u. %s", view->nodes[edge->from].id,
			 view->nodes[edge->to].id, number, edge->op_name);
	if (edge->count > 1)
		lm_buffer_printf(out, " x%" PRIu64, edge->count);
	lm_buffer_printf(out, "\"%s];\n", edge->control ? "" : ", style=dashed");
}

/* What is known to be missing, and what is not shown. */
static void append_notes(struct lm_buffer *out, const struct lm_answer_view *view)
{
	uint64_t lost = 0;

	for (uint32_t i = 0; i < view->gap_count; i++)
		lost += view->gaps[i]->count;
	if (view->complete)
		lm_buffer_append_text(out, "complete");
	else
		lm_buffer_append_text(out, "INCOMPLETE:");
	if (view->gap_count > 0)
		lm_buffer_printf(out, " %u gap%s, at least %" PRIu64 " events missing",
				 view->gap_count, view->gap_count == 1 ? "" : "s", lost);
	if (view->cut)
		lm_buffer_append_text(out, " the log was cut off");
	if (view->limited)
		lm_buffer_append_text(out, " the limit of nodes was reached");
	if (view->intersected)
		lm_buffer_append_text(out, view->nothing_common ?
			"; nothing is common to all detection points" :
			"; only what is common to all detection points");
	if (view->shown.paths > 0)
		lm_buffer_printf(out, "; shown: %u of %u nodes on the %u most telling path%s "
				 "(--top all: the rest)", view->node_count, view->shown.of_nodes,
				 view->shown.paths, view->shown.paths == 1 ? "" : "s");
	for (uint32_t i = 0; i < view->hidden_count; i++)
		lm_buffer_printf(out, "%s%s %" PRIu64, i > 0 ? ", " : "; hidden: ",
				 lm_filter_name(view->hidden[i].filter), view->hidden[i].objects);
}

int lm_answer_write_dot(const struct lm_answer *answer, FILE *out)
{
	struct lm_answer_view view = lm_answer_view(answer);
	struct lm_buffer buf LM_BUFFER = LM_BUFFER_INIT, notes LM_BUFFER = LM_BUFFER_INIT;

	append_notes(&notes, &view);
	lm_buffer_printf(&buf, "digraph lemona {\n  rankdir=LR;\n  labelloc=b;\n  label=");
	append_quoted(&buf, &notes);
	lm_buffer_append_text(&buf,
		";\n  node [style=filled, fontname=\"sans-serif\", fontsize=10];\n"
		"  edge [fontname=\"sans-serif\", fontsize=8];\n");
	for (uint32_t i = 0; i < view.node_count; i++)
		append_node(&buf, &view, &view.nodes[i]);
	for (uint32_t i = 0; i < view.edge_count; i++)
		append_edge(&buf, &view, &view.edges[i], i + 1);
	lm_buffer_append_text(&buf, "}\n");
	if (lm_buffer_status(&buf) < 0 || lm_buffer_status(&notes) < 0)
		return -ENOMEM;
	if (fwrite(buf.data, 1, buf.len, out) != buf.len || fflush(out) != 0)
		return -EIO;
	return 0;
}
