/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* What a name is bound to shows when it is unlinked. */
static void unlink_name(struct fixture *f, const char *name)
{
	path(f, SYS_unlink, name, 0);
}

static void open_two(struct fixture *f)
{
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	open_file(f, FILE_AT(8), TMP_DIR, "b", 4, 0);
	forget_told(f);
}

static void test_rename(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_rename, "a", "c", 0, 0);
	paths(f, SYS_rename, "/tmp/c", "/tmp/b", 0, 0);
	unlink_name(f, "c");
	unlink_name(f, "b");
	unlink_name(f, "b");
	assert_told(f,
		"+f3/c\n"
		"p1 rename f7 @f3/a @f3/c =0 claimed derived\n"
		"p1 rename f7 @f3/c @f3/b =0 claimed derived\n"
		"p1 unlink @f3/c =0 claimed\n"
		"p1 unlink f7 @f3/b =0 claimed derived\n"
		"p1 unlink @f3/b =0 claimed\n");
	assert_int_equal(f->forgotten, 0);
}

static void test_rename_that_failed_changes_nothing(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_rename, "a", "b", 0, -EACCES);
	unlink_name(f, "a");
	unlink_name(f, "b");
	assert_told(f,
		"p1 rename @f3/a @f3/b =-13 claimed\n"
		"p1 unlink f7 @f3/a =0 claimed derived\n"
		"p1 unlink f8 @f3/b =0 claimed derived\n");
}

static void test_rename_to_itself(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_rename, "a", "./a", 0, 0);
	paths(f, SYS_link, "b", "c", 0, 0);
	paths(f, SYS_rename, "b", "c", 0, 0); /* one file: the kernel does nothing */
	forget_told(f);
	unlink_name(f, "a");
	unlink_name(f, "b");
	unlink_name(f, "c");
	assert_told(f,
		"p1 unlink f7 @f3/a =0 claimed derived\n"
		"p1 unlink f8 @f3/b =0 claimed derived\n"
		"p1 unlink f8 @f3/c =0 claimed derived\n");
}

static void test_exchange(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_renameat2, "a", "b", RENAME_EXCHANGE, 0);
	unlink_name(f, "a");
	unlink_name(f, "b");
	assert_told(f,
		"p1 rename f7 @f3/a @f3/b arg=2 =0 claimed derived\n"
		"p1 unlink f8 @f3/a =0 claimed derived\n"
		"p1 unlink f7 @f3/b =0 claimed derived\n");
}

/* What is below a directory gets new paths: if it is not known, all are told again. */
static void test_rename_of_what_is_not_known(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_rename, "unknown", "c", 0, 0);
	assert_int_equal(f->forgotten, 1);
	paths(f, SYS_renameat2, "a", "unknown2", RENAME_EXCHANGE, 0);
	assert_int_equal(f->forgotten, 2);
	paths(f, SYS_rename, "b", "d", 0, 0);
	assert_int_equal(f->forgotten, 2);
	paths(f, SYS_rename, "unknown3", "e", 0, -ENOENT);
	assert_int_equal(f->forgotten, 2);
}

static void test_paths_below_a_renamed_directory(void **state)
{
	struct fixture *f = *state;

	walk_dir(f, DIR_AT(40), TMP_DIR, "dir", 0);
	open_file(f, FILE_AT(7), DIR_AT(40), "a", 3, 0);
	paths(f, SYS_rename, "dir", "moved", 0, 0);
	forget_told(f);
	unlink_name(f, "/tmp/moved/a");
	assert_told(f,
		"p1 unlink f7 @f40/a =0 claimed derived\n");
}

static void test_link_and_unlink(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_link, "a", "c", 0, 0);
	unlink_name(f, "a");
	unlink_name(f, "c");
	paths(f, SYS_link, "unknown", "c", 0, 0);
	unlink_name(f, "c");
	assert_told(f,
		"+f3/c\n"
		"p1 link f7 @f3/a @f3/c =0 claimed derived\n"
		"p1 unlink f7 @f3/a =0 claimed derived\n"
		"p1 unlink f7 @f3/c =0 claimed derived\n"
		"+f3/unknown\n"
		"p1 link @f3/unknown @f3/c =0 claimed\n"
		"p1 unlink @f3/c =0 claimed\n");
}

static void test_rmdir_by_unlinkat(void **state)
{
	struct fixture *f = *state;

	walk_dir(f, DIR_AT(40), TMP_DIR, "dir", 0);
	forget_told(f);
	path_at(f, SYS_unlinkat, TMP_DIR, "dir", AT_REMOVEDIR, 0);
	assert_told(f,
		"p1 rmdir f40 @f3/dir =0 claimed derived\n");
}

static void test_made_directory_is_left_again(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	path(f, SYS_mkdir, "x", 0);
	unlink_name(f, "x/../a");
	unlink_name(f, "x/y/../../b"); /* y is not known: no guess */
	assert_told(f,
		"+f3/x\n"
		"p1 mkdir @f3/x =0 claimed\n"
		"p1 unlink f7 @f3/a =0 claimed derived\n"
		"+f3/x/y/../../b claimed\n"
		"p1 unlink @f3/x/y/../../b =0 claimed\n");
}

