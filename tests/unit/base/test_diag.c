/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/base/diag.h"
#include "lemona/base/error.h"

static void test_the_first_sentence_wins(void **state)
{
	struct lm_diag diag = LM_DIAG_INIT;

	assert_int_equal(lm_diag_errno(&diag, -ENOENT, "cannot open %s", "x"), -ENOENT);
	assert_int_equal(lm_diag_set(&diag, -EIO, "later"), -EIO);
	assert_string_equal(diag.text, "cannot open x: No such file or directory");
	assert_int_equal(lm_diag_set(NULL, -EIO, "unheard"), -EIO);
}

static void test_a_long_sentence_is_cut(void **state)
{
	struct lm_diag diag = LM_DIAG_INIT;
	char text[2 * LM_DIAG_MAX_BYTES];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	lm_diag_errno(&diag, -EIO, "%s", text);
	assert_int_equal(strlen(diag.text), LM_DIAG_MAX_BYTES - 1);
}

static void test_exit_codes(void **state)
{
	assert_int_equal(lm_exit_code(0), LM_EXIT_OK);
	assert_int_equal(lm_exit_code(7), LM_EXIT_OK);
	assert_int_equal(lm_exit_code(-EINVAL), LM_EXIT_USAGE);
	assert_int_equal(lm_exit_code(-ENOENT), LM_EXIT_FAILURE);
	assert_int_equal(lm_exit_code(-LM_E_NOMATCH), LM_EXIT_FAILURE);
	assert_int_equal(lm_exit_code(-LM_E_VERSION), LM_EXIT_FAILURE);
	assert_int_equal(lm_exit_code(-LM_E_FORMAT), LM_EXIT_DAMAGED);
	assert_int_equal(lm_exit_code(-LM_E_DAMAGED), LM_EXIT_DAMAGED);
	assert_int_equal(lm_exit_code(-LM_E_TRUNCATED), LM_EXIT_DAMAGED);
	assert_int_equal(lm_exit_code(-LM_E_EMPTY), LM_EXIT_DAMAGED);
}

static void test_every_code_has_words(void **state)
{
	for (int code = LM_E_BASE + 1; code <= LM_E_POISONED; code++)
		assert_string_not_equal(lm_strerror(-code), "unknown error");
	assert_string_equal(lm_strerror(-ENOSPC), "No space left on device");
	assert_string_equal(lm_strerror(-100000), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_sentence_wins),
		cmocka_unit_test(test_a_long_sentence_is_cut),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_every_code_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
