/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* What lies between the two ends, by ways that time allows. */

static struct lm_answer *trace_between(const struct scene *s, enum lm_direction direction,
				       lm_object_id from, struct lm_detection end)
{
	struct lm_detections start LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_detections to LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *answer = NULL;

	assert_int_equal(
		lm_detections_add(&start, (struct lm_detection){ from, 0, UINT64_MAX }), 0);
	assert_int_equal(lm_detections_add(&to, end), 0);
	struct lm_trace_options options = { .direction = direction, .from = &start, .to = &to };
	assert_int_equal(lm_trace(s->index, &options, &answer, NULL), 0);
	return answer;
}

static struct lm_detection always(lm_object_id object)
{
	return (struct lm_detection){ object, 0, UINT64_MAX };
}

static void test_between_two_points(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG),
		     x = scene_file(s, S_IFREG);

	scene_write(s, a, f);
	scene_read(s, b, x);
	scene_read(s, b, f);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *back ANSWER = trace_between(s, LM_BACKWARD, g, always(a));
	struct lm_answer *on ANSWER = trace_between(s, LM_FORWARD, a, always(g));

	assert_true(answer_has(back, a));
	assert_true(answer_has(back, f));
	assert_false(answer_has(back, x));
	assert_int_equal(lm_answer_view(back).node_count, 4);
	assert_int_equal(lm_answer_view(on).node_count, 4);
}

/* What was over before the far end's influence came by is on no path. */
static void test_between_respects_time(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id middle = scene_process(s, 12, 0, "middle");
	lm_object_id f = scene_file(s, S_IFREG), h = scene_file(s, S_IFREG),
		     g = scene_file(s, S_IFREG);

	scene_write(s, middle, h);
	scene_read(s, b, h);
	scene_event(s, LM_OP_VMWRITE, a, middle, 0);
	scene_write(s, middle, f);
	scene_read(s, b, f);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *back ANSWER = trace_between(s, LM_BACKWARD, g, always(a));
	struct lm_answer *on ANSWER = trace_between(s, LM_FORWARD, a, always(g));

	assert_true(answer_has(back, middle));
	assert_true(answer_has(back, f));
	assert_false(answer_has(back, h));
	assert_true(answer_has(on, f));
	assert_false(answer_has(on, h));
}

/* An edge counts only those of its events that are on a way. */
static void test_edges_hold_what_is_between(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	scene_read(s, b, f);
	scene_write(s, b, g); /* before a wrote */
	scene_write(s, a, f);
	scene_read(s, b, f);
	scene_write(s, b, g);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *back ANSWER = trace_between(s, LM_BACKWARD, g, always(a));
	struct lm_answer *on ANSWER = trace_between(s, LM_FORWARD, a, always(g));

	assert_int_equal(answer_edge(back, f, b, "read")->count, 1);
	assert_int_equal(answer_edge(back, b, g, "write")->count, 2);
	assert_int_equal(answer_edge(back, b, g, "write")->bytes, 20);
	assert_int_equal(answer_edge(back, b, g, "write")->event, 5);
	assert_int_equal(answer_edge(on, b, g, "write")->count, 2);
}

/* The far end has a time too: what it did before counts for nothing. */
static void test_far_end_has_a_time(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), g = scene_file(s, S_IFREG);
	lm_object_id f = scene_file(s, S_IFREG), h = scene_file(s, S_IFREG);
	lm_object_id b = scene_process(s, 11, 0, "b");
	uint64_t between;

	scene_write(s, a, f);
	between = s->now;
	scene_write(s, a, h);
	scene_read(s, b, f);
	scene_read(s, b, h);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *back ANSWER =
		trace_between(s, LM_BACKWARD, g, (struct lm_detection){ a, between, between });

	assert_true(answer_has(back, h));
	assert_false(answer_has(back, f));
}

static void test_no_way_leaves_the_detection(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id g = scene_file(s, S_IFREG);

	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *back ANSWER = trace_between(s, LM_BACKWARD, g, always(a));

	assert_int_equal(lm_answer_view(back).node_count, 1);
	assert_true(answer_has(back, g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_between_two_points),
		SCENE_TEST(test_between_respects_time),
		SCENE_TEST(test_edges_hold_what_is_between),
		SCENE_TEST(test_far_end_has_a_time),
		SCENE_TEST(test_no_way_leaves_the_detection),
	};

	return cmocka_run_group_tests_name("graph between", tests, NULL, NULL);
}