static void test_dots(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	path(f, SYS_stat, "./.././tmp//a/", 0);
	path(f, SYS_stat, "..", 0);
	path(f, SYS_stat, "/../../tmp/a", 0);
	path_at(f, SYS_stat, DIR_AT(50), "../b", 0, 0); /* nobody knows where 50 is */
	assert_told(f,
		"p1 stat f7 @f3/a =0 claimed derived\n"
		"p1 stat f2 =0 claimed derived\n"
		"p1 stat f7 @f3/a =0 claimed derived\n"
		"+f50 40755 gen=0 partial\n"
		"+f50/../b claimed\n"
		"p1 stat @f50/../b =0 claimed\n");
}

static void test_links_are_followed(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	walk_dir(f, DIR_AT(40), TMP_DIR, "dir", 0);
	paths(f, SYS_symlink, "l", "/tmp/dir", 0, 0);
	paths(f, SYS_symlink, "m", "l/..", 0, 0);
	forget_told(f);
	path(f, SYS_stat, "l/x", 0);
	path(f, SYS_stat, "m/a", 0);
	path(f, SYS_lchown, "l", 0);
	path(f, SYS_chown, "l", 0);
	unlink_name(f, "l");
	assert_told(f,
		"+f40/x\n"
		"p1 stat @f40/x =0 claimed\n"
		"p1 stat f7 @f3/a =0 claimed derived\n"
		"p1 chown @f3/l =0 claimed\n"
		"p1 chown f40 @f3/dir =0 claimed derived\n"
		"p1 unlink @f3/l =0 claimed\n");
	path(f, SYS_stat, "l/x", 0);
	assert_told(f,
		"+f3/l/x claimed\n"
		"p1 stat @f3/l/x =0 claimed\n");
}

static void test_link_that_leads_to_itself(void **state)
{
	struct fixture *f = *state;

	paths(f, SYS_symlink, "l", "l", 0, 0);
	forget_told(f);
	path(f, SYS_stat, "l/x", -ELOOP);
	path(f, SYS_chmod, "l", -ELOOP);
	assert_told(f,
		"+f3/l/x claimed\n"
		"p1 stat @f3/l/x =-40 claimed\n"
		"p1 chmod @f3/l =-40 claimed\n");
}

static void test_renamed_link_is_a_link(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	paths(f, SYS_symlink, "l", "/tmp", 0, 0);
	paths(f, SYS_rename, "l", "m", 0, 0);
	assert_int_equal(f->forgotten, 0);
	forget_told(f);
	path(f, SYS_stat, "m/a", 0);
	assert_told(f,
		"p1 stat f7 @f3/a =0 claimed derived\n");
}

/* Its removal was lost; what the kernel opened there is no link. */
static void test_link_replaced_unseen(void **state)
{
	struct fixture *f = *state;

	paths(f, SYS_symlink, "l", "/", 0, 0);
	walk_dir(f, DIR_AT(40), TMP_DIR, "l", 0);
	forget_told(f);
	path(f, SYS_stat, "l/x", 0);
	assert_told(f,
		"+f40/x\n"
		"p1 stat @f40/x =0 claimed\n");
}

static void test_opened_link_is_no_directory(void **state)
{
	struct lm_raw_inode link = { .inode = 70, .dev = DISK, .mode = S_IFLNK | 0777 };
	struct fixture *f = *state;

	open_file(f, link, TMP_DIR, "l", 3, 0); /* O_PATH | O_NOFOLLOW */
	forget_told(f);
	path(f, SYS_stat, "l/x", 0);
	assert_told(f,
		"+f3/l/x claimed\n"
		"p1 stat @f3/l/x =0 claimed\n");
}

/* Names that are longer than a log takes are cut, not refused. */
static void test_long_claim_is_cut(void **state)
{
	char target[LM_RAW_PATH_BYTES], name[LM_RAW_PATH_BYTES];
	struct fixture *f = *state;

	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	memset(name, 'y', sizeof(name) - 1);
	memcpy(name, "l/", 2);
	name[sizeof(name) - 1] = '\0';
	paths(f, SYS_symlink, "l", target, 0, 0);
	forget_told(f);
	path(f, SYS_stat, name, -ENOENT);
	assert_true(f->told.len > LM_NAME_MAX_BYTES);
}

static void test_claim_below_an_unknown_directory(void **state)
{
	struct fixture *f = *state;

	path(f, SYS_stat, "no/where/x", -ENOENT);
	path(f, SYS_stat, "/etc/passwd", 0);
	assert_told(f,
		"+f3/no/where/x claimed\n"
		"p1 stat @f3/no/where/x =-2 claimed\n"
		"+f2/etc/passwd claimed\n"
		"p1 stat @f2/etc/passwd =0 claimed\n");
}

