/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lemona/base/hash.h"
#include "world_internal.h"

#define STEPS_MAX 256 /* components of one path; what is left of a longer one is its last */

/* Eight bytes at a time, under a seed that nobody who makes names knows. */
static uint64_t hash_name(const struct world *world, lm_object_id dir, struct lm_str component)
{
	uint64_t hash = world->seed ^ dir;
	uint32_t i = 0;

	for (; component.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, component.data + i, sizeof(word));
		hash = lm_hash_mix(hash ^ word) + world->seed;
	}
	for (; i < component.len; i++)
		hash = lm_hash_mix(hash ^ (uint8_t)component.data[i]) + world->seed;
	return hash ^ component.len;
}

static struct lm_str text_of(const struct world *world, const struct name_entry *entry)
{
	return (struct lm_str){ (const char *)world->texts.data + entry->text, entry->len };
}

static lm_object_id find_name(const struct world *world, uint64_t hash, lm_object_id dir,
	struct lm_str component)
{
	const uint64_t *first = lm_map_get(&world->by_text, hash);
	uint32_t next = first ? (uint32_t)*first : 0;

	while (next) {
		const struct name_entry *entry = &world->names[next - 1];

		if (entry->dir == dir && lm_str_equal(text_of(world, entry), component))
			return entry->object;
		next = entry->next;
	}
	return LM_OBJECT_NONE;
}

static bool make_room(struct world *world, struct lm_str component)
{
	struct name_entry *moved = world_grow(world, world->names, world->name_count,
		&world->name_capacity, sizeof(*moved));

	if (!moved)
		return false;
	world->names = moved;
	if (world->name_count < UINT32_MAX - 1 &&
		lm_buffer_reserve(&world->texts, component.len) == 0)
		return true;
	world_fail(world, -ENOMEM);
	return false;
}

lm_object_id world_name(struct world *world, lm_object_id dir, struct lm_str component)
{
	struct lm_object object = { .kind = LM_OBJECT_KIND_NAME };
	const uint64_t *first;
	uint64_t hash;
	lm_object_id name;

	if (component.len > LM_NAME_MAX_BYTES)
		component.len = LM_NAME_MAX_BYTES;
	hash = hash_name(world, dir, component);
	name = find_name(world, hash, dir, component);
	if (name || !make_room(world, component))
		return name;
	object.name = (struct lm_name){ .dir = dir, .component = component };
	name = world_define(world, &object);
	if (!name)
		return LM_OBJECT_NONE;
	first = lm_map_get(&world->by_text, hash);
	world->names[world->name_count] = (struct name_entry){
		.object = name, .dir = dir, .next = first ? (uint32_t)*first : 0,
		.text = world->texts.len, .len = component.len,
	};
	lm_buffer_append_str(&world->texts, component);
	world->objects[name].at = (uint32_t)world->name_count++;
	if (lm_map_put(&world->by_text, hash, world->name_count) < 0)
		world_fail(world, -ENOMEM);
	return name;
}

lm_object_id world_bound(const struct world *world, lm_object_id name)
{
	const struct world_object *object = world_object(world, name);

	return object && object->kind == LM_OBJECT_KIND_NAME ? object->other : LM_OBJECT_NONE;
}

void world_rebind(struct world *world, lm_object_id name, lm_object_id file)
{
	struct world_object *object = world_object(world, name), *bound;

	if (!object || object->kind != LM_OBJECT_KIND_NAME)
		return;
	bound = world_object(world, object->other);
	if (bound && bound->other == name)
		bound->other = LM_OBJECT_NONE;
	object->other = file;
	object->absent = !file;
	bound = world_object(world, file);
	if (bound)
		bound->other = name;
}

lm_object_id world_name_of(const struct world *world, lm_object_id file)
{
	const struct world_object *object = world_object(world, file);

	return object && object->kind == LM_OBJECT_KIND_FILE ? object->other : LM_OBJECT_NONE;
}

bool world_is_absent(const struct world *world, lm_object_id name)
{
	const struct world_object *object = world_object(world, name);

	return object && object->absent;
}

