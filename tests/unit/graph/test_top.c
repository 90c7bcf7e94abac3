/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* Which edges tell most, and the first screen. */

#define CLERKS 80

struct office {
	lm_object_id socket, shell, tool, implant, target, tool_exe;
	lm_object_id clerks[CLERKS], inbox[CLERKS];
};

/*
 * Eighty clerks of one program each hear from a connection of their own, keep a
 * file, and write one ledger that everybody reads; an intruder drops a tool, which somebody
 * runs, and which reads the ledger and changes the target.
 */
static struct office make_office(struct scene *s)
{
	struct office o = { .socket = scene_socket(s, 1, 80, 2, 5000, 1),
			    .shell = scene_process(s, 10, 0, "sh"), .tool = scene_file(s, S_IFREG),
			    .target = scene_file(s, S_IFREG) };
	lm_object_id clerk = scene_file(s, S_IFREG), ledger = scene_file(s, S_IFREG);
	lm_object_id cron = scene_process(s, 11, 0, "cron"), other = scene_file(s, S_IFREG);

	for (int i = 0; i < CLERKS; i++) {
		lm_object_id desk = scene_file(s, S_IFDIR);
		char name[16];

		snprintf(name, sizeof(name), "desk%d", i);
		scene_bind(s, desk, scene_name(s, s->root, name));
		o.inbox[i] = scene_socket(s, 1, 25, 3, (uint16_t)(6000 + i), 1);
		o.clerks[i] = scene_process(s, (uint32_t)(100 + i), 0, "sh");
		o.clerks[i] = scene_exec(s, o.clerks[i], clerk, 0, "clerk");
		scene_read(s, o.clerks[i], ledger);
		scene_event(s, LM_OP_RECV, o.clerks[i], o.inbox[i], 0);
		scene_write(s, o.clerks[i], ledger);
		/* What makes each differ from the next. */
		lm_object_id note = scene_file(s, S_IFREG);
		scene_bind(s, note, scene_name(s, desk, "note"));
		scene_write(s, o.clerks[i], note);
		scene_read(s, cron, note);
	}
	scene_event_full(s, (struct lm_event){ .op = LM_OP_RECV, .actor = o.shell,
					       .object = o.socket, .result = 20000 });
	scene_write(s, o.shell, o.tool);
	o.implant = scene_exec(s, scene_fork(s, cron, 12, "sh"), o.tool, 0, "implant");
	scene_read(s, o.implant, ledger);
	scene_write(s, o.implant, o.target);
	scene_write(s, cron, other);
	return o;
}

static struct lm_answer *trace_top(const struct scene *s, const struct office *o, uint32_t top)
{
	return scene_trace_options(s, (struct lm_trace_options){
		.filters = LM_FILTERS_ALL, .scores = true, .top = top }, &o->target, 1);
}

static void assert_attack_shown(const struct lm_answer *answer, const struct office *o)
{
	assert_true(answer_node(answer, o->socket)->flags & LM_NODE_ENTRY);
	assert_non_null(answer_edge(answer, o->socket, o->shell, "recv"));
	assert_non_null(answer_edge(answer, o->shell, o->tool, "write"));
	assert_non_null(answer_edge(answer, o->tool, o->implant, "exec"));
	assert_non_null(answer_edge(answer, o->implant, o->target, "write"));
}

