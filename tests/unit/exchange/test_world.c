/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "call.h"
#include "lemona/base/cleanup.h"

/* What the world told last. */
struct told {
	struct world *world;
	struct world_process *process;
	struct lm_event event;
	uint32_t events, bindings, objects;
	int refuse;
};

static int take_item(void *data, const struct lm_item *item)
{
	struct told *told = data;

	if (told->refuse)
		return told->refuse;
	told->events += item->kind == LM_ITEM_EVENT;
	told->bindings += item->kind == LM_ITEM_BINDING;
	told->objects += item->kind == LM_ITEM_OBJECT;
	if (item->kind == LM_ITEM_EVENT)
		told->event = item->event;
	return 0;
}

static int setup(void **state)
{
	struct told *told = calloc(1, sizeof(*told));
	const struct world_sink sink = { .item = take_item, .data = told };

	if (!told || world_new(&sink, &told->world) < 0)
		return -1;
	world_set_now(told->world, 1000);
	told->process = world_find_process(told->world, 10, 0);
	*state = told;
	return told->process ? 0 : -1;
}

static int teardown(void **state)
{
	struct told *told = *state;

	world_free(told->world);
	free(told);
	return 0;
}

static void apply(struct told *told, struct call *call)
{
	call->end_ns = world_now(told->world) + 10;
	call->tid = told->process->is.tgid;
	call->call = call->native;
	assert_true(call_apply(told->world, told->process, call) >= 0);
}

static lm_object_id open_path(struct told *told, const char *path, int flags, int64_t fd)
{
	struct call call = {
		.native = SYS_openat, .result = fd,
		.args = { (uint32_t)CALL_AT_FDCWD, 0, (uint64_t)flags },
		.path = { .known = true, .text = lm_str_from(path) },
	};

	apply(told, &call);
	return told->event.object;
}

static void test_paths_meet(void **state)
{
	struct told *told = *state;
	struct call chdir = {
		.native = SYS_chdir, .path = { .known = true, .text = LM_STR("/srv/a") },
	};
	lm_object_id file = open_path(told, "/srv/a/../b//./c", O_RDONLY, 3);

	assert_int_not_equal(file, 0);
	assert_int_equal(open_path(told, "/srv/b/c", O_RDONLY, 4), file);
	apply(told, &chdir);
	assert_int_equal(open_path(told, "../b/c", O_RDONLY, 5), file);
	assert_int_equal(open_path(told, "../../../../srv/b/c", O_RDONLY, 6), file);
	assert_int_not_equal(open_path(told, "c", O_RDONLY, 7), file);
}

static void test_rename_moves_the_file(void **state)
{
	struct told *told = *state;
	struct call call = {
		.native = SYS_rename, .path = { .known = true, .text = LM_STR("/old") },
		.path2 = { .known = true, .text = LM_STR("/new") },
	};
	lm_object_id file = open_path(told, "/old", O_WRONLY, 3);

	apply(told, &call);
	assert_int_equal(told->event.op, LM_OP_RENAME);
	assert_int_equal(told->event.object, file);
	assert_int_equal(open_path(told, "/new", O_RDONLY, 4), file);
	assert_int_not_equal(open_path(told, "/old", O_WRONLY | O_CREAT, 5), file);
	assert_true(told->event.flags & LM_EVENT_CREATED);
}

static void test_inode_is_learned(void **state)
{
	struct told *told = *state;
	struct call call = {
		.native = SYS_chmod, .trust = CALL_KERNEL,
		.path = { .known = true, .text = LM_STR("/dir/file"),
			.is = { .dev = 8 << 20, .inode = 42, .mode = S_IFREG } },
	};
	lm_object_id file = open_path(told, "/dir/file", O_RDONLY, 3);

	assert_true(world_is_unknown(told->world, file));
	apply(told, &call);
	assert_int_equal(told->event.object, file);
	assert_false(world_is_unknown(told->world, file));
	/* Another name of the same inode is the same file. */
	call.path.text = LM_STR("/dir/other");
	apply(told, &call);
	assert_int_equal(told->event.object, file);
	/* The same component elsewhere: that directory is a link, and the name a claim. */
	call.path.text = LM_STR("/link/other");
	apply(told, &call);
	assert_int_equal(told->event.object, file);
	assert_true(told->event.flags & LM_EVENT_CLAIMED);
}