bool world_is_alias(const struct world *world, lm_object_id name, lm_object_id file)
{
	const struct world_object *object = world_object(world, name);
	const struct world_object *known = world_object(world, file), *other;

	if (!object || object->other || !known || known->other == name)
		return false;
	other = world_object(world, known->other);
	return other && other->other == file &&
		lm_str_equal(text_of(world, &world->names[object->at]),
			text_of(world, &world->names[other->at]));
}

struct world_place world_move_place(struct world *world, const struct world_place *place,
	lm_object_id dir)
{
	const struct world_object *object = world_object(world, place->name);
	LM_BUFFER struct lm_buffer component = LM_BUFFER_INIT;
	struct world_place moved = { .dir = dir };

	if (!object || place->dir == dir)
		return *place;
	/* The text may move while a name is made of it. */
	lm_buffer_append_str(&component, text_of(world, &world->names[object->at]));
	if (lm_buffer_status(&component) < 0)
		world_fail(world, -ENOMEM);
	moved.name = world_name(world, dir,
		(struct lm_str){ (const char *)component.data, (uint32_t)component.len });
	moved.file = world_bound(world, moved.name);
	return moved;
}

void world_bind(struct world *world, lm_object_id name, lm_object_id file)
{
	struct lm_item item = { .kind = LM_ITEM_BINDING };

	if (!name || world_bound(world, name) == file)
		return;
	world_rebind(world, name, file);
	if (!file)
		return;
	item.binding = (struct lm_binding){
		.time_ns = world->now_ns, .file = file, .name = name,
	};
	world_hand_on(world, &item);
}

static struct lm_str next_component(struct lm_str *path)
{
	struct lm_str component;
	const char *slash;

	while (path->len && *path->data == '/') {
		path->data++;
		path->len--;
	}
	if (!path->len)
		return LM_STR_NONE;
	slash = memchr(path->data, '/', path->len);
	component = (struct lm_str){
		path->data, slash ? (uint32_t)(slash - path->data) : path->len,
	};
	path->data += component.len;
	path->len -= component.len;
	return component;
}

static bool is_dots(struct lm_str component, uint32_t dots)
{
	return component.len == dots && memcmp(component.data, "..", dots) == 0;
}

/* The directory above, by the name that the directory was bound to last. */
static lm_object_id parent_of(const struct world *world, lm_object_id dir, lm_object_id root)
{
	const struct world_object *object = world_object(world, dir);
	const struct world_object *name = object ? world_object(world, object->other) : NULL;

	if (dir == root || !object)
		return dir;
	if (!name)
		return object->is_root ? dir : LM_OBJECT_NONE;
	return world->names[name->at].dir;
}

/* The directory that a name on the way means: taken to be one where it was never seen. */
static lm_object_id enter(struct world *world, lm_object_id name)
{
	lm_object_id dir = world_bound(world, name);

	if (dir)
		return dir;
	dir = world_unknown_file(world, S_IFDIR);
	world_bind(world, name, dir);
	return dir;
}

struct world_place world_walk(struct world *world, lm_object_id root, lm_object_id start,
	struct lm_str path)
{
	struct world_place at = { .file = start };
	lm_object_id last = LM_OBJECT_NONE; /* component that was not entered yet */
	uint32_t steps = 0;

	if (path.len && *path.data == '/')
		at.file = root;
	for (;;) {
		struct lm_str component = next_component(&path);
		lm_object_id dir;

		if (!component.len)
			break;
		if (is_dots(component, 1))
			continue;
		dir = last ? enter(world, last) : at.file;
		if (is_dots(component, 2)) {
			at.file = parent_of(world, dir, root);
			last = LM_OBJECT_NONE;
			continue;
		}
		if (++steps == STEPS_MAX)
			component.len += path.len;
		at.dir = dir;
		last = world_name(world, dir, component);
		at.file = LM_OBJECT_NONE;
		if (steps == STEPS_MAX || !last)
			break;
	}
	at.name = last;
	if (!last)
		at.dir = LM_OBJECT_NONE;
	else
		at.file = world_bound(world, last);
	return at;
}
