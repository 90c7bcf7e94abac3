/* SPDX-License-Identifier: MIT */
#include "catalog_compare.h"

#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "lemona/event/same.h"
#include "lemona/log/reader.h"

/*
 * Logs of all sorts, told to an index in memory and to catalogs. Small ones, in which everything
 * happens to few objects in any order; and recorded ones.
 */
#define UNIVERSE 60u
#define LOST 8u /* numbers behind those, which are used and never defined */

static void free_log(struct lm_log **log)
{
	lm_log_free(*log);
}

static void free_same(struct lm_same **same)
{
	lm_same_free(*same);
}

/* A third of the numbers are names, a third files, the rest all sorts. */
static enum lm_object_kind kind_of(lm_object_id id)
{
	static const enum lm_object_kind kinds[] = { LM_OBJECT_KIND_PROCESS,
		LM_OBJECT_KIND_SOCKET, LM_OBJECT_KIND_SOCKET, LM_OBJECT_KIND_CONTENT,
		LM_OBJECT_KIND_PIPE, LM_OBJECT_KIND_PROCESS, LM_OBJECT_KIND_MEMORY,
		LM_OBJECT_KIND_SOCKET, LM_OBJECT_KIND_CGROUP };

	if (id == LM_OBJECT_KERNEL)
		return LM_OBJECT_KIND_KERNEL;
	if (id % 3 == 2)
		return id / 3 % 8 == 0 ? kinds[id % 9] : LM_OBJECT_KIND_NAME;
	return id % 3 == 0 ? LM_OBJECT_KIND_FILE : kinds[id / 3 % 9];
}

struct story {
	struct twin twin;
	uint64_t now_ns;
	lm_object_id defined; /* so far */
};

static uint64_t draw(struct story *story, uint64_t below)
{
	return twin_draw(&story->twin, below);
}

/* Some object that is defined, of that kind; or none. */
static lm_object_id pick(struct story *story, enum lm_object_kind kind)
{
	for (int tries = 0; tries < 20; tries++) {
		lm_object_id id = 1 + (lm_object_id)draw(story, story->defined);

		if (kind_of(id) == kind)
			return id;
	}
	return LM_OBJECT_NONE;
}

/* Used, and never defined: always as the same kind of object. */
static lm_object_id pick_lost(struct story *story, lm_object_id which)
{
	return UNIVERSE + 1 + 4 * (lm_object_id)draw(story, LOST) + which;
}

static lm_object_id pick_any(struct story *story)
{
	if (draw(story, 30) == 0)
		return pick_lost(story, 0);
	return draw(story, 4) ? 1 + (lm_object_id)draw(story, story->defined) : LM_OBJECT_NONE;
}

static struct lm_str some_text(struct story *story)
{
	static const struct lm_str texts[] = { LM_STR_NONE, { "a", 1 }, { "b", 1 }, { "/a/b", 4 },
		{ "a/b", 3 }, { "a name of some length", 21 }, { "@abstract", 9 } };

	return texts[draw(story, LM_ARRAY_SIZE(texts))];
}

static struct lm_address some_address(struct story *story)
{
	static const uint16_t families[] = { LM_AF_NONE, LM_AF_UNIX, LM_AF_INET, LM_AF_INET,
		LM_AF_INET6 };
	struct lm_address address = { .family = families[draw(story, 5)] };

	if (address.family == LM_AF_UNIX)
		address.path = some_text(story);
	if (address.family == LM_AF_INET || address.family == LM_AF_INET6) {
		address.port = (uint16_t)(1 + draw(story, 2));
		address.ip[0] = 10;
		address.ip[3] = (uint8_t)draw(story, 2);
	}
	return address;
}

static void tell_process(struct story *story, struct lm_process *process)
{
	*process = (struct lm_process){
		.tgid = (uint32_t)(1 + draw(story, 4)), .start_ns = draw(story, 1000),
		.version = (uint32_t)draw(story, 3), .exe = pick(story, LM_OBJECT_KIND_FILE),
		.exe_name = pick(story, LM_OBJECT_KIND_NAME),
		.root = draw(story, 6) ? 0 : pick(story, LM_OBJECT_KIND_FILE),
		.cap_effective = draw(story, UINT64_MAX), .no_new_privs = draw(story, 2),
		.argv_cut = draw(story, 2), .loginuid = (uint32_t)draw(story, UINT32_MAX),
		.previous = draw(story, 2) ? pick(story, LM_OBJECT_KIND_PROCESS) : 0,
		.parent = pick(story, LM_OBJECT_KIND_PROCESS), .argv = some_text(story),
		.comm = some_text(story), .session = UINT32_MAX,
	};
}

