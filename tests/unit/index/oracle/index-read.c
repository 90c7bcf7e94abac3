/* SPDX-License-Identifier: MIT */
#include "index-private.h"

uint32_t lm_index_object_count(const struct lm_index *index)
{
	return (uint32_t)(index->objects.count - 1);
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

const struct lm_socket *index_socket(const struct lm_index *index, lm_object_id id)
{
	return lm_index_kind(index, id) == LM_OBJECT_KIND_SOCKET ?
		       &index->sockets.at[index->objects.at[id].slot] :
		       NULL;
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
