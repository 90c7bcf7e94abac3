/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

#include "lemona/graph/stats.h"

/* How usual something is, counted up to a bound. */

static void test_sources_and_sinks(void **state)
{
	struct scene *s = *state;
	lm_object_id f = scene_file(s, S_IFREG), exe = scene_file(s, S_IFREG), p;

	for (int i = 0; i < 5; i++) {
		p = scene_exec(s, scene_process(s, (uint32_t)(10 + i), 0, "sh"), exe, 0, "tool");
		scene_write(s, p, f);
		scene_write(s, p, f);
	}
	p = scene_process(s, 30, 0, "other");
	scene_write(s, p, f);
	scene_read(s, p, f);
	scene_event(s, LM_OP_UTIMES, scene_process(s, 31, 0, "touch"), f, 0);
	scene_finish(s);

	assert_int_equal(lm_stats_sources(s->index, f).objects, 6);
	assert_int_equal(lm_stats_sources(s->index, f).programs, 2);
	assert_int_equal(lm_stats_sinks(s->index, f).objects, 1);
	assert_int_equal(lm_stats_runs(s->index, exe), 5);
	assert_int_equal(lm_stats_runs(s->index, f), 0);
}

static void test_counts_are_bounded(void **state)
{
	struct scene *s = *state;
	lm_object_id f = scene_file(s, S_IFREG);

	for (int i = 0; i < 500; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "tool%d", i);
		scene_write(s, scene_process(s, (uint32_t)(10 + i), 0, comm), f);
	}
	scene_finish(s);

	assert_int_equal(lm_stats_sources(s->index, f).objects, LM_STATS_MAX);
	assert_int_equal(lm_stats_sources(s->index, f).programs, LM_STATS_MAX);
}

static void test_directory(void **state)
{
	struct scene *s = *state;
	lm_object_id dir = scene_file(s, S_IFDIR), quiet = scene_file(s, S_IFDIR);

	for (int i = 0; i < 6; i++) {
		char text[16];
		lm_object_id name;

		snprintf(text, sizeof(text), "p%d", i % 3);
		name = scene_name(s, dir, text);
		scene_create(s, scene_process(s, (uint32_t)(10 + i), 0, text),
			     scene_file(s, S_IFREG), name);
	}
	scene_finish(s);

	assert_int_equal(lm_stats_directory(s->index, dir), 3);
	assert_int_equal(lm_stats_directory(s->index, quiet), 0);
}

static void test_nobody(void **state)
{
	struct scene *s = *state;

	scene_finish(s);
	assert_int_equal(lm_stats_sources(s->index, LM_OBJECT_NONE).objects, 0);
	assert_int_equal(lm_stats_sinks(s->index, 1000).objects, 0);
	assert_int_equal(lm_stats_runs(s->index, LM_OBJECT_NONE), 0);
	assert_int_equal(lm_stats_directory(s->index, LM_OBJECT_NONE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_sources_and_sinks),
		SCENE_TEST(test_counts_are_bounded),
		SCENE_TEST(test_directory),
		SCENE_TEST(test_nobody),
	};

	return cmocka_run_group_tests_name("graph stats", tests, NULL, NULL);
}