static void test_empty_path_is_the_descriptor(void **state)
{
	struct fixture *f = *state;

	path_at(f, SYS_fchownat, FILE_AT(7), "", AT_EMPTY_PATH, 0);
	path_at(f, SYS_newfstatat, DIR_AT(3), "", AT_EMPTY_PATH, 0);
	assert_told(f,
		"+f7 100644 gen=0 partial\n"
		"p1 chown f7 arg=1000 =0\n"
		"p1 stat f3 arg=1000 =0\n");
}

static void test_bad_descriptor(void **state)
{
	struct fixture *f = *state;

	path_at(f, SYS_unlinkat, NOTHING, "a", 0, -EBADF);
	path_at(f, SYS_fchownat, NOTHING, "", AT_EMPTY_PATH, -EBADF);
	path_at(f, SYS_unlinkat, NOTHING, "/tmp/a", 0, 0); /* an absolute path needs none */
	assert_told(f,
		"+?/a claimed\n"
		"p1 unlink @?/a =-9 claimed\n"
		"p1 chown arg=1000 =-9 claimed\n"
		"+f3/a\n"
		"p1 unlink @f3/a =0 claimed\n");
}

static void test_unknown_root(void **state)
{
	struct fixture *f = *state;

	as(f, 6);
	path(f, SYS_stat, "/a", 0);
	path(f, SYS_stat, "/", 0);
	path(f, SYS_stat, "/etc/x", 0);
	assert_told(f,
		"+p6 partial\n"
		"+?/a claimed\n"
		"p6 stat @?/a =0 claimed\n"
		"p6 stat =0 claimed\n"
		"+?/etc/x claimed\n"
		"p6 stat @?/etc/x =0 claimed\n");
}

static void test_path_that_could_not_be_read(void **state)
{
	struct lm_raw_path raw = {
		.result = -EFAULT, .start_inode = 3, .start_dev = DISK, .start_mode = S_IFDIR,
	};
	struct fixture *f = *state;

	assert_int_equal(feed(f, &raw, LM_RAW_PATH, SYS_unlink, sizeof(raw), LM_RAW_PARTIAL), 0);
	assert_told(f,
		"p1 unlink =-14 partial\n");
}

static void test_open_closed_before_it_was_read(void **state)
{
	struct fixture *f = *state;

	open_two(f);
	path(f, SYS_openat, "a", 5);
	path(f, SYS_openat, "none", -ENOENT);
	assert_told(f,
		"p1 open f7 @f3/a =5 claimed derived partial\n"
		"+f3/none\n"
		"p1 open @f3/none =-2 claimed\n");
}

static void test_directory_told_twice(void **state)
{
	struct fixture *f = *state;

	walk_dir(f, DIR_AT(40), TMP_DIR, "dir", 0);
	walk_dir(f, DIR_AT(40), TMP_DIR, "dir", 0);
	walk_dir(f, DIR_AT(40), TMP_DIR, "moved", 0);
	walk_dir(f, DIR_AT(41), TMP_DIR, "moved", LM_RAW_MOUNT);
	walk_dir(f, ROOT_DIR, NOTHING, "", LM_RAW_ROOT);
	assert_told(f,
		"+f40 40755 gen=1\n"
		"+f3/dir\n"
		"bind f40 f3/dir\n"
		"+f3/moved\n"
		"bind f40 f3/moved\n"
		"+f41 40755 gen=1\n"
		"bind f41 f3/moved mount\n");
}

static void test_process_below_another_root(void **state)
{
	struct lm_raw_attributes jailed = attributes_of(1, 0);
	struct fixture *f = *state;

	open_two(f);
	jailed.root = TMP_DIR;
	process(f, SYS_chroot, &jailed, 0);
	forget_told(f);
	path(f, SYS_stat, "/a", 0);
	path(f, SYS_stat, "../../b", 0);
	path(f, SYS_stat, "/", 0);
	assert_told(f,
		"p1 stat f7 @f3/a =0 claimed derived\n"
		"p1 stat f8 @f3/b =0 claimed derived\n"
		"p1 stat f3 =0 claimed derived\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rename),
		TEST(rename_that_failed_changes_nothing),
		TEST(rename_to_itself),
		TEST(exchange),
		TEST(rename_of_what_is_not_known),
		TEST(paths_below_a_renamed_directory),
		TEST(link_and_unlink),
		TEST(rmdir_by_unlinkat),
		TEST(made_directory_is_left_again),
		TEST(dots),
		TEST(links_are_followed),
		TEST(link_that_leads_to_itself),
		TEST(renamed_link_is_a_link),
		TEST(link_replaced_unseen),
		TEST(opened_link_is_no_directory),
		TEST(long_claim_is_cut),
		TEST(claim_below_an_unknown_directory),
		TEST(empty_path_is_the_descriptor),
		TEST(bad_descriptor),
		TEST(unknown_root),
		TEST(path_that_could_not_be_read),
		TEST(open_closed_before_it_was_read),
		TEST(directory_told_twice),
		TEST(process_below_another_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
