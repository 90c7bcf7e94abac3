/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <errno.h>
#include <sys/stat.h>

/* Names that were looked for in vain. */

static void look_in_vain(struct scene *s, lm_object_id actor, lm_object_id name)
{
	scene_event_full(s, (struct lm_event){ .op = LM_OP_OPEN, .actor = actor, .name = name,
					       .result = -ENOENT });
}

static void test_who_removed_it_is_found(void **state)
{
	struct scene *s = *state;
	lm_object_id intruder = scene_intruder(s), daemon = scene_process(s, 20, 0, "daemon");
	lm_object_id rules = scene_name(s, s->root, "hosts.deny"), f = scene_file(s, S_IFREG);
	lm_object_id out = scene_file(s, S_IFREG);

	scene_bind(s, f, rules);
	scene_event(s, LM_OP_UNLINK, intruder, f, rules);
	look_in_vain(s, daemon, rules);
	scene_write(s, daemon, out);
	scene_finish(s);

	struct lm_answer *back ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);
	struct lm_answer *on ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, intruder);
	char *text LM_FREE = answer_text(back), *json LM_FREE = answer_written(
		lm_answer_write_json, back);

	assert_true(answer_has(back, intruder));
	assert_non_null(answer_edge(back, intruder, rules, "unlink"));
	assert_non_null(answer_edge(back, rules, daemon, "open"));
	assert_true(answer_node(back, rules)->flags & LM_NODE_ABSENT);
	assert_true(answer_node(back, rules)->flags & LM_NODE_REMOVED);
	assert_true(answer_has(on, out));
	assert_non_null(strstr(text, "daemon[20] looked in vain for /hosts.deny"));
	assert_non_null(strstr(json, "\"removed\":true,\"absent\":true"));
}

/* Of all that a program looks for, most has never been there. */
static void test_what_never_was_says_nothing(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), out = scene_file(s, S_IFREG);
	lm_object_id name = scene_name(s, s->root, "nothing");

	look_in_vain(s, p, name);
	scene_write(s, p, out);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, out);

	assert_false(answer_has(on, name));
	assert_int_equal(answer_hidden(on, LM_FILTER_LOW_CONTROL), 1);
	assert_true(answer_node(off, name)->flags & LM_NODE_ABSENT);
}

/* A program that removes its own temporary file and looks again learns nothing. */
static void test_own_removal_says_nothing(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), q = scene_intruder(s), out = scene_file(s, S_IFREG);
	lm_object_id name = scene_name(s, s->root, "lock"), f = scene_file(s, S_IFREG);

	scene_create(s, q, f, name);
	scene_event(s, LM_OP_UNLINK, p, f, name);
	look_in_vain(s, p, name);
	scene_write(s, p, out);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);

	assert_false(answer_has(answer, name));
	assert_false(answer_has(answer, q));
}

/* Looked for in vain, then put there by the intruder, then found. */
static void test_what_was_put_there_later(void **state)
{
	struct scene *s = *state;
	lm_object_id daemon = scene_process(s, 20, 0, "daemon"), intruder = scene_intruder(s);
	lm_object_id name = scene_name(s, s->root, "ld.so.preload"), f = scene_file(s, S_IFREG);
	lm_object_id out = scene_file(s, S_IFREG);

	look_in_vain(s, daemon, name);
	scene_create(s, intruder, f, name);
	scene_write(s, intruder, f);
	scene_event(s, LM_OP_OPEN, daemon, f, name);
	scene_read(s, daemon, f);
	scene_write(s, daemon, out);
	scene_finish(s);

	struct lm_answer *back ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);
	struct lm_answer *plain ANSWER = scene_trace(s, LM_BACKWARD, scene_without("names"), out);
	char *text LM_FREE = answer_text(back);

	assert_non_null(answer_edge(back, intruder, f, "write"));
	assert_string_equal(answer_node(back, f)->path, "/ld.so.preload");
	assert_null(strstr(text, "in vain"));
	assert_true(answer_node(plain, name)->flags & LM_NODE_ABSENT);
	assert_false(answer_node(plain, name)->flags & LM_NODE_REMOVED);
}

/* The look-up that counts is on a way between the two ends too. */
static void test_between(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id name = scene_name(s, s->root, "x"), f = scene_file(s, S_IFREG);
	lm_object_id out = scene_file(s, S_IFREG);
	struct lm_detections to LM_DETECTIONS = LM_DETECTIONS_INIT;

	scene_bind(s, f, name);
	scene_event(s, LM_OP_OPEN, b, f, name);
	scene_event(s, LM_OP_UNLINK, a, f, name);
	look_in_vain(s, b, name);
	scene_write(s, b, out);
	scene_finish(s);
	assert_int_equal(lm_detections_add(&to, (struct lm_detection){ a, 0, UINT64_MAX }), 0);

	struct lm_answer *answer ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.filters = 1u << LM_FILTER_LOW_CONTROL, .to = &to }, &out, 1);

	assert_int_equal(answer_edge(answer, name, b, "open")->count, 1);
	assert_true(answer_has(answer, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_who_removed_it_is_found),
		SCENE_TEST(test_what_never_was_says_nothing),
		SCENE_TEST(test_own_removal_says_nothing),
		SCENE_TEST(test_what_was_put_there_later),
		SCENE_TEST(test_between),
	};

	return cmocka_run_group_tests_name("graph absence", tests, NULL, NULL);
}
