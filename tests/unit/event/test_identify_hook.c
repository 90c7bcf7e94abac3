/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Calls on paths whose objects hooks told in the middle; user memory says something else. */

#define PLACES(from, to) \
	.dir_inode = (from).inode, .dir_dev = (from).dev, .dir2_inode = (to).inode, \
	.dir2_dev = (to).dev

static void walk_home(struct fixture *f)
{
	walk_dir(f, DIR_AT(40), ROOT_DIR, "home", 0);
	forget_told(f);
}

static void test_rename(void **state)
{
	const struct lm_raw_name places = {
		.change = LM_RAW_RENAMES, .target = FILE_AT(7), PLACES(TMP_DIR, DIR_AT(40)),
	};
	struct fixture *f = *state;

	walk_home(f);
	hook2(f, SYS_rename, &places, "real", "moved");
	paths(f, SYS_rename, "fake", "/tmp/fake2", 0, 0);
	path(f, SYS_unlink, "/home/moved", 0);
	path(f, SYS_unlink, "real", 0);
	assert_told(f,
		"+f3/real\n"
		"+f40/moved\n"
		"+f7 100644 gen=1\n"
		"p1 rename f7 @f3/real @f40/moved =0 confirmed\n"
		"p1 unlink f7 @f40/moved =0 claimed derived\n"
		"p1 unlink @f3/real =0 claimed\n");
	assert_int_equal(f->looks, 0);
}

static void test_exchange(void **state)
{
	const struct lm_raw_name places = {
		.change = LM_RAW_RENAMES, .target = FILE_AT(7), .target2 = FILE_AT(8),
		PLACES(TMP_DIR, TMP_DIR),
	};
	struct fixture *f = *state;

	hook2(f, SYS_renameat2, &places, "a", "b");
	paths(f, SYS_renameat2, "a", "b", 2, 0);
	forget_told(f);
	path(f, SYS_unlink, "a", 0);
	path(f, SYS_unlink, "b", 0);
	assert_told(f,
		"p1 unlink f8 @f3/a =0 claimed derived\n"
		"p1 unlink f7 @f3/b =0 claimed derived\n");
}

static void test_failure_leaves_the_claim(void **state)
{
	struct fixture *f = *state;

	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "a");
	path(f, SYS_unlink, "a", -EBUSY);
	path(f, SYS_unlink, "b", 0);
	assert_told(f,
		"+f3/a\n"
		"p1 unlink @f3/a =-16 claimed\n"
		"+f3/b\n"
		"p1 unlink @f3/b =0 claimed\n");
}

static void test_thread_is_the_key(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 2);
	forget_told(f);
	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "a");
	as_thread(f, 1, 2);
	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(8), TMP_DIR, "b");
	as(f, 1);
	path(f, SYS_unlink, "x", 0);
	as_thread(f, 1, 2);
	path(f, SYS_unlink, "y", 0);
	assert_told(f,
		"+f3/a\n"
		"+f7 100644 gen=1\n"
		"p1 unlink f7 @f3/a =0 confirmed\n"
		"+f3/b\n"
		"+f8 100644 gen=1\n"
		"p1:2 unlink f8 @f3/b =0 confirmed\n");
}

static void test_last_try_counts(void **state)
{
	struct fixture *f = *state;

	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "a");
	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(8), TMP_DIR, "a");
	path(f, SYS_unlink, "a", 0);
	assert_told(f,
		"+f3/a\n"
		"+f8 100644 gen=1\n"
		"p1 unlink f8 @f3/a =0 confirmed\n");
}

static void test_loss_in_between(void **state)
{
	struct fixture *f = *state;

	/* The end of one call is lost, and the hook of the next. */
	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "a");
	f->losses = 2;
	path(f, SYS_unlink, "b", 0);
	path(f, SYS_unlink, "c", 0);
	assert_told(f,
		"+f3/b\n"
		"p1 unlink @f3/b =0 claimed\n"
		"+f3/c\n"
		"p1 unlink @f3/c =0 claimed\n");
}

static void test_hooks_of_other_calls(void **state)
{
	struct fixture *f = *state;

	/* On its way a chmod may set attributes of a layer below. */
	hook(f, SYS_chmod, LM_RAW_CHANGES, FILE_AT(7), TMP_DIR, "a");
	hook(f, SYS_chmod, LM_RAW_XATTRS, FILE_AT(8), TMP_DIR, "b");
	path(f, SYS_chmod, "x", 0);
	/* The same hook in another call of this thread, whose end was never told. */
	hook(f, SYS_chmod, LM_RAW_CHANGES, FILE_AT(7), TMP_DIR, "a");
	path(f, SYS_fchmodat, "x", 0);
	assert_told(f,
		"+f3/a\n"
		"+f7 100644 gen=1\n"
		"p1 chmod f7 @f3/a =0 confirmed\n"
		"+f3/x\n"
		"p1 chmod @f3/x =0 claimed\n");
}

static void test_layer_below(void **state)
{
	struct lm_raw_inode below = { .inode = 7, .dev = 99, .generation = 1, .mode = S_IFREG };
	struct fixture *f = *state;

	hook(f, SYS_setxattr, LM_RAW_XATTRS, FILE_AT(7), TMP_DIR, "a");
	hook(f, SYS_setxattr, LM_RAW_XATTRS, below, TMP_DIR, "a");
	path(f, SYS_setxattr, "x", 0);
	assert_told(f,
		"+f3/a\n"
		"+f7 100644 gen=1\n"
		"p1 setxattr f7 @f3/a =0 confirmed\n");
}

