/* SPDX-License-Identifier: MIT */
#include "test_identify.h"

#include <string.h>

/* What stands beside the actions: system calls as such, and turns of threads. */

static void call(struct fixture *f, uint16_t number, const struct lm_raw_call *like)
{
	struct lm_raw_call raw = *like;

	assert_int_equal(feed(f, &raw, LM_RAW_CALL, number, sizeof(raw), 0), 0);
}

static void test_arguments_are_as_wide_as_their_types(void **state)
{
	struct fixture *f = *state;

	/* int, address, size: garbage above an int, and behind the last argument. */
	call(f, SYS_read, &(struct lm_raw_call){ .result = -9, .begin_ns = 5,
		.args = { 0x1ffffffffull, 0x7fff00000000ull, UINT64_MAX, 7, 8, 9 } });
	assert_told(f, "p1 call(-1,140733193388032,-1,0,0,0) =-9 timed\n");
	/* A mode has 16 bits, a number of flags 32. */
	call(f, SYS_openat, &(struct lm_raw_call){ .result = 3,
		.args = { (uint32_t)-100, 1, 0x100000002ull, 0xffff01a4, 9 } });
	assert_told(f, "p1 call(-100,1,2,420,0,0) =3\n");
	/* 32 bits with a sign, where an x86-64 call has 64. */
	call(f, LM_RAW_CALL_COMPAT | 19, &(struct lm_raw_call){
		.args = { 1, 0xfffffffe, 2, 3, 4, 5 } });
	assert_told(f, "p1 call(1,-2,2,0,0,0) =0\n");
}

static void test_numbers_that_are_no_calls(void **state)
{
	struct fixture *f = *state;

	call(f, LM_RAW_CALL_NONE, &(struct lm_raw_call){ .number = 1000, .result = -38,
		.args = { 1, 2, 3, 4, 5, 6 } });
	assert_told(f, "p1 call(1,2,3,4,5,6) arg=3e8 =-38\n");
	call(f, LM_RAW_CALL_COMPAT | 500, &(struct lm_raw_call){ .args = { 1, 2, 3, 4, 5, 6 } });
	assert_told(f, "p1 call(1,2,3,4,5,6) =0\n");
}

static void turn(struct fixture *f, uint64_t begin_ns, uint32_t state)
{
	struct lm_raw_turn raw = { .begin_ns = begin_ns, .cpu = 3, .state = state };

	assert_int_equal(feed(f, &raw, LM_RAW_TURN, LM_RAW_CALL_NONE, sizeof(raw), 0), 0);
}

static void test_turns(void **state)
{
	struct fixture *f = *state;

	turn(f, 7, 0);
	turn(f, 0, 1);
	assert_told(f,
		"p1 run arg=1 =0 timed\n"
		"p1 run =0\n");
}

/* On its way out a thread runs on after its end was told: it is no new process. */
static void test_last_turn_is_of_who_has_ended(void **state)
{
	struct fixture *f = *state;

	fork_child(f, 9, 0);
	as(f, 9);
	exit_thread(f, 0, true);
	forget_told(f);
	turn(f, 7, 0x80);
	assert_told(f, "p9 run =0 timed\n");
	/* Another one of that number is. */
	as(f, 1);
	fork_child(f, 9, 0);
	as(f, 9);
	forget_told(f);
	turn(f, 7, 0);
	assert_told(f, "p9' run arg=1 =0 timed\n");
}

/* A part of what a call has moved, told at the time of the record that comes next. */
static int part(struct fixture *f, uint64_t offset, uint32_t at, const char *text, uint32_t len)
{
	struct {
		struct lm_raw_content head;
		char bytes[32];
	} raw = { .head = { .offset = offset, .at = at, .bytes_len = len } };
	int r;

	memcpy(raw.bytes, text, strlen(text));
	r = feed(f, &raw.head, LM_RAW_CONTENT, SYS_write, sizeof(raw), 0);
	f->now_ns -= 1000;
	return r;
}

static void test_content_goes_to_its_event(void **state)
{
	struct fixture *f = *state;

	io(f, SYS_write, FILE_AT(7), 3, 5);
	forget_told(f);
	assert_int_equal(part(f, 9, 0, "ab", 2), 0);
	assert_int_equal(part(f, 9, 2, "cde", 3), 0);
	io(f, SYS_write, FILE_AT(7), 3, 5);
	io(f, SYS_write, FILE_AT(7), 3, 5);
	assert_told(f,
		"p1 write f7 =5 content@9'abcde'\n"
		"p1 write f7 =5\n");
}

/* Behind a hole nothing counts; of another thread or time nothing is taken. */
static void test_content_that_lacks_a_part(void **state)
{
	struct fixture *f = *state;

	io(f, SYS_write, FILE_AT(7), 3, 5);
	forget_told(f);
	assert_int_equal(part(f, 0, 0, "ab", 2), 0);
	assert_int_equal(part(f, 0, 4, "e", 1), 0);
	io(f, SYS_write, FILE_AT(7), 3, 5);
	assert_int_equal(part(f, 5, 0, "ab", 2), 0);
	as(f, 2);
	io(f, SYS_write, FILE_AT(7), 3, 5);
	as(f, 1);
	f->now_ns += 5000;
	io(f, SYS_write, FILE_AT(7), 3, 5);
	assert_told(f,
		"p1 write f7 =5 content@0'ab'\n"
		"+p2 partial\n"
		"p2 write f7 =5\n"
		"p1 write f7 =5\n");
	assert_int_equal(part(f, 0, 0, "ab", 33), -LM_E_FORMAT);
	assert_int_equal(part(f, 0, 0, "ab", UINT32_MAX), -LM_E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_arguments_are_as_wide_as_their_types, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_numbers_that_are_no_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_content_goes_to_its_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_content_that_lacks_a_part, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_last_turn_is_of_who_has_ended, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