static void test_first_screen_holds_the_attack(void **state)
{
	struct scene *s = *state;
	struct office o = make_office(s);

	scene_finish(s);
	struct lm_answer *all ANSWER = trace_top(s, &o, LM_TOP_ALL);
	struct lm_answer *screen ANSWER = trace_top(s, &o, LM_TOP_SCREEN);
	struct lm_answer *one ANSWER = trace_top(s, &o, 1);
	struct lm_answer_view view = lm_answer_view(screen);
	char *text LM_FREE = answer_text(screen);
	char *json LM_FREE = answer_written(lm_answer_write_json, screen);
	char *dot LM_FREE = answer_written(lm_answer_write_dot, screen);
	char told[96];

	assert_true(lm_answer_view(all).node_count > 2 * CLERKS);
	assert_int_equal(lm_answer_view(all).shown.paths, 0);
	assert_true(view.node_count <= LM_SCREEN_NODES && view.node_count > 20);
	assert_int_equal(view.shown.of_nodes, lm_answer_view(all).node_count);
	assert_int_equal(view.shown.of_edges, lm_answer_view(all).edge_count);
	assert_attack_shown(screen, &o);
	snprintf(told, sizeof(told), "%u of %u nodes", view.node_count, view.shown.of_nodes);
	assert_non_null(strstr(text, told));
	assert_non_null(strstr(text, "--top all shows the rest"));
	assert_non_null(strstr(dot, told));
	snprintf(told, sizeof(told), "\"shown\":{\"paths\":%u,\"of_nodes\":%u", view.shown.paths,
		 view.shown.of_nodes);
	assert_non_null(strstr(json, told));
	/* The most telling path of all is the attack, and nothing else. */
	assert_attack_shown(one, &o);
	assert_int_equal(lm_answer_view(one).node_count, 5);
	assert_int_equal(lm_answer_view(one).shown.paths, 1);
}

/* Whatever is shown hangs together: each node is on a path to what was asked about. */
static void test_paths_are_whole(void **state)
{
	struct scene *s = *state;
	struct office o = make_office(s);

	scene_finish(s);
	for (uint32_t top = 1; top < 30; top++) {
		struct lm_answer *answer ANSWER = trace_top(s, &o, top);
		struct lm_answer_view view = lm_answer_view(answer);
		bool *joined LM_FREE = calloc(view.node_count, sizeof(*joined));
		bool changed = true;

		assert_non_null(joined);
		for (uint32_t i = 0; i < view.node_count; i++)
			joined[i] = view.nodes[i].flags & LM_NODE_DETECTION;
		while (changed) {
			changed = false;
			for (uint32_t i = 0; i < view.edge_count; i++) {
				if (!joined[view.edges[i].to] || joined[view.edges[i].from])
					continue;
				changed = joined[view.edges[i].from] = true;
			}
		}
		for (uint32_t i = 0; i < view.node_count; i++)
			assert_true(joined[i]);
		assert_int_equal(view.shown.paths, top);
	}
}

static void test_scores_are_explained(void **state)
{
	struct scene *s = *state;
	struct office o = make_office(s);

	scene_finish(s);
	struct lm_answer *answer ANSWER = trace_top(s, &o, LM_TOP_ALL);
	struct lm_score run = answer_edge(answer, o.tool, o.implant, "exec")->score;
	struct lm_score usual = answer_edge(answer, o.inbox[3], o.clerks[3], "recv")->score;
	struct lm_answer *plain ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, o.target);
	char *json LM_FREE = answer_written(lm_answer_write_json, answer);
	char *bare LM_FREE = answer_written(lm_answer_write_json, plain);

	assert_true(run.total > usual.total);
	assert_true(run.rarity > usual.rarity);
	assert_int_equal(run.data, 1000); /* written by a process that heard from outside */
	assert_int_equal(run.control, 1000);
	assert_true(run.nearness >= usual.nearness);
	assert_non_null(strstr(json, "\"score\":{\"total\":0."));
	assert_non_null(strstr(json, ",\"data\":1.000,"));
	assert_null(strstr(bare, "\"score\""));
}

