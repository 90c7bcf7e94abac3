/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lemona/base/time.h"
#include "trouble.h"

struct listener {
	int count;
	char last[256];
};

static void say(void *data, const char *sentence)
{
	struct listener *listener = data;

	listener->count++;
	strncpy(listener->last, sentence, sizeof(listener->last) - 1);
}

/* As if its last failure had been long ago. */
static void let_calm(struct trouble *trouble)
{
	trouble->failed_ns -= 2 * LM_NS_PER_SEC;
}

static void test_failures_are_told_once(void **state)
{
	struct listener listener = { 0 };
	struct trouble trouble = { .say = say, .data = &listener };

	(void)state;
	trouble_note(&trouble, 0, 5);
	assert_int_equal(listener.count, 0);
	trouble_note(&trouble, -ENOSPC, 5);
	trouble_note(&trouble, -ENOSPC, 5);
	assert_int_equal(listener.count, 1);
	assert_non_null(strstr(listener.last, "goes on until it can be"));
	assert_int_equal(trouble.write_error, -ENOSPC);
}

static void test_written_again_is_told_when_something_was(void **state)
{
	struct listener listener = { 0 };
	struct trouble trouble = { .say = say, .data = &listener };

	(void)state;
	trouble_note(&trouble, -ENOSPC, 5);
	let_calm(&trouble);
	/* Nothing was refused since, for nothing was to be written. */
	trouble_note(&trouble, 0, 5);
	assert_int_equal(listener.count, 1);
	trouble_note(&trouble, 0, 6);
	assert_int_equal(listener.count, 2);
	assert_non_null(strstr(listener.last, "written again"));
	trouble_note(&trouble, 0, 7);
	assert_int_equal(listener.count, 2);
	trouble_note(&trouble, -EIO, 7);
	assert_int_equal(listener.count, 3);
}

/* A disk that takes one frame and refuses the next is no disk that works again. */
static void test_one_that_fails_now_and_then_still_fails(void **state)
{
	struct listener listener = { 0 };
	struct trouble trouble = { .say = say, .data = &listener };

	(void)state;
	trouble_note(&trouble, -ENOSPC, 5);
	let_calm(&trouble);
	trouble_note(&trouble, -ENOSPC, 5);
	trouble_note(&trouble, 0, 6);
	trouble_note(&trouble, -ENOSPC, 6);
	let_calm(&trouble);
	trouble_note(&trouble, 0, 6);
	assert_int_equal(listener.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures_are_told_once),
		cmocka_unit_test(test_written_again_is_told_when_something_was),
		cmocka_unit_test(test_one_that_fails_now_and_then_still_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
