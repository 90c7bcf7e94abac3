/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "answer_internal.h"
#include "export_put.h"
#include "lemona/base/map.h"

/*
 * The PROV-JSON Serialization, W3C Member Submission of 24 April 2013. Identifiers of an answer's
 * nodes are unique within their log; the boot makes them so among logs. What PROV has no attribute
 * for is in a vocabulary of ours, whose name belongs to nobody (RFC 2606).
 */
#define VOCABULARY "https://lemona.invalid/ns#"

enum relation { USED, GENERATED, INFORMED, DERIVED, RELATIONS };

static const struct {
	const char *name, *to, *from, *prefix;
} relations[RELATIONS] = {
	[USED] = { "used", "prov:activity", "prov:entity", "u" },
	[GENERATED] = { "wasGeneratedBy", "prov:entity", "prov:activity", "g" },
	[INFORMED] = { "wasInformedBy", "prov:informed", "prov:informant", "i" },
	[DERIVED] = { "wasDerivedFrom", "prov:generatedEntity", "prov:usedEntity", "d" },
};

struct document {
	const struct graph_source *source;
	const struct lm_answer_view *view;
	struct lm_buffer out;
};

/* A group of processes is one too. */
static bool is_activity(const struct document *document, uint32_t node)
{
	return document->view->nodes[node].of == LM_OBJECT_KIND_PROCESS;
}

/* Influence runs from source to sink; PROV tells what the sink owes to the source. */
static enum relation relation_of(const struct document *document, const struct lm_answer_edge *edge)
{
	if (is_activity(document, edge->to))
		return is_activity(document, edge->from) ? INFORMED : USED;
	return is_activity(document, edge->from) ? GENERATED : DERIVED;
}

/* Keep memory flat: a big answer goes out piece by piece. Its last byte stays: commas ask it. */
static int flush(struct document *document)
{
	struct lm_buffer *out = &document->out;
	int r = lm_buffer_status(out);

	if (r < 0 || out->len < 2)
		return r;
	uint8_t last = out->data[out->len - 1];

	if (fwrite(out->data, 1, out->len - 1, document->source->out) != out->len - 1)
		return -EIO;
	out->data[0] = last;
	out->len = 1;
	return 0;
}

static void put_name(struct lm_buffer *out, const char *key, const char *id)
{
	char name[32];

	snprintf(name, sizeof(name), "log:%s", id);
	put_text(out, key, name);
}

static void put_boot_time(struct document *document, const char *key, uint64_t boot_ns)
{
	put_time(&document->out, key, graph_wall_ns(document->source, boot_ns));
}

/* What it is in the answer. */
static void put_marks(struct lm_buffer *out, const struct lm_answer_node *node)
{
	if (node->flags & LM_NODE_DETECTION)
		put_bool(out, "lemona:detection", true);
	if (node->flags & LM_NODE_ENTRY)
		put_bool(out, "lemona:entry", true);
	if (node->flags & LM_NODE_EXIT)
		put_bool(out, "lemona:exit", true);
	if (node->flags & LM_NODE_ABSENT)
		put_bool(out, "lemona:absent", true);
	if (node->flags & LM_NODE_REMOVED)
		put_bool(out, "lemona:removed", true);
	if (!node->object)
		put_u64(out, "lemona:members", node->count);
}

static void put_activity(struct document *document, uint32_t number)
{
	const struct lm_answer_node *node = &document->view->nodes[number];
	struct lm_buffer *out = &document->out;
	char name[32];
	struct lm_object object;

	snprintf(name, sizeof(name), "log:%s", node->id);
	put_open(out, name);
	put_boot_time(document, "prov:startTime", node->first_ns);
	put_boot_time(document, "prov:endTime", node->last_ns);
	put_text(out, "prov:label", node->label);
	if (graph_object(document->source, number, &object) == 0) {
		put_u64(out, "lemona:pid", object.process.tgid);
		put_u64(out, "lemona:version", object.process.version);
		put_command_line(out, "lemona:commandLine", object.process.argv);
	}
	put_text(out, "lemona:executable", node->path);
	put_marks(out, node);
	put_close(out);
}

