/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "truth.h"

/*
 * From what happens on the host to what stands in its log: definitions before use, the names of
 * directories when they are first met, events in the order of their times, a frame every 8 ms.
 */
#define EXT4_MAGIC 0xef53u

lm_object_id host_define(struct world *w, struct lm_object *object, uint64_t t_ns)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT };

	if (!object->id)
		object->id = ++w->objects;
	object->time_ns = t_ns;
	item.object = *object;
	host_must(lm_log_add(w->writer, &item), "the log");
	return object->id;
}

void host_bind(struct world *w, struct node *node, uint64_t t_ns)
{
	struct lm_item item = { .kind = LM_ITEM_BINDING,
		.binding = {
			.time_ns = t_ns,
			.file = node->file,
			.name = node->name,
			.flags = node->parent ? 0 : LM_BINDING_ROOT,
		} };

	host_must(lm_log_add(w->writer, &item), "the log");
}

lm_object_id host_tell_name(struct world *w, struct node *node, uint64_t t_ns)
{
	struct lm_object object = { .kind = LM_OBJECT_KIND_NAME };

	if (node->name || !node->parent)
		return node->name;
	object.name.dir = host_tell_file(w, node->parent, t_ns);
	object.name.component = lm_str_from(node->component);
	node->name = host_define(w, &object, t_ns);
	return node->name;
}

lm_object_id host_tell_file(struct world *w, struct node *node, uint64_t t_ns)
{
	struct lm_object object = { .kind = LM_OBJECT_KIND_FILE };

	if (node->file)
		return node->file;
	if (!node->inode)
		node->inode = w->next_inode++;
	if (S_ISDIR(node->mode))
		host_tell_name(w, node, t_ns);
	object.file = (struct lm_file){ .dev = HOST_DEV,
		.inode = node->inode,
		.generation = (uint32_t)host_hash(node->inode),
		.mode = node->mode,
		.rdev = node->rdev,
		.fs_magic = EXT4_MAGIC };
	node->file = host_define(w, &object, t_ns);
	if (S_ISDIR(node->mode))
		host_bind(w, node, t_ns);
	return node->file;
}

static uint64_t key_of(const struct node *dir, const char *component)
{
	uint64_t hash = (uintptr_t)dir;

	for (const char *c = component; *c; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	return host_hash(hash);
}

struct node *host_child(struct world *w, struct node *dir, const char *component, uint32_t mode)
{
	uint64_t key = key_of(dir, component), *known;
	struct node *node;

	for (; (known = lm_map_get(&w->nodes, key)); key++) {
		node = (struct node *)(uintptr_t)*known;
		if (node->parent == dir && strcmp(node->component, component) == 0)
			return node;
	}
	node = host_allocate(sizeof(*node));
	*node = (struct node){ .parent = dir, .component = strdup(component), .mode = mode };
	host_must(node->component ? 0 : -ENOMEM, "memory");
	host_must(lm_map_put(&w->nodes, key, (uintptr_t)node), "memory");
	return node;
}

struct node *host_node(struct world *w, const char *path, uint32_t mode)
{
	struct node *node = w->root;
	char component[256];

	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 0)
			break;
		snprintf(component, sizeof(component), "%.*s", (int)length, path);
		path += length;
		node = host_child(w, node, component, *path ? S_IFDIR | 0755 : mode);
	}
	return node;
}

struct node *host_temporary(struct world *w, struct node *dir, const char *format, ...)
{
	struct node *node = host_allocate(sizeof(*node));
	va_list arguments;
	int length;

	*node = (struct node){ .parent = dir, .temporary = true };
	va_start(arguments, format);
	length = vasprintf(&node->component, format, arguments);
	va_end(arguments);
	host_must(length < 0 ? -ENOMEM : 0, "memory");
	return node;
}

void host_forget(struct node *node)
{
	free(node->component);
	free(node);
}

static struct pending *add_pending(struct world *w)
{
	if (w->pending_count == w->pending_capacity) {
		w->pending_capacity = w->pending_capacity ? 2 * w->pending_capacity : 4096;
		w->pending = realloc(w->pending, w->pending_capacity * sizeof(struct pending));
		host_must(w->pending ? 0 : -ENOMEM, "memory");
	}
	return &w->pending[w->pending_count++];
}

void host_event(struct proc *p, struct lm_event event)
{
	struct world *w = p->world;
	struct pending *pending = add_pending(w);

	event.actor = p->object;
	event.tid = p->tid;
	event.cpu = p->cpu;
	event.end_ns = p->now_ns;
	*pending = (struct pending){ .event = event,
		.order = ++w->serial,
		.attack = p->marked ? p->attack : NULL,
		.detects = p->detects };
	p->now_ns += host_think_ns(w);
	if (p->now_ns > w->horizon_ns)
		host_sleep_until(p, p->now_ns);
}

static int compare_pending(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->event.end_ns != y->event.end_ns)
		return x->event.end_ns < y->event.end_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* No two events at one time: then numbers follow from times, for whoever reads the log. */
void host_flush(struct world *w, uint64_t before_ns)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT };
	uint64_t last_ns = 0;
	size_t i;

	if (w->pending_count == 0)
		return;
	qsort(w->pending, w->pending_count, sizeof(struct pending), compare_pending);
	for (i = 0; i < w->pending_count && w->pending[i].event.end_ns < before_ns; i++) {
		struct pending *pending = &w->pending[i];

		if (pending->event.end_ns <= last_ns)
			pending->event.end_ns = last_ns + 1;
		last_ns = pending->event.end_ns;
		item.event = pending->event;
		host_must(lm_log_add(w->writer, &item), "the log");
		w->events++;
		if (pending->attack)
			truth_event(pending->attack, w->events, &pending->event, pending->detects);
	}
	memmove(w->pending, w->pending + i, (w->pending_count - i) * sizeof(struct pending));
	w->pending_count -= i;
	host_must(lm_log_flush(w->writer), "the log");
}
