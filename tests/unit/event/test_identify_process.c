/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <string.h>

#define CLONE_FILES 0x400u

static void test_fork_gives_a_process_with_a_parent(void **state)
{
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	assert_told(f,
		"+p2 parent=p1 cwd=f3\n"
		"p1 fork p2 arg=11 =p2\n");
	as(f, 2);
	fork_child(f, 3, 0x100 | 17);
	assert_told(f,
		"+p3 parent=p2 cwd=f3\n"
		"p2 fork p3 arg=111 =p3 shared\n");
}

static void test_threads_are_their_process(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 2);
	as_thread(f, 1, 2);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	exit_thread(f, 0, false);
	as(f, 1);
	io(f, SYS_read, FILE_AT(7), 3, 0);
	exit_thread(f, 256, true);
	assert_told(f,
		"p1 thread arg=10f00 =p2\n"
		"+f7 100644 gen=0 partial\n"
		"p1:2 read f7 =5\n"
		"p1 read f7 =0\n"
		"p1 exit =256\n");
}

static void test_exec_makes_a_version(void **state)
{
	struct fixture *f = *state;

	exec_file(f, 1, FILE_AT(9), TMP_DIR, "sh", "");
	assert_told(f,
		"+f9 100644 gen=1\n"
		"+f3/sh\n"
		"+p1v1 previous=p1 exe=f9 as=f3/sh cwd=f3 'name' '-x'\n"
		"p1 exec f9 with p1v1 @f3/sh =0 confirmed\n");
	exec_file(f, 1, FILE_AT(9), NOTHING, "memfd:x", "");
	assert_told(f,
		"+?/memfd:x\n"
		"+p1v2 previous=p1v1 exe=f9 as=?/memfd:x cwd=f3 'name' '-x'\n"
		"p1v1 exec f9 with p1v2 @?/memfd:x =0 confirmed\n");
}

static void test_exec_names_its_script(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(8), TMP_DIR, "run.sh", 3, 0);
	forget_told(f);
	exec_file(f, 1, FILE_AT(9), TMP_DIR, "sh", "./run.sh");
	assert_told(f,
		"+f9 100644 gen=1\n"
		"+f3/sh\n"
		"+p1v1 previous=p1 exe=f9 as=f3/sh script=f8 cwd=f3 'name' '-x'\n"
		"p1 exec f9 with p1v1 @f3/sh @f3/run.sh =0 confirmed\n");
	exec_file(f, 1, FILE_AT(9), TMP_DIR, "sh", "/tmp/other.sh");
	assert_told(f,
		"+f3/other.sh\n"
		"+p1v2 previous=p1v1 exe=f9 as=f3/sh cwd=f3 'name' '-x'\n"
		"p1v1 exec f9 with p1v2 @f3/sh @f3/other.sh =0 confirmed\n");
}

/* The thread takes over its leader's number; the leader's exit may come before. */
static void exec_by_thread(struct fixture *f, bool leader_exits)
{
	clone_thread(f, 2);
	forget_told(f);
	if (leader_exits)
		exit_thread(f, 0, false);
	as(f, 1);
	exec_file(f, 2, FILE_AT(9), TMP_DIR, "sh", "");
	assert_told(f,
		"+f9 100644 gen=1\n"
		"+f3/sh\n"
		"+p1v1 previous=p1 exe=f9 as=f3/sh cwd=f3 'name' '-x'\n"
		"p1:2 exec f9 with p1v1 @f3/sh =0 confirmed\n");
	io(f, SYS_read, FILE_AT(9), 3, 5);
	exit_thread(f, 0, true);
	assert_told(f,
		"p1v1 read f9 =5\n"
		"p1v1 exit =0\n");
	/* Both numbers are free. */
	io(f, SYS_read, FILE_AT(9), 3, 5);
	as(f, 2);
	io(f, SYS_read, FILE_AT(9), 3, 5);
	assert_told(f,
		"+p1' partial\n"
		"p1' read f9 =5\n"
		"+p2 partial\n"
		"p2 read f9 =5\n");
}

static void test_exec_by_another_thread(void **state)
{
	exec_by_thread(*state, false);
}

static void test_exec_by_another_thread_after_its_leader(void **state)
{
	exec_by_thread(*state, true);
}

static void test_process_outlives_its_leader(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 2);
	forget_told(f);
	exit_thread(f, 0, false);
	assert_told(f, "");
	as_thread(f, 1, 2);
	io(f, SYS_write, FILE_AT(7), 3, 5);
	assert_told(f,
		"+f7 100644 gen=0 partial\n"
		"p1:2 write f7 =5\n");
	/* Another process still finds it by its number. */
	as(f, 5);
	signal_to(f, 1, 0, 15);
	/* A thread of it whose start was lost is no process of its own. */
	as_thread(f, 1, 3);
	io(f, SYS_write, FILE_AT(7), 3, 5);
	exit_thread(f, 0, false);
	assert_told(f,
		"+p5 partial\n"
		"p5 signal p1 arg=f =0\n"
		"p1:3 write f7 =5\n");
	as_thread(f, 1, 2);
	exit_thread(f, 9, true);
	as(f, 5);
	signal_to(f, 1, 0, 15);
	assert_told(f,
		"p1:2 exit =9\n"
		"p5 signal arg=f =0\n");
}