static void put_entity_facts(struct document *document, uint32_t number)
{
	struct lm_buffer *out = &document->out;
	struct lm_object object;

	if (graph_object(document->source, number, &object) < 0)
		return;
	switch ((enum lm_object_kind)object.kind) {
	case LM_OBJECT_KIND_FILE:
		put_u64(out, "lemona:inode", object.file.inode);
		put_device(out, "lemona:device", object.file.dev);
		break;
	case LM_OBJECT_KIND_SOCKET:
		put_address(out, "lemona:local", &object.socket.local);
		put_address(out, "lemona:remote", &object.socket.remote);
		break;
	default:
		break;
	}
}

static const char *kind_of(const struct lm_answer_node *node)
{
	return node->object ? lm_object_kind_name(node->kind) : "group";
}

static void put_entity_of(struct document *document, uint32_t number)
{
	const struct lm_answer_node *node = &document->view->nodes[number];
	struct lm_buffer *out = &document->out;
	char name[32], type[48];

	snprintf(name, sizeof(name), "log:%s", node->id);
	snprintf(type, sizeof(type), "lemona:%s", kind_of(node));
	put_open(out, name);
	put_text(out, "prov:label", node->label);
	put_open(out, "prov:type");
	put_text(out, "$", type);
	put_text(out, "type", "prov:QUALIFIED_NAME");
	put_close(out);
	put_text(out, "lemona:path", node->path);
	put_entity_facts(document, number);
	put_marks(out, node);
	put_close(out);
}

/* Members of an object that is open. */
static int write_nodes(struct document *document, bool activities)
{
	int r = 0;

	for (uint32_t i = 0; i < document->view->node_count && r == 0; i++) {
		if (is_activity(document, i) != activities)
			continue;
		if (activities)
			put_activity(document, i);
		else
			put_entity_of(document, i);
		r = flush(document);
	}
	return r;
}

static void put_edge(struct document *document, uint32_t number, enum relation relation)
{
	const struct lm_answer_edge *edge = &document->view->edges[number];
	const struct lm_answer_node *nodes = document->view->nodes;
	struct lm_buffer *out = &document->out;
	char name[32];

	snprintf(name, sizeof(name), "_:%s%u", relations[relation].prefix, number + 1);
	put_open(out, name);
	put_name(out, relations[relation].to, nodes[edge->to].id);
	put_name(out, relations[relation].from, nodes[edge->from].id);
	/* Only these two are things that happen at a time. */
	if (relation == USED || relation == GENERATED)
		put_boot_time(document, "prov:time", edge->end_ns);
	put_text(out, "lemona:op", edge->op_name);
	put_text(out, "lemona:control", edge->control ? "high" : "low");
	put_boot_time(document, "lemona:begin", edge->begin_ns);
	put_boot_time(document, "lemona:end", edge->end_ns);
	put_u64(out, "lemona:count", edge->count);
	put_u64(out, "lemona:bytes", edge->bytes);
	if (edge->event)
		put_u64(out, "lemona:event", edge->event);
	if (edge->claimed)
		put_bool(out, "lemona:claimed", true);
	if (document->view->scored)
		put_u64(out, "lemona:score", edge->score.total);
	put_close(out);
}

static int write_edges(struct document *document, enum relation relation)
{
	int r = 0;

	put_open(&document->out, relations[relation].name);
	for (uint32_t i = 0; i < document->view->edge_count && r == 0; i++) {
		if (relation_of(document, &document->view->edges[i]) != relation)
			continue;
		put_edge(document, i, relation);
		r = flush(document);
	}
	put_close(&document->out);
	return r;
}

