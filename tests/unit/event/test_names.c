/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "lemona/event/event.h"

static void test_ops_and_back(void **state)
{
	for (unsigned int op = 1; op <= LM_OP_MAX; op++) {
		const char *name = lm_op_name((enum lm_op)op);

		assert_string_not_equal(name, "unknown");
		assert_int_equal(lm_op_from_name(name), op);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz"), strlen(name));
	}
	assert_string_equal(lm_op_name(LM_OP_RENAME), "rename");
	assert_string_equal(lm_op_name(LM_OP_NONE), "unknown");
	assert_string_equal(lm_op_name((enum lm_op)(LM_OP_MAX + 1)), "unknown");
	assert_int_equal(lm_op_from_name("unknown"), LM_OP_NONE);
	assert_int_equal(lm_op_from_name(""), LM_OP_NONE);
}

static void test_calls(void **state)
{
	char buf[32];

#ifdef __x86_64__
	assert_string_equal(lm_call_name(SYS_openat, buf), "openat");
	assert_string_equal(lm_call_name(SYS_process_vm_writev, buf), "process_vm_writev");
#endif
	assert_string_equal(lm_call_name(0, buf), "read");
	assert_string_equal(lm_call_name(437, buf), "openat2");
	assert_string_equal(lm_call_name(462, buf), "mseal");
	assert_string_equal(lm_call_name(400, buf), "call:400");
	assert_string_equal(lm_call_name(9999, buf), "call:9999");
	assert_string_equal(lm_call_name(LM_CALL_URING | 22, buf), "io_uring:read");
	assert_string_equal(lm_call_name(LM_CALL_URING | 999, buf), "io_uring:999");
	assert_string_equal(lm_call_name(LM_CALL_COMPAT | 3, buf), "i386:read");
	assert_string_equal(lm_call_name(LM_CALL_COMPAT | 402, buf), "i386:msgctl");
	assert_string_equal(lm_call_name(LM_CALL_COMPAT | 999, buf), "i386:999");
	assert_string_equal(lm_call_name(LM_CALL_NONE, buf), "");
}

static void test_kinds_and_reasons(void **state)
{
	assert_string_equal(lm_object_kind_name(LM_OBJECT_KIND_PROCESS), "process");
	assert_string_equal(lm_object_kind_name(LM_OBJECT_KIND_MEMORY), "memory");
	assert_string_equal(lm_object_kind_name(LM_OBJECT_KIND_NONE), "unknown");
	assert_string_equal(lm_object_kind_name((enum lm_object_kind)99), "unknown");
	assert_string_equal(lm_gap_reason_name(LM_GAP_CUT), "cut");
	assert_string_equal(lm_gap_reason_name((enum lm_gap_reason)0), "unknown");
	assert_string_equal(lm_gap_reason_name((enum lm_gap_reason)99), "unknown");
}

static void test_failed(void **state)
{
	struct lm_event event = { .op = LM_OP_READ };

	assert_false(lm_event_failed(&event));
	event.result = -1;
	assert_true(lm_event_failed(&event));
	event.result = -4095;
	assert_true(lm_event_failed(&event));
	event.result = -4096; /* an address, as mmap may return */
	assert_false(lm_event_failed(&event));
	event = (struct lm_event){ .op = LM_OP_EXIT, .result = -1 };
	assert_false(lm_event_failed(&event));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ops_and_back),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_kinds_and_reasons),
		cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
