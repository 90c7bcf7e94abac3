/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "answer_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/label.h"

/*
 * GraphML 1.0 (graphml.graphdrawing.org). Gephi shows what is called "label"; yEd maps any data to
 * what it draws.
 */
enum key {
	NODE_LABEL, NODE_KIND, NODE_FIRST, NODE_LAST, NODE_PATH, NODE_PID, NODE_UID, NODE_COMMAND,
	NODE_INODE, NODE_DEVICE, NODE_LOCAL, NODE_REMOTE, NODE_DETECTION, NODE_ENTRY,
	NODE_EXIT, NODE_ABSENT, NODE_REMOVED, NODE_MEMBERS,
	EDGE_LABEL, EDGE_CONTROL, EDGE_BEGIN, EDGE_END, EDGE_COUNT, EDGE_BYTES, EDGE_EVENT,
	EDGE_CLAIMED, EDGE_SCORE, GRAPH_HOST, GRAPH_DIRECTION, GRAPH_COMPLETE, GRAPH_GAPS,
	KEYS,
};

static const struct {
	const char *of, *name, *type;
} keys[KEYS] = {
	[NODE_LABEL] = { "node", "label", "string" },
	[NODE_KIND] = { "node", "kind", "string" },
	[NODE_FIRST] = { "node", "first", "string" },
	[NODE_LAST] = { "node", "last", "string" },
	[NODE_PATH] = { "node", "path", "string" },
	[NODE_PID] = { "node", "pid", "long" },
	[NODE_UID] = { "node", "uid", "long" },
	[NODE_COMMAND] = { "node", "command_line", "string" },
	[NODE_INODE] = { "node", "inode", "string" },
	[NODE_DEVICE] = { "node", "device", "string" },
	[NODE_LOCAL] = { "node", "local", "string" },
	[NODE_REMOTE] = { "node", "remote", "string" },
	[NODE_DETECTION] = { "node", "detection", "boolean" },
	[NODE_ENTRY] = { "node", "entry", "boolean" },
	[NODE_EXIT] = { "node", "exit", "boolean" },
	[NODE_ABSENT] = { "node", "absent", "boolean" },
	[NODE_REMOVED] = { "node", "removed", "boolean" },
	[NODE_MEMBERS] = { "node", "members", "long" },
	[EDGE_LABEL] = { "edge", "label", "string" },
	[EDGE_CONTROL] = { "edge", "control", "string" },
	[EDGE_BEGIN] = { "edge", "begin", "string" },
	[EDGE_END] = { "edge", "end", "string" },
	[EDGE_COUNT] = { "edge", "count", "long" },
	[EDGE_BYTES] = { "edge", "bytes", "long" },
	[EDGE_EVENT] = { "edge", "event", "long" },
	[EDGE_CLAIMED] = { "edge", "claimed", "boolean" },
	[EDGE_SCORE] = { "edge", "score", "long" },
	[GRAPH_HOST] = { "graph", "host", "string" },
	[GRAPH_DIRECTION] = { "graph", "direction", "string" },
	[GRAPH_COMPLETE] = { "graph", "complete", "boolean" },
	[GRAPH_GAPS] = { "graph", "gaps", "long" },
};

