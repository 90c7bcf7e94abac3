/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"
#include "text.h"

static void test_numbers(void **state)
{
	struct lm_str text = LM_STR("0x1fg");
	uint64_t value = 7;

	assert_true(text_take_u64(&text, 0, &value));
	assert_int_equal(value, 0x1f);
	assert_int_equal(text.len, 1);
	assert_false(text_take_u64(&text, 10, &value));
	assert_int_equal(value, 0x1f);
	assert_int_equal(text_u64(LM_STR("18446744073709551615"), 10), UINT64_MAX);
	assert_int_equal(text_u64(LM_STR("18446744073709551616"), 10), 0);
	assert_int_equal(text_u64(LM_STR("0644"), 0), 0644);
	assert_int_equal(text_u64(LM_STR_NONE, 10), 0);
	assert_int_equal(text_i64(LM_STR("-17")), -17);
}

static void test_seconds(void **state)
{
	struct lm_str text = LM_STR("12.5 x"), bad = LM_STR("99999999999999999999.1");
	uint64_t ns = 0;

	assert_true(text_take_seconds(&text, &ns));
	assert_int_equal(ns, UINT64_C(12500000000));
	assert_int_equal(text.len, 2);
	text = LM_STR("1.0000000019");
	assert_true(text_take_seconds(&text, &ns));
	assert_int_equal(ns, UINT64_C(1000000001));
	assert_false(text_take_seconds(&bad, &ns));
}

static void test_words(void **state)
{
	struct lm_str text = LM_STR("ab=c"), before;

	assert_false(text_skip(&text, "abc"));
	assert_true(text_take_until(&text, '=', &before));
	assert_true(lm_str_equal(before, LM_STR("ab")));
	assert_true(lm_str_equal(text, LM_STR("c")));
	assert_false(text_take_until(&text, '=', &before));
}

static void test_hexadecimal(void **state)
{
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;

	assert_true(text_append_unhex(&bytes, LM_STR("620a63")));
	assert_int_equal(bytes.len, 3);
	assert_memory_equal(bytes.data, "b\nc", 3);
	assert_false(text_append_unhex(&bytes, LM_STR("abc")));
	assert_false(text_append_unhex(&bytes, LM_STR("0g")));
	assert_int_equal(bytes.len, 3);
}

static void test_addresses(void **state)
{
	static const char inet[] = "\2\0\x1f\x90\x7f\0\0\1", unix_path[] = "\1\0/run/x\0junk";
	static const char abstract[] = "\1\0\0name\0\0\0";
	struct lm_address address = { .family = 99 };

	assert_true(address_from_bytes((struct lm_str){ inet, sizeof(inet) - 1 }, &address));
	assert_int_equal(address.family, LM_AF_INET);
	assert_int_equal(address.port, 8080);
	assert_memory_equal(address.ip, "\x7f\0\0\1", 4);
	assert_true(address_from_bytes(
		(struct lm_str){ unix_path, sizeof(unix_path) - 1 }, &address));
	assert_true(lm_str_equal(address.path, LM_STR("/run/x")));
	assert_true(address_from_bytes(
		(struct lm_str){ abstract, sizeof(abstract) - 1 }, &address));
	assert_true(lm_str_equal(address.path, LM_STR("@name")));
	assert_false(address_from_bytes((struct lm_str){ inet, 7 }, &address));
	assert_false(address_from_bytes(LM_STR("\x10\0"), &address));
	assert_true(lm_str_equal(address.path, LM_STR("@name")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_hexadecimal),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
