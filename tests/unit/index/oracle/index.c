/* SPDX-License-Identifier: MIT */
#include "index-private.h"

#include "lemona/base/error.h"

/*
 * Object numbers are dense, but frames that were damaged take their numbers
 * with them. A jump wider than any run of lost frames is not an honest log.
 */
#define OBJECT_JUMP_MAX (1u << 22)
#define CHUNK_BYTES (1u << 20)

int lm_index_new(struct lm_index **ret_index)
{
	struct lm_index *index = calloc(1, sizeof(*index));

	if (!index)
		return -ENOMEM;
	if (lm_array_reserve(index->objects.at, index->objects.capacity, 2) < 0) {
		lm_index_free(index);
		return -ENOMEM;
	}
	index->objects.count = 1;
	*ret_index = index;
	return 0;
}

void rows_release(struct rows *rows)
{
	free(rows->start);
	free(rows->at);
	*rows = (struct rows){ NULL, NULL };
}

struct lm_index *lm_index_free(struct lm_index *index)
{
	if (!index)
		return NULL;
	while (index->strings) {
		struct chunk *next = index->strings->next;

		free(index->strings);
		index->strings = next;
	}
	free(index->objects.at);
	free(index->processes.at);
	free(index->files.at);
	free(index->names.at);
	free(index->sockets.at);
	free(index->pipes.at);
	free(index->memories.at);
	free(index->cgroups.at);
	free(index->contents.at);
	free(index->events.at);
	free(index->bindings.at);
	free(index->bounds.at);
	free(index->name_bounds);
	free(index->file_bounds);
	rows_release(&index->by_name);
	rows_release(&index->by_file);
	rows_release(&index->in_dir);
	free(index->peers);
	free(index->peer_start);
	free(index);
	return NULL;
}

/* Strings live as long as the index; NUL-terminated for the convenience of readers. */
static int keep_string(struct lm_index *index, struct lm_str *s)
{
	struct chunk *chunk = index->strings;
	size_t need = (size_t)s->len + 1;

	if (s->len == 0) {
		*s = LM_STR_NONE;
		return 0;
	}
	if (!chunk || chunk->size - chunk->used < need) {
		size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + size);
		if (!chunk)
			return -ENOMEM;
		chunk->next = index->strings;
		chunk->used = 0;
		chunk->size = size;
		index->strings = chunk;
	}
	memcpy(chunk->data + chunk->used, s->data, s->len);
	chunk->data[chunk->used + s->len] = '\0';
	s->data = chunk->data + chunk->used;
	chunk->used += need;
	return 0;
}

/* A definition that repeats a string must not keep it twice. */
static int keep_string_once(struct lm_index *index, struct lm_str *s, struct lm_str before)
{
	if (lm_str_equal(*s, before)) {
		*s = before;
		return 0;
	}
	return keep_string(index, s);
}

static int reach_object(struct lm_index *index, lm_object_id id)
{
	if (id < index->objects.count)
		return 0;
	if (id - index->objects.count > OBJECT_JUMP_MAX || id == UINT32_MAX)
		return -LM_E_DAMAGED;
	if (lm_array_reserve(index->objects.at, index->objects.capacity, (size_t)id + 1) < 0)
		return -ENOMEM;
	index->objects.count = (size_t)id + 1;
	return 0;
}

#define NEW_SLOT(table, entry)                                                                     \
	({                                                                                         \
		int lm_rc_ = lm_array_reserve((table).at, (table).capacity, (table).count + 1);    \
		if (lm_rc_ == 0)                                                                   \
			(entry)->slot = (uint32_t)(table).count++;                                 \
		lm_rc_;                                                                            \
	})

/* Give an object its kind and an empty record of that kind. */
static int make_slot(struct lm_index *index, struct entry *entry, enum lm_object_kind kind)
{
	int r = 0;

	switch (kind) {
	case LM_OBJECT_KIND_PROCESS:
		r = NEW_SLOT(index->processes, entry);
		break;
	case LM_OBJECT_KIND_FILE:
		r = NEW_SLOT(index->files, entry);
		break;
	case LM_OBJECT_KIND_NAME:
		r = NEW_SLOT(index->names, entry);
		break;
	case LM_OBJECT_KIND_SOCKET:
		r = NEW_SLOT(index->sockets, entry);
		break;
	case LM_OBJECT_KIND_PIPE:
		r = NEW_SLOT(index->pipes, entry);
		break;
	case LM_OBJECT_KIND_MEMORY:
		r = NEW_SLOT(index->memories, entry);
		break;
	case LM_OBJECT_KIND_CGROUP:
		r = NEW_SLOT(index->cgroups, entry);
		break;
	case LM_OBJECT_KIND_CONTENT:
		r = NEW_SLOT(index->contents, entry);
		break;
	case LM_OBJECT_KIND_KERNEL:
		break;
	default:
		return -LM_E_DAMAGED;
	}
	if (r == 0)
		entry->kind = (uint8_t)kind;
	return r;
}

