/* SPDX-License-Identifier: MIT */
#include "lemona/event/label.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"

/*
 * Object numbers are dense in a sound log but may jump after damage, so the
 * table is two-level: a hostile number costs one page, never a table.
 */
#define PAGE_BITS 12
#define PAGE_ENTRIES (1u << PAGE_BITS)
#define DIRECTORY_ENTRIES (1u << (32 - PAGE_BITS))

#define CHUNK_BYTES 65536u

/* Strings live as long as the labels: they go into chunks that are freed together. */
struct chunk {
	struct chunk *next;
	size_t len;
	char data[];
};

/* Definitions and bindings that hold only from a later event on, oldest first. */
struct pending {
	uint64_t time_ns;
	lm_object_id id;       /* of the object, or of the bound name */
	lm_object_id file;     /* bindings only */
	uint8_t binding_flags; /* bindings only */
	struct lm_label label; /* definitions only */
};

struct queue {
	struct pending *entries;
	size_t first, count, capacity;
};

struct lm_labels {
	struct lm_label **pages;
	struct chunk *chunks;
	struct queue definitions, bindings;
};

int lm_labels_new(struct lm_labels **ret_labels)
{
	struct lm_labels *labels = calloc(1, sizeof(*labels));

	if (!labels)
		return -ENOMEM;
	labels->pages = calloc(DIRECTORY_ENTRIES, sizeof(*labels->pages));
	if (!labels->pages) {
		lm_labels_free(labels);
		return -ENOMEM;
	}
	*ret_labels = labels;
	return 0;
}

static void release_label(const struct lm_label *label)
{
	if (label->kind == LM_OBJECT_KIND_PROCESS)
		free(label->process.all);
}

static void free_page(struct lm_label *page)
{
	for (size_t i = 0; page && i < PAGE_ENTRIES; i++)
		release_label(&page[i]);
	free(page);
}

struct lm_labels *lm_labels_free(struct lm_labels *labels)
{
	if (!labels)
		return NULL;
	for (size_t i = 0; labels->pages && i < DIRECTORY_ENTRIES; i++)
		free_page(labels->pages[i]);
	for (size_t i = 0; i < labels->definitions.count; i++)
		release_label(&labels->definitions.entries[labels->definitions.first + i].label);
	while (labels->chunks) {
		struct chunk *chunk = labels->chunks;

		labels->chunks = chunk->next;
		free(chunk);
	}
	free(labels->pages);
	free(labels->definitions.entries);
	free(labels->bindings.entries);
	free(labels);
	return NULL;
}

static struct lm_label *find_label(const struct lm_labels *labels, lm_object_id id)
{
	struct lm_label *page = labels->pages[id >> PAGE_BITS];

	return page ? &page[id & (PAGE_ENTRIES - 1)] : NULL;
}

static struct lm_label *make_label(struct lm_labels *labels, lm_object_id id)
{
	struct lm_label **page = &labels->pages[id >> PAGE_BITS];

	if (!*page)
		*page = calloc(PAGE_ENTRIES, sizeof(**page));
	return *page ? &(*page)[id & (PAGE_ENTRIES - 1)] : NULL;
}

const struct lm_label *lm_labels_get(const struct lm_labels *labels, lm_object_id id)
{
	static const struct lm_label undefined = { .kind = LM_OBJECT_KIND_NONE };
	const struct lm_label *label = id ? find_label(labels, id) : NULL;

	return label ? label : &undefined;
}

static int keep_str(struct lm_labels *labels, struct lm_str s, struct lm_str *ret_kept)
{
	struct chunk *chunk = labels->chunks;

	if (s.len == 0) {
		*ret_kept = LM_STR_NONE;
		return 0;
	}
	if (!chunk || chunk->len > CHUNK_BYTES - sizeof(*chunk) ||
	    CHUNK_BYTES - sizeof(*chunk) - chunk->len < s.len) {
		size_t room = CHUNK_BYTES - sizeof(*chunk);

		chunk = malloc(sizeof(*chunk) + (s.len > room ? s.len : room));
		if (!chunk)
			return -ENOMEM;
		chunk->len = 0;
		chunk->next = labels->chunks;
		labels->chunks = chunk;
	}
	memcpy(chunk->data + chunk->len, s.data, s.len);
	*ret_kept = (struct lm_str){ chunk->data + chunk->len, s.len };
	chunk->len += s.len;
	return 0;
}

