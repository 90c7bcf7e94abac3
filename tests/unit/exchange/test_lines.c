/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lines.h"

/* A file that holds these bytes, read from its begin. */
static int make_input(const char *text, size_t len)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void assert_line(struct lines *lines, const char *want, size_t len)
{
	struct lm_str line;

	assert_int_equal(lines_next(lines, &line), 1);
	assert_int_equal(line.len, len);
	if (len > 0)
		assert_memory_equal(line.data, want, len);
}

static void test_lines(void **state)
{
	static const char text[] = "one\n\nth\0ree\nlast";
	LM_CLOSE int fd = make_input(text, sizeof(text) - 1);
	LM_CLEANUP(lines_release) struct lines lines = LINES_INIT(fd);
	struct lm_str bytes;

	assert_int_equal(lines_peek(&lines, 5, &bytes), 0);
	assert_int_equal(bytes.len, 5);
	assert_line(&lines, "one", 3);
	assert_line(&lines, "", 0);
	assert_line(&lines, "th\0ree", 6);
	assert_int_equal(lines.number, 3);
	assert_line(&lines, "last", 4);
	assert_int_equal(lines_next(&lines, &bytes), 0);
	assert_int_equal(lines.number, 4);
	assert_int_equal(lines_peek(&lines, 5, &bytes), 0);
	assert_int_equal(bytes.len, 0);
}

static void test_nothing(void **state)
{
	LM_CLOSE int fd = make_input("", 0);
	LM_CLEANUP(lines_release) struct lines lines = LINES_INIT(fd);
	struct lm_str line;

	assert_int_equal(lines_next(&lines, &line), 0);
	assert_int_equal(lines_take(&lines, 1, &line), 0);
}

/* One that is as long as it may be is taken; a longer one is passed over, and costs no more. */
static void test_long(void **state)
{
	size_t len = 3 * (size_t)LINES_MAX_BYTES;
	LM_FREE char *text = malloc(len + 4);
	struct lm_str line;

	assert_non_null(text);
	memset(text, 'x', len + 4);
	text[LINES_MAX_BYTES] = '\n';
	text[len] = '\n';
	text[len + 3] = '\n';

	LM_CLOSE int fd = make_input(text, len + 4);
	LM_CLEANUP(lines_release) struct lines lines = LINES_INIT(fd);

	assert_int_equal(lines_next(&lines, &line), 1);
	assert_int_equal(line.len, LINES_MAX_BYTES);
	assert_int_equal(lines_next(&lines, &line), -EMSGSIZE);
	assert_int_equal(lines.number, 2);
	assert_line(&lines, "xx", 2);
	assert_int_equal(lines.number, 3);
	assert_true(lines.bytes.capacity <= 4 * LINES_MAX_BYTES);
}

static void test_take(void **state)
{
	LM_CLOSE int fd = make_input("head\nab\ncd\ntail\n", 16);
	LM_CLEANUP(lines_release) struct lines lines = LINES_INIT(fd);
	struct lm_str bytes;

	assert_line(&lines, "head", 4);
	assert_int_equal(lines_take(&lines, 6, &bytes), 1);
	assert_memory_equal(bytes.data, "ab\ncd\n", 6);
	assert_int_equal(lines.number, 3);
	assert_int_equal(lines_take(&lines, LINES_MAX_BYTES + 1, &bytes), -EMSGSIZE);
	assert_int_equal(lines_take(&lines, 6, &bytes), 0);
	assert_line(&lines, "tail", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