/* A server hears from many: what it then did has to do with whom it had just heard. */
static void test_the_latest_input_tells_most(void **state)
{
	struct scene *s = *state;
	lm_object_id httpd = scene_process(s, 50, 0, "httpd"), f = scene_file(s, S_IFREG);
	lm_object_id sockets[80], child = 0;

	for (int i = 0; i < 80; i++) {
		sockets[i] = scene_socket(s, 1, 80, 2, (uint16_t)(6000 + i), 1);
		scene_event_full(s, (struct lm_event){ .op = LM_OP_RECV, .actor = httpd,
						       .object = sockets[i], .result = 10000 - i });
		if (i == 40)
			child = scene_fork(s, httpd, 60, "cgi");
		s->now += UINT64_C(60000000000);
	}
	/* So long after that all of them are as far away. */
	s->now *= 1000;
	scene_write(s, child, f);
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.filters = scene_without("older-inputs"), .top = 1 }, &f, 1);
	struct lm_answer *screen ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.filters = LM_FILTERS_NONE, .top = LM_TOP_ALL }, &f, 1);

	assert_true(answer_has(screen, sockets[0]));
	assert_true(answer_has(answer, sockets[40]));
	assert_int_equal(lm_answer_view(answer).node_count, 4);
}

/* A small answer is shown as it is. */
static void test_nothing_is_left_out_where_all_fits(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), f = scene_file(s, S_IFREG);

	scene_write(s, p, f);
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.filters = LM_FILTERS_ALL, .top = LM_TOP_SCREEN }, &f, 1);
	char *text LM_FREE = answer_text(answer);

	assert_int_equal(lm_answer_view(answer).shown.paths, 0);
	assert_int_equal(lm_answer_view(answer).node_count, 3);
	assert_null(strstr(text, "--top"));
}

/* Gaps are told whatever is left out. */
static void test_gaps_stay(void **state)
{
	struct scene *s = *state;
	struct office o = make_office(s);

	scene_gap(s, 0, UINT64_MAX, 3);
	scene_finish(s);
	struct lm_answer *answer ANSWER = trace_top(s, &o, 1);
	char *text LM_FREE = answer_text(answer);
	char *json LM_FREE = answer_written(lm_answer_write_json, answer);
	char *dot LM_FREE = answer_written(lm_answer_write_dot, answer);

	assert_non_null(strstr(text, "Not complete: 1 gap"));
	assert_non_null(strstr(json, "\"complete\":false"));
	assert_non_null(strstr(json, "\"gaps\":[\n{"));
	assert_non_null(strstr(dot, "INCOMPLETE: 1 gap"));
}

/* Forward: from what is asked about to where it went out. */
static void test_forward(void **state)
{
	struct scene *s = *state;
	lm_object_id secret = scene_file(s, S_IFREG), thief = scene_process(s, 10, 0, "thief");
	lm_object_id out = scene_socket(s, 1, 4000, 9, 443, 1);

	for (int i = 0; i < 100; i++) {
		lm_object_id p = scene_process(s, (uint32_t)(100 + i), 0, "reader"), dir, f;
		char name[16];

		/* Each into a directory of its own: no two of them are alike. */
		snprintf(name, sizeof(name), "d%d", i);
		dir = scene_file(s, S_IFDIR);
		scene_bind(s, dir, scene_name(s, s->root, name));
		f = scene_file(s, S_IFREG);
		scene_bind(s, f, scene_name(s, dir, "f"));
		scene_read(s, p, secret);
		scene_write(s, p, f);
	}
	scene_read(s, thief, secret);
	scene_event_full(s, (struct lm_event){ .op = LM_OP_SEND, .actor = thief, .object = out,
					       .result = 900 });
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.direction = LM_FORWARD, .filters = LM_FILTERS_ALL, .top = 1 }, &secret, 1);

	assert_int_equal(lm_answer_view(answer).node_count, 3);
	assert_true(answer_node(answer, out)->flags & LM_NODE_EXIT);
	assert_true(answer_has(answer, thief));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_first_screen_holds_the_attack),
		SCENE_TEST(test_paths_are_whole),
		SCENE_TEST(test_scores_are_explained),
		SCENE_TEST(test_the_latest_input_tells_most),
		SCENE_TEST(test_nothing_is_left_out_where_all_fits),
		SCENE_TEST(test_gaps_stay),
		SCENE_TEST(test_forward),
	};

	return cmocka_run_group_tests_name("graph top", tests, NULL, NULL);
}
