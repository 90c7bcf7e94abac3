/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* Each filter, on and off. */

static uint32_t without(const char *name)
{
	uint32_t bits = lm_filter_bits(name);

	assert_int_not_equal(bits, 0);
	return LM_FILTERS_ALL & ~bits;
}

static void test_read_only(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), library = scene_file(s, S_IFREG);
	lm_object_id name = scene_name(s, s->root, "lib"), g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_OPEN, p, library, name);
	scene_read(s, p, library);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *off ANSWER = scene_trace(
		s, LM_BACKWARD, without("read-only") & ~lm_filter_bits("no-entry"), g);

	assert_true(answer_has(on, p));
	assert_false(answer_has(on, library));
	assert_int_equal(answer_hidden(on, LM_FILTER_READ_ONLY), 2);
	assert_true(answer_has(off, library));
}

static void test_low_control(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), q = scene_intruder(s), g = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_SIGNAL, q, p, 0);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("low-control"), g);

	assert_false(answer_has(on, q));
	assert_int_equal(answer_hidden(on, LM_FILTER_LOW_CONTROL), 1);
	assert_true(answer_has(off, q));
}

static void test_low_control_counts_where_there_is_nothing_else(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), f = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_UTIMES, p, f, 0);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, f);

	assert_non_null(answer_edge(answer, p, f, "utimes"));
}

static void test_no_entry(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), clean = scene_process(s, 20, 0, "clean");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	scene_write(s, clean, f);
	scene_read(s, p, f);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("no-entry"), g);

	assert_true(answer_has(on, p));
	assert_false(answer_has(on, clean));
	assert_false(answer_has(on, f));
	assert_int_equal(answer_hidden(on, LM_FILTER_NO_ENTRY), 2);
	assert_true(answer_has(off, clean));
}

static void test_without_any_entry_branches_stay(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p"), clean = scene_process(s, 20, 0, "clean");
	lm_object_id f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);

	scene_write(s, clean, f);
	scene_read(s, p, f);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_true(answer_has(answer, clean));
	assert_true(lm_answer_view(answer).no_entry_found);
}

static void test_terminal_is_an_entry(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "sh"), tty = scene_device(s, 136, 0);
	lm_object_id q = scene_process(s, 11, 0, "noise"), g = scene_file(s, S_IFREG);

	scene_write(s, q, tty);
	scene_read(s, p, tty);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_true(answer_node(answer, tty)->flags & LM_NODE_ENTRY);
	assert_false(answer_has(answer, q)); /* what is printed is not typed */
}

static void test_helpers(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), pipe = scene_pipe(s), g = scene_file(s, S_IFREG);
	lm_object_id helper = scene_fork(s, p, 30, "sh");
	lm_object_id below = scene_fork(s, helper, 31, "date");

	scene_write(s, below, pipe);
	scene_write(s, helper, pipe);
	scene_read(s, p, pipe);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("helpers"), g);

	assert_true(answer_has(off, below));
	assert_true(answer_has(off, pipe));
	assert_true(answer_has(on, p));
	/* The pipe joins child and grandchild to the parent: one tree. */
	assert_false(answer_has(on, helper));
	assert_false(answer_has(on, below));
	assert_false(answer_has(on, pipe));
	assert_int_equal(answer_hidden(on, LM_FILTER_HELPERS), 3);
}

static void test_helper_with_a_pipe_of_its_own_is_folded(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), pipe = scene_pipe(s), g = scene_file(s, S_IFREG);
	lm_object_id helper = scene_fork(s, p, 30, "sh");
	lm_object_id inner = scene_pipe(s), below = scene_fork(s, helper, 31, "date");

	scene_write(s, below, inner);
	scene_read(s, helper, inner);
	scene_write(s, helper, pipe);
	scene_read(s, p, pipe);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("helpers"), g);

	assert_false(answer_has(on, below));
	assert_false(answer_has(on, helper));
	assert_false(answer_has(on, pipe));
	assert_int_equal(answer_hidden(on, LM_FILTER_HELPERS), 4);
	assert_true(answer_has(off, helper));
	assert_true(answer_has(off, below));
}

