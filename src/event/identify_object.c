/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Magic numbers of include/uapi/linux/magic.h. */
#define ANON_INODE_FS_MAGIC 0x09041934

int emit_object(struct lm_identify *id, const struct lm_object *object)
{
	struct lm_item item;

	item.kind = LM_ITEM_OBJECT;
	item.object = *object;
	return put_item(id, &item);
}

const struct file_system *file_system_of(const struct lm_identify *id, uint32_t dev)
{
	for (uint32_t i = 0; i < id->file_system_count; i++)
		if (id->file_systems[i].dev == dev)
			return &id->file_systems[i];
	return NULL;
}

static uint8_t kind_of(const struct lm_identify *id, uint32_t dev, uint32_t mode)
{
	if ((mode & S_IFMT) == S_IFSOCK && (dev == id->devices.sockfs || !id->devices.sockfs))
		return LM_OBJECT_KIND_SOCKET;
	if ((mode & S_IFMT) == S_IFIFO && dev == id->devices.pipefs)
		return LM_OBJECT_KIND_PIPE;
	if (dev && dev == id->devices.anon_inode)
		return LM_OBJECT_KIND_MEMORY;
	return LM_OBJECT_KIND_FILE;
}

#define NUMBER_MASK ((UINT64_C(1) << LM_RAW_ANONYMOUS_SHIFT) - 1)

static int define_memory(struct lm_identify *id, uint64_t time_ns, const struct inode_entry *entry,
	struct lm_str label, uint8_t flags)
{
	struct lm_object object = {
		.id = entry->object, .kind = entry->kind, .time_ns = time_ns,
		.flags = flags | (entry->again ? LM_OBJECT_AGAIN : 0),
		.memory = {
			.type = entry->memory, .dev = entry->dev,
			.inode = entry->inode & NUMBER_MASK, .label = label,
		},
	};

	return emit_object(id, &object);
}

/*
 * Of the many kinds of object some are much larger than others: for the two that come by the
 * thousands an item is filled in place, and what belongs to other kinds is left as it is.
 */
static struct lm_object *begin_item(struct lm_item *item, lm_object_id object, uint8_t kind,
	uint8_t flags, uint64_t time_ns)
{
	item->kind = LM_ITEM_OBJECT;
	item->object.id = object;
	item->object.kind = kind;
	item->object.flags = flags;
	item->object.time_ns = time_ns;
	return &item->object;
}

void fill_file(const struct lm_identify *id, const struct inode_entry *entry, uint32_t rdev,
	struct lm_file *file)
{
	const struct file_system *fs = file_system_of(id, entry->dev);

	*file = (struct lm_file){
		.dev = entry->dev, .inode = entry->inode, .generation = entry->generation,
		.mode = entry->mode, .rdev = rdev,
	};
	if (fs) {
		file->fs_magic = (uint32_t)fs->magic;
		memcpy(file->fs_uuid, fs->uuid, sizeof(fs->uuid));
	}
}

static int define_inode(struct lm_identify *id, uint64_t time_ns, const struct inode_entry *entry,
	uint32_t rdev, uint8_t flags)
{
	struct lm_item item;
	struct lm_object *object = begin_item(&item, entry->object, entry->kind,
		flags | (entry->again ? LM_OBJECT_AGAIN : 0), time_ns);

	switch (entry->kind) {
	case LM_OBJECT_KIND_SOCKET:
		object->socket = (struct lm_socket){ .dev = entry->dev, .inode = entry->inode };
		break;
	case LM_OBJECT_KIND_PIPE:
		object->pipe = (struct lm_pipe){ .dev = entry->dev, .inode = entry->inode };
		break;
	case LM_OBJECT_KIND_MEMORY:
		return define_memory(id, time_ns, entry, LM_STR_NONE, flags);
	default:
		fill_file(id, entry, rdev, &object->file);
	}
	return put_item(id, &item);
}

/* The newest entry of an inode number: numbers are used again after a file is gone. */
static struct inode_entry *look_up_inode(struct lm_identify *id, uint32_t dev, uint64_t inode)
{
	struct index_walk walk = index_walk_from(hash_inode(dev, inode));
	int64_t i;

	while ((i = index_set_next(&id->inode_set, &walk)) >= 0) {
		if (id->inodes[i].inode != inode || id->inodes[i].dev != dev)
			continue;
		use_inode(&id->inodes[i]);
		return &id->inodes[i];
	}
	return NULL;
}

