/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli.h"

static void numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} cases[] = {
		{ "0", 0 }, { "42", 42 }, { "007", 7 }, { "64K", 65536 },
		{ "8m", UINT64_C(8) << 20 }, { "1G", UINT64_C(1) << 30 },
		{ "18446744073709551615", UINT64_MAX },
		{ "17179869183G", UINT64_C(17179869183) << 30 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 99;

		assert_int_equal(lm_cli_parse_u64(cases[i].text, &value), 0);
		assert_int_equal(value, cases[i].value);
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "", -EINVAL }, { "-1", -EINVAL }, { "+1", -EINVAL }, { " 1", -EINVAL },
		{ "1 ", -EINVAL }, { "0x10", -EINVAL }, { "K", -EINVAL }, { "1KK", -EINVAL },
		{ "1T", -EINVAL }, { "1.5G", -EINVAL }, { "18446744073709551616", -ERANGE },
		{ "17179869184G", -ERANGE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 99;

		assert_int_equal(lm_cli_parse_u64(cases[i].text, &value), cases[i].code);
		assert_int_equal(value, 99);
	}
}

static void times_are_shown_in_microseconds(void **state)
{
	char text[LM_CLI_TIME_BYTES];

	lm_cli_format_time_us(UINT64_C(1767323045000000999), text);
	assert_string_equal(text, "2026-01-02T03:04:05.000000Z");
	lm_cli_format_time_us(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
}

static void options_may_follow_operands_unless_told_otherwise(void **state)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ 0 },
	};
	char command[] = "record", operand[] = "x", output[] = "--output=y";
	char *argv[] = { command, operand, output, NULL };

	optind = 0; /* has getopt look at the short options anew */
	assert_int_equal(lm_cli_option(3, argv, "+o:", options), -1);
	assert_int_equal(optind, 1);
	optind = 0;
	assert_int_equal(lm_cli_option(3, argv, "o:", options), 'o');
	assert_string_equal(optarg, "y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(times_are_shown_in_microseconds),
		cmocka_unit_test(options_may_follow_operands_unless_told_otherwise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
