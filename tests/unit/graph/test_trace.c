/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* The walk itself: time, mappings, names over time, connections. No filters. */

static void test_follows_write_and_read(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	scene_write(s, a, f);
	scene_read(s, b, f);
	scene_read(s, b, f);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);
	const struct lm_answer_edge *read = answer_edge(answer, f, b, "read");

	assert_non_null(answer_edge(answer, a, f, "write"));
	assert_non_null(answer_edge(answer, b, g, "write"));
	assert_non_null(read);
	assert_int_equal(read->count, 2);
	assert_int_equal(read->bytes, 20);
	assert_true(answer_node(answer, g)->flags & LM_NODE_DETECTION);
	assert_true(lm_answer_view(answer).complete);
}

static void test_never_follows_what_came_later(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	scene_read(s, b, f);
	scene_write(s, b, g);
	scene_write(s, a, f); /* after b read it */
	scene_read(s, b, f);  /* after b wrote */
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_true(answer_has(answer, f));
	assert_false(answer_has(answer, a));
	assert_int_equal(answer_edge(answer, f, b, "read")->count, 1);
}

static void test_detection_has_a_time(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG);
	uint64_t between;

	scene_write(s, a, f);
	between = s->now - 1;
	scene_write(s, b, f);
	scene_finish(s);

	struct lm_answer *back ANSWER = scene_trace_at(s, LM_BACKWARD, 0, f, between);
	struct lm_answer *on ANSWER = scene_trace_at(s, LM_FORWARD, 0, b, between);

	assert_true(answer_has(back, a));
	assert_false(answer_has(back, b));
	assert_true(answer_has(on, f));
}

static void test_overlapping_events_may_influence(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	/* The write ended after the read did, but began before. */
	scene_event_full(s, (struct lm_event){ .op = LM_OP_READ, .actor = b, .object = f,
					       .begin_ns = 100, .end_ns = 300 });
	scene_event_full(s, (struct lm_event){ .op = LM_OP_WRITE, .actor = a, .object = f,
					       .begin_ns = 200, .end_ns = 500 });
	scene_event_full(s, (struct lm_event){ .op = LM_OP_WRITE, .actor = b, .object = g,
					       .begin_ns = 600, .end_ns = 700 });
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_true(answer_has(answer, a));
}

static uint64_t map(struct scene *s, lm_object_id actor, lm_object_id file, uint64_t prot,
		    uint64_t flags)
{
	return scene_event_full(s, (struct lm_event){ .op = LM_OP_MMAP,
					   .actor = actor,
					   .object = file,
					   .arg = prot | flags << 32 });
}

static void test_mapping_lasts_until_unmapped(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id c = scene_process(s, 12, 0, "c");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	map(s, b, f, 1, 1); /* readable, shared */
	scene_write(s, a, f);
	scene_event(s, LM_OP_MUNMAP, b, f, 0);
	scene_write(s, c, f);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_true(answer_has(answer, a));
	assert_false(answer_has(answer, c));
}

static void test_mapping_lasts_until_exit(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	map(s, a, f, 3, 1); /* writable, shared */
	scene_read(s, b, f);
	scene_event(s, LM_OP_EXIT, a, 0, 0);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_true(answer_has(answer, a));
}

/* Two mappings, one undone: which one is not known, so the file stays mapped. */
static void test_one_of_two_mappings_remains(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	map(s, b, f, 1, 2);
	map(s, b, f, 1, 2);
	scene_event(s, LM_OP_MUNMAP, b, f, 0);
	scene_write(s, a, f);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_true(answer_has(answer, a));
}

static void test_null_device_conducts_nothing(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id null = scene_device(s, 1, 3), g = scene_file(s, S_IFREG);

	scene_write(s, a, null);
	scene_read(s, b, null);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_false(answer_has(answer, a));
	assert_false(answer_has(answer, null));
}

/* What one process sent into a socket does not come back to who reads from it. */
static void test_socket_ends_do_not_echo(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id sock = scene_socket(s, 1, 80, 2, 5000, 1), g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_SEND, a, sock, 0);
	scene_event(s, LM_OP_RECV, b, sock, 0);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, g);

	assert_true(answer_node(answer, sock)->flags & LM_NODE_ENTRY);
	assert_false(answer_has(answer, a));
}

static void test_two_ends_of_a_connection(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id near = scene_socket(s, 1, 80, 1, 5000, 7);
	lm_object_id far = scene_socket(s, 1, 5000, 1, 80, 7), g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_SEND, a, far, 0);
	scene_event(s, LM_OP_RECV, b, near, 0);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *back ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *on ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_NONE, a);

	assert_non_null(answer_edge(back, far, near, "connection"));
	assert_true(answer_has(back, a));
	assert_false(answer_node(back, near)->flags & LM_NODE_ENTRY);
	assert_true(answer_has(on, g));
}

