/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "strace.h"

static void assert_str(struct lm_str got, const char *want)
{
	assert_true(lm_str_equal(got, lm_str_from(want)));
}

static void test_split(void **state)
{
	struct strace_args args;

	assert_true(strace_split(lm_str_from(
		"3</a, b>, \"x\\\") = 9, \", {st_mode=S_IFREG|0644, ...}, 1<<CAP_CHOWN)  = 0"),
		&args));
	assert_int_equal(args.count, 4);
	assert_str(args.at[0], "3</a, b>");
	assert_str(args.at[1], "\"x\\\") = 9, \"");
	assert_str(args.at[2], "{st_mode=S_IFREG|0644, ...}");
	assert_str(args.at[3], "1<<CAP_CHOWN");
	assert_str(args.result, "0");
	assert_true(strace_split(lm_str_from(
		"5<TCP:[10.0.0.1:1->10.0.0.2:2]>, 0x7f /* 37 vars) */) = 6<pipe:[7]>"), &args));
	assert_int_equal(args.count, 2);
	assert_str(args.result, "6<pipe:[7]>");
	assert_true(strace_split(lm_str_from(") = 1"), &args));
	assert_int_equal(args.count, 0);
}

static void test_no_call(void **state)
{
	static const char *const texts[] = {
		"", "1, 2", "\"", "\"\\", "{)", "<", "1)", "1) 0", "1) =0", "/*",
		"1,2,3,4,5,6,7,8,9,a,b,c,d) = 0",
	};
	struct strace_args args;

	for (size_t i = 0; i < LM_ARRAY_SIZE(texts); i++)
		assert_false(strace_split(lm_str_from(texts[i]), &args));
}

static void test_numbers(void **state)
{
	assert_int_equal(strace_number(LM_STR("O_WRONLY|O_CREAT|O_TRUNC")),
		O_WRONLY | O_CREAT | O_TRUNC);
	assert_int_equal(strace_number(LM_STR("SIGCHLD")), 17);
	assert_int_equal(strace_number(LM_STR("0x10|0644")), 0x10 | 0644);
	assert_int_equal((int64_t)strace_number(LM_STR("AT_FDCWD</srv>")), -100);
	assert_int_equal((int64_t)strace_number(LM_STR("-1")), -1);
	assert_int_equal(strace_number(LM_STR("3</x>")), 3);
	assert_int_equal(strace_number(LM_STR("{a=1}")), 0);
}

static void test_results(void **state)
{
	int64_t result = 0;

	assert_true(strace_result(LM_STR("3</etc/passwd>"), &result));
	assert_int_equal(result, 3);
	assert_true(strace_result(LM_STR("-1 ENOENT (No such file or directory)"), &result));
	assert_int_equal(result, -ENOENT);
	assert_true(strace_result(LM_STR("? ERESTARTSYS (To be restarted)"), &result));
	assert_int_equal(result, -EINTR);
	assert_true(strace_result(LM_STR("0x7f00"), &result));
	assert_int_equal(result, 0x7f00);
	assert_false(strace_result(LM_STR("?"), &result));
	assert_false(strace_result(LM_STR_NONE, &result));
}

static void test_strings(void **state)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	struct lm_str rest;

	assert_int_equal(strace_unquote(LM_STR("\"a\\n\\\"\\0\\1012\\x41\", 3"), &text, &rest), 1);
	assert_int_equal(text.len, 7);
	assert_memory_equal(text.data, "a\n\"\0A2A", 7);
	assert_str(rest, ", 3");
	assert_int_equal(strace_unquote(LM_STR("\"cut\"..., 9"), &text, &rest), 0);
	assert_str(rest, ", 9");
	assert_int_equal(strace_unquote(LM_STR("\"open"), &text, &rest), -1);
	assert_int_equal(strace_unquote(LM_STR("\"\\"), &text, &rest), -1);
	assert_int_equal(strace_unquote(LM_STR("NULL"), &text, &rest), -1);
}

static void test_annotations(void **state)
{
	struct lm_str inside;
	bool deleted;

	assert_true(strace_annotation(LM_STR("3</dev/null<char 1:3>>, 4"), &inside, &deleted));
	assert_str(inside, "/dev/null<char 1:3>");
	assert_false(deleted);
	assert_true(strace_annotation(LM_STR("3</tmp/x>(deleted)"), &inside, &deleted));
	assert_true(deleted);
	assert_true(strace_annotation(LM_STR("3<TCP:[a->b]>"), &inside, &deleted));
	assert_str(inside, "TCP:[a->b]");
	assert_false(strace_annotation(LM_STR("3<"), &inside, &deleted));
	assert_false(strace_annotation(LM_STR("3"), &inside, &deleted));
}

static void test_addresses(void **state)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	struct lm_address address;

	assert_true(strace_address(LM_STR("{sa_family=AF_INET, sin_port=htons(80), "
		"sin_addr=inet_addr(\"10.0.0.1\")}"), &text, &address));
	assert_int_equal(address.port, 80);
	assert_memory_equal(address.ip, "\x0a\0\0\1", 4);
	assert_true(strace_address(LM_STR("{sa_family=AF_INET6, sin6_port=htons(8), "
		"sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"::1\", &sin6_addr), "
		"sin6_scope_id=0}"), &text, &address));
	assert_int_equal(address.family, LM_AF_INET6);
	assert_int_equal(address.ip[15], 1);
	assert_true(strace_address(LM_STR("{sa_family=AF_UNIX, sun_path=@\"x\"}"), &text,
		&address));
	assert_str(address.path, "@x");
	assert_false(strace_address(LM_STR("{sa_family=AF_NETLINK, nl_pid=0}"), &text, &address));
	assert_false(strace_address(LM_STR("0x7ffd"), &text, &address));
}

static void test_call_numbers(void **state)
{
	assert_int_equal(strace_call_number(LM_STR("openat")), 257);
	assert_int_equal(strace_call_number(LM_STR("made_up")), LM_CALL_NONE);
	assert_int_equal(strace_call_number(LM_STR("call:337")), LM_CALL_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_no_call),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_call_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