/* Char of XML 1.0, section 2.2; but without what an editor of text would act on. */
static bool is_xml_char(uint32_t point)
{
	return point == '\t' || point == '\n' || (point >= 0x20 && point < 0x7f) ||
	       (point > 0x9f && point <= 0xd7ff) || (point >= 0xe000 && point <= 0xfffd) ||
	       point >= 0x10000;
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void append_hex(struct lm_buffer *out, uint8_t byte)
{
	lm_buffer_append_text(out, "\\x");
	lm_buffer_append_hex(out, &byte, 1);
}

/* What XML cannot hold is written as in our JSON: \xHH, and a backslash that reads so as \x5c. */
static void append_xml(struct lm_buffer *out, struct lm_str text)
{
	const uint8_t *p = (const uint8_t *)text.data;

	for (uint32_t i = 0; i < text.len;) {
		uint32_t point = 0, left = text.len - i;
		uint32_t len = lm_utf8_measure(p + i, left, &point);
		bool reads_so = left >= 4 && p[i] == '\\' && p[i + 1] == 'x' &&
			is_hex(p[i + 2]) && is_hex(p[i + 3]);

		if (len == 0 || !is_xml_char(point) || reads_so) {
			for (uint32_t n = len ? len : 1; n > 0; n--)
				append_hex(out, p[i++]);
			continue;
		}
		if (point == '&' || point == '<' || point == '>' || point == '"')
			lm_buffer_printf(out, "&#%u;", point);
		else
			lm_buffer_append(out, p + i, len);
		i += len;
	}
}

static void put_data(struct lm_buffer *out, enum key key, struct lm_str value)
{
	lm_buffer_printf(out, "<data key=\"k%u\">", (unsigned int)key);
	append_xml(out, value);
	lm_buffer_append_text(out, "</data>");
}

static void put_word(struct lm_buffer *out, enum key key, const char *value)
{
	if (value && value[0])
		put_data(out, key, lm_str_from(value));
}

/* A long has a sign; inodes, which may need all bits, are strings. */
static void put_number(struct lm_buffer *out, enum key key, uint64_t value)
{
	if (value > INT64_MAX && key != NODE_INODE)
		value = INT64_MAX;
	lm_buffer_printf(out, "<data key=\"k%u\">%" PRIu64 "</data>", (unsigned int)key, value);
}

static void put_truth(struct lm_buffer *out, enum key key, bool value)
{
	put_word(out, key, value ? "true" : "false");
}

static void put_time(struct lm_buffer *out, enum key key, const struct graph_source *source,
	uint64_t time_ns)
{
	char text[LM_TIME_TEXT_BYTES];

	lm_time_format(graph_wall_ns(source, time_ns), text);
	put_word(out, key, text);
}

static void put_built(struct lm_buffer *out, enum key key, const struct lm_buffer *text)
{
	if (text->len)
		put_data(out, key,
			(struct lm_str){ (const char *)text->data, (uint32_t)text->len });
	if (lm_buffer_status(text) < 0)
		out->failed = true;
}

static void put_address(struct lm_buffer *out, enum key key, const struct lm_address *address)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_address_append(address, &text);
	put_built(out, key, &text);
}

static void put_command(struct lm_buffer *out, struct lm_str argv)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	for (uint32_t i = 0; i < argv.len; i++)
		if (argv.data[i])
			lm_buffer_append_byte(&text, (uint8_t)argv.data[i]);
		else if (i + 1 < argv.len)
			lm_buffer_append_byte(&text, ' ');
	put_built(out, NODE_COMMAND, &text);
}

static void put_facts(struct lm_buffer *out, const struct graph_source *source, uint32_t number)
{
	struct lm_object object;

	if (graph_object(source, number, &object) < 0)
		return;
	switch ((enum lm_object_kind)object.kind) {
	case LM_OBJECT_KIND_PROCESS:
		put_number(out, NODE_PID, object.process.tgid);
		put_number(out, NODE_UID, object.process.uid);
		put_command(out, object.process.argv);
		break;
	case LM_OBJECT_KIND_FILE:
		put_number(out, NODE_INODE, object.file.inode);
		lm_buffer_printf(out, "<data key=\"k%u\">%u:%u</data>", (unsigned int)NODE_DEVICE,
			object.file.dev >> 20, object.file.dev & 0xfffff);
		break;
	case LM_OBJECT_KIND_SOCKET:
		put_address(out, NODE_LOCAL, &object.socket.local);
		put_address(out, NODE_REMOTE, &object.socket.remote);
		break;
	default:
		break;
	}
}

