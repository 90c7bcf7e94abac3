/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/event/attributes.h"

static void assert_text(struct lm_buffer *out, const char *expected)
{
	lm_buffer_append_byte(out, '\0');
	assert_int_equal(lm_buffer_status(out), 0);
	assert_string_equal((const char *)out->data, expected);
	lm_buffer_reset(out);
}

static void assert_tty(uint32_t major, uint32_t minor, const char *expected)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	lm_tty_append(major << 20 | minor, &out);
	assert_text(&out, expected);
}

static void test_terminals(void **state)
{
	assert_tty(0, 0, "");
	assert_tty(136, 3, "pts/3");
	assert_tty(137, 3, "pts/259");
	assert_tty(143, 0, "pts/1792");
	assert_tty(4, 1, "tty1");
	assert_tty(4, 64, "ttyS0");
	assert_tty(5, 1, "5:1");
}

static void test_all(void **state)
{
	const struct lm_process process = {
		.loginuid = 1000, .session = 4, .sid = 77, .tty = 136u << 20 | 2, .adopter = 1,
		.cap_effective = 1, .cap_permitted = 2, .cap_inheritable = 3, .cap_bounding = 4,
		.cap_ambient = UINT64_MAX, .ns_pid = 1, .ns_mnt = 2, .ns_net = 3, .ns_user = 4,
		.ns_uts = 5, .ns_ipc = 6, .ns_cgroup = 7, .ns_time = 8,
		.seccomp = LM_SECCOMP_FILTER, .no_new_privs = true,
	};
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	lm_attributes_append_json(&process, LM_STR("/lxc/a\"b"), &out);
	assert_text(&out, ",\"loginuid\":1000,\"session\":4,\"tty\":\"pts/2\","
		"\"container\":{\"runtime\":\"lxc\",\"id\":\"a\\\"b\"},\"sid\":77,"
		"\"cgroup\":\"/lxc/a\\\"b\",\"adopter\":1,\"capabilities\":{"
		"\"effective\":\"0000000000000001\",\"permitted\":\"0000000000000002\","
		"\"inheritable\":\"0000000000000003\",\"bounding\":\"0000000000000004\","
		"\"ambient\":\"ffffffffffffffff\"},\"namespaces\":{\"pid\":1,\"mnt\":2,\"net\":3,"
		"\"user\":4,\"uts\":5,\"ipc\":6,\"cgroup\":7,\"time\":8},"
		"\"seccomp\":\"filter\",\"no_new_privs\":true");
}

/* What is not known is not there: no login, no terminal, no group. */
static void test_nothing_special(void **state)
{
	const struct lm_process process = { .loginuid = UINT32_MAX, .session = UINT32_MAX };
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	lm_attributes_append_short_json(&process, LM_STR_NONE, &out);
	assert_int_equal(out.len, 0);
	assert_string_equal(lm_seccomp_name(LM_SECCOMP_NONE), "none");
	assert_string_equal(lm_seccomp_name(200), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminals),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_nothing_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
