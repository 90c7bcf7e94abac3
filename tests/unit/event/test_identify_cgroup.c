/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"

/* Names from the group upwards, each with its NUL; the literal's own ends the last one. */
static int feed_group(struct fixture *f, uint64_t number, uint32_t hierarchy, const char *names,
	uint32_t len, uint8_t flags)
{
	struct lm_raw_cgroup *record LM_FREE = calloc(1, sizeof(*record) + len);

	assert_non_null(record);
	record->cgroup = number;
	record->hierarchy = hierarchy;
	record->names_len = len;
	memcpy(record->names, names, len);
	return feed(f, record, LM_RAW_CGROUP, LM_RAW_CALL_NONE, (uint16_t)(sizeof(*record) + len),
		flags);
}

#define GROUP(f, number, hierarchy, names, flags) \
	assert_int_equal(feed_group(f, number, hierarchy, names, sizeof(names), flags), 0)

static void change(struct fixture *f, uint64_t cgroup, uint32_t parent)
{
	struct lm_raw_attributes attributes = attributes_of(1, parent);

	attributes.cgroup = cgroup;
	process(f, SYS_setuid, &attributes, 0);
}

static void test_path_comes_first(void **state)
{
	struct fixture *f = *state;

	GROUP(f, 7, 0, "x.scope\0system.slice", 0);
	change(f, 7, 0);
	assert_told(f,
		"+g7 0:/system.slice/x.scope\n"
		"~p1 cwd=f3 in=g7\n"
		"p1 setcred =0\n");
	/* Told again, after a loss: nothing new. */
	GROUP(f, 7, 0, "x.scope\0system.slice", 0);
	change(f, 7, 0);
	assert_told(f,
		"~p1 cwd=f3 in=g7\n"
		"p1 setcred =0\n");
}

static void test_path_was_lost(void **state)
{
	struct fixture *f = *state;

	change(f, 7, 0);
	assert_told(f,
		"+g7 0: partial\n"
		"~p1 cwd=f3 in=g7\n"
		"p1 setcred =0\n");
	GROUP(f, 7, 0, "x.scope", 0);
	assert_told(f, "~g7 0:/x.scope\n");
}

static void test_hierarchies_count_by_themselves(void **state)
{
	struct fixture *f = *state;

	GROUP(f, 7, 0, "a", 0);
	GROUP(f, 7, 4, "b", 0);
	assert_int_equal(feed_group(f, 8, 0, "", 0, 0), 0);
	assert_told(f,
		"+g7 0:/a\n"
		"+g7' 4:/b\n"
		"+g8 0:/\n");
}

static void test_cut(void **state)
{
	struct fixture *f = *state;

	GROUP(f, 7, 0, "a\0b", LM_RAW_CUT);
	assert_told(f, "+g7 0:.../b/a\n");
}

static void test_malformed(void **state)
{
	struct fixture *f = *state;
	struct lm_raw_cgroup long_names = { .cgroup = 7, .names_len = 1 };

	assert_int_equal(feed_group(f, 0, 0, "a", 2, 0), -LM_E_FORMAT);
	assert_int_equal(feed_group(f, 7, 0, "a", 1, 0), -LM_E_FORMAT); /* no NUL */
	assert_int_equal(feed(f, &long_names, LM_RAW_CGROUP, 0, sizeof(long_names), 0),
		-LM_E_FORMAT);
	assert_told(f, "");
}

/* The one that forked it stays the parent, whoever waits for it since. */
static void test_adopted(void **state)
{
	struct fixture *f = *state;
	struct lm_raw_attributes attributes;

	fork_child(f, 2, 17);
	as(f, 2);
	fork_child(f, 3, 17);
	exit_thread(f, 0, true);
	forget_told(f);
	as(f, 3);
	attributes = attributes_of(3, 1);
	process(f, SYS_setuid, &attributes, 0);
	assert_told(f,
		"~p3 parent=p2 cwd=f3 adopter=p1\n"
		"p3 setcred =0\n");
	/* Its own children were forked by it, and have nobody else. */
	fork_child(f, 4, 17);
	assert_told(f,
		"+p4 parent=p3 cwd=f3\n"
		"p3 fork p4 arg=11 =p4\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_path_comes_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_path_was_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hierarchies_count_by_themselves, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_adopted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
