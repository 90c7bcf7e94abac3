/* SPDX-License-Identifier: MIT */
#include "catalog_compare.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/event/codec.h"

static const struct lm_catalog_builder_options log_options = { .log_id = "catalog" };

uint64_t twin_draw(struct twin *twin, uint64_t below)
{
	twin->seed ^= twin->seed >> 12;
	twin->seed ^= twin->seed << 25;
	twin->seed ^= twin->seed >> 27;
	return (twin->seed * UINT64_C(2685821657736338717) >> 11) % below;
}

static void begin_builder(struct twin *twin, struct lm_catalog *written)
{
	struct lm_catalog_builder_options options = log_options;

	options.memory_bytes = twin->memory_bytes;
	assert_int_equal(lm_catalog_builder_new(&options, written, &twin->builder), 0);
}

void twin_begin(struct twin *twin, uint64_t seed, size_t memory_bytes)
{
	*twin = (struct twin){ .seed = seed * 2 + 1, .next_event = 1,
		.memory_bytes = memory_bytes };
	assert_int_equal(lm_index_new(&twin->index), 0);
	begin_builder(twin, NULL);
}

int twin_add(struct twin *twin, const struct lm_item *item)
{
	struct lm_item copy = *item;
	int in_memory, in_catalog;

	if (copy.kind == LM_ITEM_EVENT)
		copy.event.id = twin->next_event++;
	in_memory = lm_index_add(twin->index, &copy);
	in_catalog = lm_catalog_builder_add(twin->builder, &copy);
	assert_int_equal(in_memory, in_catalog);
	return in_memory;
}

void twin_write(struct twin *twin, bool final)
{
	int fd = memfd_create("catalog", MFD_CLOEXEC);

	assert_true(fd >= 0 && twin->parts < TWIN_PARTS_MAX);
	assert_int_equal(lm_catalog_builder_write(twin->builder, fd, twin->next_event, final), 0);
	twin->fds[twin->parts++] = fd;
	assert_int_equal(lm_catalog_part_count(lm_catalog_builder_written(twin->builder)),
			 twin->parts);
}

void twin_merge(struct twin *twin, size_t first, size_t count)
{
	int fd = memfd_create("merged", MFD_CLOEXEC);

	assert_int_equal(lm_catalog_merge(lm_catalog_builder_written(twin->builder), first, count,
					  fd), 0);
	for (size_t i = first; i < first + count; i++)
		close(twin->fds[i]);
	twin->fds[first] = fd;
	for (size_t i = first + count; i < twin->parts; i++)
		twin->fds[i - count + 1] = twin->fds[i];
	twin->parts -= count - 1;
}

void twin_merge_due(struct twin *twin)
{
	size_t first, count;

	while (lm_catalog_merge_due(lm_catalog_builder_written(twin->builder), &first, &count))
		twin_merge(twin, first, count);
}

static struct lm_catalog *open_parts(struct twin *twin)
{
	struct lm_catalog *catalog;

	assert_int_equal(lm_catalog_new(&catalog), 0);
	for (size_t i = 0; i < twin->parts; i++)
		assert_int_equal(lm_catalog_add_file(catalog, twin->fds[i], NULL), 0);
	return catalog;
}

void twin_restart(struct twin *twin)
{
	lm_catalog_builder_free(twin->builder);
	begin_builder(twin, open_parts(twin));
}

void twin_finish(struct twin *twin)
{
	twin_write(twin, true);
	assert_int_equal(lm_index_finish(twin->index), 0);
	twin->catalog = open_parts(twin);
	assert_true(lm_catalog_is_final(twin->catalog));
}

void twin_end(struct twin *twin)
{
	lm_index_free(twin->index);
	lm_catalog_free(twin->catalog);
	lm_catalog_builder_free(twin->builder);
	for (size_t i = 0; i < twin->parts; i++)
		close(twin->fds[i]);
}

static void free_batch(struct lm_batch **batch)
{
	lm_batch_free(*batch);
}