static void test_number_used_again_after_a_lost_exit(void **state)
{
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	as(f, 2);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	as(f, 1);
	forget_told(f);
	fork_child(f, 2, 17);
	as(f, 2);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	assert_told(f,
		"+p2' parent=p1 cwd=f3\n"
		"p1 fork p2' arg=11 =p2\n"
		"p2' read f7 =5\n");
}

/* Exit and fork lost: the time when it started tells that it is another. */
static void test_number_used_again_after_lost_exit_and_fork(void **state)
{
	struct lm_raw_attributes other = attributes_of(1, 0);
	struct fixture *f = *state;

	other.start_ns = 77777;
	other.uid = other.euid = 33;
	process(f, SYS_setuid, &other, 0);
	assert_told(f,
		"+p1' partial\n"
		"~p1' cwd=f3 uid=33\n"
		"p1' setcred =0\n");
	exec_file(f, 1, FILE_AT(9), TMP_DIR, "sh", "");
	assert_told(f,
		"+p1'' partial\n"
		"+f9 100644 gen=1\n"
		"+f3/sh\n"
		"+p1v1 previous=p1'' exe=f9 as=f3/sh cwd=f3 'name' '-x'\n"
		"p1'' exec f9 with p1v1 @f3/sh =0 confirmed\n");
}

static void test_unknown_thread_is_a_partial_process(void **state)
{
	struct fixture *f = *state;

	as_thread(f, 6, 7);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	as(f, 6);
	io(f, SYS_read, FILE_AT(7), 3, 6);
	assert_told(f,
		"+p6 partial\n"
		"+f7 100644 gen=0 partial\n"
		"p6:7 read f7 =5\n"
		"p6 read f7 =6\n");
}

static void test_found_after_events_completes_the_same_process(void **state)
{
	struct lm_raw_attributes found = attributes_of(6, 1);
	struct fixture *f = *state;

	as(f, 6);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	forget_told(f);
	process(f, LM_RAW_CALL_NONE, &found, LM_RAW_FOUND);
	open_file(f, FILE_AT(9), TMP_DIR, "sh", -1, LM_RAW_FOUND);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	/* Further threads, and the same again, say nothing new. */
	process(f, LM_RAW_CALL_NONE, &found, LM_RAW_FOUND);
	as_thread(f, 6, 7);
	process(f, LM_RAW_CALL_NONE, &found, LM_RAW_FOUND);
	assert_told(f,
		"~p6 parent=p1 cwd=f3 found\n"
		"+f9 100644 gen=1 found\n"
		"+f3/sh found\n"
		"~p6 parent=p1 exe=f9 as=f3/sh cwd=f3 found\n"
		"bind f9 f3/sh\n"
		"p6 read f7 =5\n");
}

/* The list of what runs is in the order of numbers, and a child may have a lower one. */
static void test_found_before_its_parent(void **state)
{
	struct lm_raw_attributes child = attributes_of(6, 8), parent = attributes_of(8, 1);
	struct fixture *f = *state;

	as(f, 6);
	process(f, LM_RAW_CALL_NONE, &child, LM_RAW_FOUND);
	as(f, 8);
	process(f, LM_RAW_CALL_NONE, &parent, LM_RAW_FOUND);
	forget_told(f);
	assert_int_equal(lm_identify_found_all(f->identify), 0);
	assert_told(f, "~p6 parent=p8 cwd=f3 found\n");
	assert_int_equal(lm_identify_found_all(f->identify), 0);
	assert_told(f, "");
}

static void test_found_is_older_than_a_fork(void **state)
{
	struct lm_raw_attributes found = attributes_of(2, 1);
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	forget_told(f);
	as(f, 2);
	found.uid = 99;
	process(f, LM_RAW_CALL_NONE, &found, LM_RAW_FOUND);
	assert_told(f, "");
}

static void test_attributes_that_change(void **state)
{
	struct lm_raw_attributes changed = attributes_of(1, 0);
	struct fixture *f = *state;

	changed.uid = 1000;
	process(f, SYS_setuid, &changed, 0);
	changed.cwd = DIR_AT(40);
	process(f, SYS_chdir, &changed, 0);
	changed.root = DIR_AT(40);
	process(f, SYS_chroot, &changed, 0);
	assert_told(f,
		"~p1 cwd=f3 uid=1000\n"
		"p1 setcred =0\n"
		"+f40 40755 gen=1\n"
		"~p1 cwd=f40 uid=1000\n"
		"p1 chdir f40 =0\n"
		"~p1 cwd=f40 uid=1000\n"
		"p1 chroot f40 =0\n");
}

