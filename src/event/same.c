/* SPDX-License-Identifier: MIT */
#include "lemona/event/same.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lemona/base/buffer.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "identify_internal.h"

/* The object that had an identity last. */
struct holder {
	uint64_t check;  /* a second hash of the identity: the first one finds it */
	uint64_t detail; /* generation of a file, cookie of a socket; 0: not known */
	lm_object_id object;
	uint16_t type;   /* S_IFMT of a file; 0: not known */
	uint8_t flags;
};

struct lm_same {
	struct lm_map identities; /* hash -> place in `holders` */
	struct lm_map others;     /* later numbers -> first ones */
	struct lm_map contents;   /* that have been told */
	struct holder *holders;
	size_t count, capacity;
	struct lm_buffer text;
};

int lm_same_new(struct lm_same **ret_same)
{
	struct lm_same *same = calloc(1, sizeof(*same));

	if (!same)
		return -ENOMEM;
	*ret_same = same;
	return 0;
}

struct lm_same *lm_same_free(struct lm_same *same)
{
	if (!same)
		return NULL;
	lm_map_release(&same->identities);
	lm_map_release(&same->others);
	lm_map_release(&same->contents);
	lm_buffer_release(&same->text);
	free(same->holders);
	free(same);
	return NULL;
}

static void replace(const struct lm_same *same, lm_object_id *object)
{
	const uint64_t *first = *object ? lm_map_get(&same->others, *object) : NULL;

	if (first)
		*object = (lm_object_id)*first;
}

static void replace_in_process(const struct lm_same *same, struct lm_process *p)
{
	replace(same, &p->exe);
	replace(same, &p->loader);
	replace(same, &p->script);
	replace(same, &p->cwd);
	replace(same, &p->root);
	replace(same, &p->exe_name);
	replace(same, &p->cgroup);
}

/* All that an item refers to: not the number that it defines itself. */
static void replace_references(const struct lm_same *same, struct lm_item *item)
{
	struct lm_object *object = &item->object;

	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		if (object->kind == LM_OBJECT_KIND_PROCESS)
			replace_in_process(same, &object->process);
		else if (object->kind == LM_OBJECT_KIND_NAME)
			replace(same, &object->name.dir);
		else if (object->kind == LM_OBJECT_KIND_SOCKET)
			replace(same, &object->socket.path_file);
		else if (object->kind == LM_OBJECT_KIND_CONTENT)
			replace(same, &object->content.file);
		break;
	case LM_ITEM_EVENT:
		replace(same, &item->event.object);
		replace(same, &item->event.object2);
		replace(same, &item->event.name);
		replace(same, &item->event.name2);
		break;
	case LM_ITEM_BINDING:
		replace(same, &item->binding.file);
		replace(same, &item->binding.name);
		break;
	case LM_ITEM_GAP:
		break;
	}
}

/* What the kernel calls an object, as bytes; and what else must not differ. @return it has that */
static bool identify(struct lm_same *same, const struct lm_object *object, struct holder *ret)
{
	struct lm_buffer *text = &same->text;

	*ret = (struct holder){ .object = object->id, .flags = object->flags };
	lm_buffer_reset(text);
	lm_buffer_append_byte(text, object->kind);
	switch ((enum lm_object_kind)object->kind) {
	case LM_OBJECT_KIND_FILE:
		lm_buffer_append_u32(text, object->file.dev);
		lm_buffer_append_u64(text, object->file.inode);
		ret->detail = object->file.generation;
		ret->type = object->file.mode & S_IFMT;
		return true;
	case LM_OBJECT_KIND_NAME:
		lm_buffer_append_u32(text, object->name.dir);
		lm_buffer_append_str(text, object->name.component);
		return true;
	case LM_OBJECT_KIND_SOCKET:
		lm_buffer_append_u32(text, object->socket.dev);
		lm_buffer_append_u64(text, object->socket.inode);
		ret->detail = object->socket.cookie;
		return true;
	case LM_OBJECT_KIND_PIPE:
		lm_buffer_append_u32(text, object->pipe.dev);
		lm_buffer_append_u64(text, object->pipe.inode);
		return true;
	case LM_OBJECT_KIND_MEMORY:
		lm_buffer_append_u32(text, object->memory.type);
		lm_buffer_append_u32(text, object->memory.dev);
		lm_buffer_append_u64(text, object->memory.inode);
		return true;
	case LM_OBJECT_KIND_CGROUP:
		lm_buffer_append_u32(text, object->cgroup.hierarchy);
		lm_buffer_append_u64(text, object->cgroup.cgroup);
		return true;
	case LM_OBJECT_KIND_NONE:
	case LM_OBJECT_KIND_KERNEL:
	case LM_OBJECT_KIND_PROCESS:
	case LM_OBJECT_KIND_CONTENT:
		break;
	}
	return false;
}

