/* SPDX-License-Identifier: MIT */
#include "make_log.h"

/* Logs of every released format version decode forever. GOLDEN_DIR comes from the build. */
#define GOLDEN_EVENTS 3000u

static void read_golden(const char *path)
{
	struct lm_log *log = open_log(path);
	struct lm_log_meta made = make_meta();

	assert_memory_equal(lm_log_meta(log), &made, sizeof(made));
	read_stream(log, GOLDEN_EVENTS);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

static void test_version_1(void **state)
{
	read_golden(GOLDEN_DIR "/v1");
}

static void test_version_1_sealed(void **state)
{
	read_golden(GOLDEN_DIR "/v1-sealed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_version_1_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
