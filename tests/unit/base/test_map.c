/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"

#define MANY 20000u

static uint64_t make_key(uint64_t i)
{
	return i % 3 == 0 ? i : i % 3 == 1 ? i << 32 : ~i;
}

static void test_what_is_put_is_got(void **state)
{
	LM_MAP struct lm_map map = LM_MAP_INIT;

	assert_null(lm_map_get(&map, 0));
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(lm_map_put(&map, make_key(i), i), 0);
	assert_int_equal(map.count, MANY);
	for (uint64_t i = 0; i < MANY; i++) {
		assert_non_null(lm_map_get(&map, make_key(i)));
		assert_int_equal(*lm_map_get(&map, make_key(i)), i);
		assert_null(lm_map_get(&map, make_key(i) ^ UINT64_C(0x5555000000000000)));
	}
}

static void test_a_key_is_there_once(void **state)
{
	LM_MAP struct lm_map map = LM_MAP_INIT;

	assert_int_equal(lm_map_put(&map, 0, 1), 0);
	assert_int_equal(lm_map_put(&map, 0, 2), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(*lm_map_get(&map, 0), 2);
	++*lm_map_get(&map, 0);
	assert_int_equal(*lm_map_get(&map, 0), 3);
	lm_map_release(&map);
	assert_null(lm_map_get(&map, 0));
}

/* In a map of that size many keys stand away from their own place: all but the removed stay. */
static void test_what_is_removed_is_gone(void **state)
{
	LM_MAP struct lm_map map = LM_MAP_INIT;
	size_t mask;

	(void)state;
	lm_map_remove(&map, 1);
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(lm_map_put(&map, make_key(i), i), 0);
	mask = map.mask;
	for (uint64_t i = 0; i < MANY; i += 2) {
		lm_map_remove(&map, make_key(i));
		lm_map_remove(&map, make_key(i));
	}
	assert_int_equal(map.count, MANY / 2);
	for (uint64_t i = 0; i < MANY; i++) {
		const uint64_t *value = lm_map_get(&map, make_key(i));

		assert_true(i % 2 ? value && *value == i : !value);
	}
	/* What is removed makes room: numbers that come and go do not make it grow. */
	for (uint64_t i = 0; i < 10 * MANY; i++) {
		assert_int_equal(lm_map_put(&map, i << 20 | 1, i), 0);
		lm_map_remove(&map, i << 20 | 1);
	}
	assert_int_equal(map.mask, mask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_put_is_got),
		cmocka_unit_test(test_a_key_is_there_once),
		cmocka_unit_test(test_what_is_removed_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
