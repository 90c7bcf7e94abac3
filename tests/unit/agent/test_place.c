/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"

/* A sensor of two CPUs. */
static uint64_t made_bytes[2];

uint32_t lm_sensor_cpus(const struct lm_sensor *sensor)
{
	return 2;
}

uint64_t lm_sensor_made_bytes(const struct lm_sensor *sensor, uint32_t cpu)
{
	return made_bytes[cpu];
}

/* Which CPUs of four, allowed by `mask`, are chosen; -1: none. */
static int choose(uint64_t a, uint64_t b, uint64_t c, uint64_t d, unsigned int mask)
{
	const uint64_t bytes[4] = { a, b, c, d };
	cpu_set_t allowed, calm;
	int chosen = 0;

	CPU_ZERO(&allowed);
	for (int i = 0; i < 4; i++)
		if (mask & 1u << i)
			CPU_SET(i, &allowed);
	if (!place_choose(bytes, 4, &allowed, &calm))
		return -1;
	for (int i = 0; i < 4; i++)
		chosen |= CPU_ISSET(i, &calm) ? 1 << i : 0;
	return chosen;
}

static void test_the_busy_one_is_left_alone(void **state)
{
	assert_int_equal(choose(900000, 0, 100, 5000, 15), 14);
	assert_int_equal(choose(900000, 800000, 100, 5000, 15), 12);
	assert_int_equal(choose(0, 900000, 0, 0, 3), 1);
}

static void test_where_all_are_busy_there_is_no_choice(void **state)
{
	assert_int_equal(choose(900000, 800000, 700000, 600000, 15), -1);
	assert_int_equal(choose(900000, 800000, 0, 0, 3), -1);
}

static void test_a_little_is_no_reason_to_move(void **state)
{
	assert_int_equal(choose(3000, 0, 0, 0, 15), -1);
	assert_int_equal(choose(0, 0, 0, 0, 15), -1);
}

static void test_what_is_busy_elsewhere_is_none_of_ours(void **state)
{
	/* Where we may run nobody is: all of it, which is where we are. */
	assert_int_equal(choose(0, 0, 900000, 0, 3), -1);
}

static void update(struct placement *place, uint64_t a, uint64_t b)
{
	made_bytes[0] += a;
	made_bytes[1] += b;
	place_update(place, NULL);
}

static void test_the_recorder_moves_and_comes_back(void **state)
{
	struct placement place;

	place_init(&place);
	if (place.fixed || !CPU_ISSET(0, &place.allowed) || !CPU_ISSET(1, &place.allowed))
		skip(); /* one CPU: there is nowhere to go */
	update(&place, 1000000, 0);
	assert_false(CPU_ISSET(0, &place.used));
	update(&place, 0, 1000000);
	assert_false(CPU_ISSET(1, &place.used));
	assert_true(CPU_ISSET(0, &place.used));
	for (int i = 0; i < 15; i++)
		update(&place, 1000000, 900000);
	assert_false(CPU_ISSET(1, &place.used));
	update(&place, 1000000, 900000);
	assert_true(CPU_EQUAL(&place.used, &place.allowed));
	assert_int_equal(sched_getaffinity(0, sizeof(place.used), &place.used), 0);
	assert_true(CPU_EQUAL(&place.used, &place.allowed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_busy_one_is_left_alone),
		cmocka_unit_test(test_where_all_are_busy_there_is_no_choice),
		cmocka_unit_test(test_a_little_is_no_reason_to_move),
		cmocka_unit_test(test_what_is_busy_elsewhere_is_none_of_ours),
		cmocka_unit_test(test_the_recorder_moves_and_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
