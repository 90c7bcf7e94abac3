/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* Leaks: where influence leaves the host, and which readers say nothing. */

struct leak {
	lm_object_id shadow, cat, pipe, nc, socket, reader, reader_pipe;
};

/* cat /etc/shadow | nc, and somebody who reads it and keeps it to himself. */
static struct leak make_leak(struct scene *s)
{
	struct leak l = { .shadow = scene_file(s, S_IFREG), .cat = scene_process(s, 10, 0, "cat"),
			  .pipe = scene_pipe(s), .nc = scene_process(s, 11, 0, "nc"),
			  .socket = scene_socket(s, 1, 40000, 9, 443, 1),
			  .reader = scene_process(s, 12, 0, "su"), .reader_pipe = scene_pipe(s) };

	scene_read(s, l.cat, l.shadow);
	scene_write(s, l.cat, l.pipe);
	scene_read(s, l.nc, l.pipe);
	scene_event_full(s, (struct lm_event){ .op = LM_OP_SEND, .actor = l.nc,
					       .object = l.socket, .result = 1000 });
	scene_read(s, l.reader, l.shadow);
	scene_write(s, l.reader, l.reader_pipe);
	return l;
}

static void test_leak_ends_in_an_exit(void **state)
{
	struct scene *s = *state;
	struct leak l = make_leak(s);

	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, l.shadow);
	struct lm_answer *off ANSWER =
		scene_trace(s, LM_FORWARD, scene_without("no-exit"), l.shadow);
	char *text LM_FREE = answer_text(answer);
	char *json LM_FREE = answer_written(lm_answer_write_json, answer);
	char *dot LM_FREE = answer_written(lm_answer_write_dot, answer);

	assert_true(answer_node(answer, l.socket)->flags & LM_NODE_EXIT);
	assert_true(answer_has(answer, l.cat) && answer_has(answer, l.nc));
	assert_false(answer_has(answer, l.reader));
	assert_int_equal(answer_hidden(answer, LM_FILTER_NO_EXIT), 2);
	assert_int_equal(answer_hidden_events(answer, LM_FILTER_NO_EXIT), 2);
	assert_true(answer_has(off, l.reader_pipe));
	assert_non_null(strstr(text, "nc[11] sent 1000 bytes to 10.0.0.1:40000 - 10.0.0.9:443  "
				     "<- exit"));
	assert_non_null(strstr(text, "no-exit 2 objects, 2 events"));
	assert_non_null(strstr(json, "\"exit\":true"));
	assert_non_null(strstr(dot, "\\nexit"));
}

/* What was changed stays in the answer, and so does who changed it. */
static void test_changes_are_of_interest(void **state)
{
	struct scene *s = *state;
	struct leak l = make_leak(s);
	lm_object_id keeper = scene_process(s, 20, 0, "cp"), copy = scene_file(s, S_IFREG);

	scene_read(s, keeper, l.shadow);
	scene_write(s, keeper, copy);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, l.shadow);

	assert_true(answer_has(answer, copy) && answer_has(answer, keeper));
	assert_false(answer_has(answer, l.reader));
}

/* Each program that an intruder ran is worth seeing, whatever it did. */
static void test_what_an_intruder_ran_stays(void **state)
{
	struct scene *s = *state;
	lm_object_id socket = scene_socket(s, 1, 80, 2, 5000, 1);
	lm_object_id shell = scene_process(s, 10, 0, "sh"), f = scene_file(s, S_IFREG), child;
	lm_object_id reader = scene_process(s, 12, 0, "reader");

	scene_event(s, LM_OP_RECV, shell, socket, 0);
	child = scene_fork(s, shell, 11, "whoami");
	scene_write(s, shell, f);
	scene_read(s, reader, f);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, socket);

	assert_true(answer_has(answer, child));
	assert_true(answer_has(answer, f));
	assert_false(answer_has(answer, reader));
}

/* Printed on a terminal is not sent away. */
static void test_terminal_is_no_exit(void **state)
{
	struct scene *s = *state;
	struct leak l = make_leak(s);
	lm_object_id admin = scene_process(s, 20, 0, "less"), tty = scene_device(s, 136, 0);

	scene_read(s, admin, l.shadow);
	scene_write(s, admin, tty);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, l.shadow);

	assert_false(answer_has(answer, admin));
}

/* A connection to oneself is not outside. */
static void test_connection_on_this_host_is_no_exit(void **state)
{
	struct scene *s = *state;
	lm_object_id f = scene_file(s, S_IFREG), p = scene_process(s, 10, 0, "p");
	lm_object_id near = scene_socket(s, 1, 80, 1, 81, 1);
	lm_object_id far = scene_socket(s, 1, 81, 1, 80, 1);
	lm_object_id q = scene_process(s, 11, 0, "q");

	scene_read(s, p, f);
	scene_event(s, LM_OP_SEND, p, near, 0);
	scene_event(s, LM_OP_RECV, q, far, 0);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, f);

	assert_false(answer_node(answer, near)->flags & LM_NODE_EXIT);
	assert_true(lm_answer_view(answer).no_exit_found);
}

static void test_without_anything_of_interest_all_stays(void **state)
{
	struct scene *s = *state;
	lm_object_id f = scene_file(s, S_IFREG), p = scene_process(s, 10, 0, "p");

	scene_read(s, p, f);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, f);
	char *text LM_FREE = answer_text(answer);

	assert_true(answer_has(answer, p));
	assert_true(lm_answer_view(answer).no_exit_found);
	assert_non_null(strstr(text, "Nothing was changed or sent, so every reader is shown"));
}

/* A gap is told of whatever a filter left out. */
static void test_gap_is_told(void **state)
{
	struct scene *s = *state;
	struct leak l = make_leak(s);

	scene_gap(s, 0, UINT64_MAX, 7);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, l.shadow);
	char *text LM_FREE = answer_text(answer);
	char *json LM_FREE = answer_written(lm_answer_write_json, answer);
	char *dot LM_FREE = answer_written(lm_answer_write_dot, answer);

	assert_true(answer_hidden(answer, LM_FILTER_NO_EXIT) > 0);
	assert_non_null(strstr(text, "Not complete: 1 gap, at least 7 events missing"));
	assert_non_null(strstr(json, "\"complete\":false"));
	assert_non_null(strstr(json, "\"events\":7"));
	assert_non_null(strstr(dot, "INCOMPLETE: 1 gap, at least 7 events missing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_leak_ends_in_an_exit),
		SCENE_TEST(test_changes_are_of_interest),
		SCENE_TEST(test_what_an_intruder_ran_stays),
		SCENE_TEST(test_terminal_is_no_exit),
		SCENE_TEST(test_connection_on_this_host_is_no_exit),
		SCENE_TEST(test_without_anything_of_interest_all_stays),
		SCENE_TEST(test_gap_is_told),
	};

	return cmocka_run_group_tests_name("graph exits", tests, NULL, NULL);
}
