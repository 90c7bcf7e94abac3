/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"

/* Records that no kernel side makes, and failures of whoever takes the items. */

static const size_t sizes[LM_RAW_KIND_MAX + 1] = {
	[LM_RAW_IO] = sizeof(struct lm_raw_io), [LM_RAW_FD] = sizeof(struct lm_raw_fd),
	[LM_RAW_OPEN] = sizeof(struct lm_raw_open), [LM_RAW_DIR] = sizeof(struct lm_raw_dir),
	[LM_RAW_FS] = sizeof(struct lm_raw_fs), [LM_RAW_PATH] = sizeof(struct lm_raw_path),
	[LM_RAW_FORK] = sizeof(struct lm_raw_fork),
	[LM_RAW_PROCESS] = sizeof(struct lm_raw_process),
	[LM_RAW_EXEC] = sizeof(struct lm_raw_exec), [LM_RAW_EXIT] = sizeof(struct lm_raw_exit),
	[LM_RAW_SIGNAL] = sizeof(struct lm_raw_task), [LM_RAW_TASK] = sizeof(struct lm_raw_task),
	[LM_RAW_SOCKET] = sizeof(struct lm_raw_socket),
	[LM_RAW_COPY] = sizeof(struct lm_raw_copy), [LM_RAW_RANGE] = sizeof(struct lm_raw_range),
	[LM_RAW_KERNEL] = sizeof(struct lm_raw_range), [LM_RAW_GAP] = sizeof(struct lm_raw_gap),
	[LM_RAW_UNSEEN] = sizeof(struct lm_raw_range),
	[LM_RAW_CGROUP] = sizeof(struct lm_raw_cgroup),
	[LM_RAW_IPC] = sizeof(struct lm_raw_ipc),
	[LM_RAW_RUN] = sizeof(struct lm_raw_run),
	[LM_RAW_DIRTY] = sizeof(struct lm_raw_dirty),
	[LM_RAW_URING_SUBMIT] = sizeof(struct lm_raw_uring),
	[LM_RAW_URING_END] = sizeof(struct lm_raw_uring),
	[LM_RAW_NAME] = sizeof(struct lm_raw_name),
	[LM_RAW_CALL] = sizeof(struct lm_raw_call),
	[LM_RAW_TURN] = sizeof(struct lm_raw_turn),
	[LM_RAW_CONTENT] = sizeof(struct lm_raw_content),
};

/* In memory of its own length, so that a sanitizer sees what is read behind it. */
static int feed_bytes(struct fixture *f, uint8_t kind, size_t len, const void *like)
{
	void *record LM_FREE = calloc(1, len);

	assert_non_null(record);
	if (like)
		memcpy(record, like, len);
	return feed(f, record, kind, LM_RAW_CALL_NONE, (uint16_t)len, 0);
}

static void test_every_kind_cut_short(void **state)
{
	struct fixture *f = *state;

	for (uint8_t kind = 1; kind <= LM_RAW_KIND_MAX; kind++) {
		assert_true(sizes[kind] > sizeof(struct lm_raw));
		for (size_t len = sizeof(struct lm_raw); len < sizes[kind]; len++)
			assert_int_equal(feed_bytes(f, kind, len, NULL), -LM_E_FORMAT);
	}
	assert_told(f, "");
	assert_int_equal(f->forgotten, 0);
}

/* Nothing but zeroes is poor, but sound. */
static void test_every_kind_empty(void **state)
{
	struct fixture *f = *state;

	for (uint8_t kind = 1; kind <= LM_RAW_KIND_MAX; kind++)
		/* A group has a number. */
		assert_int_equal(feed_bytes(f, kind, sizes[kind], NULL),
			kind == LM_RAW_CGROUP ? -LM_E_FORMAT : 0);
}

static void test_kinds_that_are_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(feed_bytes(f, 0, 400, NULL), -LM_E_FORMAT);
	assert_int_equal(feed_bytes(f, LM_RAW_KIND_MAX + 1, 400, NULL), -LM_E_FORMAT);
	assert_int_equal(feed_bytes(f, 255, 400, NULL), -LM_E_FORMAT);
	assert_told(f, "");
}

#define REFUSED(f, kind, type, ...) \
	assert_int_equal(feed_bytes(f, kind, sizeof(type), &(type){ __VA_ARGS__ }), -LM_E_FORMAT)

