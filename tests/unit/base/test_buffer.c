/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/base/buffer.h"
#include "lemona/base/cleanup.h"

static const uint64_t numbers[] = { 0, 1, 0x7f, 0x80, 0x3fff, 0x4000, UINT32_MAX, INT64_MAX,
	UINT64_C(1) << 63, UINT64_MAX };

static void test_integers_come_back(void **state)
{
	LM_BUFFER struct lm_buffer buf = LM_BUFFER_INIT;
	struct lm_bytes in;

	for (size_t i = 0; i < LM_ARRAY_SIZE(numbers); i++) {
		lm_buffer_append_varint(&buf, numbers[i]);
		lm_buffer_append_svarint(&buf, (int64_t)numbers[i]);
		lm_buffer_append_u64(&buf, numbers[i]);
		lm_buffer_append_u32(&buf, (uint32_t)numbers[i]);
		lm_buffer_append_u16(&buf, (uint16_t)numbers[i]);
		lm_buffer_append_byte(&buf, (uint8_t)numbers[i]);
	}
	assert_int_equal(lm_buffer_status(&buf), 0);
	in = lm_bytes_from(buf.data, buf.len);
	for (size_t i = 0; i < LM_ARRAY_SIZE(numbers); i++) {
		assert_true(lm_bytes_varint(&in) == numbers[i]);
		assert_true(lm_bytes_svarint(&in) == (int64_t)numbers[i]);
		assert_true(lm_bytes_u64(&in) == numbers[i]);
		assert_true(lm_bytes_u32(&in) == (uint32_t)numbers[i]);
		assert_true(lm_bytes_u16(&in) == (uint16_t)numbers[i]);
		assert_true(lm_bytes_u8(&in) == (uint8_t)numbers[i]);
	}
	assert_false(in.bad);
	assert_int_equal(lm_bytes_left(&in), 0);
	/* Past the end: zero, marked, and marked for good. */
	assert_int_equal(lm_bytes_u8(&in), 0);
	assert_true(in.bad);
}

static void test_bytes_are_little_endian(void **state)
{
	LM_BUFFER struct lm_buffer buf = LM_BUFFER_INIT;

	lm_buffer_append_u32(&buf, 0x01020304);
	lm_buffer_append_varint(&buf, 300);
	lm_buffer_append_svarint(&buf, -1);
	assert_int_equal(buf.len, 7);
	assert_memory_equal(buf.data, "\x04\x03\x02\x01\xac\x02\x01", 7);
}

static void expect_bad_varint(const char *bytes, size_t len)
{
	struct lm_bytes in = lm_bytes_from(bytes, len);

	assert_true(lm_bytes_varint(&in) == 0);
	assert_true(in.bad);
}

static void test_varints_that_are_none(void **state)
{
	expect_bad_varint("", 0);
	expect_bad_varint("\x80", 1);
	expect_bad_varint("\x80\x00", 2); /* longer than it need be */
	expect_bad_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10); /* 65 bits */
	expect_bad_varint("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
}

static void test_strings_are_borrowed_in_bounds(void **state)
{
	struct lm_bytes in = lm_bytes_from("abcdef", 6);
	struct lm_str s = lm_bytes_str(&in, 4);

	assert_true(lm_str_equal(s, LM_STR("abcd")));
	s = lm_bytes_str(&in, 3);
	assert_true(in.bad && s.data == NULL && s.len == 0);
	in = lm_bytes_from(NULL, 5);
	assert_int_equal(lm_bytes_left(&in), 0);
}

static void test_formatting_grows(void **state)
{
	LM_BUFFER struct lm_buffer buf = LM_BUFFER_INIT;

	for (int i = 0; i < 1000; i++)
		lm_buffer_printf(&buf, "%03d,", i);
	lm_buffer_append_text(&buf, "end");
	lm_buffer_append_str(&buf, LM_STR("\0!"));
	assert_int_equal(buf.len, 4005);
	assert_memory_equal(buf.data + 3992, "998,999,end\0!", 13);
	lm_buffer_reset(&buf);
	assert_int_equal(buf.len, 0);
}

static void test_a_failure_is_kept(void **state)
{
	LM_BUFFER struct lm_buffer buf = LM_BUFFER_INIT;

	lm_buffer_append_text(&buf, "kept");
	assert_int_equal(lm_buffer_reserve(&buf, SIZE_MAX - 1), -ENOMEM);
	lm_buffer_append_text(&buf, "not");
	assert_int_equal(lm_buffer_status(&buf), -ENOMEM);
	assert_int_equal(buf.len, 4);
	lm_buffer_reset(&buf);
	assert_int_equal(lm_buffer_status(&buf), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_come_back),
		cmocka_unit_test(test_bytes_are_little_endian),
		cmocka_unit_test(test_varints_that_are_none),
		cmocka_unit_test(test_strings_are_borrowed_in_bounds),
		cmocka_unit_test(test_formatting_grows),
		cmocka_unit_test(test_a_failure_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
