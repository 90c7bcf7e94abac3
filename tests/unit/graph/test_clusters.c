/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* Repeated shapes become one node. */

#define COMPILERS 37

struct build {
	lm_object_id intruder, make, gcc, src, obj, program;
	lm_object_id compilers[COMPILERS], sources[COMPILERS], objects[COMPILERS];
};

static lm_object_id make_file(struct scene *s, lm_object_id dir, const char *format, int i)
{
	char component[32];
	lm_object_id file = scene_file(s, S_IFREG);

	snprintf(component, sizeof(component), format, i);
	scene_bind(s, file, scene_name(s, dir, component));
	return file;
}

static lm_object_id make_directory(struct scene *s, const char *component)
{
	lm_object_id dir = scene_file(s, S_IFDIR);

	scene_bind(s, dir, scene_name(s, s->root, component));
	return dir;
}

/* An intruder wrote all sources; each is compiled by a process of its own; all are linked. */
static struct build make_build(struct scene *s)
{
	struct build b = { .intruder = scene_intruder(s), .make = scene_process(s, 20, 0, "make"),
			   .gcc = scene_file(s, S_IFREG), .program = scene_file(s, S_IFREG) };
	lm_object_id linker = scene_process(s, 21, b.make, "ld");

	b.src = make_directory(s, "src");
	b.obj = make_directory(s, "obj");
	for (int i = 0; i < COMPILERS; i++) {
		b.sources[i] = make_file(s, b.src, "%d.c", i);
		b.objects[i] = make_file(s, b.obj, "%d.o", i);
		scene_write(s, b.intruder, b.sources[i]);
		b.compilers[i] = scene_exec(s, scene_fork(s, b.make, (uint32_t)(100 + i), "sh"),
					    b.gcc, 0, "cc1");
		scene_read(s, b.compilers[i], b.sources[i]);
		/* How often says nothing about the shape. */
		for (int n = 0; n <= i % 3; n++)
			scene_write(s, b.compilers[i], b.objects[i]);
	}
	for (int i = 0; i < COMPILERS; i++)
		scene_read(s, linker, b.objects[i]);
	scene_write(s, linker, b.program);
	return b;
}

static void test_build_is_folded(void **state)
{
	struct scene *s = *state;
	struct build b = make_build(s);

	scene_finish(s);
	struct lm_answer *answer ANSWER =
		scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, b.program);
	const struct lm_answer_node *cc1 = answer_group(answer, b.compilers[0]);
	const struct lm_answer_node *src = answer_group(answer, b.sources[36]);
	const struct lm_answer_edge *edge = NULL;
	struct lm_answer_view view = lm_answer_view(answer);
	char *text LM_FREE = answer_text(answer);
	char *json LM_FREE = answer_written(lm_answer_write_json, answer);
	char id[48];

	assert_non_null(cc1);
	assert_ptr_equal(cc1, answer_group(answer, b.compilers[36]));
	assert_string_equal(cc1->label, "37 x cc1");
	assert_int_equal(cc1->count, COMPILERS);
	assert_int_equal(cc1->of, LM_OBJECT_KIND_PROCESS);
	assert_string_equal(src->label, "37 files in /src");
	assert_string_equal(answer_group(answer, b.objects[3])->label, "37 files in /obj");
	assert_int_equal(answer_hidden(answer, LM_FILTER_CLUSTERS), 3 * COMPILERS);
	assert_true(answer_has(answer, b.intruder) && answer_has(answer, b.program));
	for (uint32_t i = 0; i < view.edge_count; i++)
		if (&view.nodes[view.edges[i].to] == cc1 && &view.nodes[view.edges[i].from] == src)
			edge = &view.edges[i];
	assert_non_null(edge);
	assert_int_equal(edge->count, COMPILERS);
	assert_int_equal(edge->bytes, 10 * COMPILERS);
	assert_non_null(strstr(text, "37 x cc1"));
	assert_non_null(strstr(text, "37 files in /src: 0.c, 1.c, 2.c, ..."));
	snprintf(id, sizeof(id), "{\"id\":\"gp%u\",\"kind\":\"group\",", b.compilers[0]);
	assert_non_null(strstr(json, id));
	snprintf(id, sizeof(id), "\"members\":[\"f%u\",\"f%u\"", b.sources[0], b.sources[1]);
	assert_non_null(strstr(json, "\"of\":\"process\",\"count\":37,\"members\":[\"p"));
	assert_non_null(strstr(json, id));
}

static void test_folding_is_reversible(void **state)
{
	struct scene *s = *state;
	struct build b = make_build(s);

	scene_finish(s);
	struct lm_answer *off ANSWER =
		scene_trace(s, LM_BACKWARD, scene_without("clusters"), b.program);

	for (int i = 0; i < COMPILERS; i++) {
		assert_true(answer_has(off, b.compilers[i]));
		assert_non_null(answer_edge(off, b.sources[i], b.compilers[i], "read"));
	}
	assert_int_equal(answer_hidden(off, LM_FILTER_CLUSTERS), 0);
}

