/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int set_up_repeating(void **state)
{
	struct fixture *f;

	set_up_empty(state);
	f = *state;
	assert_int_equal(lm_identify_set_repeating(f->identify), 0);
	walk_dir(f, ROOT_DIR, NOTHING, "", LM_RAW_FOUND | LM_RAW_ROOT);
	walk_dir(f, TMP_DIR, ROOT_DIR, "tmp", LM_RAW_FOUND);
	process(f, LM_RAW_CALL_NONE, &(struct lm_raw_attributes[]){ attributes_of(1, 0) }[0],
		LM_RAW_FOUND);
	forget_told(f);
	return 0;
}

/* From here on nothing may be referred to that was only defined before. */
static void begin_segment(struct fixture *f)
{
	f->order.segment++;
	assert_int_equal(lm_identify_begin_segment(f->identify), 0);
	assert_told(f, "~kernel\n");
}

static void test_what_an_event_uses_is_told_again(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	forget_told(f);
	begin_segment(f);
	io(f, SYS_write, FILE_AT(7), 3, 1);
	io(f, SYS_write, FILE_AT(7), 3, 1);
	assert_told(f,
		"~f3 40755 gen=1 found\n"
		"~f2 40755 gen=1 found\n"
		"bind f2 root\n"
		"~f2/tmp found\n"
		"bind f3 f2/tmp\n"
		"~p1 cwd=f3 found\n"
		"~f7 100644 gen=1\n"
		"~f3/a\n"
		"bind f7 f3/a\n"
		"p1 write f7 =1\n"
		"p1 write f7 =1\n");
}

static void test_each_segment_has_its_own(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	forget_told(f);
	for (int i = 0; i < 3; i++) {
		begin_segment(f);
		io(f, SYS_write, FILE_AT(7), 3, 1);
		assert_non_null(memmem(f->told.data, f->told.len, "bind f7 f3/a\n", 13));
		forget_told(f);
	}
}

static void test_new_objects_need_nothing(void **state)
{
	struct fixture *f = *state;

	begin_segment(f);
	io(f, SYS_write, FILE_AT(8), 3, 1);
	forget_told(f);
	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, LM_RAW_CREATED);
	assert_told(f,
		"+f7 100644 gen=1\n"
		"+f3/a\n"
		"p1 open f7 @f3/a =3 created confirmed\n");
}

static void test_changed_names_are_told_by_the_event(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	open_file(f, FILE_AT(8), TMP_DIR, "b", 4, 0);
	forget_told(f);
	begin_segment(f);
	io(f, SYS_read, TMP_DIR, 5, 0);
	forget_told(f);
	paths(f, SYS_rename, "a", "b", 0, 0);
	assert_told(f,
		"~f7 100644 gen=1\n"
		"~f3/a\n"
		"~f3/b\n"
		"p1 rename f7 @f3/a @f3/b =0 claimed derived\n");
	begin_segment(f);
	io(f, SYS_read, TMP_DIR, 5, 0);
	forget_told(f);
	/* What a claim does not change is told: the claim itself binds nothing. */
	path(f, SYS_chmod, "b", 0);
	assert_told(f,
		"~f7 100644 gen=1\n"
		"~f3/b\n"
		"bind f7 f3/b\n"
		"p1 chmod f7 @f3/b =0 claimed derived\n");
}

static void test_a_name_that_is_gone_binds_nothing(void **state)
{
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	path(f, SYS_unlink, "a", 0);
	open_file(f, FILE_AT(8), TMP_DIR, "a", 4, LM_RAW_CREATED);
	forget_told(f);
	begin_segment(f);
	io(f, SYS_write, TMP_DIR, 5, 1);
	forget_told(f);
	io(f, SYS_write, FILE_AT(7), 3, 1);
	assert_told(f, "~f7 100644 gen=1\np1 write f7 =1\n");
}

static void test_mounts_cover(void **state)
{
	struct fixture *f = *state;

	walk_dir(f, DIR_AT(9), TMP_DIR, "m", LM_RAW_MOUNT);
	forget_told(f);
	begin_segment(f);
	io(f, SYS_read, DIR_AT(9), 3, 0);
	assert_non_null(memmem(f->told.data, f->told.len, "bind f9 f3/m mount\n", 19));
}