/* Put an entry into the table, as the newest of its number, and give it an object. */
static int keep_inode(struct lm_identify *id, struct inode_entry *entry)
{
	uint32_t hash = hash_inode(entry->dev, entry->inode);
	struct inode_entry *old;
	uint32_t at;
	int r;

	r = room_for_inode(id, &at);
	if (r == 0)
		r = new_object(id, &entry->object);
	if (r == 0)
		r = know_inode(id, entry->object, at);
	if (r < 0)
		return r;
	old = look_up_inode(id, entry->dev, entry->inode);
	id->inodes[at] = *entry;
	use_inode(&id->inodes[at]);
	if (!old)
		return index_set_add(&id->inode_set, hash, at);
	/* Only the newest of a number can be met again. */
	old->chances = 0;
	index_set_replace(&id->inode_set, hash, (uint32_t)(old - id->inodes), at);
	return 0;
}

/* @param again  it may have been known once */
static int add_inode(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_inode *raw,
	uint8_t flags, bool again, lm_object_id *ret_object)
{
	struct inode_entry entry = {
		.inode = raw->inode,
		.dev = raw->dev,
		.generation = raw->generation,
		.mode = (uint16_t)raw->mode,
		.kind = kind_of(id, raw->dev, raw->mode),
		.surface = is_memory_device(raw) ? SURFACE_KERNEL : SURFACE_UNKNOWN,
		.again = again && id->inode_room.forgotten,
	};
	int r;

	if (entry.kind == LM_OBJECT_KIND_MEMORY)
		entry.memory = LM_MEMORY_EVENTFD;
	r = keep_inode(id, &entry);
	if (r < 0)
		return r;
	*ret_object = entry.object;
	return define_inode(id, time_ns, &entry, raw->rdev, flags);
}

/* Timers, epoll, bpf: they share one inode, which is nobody's channel. */
static bool is_anonymous(const struct lm_identify *id, uint32_t dev, uint64_t inode)
{
	return dev && dev == id->devices.anon_inode &&
	       inode >> LM_RAW_ANONYMOUS_SHIFT != LM_RAW_ANONYMOUS_EVENTFD;
}

lm_object_id known_inode(struct lm_identify *id, uint32_t dev, uint64_t inode)
{
	const struct inode_entry *entry = look_up_inode(id, dev, inode);

	return entry ? entry->object : LM_OBJECT_NONE;
}

int describe_memory(struct lm_identify *id, uint64_t time_ns, const struct memory *memory,
	lm_object_id *ret_object)
{
	struct inode_entry *old = look_up_inode(id, memory->dev, memory->inode), entry = {
		.inode = memory->inode, .dev = memory->dev, .mode = memory->described,
		.kind = LM_OBJECT_KIND_MEMORY, .memory = memory->type, .created = memory->created,
		.again = !old && !memory->created && id->inode_room.forgotten,
	};
	int r;

	if (!old || old->kind != entry.kind || (memory->created && old->created)) {
		r = keep_inode(id, &entry);
		if (r < 0)
			return r;
		*ret_object = entry.object;
		return define_memory(id, time_ns, &entry, memory->label,
			memory->described ? 0 : LM_OBJECT_PARTIAL);
	}
	*ret_object = old->object;
	old->created |= memory->created;
	if (old->mode || !memory->described)
		return 0;
	old->mode = 1;
	return define_memory(id, time_ns, old, memory->label, 0);
}

int find_entry(struct lm_identify *id, uint64_t time_ns, uint64_t inode, uint32_t dev,
	uint32_t mode, struct inode_entry **ret_entry)
{
	struct lm_raw_inode raw = { .inode = inode, .dev = dev, .mode = mode };
	lm_object_id object;
	int r;

	*ret_entry = NULL;
	if ((!inode && !dev) || is_anonymous(id, dev, inode))
		return 0;
	*ret_entry = look_up_inode(id, dev, inode);
	if (*ret_entry)
		return 0;
	r = add_inode(id, time_ns, &raw, LM_OBJECT_PARTIAL, true, &object);
	if (r == 0)
		*ret_entry = inode_of(id, object);
	return r;
}

int find_inode(struct lm_identify *id, uint64_t time_ns, uint64_t inode, uint32_t dev,
	uint32_t mode, lm_object_id *ret_object)
{
	struct inode_entry *entry;
	int r = find_entry(id, time_ns, inode, dev, mode, &entry);

	*ret_object = entry ? entry->object : LM_OBJECT_NONE;
	return r;
}

