/* SPDX-License-Identifier: MIT */
#include "identify_repeat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Of all but files and names, and of files and names that had to be forgotten, the last definition
 * is kept as it was told, for as long as it can be referred to: by a process that lives, its
 * ancestors and its versions, or by an entry of a table.
 */

#define ANCESTORS_MAX 64u /* of a process, its own earlier versions included */
/* Definitions that come between two looks at which of them are still needed. */
#define SWEEP_EVERY 32768u

static unsigned int strings_of(struct lm_object *object, struct lm_str *ret_strings[2])
{
	switch ((enum lm_object_kind)object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		ret_strings[0] = &object->process.argv;
		ret_strings[1] = &object->process.comm;
		return 2;
	case LM_OBJECT_KIND_SOCKET:
		ret_strings[0] = &object->socket.local.path;
		ret_strings[1] = &object->socket.remote.path;
		return 2;
	case LM_OBJECT_KIND_NAME:
		ret_strings[0] = &object->name.component;
		return 1;
	case LM_OBJECT_KIND_MEMORY:
		ret_strings[0] = &object->memory.label;
		return 1;
	case LM_OBJECT_KIND_CGROUP:
		ret_strings[0] = &object->cgroup.path;
		return 1;
	case LM_OBJECT_KIND_NONE:
	case LM_OBJECT_KIND_KERNEL:
	case LM_OBJECT_KIND_FILE:
	case LM_OBJECT_KIND_PIPE:
	case LM_OBJECT_KIND_CONTENT:
		break;
	}
	return 0;
}

static struct kept *copy_object(const struct lm_object *object)
{
	struct lm_object source = *object;
	struct lm_str *strings[2];
	unsigned int count = strings_of(&source, strings);
	struct kept *kept;
	size_t len = 0;
	char *to;

	for (unsigned int i = 0; i < count; i++)
		len += strings[i]->len;
	kept = malloc(sizeof(*kept) + len);
	if (!kept)
		return NULL;
	to = kept->strings;
	for (unsigned int i = 0; i < count; i++) {
		if (strings[i]->len)
			memcpy(to, strings[i]->data, strings[i]->len);
		strings[i]->data = to;
		to += strings[i]->len;
	}
	kept->object = source;
	kept->object.flags &= (uint8_t)~LM_OBJECT_REPEATED;
	kept->other = LM_OBJECT_NONE;
	kept->binding = 0;
	kept->needed = kept->is_root = false;
	return kept;
}

/* Whom a socket was connected with is not taken back by a later definition: as readers see it. */
static void keep_peer(struct lm_socket *socket, const struct kept *before)
{
	const struct lm_socket *old = before ? &before->object.socket : NULL;

	if (!old)
		return;
	if (!socket->local.family)
		socket->local = old->local;
	if (!socket->remote.family)
		socket->remote = old->remote;
	if (!socket->peer_inode)
		socket->peer_inode = old->peer_inode;
}

static int keep(struct repeating *repeating, struct lm_map *map, lm_object_id key,
	const struct lm_object *object, struct kept **ret_kept)
{
	struct kept *old = get_kept(map, key), *kept;
	struct lm_object merged = *object;

	if (object->kind == LM_OBJECT_KIND_SOCKET)
		keep_peer(&merged.socket, old);
	kept = copy_object(&merged);
	if (!kept)
		return -ENOMEM;
	kept->segment = repeating->segment;
	if (lm_map_put(map, key, (uint64_t)(uintptr_t)kept) < 0) {
		free(kept);
		return -ENOMEM;
	}
	free(old);
	if (ret_kept)
		*ret_kept = kept;
	return 0;
}

/* Which of those that are kept can still be referred to. */

static void need_path(struct lm_identify *id, lm_object_id object)
{
	/* What a table has needs what is above it by itself. */
	while (object && place_of_object(id, object) < 0) {
		struct kept *kept = get_kept(&id->repeating->kept, object);

		if (!kept || kept->needed)
			return;
		kept->needed = true;
		if (kept->object.kind == LM_OBJECT_KIND_NAME)
			object = kept->object.name.dir;
		else
			object = kept->other;
	}
}

static void need_process(struct lm_identify *id, lm_object_id object, uint32_t steps)
{
	while (object && steps--) {
		struct kept *kept = get_kept(&id->repeating->kept, object);
		const struct lm_process *p;

		if (!kept || kept->needed || kept->object.kind != LM_OBJECT_KIND_PROCESS)
			return;
		kept->needed = true;
		p = &kept->object.process;
		need_path(id, p->exe);
		need_path(id, p->loader);
		need_path(id, p->script);
		need_path(id, p->cwd);
		need_path(id, p->root);
		need_path(id, p->exe_name);
		need_path(id, p->cgroup);
		need_process(id, p->parent, steps);
		object = p->previous;
	}
}

static void need_all(struct lm_identify *id)
{
	for (size_t i = 0; id->threads.slots && i <= id->threads.mask; i++) {
		uint64_t tid, value;

		if (lm_map_at(&id->threads, i, &tid, &value) && value)
			need_process(id, ((struct process *)(uintptr_t)value)->object,
				ANCESTORS_MAX);
	}
	for (uint32_t i = 0; i < GONE_MAX; i++)
		need_process(id, id->gone[i].object, ANCESTORS_MAX);
	for (uint32_t i = 0; i < id->inode_count; i++)
		need_path(id, id->inodes[i].name);
	for (uint32_t i = 0; i < id->name_count; i++)
		need_path(id, id->names[i].dir);
	for (uint32_t i = 0; i < id->cgroup_count; i++)
		need_path(id, id->cgroups[i].object);
}