static void test_a_child_that_heard_others_is_no_helper(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), q = scene_intruder(s);
	lm_object_id pipe = scene_pipe(s), f = scene_file(s, S_IFREG), g = scene_file(s, S_IFREG);
	lm_object_id child = scene_fork(s, p, 30, "sh");

	scene_write(s, q, f);
	scene_read(s, child, f);
	scene_write(s, child, pipe);
	scene_read(s, p, pipe);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_true(answer_has(answer, child));
	assert_true(answer_has(answer, q));
}

/* /etc/passwd, changed by one process and read by another. */
struct passwd {
	lm_object_id file, writer, reader, out;
};

static struct passwd make_passwd(struct scene *s)
{
	lm_object_id etc = scene_file(s, S_IFDIR), etc_name = scene_name(s, s->root, "etc");
	lm_object_id name = scene_name(s, etc, "passwd");
	struct passwd p = { .file = scene_file(s, S_IFREG), .writer = scene_intruder(s),
			    .reader = scene_intruder(s), .out = scene_file(s, S_IFREG) };

	scene_bind(s, etc, etc_name);
	scene_bind(s, p.file, name);
	scene_write(s, p.writer, p.file);
	scene_event(s, LM_OP_OPEN, p.reader, p.file, name);
	scene_read(s, p.reader, p.file);
	scene_write(s, p.reader, p.out);
	return p;
}

static void test_common_backward(void **state)
{
	struct scene *s = *state;
	struct passwd p = make_passwd(s);

	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, p.out);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("common"), p.out);
	struct lm_answer *itself ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, p.file);

	assert_false(answer_has(on, p.writer));
	assert_int_equal(answer_hidden(on, LM_FILTER_COMMON), 2);
	assert_true(answer_has(off, p.writer));
	assert_true(answer_has(itself, p.writer));
}

static void test_common_forward(void **state)
{
	struct scene *s = *state;
	struct passwd p = make_passwd(s);

	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, p.writer);
	struct lm_answer *off ANSWER = scene_trace(s, LM_FORWARD, without("common"), p.writer);
	struct lm_answer *readers ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, p.file);

	assert_true(answer_has(on, p.file));
	assert_false(answer_has(on, p.out));
	assert_true(answer_has(off, p.out));
	assert_true(answer_has(readers, p.out));
}

struct server {
	lm_object_id process, sockets[8], children[8], files[8];
};

/* One connection, one child, one file: eight times. */
static struct server make_server(struct scene *s)
{
	struct server v = { .process = scene_process(s, 50, 0, "httpd") };

	for (int i = 0; i < 8; i++) {
		v.sockets[i] = scene_socket(s, 1, 80, 2, (uint16_t)(6000 + i), 1);
		scene_event(s, LM_OP_ACCEPT, v.process, v.sockets[i], 0);
		scene_event(s, LM_OP_RECV, v.process, v.sockets[i], 0);
		v.children[i] = scene_fork(s, v.process, (uint32_t)(60 + i), "cgi");
		v.files[i] = scene_file(s, S_IFREG);
		scene_write(s, v.children[i], v.files[i]);
	}
	return v;
}

static void test_older_inputs_backward(void **state)
{
	struct scene *s = *state;
	struct server v = make_server(s);

	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, v.files[5]);
	struct lm_answer *off ANSWER =
		scene_trace(s, LM_BACKWARD, without("older-inputs"), v.files[5]);
	const struct lm_answer_node *group = answer_node(on, LM_OBJECT_NONE);

	assert_true(answer_has(on, v.sockets[5]));
	assert_true(answer_has(on, v.sockets[3]));
	assert_false(answer_has(on, v.sockets[2]));
	assert_false(answer_has(on, v.sockets[6]));
	assert_non_null(group);
	assert_string_equal(group->label, "3 earlier connections of httpd");
	assert_int_equal(answer_hidden(on, LM_FILTER_OLDER_INPUTS), 3);
	assert_true(answer_has(off, v.sockets[0]));
	assert_null(answer_node(off, LM_OBJECT_NONE));
}

