/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/event/coverage.h"
#include "lemona/event/rules.h"

/* A number with a name is recorded or says why not; a number without one does neither. */
static void test_every_call_is_decided(void **state)
{
	char buf[32];

	for (uint16_t call = 0; call < LM_CALL_COUNT; call++) {
		const struct lm_call_mapping *mapping = &lm_call_mappings()[call];
		bool named = strncmp(lm_call_name(call, buf), "call:", 5) != 0;
		bool recorded = mapping->rule.class != LM_CALL_IGNORE;
		bool silent = mapping->silence != LM_SILENT_NOT;

		assert_int_equal(recorded + silent, named);
		assert_true(mapping->op <= LM_OP_MAX);
		assert_true(recorded || mapping->op == LM_OP_NONE);
	}
}

static void test_compat_stands_for_a_call(void **state)
{
	char buf[32];

	for (uint16_t call = 0; call < LM_CALL_COUNT; call++) {
		const struct lm_compat_mapping *mapping = &lm_compat_mappings()[call];
		uint16_t native = lm_call_native(LM_CALL_COMPAT | call);

		assert_int_equal(mapping->rule.known, mapping->name != NULL);
		assert_int_equal(native, mapping->name ? mapping->rule.call : LM_CALL_NONE);
		if (mapping->name)
			assert_int_not_equal(strncmp(lm_call_name(native, buf), "call:", 5), 0);
	}
	assert_int_equal(lm_call_native(LM_CALL_COMPAT | 5), 2);
	assert_int_equal(lm_call_native(LM_CALL_COMPAT | 999), LM_CALL_NONE);
	assert_int_equal(lm_call_native(257), 257);
	assert_int_equal(lm_call_native(LM_CALL_NONE), LM_CALL_NONE);
}

/* Every operation with a name is decided, and becomes what the call that does the same becomes. */
static void test_every_operation_is_decided(void **state)
{
	char buf[32];

	for (uint16_t number = 0; number < LM_URING_COUNT; number++) {
		const struct lm_uring_mapping *mapping = &lm_uring_mappings()[number];
		const char *name = lm_call_name(LM_CALL_URING | number, buf);
		bool named = name[strlen("io_uring:")] > '9';
		const struct lm_call_mapping *twin;

		assert_int_equal(mapping->class != LM_URING_UNKNOWN, named);
		assert_int_equal(mapping->class == LM_URING_NONE, mapping->silence != 0);
		assert_int_equal(mapping->class > LM_URING_NONE, mapping->op != LM_OP_NONE);
		assert_int_equal(lm_call_native(LM_CALL_URING | number),
			mapping->class > LM_URING_NONE ? mapping->twin : LM_CALL_NONE);
		if (mapping->class <= LM_URING_NONE || mapping->twin == LM_CALL_NONE)
			continue;
		twin = &lm_call_mappings()[mapping->twin];
		if (twin->rule.class != LM_CALL_IGNORE)
			assert_int_equal(mapping->op, twin->op);
	}
	assert_int_equal(lm_call_native(LM_CALL_URING | 22), 17);
	assert_int_equal(lm_call_native(LM_CALL_URING | 999), LM_CALL_NONE);
}

static void test_every_reason_has_words(void **state)
{
	for (unsigned int why = LM_SILENT_NOT + 1; why <= LM_SILENT_MAX; why++)
		assert_true(strlen(lm_silence_text((enum lm_silence)why)) > 10);
	assert_string_equal(lm_silence_text((enum lm_silence)(LM_SILENT_MAX + 1)), "");
}

static void test_page_is_a_table_of_calls(void **state)
{
	struct lm_buffer page LM_BUFFER = LM_BUFFER_INIT;

	lm_coverage_write(&page);
	lm_buffer_append_byte(&page, '\0');
	assert_int_equal(lm_buffer_status(&page), 0);
	assert_non_null(strstr((char *)page.data, "| 257 | openat | open |"));
	assert_non_null(strstr((char *)page.data, "| 39 | getpid | "));
	assert_non_null(strstr((char *)page.data, "| 56 | clone | fork, thread | task_newtask |"));
	assert_null(strstr((char *)page.data, "(null)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_is_decided),
		cmocka_unit_test(test_every_operation_is_decided),
		cmocka_unit_test(test_compat_stands_for_a_call),
		cmocka_unit_test(test_every_reason_has_words),
		cmocka_unit_test(test_page_is_a_table_of_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