/* One compiler that did something else besides is no repetition. */
static void test_what_differs_stands_out(void **state)
{
	struct scene *s = *state;
	struct build b = make_build(s);
	lm_object_id q = scene_intruder(s), patch = scene_file(s, S_IFREG);

	scene_write(s, q, patch);
	scene_read(s, b.compilers[5], patch);
	scene_write(s, b.compilers[5], b.objects[5]);
	lm_object_id linker = scene_process(s, 90, b.make, "ld"), other = scene_file(s, S_IFREG);
	for (int i = 0; i < COMPILERS; i++)
		scene_read(s, linker, b.objects[i]);
	scene_write(s, linker, other);
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, other);

	assert_true(answer_has(answer, b.compilers[5]));
	assert_true(answer_has(answer, b.objects[5]));
	assert_true(answer_has(answer, patch));
	assert_int_equal(answer_group(answer, b.compilers[4])->count, COMPILERS - 1);
}

/* Alike, but of another parent: then these are two groups. */
static void test_parents_count(void **state)
{
	struct scene *s = *state;
	lm_object_id p[2] = { scene_intruder(s), scene_intruder(s) }, children[2][5];
	lm_object_id out = scene_file(s, S_IFREG);

	scene_write(s, p[0], out);
	for (int i = 0; i < 10; i++) {
		children[i % 2][i / 2] = scene_fork(s, p[i % 2], (uint32_t)(100 + i), "worker");
		scene_write(s, children[i % 2][i / 2], out);
	}
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);

	assert_int_equal(answer_group(answer, children[0][0])->count, 5);
	assert_int_equal(answer_group(answer, children[1][0])->count, 5);
	assert_ptr_not_equal(answer_group(answer, children[0][0]),
			     answer_group(answer, children[1][0]));
}

static void test_few_are_not_folded(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), out = scene_file(s, S_IFREG), child = 0;

	for (int i = 0; i < 3; i++) {
		child = scene_fork(s, p, (uint32_t)(100 + i), "worker");
		scene_write(s, child, out);
	}
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);

	assert_true(answer_has(answer, child));
	assert_int_equal(answer_hidden(answer, LM_FILTER_CLUSTERS), 0);
}

/* Neither what is asked about, nor where influence came in, nor an end of --to. */
static void test_what_matters_is_never_swallowed(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p"), sockets[6], files[6];
	lm_object_id dir = make_directory(s, "tmp");
	struct lm_detections to LM_DETECTIONS = LM_DETECTIONS_INIT;

	for (int i = 0; i < 6; i++) {
		sockets[i] = scene_socket(s, 1, 80, 2, (uint16_t)(5000 + i), 1);
		scene_event(s, LM_OP_RECV, p, sockets[i], 0);
	}
	for (int i = 0; i < 6; i++) {
		files[i] = make_file(s, dir, "%d", i);
		scene_write(s, p, files[i]);
	}
	scene_finish(s);
	assert_int_equal(
		lm_detections_add(&to, (struct lm_detection){ files[5], 0, UINT64_MAX }), 0);
	struct lm_answer *back ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.filters = scene_without("older-inputs") }, files, 6);
	struct lm_answer *on ANSWER =
		scene_trace(s, LM_FORWARD, scene_without("older-inputs"), sockets[0]);
	struct lm_answer *way ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.direction = LM_FORWARD, .filters = scene_without("older-inputs"),
		.to = &to }, sockets, 1);

	for (int i = 0; i < 6; i++)
		assert_true(answer_has(back, sockets[i]) && answer_has(back, files[i]));
	assert_int_equal(answer_group(on, files[5])->count, 6);
	assert_true(answer_has(way, files[5]));
}

/* Members are told up to a bound, and counted beyond it. */
static void test_members_are_bounded(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), dir = make_directory(s, "spool"), first;
	const struct lm_answer_node *group;

	first = make_file(s, dir, "%d", 0);
	scene_write(s, p, first);
	for (int i = 1; i < 300; i++)
		scene_write(s, p, make_file(s, dir, "%d", i));
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, p);

	group = answer_group(answer, first);
	assert_int_equal(group->count, 300);
	assert_int_equal(group->member_count, LM_MEMBERS_MAX);
	assert_int_equal(lm_answer_view(answer).node_count, 2);
}

/* A hundred thousand objects take no longer than their number says. */
static void test_many(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), dir = make_directory(s, "spool");

	for (int i = 0; i < 100000; i++)
		scene_write(s, p, make_file(s, dir, "%d", i));
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.direction = LM_FORWARD, .filters = LM_FILTERS_ALL, .scores = true,
		.top = LM_TOP_SCREEN }, &p, 1);
	struct lm_answer *off ANSWER = scene_trace_options(s, (struct lm_trace_options){
		.direction = LM_FORWARD, .filters = LM_FILTERS_NONE, .scores = true,
		.top = LM_TOP_SCREEN }, &p, 1);

	assert_int_equal(lm_answer_view(answer).node_count, 2);
	assert_int_equal(lm_answer_view(off).node_count, LM_SCREEN_NODES);
	assert_int_equal(lm_answer_view(off).shown.of_nodes, 100001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_build_is_folded),
		SCENE_TEST(test_folding_is_reversible),
		SCENE_TEST(test_what_differs_stands_out),
		SCENE_TEST(test_parents_count),
		SCENE_TEST(test_few_are_not_folded),
		SCENE_TEST(test_what_matters_is_never_swallowed),
		SCENE_TEST(test_members_are_bounded),
		SCENE_TEST(test_many),
	};

	return cmocka_run_group_tests_name("graph clusters", tests, NULL, NULL);
}
