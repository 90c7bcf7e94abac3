/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <string.h>

/* What lm_identify asks the running system for, and what it does with the answers. */

static void test_a_hit_is_kept(void **state)
{
	struct fixture *f = *state;

	f->look_path = "/tmp/dir";
	f->look_inode = DIR_AT(40);
	path(f, SYS_stat, "dir/x", 0);
	path(f, SYS_stat, "dir/y", 0);
	assert_told(f,
		"+f3/dir\n"
		"+f40 40755 gen=0 partial\n"
		"bind f40 f3/dir late\n"
		"+f40/x\n"
		"p1 stat @f40/x =0 claimed\n"
		"+f40/y\n"
		"p1 stat @f40/y =0 claimed\n");
	assert_int_equal(f->looks, 1);
	assert_int_equal(f->look_tgid, PIDS + 1);
}

static void test_a_miss_is_remembered_for_a_second(void **state)
{
	struct fixture *f = *state;

	path(f, SYS_stat, "dir/x", 0);
	path(f, SYS_stat, "dir/y", 0);
	assert_int_equal(f->looks, 1);
	f->now_ns += 900 * UINT64_C(1000000);
	path(f, SYS_stat, "dir/x", 0);
	assert_int_equal(f->looks, 1);
	f->now_ns += 200 * UINT64_C(1000000);
	f->look_path = "/tmp/dir";
	f->look_inode = DIR_AT(40);
	forget_told(f);
	path(f, SYS_stat, "dir/x", 0);
	assert_int_equal(f->looks, 2);
	assert_told(f,
		"+f3/dir\n"
		"+f40 40755 gen=0 partial\n"
		"bind f40 f3/dir late\n"
		"+f40/x\n"
		"p1 stat @f40/x =0 claimed\n");
}

static void test_a_link_is_followed(void **state)
{
	struct fixture *f = *state;

	f->look_path = "/tmp/l";
	f->look_link = "/tmp/../tmp";
	path(f, SYS_stat, "l/x", 0);
	path(f, SYS_stat, "l/l/y", 0);
	assert_told(f,
		"+f3/l\n"
		"+f3/x\n"
		"p1 stat @f3/x =0 claimed\n"
		"+f3/y\n"
		"p1 stat @f3/y =0 claimed\n");
	assert_int_equal(f->looks, 1);
}

/* The last component matters only where a link there is followed. */
static void test_the_end_of_a_path(void **state)
{
	struct fixture *f = *state;

	f->look_path = "/tmp/a";
	f->look_inode = FILE_AT(7);
	path(f, SYS_stat, "a", 0);
	path(f, SYS_unlink, "a", -EACCES);
	path(f, SYS_chmod, "a", -EPERM);
	assert_int_equal(f->looks, 0);
	path(f, SYS_chmod, "a", 0);
	assert_int_equal(f->looks, 1);
	assert_told(f,
		"+f3/a\n"
		"p1 stat @f3/a =0 claimed\n"
		"p1 unlink @f3/a =-13 claimed\n"
		"p1 chmod @f3/a =-1 claimed\n"
		"+f7 100644 gen=0 partial\n"
		"bind f7 f3/a late\n"
		"p1 chmod f7 @f3/a =0 claimed derived\n");
}

static void test_a_process_that_is_gone(void **state)
{
	struct lm_raw_attributes recorder = attributes_of(9, 0);
	struct fixture *f = *state;

	lm_identify_set_self(f->identify, PIDS + 9);
	as(f, 9);
	process(f, LM_RAW_CALL_NONE, &recorder, LM_RAW_FOUND);
	as(f, 1);
	fork_child(f, 2, 17);
	as(f, 2);
	fork_child(f, 3, 17);
	as(f, 3);
	f->look_gone[0] = 3;
	path(f, SYS_stat, "a/x", 0);
	assert_int_equal(f->look_tgid, PIDS + 2);
	f->look_gone[1] = 2;
	path(f, SYS_stat, "b/x", 0);
	assert_int_equal(f->look_tgid, PIDS + 1);
	f->look_gone[2] = 1;
	path(f, SYS_stat, "c/x", 0);
	assert_int_equal(f->look_tgid, PIDS + 9);
	assert_int_equal(f->looks, 2 + 3 + 4);
}

/* Neither a parent with another "/" nor one in another mount namespace sees the same. */
static void test_a_parent_that_sees_something_else(void **state)
{
	struct lm_raw_attributes other = attributes_of(2, 1);
	struct fixture *f = *state;

	fork_child(f, 2, 17);
	as(f, 2);
	f->look_gone[0] = 2;
	other.ns_mnt = 7;
	process(f, SYS_unshare, &other, 0);
	path(f, SYS_stat, "a/x", 0);
	assert_int_equal(f->looks, 1);
	other.ns_mnt = 1;
	other.root = TMP_DIR;
	process(f, SYS_chroot, &other, 0);
	path(f, SYS_stat, "b/x", 0);
	assert_int_equal(f->looks, 2);
}

static void test_a_directory_without_a_path(void **state)
{
	struct fixture *f = *state;

	path_at(f, SYS_stat, DIR_AT(50), "a/x", 0, 0);
	assert_int_equal(f->looks, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hit_is_kept),
		TEST(a_miss_is_remembered_for_a_second),
		TEST(a_link_is_followed),
		TEST(the_end_of_a_path),
		TEST(a_process_that_is_gone),
		TEST(a_parent_that_sees_something_else),
		TEST(a_directory_without_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
