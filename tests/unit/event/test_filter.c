/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "label_scene.h"
#include "lemona/event/filter.h"

#define WALL_NS UINT64_C(1767323045678901234)

static const struct lm_event write_event = {
	.id = 7, .actor = SCENE_SHELL, .tid = 42, .op = LM_OP_WRITE, .call = LM_CALL_NONE, .cpu = 1,
	.result = 5, .object = SCENE_PASSWD,
};

static struct lm_event_view view_of(const struct lm_labels *labels, const struct lm_event *event)
{
	return (struct lm_event_view){ event, labels, WALL_NS - 1, WALL_NS };
}

static const struct lm_event_filter all = LM_EVENT_FILTER_INIT;

static void assert_match(struct lm_event_filter filter, const struct lm_event *event, int expected)
{
	struct lm_labels *labels = new_scene();
	const struct lm_event_view view = view_of(labels, event);

	assert_int_equal(lm_event_filter_match(&filter, &view), expected);
	lm_labels_free(labels);
}

static void filters_hold(void **state)
{
	struct lm_event_filter filter = all;

	assert_match(all, &write_event, 1);
	filter.since_wall_ns = WALL_NS + 1;
	assert_match(filter, &write_event, 0);
	filter.since_wall_ns = WALL_NS;
	filter.until_wall_ns = WALL_NS;
	assert_match(filter, &write_event, 1);
	filter.until_wall_ns = WALL_NS - 1;
	assert_match(filter, &write_event, 0);

	filter = all;
	filter.some_ops = filter.ops[LM_OP_READ] = true;
	assert_match(filter, &write_event, 0);
	filter.ops[LM_OP_WRITE] = true;
	assert_match(filter, &write_event, 1);

	filter = all;
	filter.pids = (struct lm_filter_numbers){ .at = { 43 }, .count = 1 };
	assert_match(filter, &write_event, 0);
	assert_int_equal(lm_filter_numbers_add(&filter.pids, 42), 0);
	assert_match(filter, &write_event, 1);
}

static void exe_filter_takes_a_path_or_a_last_component(void **state)
{
	static const struct {
		const char *exe;
		int expected;
	} cases[] = {
		{ "/bin/sh", 1 }, { "sh", 1 }, { "h", 0 }, { "/sh", 0 }, { "bin/sh", 0 },
		{ "", 0 }, { "/bin/", 1 }, { "/bin", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lm_event_filter filter = all;

		assert_int_equal(lm_filter_words_add(&filter.exes, cases[i].exe), 0);
		assert_match(filter, &write_event, cases[i].expected);
	}
}

static void path_filter_looks_at_every_object_and_name(void **state)
{
	static const struct {
		const char *path;
		int expected;
	} cases[] = {
		{ "/etc/passwd", 1 }, { "/etc/", 1 }, { "/etc", 0 }, { "passwd", 0 }, { "/", 0 },
		{ "/etc/passwd/", 0 }, { "/etc/pass", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lm_event_filter filter = all;

		assert_int_equal(lm_filter_words_add(&filter.paths, cases[i].path), 0);
		assert_match(filter, &write_event, cases[i].expected);
		assert_match(filter, &(struct lm_event){ .name = SCENE_PASSWD_NAME },
			cases[i].expected);
		assert_match(filter, &(struct lm_event){ .name2 = SCENE_PASSWD_NAME },
			cases[i].expected);
		assert_match(filter, &(struct lm_event){ .object2 = SCENE_PASSWD },
			cases[i].expected);
		assert_match(filter, &(struct lm_event){ .object = SCENE_SHELL }, 0);
	}
}

/* The events of one object, a socket between two ends. */
enum { SOCKET = 100, CGROUP, CONTAINED };

static void add_socket(struct lm_labels *labels, struct lm_address local, struct lm_address remote)
{
	const struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = SOCKET, .kind = LM_OBJECT_KIND_SOCKET,
		.socket = { .family = local.family, .local = local, .remote = remote } } };

	assert_int_equal(lm_labels_add(labels, &item), 0);
}

