/* SPDX-License-Identifier: MIT */
#include "identify_repeat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Segments that can be read without those before them: where old ones are deleted, what the log
 * was told in them is told again, once in each segment, when it is used there for the first
 * time: the definition of each object that an item refers to, of what that one refers to, and what
 * names it has.
 *
 * Files and names are told from their tables, all else as it was kept (identify_keep.c).
 */

#define DEPTH_MAX 256u      /* directories, ancestors: of definitions that lead to each other */

/* What is told, and for which item. */
struct repetition {
	struct lm_identify *id;
	const struct lm_item *item;
	uint64_t time_ns;
	uint32_t depth;
};

static int repeat(const struct repetition *repetition, lm_object_id object);

static bool is_recent(struct repeating *repeating, lm_object_id object)
{
	lm_object_id *slot = &repeating->recent[object % RECENT_OBJECTS];

	if (*slot == object)
		return true;
	*slot = object;
	return false;
}

static int tell_object(const struct repetition *repetition, const struct lm_object *object)
{
	const struct lm_identify_sink *sink = &repetition->id->sink;
	struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = *object };

	item.object.flags |= LM_OBJECT_REPEATED;
	return sink->item(sink->data, &item);
}

static int tell_binding(const struct repetition *repetition, lm_object_id file, lm_object_id name,
	uint8_t flags)
{
	const struct lm_identify_sink *sink = &repetition->id->sink;
	struct lm_item item = {
		.kind = LM_ITEM_BINDING,
		.binding = {
			.time_ns = repetition->time_ns, .file = file, .name = name, .flags = flags,
		},
	};

	return sink->item(sink->data, &item);
}

/* The event itself says what becomes of its names. */
static bool is_changed_by_item(const struct lm_item *item, lm_object_id name)
{
	const struct lm_event *event = &item->event;

	if (item->kind == LM_ITEM_BINDING)
		return item->binding.name == name;
	if (item->kind != LM_ITEM_EVENT || (event->name != name && event->name2 != name))
		return false;
	switch (event->op) {
	case LM_OP_RENAME:
	case LM_OP_LINK:
	case LM_OP_SYMLINK:
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
		return true;
	}
	return (event->flags & LM_EVENT_CREATED) != 0;
}

/* What a file is called: by the name that it has still, or had when it was forgotten. */
static int repeat_name_of(const struct repetition *repetition, lm_object_id file,
	lm_object_id name, bool is_root, uint8_t flags)
{
	const struct name_entry *entry = name_of(repetition->id, name);
	const struct kept *kept = get_kept(&repetition->id->repeating->kept, name);
	lm_object_id bound = entry ? entry->file : kept ? kept->other : LM_OBJECT_NONE;
	int r = 0;

	if (is_root)
		r = tell_binding(repetition, file, LM_OBJECT_NONE, LM_BINDING_ROOT);
	if (r < 0 || bound != file || is_changed_by_item(repetition->item, name))
		return r;
	r = repeat(repetition, name);
	return r < 0 ? r : tell_binding(repetition, file, name, flags);
}

static int repeat_kept(const struct repetition *repetition, struct kept *kept);

static int repeat_content_of(const struct repetition *repetition, lm_object_id file)
{
	struct repeating *repeating = repetition->id->repeating;
	struct kept *content = get_kept(&repeating->contents, file);

	if (!content || content->segment == repeating->segment)
		return 0;
	content->segment = repeating->segment;
	return tell_object(repetition, &content->object);
}

static int repeat_inode(const struct repetition *repetition, struct inode_entry *entry)
{
	struct lm_identify *id = repetition->id;
	struct lm_object object = {
		.id = entry->object, .kind = entry->kind, .flags = entry->flags,
		.time_ns = repetition->time_ns,
	};
	struct kept *kept;
	int r;

	if (entry->segment == id->repeating->segment)
		return 0;
	entry->segment = id->repeating->segment;
	/* Another has its number by now: this one is not to be taken for that. */
	if (known_inode(id, entry->dev, entry->inode) != entry->object)
		object.flags &= (uint8_t)~LM_OBJECT_AGAIN;
	switch (entry->kind) {
	case LM_OBJECT_KIND_PIPE:
		object.pipe = (struct lm_pipe){ .dev = entry->dev, .inode = entry->inode };
		return tell_object(repetition, &object);
	case LM_OBJECT_KIND_FILE:
		fill_file(id, entry, entry->rdev, &object.file);
		break;
	default:
		kept = get_kept(&id->repeating->kept, entry->object);
		return kept ? repeat_kept(repetition, kept) : 0;
	}
	r = tell_object(repetition, &object);
	if (r == 0)
		r = repeat_content_of(repetition, entry->object);
	return r < 0 ? r : repeat_name_of(repetition, entry->object, entry->name,
		entry->is_root, entry->is_mount ? LM_BINDING_MOUNT : 0);
}

static int repeat_name(const struct repetition *repetition, struct name_entry *entry)
{
	struct lm_object object = {
		.id = entry->object, .kind = LM_OBJECT_KIND_NAME, .flags = entry->flags,
		.time_ns = repetition->time_ns,
		.name = { .dir = entry->dir, .component = text_of(entry) },
	};
	int r;

	if (entry->segment == repetition->id->repeating->segment)
		return 0;
	entry->segment = repetition->id->repeating->segment;
	r = repeat(repetition, entry->dir);
	return r < 0 ? r : tell_object(repetition, &object);
}