static void test_self_is_marked(void **state)
{
	struct fixture *f = *state;

	lm_identify_set_self(f->identify, PIDS + 2);
	fork_child(f, 2, 17);
	lm_identify_set_self(f->identify, PIDS + 6);
	as(f, 6);
	io(f, SYS_read, NOTHING, 3, 5);
	assert_told(f,
		"+p2 parent=p1 cwd=f3 self\n"
		"p1 fork p2 arg=11 =p2\n"
		"+p6 partial self\n"
		"p6 read =5\n");
}

static void test_signals_name_their_target(void **state)
{
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	forget_told(f);
	signal_to(f, 2, 0, 9);
	signal_to(f, 2, 12345, 9); /* another process had this number */
	signal_to(f, 3, 0, 9);
	assert_told(f,
		"p1 signal p2 arg=9 =0\n"
		"p1 signal arg=9 =0\n"
		"p1 signal arg=9 =0\n");
}

static void test_targets_by_number_in_a_namespace(void **state)
{
	struct lm_raw_attributes inside = attributes_of(6, 1);
	struct fixture *f = *state;

	/* Number 1 there is process 6 here; number 1 here is another. */
	inside.ns_pid = 5;
	inside.ns_tgid = PIDS + 1;
	as(f, 6);
	process(f, SYS_setuid, &inside, 0);
	forget_told(f);
	as(f, 6);
	task_call(f, SYS_ptrace, 1, 5);
	as(f, 1);
	task_call(f, SYS_ptrace, 1, 1);
	task_call(f, SYS_ptrace, 6, 1);
	assert_told(f,
		"p6 ptrace p6 =0\n"
		"p1 ptrace p1 =0\n"
		"p1 ptrace =0\n");
	/* A thread of the initial namespace, and a number of the other one that nobody knows. */
	clone_thread(f, 9);
	forget_told(f);
	task_call(f, SYS_ptrace, 9, 1);
	as(f, 6);
	task_call(f, SYS_ptrace, 9, 5);
	assert_told(f,
		"p1 ptrace p1 =0\n"
		"p6 ptrace =0\n");
}

/* What a call set going can end before the call does. */
static void test_targets_that_have_ended(void **state)
{
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	as(f, 2);
	exit_thread(f, 0, true);
	as(f, 1);
	forget_told(f);
	task_call(f, SYS_ptrace, 2, 0);
	task_call(f, SYS_ptrace, 2, 1);
	task_call(f, SYS_ptrace, 2, 5); /* somebody else there */
	task_failed(f, SYS_ptrace, 2, -ESRCH);
	assert_told(f,
		"p1 ptrace p2 =0\n"
		"p1 ptrace p2 =0\n"
		"p1 ptrace =0\n"
		"p1 ptrace =-3\n");
}

static void test_descriptors_shared_and_not(void **state)
{
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	fork_child(f, 4, CLONE_FILES);
	as(f, 4);
	open_file(f, FILE_AT(8), TMP_DIR, "b", 4, 0);
	as(f, 1);
	forget_told(f);
	fd_call(f, SYS_close, NOTHING, 4, 0, 4);
	as(f, 4);
	fd_call(f, SYS_close, NOTHING, 3, 0, 3);
	fd_call(f, SYS_close, NOTHING, 4, -EBADF, 4);
	as(f, 2);
	fd_call(f, SYS_close, NOTHING, 3, 0, 3);
	assert_told(f,
		"p1 close f8 arg=4 =0 derived\n"
		"p4 close f7 arg=3 =0 derived\n"
		"p4 close arg=4 =-9\n"
		"p2 close arg=3 =0\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fork_gives_a_process_with_a_parent),
		TEST(threads_are_their_process),
		TEST(exec_makes_a_version),
		TEST(exec_names_its_script),
		TEST(exec_by_another_thread),
		TEST(exec_by_another_thread_after_its_leader),
		TEST(process_outlives_its_leader),
		TEST(number_used_again_after_a_lost_exit),
		TEST(number_used_again_after_lost_exit_and_fork),
		TEST(unknown_thread_is_a_partial_process),
		TEST(found_after_events_completes_the_same_process),
		TEST(found_before_its_parent),
		TEST(found_is_older_than_a_fork),
		TEST(attributes_that_change),
		TEST(self_is_marked),
		TEST(signals_name_their_target),
		TEST(targets_by_number_in_a_namespace),
		TEST(targets_that_have_ended),
		TEST(descriptors_shared_and_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
