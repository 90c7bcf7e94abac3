/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "lemona/base/time.h"
#include "world_internal.h"

int world_fail(struct world *world, int code)
{
	if (world->status == 0)
		world->status = code;
	return world->status;
}

int world_status(const struct world *world)
{
	return world->status;
}

uint64_t world_now(const struct world *world)
{
	return world->now_ns;
}

void *world_grow(struct world *world, void *at, size_t count, size_t *capacity, size_t size)
{
	size_t more = *capacity ? *capacity * 2 : 64;
	void *moved;

	if (count < *capacity)
		return at;
	moved = reallocarray(at, more, size);
	if (!moved) {
		world_fail(world, -ENOMEM);
		return NULL;
	}
	*capacity = more;
	return moved;
}

lm_object_id world_numbers(const struct world *world)
{
	return world->last;
}

void world_hand_on(struct world *world, const struct lm_item *item)
{
	int r;

	if (world->status < 0)
		return;
	r = world->sink.item(world->sink.data, item);
	if (r < 0)
		world_fail(world, r);
}

struct world_object *world_object(const struct world *world, lm_object_id object)
{
	return object && object <= world->last ? &world->objects[object] : NULL;
}

/* @return whether there is a number, and room to remember what it is */
static bool take_number(struct world *world, struct lm_object *object)
{
	struct world_object *moved;

	if (world->last == UINT32_MAX) {
		world_fail(world, -EOVERFLOW);
		return false;
	}
	moved = world_grow(world, world->objects, (size_t)world->last + 1, &world->object_capacity,
		sizeof(*moved));
	if (!moved)
		return false;
	world->objects = moved;
	object->id = ++world->last;
	world->objects[object->id] = (struct world_object){ .kind = object->kind };
	return true;
}

/* The first object of a log, once something is to be told at all. */
static void define_kernel(struct world *world)
{
	struct lm_object kernel = { .kind = LM_OBJECT_KIND_KERNEL };

	if (take_number(world, &kernel)) {
		kernel.time_ns = world->now_ns;
		world_hand_on(world, &(struct lm_item){
			.kind = LM_ITEM_OBJECT, .object = kernel });
	}
}

lm_object_id world_define(struct world *world, struct lm_object *object)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT };

	if (world->last == 0)
		define_kernel(world);
	if (world->status < 0 || (!object->id && !take_number(world, object)))
		return LM_OBJECT_NONE;
	object->time_ns = world->now_ns;
	item.object = *object;
	world_hand_on(world, &item);
	return world->status < 0 ? LM_OBJECT_NONE : object->id;
}

void world_event(struct world *world, struct lm_event *event)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT };

	if (event->end_ns < world->now_ns)
		event->end_ns = world->now_ns;
	if (event->begin_ns > event->end_ns)
		event->begin_ns = event->end_ns;
	world->now_ns = event->end_ns;
	item.event = *event;
	world_hand_on(world, &item);
}

void world_gap(struct world *world, const struct lm_gap *gap)
{
	struct lm_item item = { .kind = LM_ITEM_GAP, .gap = *gap };

	world_hand_on(world, &item);
}

void world_set_now(struct world *world, uint64_t time_ns)
{
	if (time_ns > world->now_ns)
		world->now_ns = time_ns;
}

static uint64_t inode_key(const struct world_file *file)
{
	return file->inode * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)file->dev << 40;
}

/* Keys are not unique: the entry says whose it is. */
static lm_object_id find_inode(const struct world *world, const struct world_file *file)
{
	const uint64_t *found = lm_map_get(&world->by_inode, inode_key(file));
	const struct world_object *object;

	if (!found || (!file->dev && !file->inode))
		return LM_OBJECT_NONE;
	object = world_object(world, (lm_object_id)*found);
	if (world->files[object->at].dev != file->dev ||
		world->files[object->at].inode != file->inode)
		return LM_OBJECT_NONE;
	return (lm_object_id)*found;
}

static void remember_inode(struct world *world, lm_object_id object, const struct world_file *file)
{
	if ((file->dev || file->inode) &&
		lm_map_put(&world->by_inode, inode_key(file), object) < 0)
		world_fail(world, -ENOMEM);
}