/* What a busy server did for others must not bring their connections in. */
static void test_inputs_of_helpers_go_with_them(void **state)
{
	struct scene *s = *state;
	lm_object_id httpd = scene_process(s, 50, 0, "httpd"), out = scene_file(s, S_IFREG);
	lm_object_id sockets[8], child = 0;

	for (int i = 0; i < 8; i++) {
		lm_object_id pipe = scene_pipe(s);

		sockets[i] = scene_socket(s, 1, 80, 2, (uint16_t)(6000 + i), 1);
		scene_event(s, LM_OP_RECV, httpd, sockets[i], 0);
		child = scene_fork(s, httpd, (uint32_t)(60 + i), "cgi");
		scene_write(s, child, pipe);
		scene_read(s, httpd, pipe);
	}
	scene_write(s, child, out);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, out);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("helpers"), out);

	assert_true(answer_has(on, sockets[7]));
	assert_true(answer_has(on, sockets[5]));
	assert_false(answer_has(on, sockets[4]));
	assert_true(answer_has(off, sockets[4]));
	assert_int_equal(lm_answer_view(on).node_count, 1 + 1 + 1 + 3 + 1); /* with the group */
	assert_string_equal(
		answer_node(on, LM_OBJECT_NONE)->label, "5 earlier connections of httpd");
}

static void test_own_file_leads_nowhere(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), own = scene_file(s, S_IFREG);
	lm_object_id g = scene_file(s, S_IFREG);

	scene_write(s, p, own);
	scene_read(s, p, own);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("helpers"), g);

	assert_false(answer_has(on, own));
	assert_true(answer_has(off, own));
}

/* A pid file or a log of a server: made under a name, and opened through it again. */
static void test_own_named_file_leads_nowhere(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), own = scene_file(s, S_IFREG);
	lm_object_id run = scene_file(s, S_IFDIR), g = scene_file(s, S_IFREG), name;

	scene_bind(s, run, scene_name(s, s->root, "run"));
	name = scene_name(s, run, "httpd.pid");
	scene_create(s, p, own, name);
	scene_write(s, p, own);
	scene_event(s, LM_OP_OPEN, p, own, name);
	scene_read(s, p, own);
	scene_write(s, p, g);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_false(answer_has(on, own));
	assert_false(answer_has(on, name));
	assert_int_equal(lm_answer_view(on).node_count, 3);
}

static void test_older_inputs_forward(void **state)
{
	struct scene *s = *state;
	struct server v = make_server(s);

	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_FORWARD, LM_FILTERS_ALL, v.sockets[4]);
	struct lm_answer *off ANSWER =
		scene_trace(s, LM_FORWARD, without("older-inputs"), v.sockets[4]);

	assert_true(answer_has(on, v.files[4]));
	assert_false(answer_has(on, v.files[3]));
	assert_false(answer_has(on, v.files[5]));
	assert_true(answer_hidden(on, LM_FILTER_OLDER_INPUTS) > 0);
	assert_true(answer_has(off, v.files[5]));
	assert_false(answer_has(off, v.files[3]));
}