/* An object that is used without a definition (its frame was lost) is what its use says. */
static int imply_kind(struct lm_index *index, lm_object_id id, enum lm_object_kind kind)
{
	struct entry *entry;
	int r = reach_object(index, id);

	if (r < 0 || id == LM_OBJECT_NONE)
		return r;
	entry = &index->objects.at[id];
	if (kind == LM_OBJECT_KIND_NONE || entry->kind != LM_OBJECT_KIND_NONE)
		return 0;
	entry->flags |= LM_OBJECT_PARTIAL;
	return make_slot(index, entry, kind);
}

static int keep_process(struct lm_index *index, struct entry *entry, struct lm_process process)
{
	struct lm_process *slot = &index->processes.at[entry->slot];
	int r = keep_string_once(index, &process.argv, slot->argv);

	if (r == 0)
		r = keep_string_once(index, &process.comm, slot->comm);
	if (r == 0 && process.root)
		r = reach_object(index, process.root);
	if (r < 0)
		return r;
	if (process.root)
		index->objects.at[process.root].root = true;
	*slot = process;
	return 0;
}

static int keep_socket(struct lm_index *index, struct entry *entry, struct lm_socket socket)
{
	struct lm_socket *slot = &index->sockets.at[entry->slot];
	int r = keep_string_once(index, &socket.local.path, slot->local.path);

	if (r == 0)
		r = keep_string_once(index, &socket.remote.path, slot->remote.path);
	if (r < 0)
		return r;
	/* A socket that lost its connection is remembered by whom it was connected to. */
	if (socket.remote.family == LM_AF_NONE)
		socket.remote = slot->remote;
	if (socket.local.family == LM_AF_NONE)
		socket.local = slot->local;
	if (socket.peer_inode == 0)
		socket.peer_inode = slot->peer_inode;
	*slot = socket;
	return 0;
}

static int keep_memory(struct lm_index *index, struct entry *entry, struct lm_memory memory)
{
	struct lm_memory *slot = &index->memories.at[entry->slot];
	int r = keep_string_once(index, &memory.label, slot->label);

	if (r == 0)
		*slot = memory;
	return r;
}

static int keep_cgroup(struct lm_index *index, struct entry *entry, struct lm_cgroup cgroup)
{
	struct lm_cgroup *slot = &index->cgroups.at[entry->slot];
	int r = keep_string_once(index, &cgroup.path, slot->path);

	if (r == 0)
		*slot = cgroup;
	return r;
}

static int keep_name(struct lm_index *index, struct entry *entry, struct lm_name name)
{
	struct lm_name *slot = &index->names.at[entry->slot];
	int r = keep_string_once(index, &name.component, slot->component);

	if (r == 0)
		r = reach_object(index, name.dir);
	if (r == 0)
		*slot = name;
	return r;
}

static int add_object(struct lm_index *index, const struct lm_object *object)
{
	struct entry *entry;
	int r = reach_object(index, object->id);

	if (r < 0)
		return r;
	if (object->id == LM_OBJECT_NONE)
		return -LM_E_DAMAGED;
	entry = &index->objects.at[object->id];
	if (entry->kind == LM_OBJECT_KIND_NONE) {
		entry->first_ns = object->time_ns;
		r = make_slot(index, entry, object->kind);
		if (r < 0)
			return r;
	}
	if (entry->kind != object->kind)
		return -LM_E_DAMAGED;
	entry->flags = object->flags;
	switch (object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		return keep_process(index, entry, object->process);
	case LM_OBJECT_KIND_FILE:
		index->files.at[entry->slot] = object->file;
		return 0;
	case LM_OBJECT_KIND_NAME:
		return keep_name(index, entry, object->name);
	case LM_OBJECT_KIND_SOCKET:
		return keep_socket(index, entry, object->socket);
	case LM_OBJECT_KIND_PIPE:
		index->pipes.at[entry->slot] = object->pipe;
		return 0;
	case LM_OBJECT_KIND_MEMORY:
		return keep_memory(index, entry, object->memory);
	case LM_OBJECT_KIND_CGROUP:
		return keep_cgroup(index, entry, object->cgroup);
	case LM_OBJECT_KIND_CONTENT:
		index->contents.at[entry->slot] = object->content;
		index->contents.at[entry->slot].time_ns = object->time_ns;
		return 0;
	default:
		return 0;
	}
}