/* The user that a process runs as; false: not known. */
static bool user_of(const struct document *document, uint32_t node, uint32_t *ret_uid)
{
	struct lm_object object;

	if (document->view->nodes[node].kind != LM_OBJECT_KIND_PROCESS ||
		graph_object(document->source, node, &object) < 0)
		return false;
	*ret_uid = object.process.euid;
	return true;
}

/* Each user once. */
static int write_agents(struct document *document)
{
	struct lm_map known LM_MAP = LM_MAP_INIT;
	struct lm_buffer *out = &document->out;
	uint32_t uid = 0;
	int r = 0;

	put_open(out, "agent");
	for (uint32_t i = 0; i < document->view->node_count && r == 0; i++) {
		char name[32], label[32];

		if (!user_of(document, i, &uid) || lm_map_get(&known, uid))
			continue;
		snprintf(name, sizeof(name), "log:user%u", uid);
		snprintf(label, sizeof(label), "user %u", uid);
		put_open(out, name);
		put_text(out, "prov:label", label);
		put_u64(out, "lemona:uid", uid);
		put_close(out);
		r = lm_map_put(&known, uid, 1);
	}
	put_close(out);
	return r;
}

static int write_associations(struct document *document)
{
	struct lm_buffer *out = &document->out;
	uint32_t uid = 0;
	int r = 0;

	put_open(out, "wasAssociatedWith");
	for (uint32_t i = 0; i < document->view->node_count && r == 0; i++) {
		char name[32], agent[32];

		if (!user_of(document, i, &uid))
			continue;
		snprintf(name, sizeof(name), "_:a%u", i + 1);
		snprintf(agent, sizeof(agent), "log:user%u", uid);
		put_open(out, name);
		put_name(out, "prov:activity", document->view->nodes[i].id);
		put_text(out, "prov:agent", agent);
		put_close(out);
		r = flush(document);
	}
	put_close(out);
	return r;
}

static void put_prefixes(struct lm_buffer *out, const struct lm_log_meta *meta)
{
	char log[64];

	snprintf(log, sizeof(log), "urn:uuid:%s#", meta->boot_id);
	put_open(out, "prefix");
	put_text(out, "lemona", VOCABULARY);
	put_text(out, "log", meta->boot_id[0] ? log : "https://lemona.invalid/log#");
	put_close(out);
}

/* Of the whole: nothing may be taken for complete when it is not. */
static void put_answer(struct document *document)
{
	const struct lm_answer_view *view = document->view;
	struct lm_buffer *out = &document->out;

	put_open(out, "log:answer");
	put_text(out, "prov:label", document->source->title);
	put_text(out, "lemona:host", document->source->meta->host);
	put_text(out, "lemona:direction", graph_direction(document->source));
	put_bool(out, "lemona:complete", view->complete);
	put_u64(out, "lemona:gaps", view->gap_count);
	put_close(out);
}

static int write_document(struct document *document)
{
	struct lm_buffer *out = &document->out;
	int r;

	put_open(out, NULL);
	put_prefixes(out, document->source->meta);
	put_open(out, "entity");
	put_answer(document);
	r = write_nodes(document, false);
	put_close(out);
	put_open(out, "activity");
	if (r == 0)
		r = write_nodes(document, true);
	put_close(out);
	if (r == 0)
		r = write_agents(document);
	for (unsigned int relation = 0; relation < RELATIONS && r == 0; relation++)
		r = write_edges(document, (enum relation)relation);
	if (r == 0)
		r = write_associations(document);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
	return r;
}

int graph_write_prov(const struct graph_source *source)
{
	struct document document = {
		.source = source, .view = &source->view, .out = LM_BUFFER_INIT,
	};
	FILE *out = source->out;
	int r = write_document(&document);

	if (r == 0)
		r = lm_buffer_status(&document.out);
	if (r == 0 && fwrite(document.out.data, 1, document.out.len, out) != document.out.len)
		r = -EIO;
	lm_buffer_release(&document.out);
	return r == 0 && fflush(out) != 0 ? -EIO : r;
}