static int match_address(struct lm_address local, struct lm_address remote, const char *wanted)
{
	const struct lm_event event = { .op = LM_OP_SEND, .object = SOCKET };
	struct lm_labels *labels = new_scene();
	const struct lm_event_view view = view_of(labels, &event);
	struct lm_event_filter filter = all;

	add_socket(labels, local, remote);
	assert_int_equal(lm_address_range_parse(wanted, &filter.addresses[0]), 0);
	filter.address_count = 1;
	int matches = lm_event_filter_match(&filter, &view);

	lm_labels_free(labels);
	return matches;
}

static void addresses_are_those_of_either_end(void **state)
{
	const struct lm_address here = {
		.family = LM_AF_INET, .port = 22, .ip = { 10, 1, 2, 3 } };
	const struct lm_address there = {
		.family = LM_AF_INET, .port = 51234, .ip = { 203, 0, 113, 7 } };
	static const struct {
		const char *wanted;
		int expected;
	} cases[] = {
		{ "10.1.2.3", 1 }, { "203.0.113.7", 1 }, { "10.1.2.4", 0 }, { "10.1.2.3:22", 1 },
		{ "10.1.2.3:51234", 0 }, { ":51234", 1 }, { ":23", 0 }, { "203.0.112.0/23", 1 },
		{ "203.0.112.0/24", 0 }, { "0.0.0.0/0", 1 }, { "10.0.0.0/8:22", 1 },
		{ "10.0.0.0/8:51234", 0 }, { "::ffff:10.1.2.3", 1 }, { "::/0", 0 },
		{ "/run/x", 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(match_address(here, there, cases[i].wanted), cases[i].expected);
}

static void addresses_of_other_families(void **state)
{
	const struct lm_address none = { .family = LM_AF_NONE };
	const struct lm_address six = { .family = LM_AF_INET6, .port = 80,
		.ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	const struct lm_address mapped = { .family = LM_AF_INET6, .port = 80,
		.ip = { [10] = 0xff, 0xff, 10, 0, 0, 1 } };
	const struct lm_address path = { .family = LM_AF_UNIX, .path = LM_STR("/run/x") };
	const struct lm_address abstract = { .family = LM_AF_UNIX, .path = LM_STR("@x") };

	assert_int_equal(match_address(six, none, "2001:db8::1"), 1);
	assert_int_equal(match_address(six, none, "[2001:db8::1]:80"), 1);
	assert_int_equal(match_address(six, none, "[2001:db8::1]:81"), 0);
	assert_int_equal(match_address(six, none, "2001:db8::/32"), 1);
	assert_int_equal(match_address(six, none, "2001:db9::/32"), 0);
	assert_int_equal(match_address(mapped, none, "10.0.0.1"), 1);
	assert_int_equal(match_address(mapped, none, "::ffff:10.0.0.0/104"), 1);
	assert_int_equal(match_address(mapped, none, "::ffff:11.0.0.0/104"), 0);
	assert_int_equal(match_address(none, path, "/run/x"), 1);
	assert_int_equal(match_address(none, path, "/run/"), 0);
	assert_int_equal(match_address(none, abstract, "@x"), 1);
	assert_int_equal(match_address(none, none, ":0"), 0);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "x", "10.0.0", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1/33", "10.0.0.1/",
		"10.0.0.1:22/8", "[::1", "[::1]x", "[10.0.0.1]", "::1/129", ":", ":x", "@",
		"10.0.0.1 ", "99999999999999999999", "10.0.0.1:99999999999999999999",
		"1:2:3:4:5:6:7:8:9",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb",
	};
	struct lm_address_range range = { .bits = 7 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(lm_address_range_parse(wrong[i], &range), -EINVAL);
		assert_int_equal(range.bits, 7);
	}
}

static void results_hold(void **state)
{
	struct lm_event refused = write_event, bare = write_event;
	struct lm_event_filter filter = all;

	refused.result = -EACCES;
	bare.result = -ENOENT;
	filter.some_results = filter.succeeded = true;
	assert_match(filter, &write_event, 1);
	assert_match(filter, &refused, 0);
	filter.succeeded = false;
	filter.failed = true;
	assert_match(filter, &write_event, 0);
	assert_match(filter, &refused, 1);
	filter.failed = false;
	assert_int_equal(lm_filter_numbers_add(&filter.errors, EACCES), 0);
	assert_match(filter, &write_event, 0);
	assert_match(filter, &refused, 1);
	assert_match(filter, &bare, 0);
}

static void add_contained(struct lm_labels *labels)
{
	const struct lm_item cgroup = { .kind = LM_ITEM_OBJECT, .object = {
		.id = CGROUP, .kind = LM_OBJECT_KIND_CGROUP, .cgroup = { .path = LM_STR(
			"/docker/0123456789abcdef0123456789abcdef"
			"0123456789abcdef0123456789abcdef") } } };
	const struct lm_item process = { .kind = LM_ITEM_OBJECT, .object = {
		.id = CONTAINED, .kind = LM_OBJECT_KIND_PROCESS,
		.process = { .tgid = 50, .uid = 1000, .euid = 0, .session = 3,
			.loginuid = UINT32_MAX, .cgroup = CGROUP, .comm = LM_STR("x") } } };

	assert_int_equal(lm_labels_add(labels, &cgroup), 0);
	assert_int_equal(lm_labels_add(labels, &process), 0);
}

static int match_contained(struct lm_event_filter filter, lm_object_id actor)
{
	const struct lm_event event = { .op = LM_OP_WRITE, .actor = actor, .tid = 51 };
	struct lm_labels *labels = new_scene();
	const struct lm_event_view view = view_of(labels, &event);

	add_contained(labels);
	int matches = lm_event_filter_match(&filter, &view);

	lm_labels_free(labels);
	return matches;
}

static int match_number(size_t member, uint32_t number, lm_object_id actor)
{
	struct lm_event_filter filter = all;

	assert_int_equal(lm_filter_numbers_add(
		(struct lm_filter_numbers *)((char *)&filter + member), number), 0);
	return match_contained(filter, actor);
}

static void actors_are_told_by_number(void **state)
{
	const size_t uids = offsetof(struct lm_event_filter, uids);
	const size_t sessions = offsetof(struct lm_event_filter, sessions);
	const size_t tids = offsetof(struct lm_event_filter, tids);

	assert_int_equal(match_number(uids, 1000, CONTAINED), 1);
	assert_int_equal(match_number(uids, 0, CONTAINED), 1);
	assert_int_equal(match_number(uids, 1, CONTAINED), 0);
	assert_int_equal(match_number(sessions, 3, CONTAINED), 1);
	assert_int_equal(match_number(sessions, 4, CONTAINED), 0);
	assert_int_equal(match_number(tids, 51, CONTAINED), 1);
	assert_int_equal(match_number(tids, 50, CONTAINED), 0);
	/* What is not known of an actor is not a 0. */
	assert_int_equal(match_number(uids, 0, SCENE_PASSWD), 0);
	assert_int_equal(match_number(sessions, 0, SCENE_PASSWD), 0);
}

static void containers_are_told_by_how_their_id_begins(void **state)
{
	static const struct {
		const char *id;
		int expected;
	} cases[] = { { "0123456789ab", 1 }, { "0123456789ac", 0 }, { "", 1 }, { "docker", 0 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lm_event_filter filter = all;

		assert_int_equal(lm_filter_words_add(&filter.containers, cases[i].id), 0);
		assert_int_equal(match_contained(filter, CONTAINED), cases[i].expected);
		assert_int_equal(match_contained(filter, SCENE_SHELL), 0);
	}
}

static void any_value_of_one_and_all_of_several(void **state)
{
	struct lm_event_filter filter = all;

	assert_int_equal(lm_filter_numbers_add(&filter.pids, 41), 0);
	assert_int_equal(lm_filter_numbers_add(&filter.pids, 42), 0);
	assert_match(filter, &write_event, 1);
	assert_int_equal(lm_filter_words_add(&filter.paths, "/tmp/"), 0);
	assert_match(filter, &write_event, 0);
	assert_int_equal(lm_filter_words_add(&filter.paths, "/etc/"), 0);
	assert_match(filter, &write_event, 1);
	assert_true(lm_event_filter_is_narrow(&filter));
	assert_false(lm_event_filter_is_narrow(&all));
}

static void values_are_bounded(void **state)
{
	struct lm_filter_numbers numbers = { .count = 0 };
	struct lm_filter_words words = { .count = 0 };

	for (uint32_t i = 0; i < LM_FILTER_VALUES_MAX; i++) {
		assert_int_equal(lm_filter_numbers_add(&numbers, i), 0);
		assert_int_equal(lm_filter_words_add(&words, "x"), 0);
	}
	assert_int_equal(lm_filter_numbers_add(&numbers, 1), -E2BIG);
	assert_int_equal(lm_filter_words_add(&words, "x"), -E2BIG);
}

static void gaps_are_left_out_by_time_only(void **state)
{
	const struct lm_gap gap = { .tgid = 1 };
	struct lm_event_filter filter = all;

	assert_int_equal(lm_filter_numbers_add(&filter.pids, 42), 0);
	filter.since_wall_ns = WALL_NS;
	filter.until_wall_ns = WALL_NS + 10;
	assert_true(lm_event_filter_match_gap(
		&filter, &(struct lm_gap_view){ &gap, WALL_NS - 5, WALL_NS }));
	assert_false(lm_event_filter_match_gap(
		&filter, &(struct lm_gap_view){ &gap, WALL_NS - 5, WALL_NS - 1 }));
	assert_true(lm_event_filter_match_gap(
		&filter, &(struct lm_gap_view){ &gap, WALL_NS - 5, 0 }));
	assert_true(lm_event_filter_match_gap(
		&filter, &(struct lm_gap_view){ &gap, WALL_NS + 10, WALL_NS + 20 }));
	assert_false(lm_event_filter_match_gap(
		&filter, &(struct lm_gap_view){ &gap, WALL_NS + 11, WALL_NS + 20 }));
}

static void errors_have_names(void **state)
{
	assert_string_equal(lm_error_name(EACCES), "EACCES");
	assert_string_equal(lm_error_name(512), "ERESTARTSYS");
	assert_null(lm_error_name(0));
	assert_null(lm_error_name(-1));
	assert_null(lm_error_name(4000));
	assert_int_equal(lm_error_from_name("EACCES"), EACCES);
	assert_int_equal(lm_error_from_name("ERESTARTSYS"), 512);
	assert_int_equal(lm_error_from_name("EWHAT"), 0);
	assert_int_equal(lm_error_from_name(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_hold),
		cmocka_unit_test(exe_filter_takes_a_path_or_a_last_component),
		cmocka_unit_test(path_filter_looks_at_every_object_and_name),
		cmocka_unit_test(addresses_are_those_of_either_end),
		cmocka_unit_test(addresses_of_other_families),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(results_hold),
		cmocka_unit_test(actors_are_told_by_number),
		cmocka_unit_test(containers_are_told_by_how_their_id_begins),
		cmocka_unit_test(any_value_of_one_and_all_of_several),
		cmocka_unit_test(values_are_bounded),
		cmocka_unit_test(gaps_are_left_out_by_time_only),
		cmocka_unit_test(errors_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