static void tell_socket(struct story *story, struct lm_socket *socket)
{
	*socket = (struct lm_socket){
		.dev = 9, .inode = draw(story, 6), .family = (uint16_t)draw(story, 3),
		.local = some_address(story), .remote = some_address(story),
		.peer_inode = draw(story, 2) ? draw(story, 6) : 0,
		.ns_net = (uint32_t)draw(story, 2), .cookie = draw(story, UINT64_MAX),
	};
}

/* Define an object, or define it anew. */
static void define(struct story *story, lm_object_id id)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = id, .kind = (uint8_t)kind_of(id), .time_ns = story->now_ns,
		.flags = (uint8_t)(draw(story, 4) ? 0 : draw(story, 16)) } };
	struct lm_object *object = &item.object;

	switch (kind_of(id)) {
	case LM_OBJECT_KIND_PROCESS:
		tell_process(story, &object->process);
		break;
	case LM_OBJECT_KIND_FILE:
		object->file = (struct lm_file){ .dev = (uint32_t)draw(story, 7),
			.inode = draw(story, 5), .mode = (uint32_t)draw(story, 100000),
			.generation = (uint32_t)draw(story, UINT32_MAX),
			.fs_magic = (uint32_t)draw(story, 2), .fs_uuid = { (uint8_t)id } };
		break;
	case LM_OBJECT_KIND_NAME:
		object->name = (struct lm_name){ .dir = pick(story, LM_OBJECT_KIND_FILE),
			.component = some_text(story) };
		break;
	case LM_OBJECT_KIND_SOCKET:
		tell_socket(story, &object->socket);
		break;
	case LM_OBJECT_KIND_PIPE:
		object->pipe = (struct lm_pipe){ .dev = 11, .inode = draw(story, 9) };
		break;
	case LM_OBJECT_KIND_MEMORY:
		object->memory = (struct lm_memory){ .type = 2, .label = some_text(story) };
		break;
	case LM_OBJECT_KIND_CGROUP:
		object->cgroup = (struct lm_cgroup){ .cgroup = draw(story, UINT64_MAX),
			.path = some_text(story) };
		break;
	case LM_OBJECT_KIND_CONTENT:
		object->content = (struct lm_content){ .file = pick(story, LM_OBJECT_KIND_FILE),
			.state = (uint8_t)(1 + draw(story, 6)), .sha256 = { (uint8_t)id } };
		break;
	default:
		break;
	}
	assert_int_equal(twin_add(&story->twin, &item), 0);
}

static void tell_binding(struct story *story)
{
	struct lm_item item = { .kind = LM_ITEM_BINDING, .binding = {
		.time_ns = story->now_ns - draw(story, LM_NS_PER_SEC / 8),
		.file = pick(story, LM_OBJECT_KIND_FILE), .name = pick(story, LM_OBJECT_KIND_NAME),
		.flags = (uint8_t)(draw(story, 3) ? 0 : draw(story, 8)) } };

	if (draw(story, 20) == 0)
		item.binding.file = pick_lost(story, 3);
	if (item.binding.file && (item.binding.flags & LM_BINDING_ROOT || item.binding.name))
		assert_int_equal(twin_add(&story->twin, &item), 0);
}