static lm_object_id define_file(struct world *world, lm_object_id id, const struct world_file *file)
{
	struct lm_object object = {
		.id = id, .kind = LM_OBJECT_KIND_FILE,
		.flags = file->dev || file->inode ? 0 : LM_OBJECT_PARTIAL,
		.file = { .dev = file->dev, .inode = file->inode, .mode = file->mode,
			.rdev = file->rdev },
	};

	return world_define(world, &object);
}

static lm_object_id new_file(struct world *world, const struct world_file *file)
{
	struct world_file *moved = world_grow(world, world->files, world->file_count,
		&world->file_capacity, sizeof(*moved));
	lm_object_id id;

	if (!moved)
		return LM_OBJECT_NONE;
	world->files = moved;
	id = define_file(world, LM_OBJECT_NONE, file);
	if (!id)
		return LM_OBJECT_NONE;
	world->objects[id].at = (uint32_t)world->file_count;
	world->objects[id].unknown = !file->dev && !file->inode;
	world->files[world->file_count++] = *file;
	remember_inode(world, id, file);
	return id;
}

lm_object_id world_file(struct world *world, const struct world_file *file, bool created)
{
	lm_object_id found = created ? LM_OBJECT_NONE : find_inode(world, file);

	/* A number that another kind of file has now was given anew. */
	if (found && file->mode &&
		(world->files[world->objects[found].at].mode & S_IFMT) != (file->mode & S_IFMT) &&
		world->files[world->objects[found].at].mode)
		found = LM_OBJECT_NONE;
	return found ? found : new_file(world, file);
}

lm_object_id world_unknown_file(struct world *world, uint32_t mode)
{
	const struct world_file file = { .mode = mode };

	return new_file(world, &file);
}

const struct world_file *world_known_file(const struct world *world, lm_object_id file)
{
	const struct world_object *object = world_object(world, file);

	return object && object->kind == LM_OBJECT_KIND_FILE ? &world->files[object->at] : NULL;
}

lm_object_id world_unknown_device(struct world *world, const struct world_file *is)
{
	const struct world_file file = { .mode = is->mode, .rdev = is->rdev };

	return new_file(world, &file);
}

bool world_is_unknown(const struct world *world, lm_object_id file)
{
	const struct world_object *object = world_object(world, file);

	return object && object->unknown;
}

lm_object_id world_identify(struct world *world, lm_object_id file, const struct world_file *is)
{
	struct world_object *object = world_object(world, file);
	lm_object_id found;

	if (!is->dev && !is->inode)
		return file;
	found = find_inode(world, is);
	if (found || !object || !object->unknown)
		return world_file(world, is, false);
	object->unknown = false;
	world->files[object->at] = *is;
	remember_inode(world, file, is);
	return define_file(world, file, is);
}

lm_object_id world_root(struct world *world)
{
	if (!world->root) {
		world->root = world_unknown_file(world, S_IFDIR);
		world_make_root(world, world->root);
	}
	return world->root;
}

void world_make_root(struct world *world, lm_object_id dir)
{
	struct world_object *object = world_object(world, dir);
	struct lm_item item = { .kind = LM_ITEM_BINDING };

	if (!object || object->kind != LM_OBJECT_KIND_FILE || object->is_root)
		return;
	object->is_root = true;
	item.binding = (struct lm_binding){
		.time_ns = world->now_ns, .file = dir, .flags = LM_BINDING_ROOT,
	};
	world_hand_on(world, &item);
}

int world_new(const struct world_sink *sink, struct world **ret_world)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return -ENOMEM;
	world->sink = *sink;
	if (getrandom(&world->seed, sizeof(world->seed), GRND_NONBLOCK) < 0)
		world->seed = lm_time_boot_ns();
	*ret_world = world;
	return 0;
}

struct world *world_free(struct world *world)
{
	if (!world)
		return NULL;
	world_free_processes(world);
	world_free_sockets(world);
	free(world->objects);
	free(world->names);
	free(world->files);
	lm_buffer_release(&world->texts);
	lm_map_release(&world->by_text);
	lm_map_release(&world->by_inode);
	lm_map_release(&world->threads);
	free(world);
	return NULL;
}