static void test_names(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), f = scene_file(s, S_IFREG);
	lm_object_id old = scene_name(s, s->root, "passwd+"),
		     name = scene_name(s, s->root, "passwd");

	scene_create(s, p, f, old);
	scene_write(s, p, f);
	scene_rename(s, p, f, old, name);
	scene_finish(s);

	struct lm_answer *on ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, name);
	struct lm_answer *off ANSWER = scene_trace(s, LM_BACKWARD, without("names"), name);

	/* A name alone does not bring its file into the answer. */
	assert_true(answer_has(on, name));
	assert_true(answer_has(off, name));

	struct lm_detections both LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *folded ANSWER = NULL;

	assert_int_equal(lm_spec_resolve(s->index, "file:/passwd", 0, &both, NULL), 0);
	struct lm_trace_options options = { .filters = LM_FILTERS_ALL, .from = &both };
	assert_int_equal(lm_trace(s->index, &options, &folded, NULL), 0);
	assert_false(answer_has(folded, name));
	assert_true(answer_node(folded, f)->flags & LM_NODE_DETECTION);
	assert_string_equal(answer_node(folded, f)->path, "/passwd");
	assert_int_equal(answer_edge(folded, p, f, "rename")->count, 1);
	assert_non_null(answer_edge(folded, p, f, "write"));
	assert_true(answer_hidden(folded, LM_FILTER_NAMES) >= 1);
}

static void test_fork_and_exec_are_one(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), q = scene_intruder(s), exe = scene_file(s, S_IFREG);
	lm_object_id g = scene_file(s, S_IFREG), child, version;

	scene_write(s, q, exe);
	child = scene_fork(s, p, 30, "sh");
	version = scene_exec(s, child, exe, 0, "tool");
	scene_write(s, version, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_false(answer_has(answer, child));
	assert_non_null(answer_edge(answer, p, version, "fork"));
	assert_non_null(answer_edge(answer, exe, version, "exec"));
}

static void test_fork_that_worked_stays(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_intruder(s), q = scene_intruder(s), f = scene_file(s, S_IFREG);
	lm_object_id g = scene_file(s, S_IFREG), child, version;

	scene_write(s, q, f);
	child = scene_fork(s, p, 30, "sh");
	scene_read(s, child, f);
	version = scene_exec(s, child, scene_file(s, S_IFREG), 0, "tool");
	scene_write(s, version, g);
	scene_finish(s);

	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, g);

	assert_true(answer_has(answer, child));
	assert_non_null(answer_edge(answer, child, version, "exec"));
}

static void test_filters_have_names(void **state)
{
	for (unsigned int i = 0; i < LM_FILTER_COUNT; i++) {
		assert_int_equal(lm_filter_bits(lm_filter_name(i)), 1u << i);
		assert_true(strlen(lm_filter_purpose(i)) > 0);
	}
	assert_int_equal(lm_filter_bits("all"), LM_FILTERS_ALL);
	assert_int_equal(lm_filter_bits("everything"), 0);
	assert_null(lm_filter_name(LM_FILTER_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_read_only),
		SCENE_TEST(test_low_control),
		SCENE_TEST(test_low_control_counts_where_there_is_nothing_else),
		SCENE_TEST(test_no_entry),
		SCENE_TEST(test_without_any_entry_branches_stay),
		SCENE_TEST(test_terminal_is_an_entry),
		SCENE_TEST(test_helpers),
		SCENE_TEST(test_helper_with_a_pipe_of_its_own_is_folded),
		SCENE_TEST(test_a_child_that_heard_others_is_no_helper),
		SCENE_TEST(test_common_backward),
		SCENE_TEST(test_common_forward),
		SCENE_TEST(test_older_inputs_backward),
		SCENE_TEST(test_inputs_of_helpers_go_with_them),
		SCENE_TEST(test_own_file_leads_nowhere),
		SCENE_TEST(test_own_named_file_leads_nowhere),
		SCENE_TEST(test_older_inputs_forward),
		SCENE_TEST(test_names),
		SCENE_TEST(test_fork_and_exec_are_one),
		SCENE_TEST(test_fork_that_worked_stays),
		cmocka_unit_test(test_filters_have_names),
	};

	return cmocka_run_group_tests_name("graph filters", tests, NULL, NULL);
}
