/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "lemona/event/event.h"

/*
 * What must hold of every stream of items, whatever was fed in. With `segment` set, what an item
 * refers to must have been defined in that segment.
 */
struct order {
	uint8_t *kinds; /* by object number; [0] is no object */
	uint32_t *segments; /* likewise: where it was defined last */
	uint32_t segment;
	uint32_t count, capacity;
};

static inline void order_release(struct order *order)
{
	free(order->kinds);
	free(order->segments);
	*order = (struct order){ 0 };
}

static inline bool order_is_here(const struct order *order, lm_object_id id)
{
	return id <= order->count && order->segments[id] == order->segment;
}

static inline bool order_is(const struct order *order, lm_object_id id, uint8_t kind)
{
	return id == LM_OBJECT_NONE || (order_is_here(order, id) && order->kinds[id] == kind);
}

/* Anything but a name: those have fields of their own. */
static inline bool order_is_thing(const struct order *order, lm_object_id id)
{
	return id == LM_OBJECT_NONE ||
		(order_is_here(order, id) && order->kinds[id] != LM_OBJECT_KIND_NAME);
}

static inline const char *order_of_object(struct order *order, const struct lm_object *object)
{
	if (object->id == LM_OBJECT_NONE || object->id > order->count + 1)
		return "object numbers are not dense";
	if (object->id <= order->count && order->kinds[object->id] != object->kind)
		return "an object changed its kind";
	if (object->id > order->count) {
		if (order->count + 2 > order->capacity) {
			order->capacity = order->capacity * 2 + 64;
			order->kinds = realloc(order->kinds, order->capacity);
			order->segments = realloc(order->segments,
				order->capacity * sizeof(*order->segments));
			if (!order->kinds || !order->segments)
				abort();
		}
		order->kinds[++order->count] = object->kind;
	}
	order->segments[object->id] = order->segment;
	switch (object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		if (!order_is(order, object->process.previous, LM_OBJECT_KIND_PROCESS) ||
			!order_is(order, object->process.parent, LM_OBJECT_KIND_PROCESS) ||
			!order_is_thing(order, object->process.exe) ||
			!order_is_thing(order, object->process.loader) ||
			!order_is_thing(order, object->process.script) ||
			!order_is_thing(order, object->process.cwd) ||
			!order_is_thing(order, object->process.root) ||
			!order_is(order, object->process.exe_name, LM_OBJECT_KIND_NAME) ||
			!order_is(order, object->process.cgroup, LM_OBJECT_KIND_CGROUP))
			return "a process refers to what is not defined";
		if (object->process.argv.len > LM_PROCESS_ARGV_MAX_BYTES)
			return "an argv that no log takes";
		return NULL;
	case LM_OBJECT_KIND_NAME:
		if (!order_is_thing(order, object->name.dir))
			return "a name in a directory that is not defined";
		if (!object->name.component.len)
			return "a name without a text";
		return object->name.component.len > LM_NAME_MAX_BYTES ? "a name that no log takes" :
			NULL;
	case LM_OBJECT_KIND_SOCKET:
		if (!order_is_thing(order, object->socket.path_file))
			return "a socket's node is not defined";
		return object->socket.local.path.len > LM_NAME_MAX_BYTES ||
			object->socket.remote.path.len > LM_NAME_MAX_BYTES ?
			"a path that no log takes" : NULL;
	case LM_OBJECT_KIND_CGROUP:
		return object->cgroup.path.len > LM_CGROUP_PATH_MAX_BYTES ?
			"a group's path that no log takes" : NULL;
	}
	return NULL;
}

/* @return NULL, or what is wrong with the item */
static inline const char *order_take(struct order *order, const struct lm_item *item)
{
	const struct lm_event *event = &item->event;

	switch (item->kind) {
	case LM_ITEM_OBJECT:
		return order_of_object(order, &item->object);
	case LM_ITEM_BINDING:
		if (!item->binding.file || !order_is_thing(order, item->binding.file))
			return "a binding of no file";
		return order_is(order, item->binding.name, LM_OBJECT_KIND_NAME) ? NULL :
			"a binding to no name";
	case LM_ITEM_EVENT:
		if (!event->actor || !order_is(order, event->actor, LM_OBJECT_KIND_PROCESS))
			return "an event without an actor";
		if (!order_is_thing(order, event->object) || !order_is_thing(order, event->object2))
			return "an event on what is not defined";
		return order_is(order, event->name, LM_OBJECT_KIND_NAME) &&
			order_is(order, event->name2, LM_OBJECT_KIND_NAME) ? NULL :
			"an event on a name that is not defined";
	case LM_ITEM_GAP:
		return NULL;
	}
	return "an item of no kind";
}
