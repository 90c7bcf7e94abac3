/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hasher.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

/* A file of our own, asked for under a name as we see it. */
struct place {
	char dir[32], path[64], other[64];
	struct hasher *hasher;
};

static const uint8_t hash_of_abc[] = { 0xba, 0x78, 0x16, 0xbf };

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	snprintf(place->dir, sizeof(place->dir), "/tmp/lemona-hasher-XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	snprintf(place->path, sizeof(place->path), "%s/program", place->dir);
	snprintf(place->other, sizeof(place->other), "%s/other", place->dir);
	write_file(place->path, "abc");
	assert_int_equal(hasher_new(&place->hasher), 0);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	hasher_free(place->hasher);
	unlink(place->path);
	unlink(place->other);
	rmdir(place->dir);
	free(place);
	return 0;
}

static struct lm_code code_of(const struct place *place)
{
	struct stat st;

	assert_int_equal(stat(place->path, &st), 0);
	return (struct lm_code){
		.file = 7, .tgid = (uint32_t)getpid(), .path = lm_str_from(place->path),
		.inode = {
			.inode = st.st_ino, .dev = lm_identify_kernel_dev(st.st_dev),
			.mode = st.st_mode,
		},
	};
}

static bool take_soon(struct place *place, struct lm_content *content)
{
	for (int i = 0; i < 300; i++) {
		if (hasher_take(place->hasher, content))
			return true;
		usleep(10000);
	}
	return false;
}

static void test_hashed_once(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	struct lm_content content;

	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	assert_true(take_soon(place, &content));
	assert_int_equal(content.file, 7);
	assert_int_equal(content.state, LM_CONTENT_HASHED);
	assert_int_equal(content.size, 3);
	assert_memory_equal(content.sha256, hash_of_abc, sizeof(hash_of_abc));
	assert_true(content.changed_ns < content.time_ns);
	/* Unchanged: nothing new. */
	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	hasher_finish(place->hasher, LM_NS_PER_SEC);
	assert_false(hasher_take(place->hasher, &content));
}

static void test_changed_in_place(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	struct lm_content before, after;

	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	assert_true(take_soon(place, &before));
	usleep(50000);
	write_file(place->path, "abd");
	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	hasher_finish(place->hasher, LM_NS_PER_SEC);
	assert_true(hasher_take(place->hasher, &after));
	assert_int_equal(after.state, LM_CONTENT_HASHED);
	assert_memory_not_equal(after.sha256, before.sha256, sizeof(after.sha256));
	assert_true(after.changed_ns > before.time_ns);
}

/* Another file under the same name is not the one that ran. */
static void test_replaced(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	struct lm_content content;

	write_file(place->other, "abc");
	assert_int_equal(rename(place->other, place->path), 0);
	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	assert_true(take_soon(place, &content));
	assert_int_equal(content.state, LM_CONTENT_GONE);
}

/* The process itself still holds what has no name any more. */
static void test_program_without_a_name(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	struct lm_content content;
	struct stat st;

	assert_int_equal(stat("/proc/self/exe", &st), 0);
	code.path = LM_STR_NONE;
	code.inode.inode = st.st_ino;
	code.inode.dev = lm_identify_kernel_dev(st.st_dev);
	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	assert_true(take_soon(place, &content));
	assert_int_equal(content.state, LM_CONTENT_HASHED);
	assert_int_equal(content.size, (uint64_t)st.st_size);
}

/* What stands in its place may be a device: to open that would be to act on it. */
static void test_replacement_is_not_opened(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	int watch LM_CLOSE = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct lm_content content;
	char event[512];

	write_file(place->other, "abc");
	assert_int_equal(rename(place->other, place->path), 0);
	assert_true(inotify_add_watch(watch, place->path, IN_OPEN) >= 0);
	assert_int_equal(hasher_ask(place->hasher, &code), 0);
	assert_true(take_soon(place, &content));
	assert_int_equal(content.state, LM_CONTENT_GONE);
	assert_int_equal(read(watch, event, sizeof(event)), -1);
}

/* What ran before the start is not waited for, and is told to be missing. */
static void test_not_in_time(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	struct lm_content content;
	uint32_t told = 0;

	code.found = true;
	for (code.file = 1; code.file <= 1000; code.file++)
		assert_int_equal(hasher_ask(place->hasher, &code), 0);
	hasher_finish(place->hasher, LM_NS_PER_SEC);
	while (hasher_take(place->hasher, &content)) {
		assert_true(content.state == LM_CONTENT_LATE ||
			content.state == LM_CONTENT_HASHED);
		told++;
	}
	assert_int_equal(told, 1000);
	code.file = 2000;
	assert_true(hasher_ask(place->hasher, &code) < 0);
}

static void test_too_many(void **state)
{
	struct place *place = *state;
	struct lm_code code = code_of(place);
	int r = 0;

	/* Each waits 20 ms, as the file has just been changed. */
	write_file(place->path, "abc");
	for (code.file = 1; r == 0 && code.file < 5000; code.file++)
		r = hasher_ask(place->hasher, &code);
	assert_int_equal(r, -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hashed_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed_in_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replacement_is_not_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_program_without_a_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