/* All that an object says, as bytes. */
static void add_object(struct lm_batch *batch, const struct lm_object *object)
{
	if (object->kind != LM_OBJECT_KIND_NONE)
		assert_int_equal(lm_batch_add_object(batch, object), 0);
}

static void compare_object(struct twin *twin, struct lm_batch *a, struct lm_batch *b,
			   lm_object_id id)
{
	struct lm_object in_memory, in_catalog;

	assert_int_equal(lm_index_kind(twin->index, id), lm_catalog_kind(twin->catalog, id));
	assert_int_equal(lm_index_object(twin->index, id, &in_memory), 0);
	assert_int_equal(lm_catalog_object(twin->catalog, id, &in_catalog), 0);
	assert_int_equal(in_memory.flags, in_catalog.flags);
	assert_int_equal(in_memory.time_ns, in_catalog.time_ns);
	if (in_memory.kind == LM_OBJECT_KIND_CONTENT)
		assert_int_equal(in_memory.content.time_ns, in_catalog.content.time_ns);
	add_object(a, &in_memory);
	add_object(b, &in_catalog);
	assert_int_equal(lm_index_is_root(twin->index, id),
			 lm_catalog_is_root(twin->catalog, id));
}

static void compare_batches(struct lm_batch *a, struct lm_batch *b)
{
	struct lm_buffer x LM_BUFFER = LM_BUFFER_INIT, y LM_BUFFER = LM_BUFFER_INIT;
	struct lm_batch_parts parts;

	assert_int_equal(lm_batch_encode(a, 0, &x, &parts), 0);
	assert_int_equal(lm_batch_encode(b, 0, &y, &parts), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	lm_batch_reset(a);
	lm_batch_reset(b);
}

static void compare_objects(struct twin *twin)
{
	struct lm_batch *a LM_CLEANUP(free_batch) = NULL, *b LM_CLEANUP(free_batch) = NULL;

	assert_int_equal(lm_batch_new(&a), 0);
	assert_int_equal(lm_batch_new(&b), 0);
	for (lm_object_id id = 1; id <= lm_index_object_count(twin->index); id++) {
		compare_object(twin, a, b, id);
		if (lm_batch_bytes(a) > LM_BATCH_MAX_BYTES / 4)
			compare_batches(a, b);
	}
	compare_batches(a, b);
}

static void compare_bound(const struct lm_bound *a, const struct lm_catalog_bound *b)
{
	assert_int_equal(a->name, b->name);
	assert_int_equal(a->file, b->file);
	assert_int_equal(a->begin_ns, b->begin_ns);
	assert_int_equal(a->end_ns, b->end_ns);
	assert_int_equal(a->event, b->event);
	assert_int_equal(a->claimed, b->claimed);
}

static void compare_bounds_at(struct twin *twin, lm_object_id id, bool of_file, uint64_t t_ns)
{
	const struct lm_bound *in_memory =
		of_file ? lm_index_bound_of_file_at(twin->index, id, t_ns) :
			  lm_index_bound_of_name_at(twin->index, id, t_ns);
	struct lm_catalog_bound in_catalog;
	int r = of_file ? lm_catalog_bound_of_file_at(twin->catalog, id, t_ns, &in_catalog) :
			  lm_catalog_bound_of_name_at(twin->catalog, id, t_ns, &in_catalog);

	assert_int_equal(r, in_memory ? 0 : -ENOENT);
	if (in_memory)
		compare_bound(in_memory, &in_catalog);
}

static void compare_bounds(struct twin *twin, lm_object_id id, bool of_file)
{
	struct lm_catalog_bounds in_catalog LM_CATALOG_BOUNDS = LM_CATALOG_BOUNDS_INIT;
	const struct lm_bound *in_memory = NULL;
	uint32_t count = of_file ? lm_index_bounds_of_file(twin->index, id, &in_memory) :
				   lm_index_bounds_of_name(twin->index, id, &in_memory);
	int r = of_file ? lm_catalog_bounds_of_file(twin->catalog, id, &in_catalog) :
			  lm_catalog_bounds_of_name(twin->catalog, id, &in_catalog);

	assert_int_equal(r, 0);
	assert_int_equal(count, in_catalog.count);
	for (uint32_t i = 0; i < count; i++)
		compare_bound(&in_memory[i], &in_catalog.at[i]);
	compare_bounds_at(twin, id, of_file, 0);
	compare_bounds_at(twin, id, of_file, UINT64_MAX - 1);
	for (uint32_t i = 0; i < count && i < 4; i++) {
		compare_bounds_at(twin, id, of_file, in_memory[i].begin_ns);
		compare_bounds_at(twin, id, of_file, in_memory[i].end_ns);
	}
}

static void compare_names_in(struct twin *twin, lm_object_id dir)
{
	struct lm_catalog_ids in_catalog LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	const lm_object_id *in_memory = NULL;
	uint32_t count = lm_index_names_in(twin->index, dir, &in_memory);

	assert_int_equal(lm_catalog_names_in(twin->catalog, dir, &in_catalog), 0);
	assert_int_equal(count, in_catalog.count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(in_memory[i], in_catalog.at[i]);
}

static void compare_peers(struct twin *twin, lm_object_id id)
{
	struct lm_catalog_peers in_catalog LM_CATALOG_PEERS = LM_CATALOG_PEERS_INIT;
	const struct lm_peer *in_memory = NULL;
	uint32_t count = lm_index_peers(twin->index, id, &in_memory);

	assert_int_equal(lm_catalog_peers(twin->catalog, id, &in_catalog), 0);
	assert_int_equal(count, in_catalog.count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(in_memory[i].socket, in_catalog.at[i].socket);
		assert_int_equal(in_memory[i].since_ns, in_catalog.at[i].since_ns);
		assert_int_equal(in_memory[i].same_namespace, in_catalog.at[i].same_namespace);
	}
}

/* What a look-up must find: all objects that fit, by asking each of them. */
struct expected {
	struct twin *twin;
	struct lm_object like;
	int question;
};

enum { BY_TGID, BY_PREVIOUS, BY_EXE, BY_EXE_NAME, BY_PARENT, BY_NAME, BY_PATH, BY_INODE, BY_FILE,
       BY_REMOTE, BY_LOCAL, BY_REMOTE_IP, BY_CONTENT, QUESTIONS };

static bool same_end(const struct lm_address *a, const struct lm_address *b, bool any_port)
{
	/* The tests have no addresses that are written in two ways. */
	if (a->family != b->family)
		return false;
	if (a->family == LM_AF_UNIX)
		return lm_str_equal(a->path, b->path);
	return memcmp(a->ip, b->ip, a->family == LM_AF_INET ? 4 : 16) == 0 &&
	       (any_port || a->port == b->port);
}

/* What was only used says nothing that it could be found by. */
static bool was_defined(const struct lm_object *object)
{
	return object->time_ns != 0 || object->flags != LM_OBJECT_PARTIAL;
}

static bool is_expected(const struct expected *expected, const struct lm_object *object)
{
	const struct lm_object *like = &expected->like;

	if (object->kind != like->kind || !was_defined(object))
		return false;
	switch (expected->question) {
	case BY_TGID:
		return object->process.tgid == like->process.tgid;
	case BY_PREVIOUS:
		return like->process.previous && object->process.previous == like->process.previous;
	case BY_EXE:
		return like->process.exe && object->process.exe == like->process.exe;
	case BY_EXE_NAME:
		return like->process.exe_name && object->process.exe_name == like->process.exe_name;
	case BY_PARENT:
		return like->process.parent && object->process.parent == like->process.parent;
	case BY_NAME:
		return object->name.dir == like->name.dir &&
		       lm_str_equal(object->name.component, like->name.component);
	case BY_PATH:
		return like->name.component.len > 0 && like->name.component.data[0] == '/' &&
		       lm_str_equal(object->name.component, like->name.component);
	case BY_INODE:
		return object->file.inode == like->file.inode && object->file.dev == like->file.dev;
	case BY_REMOTE:
	case BY_REMOTE_IP:
		return like->socket.remote.family &&
		       same_end(&object->socket.remote, &like->socket.remote,
				expected->question == BY_REMOTE_IP);
	case BY_LOCAL:
		return like->socket.local.family &&
		       same_end(&object->socket.local, &like->socket.local, false);
	case BY_CONTENT:
		return like->content.file && object->content.file == like->content.file;
	default:
		return false;
	}
}

static int ask(const struct expected *expected, struct lm_catalog_ids *out)
{
	struct lm_catalog *catalog = expected->twin->catalog;
	const struct lm_object *like = &expected->like;

	switch (expected->question) {
	case BY_TGID:
		return lm_catalog_processes(catalog, like->process.tgid, out);
	case BY_PREVIOUS:
		return lm_catalog_next_versions(catalog, like->process.previous, out);
	case BY_EXE:
		return lm_catalog_processes_of_exe(catalog, like->process.exe, out);
	case BY_EXE_NAME:
		return lm_catalog_processes_of_exe_name(catalog, like->process.exe_name, out);
	case BY_PARENT:
		return lm_catalog_children(catalog, like->process.parent, out);
	case BY_NAME:
		return lm_catalog_names(catalog, like->name.dir, like->name.component, out);
	case BY_PATH:
		return lm_catalog_absolute_names(catalog, like->name.component, out);
	case BY_INODE:
		return lm_catalog_files(catalog, like->file.dev, like->file.inode, out);
	case BY_REMOTE:
		return lm_catalog_sockets(catalog, &like->socket.remote, false, true, out);
	case BY_REMOTE_IP:
		return lm_catalog_sockets(catalog, &like->socket.remote, true, true, out);
	case BY_LOCAL:
		return lm_catalog_sockets(catalog, &like->socket.local, false, false, out);
	default:
		return lm_catalog_contents(catalog, like->content.file, out);
	}
}

static enum lm_object_kind kind_of_question(int question)
{
	if (question <= BY_PARENT)
		return LM_OBJECT_KIND_PROCESS;
	if (question <= BY_PATH)
		return LM_OBJECT_KIND_NAME;
	if (question <= BY_FILE)
		return LM_OBJECT_KIND_FILE;
	return question == BY_CONTENT ? LM_OBJECT_KIND_CONTENT : LM_OBJECT_KIND_SOCKET;
}

static void compare_question(struct twin *twin, const struct lm_object *like, int question)
{
	struct expected expected = { twin, *like, question };
	struct lm_catalog_ids found LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	struct lm_object object;
	size_t next = 0;

	if (kind_of_question(question) != like->kind || question == BY_FILE || !was_defined(like))
		return;
	assert_int_equal(ask(&expected, &found), 0);
	for (lm_object_id id = 1; id <= lm_index_object_count(twin->index); id++) {
		assert_int_equal(lm_index_object(twin->index, id, &object), 0);
		if (!is_expected(&expected, &object))
			continue;
		assert_true(next < found.count);
		assert_int_equal(found.at[next++], id);
	}
	assert_int_equal(next, found.count);
}

void twin_compare(struct twin *twin, uint32_t every)
{
	uint32_t count = lm_index_object_count(twin->index);
	struct lm_object object;

	assert_int_equal(count, lm_catalog_object_count(twin->catalog));
	compare_objects(twin);
	for (lm_object_id id = 1; id <= count; id++) {
		compare_bounds(twin, id, false);
		compare_bounds(twin, id, true);
		compare_names_in(twin, id);
		compare_peers(twin, id);
		if (twin_draw(twin, every) != 0)
			continue;
		assert_int_equal(lm_index_object(twin->index, id, &object), 0);
		for (int question = 0; question < QUESTIONS; question++)
			compare_question(twin, &object, question);
	}
	assert_int_equal(lm_catalog_status(twin->catalog), 0);
}
