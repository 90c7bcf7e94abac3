/* SPDX-License-Identifier: MIT */
#include "../../unit/log/make_log.h"
#include "../../unit/log/test_signer.h"

/*
 * Makes the golden logs of the present format version, one that is not sealed and one that is:
 *   make_golden tests/golden/log/v1
 *   make_golden tests/golden/log/v1-sealed
 * Run once for each released version of the format. What it made is never made anew: old
 * logs stay readable forever.
 */
#define GOLDEN_EVENTS        3000u
#define GOLDEN_SEGMENT_BYTES 24576u

static void make_golden(void **state)
{
	struct lm_log_options options = {
		.segment_bytes = GOLDEN_SEGMENT_BYTES, .checkpoint_ns = 1,
	};
	const char *path = *state;
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct test_signer signer;

	assert_int_equal(test_signer_init(&signer), 0);
	options.log_id = signer.log_id;
	if (strstr(path, "-sealed"))
		options.signer = &signer.signer;

	assert_int_equal(lm_log_create(path, &meta, &options, &writer, NULL), 0);
	write_stream(writer, GOLDEN_EVENTS);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	test_signer_release(&signer);
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
