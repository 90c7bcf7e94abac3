/* SPDX-License-Identifier: MIT */
#include "../../unit/log/make_log.h"

/*
 * Makes the golden log of the present format version:
 *   make_golden tests/golden/log/v1
 * Run once for each released version of the format. What it made is never made anew: old
 * logs stay readable forever.
 */
#define GOLDEN_EVENTS        3000u
#define GOLDEN_SEGMENT_BYTES 24576u

static void make_golden(void **state)
{
	const struct lm_log_options options = { .segment_bytes = GOLDEN_SEGMENT_BYTES };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;

	assert_int_equal(lm_log_create(*state, &meta, &options, &writer, NULL), 0);
	write_stream(writer, GOLDEN_EVENTS);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest steps[] = {
		cmocka_unit_test_prestate(make_golden, argv[argc - 1]),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: make_golden DIRECTORY\n");
		return LM_EXIT_USAGE;
	}
	return cmocka_run_group_tests(steps, NULL, NULL);
}