static void test_lengths_beyond_the_record(void **state)
{
	struct fixture *f = *state;

	REFUSED(f, LM_RAW_OPEN, struct lm_raw_open, .file = FILE_AT(7), .name_len = 1);
	REFUSED(f, LM_RAW_OPEN, struct lm_raw_open, .file = FILE_AT(7), .name_len = UINT32_MAX);
	REFUSED(f, LM_RAW_DIR, struct lm_raw_dir, .dir = DIR_AT(7), .name_len = 1);
	REFUSED(f, LM_RAW_DIR, struct lm_raw_dir, .dir = DIR_AT(7), .name_len = UINT32_MAX);
	REFUSED(f, LM_RAW_PATH, struct lm_raw_path, .path_len = 1);
	REFUSED(f, LM_RAW_PATH, struct lm_raw_path, .path2_len = 1);
	REFUSED(f, LM_RAW_PATH, struct lm_raw_path, .path_len = 65535, .path2_len = 1);
	REFUSED(f, LM_RAW_NAME, struct lm_raw_name, .change = LM_RAW_REMOVES, .name_len = 1);
	REFUSED(f, LM_RAW_NAME, struct lm_raw_name, .change = LM_RAW_RENAMES, .name2_len = 1);
	REFUSED(f, LM_RAW_NAME, struct lm_raw_name, .change = LM_RAW_CHANGE_MAX + 1);
	REFUSED(f, LM_RAW_EXEC, struct lm_raw_exec, .exe = FILE_AT(7), .name_len = 1);
	REFUSED(f, LM_RAW_EXEC, struct lm_raw_exec, .exe = FILE_AT(7), .argv_len = 1);
	REFUSED(f, LM_RAW_EXEC, struct lm_raw_exec, .exe = FILE_AT(7), .script_len = 1);
	REFUSED(f, LM_RAW_EXEC, struct lm_raw_exec, .name_len = 65535, .argv_len = 1);
	REFUSED(f, LM_RAW_SOCKET, struct lm_raw_socket, .inode = 20, .path_len = 113);
	assert_told(f, "");
}

/* The record is long enough, its strings are longer than any that the kernel side keeps. */
static void test_strings_above_their_maximum(void **state)
{
	static union {
		struct lm_raw_open open;
		struct lm_raw_dir dir;
		struct lm_raw_path path;
		struct lm_raw_exec exec;
		uint8_t bytes[LM_RAW_RECORD_MAX_BYTES];
	} big;
	struct fixture *f = *state;

	big.open = (struct lm_raw_open){ .file = FILE_AT(7), .name_len = LM_RAW_NAME_BYTES + 1 };
	assert_int_equal(feed_bytes(f, LM_RAW_OPEN, sizeof(big), &big), -LM_E_FORMAT);
	big.dir = (struct lm_raw_dir){ .dir = DIR_AT(7), .name_len = LM_RAW_NAME_BYTES + 1 };
	assert_int_equal(feed_bytes(f, LM_RAW_DIR, sizeof(big), &big), -LM_E_FORMAT);
	big.path = (struct lm_raw_path){ .path_len = LM_RAW_PATH_BYTES + 1 };
	assert_int_equal(feed_bytes(f, LM_RAW_PATH, sizeof(big), &big), -LM_E_FORMAT);
	big.exec = (struct lm_raw_exec){ .argv_len = LM_RAW_ARGV_BYTES + 1 };
	assert_int_equal(feed_bytes(f, LM_RAW_EXEC, sizeof(big), &big), -LM_E_FORMAT);
	assert_told(f, "");
}

/* Whichever item the sink refuses, its code comes back, and all can still be let go. */
static void test_failing_sink(void **state)
{
	struct fixture *f = *state;
	struct lm_raw_io raw = {
		.inode = 7, .dev = DISK, .mode = S_IFREG | 0644, .fd = 3, .result = 5,
	};
	int r;

	for (int n = 0; n < 3; n++) { /* the process, the file, the event */
		as(f, 10);
		f->fail_after = n;
		r = feed(f, &raw, LM_RAW_IO, SYS_read, sizeof(raw), 0);
		assert_int_equal(r, -ENOSPC);
		tear_down((void **)&f);
		set_up((void **)&f);
	}
	*state = f;
	as(f, 10);
	f->fail_after = 3;
	assert_int_equal(feed(f, &raw, LM_RAW_IO, SYS_read, sizeof(raw), 0), 0);
}

/* A thread may not take the number of its own process, nor exit twice. */
static void test_numbers_that_contradict(void **state)
{
	struct fixture *f = *state;

	clone_thread(f, 1);
	exit_thread(f, 0, false);
	exit_thread(f, 0, true);
	exit_thread(f, 0, true);
	fork_child(f, 1, 17);
	io(f, SYS_read, FILE_AT(7), 3, 5);
	exec_file(f, 3, FILE_AT(9), TMP_DIR, "sh", "");
	clone_thread(f, 3);
	fork_child(f, 3, 17);
	exec_file(f, 3, FILE_AT(9), TMP_DIR, "sh", "");
	exit_thread(f, 0, true);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_cut_short),
		TEST(every_kind_empty),
		TEST(kinds_that_are_none),
		TEST(lengths_beyond_the_record),
		TEST(strings_above_their_maximum),
		TEST(failing_sink),
		TEST(numbers_that_contradict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