static void test_connection_between_namespaces(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id near = scene_socket(s, 1, 80, 2, 5000, 7);
	lm_object_id far = scene_socket(s, 2, 5000, 1, 80, 8), g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_SEND, a, far, 0);
	scene_event(s, LM_OP_RECV, b, near, 0);
	scene_write(s, b, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	uint32_t filters =
		LM_FILTERS_ALL & ~lm_filter_bits("peer-namespace") & ~lm_filter_bits("no-entry");
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, filters, g);

	assert_true(answer_node(on, near)->flags & LM_NODE_ENTRY);
	assert_false(answer_has(on, far));
	assert_int_equal(answer_hidden(on, LM_FILTER_PEER_NAMESPACE), 1);
	assert_true(answer_has(off, far));
	assert_true(answer_has(off, a));
}

struct tree {
	lm_object_id outer_a, outer_b, inner, dir_outer, dir_inner, file, leaf;
};

/* /a/in/x: a file two directories down, everything there before the recorder. */
static struct tree make_tree(struct scene *s)
{
	struct tree t;

	t.dir_outer = scene_file(s, S_IFDIR);
	t.dir_inner = scene_file(s, S_IFDIR);
	t.file = scene_file(s, S_IFREG);
	t.outer_a = scene_name(s, s->root, "a");
	t.outer_b = scene_name(s, s->root, "b");
	t.inner = scene_name(s, t.dir_outer, "in");
	t.leaf = scene_name(s, t.dir_inner, "x");
	scene_bind(s, t.dir_outer, t.outer_a);
	scene_bind(s, t.dir_inner, t.inner);
	return t;
}

/* Renaming a directory, even two levels up, changes what a path below it means. */
static void test_renamed_directory_is_behind_its_reader(void **state)
{
	struct scene *s = *state;
	lm_object_id mover = scene_process(s, 10, 0, "mover"),
		     reader = scene_process(s, 11, 0, "reader");
	struct tree t = make_tree(s);
	lm_object_id out = scene_file(s, S_IFREG);

	scene_rename(s, mover, t.dir_outer, t.outer_a, t.outer_b);
	scene_event(s, LM_OP_OPEN, reader, t.file, t.leaf);
	scene_read(s, reader, t.file);
	scene_write(s, reader, out);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, out);
	struct lm_answer *filtered ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);
	struct lm_answer *on ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, mover);

	assert_non_null(answer_edge(answer, mover, t.outer_b, "rename"));
	assert_non_null(answer_edge(answer, t.outer_b, t.inner, "directory"));
	assert_non_null(answer_edge(answer, t.inner, t.leaf, "directory"));
	assert_true(answer_has(filtered, mover));
	assert_true(answer_has(on, out));
}

/* Making a directory says nothing about a file that somebody else made in it later. */
static void test_made_directory_has_low_control(void **state)
{
	struct scene *s = *state;
	lm_object_id maker = scene_process(s, 10, 0, "mkdir"), p = scene_process(s, 11, 0, "p");
	lm_object_id dir = scene_file(s, S_IFDIR), f = scene_file(s, S_IFREG);
	lm_object_id dir_name = scene_name(s, s->root, "d"), leaf = scene_name(s, dir, "x");

	scene_event(s, LM_OP_MKDIR, maker, dir, dir_name);
	scene_create(s, p, f, leaf);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, leaf);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, leaf);

	assert_true(answer_has(on, p));
	assert_false(answer_has(on, maker));
	assert_true(answer_has(off, maker));
}

/* The tree is made in sight, and moved as a whole: the file in it goes along. */
static void test_tree_made_in_sight_is_taken_along(void **state)
{
	struct scene *s = *state;
	lm_object_id maker = scene_process(s, 10, 0, "mkdir"),
		     mover = scene_process(s, 11, 0, "mover");
	lm_object_id author = scene_process(s, 12, 0, "author"),
		     reader = scene_process(s, 13, 0, "r");
	struct tree t = { .dir_outer = scene_file(s, S_IFDIR), .dir_inner = scene_file(s, S_IFDIR),
			  .file = scene_file(s, S_IFREG) };
	lm_object_id out = scene_file(s, S_IFREG), late = scene_file(s, S_IFREG), late_name;

	t.outer_a = scene_name(s, s->root, "a");
	t.outer_b = scene_name(s, s->root, "b");
	t.inner = scene_name(s, t.dir_outer, "in");
	t.leaf = scene_name(s, t.dir_inner, "x");
	late_name = scene_name(s, t.dir_inner, "late");
	scene_event(s, LM_OP_MKDIR, maker, t.dir_outer, t.outer_a);
	scene_event(s, LM_OP_MKDIR, maker, t.dir_inner, t.inner);
	scene_create(s, author, t.file, t.leaf);
	scene_write(s, author, t.file);
	scene_rename(s, mover, t.dir_outer, t.outer_a, t.outer_b);
	scene_create(s, author, late, late_name);
	scene_event(s, LM_OP_OPEN, reader, t.file, t.leaf);
	scene_read(s, reader, t.file);
	scene_write(s, reader, out);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);
	struct lm_answer *on ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, mover);
	struct lm_answer *made_after ANSWER =
		scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, late_name);

	assert_true(answer_has(answer, mover));
	assert_true(answer_has(answer, author));
	assert_true(answer_has(on, out));
	assert_true(answer_has(made_after, author));
	assert_false(answer_has(made_after, mover));
}

