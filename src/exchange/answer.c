/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "answer_internal.h"
#include "lemona/event/label.h"

/* What is known of an object from the events alone. */
static int object_of_label(const struct lm_label *label, struct lm_object *ret_object)
{
	struct lm_object object = { .kind = label->kind, .flags = label->flags };

	switch ((enum lm_object_kind)label->kind) {
	case LM_OBJECT_KIND_NONE:
		return -ENOENT;
	case LM_OBJECT_KIND_PROCESS:
		if (!label->process.all)
			return -ENOENT;
		object.process = *label->process.all;
		break;
	case LM_OBJECT_KIND_FILE:
		object.file.inode = label->file.inode;
		object.file.dev = label->file.dev;
		object.file.mode = label->file.mode;
		break;
	case LM_OBJECT_KIND_SOCKET:
		object.socket.local = label->socket.local;
		object.socket.remote = label->socket.remote;
		break;
	default:
		break;
	}
	*ret_object = object;
	return 0;
}

int graph_object(const struct graph_source *source, uint32_t node, struct lm_object *ret_object)
{
	lm_object_id id = source->view.nodes[node].object;

	if (!id)
		return -ENOENT;
	if (source->view.index)
		return lm_index_object(source->view.index, id, ret_object);
	return object_of_label(lm_labels_get(source->labels, id), ret_object);
}

uint64_t graph_wall_ns(const struct graph_source *source, uint64_t time_ns)
{
	return source->view.index ? lm_index_wall_ns(source->view.index, time_ns) : time_ns;
}

const char *graph_direction(const struct graph_source *source)
{
	if (!source->view.index)
		return NULL;
	return source->view.direction == LM_BACKWARD ? "backward" : "forward";
}

static struct graph_source source_of(const struct lm_answer *answer,
	const struct lm_log_meta *meta, FILE *out)
{
	return (struct graph_source){
		.view = lm_answer_view(answer), .meta = meta, .title = "the answer", .out = out,
	};
}

int lm_export_answer_prov(const struct lm_answer *answer, const struct lm_log_meta *meta, FILE *out)
{
	const struct graph_source source = source_of(answer, meta, out);

	return graph_write_prov(&source);
}

int lm_export_answer_graphml(const struct lm_answer *answer, const struct lm_log_meta *meta,
	FILE *out)
{
	const struct graph_source source = source_of(answer, meta, out);

	return graph_write_graphml(&source);
}