static void tell_event(struct story *story)
{
	static const uint16_t ops[] = { LM_OP_RENAME, LM_OP_RENAME, LM_OP_LINK, LM_OP_UNLINK,
		LM_OP_RMDIR, LM_OP_MKDIR, LM_OP_MKNOD, LM_OP_SYMLINK, LM_OP_OPEN, LM_OP_OPEN,
		LM_OP_EXEC, LM_OP_MOUNT, LM_OP_CHMOD, LM_OP_STAT, LM_OP_SOCKETPAIR, LM_OP_SEND,
		LM_OP_READ };
	struct lm_item item = { .kind = LM_ITEM_EVENT, .event = {
		.op = ops[draw(story, LM_ARRAY_SIZE(ops))], .actor = pick(story,
			LM_OBJECT_KIND_PROCESS),
		.end_ns = story->now_ns - draw(story, LM_NS_PER_SEC / 8),
		.name = pick(story, LM_OBJECT_KIND_NAME), .result = draw(story, 8) ? 0 : -2,
		.flags = (uint16_t)(draw(story, 2) ? 0 : draw(story, 32)),
		.object = draw(story, 3) ? pick(story, LM_OBJECT_KIND_FILE) : pick_any(story),
		.arg = draw(story, 3) ? 0 : RENAME_EXCHANGE } };
	struct lm_event *event = &item.event;

	event->begin_ns = draw(story, 3) ? event->end_ns - draw(story, 1000) :
					   draw(story, story->now_ns);
	event->name2 = draw(story, 2) ? pick(story, LM_OBJECT_KIND_NAME) : 0;
	if (draw(story, 20) == 0)
		event->name = pick_lost(story, 1);
	if (draw(story, 20) == 0)
		event->actor = pick_lost(story, 2);
	if (event->op == LM_OP_SOCKETPAIR || event->op == LM_OP_SEND) {
		event->object = pick(story, LM_OBJECT_KIND_SOCKET);
		event->object2 = pick(story, LM_OBJECT_KIND_SOCKET);
	}
	assert_int_equal(twin_add(&story->twin, &item), 0);
}

/* What a builder does not write down dies with it. */
static void restart(struct story *story)
{
	twin_write(&story->twin, false);
	twin_restart(&story->twin);
}

static void take_step(struct story *story)
{
	uint64_t what = draw(story, 100);

	story->now_ns += draw(story, LM_NS_PER_SEC / 8);
	if (what < 25 && story->defined < UNIVERSE)
		define(story, ++story->defined);
	else if (what < 32)
		define(story, 1 + (lm_object_id)draw(story, story->defined));
	else if (what < 45)
		tell_binding(story);
	else if (what < 94)
		tell_event(story);
	else if (what < 97)
		twin_write(&story->twin, false);
	else if (what < 98)
		restart(story);
	else if (what < 99)
		twin_merge_due(&story->twin);
	else if (story->twin.parts > 2)
		twin_merge(&story->twin, draw(story, story->twin.parts - 1), 2);
}

static void tell_story(uint64_t seed, uint32_t steps)
{
	struct story story = { .now_ns = LM_NS_PER_SEC, .defined = 0 };

	twin_begin(&story.twin, seed, seed % 2 ? 0 : 1);
	define(&story, ++story.defined);
	for (uint32_t i = 0; i < steps; i++)
		take_step(&story);
	twin_finish(&story.twin);
	twin_compare(&story.twin, 1);
	twin_end(&story.twin);
}

static void test_stories(void **state)
{
	const char *first = getenv("FIRST_SEED");
	uint64_t seed = first ? strtoull(first, NULL, 10) : 1;

	for (uint64_t i = 0; i < 300; i++) {
		if (first)
			fprintf(stderr, "seed %llu\n", (unsigned long long)(seed + i));
		tell_story(seed + i, (uint32_t)(20 + (seed + i) % 600));
	}
}

static void compare_log(const char *path, uint64_t cut_every, uint32_t every)
{
	struct lm_log *log LM_CLEANUP(free_log) = NULL;
	struct lm_same *same LM_CLEANUP(free_same) = NULL;
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_item item;
	struct twin twin;
	uint64_t items = 0;
	int r;

	if (lm_log_open(path, &log, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(lm_same_new(&same), 0);
	twin_begin(&twin, cut_every, 0);
	while ((r = lm_log_next(log, &item)) > 0) {
		r = lm_same_apply(same, &item);
		assert_true(r >= 0);
		if (r > 0)
			twin_add(&twin, &item);
		if (++items % cut_every == 0) {
			twin_write(&twin, false);
			twin_merge_due(&twin);
			if (items / cut_every % 3 == 0)
				twin_restart(&twin);
		}
	}
	assert_int_equal(r, 0);
	twin_finish(&twin);
	twin_compare(&twin, every);
	twin_end(&twin);
}

static void test_golden(void **state)
{
	for (uint64_t cut_every = 1; cut_every < 1000; cut_every = cut_every * 3 + 1)
		compare_log(GOLDEN_DIR "/v1", cut_every, 1);
	compare_log(GOLDEN_DIR "/v1-sealed", 7, 1);
}

/* Logs as arguments are compared as well: recordings of this machine, large ones. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_golden),
	};

	for (int i = 1; i < argc; i++) {
		compare_log(argv[i], 20011, 5003);
		printf("%s: the same answers\n", argv[i]);
	}
	return argc > 1 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}