int describe_inode(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_inode *raw,
	uint8_t flags, lm_object_id *ret_object)
{
	struct inode_entry *entry;

	*ret_object = LM_OBJECT_NONE;
	if ((!raw->inode && !raw->dev) || is_anonymous(id, raw->dev, raw->inode))
		return 0;
	entry = look_up_inode(id, raw->dev, raw->inode);
	if (!entry || (entry->generation && raw->generation &&
			entry->generation != raw->generation) ||
		(entry->mode && (entry->mode & S_IFMT) != (raw->mode & S_IFMT)) ||
		entry->kind != kind_of(id, raw->dev, raw->mode))
		return add_inode(id, time_ns, raw, flags, !entry, ret_object);
	*ret_object = entry->object;
	if (entry->generation && entry->mode & ~S_IFMT)
		return 0;
	/* Known by number or type only, from a call before its description: complete it. */
	if (entry->mode == raw->mode && entry->generation == raw->generation)
		return 0;
	entry->generation = raw->generation;
	entry->mode = (uint16_t)raw->mode;
	if (is_memory_device(raw))
		entry->surface = SURFACE_KERNEL;
	return define_inode(id, time_ns, entry, raw->rdev, flags);
}

int create_inode(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_inode *raw,
	lm_object_id *ret_object)
{
	struct inode_entry *entry = look_up_inode(id, raw->dev, raw->inode);
	int r;

	/* Numbers are used again, and not every file system counts generations. */
	if (raw->inode && (!entry || (entry->created &&
				(!raw->generation || raw->generation != entry->generation))))
		r = add_inode(id, time_ns, raw, 0, false, ret_object);
	else
		r = describe_inode(id, time_ns, raw, 0, ret_object);
	if (r == 0 && *ret_object)
		inode_of(id, *ret_object)->created = true;
	return r;
}

int place_socket(struct lm_identify *id, uint32_t dev, uint64_t inode, bool created,
	lm_object_id *ret_object)
{
	struct inode_entry *entry = look_up_inode(id, dev, inode), made = {
		.inode = inode, .dev = dev, .kind = LM_OBJECT_KIND_SOCKET,
		.again = !entry && !created && id->inode_room.forgotten,
	};
	int r;

	if (!entry || entry->kind != made.kind || (created && entry->created)) {
		r = keep_inode(id, &made);
		if (r < 0)
			return r;
		entry = inode_of(id, made.object);
	}
	entry->mode = S_IFSOCK | 0777;
	entry->created |= created;
	*ret_object = entry->object;
	return 0;
}

uint32_t hash_name(lm_object_id dir, struct lm_str component)
{
	return (uint32_t)hash_bytes(component.data, component.len, dir);
}

static lm_object_id look_up_hashed(const struct lm_identify *id, uint32_t hash, lm_object_id dir,
	struct lm_str component)
{
	struct index_walk walk = index_walk_from(hash);
	int64_t i;

	while ((i = index_set_next(&id->name_set, &walk)) >= 0) {
		struct name_entry *entry = &id->names[i];

		if (entry->dir != dir || !lm_str_equal(text_of(entry), component))
			continue;
		use_name(entry);
		return entry->object;
	}
	return LM_OBJECT_NONE;
}

lm_object_id look_up_name(const struct lm_identify *id, lm_object_id dir, struct lm_str component)
{
	return look_up_hashed(id, hash_name(dir, component), dir, component);
}

static char *copy_text(struct lm_str text)
{
	char *copy = malloc(text.len ? text.len : 1);

	if (copy && text.len)
		memcpy(copy, text.data, text.len);
	return copy;
}

int take_link(struct name_entry *entry, struct lm_str target)
{
	char *copy = copy_text(target);

	if (!copy)
		return -ENOMEM;
	drop_link(entry);
	entry->link = copy;
	entry->link_len = (uint16_t)target.len;
	entry->file = LM_OBJECT_NONE;
	return 0;
}

