/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "refuse.h"

/* No kernel has a map whose values are as long: kernel/bpf/arraymap.c, INT_MAX. */
#define RING_OF_NO_KERNEL (UINT64_C(2) << 30)

/* The kernel says E2BIG of a program that is too long to verify, and of a map's value. */
static void test_too_large_a_ring_is_no_sentence(void **state)
{
	struct lm_diag diag = LM_DIAG_INIT;

	if (geteuid() != 0)
		skip(); /* who may make no maps is told so, whatever their size */
	assert_int_equal(explain_load(-E2BIG, RING_OF_NO_KERNEL, &diag), -E2BIG);
	assert_string_equal(diag.text, "");
}

static void test_too_long_a_program_is_no_ring(void **state)
{
	struct lm_diag diag = LM_DIAG_INIT;

	assert_int_equal(explain_load(-E2BIG, LM_SENSOR_RING_BYTES_OLD, &diag), -ENOSYS);
	assert_non_null(strstr(diag.text, "verifier"));
}

static void test_sizes_that_are_refused(void **state)
{
	static const uint64_t sizes[] = {
		1, LM_SENSOR_RING_BYTES_MIN - 1, LM_SENSOR_RING_BYTES_MIN / 2,
		LM_SENSOR_RING_BYTES_MIN * 3, LM_SENSOR_RING_BYTES_MAX * 2, UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct lm_sensor_options options = { .ring_bytes = sizes[i] };
		struct lm_diag diag = LM_DIAG_INIT;

		assert_int_equal(check_options(&options, &diag), -EINVAL);
		assert_non_null(strstr(diag.text, "power of two"));
	}
}

static void test_capabilities_are_named(void **state)
{
	char names[128], cut[8];
	bool needed = find_missing_capabilities(names, sizeof(names));

	if (geteuid() != 0)
		assert_true(needed && strstr(names, "CAP_SYS_ADMIN"));
	assert_int_equal(find_missing_capabilities(cut, sizeof(cut)), needed);
	assert_int_equal(strncmp(cut, names, sizeof(cut) - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_large_a_ring_is_no_sentence),
		cmocka_unit_test(test_too_long_a_program_is_no_ring),
		cmocka_unit_test(test_sizes_that_are_refused),
		cmocka_unit_test(test_capabilities_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