static int keep_address(struct lm_labels *labels, const struct lm_address *address,
	struct lm_address *ret_kept)
{
	*ret_kept = *address;
	return keep_str(labels, address->path, &ret_kept->path);
}

static int label_process(struct lm_labels *labels, const struct lm_process *process,
	struct lm_label *label)
{
	label->process.tgid = process->tgid;
	label->process.uid = process->uid;
	label->process.parent = process->parent;
	label->process.exe = process->exe;
	label->process.exe_name = process->exe_name;
	label->process.all = malloc(sizeof(*label->process.all));
	if (!label->process.all)
		return -ENOMEM;
	*label->process.all = *process;
	label->process.all->argv = label->process.all->comm = LM_STR_NONE;
	int r = keep_str(labels, process->argv, &label->process.all->argv);

	if (r == 0)
		r = keep_str(labels, process->comm, &label->process.comm);
	label->process.all->comm = label->process.comm;
	return r;
}

static int label_socket(struct lm_labels *labels, const struct lm_socket *socket,
	struct lm_label *label)
{
	label->socket.inode = socket->inode;
	label->socket.family = socket->family;
	label->socket.type = socket->type;
	label->socket.protocol = socket->protocol;
	int r = keep_address(labels, &socket->local, &label->socket.local);

	return r < 0 ? r : keep_address(labels, &socket->remote, &label->socket.remote);
}

static int label_object(struct lm_labels *labels, const struct lm_object *object,
	struct lm_label *label)
{
	label->kind = object->kind;
	label->flags = object->flags;
	switch ((enum lm_object_kind)object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		return label_process(labels, &object->process, label);
	case LM_OBJECT_KIND_FILE:
		label->file.inode = object->file.inode;
		label->file.dev = object->file.dev;
		label->file.mode = object->file.mode;
		return 0;
	case LM_OBJECT_KIND_NAME:
		label->name.dir = object->name.dir;
		return keep_str(labels, object->name.component, &label->name.component);
	case LM_OBJECT_KIND_SOCKET:
		return label_socket(labels, &object->socket, label);
	case LM_OBJECT_KIND_PIPE:
		label->pipe.inode = object->pipe.inode;
		label->pipe.dev = object->pipe.dev;
		return 0;
	case LM_OBJECT_KIND_MEMORY:
		label->memory.inode = object->memory.inode;
		label->memory.dev = object->memory.dev;
		label->memory.type = object->memory.type;
		return keep_str(labels, object->memory.label, &label->memory.label);
	case LM_OBJECT_KIND_CGROUP:
		return keep_str(labels, object->cgroup.path, &label->cgroup.path);
	case LM_OBJECT_KIND_CONTENT:
	case LM_OBJECT_KIND_NONE:
	case LM_OBJECT_KIND_KERNEL:
		break;
	}
	return 0;
}

static int push_pending(struct queue *queue, const struct pending *pending)
{
	if (queue->first + queue->count == queue->capacity && queue->first > 0) {
		memmove(queue->entries, queue->entries + queue->first,
			queue->count * sizeof(*queue->entries));
		queue->first = 0;
	}
	if (queue->count == queue->capacity) {
		size_t capacity = queue->capacity ? queue->capacity * 2 : 64;
		struct pending *grown =
			reallocarray(queue->entries, capacity, sizeof(*queue->entries));

		if (!grown)
			return -ENOMEM;
		queue->entries = grown;
		queue->capacity = capacity;
	}
	queue->entries[queue->first + queue->count++] = *pending;
	return 0;
}

static const struct pending *pop_due(struct queue *queue, uint64_t time_ns)
{
	if (queue->count == 0 || queue->entries[queue->first].time_ns > time_ns)
		return NULL;
	queue->count--;
	return &queue->entries[queue->first++];
}

/* What a definition does not carry survives it: the names that a file and a name are bound to. */
static int redefine(struct lm_labels *labels, const struct pending *pending)
{
	struct lm_label *label = make_label(labels, pending->id);

	if (!label)
		return -ENOMEM;
	struct lm_label before = *label;

	*label = pending->label;
	release_label(&before);
	if (before.kind != label->kind)
		return 0;
	if (label->kind == LM_OBJECT_KIND_FILE) {
		label->file.name = before.file.name;
		label->file.root = before.file.root;
	} else if (label->kind == LM_OBJECT_KIND_NAME) {
		label->name.file = before.name.file;
	}
	return 0;
}