/* What an object's definition refers to. */
static int repeat_references(const struct repetition *repetition, const struct lm_object *object)
{
	const struct lm_process *p = &object->process;
	const lm_object_id of_process[] = {
		p->previous, p->parent, p->exe, p->loader, p->script, p->cwd, p->root,
		p->exe_name, p->cgroup,
	};
	int r = 0;

	switch ((enum lm_object_kind)object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		for (size_t i = 0; i < LM_ARRAY_SIZE(of_process) && r == 0; i++)
			r = repeat(repetition, of_process[i]);
		return r;
	case LM_OBJECT_KIND_NAME:
		return repeat(repetition, object->name.dir);
	case LM_OBJECT_KIND_SOCKET:
		return repeat(repetition, object->socket.path_file);
	case LM_OBJECT_KIND_CONTENT:
		return repeat(repetition, object->content.file);
	case LM_OBJECT_KIND_NONE:
	case LM_OBJECT_KIND_KERNEL:
	case LM_OBJECT_KIND_FILE:
	case LM_OBJECT_KIND_PIPE:
	case LM_OBJECT_KIND_MEMORY:
	case LM_OBJECT_KIND_CGROUP:
		break;
	}
	return 0;
}

static int repeat_kept(const struct repetition *repetition, struct kept *kept)
{
	struct repeating *repeating = repetition->id->repeating;
	int r;

	if (kept->segment == repeating->segment)
		return 0;
	kept->segment = repeating->segment;
	r = repeat_references(repetition, &kept->object);
	if (r == 0)
		r = tell_object(repetition, &kept->object);
	if (r < 0 || kept->object.kind != LM_OBJECT_KIND_FILE)
		return r;
	r = repeat_content_of(repetition, kept->object.id);
	return r < 0 ? r : repeat_name_of(repetition, kept->object.id, kept->other, kept->is_root,
		kept->binding);
}

/* Have an object's definition in this segment. */
static int repeat(const struct repetition *above, lm_object_id object)
{
	struct repetition repetition = *above;
	struct lm_identify *id = repetition.id;
	struct kept *kept;
	int64_t place;

	/* What is too deep is told when it is used for something nearer. */
	if (!object || repetition.depth == DEPTH_MAX || is_recent(id->repeating, object))
		return 0;
	repetition.depth++;
	place = place_of_object(id, object);
	if (place >= 0 && place & 1)
		return repeat_name(&repetition, &id->names[place >> 1]);
	if (place >= 0)
		return repeat_inode(&repetition, &id->inodes[place >> 1]);
	kept = get_kept(&id->repeating->kept, object);
	return kept ? repeat_kept(&repetition, kept) : 0;
}

static int repeat_for_item(struct lm_identify *id, const struct lm_item *item)
{
	struct repetition repetition = { .id = id, .item = item };
	const struct lm_event *event = &item->event;
	const lm_object_id of_event[] = {
		event->actor, event->object, event->object2, event->name, event->name2,
	};
	int r = 0;

	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		repetition.time_ns = item->object.time_ns;
		return repeat_references(&repetition, &item->object);
	case LM_ITEM_BINDING:
		repetition.time_ns = item->binding.time_ns;
		r = repeat(&repetition, item->binding.name);
		return r < 0 ? r : repeat(&repetition, item->binding.file);
	case LM_ITEM_EVENT:
		repetition.time_ns = event->end_ns;
		for (size_t i = 0; i < LM_ARRAY_SIZE(of_event) && r == 0; i++)
			r = repeat(&repetition, of_event[i]);
		return r;
	case LM_ITEM_GAP:
		break;
	}
	return 0;
}

int put_repeating(struct lm_identify *id, const struct lm_item *item)
{
	struct repeating *repeating = id->repeating;
	uint32_t segment = 0;
	int r = 0;

	/* Telling it again may itself begin a segment; twice only where those are tiny. */
	for (int i = 0; i < 2 && r == 0 && segment != repeating->segment; i++) {
		segment = repeating->segment;
		r = repeat_for_item(id, item);
	}
	segment = repeating->segment;
	if (r == 0)
		r = id->sink.item(id->sink.data, item);
	/* Did this item still end the old one, or begin the new one? In that its frame has both. */
	if (r == 0 && segment != repeating->segment)
		r = repeat_for_item(id, item);
	return r < 0 ? r : note_item(id, item, segment);
}

int lm_identify_set_repeating(struct lm_identify *id)
{
	if (id->repeating)
		return 0;
	id->repeating = calloc(1, sizeof(*id->repeating));
	if (!id->repeating)
		return -ENOMEM;
	id->repeating->segment = 1;
	return 0;
}

int lm_identify_begin_segment(struct lm_identify *id)
{
	struct lm_item item = {
		.kind = LM_ITEM_OBJECT,
		.object = {
			.id = LM_OBJECT_KERNEL, .kind = LM_OBJECT_KIND_KERNEL,
			.flags = LM_OBJECT_REPEATED,
		},
	};

	if (!id->repeating)
		return 0;
	id->repeating->segment++;
	memset(id->repeating->recent, 0, sizeof(id->repeating->recent));
	return id->sink.item(id->sink.data, &item);
}
