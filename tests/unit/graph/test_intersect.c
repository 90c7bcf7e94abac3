/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* What is common to several detection points, and the ways from there. */

struct two {
	lm_object_id f, g, h; /* one intruder wrote f and g, through others; somebody else h */
	lm_object_id intruder, left, right, alone, other;
};

static struct two make_two(struct scene *s)
{
	struct two t = { .intruder = scene_intruder(s), .f = scene_file(s, S_IFREG),
			 .g = scene_file(s, S_IFREG), .h = scene_file(s, S_IFREG) };

	t.alone = scene_intruder(s);
	t.other = scene_intruder(s);
	t.left = scene_fork(s, t.intruder, 21, "left");
	t.right = scene_fork(s, t.intruder, 22, "right");
	scene_write(s, t.alone, t.f);
	scene_write(s, t.left, t.f);
	scene_write(s, t.right, t.g);
	scene_write(s, t.other, t.h);
	return t;
}

static struct lm_answer *trace_common(const struct scene *s, enum lm_direction direction,
				      const lm_object_id *from, size_t count, bool intersect)
{
	struct lm_detections each[3] = { LM_DETECTIONS_INIT };
	struct lm_answer *answer;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(lm_detections_add(&each[i], (struct lm_detection){
			from[i], 0, UINT64_MAX }), 0);
	answer = scene_trace_options(s, (struct lm_trace_options){
		.direction = direction, .filters = LM_FILTERS_ALL, .common = each,
		.common_count = intersect ? count : 0 }, from, count);
	for (size_t i = 0; i < count; i++)
		lm_detections_release(&each[i]);
	return answer;
}

static void test_common_is_kept_with_its_ways(void **state)
{
	struct scene *s = *state;
	struct two t = make_two(s);

	scene_finish(s);
	struct lm_answer *all ANSWER =
		trace_common(s, LM_BACKWARD, (lm_object_id[]){ t.f, t.g }, 2, false);
	struct lm_answer *common ANSWER =
		trace_common(s, LM_BACKWARD, (lm_object_id[]){ t.f, t.g }, 2, true);
	char *text LM_FREE = answer_text(common);

	assert_true(answer_has(all, t.alone));
	assert_true(answer_has(common, t.intruder));
	assert_non_null(answer_edge(common, t.intruder, t.left, "fork"));
	assert_non_null(answer_edge(common, t.right, t.g, "write"));
	assert_false(answer_has(common, t.alone));
	assert_non_null(strstr(text, "Only what is common to all of them"));
}

static void test_nothing_common(void **state)
{
	struct scene *s = *state;
	struct two t = make_two(s);

	scene_finish(s);
	struct lm_answer *answer ANSWER =
		trace_common(s, LM_BACKWARD, (lm_object_id[]){ t.f, t.g, t.h }, 3, true);
	char *text LM_FREE = answer_text(answer);

	assert_int_equal(lm_answer_view(answer).node_count, 3);
	assert_int_equal(lm_answer_view(answer).edge_count, 0);
	assert_non_null(strstr(text, "Nothing is common to all of them"));
}

static void test_forward(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), only = scene_file(s, S_IFREG);
	lm_object_id reader = scene_process(s, 12, 0, "reader"), out = scene_file(s, S_IFREG);

	scene_write(s, a, only);
	scene_write(s, a, f);
	scene_write(s, b, f);
	scene_read(s, reader, f);
	scene_write(s, reader, out);
	scene_finish(s);
	struct lm_answer *answer ANSWER =
		trace_common(s, LM_FORWARD, (lm_object_id[]){ a, b }, 2, true);

	assert_true(answer_has(answer, f) && answer_has(answer, out));
	assert_false(answer_has(answer, only));
	assert_non_null(answer_edge(answer, a, f, "write"));
	assert_non_null(answer_edge(answer, b, f, "write"));
}

/* Each has its own time: what came after one of them was found is not common. */
static void test_each_has_its_time(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);
	lm_object_id q = scene_intruder(s);
	struct lm_detections each[2] = { LM_DETECTIONS_INIT, LM_DETECTIONS_INIT };
	struct lm_detections both LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *answer ANSWER = NULL;
	uint64_t moment;

	scene_write(s, q, f);
	moment = s->now;
	scene_event(s, LM_OP_VMWRITE, p, q, 0);
	scene_write(s, p, g);
	scene_finish(s);
	assert_int_equal(lm_detections_add(&each[0], (struct lm_detection){ f, 0, moment }), 0);
	assert_int_equal(lm_detections_add(&each[1], (struct lm_detection){ g, 0, UINT64_MAX }), 0);
	assert_int_equal(lm_detections_add(&both, each[0].at[0]), 0);
	assert_int_equal(lm_detections_add(&both, each[1].at[0]), 0);
	struct lm_trace_options options = { .filters = LM_FILTERS_NONE, .from = &both,
					    .common = each, .common_count = 2 };

	assert_int_equal(lm_trace(s->index, &options, &answer, NULL), 0);
	lm_detections_release(&each[0]);
	lm_detections_release(&each[1]);
	assert_false(answer_has(answer, p));
	assert_false(answer_has(answer, q));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_common_is_kept_with_its_ways),
		SCENE_TEST(test_nothing_common),
		SCENE_TEST(test_forward),
		SCENE_TEST(test_each_has_its_time),
	};

	return cmocka_run_group_tests_name("graph intersect", tests, NULL, NULL);
}
