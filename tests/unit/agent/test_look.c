/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/identify.h"
#include "look.h"

#define UNTOUCHED "untouched"

/* A directory with a file, a directory, a link to it, and a link to nothing. */
struct place {
	char dir[64];
	char path[128];
	struct lm_raw_inode inode;
	char link[PATH_MAX];
};

static const char *const entries[] = { "dir/in", "file", "link", "dangling", "dir", "" };

static const char *path_of(struct place *p, const char *name)
{
	snprintf(p->path, sizeof(p->path), "%s/%s", p->dir, name);
	return p->path;
}

static void make_file(struct place *p, const char *name)
{
	FILE *file LM_FCLOSE = fopen(path_of(p, name), "we");

	assert_non_null(file);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test-look-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	make_file(p, "file");
	assert_int_equal(mkdir(path_of(p, "dir"), 0755), 0);
	make_file(p, "dir/in");
	assert_int_equal(symlink("dir", path_of(p, "link")), 0);
	assert_int_equal(symlink("/no/where", path_of(p, "dangling")), 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	for (size_t i = 0; i < LM_ARRAY_SIZE(entries); i++)
		assert_int_equal(remove(path_of(p, entries[i])), 0);
	free(p);
	return 0;
}

static int look(struct place *p, uint32_t tgid, const char *path)
{
	snprintf(p->link, sizeof(p->link), UNTOUCHED);
	p->inode = (struct lm_raw_inode){ 0 };
	return look_at_entry(tgid, path, &p->inode, p->link, sizeof(p->link));
}

static void assert_is(const struct place *p, const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(p->inode.inode, st.st_ino);
	assert_int_equal(p->inode.dev, lm_identify_kernel_dev(st.st_dev));
	assert_int_equal(p->inode.mode, st.st_mode);
	assert_int_equal(p->inode.rdev, lm_identify_kernel_dev(st.st_rdev));
}

static void test_files_and_directories(void **state)
{
	static const char *const names[] = { "file", "dir", "dir/in" };
	struct place *p = *state;

	for (size_t i = 0; i < LM_ARRAY_SIZE(names); i++) {
		assert_int_equal(look(p, (uint32_t)getpid(), path_of(p, names[i])), 0);
		assert_is(p, path_of(p, names[i]));
		assert_string_equal(p->link, "");
	}
}

static void test_device(void **state)
{
	struct place *p = *state;

	assert_int_equal(look(p, (uint32_t)getpid(), "/dev/null"), 0);
	assert_is(p, "/dev/null");
	assert_int_equal(p->inode.rdev, 1u << 20 | 3);
}

static void test_links_are_told_not_followed(void **state)
{
	struct place *p = *state;

	assert_int_equal(look(p, (uint32_t)getpid(), path_of(p, "link")), 0);
	assert_string_equal(p->link, "dir");
	assert_is(p, path_of(p, "link"));
	assert_int_equal(look(p, (uint32_t)getpid(), path_of(p, "dangling")), 0);
	assert_string_equal(p->link, "/no/where");
}

/* A target longer than its room is cut, with its NUL. */
static void test_link_longer_than_its_room(void **state)
{
	struct place *p = *state;
	char link[4] = "???";

	assert_int_equal(look_at_entry((uint32_t)getpid(), path_of(p, "dangling"), &p->inode, link,
		sizeof(link)), 0);
	assert_string_equal(link, "/no");
}

static void test_what_is_not_there(void **state)
{
	struct place *p = *state;

	assert_int_equal(look(p, (uint32_t)getpid(), path_of(p, "none")), -ENOENT);
	assert_int_equal(look(p, (uint32_t)getpid(), path_of(p, "file/x")), -ENOTDIR);
	assert_string_equal(p->link, UNTOUCHED);
	assert_int_equal(p->inode.inode, 0);
}

/* Its links lead everybody somewhere else. */
static void test_procfs_is_not_asked(void **state)
{
	struct place *p = *state;

	assert_int_equal(look(p, (uint32_t)getpid(), "/proc/self"), -EOPNOTSUPP);
	assert_string_equal(p->link, UNTOUCHED);
}

static void test_process_that_is_gone(void **state)
{
	struct place *p = *state;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(look(p, (uint32_t)child, path_of(p, "file")), -ESRCH);
}

static void test_another_root(void **state)
{
	struct place *p = *state;
	int ready[2], r, in_root, status;
	int reader LM_CLOSE = -1, writer LM_CLOSE = -1;
	pid_t child;
	char byte;

	if (geteuid() != 0)
		skip(); /* chroot(2) */
	assert_int_equal(pipe(ready), 0);
	reader = ready[0];
	writer = ready[1];
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (chroot(p->dir) < 0 || write(writer, "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(reader, &byte, 1), 1);
	r = look(p, (uint32_t)child, "/dir/in");
	in_root = look_at_entry((uint32_t)child, "/../file", &p->inode, p->link, sizeof(p->link));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(r, 0);
	assert_int_equal(in_root, 0); /* ".." does not lead out */
	assert_is(p, path_of(p, "file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_and_directories),
		TEST(device),
		TEST(links_are_told_not_followed),
		TEST(link_longer_than_its_room),
		TEST(what_is_not_there),
		TEST(procfs_is_not_asked),
		TEST(process_that_is_gone),
		TEST(another_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
