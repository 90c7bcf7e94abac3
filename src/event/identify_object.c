/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* Magic numbers of include/uapi/linux/magic.h. */
#define ANON_INODE_FS_MAGIC 0x09041934

int emit_object(struct lm_identify *id, const struct lm_object *object)
{
	struct lm_item item;

	item.kind = LM_ITEM_OBJECT;
	item.object = *object;
	return id->sink.item(id->sink.data, &item);
}

int new_object(struct lm_identify *id, uint8_t kind, uint32_t index, lm_object_id *ret_object)
{
	int r = grow(&id->objects, id->object_count, &id->object_capacity, sizeof(*id->objects));

	if (r < 0)
		return r;
	id->objects[id->object_count] = (struct object_entry){ .kind = kind, .index = index };
	*ret_object = id->object_count++;
	return 0;
}

struct inode_entry *inode_of(struct lm_identify *id, lm_object_id object)
{
	const struct object_entry *entry = &id->objects[object];

	if (!object || entry->kind == LM_OBJECT_KIND_NAME ||
		entry->kind == LM_OBJECT_KIND_PROCESS || entry->kind == LM_OBJECT_KIND_KERNEL ||
		entry->kind == LM_OBJECT_KIND_CGROUP || entry->kind == LM_OBJECT_KIND_CONTENT)
		return NULL;
	return &id->inodes[entry->index];
}

struct name_entry *name_of(struct lm_identify *id, lm_object_id object)
{
	const struct object_entry *entry = &id->objects[object];

	if (!object || entry->kind != LM_OBJECT_KIND_NAME)
		return NULL;
	return &id->names[entry->index];
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
		.id = entry->object, .kind = entry->kind, .flags = flags, .time_ns = time_ns,
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

static void fill_file(const struct lm_identify *id, const struct inode_entry *entry, uint32_t rdev,
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
	struct lm_object *object = begin_item(&item, entry->object, entry->kind, flags, time_ns);

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
	return id->sink.item(id->sink.data, &item);
}

/* The newest entry of an inode number: numbers are used again after a file is gone. */
static struct inode_entry *look_up_inode(struct lm_identify *id, uint32_t dev, uint64_t inode)
{
	struct index_walk walk = index_walk_from(hash_inode(dev, inode));
	int64_t i;

