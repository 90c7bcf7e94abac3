/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "answer.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/attributes.h"
#include "lemona/graph/write.h"

/* docs/formats/graph.md; members come in the order of that page. */

static void append_time(struct lm_buffer *out, const char *key, const struct lm_index *index,
			uint64_t boot_ns)
{
	char text[LM_TIME_TEXT_BYTES];

	lm_time_format(lm_index_wall_ns(index, boot_ns), text);
	lm_buffer_printf(out, "\"%s\":\"%s\"", key, text);
}

static void append_string(struct lm_buffer *out, const char *key, struct lm_str value)
{
	lm_buffer_printf(out, ",\"%s\":", key);
	lm_buffer_append_json(out, value);
}

static void append_argv(struct lm_buffer *out, const struct lm_process *process)
{
	const char *at = process->argv.data, *end = at + process->argv.len;

	lm_buffer_append_text(out, ",\"argv\":[");
	for (bool first = true; process->argv.len > 0 && at < end; first = false) {
		const char *stop = memchr(at, '\0', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);

		if (!first)
			lm_buffer_append_byte(out, ',');
		lm_buffer_append_json(out, (struct lm_str){ at, (uint32_t)len });
		at += len + 1;
	}
	lm_buffer_append_byte(out, ']');
	if (process->argv_cut)
		lm_buffer_append_text(out, ",\"argv_cut\":true");
}

/* What the file held at a time, or why that is not known. */
static void append_content(struct lm_buffer *out, const struct lm_index *index, lm_object_id file,
			   uint64_t at_ns)
{
	bool sure = false;
	const struct lm_content *content = index_content(index, file, at_ns, &sure);

	if (!content)
		return;
	if (content->state != LM_CONTENT_HASHED) {
		lm_buffer_printf(out, ",\"unhashed\":\"%s\"",
			lm_content_state_name(content->state));
		return;
	}
	lm_buffer_append_text(out, ",\"sha256\":\"");
	lm_buffer_append_hex(out, content->sha256, sizeof(content->sha256));
	lm_buffer_printf(out, "\",\"sha256_sure\":%s", sure ? "true" : "false");
}

static void append_process(struct lm_buffer *out, const struct lm_index *index,
			   const struct lm_answer_node *node, const struct lm_process *process)
{
	const struct lm_process *parent = index_process(index, process->parent);

	lm_buffer_printf(out, ",\"pid\":%u,\"ppid\":%u,\"version\":%u", process->tgid,
			 parent ? parent->tgid : 0, process->version);
	append_string(out, "comm", process->comm);
	if (node->path)
		append_string(out, "exe", lm_str_from(node->path));
	append_content(out, index, process->exe, index_first_ns(index, node->object));
	append_argv(out, process);
	lm_buffer_printf(out, ",\"uid\":%u,\"euid\":%u,\"gid\":%u", process->uid, process->euid,
			 process->gid);
	lm_attributes_append_json(process, index_cgroup_path(index, process->cgroup), out);
}

static void append_inode(struct lm_buffer *out, uint64_t inode, uint32_t dev)
{
	lm_buffer_printf(out, ",\"inode\":%" PRIu64 ",\"device\":\"", inode);
	label_device(dev, out);
	lm_buffer_append_byte(out, '"');
}

static void append_file(struct lm_buffer *out, const struct lm_index *index,
			const struct lm_answer_node *node,
			const struct lm_file *file)
{
	if (node->path)
		append_string(out, "path", lm_str_from(node->path));
	append_inode(out, file->inode, file->dev);
	append_content(out, index, node->object, UINT64_MAX);
}

/* Memory is a file without a name. */
static void append_memory(struct lm_buffer *out, const struct lm_index *index, lm_object_id id)
{
	struct lm_object object;

	if (lm_index_object(index, id, &object) == 0)
		append_inode(out, object.memory.inode, object.memory.dev);
}

static void append_address(struct lm_buffer *out, const char *key, const struct lm_address *address)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	label_address(address, &text);
	if (lm_buffer_status(&text) < 0)
		out->failed = true;
	else if (text.len > 0)
		append_string(
			out, key, (struct lm_str){ (const char *)text.data, (uint32_t)text.len });
}

