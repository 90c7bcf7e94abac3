/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/event/reduce.h"

/*
 * The rule on a script of calls, one word each: r, w or l for the way, and marks
 * for what came before it: '!' something that may reach anything, '/' somebody
 * else used the file, '|' the thread did something else, '+' another file, '-'
 * the call failed, '~' a long time passed. Verdicts: K kept, c counted, o counted
 * to the other way.
 */
static void judge(const char *script, char *verdicts)
{
	struct lm_run run = { .tid = 0 };
	struct lm_run_call call = { .time_ns = LM_RUN_MAX_NS, .dev = 1, .tid = 7 };
	int continues;

	call.joined = call.alone = 1;
	for (; *script; script++) {
		switch (*script) {
		case '!':
			call.disturbances++;
			continue;
		case '/':
			call.alone = 0;
			continue;
		case '|':
			call.joined = 0;
			continue;
		case '+':
			call.object++;
			continue;
		case '-':
			call.failure = -11;
			continue;
		case '~':
			call.time_ns += LM_RUN_MAX_NS;
			continue;
		case ' ':
			continue;
		}
		call.way = LM_WAY_LIST;
		if (*script != 'l')
			call.way = *script == 'r' ? LM_WAY_READ : LM_WAY_WRITE;
		continues = lm_run_continues(&run, &call);
		switch (lm_run_judge(&run, &call, continues)) {
		case LM_RUN_KEEP:
			lm_run_keep(&run, &call, continues);
			*verdicts++ = 'K';
			break;
		case LM_RUN_COUNT:
			lm_run_count(&run, &call, LM_RUN_COUNT);
			*verdicts++ = 'c';
			break;
		case LM_RUN_COUNT_OTHER:
			lm_run_count(&run, &call, LM_RUN_COUNT_OTHER);
			*verdicts++ = 'o';
			break;
		}
		call.joined = call.alone = 1;
		call.failure = 0;
		call.time_ns++;
	}
	*verdicts = '\0';
}

#define assert_judged(script, wanted)                    \
	do {                                             \
		char verdicts[64];                       \
		judge(script, verdicts);                 \
		assert_string_equal(verdicts, wanted);   \
	} while (0)

static void test_one_way(void **state)
{
	assert_judged("r r r", "Kcc");
	assert_judged("w w w", "Kcc");
	assert_judged("l l", "Kc");
	/* whatever others do meanwhile */
	assert_judged("r !r /r !/r", "Kccc");
}

static void test_a_run_is_of_one_object_and_uninterrupted(void **state)
{
	assert_judged("r |r r", "KKc");
	assert_judged("r +r r", "KKc");
	assert_judged("r r ~r r", "KcKc");
}

static void test_failures_repeat_only_themselves(void **state)
{
	assert_judged("-r -r r -r", "KcKK");
	assert_judged("r w r -w r w", "KKKKKK");
}

static void test_both_ways_once_each_is_known(void **state)
{
	assert_judged("r w r w r r w", "KKKocco");
	assert_judged("w r w r w", "KKKoc");
	assert_judged("r r w w r r w r", "KcKcKcoc");
	assert_judged("r l r l", "KKKK");
}

static void test_both_ways_while_nobody_can_tell(void **state)
{
	/* Others used the file: both ways have to be seen anew. */
	assert_judged("r w r w /r w r w r", "KKKoKKKoc");
	assert_judged("r w r w /w r w r", "KKKoKKKo");
	/* also where the repeat itself is one of the run's own way */
	assert_judged("r w r /r w r w r", "KKKcKKKo");
	assert_judged("r w r w !r w r w", "KKKoKKKo");
	assert_judged("r !w r w r", "KKKKo");
	assert_judged("r w r w |r w r w", "KKKoKKKo");
}

static void test_every_call_has_a_way(void **state)
{
	uint8_t ways[LM_CALL_COUNT];

	lm_reduce_fill_ways(ways);
	assert_int_equal(ways[0], LM_WAY_READ);
	assert_int_equal(ways[18], LM_WAY_WRITE);    /* pwrite64 */
	assert_int_equal(ways[217], LM_WAY_LIST);    /* getdents64 */
	assert_int_equal(ways[3], LM_WAY_NONE);      /* close */
	assert_int_equal(ways[77], LM_WAY_DISTURB);  /* ftruncate */
	assert_int_equal(ways[278], LM_WAY_DISTURB); /* vmsplice */
	assert_int_equal(ways[426], LM_WAY_DISTURB); /* io_uring_enter */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_a_run_is_of_one_object_and_uninterrupted),
		cmocka_unit_test(test_failures_repeat_only_themselves),
		cmocka_unit_test(test_both_ways_once_each_is_known),
		cmocka_unit_test(test_both_ways_while_nobody_can_tell),
		cmocka_unit_test(test_every_call_has_a_way),
	};

	return cmocka_run_group_tests_name("event reduce", tests, NULL, NULL);
}