static int64_t read_fd(struct told *told, uint64_t fd)
{
	struct call call = { .native = SYS_read, .args = { fd }, .result = 1 };

	apply(told, &call);
	return told->event.object;
}

static void test_descriptors(void **state)
{
	struct told *told = *state;
	struct call dup = { .native = SYS_dup2, .args = { 3, 9 }, .result = 9 };
	struct call close = { .native = SYS_close, .args = { 3 } };
	struct call cloexec = { .native = SYS_fcntl, .args = { 9, F_SETFD, FD_CLOEXEC } };
	struct call exec = {
		.native = SYS_execve, .path = { .known = true, .text = LM_STR("/bin/x") },
		.argv = LM_STR("x\0-y"), .argc = 2,
	};
	lm_object_id file = open_path(told, "/f", O_RDONLY, 3), before = told->process->object;
	lm_object_id kept = open_path(told, "/g", O_RDONLY, 4);

	open_path(told, "/h", O_RDONLY | O_CLOEXEC, 5);
	apply(told, &dup);
	apply(told, &close);
	assert_int_equal(told->event.object, file);
	assert_int_equal(read_fd(told, 3), 0);
	assert_int_equal(read_fd(told, 9), file);
	apply(told, &cloexec);
	apply(told, &exec);
	assert_int_equal(told->event.op, LM_OP_EXEC);
	assert_int_equal(told->event.actor, before);
	assert_int_equal(told->event.object2, told->process->object);
	assert_int_equal(told->process->is.version, 1);
	assert_int_equal(read_fd(told, 9), 0);
	assert_int_equal(read_fd(told, 5), 0);
	assert_int_equal(read_fd(told, 4), kept);
}

static void test_child_is_told_once(void **state)
{
	struct told *told = *state;
	struct call fork = { .native = SYS_clone, .result = 77, .unsure_child = true };
	uint32_t events = told->events;

	/* The parent's record comes first: its number is another namespace's. */
	apply(told, &fork);
	assert_int_equal(told->events, events);
	assert_non_null(world_find_process(told->world, 5077, 10));
	assert_int_equal(told->events, events + 1);
	assert_int_equal(told->event.op, LM_OP_FORK);
	/* The child comes first. */
	assert_non_null(world_find_process(told->world, 5078, 10));
	assert_int_equal(told->events, events + 2);
	fork.result = 5078;
	apply(told, &fork);
	assert_int_equal(told->events, events + 2);
}

static void test_threads_share(void **state)
{
	struct told *told = *state;
	struct call thread = { .native = SYS_clone, .args = { 0x10000 }, .result = 11 };
	struct call fork = { .native = SYS_fork, .result = 12 };

	apply(told, &thread);
	assert_ptr_equal(world_process(told->world, 11), told->process);
	apply(told, &fork);
	assert_ptr_not_equal(world_process(told->world, 12), told->process);
	world_end_process(told->world, told->process);
	assert_null(world_process(told->world, 10));
	assert_null(world_process(told->world, 11));
	assert_non_null(world_process(told->world, 12));
}

/* A number that is wrong must not take the process away that acts. */
static void test_own_child(void **state)
{
	struct told *told = *state;
	struct call fork = { .native = SYS_fork, .result = 10 };

	apply(told, &fork);
	assert_ptr_equal(world_process(told->world, 10), told->process);
	assert_int_equal(told->event.object, 0);
}

static void test_failure_stays(void **state)
{
	struct told *told = *state;

	told->refuse = -28;
	assert_int_equal(world_unknown_file(told->world, 0), 0);
	assert_int_equal(world_status(told->world), -28);
	told->refuse = 0;
	assert_int_equal(world_unknown_file(told->world, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_paths_meet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename_moves_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inode_is_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_child_is_told_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threads_share, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_child, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