static void test_ancestors_and_programs(void **state)
{
	struct fixture *f = *state;

	exec_file(f, 1, FILE_AT(20), TMP_DIR, "sh", "");
	fork_child(f, 2, 0);
	as(f, 2);
	exec_file(f, 2, FILE_AT(21), TMP_DIR, "daemon", "");
	as(f, 1);
	exit_thread(f, 0, true);
	forget_told(f);
	begin_segment(f);
	as(f, 2);
	io(f, SYS_read, DIR_AT(2), 3, 0);
	assert_told(f,
		"~f3 40755 gen=1 found\n"
		"~f2 40755 gen=1 found\n"
		"bind f2 root\n"
		"~f2/tmp found\n"
		"bind f3 f2/tmp\n"
		"~p1 cwd=f3 found\n"
		"~f20 100644 gen=1\n"
		"~f3/sh\n"
		"bind f20 f3/sh\n"
		"~p1v1 previous=p1 exe=f20 as=f3/sh cwd=f3 'name' '-x'\n"
		"~p2 parent=p1v1 exe=f20 as=f3/sh cwd=f3 'name' '-x'\n"
		"~f21 100644 gen=1\n"
		"~f3/daemon\n"
		"bind f21 f3/daemon\n"
		"~p2v1 previous=p2 parent=p1v1 exe=f21 as=f3/daemon cwd=f3 'name' '-x'\n"
		"p2v1 read f2 =0\n");
}

static void test_what_a_program_held(void **state)
{
	struct lm_content content = { .state = LM_CONTENT_HASHED, .time_ns = 5 };
	struct fixture *f = *state;

	open_file(f, FILE_AT(7), TMP_DIR, "a", 3, 0);
	for (content.file = 1; content.file < f->label_count; content.file++)
		if (strcmp((char *)f->labels[content.file].data, "f7") == 0)
			break;
	assert_int_equal(lm_identify_content(f->identify, &content), 0);
	forget_told(f);
	begin_segment(f);
	io(f, SYS_write, FILE_AT(7), 3, 1);
	/* The fixture calls a content a file, by a number that it does not have. */
	assert_int_equal(f->order.kinds[f->label_count], LM_OBJECT_KIND_CONTENT);
	assert_int_equal(f->order.segments[f->label_count], f->order.segment);
}

static void test_sockets_and_groups(void **state)
{
	struct lm_raw_socket server = {
		.inode = 70, .dev = SOCKFS, .family = AF_INET, .type = SOCK_STREAM, .protocol = 6,
		.local = { .family = AF_INET, .port = 80, .ip = { 10, 0, 0, 1 } }, .fd = 3,
	};
	struct fixture *f = *state;

	socket_call(f, &server, SYS_bind, 0, 0);
	forget_told(f);
	begin_segment(f);
	io(f, SYS_read, SOCK_AT(70), 3, 1);
	assert_non_null(memmem(f->told.data, f->told.len, "~s70 local=10.0.0.1:80\n", 23));
}

/* So many files that what has been told is forgotten, but for what is still referred to. */
static void test_forgotten_programs_are_told(void **state)
{
	struct fixture *f = *state;

	lm_identify_set_memory(f->identify, 0);
	walk_dir(f, DIR_AT(50), ROOT_DIR, "opt", 0);
	exec_file(f, 1, FILE_AT(20), DIR_AT(50), "daemon", "");
	for (uint64_t i = 0; i < 2000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%llu", (unsigned long long)i);
		open_file(f, FILE_AT(1000 + i), TMP_DIR, name, 3, 0);
	}
	forget_told(f);
	begin_segment(f);
	io(f, SYS_write, FILE_AT(2999), 3, 1);
	assert_non_null(memmem(f->told.data, f->told.len, "~f50/daemon\n", 12));
	assert_non_null(memmem(f->told.data, f->told.len, "~f2/opt\n", 8));
	assert_non_null(memmem(f->told.data, f->told.len, "bind f20 f50/daemon\n", 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_an_event_uses_is_told_again,
			set_up_repeating, tear_down),
		cmocka_unit_test_setup_teardown(test_each_segment_has_its_own, set_up_repeating,
			tear_down),
		cmocka_unit_test_setup_teardown(test_new_objects_need_nothing, set_up_repeating,
			tear_down),
		cmocka_unit_test_setup_teardown(test_changed_names_are_told_by_the_event,
			set_up_repeating, tear_down),
		cmocka_unit_test_setup_teardown(test_a_name_that_is_gone_binds_nothing,
			set_up_repeating, tear_down),
		cmocka_unit_test_setup_teardown(test_mounts_cover, set_up_repeating, tear_down),
		cmocka_unit_test_setup_teardown(test_ancestors_and_programs, set_up_repeating,
			tear_down),
		cmocka_unit_test_setup_teardown(test_what_a_program_held, set_up_repeating,
			tear_down),
		cmocka_unit_test_setup_teardown(test_sockets_and_groups, set_up_repeating,
			tear_down),
		cmocka_unit_test_setup_teardown(test_forgotten_programs_are_told, set_up_repeating,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