/* How many it stands for, and the ids of the first ones. */
static void append_group(struct lm_buffer *out, const struct lm_index *index,
			 const struct lm_answer_node *group)
{
	lm_buffer_printf(out, ",\"of\":\"%s\",\"count\":%" PRIu64, label_kind(group->of),
			 group->count);
	if (group->member_count == 0)
		return;
	lm_buffer_append_text(out, ",\"members\":[");
	for (uint32_t i = 0; i < group->member_count; i++) {
		char id[sizeof(group->id)];

		answer_id(index, group->members[i], id);
		lm_buffer_printf(out, "%s\"%s\"", i > 0 ? "," : "", id);
	}
	lm_buffer_append_byte(out, ']');
}

static void append_node(struct lm_buffer *out, const struct lm_answer_view *view,
			const struct lm_answer_node *node)
{
	const struct lm_process *process = index_process(view->index, node->object);
	const struct lm_file *file = index_file(view->index, node->object);
	const struct lm_socket *socket = index_socket(view->index, node->object);

	lm_buffer_printf(out, "{\"id\":\"%s\",\"kind\":\"%s\"", node->id, label_kind(node->kind));
	append_string(out, "label", lm_str_from(node->label));
	lm_buffer_append_byte(out, ',');
	append_time(out, "first", view->index, node->first_ns);
	lm_buffer_append_byte(out, ',');
	append_time(out, "last", view->index, node->last_ns);
	if (process)
		append_process(out, view->index, node, process);
	else if (file)
		append_file(out, view->index, node, file);
	else if (node->kind == LM_OBJECT_KIND_MEMORY)
		append_memory(out, view->index, node->object);
	else if (node->kind == LM_OBJECT_KIND_NAME && node->path)
		append_string(out, "path", lm_str_from(node->path));
	if (socket) {
		append_address(out, "local", &socket->local);
		append_address(out, "remote", &socket->remote);
		if (index_flags(view->index, node->object) & LM_OBJECT_CLAIMED)
			lm_buffer_append_text(out, ",\"claimed\":true");
	}
	if (node->kind == LM_OBJECT_KIND_NONE)
		append_group(out, view->index, node);
	if (node->flags & LM_NODE_REMOVED)
		lm_buffer_append_text(out, ",\"removed\":true");
	if (node->flags & LM_NODE_ABSENT)
		lm_buffer_append_text(out, ",\"absent\":true");
	lm_buffer_printf(out, ",\"detection\":%s,\"entry\":%s,\"exit\":%s}",
			 node->flags & LM_NODE_DETECTION ? "true" : "false",
			 node->flags & LM_NODE_ENTRY ? "true" : "false",
			 node->flags & LM_NODE_EXIT ? "true" : "false");
}

/* Thousandths are told as decimal fractions. */
static void append_score(struct lm_buffer *out, const struct lm_score *score)
{
	const struct {
		const char *name;
		uint16_t part;
	} parts[] = {
		{ "total", score->total }, { "rarity", score->rarity }, { "fan", score->fan },
		{ "data", score->data }, { "nearness", score->nearness },
		{ "control", score->control },
	};

	lm_buffer_append_text(out, ",\"score\":{");
	for (size_t i = 0; i < LM_ARRAY_SIZE(parts); i++)
		lm_buffer_printf(out, "%s\"%s\":%u.%03u", i > 0 ? "," : "", parts[i].name,
				 parts[i].part / 1000u, parts[i].part % 1000u);
	lm_buffer_append_byte(out, '}');
}

static void append_edge(struct lm_buffer *out, const struct lm_answer_view *view,
			const struct lm_answer_edge *edge)
{
	lm_buffer_printf(out, "{\"from\":\"%s\",\"to\":\"%s\",\"op\":\"%s\",\"control\":\"%s\",",
			 view->nodes[edge->from].id, view->nodes[edge->to].id, edge->op_name,
			 edge->control ? "high" : "low");
	append_time(out, "begin", view->index, edge->begin_ns);
	lm_buffer_append_byte(out, ',');
	append_time(out, "end", view->index, edge->end_ns);
	lm_buffer_printf(
		out, ",\"count\":%" PRIu64 ",\"bytes\":%" PRIu64, edge->count, edge->bytes);
	if (edge->event)
		lm_buffer_printf(out, ",\"event\":\"%" PRIu64 "\"", edge->event);
	if (edge->claimed)
		lm_buffer_append_text(out, ",\"claimed\":true");
	if (view->scored)
		append_score(out, &edge->score);
	lm_buffer_append_byte(out, '}');
}