static bool is_needed(const struct lm_identify *id, lm_object_id key, const struct kept *kept)
{
	return kept->needed || inode_of(id, key) ||
		(kept->object.kind == LM_OBJECT_KIND_CONTENT &&
			get_kept(&id->repeating->kept, key));
}

static void sweep_map(struct lm_identify *id, struct lm_map *map)
{
	struct lm_map left = LM_MAP_INIT;

	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		uint64_t key, value;
		struct kept *kept;

		if (!lm_map_at(map, i, &key, &value))
			continue;
		kept = (struct kept *)(uintptr_t)value;
		if (!is_needed(id, (lm_object_id)key, kept) || lm_map_put(&left, key, value) < 0) {
			free(kept);
			continue;
		}
		kept->needed = false;
	}
	lm_map_release(map);
	*map = left;
}

static void sweep(struct lm_identify *id)
{
	struct repeating *repeating = id->repeating;

	need_all(id);
	sweep_map(id, &repeating->kept);
	sweep_map(id, &repeating->contents);
	repeating->sweep_at = repeating->kept.count * 2;
}

static int note_object(struct lm_identify *id, const struct lm_object *object, uint32_t segment)
{
	struct repeating *repeating = id->repeating;
	struct inode_entry *inode;
	struct name_entry *name;
	struct kept *kept = NULL;
	int r = 0;

	switch ((enum lm_object_kind)object->kind) {
	case LM_OBJECT_KIND_NAME:
		name = name_of(id, object->id);
		if (name) {
			name->segment = segment;
			name->flags = object->flags;
		}
		return 0;
	case LM_OBJECT_KIND_FILE:
	case LM_OBJECT_KIND_PIPE:
		inode = inode_of(id, object->id);
		if (inode) {
			inode->segment = segment;
			inode->flags = object->flags;
			inode->rdev = object->kind == LM_OBJECT_KIND_FILE ? object->file.rdev : 0;
		}
		return 0;
	case LM_OBJECT_KIND_CONTENT:
		r = keep(repeating, &repeating->contents, object->content.file, object, &kept);
		break;
	case LM_OBJECT_KIND_PROCESS:
	case LM_OBJECT_KIND_SOCKET:
	case LM_OBJECT_KIND_MEMORY:
	case LM_OBJECT_KIND_CGROUP:
		r = keep(repeating, &repeating->kept, object->id, object, &kept);
		inode = inode_of(id, object->id);
		if (inode)
			inode->segment = segment;
		break;
	case LM_OBJECT_KIND_NONE:
	case LM_OBJECT_KIND_KERNEL:
		break;
	}
	if (kept)
		kept->segment = segment;
	if (r == 0 && repeating->kept.count > repeating->sweep_at + SWEEP_EVERY)
		sweep(id);
	return r;
}

int note_item(struct lm_identify *id, const struct lm_item *item, uint32_t segment)
{
	struct inode_entry *file;

	if (item->kind == LM_ITEM_OBJECT)
		return note_object(id, &item->object, segment);
	if (item->kind != LM_ITEM_BINDING || item->binding.flags & LM_BINDING_ROOT)
		return 0;
	file = inode_of(id, item->binding.file);
	if (file)
		file->is_mount = item->binding.flags & LM_BINDING_MOUNT;
	return 0;
}

static void keep_forgotten(struct lm_identify *id, const struct lm_object *object,
	lm_object_id other, bool is_root, uint8_t binding, uint32_t segment)
{
	struct repeating *repeating = id->repeating;
	struct kept *kept = NULL;

	/* Without memory for it, it is unknown where nothing else is left that tells it. */
	if (keep(repeating, &repeating->kept, object->id, object, &kept) < 0)
		return;
	kept->other = other;
	kept->is_root = is_root;
	kept->binding = binding;
	kept->segment = segment;
}

void keep_inode_definition(struct lm_identify *id, const struct inode_entry *entry)
{
	struct lm_object object = {
		.id = entry->object, .kind = LM_OBJECT_KIND_FILE, .flags = entry->flags,
	};

	/* It may have come back under another number by the time it is told again. */
	if (entry->generation)
		object.flags |= LM_OBJECT_AGAIN;
	if (!id->repeating || !entry->object || entry->kind != LM_OBJECT_KIND_FILE)
		return;
	fill_file(id, entry, entry->rdev, &object.file);
	keep_forgotten(id, &object, entry->name, entry->is_root,
		entry->is_mount ? LM_BINDING_MOUNT : 0, entry->segment);
}

void keep_name_definition(struct lm_identify *id, const struct name_entry *entry)
{
	const struct lm_object object = {
		.id = entry->object, .kind = LM_OBJECT_KIND_NAME,
		.flags = entry->flags | LM_OBJECT_AGAIN,
		.name = { .dir = entry->dir, .component = text_of(entry) },
	};

	if (id->repeating && entry->object)
		keep_forgotten(id, &object, entry->file, false, 0, entry->segment);
}

static void free_kept(struct lm_map *map)
{
	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		uint64_t key, value;

		if (lm_map_at(map, i, &key, &value))
			free((struct kept *)(uintptr_t)value);
	}
	lm_map_release(map);
}

void free_repeating(struct lm_identify *id)
{
	if (!id->repeating)
		return;
	free_kept(&id->repeating->kept);
	free_kept(&id->repeating->contents);
	free(id->repeating);
}