	while ((i = index_set_next(&id->inode_set, &walk)) >= 0)
		if (id->inodes[i].inode == inode && id->inodes[i].dev == dev)
			return &id->inodes[i];
	return NULL;
}

/* Put an entry into the table, as the newest of its number, and give it an object. */
static int keep_inode(struct lm_identify *id, struct inode_entry *entry)
{
	const struct inode_entry *old = look_up_inode(id, entry->dev, entry->inode);
	uint32_t hash = hash_inode(entry->dev, entry->inode);
	uint32_t old_index = old ? (uint32_t)(old - id->inodes) : 0;
	int r;

	r = grow(&id->inodes, id->inode_count, &id->inode_capacity, sizeof(*id->inodes));
	if (r < 0)
		return r;
	r = new_object(id, entry->kind, id->inode_count, &entry->object);
	if (r < 0)
		return r;
	id->inodes[id->inode_count] = *entry;
	/* Only the newest of a number can be met again. */
	if (old)
		index_set_replace(&id->inode_set, hash, old_index, id->inode_count);
	else
		r = index_set_add(&id->inode_set, hash, id->inode_count);
	if (r < 0)
		return r;
	id->inode_count++;
	return 0;
}

static int add_inode(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_inode *raw,
	uint8_t flags, lm_object_id *ret_object)
{
	struct inode_entry entry = {
		.inode = raw->inode,
		.dev = raw->dev,
		.generation = raw->generation,
		.mode = (uint16_t)raw->mode,
		.kind = kind_of(id, raw->dev, raw->mode),
		.surface = is_memory_device(raw) ? SURFACE_KERNEL : SURFACE_UNKNOWN,
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

int find_inode(struct lm_identify *id, uint64_t time_ns, uint64_t inode, uint32_t dev,
	uint32_t mode, lm_object_id *ret_object)
{
	struct lm_raw_inode raw = { .inode = inode, .dev = dev, .mode = mode };
	struct inode_entry *entry;

	*ret_object = LM_OBJECT_NONE;
	if ((!inode && !dev) || is_anonymous(id, dev, inode))
		return 0;
	entry = look_up_inode(id, dev, inode);
	if (entry) {
		*ret_object = entry->object;
		return 0;
	}
	return add_inode(id, time_ns, &raw, LM_OBJECT_PARTIAL, ret_object);
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
		return add_inode(id, time_ns, raw, flags, ret_object);
	*ret_object = entry->object;
	if (entry->generation && entry->mode)
		return 0;
	/* Known by number only, from a call before its description: complete it. */
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
	if (entry && entry->created && (!raw->generation || raw->generation != entry->generation))
		r = add_inode(id, time_ns, raw, 0, ret_object);
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

static uint32_t hash_name(lm_object_id dir, struct lm_str component)
{
	return (uint32_t)hash_bytes(component.data, component.len, dir);
}

static struct lm_str component_of(const struct lm_identify *id, const struct name_entry *entry)
{
	return (struct lm_str){ (const char *)id->texts.data + entry->text, entry->len };
}

static lm_object_id look_up_hashed(const struct lm_identify *id, uint32_t hash, lm_object_id dir,
	struct lm_str component)
{
	struct index_walk walk = index_walk_from(hash);
	int64_t i;

	while ((i = index_set_next(&id->name_set, &walk)) >= 0) {
		const struct name_entry *entry = &id->names[i];

		if (entry->dir == dir && lm_str_equal(component_of(id, entry), component))
			return entry->object;
	}
	return LM_OBJECT_NONE;
}

lm_object_id look_up_name(const struct lm_identify *id, lm_object_id dir, struct lm_str component)
{
	return look_up_hashed(id, hash_name(dir, component), dir, component);
}

int find_name(struct lm_identify *id, uint64_t time_ns, lm_object_id dir, struct lm_str component,
	uint8_t flags, lm_object_id *ret_object)
{
	struct name_entry entry = {
		.dir = dir, .len = component.len, .text = (uint32_t)id->texts.len,
	};
	uint32_t hash = hash_name(dir, component);
	struct lm_item item;
	int r;

	*ret_object = look_up_hashed(id, hash, dir, component);
	if (*ret_object)
		return 0;
	r = grow(&id->names, id->name_count, &id->name_capacity, sizeof(*id->names));
	if (r < 0)
		return r;
	lm_buffer_append_str(&id->texts, component);
	r = lm_buffer_status(&id->texts);
	if (r < 0)
		return r;
	r = new_object(id, LM_OBJECT_KIND_NAME, id->name_count, &entry.object);
	if (r < 0)
		return r;
	id->names[id->name_count] = entry;
	r = index_set_add(&id->name_set, hash, id->name_count);
	if (r < 0)
		return r;
	id->name_count++;
	*ret_object = entry.object;
	begin_item(&item, entry.object, LM_OBJECT_KIND_NAME, flags, time_ns)->name =
		(struct lm_name){ .dir = dir, .component = component };
	return id->sink.item(id->sink.data, &item);
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
	if (!S_ISLNK(inode->mode))
		entry->link_len = 0; /* what has become of the link was not seen */
}

int emit_binding(struct lm_identify *id, uint64_t time_ns, lm_object_id file, lm_object_id name,
	uint8_t flags)
{
	struct lm_item item = {
		.kind = LM_ITEM_BINDING,
		.binding = { .time_ns = time_ns, .file = file, .name = name, .flags = flags },
	};

	return id->sink.item(id->sink.data, &item);
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
	if (entry->file == dir && inode_of(id, dir)->name == name)
		return 0;
	bind_name(id, name, dir);
	return emit_binding(id, raw->raw.time_ns, dir, name,
		raw->raw.flags & LM_RAW_MOUNT ? LM_BINDING_MOUNT : 0);
}