static void note_use(struct lm_index *index, lm_object_id id, uint64_t time_ns)
{
	if (index->objects.at[id].used_ns < time_ns)
		index->objects.at[id].used_ns = time_ns;
}

static int add_event(struct lm_index *index, const struct lm_event *event)
{
	struct lm_event *slot;
	int r;

	if (lm_op_is_aside(event->op))
		return 0;
	r = imply_kind(index, event->actor, LM_OBJECT_KIND_PROCESS);
	if (r == 0)
		r = imply_kind(index, event->object, LM_OBJECT_KIND_NONE);
	if (r == 0)
		r = imply_kind(index, event->object2, LM_OBJECT_KIND_NONE);
	if (r == 0)
		r = imply_kind(index, event->name, LM_OBJECT_KIND_NAME);
	if (r == 0)
		r = imply_kind(index, event->name2, LM_OBJECT_KIND_NAME);
	if (r < 0)
		return r;
	note_use(index, event->object, event->end_ns);
	note_use(index, event->object2, event->end_ns);
	if (index->events.count >= UINT32_MAX - 1)
		return -ENOMEM;
	if (lm_array_reserve(index->events.at, index->events.capacity, index->events.count + 1) < 0)
		return -ENOMEM;
	slot = &index->events.at[index->events.count++];
	*slot = *event;
	if (slot->begin_ns > slot->end_ns)
		slot->begin_ns = slot->end_ns;
	return 0;
}

static int add_binding(struct lm_index *index, const struct lm_binding *binding)
{
	int r = imply_kind(index, binding->file, LM_OBJECT_KIND_FILE);

	if (r == 0)
		r = imply_kind(index, binding->name, LM_OBJECT_KIND_NAME);
	if (r < 0)
		return r;
	if (binding->flags & LM_BINDING_ROOT) {
		index->objects.at[binding->file].root = true;
		return 0;
	}
	if (lm_array_reserve(
		    index->bindings.at, index->bindings.capacity, index->bindings.count + 1) < 0)
		return -ENOMEM;
	index->bindings.at[index->bindings.count++] = *binding;
	return 0;
}

int lm_index_add(struct lm_index *index, const struct lm_item *item)
{
	if (index->finished)
		return -EBUSY;
	switch (item->kind) {
	case LM_ITEM_OBJECT:
		return add_object(index, &item->object);
	case LM_ITEM_BINDING:
		return add_binding(index, &item->binding);
	case LM_ITEM_EVENT:
		return add_event(index, &item->event);
	case LM_ITEM_GAP:
		return 0; /* no catalog tells of one */
	default:
		return -LM_E_DAMAGED;
	}
}

int rows_build(struct rows *rows, size_t row_count, size_t element_count,
	       lm_object_id (*key_of)(const struct lm_index *index, size_t i),
	       const struct lm_index *index)
{
	uint32_t total = 0;

	rows->start = lm_array_new(row_count + 2, sizeof(*rows->start));
	if (!rows->start)
		return -ENOMEM;
	for (size_t i = 0; i < element_count; i++) {
		lm_object_id key = key_of(index, i);

		if (key) {
			rows->start[key + 1]++;
			total++;
		}
	}
	rows->at = lm_array_new(total, sizeof(*rows->at));
	if (!rows->at)
		return -ENOMEM;
	for (size_t row = 1; row <= row_count + 1; row++)
		rows->start[row] += rows->start[row - 1];
	/* Filling moves each start to the next row's; shift them back afterwards. */
	for (size_t i = 0; i < element_count; i++) {
		lm_object_id key = key_of(index, i);

		if (key)
			rows->at[rows->start[key]++] = (uint32_t)i;
	}
	for (size_t row = row_count + 1; row > 0; row--)
		rows->start[row] = rows->start[row - 1];
	rows->start[0] = 0;
	return 0;
}

int lm_index_finish(struct lm_index *index)
{
	int r;

	if (index->finished)
		return -EBUSY;
	index->finished = true;
	r = index_build_names(index);
	if (r == 0)
		r = index_build_peers(index);
	return r;
}
