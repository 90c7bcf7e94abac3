/* SPDX-License-Identifier: MIT */
#include "index-private.h"

uint32_t lm_index_object_count(const struct lm_index *index)
{
	return (uint32_t)(index->objects.count - 1);
}

uint64_t lm_index_event_count(const struct lm_index *index)
{
	return index->event_count;
}

enum lm_object_kind lm_index_kind(const struct lm_index *index, lm_object_id id)
{
	return id < index->objects.count ? index->objects.at[id].kind : LM_OBJECT_KIND_NONE;
}

int lm_index_object(const struct lm_index *index, lm_object_id id, struct lm_object *ret_object)
{
	const struct entry *entry;
	struct lm_object object = { .id = id };

	if (id == LM_OBJECT_NONE || id >= index->objects.count)
		return -ENOENT;
	entry = &index->objects.at[id];
	object.kind = entry->kind;
	object.flags = entry->flags;
	object.time_ns = entry->first_ns;
	switch (entry->kind) {
	case LM_OBJECT_KIND_PROCESS:
		object.process = index->processes.at[entry->slot];
		break;
	case LM_OBJECT_KIND_FILE:
		object.file = index->files.at[entry->slot];
		break;
	case LM_OBJECT_KIND_NAME:
		object.name = index->names.at[entry->slot];
		break;
	case LM_OBJECT_KIND_SOCKET:
		object.socket = index->sockets.at[entry->slot];
		break;
	case LM_OBJECT_KIND_PIPE:
		object.pipe = index->pipes.at[entry->slot];
		break;
	case LM_OBJECT_KIND_MEMORY:
		object.memory = index->memories.at[entry->slot];
		break;
	case LM_OBJECT_KIND_CGROUP:
		object.cgroup = index->cgroups.at[entry->slot];
		break;
	case LM_OBJECT_KIND_CONTENT:
		object.content = index->contents.at[entry->slot];
		break;
	default:
		break;
	}
	*ret_object = object;
	return 0;
}

const struct lm_name *index_name(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_NAME ?
		       &index->names.at[index->objects.at[id].slot] :
		       NULL;
}

const struct lm_process *index_process(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_PROCESS ?
		       &index->processes.at[index->objects.at[id].slot] :
		       NULL;
}

const struct lm_socket *index_socket(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_SOCKET ?
		       &index->sockets.at[index->objects.at[id].slot] :
		       NULL;
}

const struct lm_file *index_file(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_FILE ?
		       &index->files.at[index->objects.at[id].slot] :
		       NULL;
}

/* Change times are those of the last tick, which is 10 ms at most. */
#define TICK_NS UINT64_C(10000000)

const struct lm_content *index_content(const struct lm_index *index, lm_object_id file,
	uint64_t at_ns, bool *ret_sure)
{
	const struct lm_content *before = NULL, *missed = NULL;

	/* In the order of their times. Whatever ran was looked at again; news alone were told. */
	for (size_t i = 0; i < index->contents.count; i++) {
		const struct lm_content *content = &index->contents.at[i];

		if (content->file != file)
			continue;
		if (content->state != LM_CONTENT_HASHED) {
			missed = content;
			continue;
		}
		if (content->time_ns < at_ns) {
			before = content;
			missed = NULL;
			continue;
		}
		*ret_sure = content->changed_ns + TICK_NS < at_ns;
		return *ret_sure || !before ? content : before;
	}
	*ret_sure = before && !missed;
	return before ? before : missed;
}

struct lm_str index_cgroup_path(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_CGROUP ?
		       index->cgroups.at[index->objects.at[id].slot].path :
		       LM_STR_NONE;
}