int find_name(struct lm_identify *id, uint64_t time_ns, lm_object_id dir, struct lm_str component,
	uint8_t flags, lm_object_id *ret_object)
{
	uint32_t hash = hash_name(dir, component), at;
	struct name_entry *entry;
	struct lm_item item;
	int r;

	*ret_object = look_up_hashed(id, hash, dir, component);
	if (*ret_object)
		return 0;
	r = room_for_name(id, &at);
	if (r < 0)
		return r;
	entry = &id->names[at];
	entry->text = copy_text(component);
	if (!entry->text)
		return -ENOMEM;
	entry->len = (uint16_t)component.len;
	entry->dir = dir;
	entry->chances = CHANCES;
	r = index_set_add(&id->name_set, hash, at);
	if (r == 0)
		r = new_object(id, &entry->object);
	if (r == 0)
		r = know_name(id, entry->object, at);
	if (r < 0)
		return r;
	if (id->name_room.forgotten)
		flags |= LM_OBJECT_AGAIN;
	*ret_object = entry->object;
	begin_item(&item, entry->object, LM_OBJECT_KIND_NAME, flags, time_ns)->name =
		(struct lm_name){ .dir = dir, .component = component };
	return put_item(id, &item);
}

void drop_link(struct name_entry *entry)
{
	free(lm_take_ptr(entry->link));
	entry->link_len = 0;
}

void bind_name(struct lm_identify *id, lm_object_id name, lm_object_id file)
{
	struct name_entry *entry = name_of(id, name);
	struct inode_entry *inode;

	if (!entry)
		return;
	entry->file = file;
	inode = inode_of(id, file);
	if (!inode)
		return;
	inode->name = name;
	entry->of_directory = S_ISDIR(inode->mode);
	if (!S_ISLNK(inode->mode))
		drop_link(entry); /* what has become of the link was not seen */
}

int emit_binding(struct lm_identify *id, uint64_t time_ns, lm_object_id file, lm_object_id name,
	uint8_t flags)
{
	struct lm_item item = {
		.kind = LM_ITEM_BINDING,
		.binding = { .time_ns = time_ns, .file = file, .name = name, .flags = flags },
	};

	return put_item(id, &item);
}

int take_fs(struct lm_identify *id, const struct lm_raw_fs *raw)
{
	struct file_system *fs = (struct file_system *)file_system_of(id, raw->dev);
	int r;

	if (!fs) {
		r = grow(&id->file_systems, id->file_system_count, &id->file_system_capacity,
			sizeof(*id->file_systems));
		if (r < 0)
			return r;
		fs = &id->file_systems[id->file_system_count++];
		if (id->sink.new_file_system)
			id->sink.new_file_system(id->sink.data, raw->raw.tgid);
	}
	fs->dev = raw->dev;
	fs->magic = raw->magic;
	memcpy(fs->uuid, raw->uuid, sizeof(fs->uuid));
	if (raw->magic == ANON_INODE_FS_MAGIC && !id->devices.anon_inode)
		id->devices.anon_inode = raw->dev;
	return 0;
}

int take_dir(struct lm_identify *id, const struct lm_raw_dir *raw)
{
	struct lm_str component = { raw->name, raw->name_len };
	const struct inode_entry *inode;
	struct name_entry *entry;
	lm_object_id dir, parent, name;
	uint8_t found = raw->raw.flags & LM_RAW_FOUND ? LM_OBJECT_FOUND : 0;
	int r;

	if (raw->name_len > raw->raw.len - sizeof(*raw) || raw->name_len > LM_RAW_NAME_BYTES)
		return -LM_E_FORMAT;
	r = describe_inode(id, raw->raw.time_ns, &raw->dir, found, &dir);
	if (r < 0 || !dir)
		return r;
	if (raw->raw.flags & LM_RAW_ROOT && !inode_of(id, dir)->is_root) {
		inode_of(id, dir)->is_root = true;
		r = emit_binding(id, raw->raw.time_ns, dir, LM_OBJECT_NONE, LM_BINDING_ROOT);
		if (r < 0)
			return r;
	}
	if (!raw->name_len)
		return 0;
	r = find_inode(id, raw->raw.time_ns, raw->parent_inode, raw->parent_dev, S_IFDIR, &parent);
	if (r < 0 || !parent)
		return r;
	r = find_name(id, raw->raw.time_ns, parent, component, found, &name);
	if (r < 0)
		return r;
	entry = name_of(id, name);
	inode = inode_of(id, dir);
	if (inode && inode->name == name && entry->file == dir)
		return 0;
	bind_name(id, name, dir);
	return emit_binding(id, raw->raw.time_ns, dir, name,
		raw->raw.flags & LM_RAW_MOUNT ? LM_BINDING_MOUNT : 0);
}
