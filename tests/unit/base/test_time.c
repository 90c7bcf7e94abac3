/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

#define NOW_NS UINT64_C(1767322999123456789)

static void test_format(void **state)
{
	char text[LM_TIME_TEXT_BYTES];

	lm_time_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000000Z");
	lm_time_format(UINT64_C(951782400000000001), text);
	assert_string_equal(text, "2000-02-29T00:00:00.000000001Z");
	lm_time_format(UINT64_MAX, text);
	assert_string_equal(text, "2554-07-21T23:34:33.709551615Z");
}

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t wall_ns;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T00:00:00", UINT64_C(951782400000000000) },
		{ "2000-02-29 01:00:00+01:00", UINT64_C(951782400000000000) },
		{ "2000-02-28t19:00:00.000000001-05:00", UINT64_C(951782400000000001) },
		{ "2000-02-29T00:00:00.5z", UINT64_C(951782400500000000) },
		{ "-5m", NOW_NS - 300 * LM_NS_PER_SEC },
		{ "-1500ms", NOW_NS - 1500 * LM_NS_PER_MS },
		{ "-1ns", NOW_NS - 1 },
		{ "-2d", NOW_NS - 172800 * LM_NS_PER_SEC },
		{ "-0s", NOW_NS },
		{ "-200000d", 0 },
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(good); i++) {
		uint64_t wall_ns = 1;

		if (lm_time_parse(good[i].text, NOW_NS, &wall_ns, NULL) != 0)
			fail_msg("%s is refused", good[i].text);
		if (wall_ns != good[i].wall_ns)
			fail_msg("%s is read as %llu", good[i].text, (unsigned long long)wall_ns);
	}
}

static void test_parse_refuses(void **state)
{
	static const char *const bad[] = { "", "-", "-5", "-5x", "5m", "-m", "now", "2000",
		"2000-02-30T00:00:00Z", "1900-01-01T00:00:00Z", "2001-02-29T00:00:00Z",
		"2000-13-01T00:00:00Z", "2000-01-01T24:00:00Z", "2000-01-01T00:60:00Z",
		"2000-01-01T00:00:00.Z", "2000-01-01T00:00:00.1234567890Z", "2000-01-01T00:00:00Zx",
		"2000-01-01T00:00:00+1:00", "2000-01-01T00:00:00+24:00", "2000-01-01",
		"1970-01-01T00:00:00+00:01", "9999-01-01T00:00:00Z", "-99999999999999999999s",
		"-999999999999d" };

	for (size_t i = 0; i < LM_ARRAY_SIZE(bad); i++) {
		struct lm_diag diag = LM_DIAG_INIT;
		uint64_t wall_ns = 1;

		if (lm_time_parse(bad[i], NOW_NS, &wall_ns, &diag) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
		assert_int_equal(wall_ns, 1);
		assert_non_null(strstr(diag.text, "is not a time"));
	}
}

static void test_clocks(void **state)
{
	uint64_t boot_ns = lm_time_boot_ns();
	int64_t offset = lm_time_wall_minus_boot_ns();
	int64_t apart = (int64_t)(lm_time_wall_ns() - lm_time_boot_ns()) - offset;

	assert_true(lm_time_boot_ns() >= boot_ns);
	assert_true(llabs(apart) < (int64_t)LM_NS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