static void put_node(struct lm_buffer *out, const struct graph_source *source, uint32_t number)
{
	const struct lm_answer_node *node = &source->view.nodes[number];

	lm_buffer_printf(out, "<node id=\"%s\">", node->id);
	put_word(out, NODE_LABEL, node->label);
	put_word(out, NODE_KIND, node->object ? lm_object_kind_name(node->kind) : "group");
	put_time(out, NODE_FIRST, source, node->first_ns);
	put_time(out, NODE_LAST, source, node->last_ns);
	put_word(out, NODE_PATH, node->path);
	put_facts(out, source, number);
	put_truth(out, NODE_DETECTION, node->flags & LM_NODE_DETECTION);
	put_truth(out, NODE_ENTRY, node->flags & LM_NODE_ENTRY);
	put_truth(out, NODE_EXIT, node->flags & LM_NODE_EXIT);
	if (node->flags & LM_NODE_ABSENT)
		put_truth(out, NODE_ABSENT, true);
	if (node->flags & LM_NODE_REMOVED)
		put_truth(out, NODE_REMOVED, true);
	if (!node->object)
		put_number(out, NODE_MEMBERS, node->count);
	lm_buffer_append_text(out, "</node>\n");
}

static void put_edge(struct lm_buffer *out, const struct graph_source *source, uint32_t number)
{
	const struct lm_answer_view *view = &source->view;
	const struct lm_answer_edge *edge = &view->edges[number];

	lm_buffer_printf(out, "<edge id=\"e%u\" source=\"%s\" target=\"%s\">", number + 1,
		view->nodes[edge->from].id, view->nodes[edge->to].id);
	put_word(out, EDGE_LABEL, edge->op_name);
	put_word(out, EDGE_CONTROL, edge->control ? "high" : "low");
	put_time(out, EDGE_BEGIN, source, edge->begin_ns);
	put_time(out, EDGE_END, source, edge->end_ns);
	put_number(out, EDGE_COUNT, edge->count);
	put_number(out, EDGE_BYTES, edge->bytes);
	if (edge->event)
		put_number(out, EDGE_EVENT, edge->event);
	if (edge->claimed)
		put_truth(out, EDGE_CLAIMED, true);
	if (view->scored)
		put_number(out, EDGE_SCORE, edge->score.total);
	lm_buffer_append_text(out, "</edge>\n");
}

static void put_head(struct lm_buffer *out, const struct graph_source *source)
{
	lm_buffer_append_text(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n");
	for (unsigned int i = 0; i < KEYS; i++)
		lm_buffer_printf(out, "<key id=\"k%u\" for=\"%s\" attr.name=\"%s\" "
			"attr.type=\"%s\"/>\n", i, keys[i].of, keys[i].name, keys[i].type);
	lm_buffer_append_text(out, "<graph id=\"answer\" edgedefault=\"directed\">\n");
	put_word(out, GRAPH_HOST, source->meta->host);
	put_word(out, GRAPH_DIRECTION, graph_direction(source));
	put_truth(out, GRAPH_COMPLETE, source->view.complete);
	put_number(out, GRAPH_GAPS, source->view.gap_count);
	lm_buffer_append_byte(out, '\n');
}

/* Keep memory flat: a big answer goes out piece by piece. */
static int flush(struct lm_buffer *buf, FILE *out)
{
	int r = lm_buffer_status(buf);

	if (r == 0 && buf->len > 0 && fwrite(buf->data, 1, buf->len, out) != buf->len)
		r = -EIO;
	lm_buffer_reset(buf);
	return r;
}

int graph_write_graphml(const struct graph_source *source)
{
	struct lm_buffer buf LM_BUFFER = LM_BUFFER_INIT;
	FILE *out = source->out;
	int r;

	put_head(&buf, source);
	r = flush(&buf, out);
	for (uint32_t i = 0; i < source->view.node_count && r == 0; i++) {
		put_node(&buf, source, i);
		r = flush(&buf, out);
	}
	for (uint32_t i = 0; i < source->view.edge_count && r == 0; i++) {
		put_edge(&buf, source, i);
		r = flush(&buf, out);
	}
	lm_buffer_append_text(&buf, "</graph>\n</graphml>\n");
	if (r == 0)
		r = flush(&buf, out);
	return r == 0 && fflush(out) != 0 ? -EIO : r;
}