static bool agrees(const struct holder *a, const struct holder *b)
{
	return a->check == b->check && (!a->detail || !b->detail || a->detail == b->detail) &&
		(!a->type || !b->type || a->type == b->type);
}

static int add_holder(struct lm_same *same, uint64_t key, const struct holder *holder)
{
	if (same->count == same->capacity) {
		size_t bigger = same->capacity ? same->capacity * 2 : 1024;
		struct holder *moved = reallocarray(same->holders, bigger, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		same->holders = moved;
		same->capacity = bigger;
	}
	same->holders[same->count] = *holder;
	return lm_map_put(&same->identities, key, same->count++);
}

/* A further definition of what `holder` is. @return whether it says anything */
static bool merge(struct holder *holder, const struct holder *now, struct lm_object *object)
{
	switch (object->kind) {
	case LM_OBJECT_KIND_NAME:
	case LM_OBJECT_KIND_PIPE:
		return false;
	case LM_OBJECT_KIND_SOCKET: /* by number, from a call that does not describe it */
		if (!object->socket.family)
			return false;
		break;
	}
	if (object->flags & LM_OBJECT_PARTIAL)
		return false;
	object->id = holder->object;
	object->flags |= holder->flags & LM_OBJECT_FOUND;
	if (now->detail)
		holder->detail = now->detail;
	if (now->type)
		holder->type = now->type;
	return true;
}

/* What was read is told once: contents are listed, not only referred to. */
static int apply_content(struct lm_same *same, lm_object_id content, bool repeated)
{
	if (repeated && lm_map_get(&same->contents, content))
		return 0;
	return lm_map_put(&same->contents, content, 0) < 0 ? -ENOMEM : 1;
}

static int apply_definition(struct lm_same *same, struct lm_object *object)
{
	bool again = object->flags & LM_OBJECT_AGAIN, repeated = object->flags & LM_OBJECT_REPEATED;
	const uint64_t *place;
	struct holder *holder, now;
	uint64_t key;

	object->flags &= (uint8_t)~(LM_OBJECT_AGAIN | LM_OBJECT_REPEATED);
	if (object->kind == LM_OBJECT_KIND_CONTENT)
		return apply_content(same, object->id, repeated);
	if (!identify(same, object, &now))
		return 1;
	if (lm_buffer_status(&same->text) < 0)
		return -ENOMEM;
	key = hash_bytes(same->text.data, same->text.len, 0);
	now.check = hash_bytes(same->text.data, same->text.len, 1);
	place = lm_map_get(&same->identities, key);
	if (!place)
		return add_holder(same, key, &now) < 0 ? -ENOMEM : 1;
	holder = &same->holders[*place];
	if (holder->object == now.object) { /* defined further, under the number that it has */
		now.flags |= holder->flags;
		*holder = now;
		return 1;
	}
	if (again && agrees(holder, &now)) {
		if (lm_map_put(&same->others, now.object, holder->object) < 0)
			return -ENOMEM;
		return merge(holder, &now, object);
	}
	/* Told once more, after another that has its identity now. */
	if (repeated)
		return !lm_map_get(&same->others, now.object);
	/* Known under a number of its own, whatever it was taken for before. */
	lm_map_remove(&same->others, now.object);
	*holder = now;
	return 1;
}

int lm_same_apply(struct lm_same *same, struct lm_item *item)
{
	if (same->others.count)
		replace_references(same, item);
	return item->kind == LM_ITEM_OBJECT ? apply_definition(same, &item->object) : 1;
}

bool lm_same_next(const struct lm_same *same, size_t *slot, lm_object_id *ret_later,
		  lm_object_id *ret_first)
{
	while (same->others.slots && *slot <= same->others.mask) {
		uint64_t later, first;

		if (!lm_map_at(&same->others, (*slot)++, &later, &first))
			continue;
		*ret_later = (lm_object_id)later;
		*ret_first = (lm_object_id)first;
		return true;
	}
	return false;
}

int lm_same_put(struct lm_same *same, lm_object_id later, lm_object_id first)
{
	return lm_map_put(&same->others, later, first);
}
