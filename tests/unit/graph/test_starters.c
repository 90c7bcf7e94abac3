/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* Who started what is left in sight. */

/* A daemon, what it reads, what it forks, and a job that runs what an intruder wrote. */
struct job {
	lm_object_id init, daemon, table, writer, shell, out;
};

#define JOB_HIDDEN 4 /* init, admin, the table, the child before it ran the shell */

static struct job make_job(struct scene *s)
{
	struct job j = { .init = scene_process(s, 1, 0, "init"), .table = scene_file(s, S_IFREG) };
	lm_object_id script = scene_file(s, S_IFREG), child;

	j.writer = scene_process(s, 5, 0, "admin");
	scene_write(s, j.writer, j.table);
	j.daemon = scene_fork(s, j.init, 20, "cron");
	scene_read(s, j.daemon, j.table);
	scene_write(s, scene_intruder(s), script);
	scene_fork(s, j.daemon, 22, "another");
	child = scene_fork(s, j.daemon, 21, "cron");
	j.shell = scene_exec(s, child, scene_file(s, S_IFREG), 0, "sh");
	scene_read(s, j.shell, script);
	j.out = scene_file(s, S_IFREG);
	scene_write(s, j.shell, j.out);
	return j;
}

static void test_who_started_a_process_stays(void **state)
{
	struct scene *s = *state;
	struct job j = make_job(s);

	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, j.out);
	uint32_t filters = LM_FILTERS_ALL & ~lm_filter_bits("no-entry");
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, filters, j.out);
	const struct lm_answer_edge *fork = answer_edge(on, j.daemon, j.shell, "fork");

	assert_non_null(fork);
	assert_int_equal(fork->count, 1);
	assert_true(answer_node(on, j.daemon)->flags & LM_NODE_STARTER);
	assert_int_equal(answer_node(on, j.daemon)->first_ns, fork->begin_ns);
	/* Neither what it read nor who started it in turn. */
	assert_false(answer_has(on, j.table));
	assert_false(answer_has(on, j.init));
	assert_true(answer_has(off, j.init));
	assert_false(answer_node(off, j.daemon)->flags & LM_NODE_STARTER);
	/* socket, intruder, script, shell, out and the daemon */
	assert_int_equal(lm_answer_view(on).node_count, 6);
}

/* What is shown after all does not count as hidden. */
static void test_a_starter_is_not_counted_as_hidden(void **state)
{
	struct scene *s = *state;
	struct job j = make_job(s);
	uint64_t objects = 0, events = 0;

	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, j.out);
	struct lm_answer_view view = lm_answer_view(on);

	for (uint32_t i = 0; i < view.hidden_count; i++) {
		if (view.hidden[i].filter == LM_FILTER_NO_ENTRY) {
			objects = view.hidden[i].objects;
			events = view.hidden[i].events;
		}
	}
	assert_int_equal(objects, JOB_HIDDEN);
	/* fork of the daemon, write and read of the table, exec of the shell */
	assert_int_equal(events, 4);
}

static void test_the_recorder_is_not_shown_as_a_starter(void **state)
{
	struct scene *s = *state;
	lm_object_id recorder = scene_self(s, 20, "lemona"),
		     child = scene_fork(s, recorder, 21, "sh");
	lm_object_id g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_RECV, child, scene_socket(s, 1, 80, 2, 5000, 1), 0);
	scene_write(s, child, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_true(answer_has(on, child));
	assert_false(answer_has(on, recorder));
}

/* "sh -c", which starts the one command: whoever started that is of interest too, and no more. */
static void test_a_starter_of_one_names_its_own(void **state)
{
	struct scene *s = *state;
	lm_object_id init = scene_process(s, 1, 0, "init"), first = scene_fork(s, init, 5, "first");
	lm_object_id daemon = scene_fork(s, first, 20, "cron"),
		     child = scene_fork(s, daemon, 21, "cron");
	lm_object_id shell = scene_exec(s, child, scene_file(s, S_IFREG), 0, "sh");
	lm_object_id job = scene_fork(s, shell, 22, "job"), g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_RECV, job, scene_socket(s, 1, 80, 2, 5000, 1), 0);
	scene_write(s, job, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_non_null(answer_edge(on, shell, job, "fork"));
	assert_non_null(answer_edge(on, daemon, shell, "fork"));
	assert_false(answer_has(on, child));
	assert_false(answer_has(on, first));
	assert_int_equal(lm_answer_view(on).node_count, 5);
}

/* A parent that is in sight anyway says it already. */
static void test_a_starter_in_sight_is_no_addition(void **state)
{
	struct scene *s = *state;
	lm_object_id init = scene_process(s, 1, 0, "init"), p = scene_fork(s, init, 10, "p");
	lm_object_id child, g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_RECV, p, scene_socket(s, 1, 80, 2, 5000, 1), 0);
	child = scene_fork(s, p, 11, "sh");
	scene_write(s, child, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_false(answer_node(on, p)->flags & LM_NODE_STARTER);
	assert_true(answer_node(on, init)->flags & LM_NODE_STARTER);
	assert_non_null(answer_edge(on, init, p, "fork"));
	assert_null(answer_edge(on, init, child, "fork"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_who_started_a_process_stays),
		SCENE_TEST(test_a_starter_is_not_counted_as_hidden),
		SCENE_TEST(test_the_recorder_is_not_shown_as_a_starter),
		SCENE_TEST(test_a_starter_of_one_names_its_own),
		SCENE_TEST(test_a_starter_in_sight_is_no_addition),
	};

	return cmocka_run_group_tests_name("graph starters", tests, NULL, NULL);
}