static struct lm_label *find_kind(struct lm_labels *labels, lm_object_id id,
	enum lm_object_kind kind)
{
	struct lm_label *label = id ? find_label(labels, id) : NULL;

	return label && label->kind == kind ? label : NULL;
}

static void bind_name(struct lm_labels *labels, lm_object_id name_id, lm_object_id file_id)
{
	struct lm_label *name = find_kind(labels, name_id, LM_OBJECT_KIND_NAME);
	struct lm_label *file = find_kind(labels, file_id, LM_OBJECT_KIND_FILE);

	if (name)
		name->name.file = file_id;
	/* A claimed path without a directory says less than a name in one. */
	if (file && name && (name->name.dir || !file->file.name))
		file->file.name = name_id;
}

static void take_binding(struct lm_labels *labels, const struct pending *binding)
{
	struct lm_label *file = find_kind(labels, binding->file, LM_OBJECT_KIND_FILE);

	if (file && (binding->binding_flags & LM_BINDING_ROOT))
		file->file.root = true;
	bind_name(labels, binding->id, binding->file);
}

static int add_object(struct lm_labels *labels, const struct lm_object *object)
{
	struct pending pending = { .time_ns = object->time_ns, .id = object->id };
	struct lm_label *label = make_label(labels, object->id);

	if (!label)
		return -ENOMEM;
	int r = label_object(labels, object, &pending.label);

	if (r < 0) {
		release_label(&pending.label);
		return r;
	}
	if (label->kind == LM_OBJECT_KIND_NONE) {
		*label = pending.label;
		return 0;
	}
	/* Of what was there before the start, the first that is told can be its identity alone. */
	if (label->flags & LM_OBJECT_PARTIAL)
		return redefine(labels, &pending);
	r = push_pending(&labels->definitions, &pending);
	if (r < 0)
		release_label(&pending.label);
	return r;
}

static int add_binding(struct lm_labels *labels, const struct lm_binding *binding)
{
	const struct pending pending = {
		.time_ns = binding->time_ns,
		.id = binding->name,
		.file = binding->file,
		.binding_flags = binding->flags,
	};
	const struct lm_label *file = find_kind(labels, binding->file, LM_OBJECT_KIND_FILE);

	/* The first name that is told of a file is better than none, if it is early. */
	if (file && !file->file.name && !file->file.root) {
		take_binding(labels, &pending);
		return 0;
	}
	return push_pending(&labels->bindings, &pending);
}

int lm_labels_add(struct lm_labels *labels, const struct lm_item *item)
{
	if (item->kind == LM_ITEM_OBJECT)
		return add_object(labels, &item->object);
	return item->kind == LM_ITEM_BINDING ? add_binding(labels, &item->binding) : 0;
}

int lm_labels_advance(struct lm_labels *labels, uint64_t time_ns)
{
	const struct pending *due = NULL;

	while ((due = pop_due(&labels->definitions, time_ns))) {
		int r = redefine(labels, due);

		if (r < 0)
			return r;
	}
	while ((due = pop_due(&labels->bindings, time_ns)))
		take_binding(labels, due);
	return 0;
}

static void rename_file(struct lm_labels *labels, const struct lm_event *event)
{
	struct lm_label *from = find_kind(labels, event->name, LM_OBJECT_KIND_NAME);
	lm_object_id file = event->object ? event->object : from ? from->name.file : 0;

	if (from)
		from->name.file = LM_OBJECT_NONE;
	bind_name(labels, event->name2, file);
}

int lm_labels_apply(struct lm_labels *labels, const struct lm_event *event)
{
	if (lm_event_failed(event))
		return 0;
	switch ((enum lm_op)event->op) {
	case LM_OP_OPEN:
	case LM_OP_MKNOD:
	case LM_OP_MKDIR:
	case LM_OP_SYMLINK:
		bind_name(labels, event->name, event->object);
		return 0;
	case LM_OP_LINK:
		bind_name(labels, event->name2, event->object);
		return 0;
	case LM_OP_RENAME:
		rename_file(labels, event);
		return 0;
	default:
		return 0;
	}
}