static void append_gap(struct lm_buffer *out, const struct lm_answer_view *view,
		       const struct lm_gap *gap)
{
	uint64_t first_ns, last_ns;

	lm_index_span(view->index, &first_ns, &last_ns);
	lm_buffer_append_byte(out, '{');
	append_time(out, "begin", view->index, gap->begin_ns);
	lm_buffer_append_byte(out, ',');
	append_time(out, "end", view->index,
		    gap->end_ns != UINT64_MAX ? gap->end_ns :
		    last_ns > gap->begin_ns   ? last_ns :
						gap->begin_ns);
	if (gap->count > 0)
		lm_buffer_printf(out, ",\"events\":%" PRIu64, gap->count);
	else
		lm_buffer_append_text(out, ",\"events\":null");
	lm_buffer_append_text(out, ",\"reason\":");
	lm_buffer_append_json(out, lm_str_from(lm_gap_reason_name(gap->reason)));
	lm_buffer_append_byte(out, '}');
}

/* Keep memory flat: a big graph goes out piece by piece. */
static int flush(struct lm_buffer *buf, FILE *out)
{
	int r = lm_buffer_status(buf);

	if (r == 0 && buf->len > 0 && fwrite(buf->data, 1, buf->len, out) != buf->len)
		r = -EIO;
	lm_buffer_reset(buf);
	return r;
}

static int write_members(const struct lm_answer_view *view, FILE *out)
{
	struct lm_buffer buf LM_BUFFER = LM_BUFFER_INIT;
	int r = 0;

	lm_buffer_append_text(&buf, "\"nodes\":[");
	for (uint32_t i = 0; i < view->node_count && r == 0; i++) {
		lm_buffer_append_text(&buf, i > 0 ? ",\n" : "\n");
		append_node(&buf, view, &view->nodes[i]);
		r = flush(&buf, out);
	}
	lm_buffer_append_text(&buf, "],\n\"edges\":[");
	for (uint32_t i = 0; i < view->edge_count && r == 0; i++) {
		lm_buffer_append_text(&buf, i > 0 ? ",\n" : "\n");
		append_edge(&buf, view, &view->edges[i]);
		r = flush(&buf, out);
	}
	lm_buffer_append_text(&buf, "],\n\"hidden\":[");
	for (uint32_t i = 0; i < view->hidden_count && r == 0; i++)
		lm_buffer_printf(&buf,
			"%s{\"filter\":\"%s\",\"objects\":%" PRIu64 ",\"events\":%" PRIu64 "}",
			i > 0 ? ",\n" : "\n", lm_filter_name(view->hidden[i].filter),
			view->hidden[i].objects, view->hidden[i].events);
	lm_buffer_append_text(&buf, "],\n\"gaps\":[");
	for (uint32_t i = 0; i < view->gap_count && r == 0; i++) {
		lm_buffer_append_text(&buf, i > 0 ? ",\n" : "\n");
		append_gap(&buf, view, view->gaps[i]);
		r = flush(&buf, out);
	}
	lm_buffer_append_text(&buf, "]}\n");
	return r < 0 ? r : flush(&buf, out);
}

int lm_answer_write_json(const struct lm_answer *answer, FILE *out)
{
	struct lm_answer_view view = lm_answer_view(answer);
	struct lm_buffer buf LM_BUFFER = LM_BUFFER_INIT;
	int r;

	lm_buffer_printf(&buf, "{\"version\":1,\"direction\":\"%s\"",
			 view.direction == LM_BACKWARD ? "backward" : "forward");
	append_string(&buf, "host", lm_str_from(view.index->host));
	if (view.index->imported[0])
		append_string(&buf, "imported", lm_str_from(view.index->imported));
	lm_buffer_printf(&buf, ",\"complete\":%s,\"limited\":%s,", view.complete ? "true" : "false",
			 view.limited ? "true" : "false");
	append_time(&buf, "begin", view.index, view.first_ns);
	lm_buffer_append_byte(&buf, ',');
	append_time(&buf, "end", view.index, view.last_ns);
	if (view.shown.paths > 0)
		lm_buffer_printf(&buf, ",\"shown\":{\"paths\":%u,\"of_nodes\":%u,\"of_edges\":%u}",
				 view.shown.paths, view.shown.of_nodes, view.shown.of_edges);
	lm_buffer_append_text(&buf, ",\n");
	r = flush(&buf, out);
	if (r == 0)
		r = write_members(&view, out);
	return r == 0 && fflush(out) != 0 ? -EIO : r;
}