static void test_directory_renamed_afterwards_is_not(void **state)
{
	struct scene *s = *state;
	lm_object_id mover = scene_process(s, 10, 0, "mover"),
		     reader = scene_process(s, 11, 0, "reader");
	struct tree t = make_tree(s);
	lm_object_id out = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_OPEN, reader, t.file, t.leaf);
	scene_read(s, reader, t.file);
	scene_write(s, reader, out);
	scene_rename(s, mover, t.dir_outer, t.outer_a, t.outer_b);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_NONE, out);

	assert_false(answer_has(answer, mover));
}

static void test_forward_reaches_what_was_touched(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), b = scene_process(s, 11, 0, "b");
	lm_object_id sock = scene_socket(s, 1, 80, 2, 5000, 1);
	lm_object_id early = scene_file(s, S_IFREG), f = scene_file(s, S_IFREG);
	lm_object_id library = scene_file(s, S_IFREG), out = scene_file(s, S_IFREG);

	scene_write(s, a, early);
	scene_event(s, LM_OP_RECV, a, sock, 0);
	scene_read(s, a, library);
	scene_write(s, a, f);
	scene_read(s, b, f);
	scene_write(s, b, out);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, sock);

	assert_true(answer_has(answer, f));
	assert_true(answer_has(answer, out));
	assert_false(answer_has(answer, early));
	assert_false(answer_has(answer, library));
}

static void test_gaps_are_told(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), f = scene_file(s, S_IFREG);
	uint64_t before;

	scene_write(s, a, f);
	before = s->now - 1;
	scene_gap(s, s->now + 10, s->now + 20, 5);
	scene_event(s, LM_OP_READ, a, f, 0);
	scene_finish(s);

	struct lm_answer *early ANSWER = scene_trace_at(s, LM_BACKWARD, 0, f, before);
	struct lm_answer *late ANSWER = scene_trace(s, LM_BACKWARD, 0, f);

	assert_true(lm_answer_view(early).complete);
	assert_false(lm_answer_view(late).complete);
	assert_int_equal(lm_answer_view(late).gap_count, 1);
}

static void test_limit_of_nodes_is_told(void **state)
{
	struct scene *s = *state;
	lm_object_id a = scene_process(s, 10, 0, "a"), f = scene_file(s, S_IFREG);
	struct lm_detections from LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *answer ANSWER = NULL;

	for (int i = 0; i < 20; i++)
		scene_read(s, a, scene_file(s, S_IFREG));
	scene_write(s, a, f);
	scene_finish(s);
	assert_int_equal(lm_detections_add(&from, (struct lm_detection){ f, 0, UINT64_MAX }), 0);
	struct lm_trace_options options = { .from = &from, .max_nodes = 5 };
	assert_int_equal(lm_trace(s->index, &options, &answer, NULL), 0);
	assert_true(lm_answer_view(answer).limited);
	assert_false(lm_answer_view(answer).complete);
	assert_int_equal(lm_answer_view(answer).node_count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_follows_write_and_read),
		SCENE_TEST(test_never_follows_what_came_later),
		SCENE_TEST(test_detection_has_a_time),
		SCENE_TEST(test_overlapping_events_may_influence),
		SCENE_TEST(test_mapping_lasts_until_unmapped),
		SCENE_TEST(test_mapping_lasts_until_exit),
		SCENE_TEST(test_one_of_two_mappings_remains),
		SCENE_TEST(test_null_device_conducts_nothing),
		SCENE_TEST(test_socket_ends_do_not_echo),
		SCENE_TEST(test_two_ends_of_a_connection),
		SCENE_TEST(test_connection_between_namespaces),
		SCENE_TEST(test_renamed_directory_is_behind_its_reader),
		SCENE_TEST(test_made_directory_has_low_control),
		SCENE_TEST(test_tree_made_in_sight_is_taken_along),
		SCENE_TEST(test_directory_renamed_afterwards_is_not),
		SCENE_TEST(test_forward_reaches_what_was_touched),
		SCENE_TEST(test_gaps_are_told),
		SCENE_TEST(test_limit_of_nodes_is_told),
	};

	return cmocka_run_group_tests_name("graph trace", tests, NULL, NULL);
}