int lm_index_event(const struct lm_index *index, uint64_t event_id, struct lm_event *ret_event)
{
	size_t low = 0, high = index->events.count;

	/* Numbers rise by one except where frames are missing. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->events.at[middle].id < event_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index->events.count || index->events.at[low].id != event_id)
		return -ENOENT;
	*ret_event = index->events.at[low];
	return 0;
}

void lm_index_span(const struct lm_index *index, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	*ret_first_ns = index->first_ns == UINT64_MAX ? 0 : index->first_ns;
	*ret_last_ns = index->last_ns;
}

static int64_t offset_at(const struct lm_index *index, uint64_t boot_ns)
{
	int64_t offset = index->offsets.count ? index->offsets.at[0].offset_ns : 0;

	for (size_t i = 1; i < index->offsets.count; i++) {
		if (index->offsets.at[i].from_ns > boot_ns)
			break;
		offset = index->offsets.at[i].offset_ns;
	}
	return offset;
}

uint64_t lm_index_wall_ns(const struct lm_index *index, uint64_t boot_ns)
{
	uint64_t wall_ns;

	/* An offset before 1970 or a time past the end of time: the clock itself was wrong. */
	if (__builtin_add_overflow(boot_ns, offset_at(index, boot_ns), &wall_ns))
		return boot_ns;
	return wall_ns;
}

uint64_t lm_index_boot_ns(const struct lm_index *index, uint64_t wall_ns)
{
	uint64_t boot_ns = 0;

	/* The last stretch of the clock that reaches this wall time. */
	for (size_t i = 0; i < index->offsets.count || i == 0; i++) {
		int64_t offset = index->offsets.count ? index->offsets.at[i].offset_ns : 0;
		uint64_t t;

		if (__builtin_sub_overflow(wall_ns, offset, &t))
			continue;
		if (i == 0 || t >= index->offsets.at[i].from_ns)
			boot_ns = t;
	}
	return boot_ns;
}

size_t lm_index_gap_count(const struct lm_index *index)
{
	return index->gaps.count;
}

const struct lm_gap *lm_index_gap(const struct lm_index *index, size_t i)
{
	return i < index->gaps.count ? &index->gaps.at[i] : NULL;
}

static struct lm_link link_of_memory(const struct lm_index *index, uint32_t position)
{
	const struct kept_link *kept = &index->links.at[position];
	const struct lm_event *event = &index->events.at[kept->event];

	return (struct lm_link){
		.begin_ns = kept->begin_ns, .end_ns = kept->end_ns,
		.source = kept->source, .sink = kept->sink, .event = event->id,
		.bytes = lm_op_moves_bytes(event->op) && event->result > 0 ?
			(uint64_t)event->result : 0,
		.count = (uint32_t)lm_event_count(event), .op = kept->op,
		.error = lm_event_failed(event) ? (uint16_t)-event->result : 0,
		.event_flags = event->flags, .control = kept->control, .flags = kept->flags,
		.key = event->id << 3 | kept->ordinal,
	};
}

struct lm_link lm_links_get(const struct lm_links *links, uint32_t i)
{
	return link_of_memory(links->index, ((const uint32_t *)links->at)[i]);
}

struct lm_links lm_index_incoming(const struct lm_index *index, lm_object_id sink,
				  uint64_t before_ns)
{
	const uint32_t *at;
	uint32_t low = 0, high;

	if (sink == LM_OBJECT_NONE || sink >= index->objects.count)
		return (struct lm_links){ .index = index };
	at = index->incoming.at + index->incoming.start[sink];
	high = index->incoming.start[sink + 1] - index->incoming.start[sink];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->links.at[at[middle]].begin_ns < before_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct lm_links){ .index = index, .at = at, .count = low };
}

struct lm_links lm_index_outgoing(const struct lm_index *index, lm_object_id source,
				  uint64_t after_ns)
{
	const uint32_t *at;
	uint32_t low = 0, high, count;

	if (source == LM_OBJECT_NONE || source >= index->objects.count)
		return (struct lm_links){ .index = index };
	at = index->outgoing.at + index->outgoing.start[source];
	count = high = index->outgoing.start[source + 1] - index->outgoing.start[source];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (index->links.at[at[middle]].end_ns <= after_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct lm_links){ .index = index, .at = at + low, .count = count - low };
}

uint32_t lm_index_peers(const struct lm_index *index, lm_object_id socket,
			const struct lm_peer **ret_peers)
{
	if (socket == LM_OBJECT_NONE || socket >= index->objects.count)
		return 0;
	*ret_peers = index->peers + index->peer_start[socket];
	return index->peer_start[socket + 1] - index->peer_start[socket];
}

bool lm_index_is_root(const struct lm_index *index, lm_object_id file)
{
	return file < index->objects.count && index->objects.at[file].root;
}
