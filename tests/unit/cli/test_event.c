/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "events.h"
#include "label_scene.h"

#define WALL_NS UINT64_C(1767323045678901234) /* 2026-01-02T03:04:05.678901234Z */

static const struct lm_event write_event = {
	.id = 7, .actor = SCENE_SHELL, .tid = 42, .op = LM_OP_WRITE, .call = LM_CALL_NONE, .cpu = 1,
	.result = 5, .object = SCENE_PASSWD,
};

static struct lm_event_view view_of(const struct lm_labels *labels, const struct lm_event *event)
{
	return (struct lm_event_view){ event, labels, WALL_NS - 1, WALL_NS };
}

static void assert_text(const struct lm_labels *labels, const struct lm_event *event,
	const char *expected)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;
	const struct lm_event_view view = view_of(labels, event);

	lm_event_print_text(&view, &out);
	lm_buffer_append_byte(&out, '\0');
	assert_int_equal(lm_buffer_status(&out), 0);
	assert_string_equal((const char *)out.data, expected);
}

static void text_has_one_line(void **state)
{
	struct lm_labels *labels = new_scene();

	assert_text(labels, &write_event,
		"2026-01-02T03:04:05.678901Z      42 sh              write    /etc/passwd = 5\n");
	lm_labels_free(labels);
}

static void text_tells_threads_failures_and_flags(void **state)
{
	struct lm_labels *labels = new_scene();

	assert_text(labels,
		&(struct lm_event){ .actor = SCENE_SHELL, .tid = 43, .op = LM_OP_OPEN,
			.result = -13, .name = SCENE_PASSWD_NAME, .arg = 02 | 0100,
			.flags = LM_EVENT_CLAIMED },
		"2026-01-02T03:04:05.678901Z   42/43 sh              open     "
		"/etc/passwd read-write,create = EACCES [claimed]\n");
	assert_text(labels,
		&(struct lm_event){ .actor = 999, .tid = 43, .op = LM_OP_SIGNAL, .arg = 15,
			.object = SCENE_SHELL },
		"2026-01-02T03:04:05.678901Z      43 ?               signal   sh[42] SIGTERM\n");
	assert_text(labels,
		&(struct lm_event){
			.actor = SCENE_SHELL, .tid = 42, .op = LM_OP_EXIT, .result = 9 },
		"2026-01-02T03:04:05.678901Z      42 sh              exit     by SIGKILL\n");
	lm_labels_free(labels);
}

static void text_cannot_be_forged(void **state)
{
	struct lm_labels *labels = new_scene();

	add_name(labels, 100, SCENE_ROOT, "a\n2026\x1b[2J");
	assert_text(labels,
		&(struct lm_event){
			.actor = SCENE_SHELL, .tid = 42, .op = LM_OP_UNLINK, .name = 100 },
		"2026-01-02T03:04:05.678901Z      42 sh              unlink   "
		"/a\\n2026\\x1b[2J\n");
	lm_labels_free(labels);
}

static void assert_json(const struct lm_labels *labels, const struct lm_event *event,
	const char *expected)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;
	const struct lm_event_view view = view_of(labels, event);

	lm_event_print_json(&view, &out);
	lm_buffer_append_byte(&out, '\0');
	assert_int_equal(lm_buffer_status(&out), 0);
	assert_string_equal((const char *)out.data, expected);
}

static void json_has_the_documented_members(void **state)
{
	struct lm_labels *labels = new_scene();

	assert_json(labels, &write_event,
		"{\"id\":7,\"time\":\"2026-01-02T03:04:05.678901234Z\","
		"\"begin\":\"2026-01-02T03:04:05.678901233Z\",\"tid\":42,\"actor\":11,\"pid\":42,"
		"\"uid\":1000,\"comm\":\"sh\",\"exe\":\"/bin/sh\",\"op\":\"write\",\"call\":\"\","
		"\"cpu\":1,\"object\":5,\"kind\":\"file\",\"device\":\"8:1\",\"inode\":5,"
		"\"path\":\"/etc/passwd\",\"arg\":0,\"result\":5,\"flags\":[]}\n");
	lm_labels_free(labels);
}

static void json_tells_failures(void **state)
{
	struct lm_labels *labels = new_scene();
	struct lm_event event = write_event;

	event.result = -2;
	event.object = LM_OBJECT_NONE;
	event.name = SCENE_PASSWD_NAME;
	event.flags = LM_EVENT_CLAIMED | LM_EVENT_PARTIAL;
	assert_json(labels, &event,
		"{\"id\":7,\"time\":\"2026-01-02T03:04:05.678901234Z\","
		"\"begin\":\"2026-01-02T03:04:05.678901233Z\",\"tid\":42,\"actor\":11,\"pid\":42,"
		"\"uid\":1000,\"comm\":\"sh\",\"exe\":\"/bin/sh\",\"op\":\"write\",\"call\":\"\","
		"\"cpu\":1,\"name\":6,\"path\":\"/etc/passwd\",\"arg\":0,\"result\":-2,"
		"\"error\":\"ENOENT\",\"flags\":[\"claimed\",\"partial\"]}\n");
	lm_labels_free(labels);
}

static void assert_gap(const struct lm_gap *gap, uint64_t wall_end_ns, const char *text,
	const char *json)
{
	const struct lm_gap_view view = { gap, WALL_NS, wall_end_ns };
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	lm_gap_print_text(&view, &out);
	lm_buffer_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, text);
	lm_buffer_reset(&out);
	lm_gap_print_json(&view, &out);
	lm_buffer_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, json);
}

static void gaps_are_told(void **state)
{
	const struct lm_gap full = {
		.count = 12, .tgid = 42, .cpu = 1, .reason = LM_GAP_FULL,
		.kinds = 1 << 1 | 1 << 3 | UINT64_C(1) << 63,
	};
	const struct lm_gap cut = { .cpu = LM_GAP_CPU_NONE, .reason = LM_GAP_CUT };
	char text[256], json[256];

	snprintf(text, sizeof(text), "2026-01-02T03:04:05.678901Z gap: 12 events are missing (%s)"
		" of io, open, other, "
		"of process 42, on CPU 1, until 2026-01-02T03:04:06.678901Z\n",
		lm_gap_reason_name(LM_GAP_FULL));
	snprintf(json, sizeof(json), "{\"gap\":true,\"begin\":\"2026-01-02T03:04:05.678901234Z\","
		"\"end\":\"2026-01-02T03:04:06.678901234Z\",\"events\":12,\"reason\":\"%s\","
		"\"kinds\":[\"io\",\"open\",\"other\"],\"pid\":42,\"cpu\":1}\n",
		lm_gap_reason_name(LM_GAP_FULL));
	assert_gap(&full, WALL_NS + 1000000000, text, json);

	snprintf(text, sizeof(text), "2026-01-02T03:04:05.678901Z gap: an unknown number of events "
		"is missing (%s), to the end of the log\n", lm_gap_reason_name(LM_GAP_CUT));
	snprintf(json, sizeof(json), "{\"gap\":true,\"begin\":\"2026-01-02T03:04:05.678901234Z\","
		"\"events\":0,\"reason\":\"%s\"}\n", lm_gap_reason_name(LM_GAP_CUT));
	assert_gap(&cut, 0, text, json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_one_line),
		cmocka_unit_test(text_tells_threads_failures_and_flags),
		cmocka_unit_test(text_cannot_be_forged),
		cmocka_unit_test(json_has_the_documented_members),
		cmocka_unit_test(json_tells_failures),
		cmocka_unit_test(gaps_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