static void test_made(void **state)
{
	struct fixture *f = *state;

	hook(f, SYS_mkdir, LM_RAW_CREATES, NOTHING, TMP_DIR, "d");
	/* Of a layer below: another directory. */
	hook(f, SYS_mkdir, LM_RAW_MADE, DIR_AT(50), DIR_AT(49), "d");
	hook(f, SYS_mkdir, LM_RAW_MADE, DIR_AT(51), TMP_DIR, "d");
	path(f, SYS_mkdir, "x", 0);
	hook(f, SYS_mknod, LM_RAW_CREATES, NOTHING, TMP_DIR, "n");
	path(f, SYS_mknod, "x", 0);
	path(f, SYS_rmdir, "d", 0);
	assert_told(f,
		"+f3/d\n"
		"+f51 40755 gen=1\n"
		"p1 mkdir f51 @f3/d =0 confirmed\n"
		"+f3/n\n"
		"p1 mknod @f3/n =0 confirmed\n"
		"p1 rmdir f51 @f3/d =0 claimed derived\n");
}

static void test_symlink(void **state)
{
	struct fixture *f = *state;

	hook2(f, SYS_symlink, &(struct lm_raw_name){
		.change = LM_RAW_CREATES, PLACES(TMP_DIR, NOTHING),
	}, "l", "/tmp/a");
	paths(f, SYS_symlink, "x", "/tmp/fake", 0, 0);
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	forget_told(f);
	path(f, SYS_chmod, "l", 0);
	assert_told(f,
		"p1 chmod f7 @f3/a =0 claimed derived\n");
}

static void test_link(void **state)
{
	const struct lm_raw_name places = {
		.change = LM_RAW_LINKS, .target = FILE_AT(7), PLACES(TMP_DIR, TMP_DIR),
	};
	struct fixture *f = *state;

	hook2(f, SYS_link, &places, "a", "b");
	paths(f, SYS_link, "x", "y", 0, 0);
	path(f, SYS_unlink, "b", 0);
	assert_told(f,
		"+f3/a\n"
		"+f3/b\n"
		"+f7 100644 gen=1\n"
		"p1 link f7 @f3/a @f3/b =0 confirmed\n"
		"p1 unlink f7 @f3/b =0 claimed derived\n");
}

static void test_top_of_a_mount(void **state)
{
	struct fixture *f = *state;

	hook(f, SYS_chmod, LM_RAW_CHANGES, DIR_AT(60), NOTHING, "");
	path(f, SYS_chmod, "x", 0);
	assert_told(f,
		"+f60 40755 gen=1\n"
		"p1 chmod f60 =0 confirmed\n");
}

/* A hook without a mount: the directory has no name yet, and is asked for on the way. */
static void test_times_in_an_unknown_directory(void **state)
{
	struct fixture *f = *state;

	f->look_path = "/srv";
	f->look_inode = DIR_AT(70);
	hook(f, SYS_utimensat, LM_RAW_TIMES, FILE_AT(7), DIR_AT(70), "a");
	path(f, SYS_utimensat, "/srv/a", 0);
	hook(f, SYS_utimensat, LM_RAW_TIMES, FILE_AT(7), DIR_AT(70), "a");
	path(f, SYS_utimensat, "/srv/fake", 0);
	assert_told(f,
		"+f2/srv\n"
		"+f70 40755 gen=0 partial\n"
		"bind f70 f2/srv late\n"
		"+f70/a\n"
		"+f7 100644 gen=1\n"
		"p1 utimes f7 @f70/a =0 confirmed\n"
		"p1 utimes f7 @f70/a =0 confirmed\n");
}

static void test_path_that_could_not_be_read(void **state)
{
	struct lm_raw_path raw = { .start_inode = 3, .start_dev = DISK, .start_mode = S_IFDIR };
	struct fixture *f = *state;

	hook(f, SYS_utimes, LM_RAW_TIMES, FILE_AT(7), DIR_AT(70), "a");
	assert_int_equal(feed(f, &raw, LM_RAW_PATH, SYS_utimes, sizeof(raw), LM_RAW_PARTIAL), 0);
	assert_told(f,
		"+f70 40000 gen=0 partial\n"
		"+f70/a\n"
		"+f7 100644 gen=1\n"
		"p1 utimes f7 @f70/a =0 confirmed\n");
}

static void test_thread_that_ended(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 2);
	as_thread(f, 1, 2);
	hook(f, SYS_unlink, LM_RAW_REMOVES, FILE_AT(7), TMP_DIR, "a");
	exit_thread(f, 0, false);
	as(f, 1);
	clone_thread(f, 2);
	as_thread(f, 1, 2);
	forget_told(f);
	path(f, SYS_unlink, "b", 0);
	assert_told(f,
		"+f3/b\n"
		"p1:2 unlink @f3/b =0 claimed\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rename),
		TEST(exchange),
		TEST(failure_leaves_the_claim),
		TEST(thread_is_the_key),
		TEST(last_try_counts),
		TEST(loss_in_between),
		TEST(hooks_of_other_calls),
		TEST(layer_below),
		TEST(made),
		TEST(symlink),
		TEST(link),
		TEST(top_of_a_mount),
		TEST(times_in_an_unknown_directory),
		TEST(path_that_could_not_be_read),
		TEST(thread_that_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
