/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/base/error.h"
#include "rings.h"

#define RINGS 7
#define RING_BYTES 8192
#define START (UINT64_C(5) * RING_BYTES - 1000) /* so that the records go round */

struct fixture {
	struct ring rings[RINGS];
	struct ring *order[RINGS];
	struct lm_ring_control controls[RINGS];
	_Alignas(8) uint8_t data[RINGS][RING_BYTES + LM_RING_SLACK_BYTES];
	/* What take() saw. */
	uint64_t last_ns, taken;
	uint64_t of_ring[RINGS];
	uint64_t stop_after; /* records; 0: never */
};

static struct fixture *make(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	for (uint16_t i = 0; i < RINGS; i++) {
		f->controls[i].head = f->controls[i].tail = START;
		f->rings[i] = (struct ring){
			.control = &f->controls[i], .data = f->data[i], .mask = RING_BYTES - 1,
			.head = START, .tail = START, .cpu = i,
		};
	}
	return f;
}

static void put(struct fixture *f, uint32_t ring, uint64_t time_ns, uint8_t kind, uint16_t len)
{
	struct ring *r = &f->rings[ring];
	struct lm_raw *raw = (void *)(f->data[ring] + (r->head & r->mask));

	assert_true(r->head + len - r->tail <= RING_BYTES);
	memset(raw, 0, len);
	*raw = (struct lm_raw){ .time_ns = time_ns, .kind = kind, .len = len, .tid = ring };
	r->head += len;
}

static int take(void *data, const struct lm_raw *record)
{
	struct fixture *f = data;

	assert_true(record->time_ns >= f->last_ns);
	f->last_ns = record->time_ns;
	f->of_ring[record->tid]++;
	return ++f->taken == f->stop_after ? -1 : 0;
}

static int merge(struct fixture *f, uint64_t until_ns)
{
	return rings_merge(f->rings, RINGS, f->order, until_ns, take, f);
}

static void test_records_come_in_the_order_of_their_times(void **state)
{
	struct fixture *f = make();
	uint64_t put_count[RINGS] = { 0 }, all = 0, now = 1;

	srandom(1);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 200; i++) {
			uint32_t ring = (uint32_t)random() % (RINGS - 1); /* one stays empty */

			now += (uint64_t)random() % 3; /* equal times, too */
			put(f, ring, now, LM_RAW_IO, (uint16_t)(32 + 8 * (random() % 9)));
			put_count[ring]++;
			all++;
		}
		assert_int_equal(merge(f, UINT64_MAX), 0);
		assert_int_equal(f->taken, all);
		for (int i = 0; i < RINGS; i++) {
			assert_int_equal(f->of_ring[i], put_count[i]);
			assert_int_equal(f->rings[i].taken, put_count[i]);
			assert_int_equal(f->controls[i].tail, f->rings[i].head);
		}
	}
	free(f);
}

static void test_what_is_younger_stays(void **state)
{
	struct fixture *f = make();

	put(f, 0, 10, LM_RAW_IO, 48);
	put(f, 0, 30, LM_RAW_IO, 48);
	put(f, 1, 20, LM_RAW_IO, 48);
	put(f, 1, 21, LM_RAW_IO, 48);
	assert_int_equal(merge(f, 20), 0);
	assert_int_equal(f->taken, 2);
	assert_int_equal(f->controls[0].tail, START + 48);
	assert_int_equal(f->controls[1].tail, START + 48);
	assert_int_equal(merge(f, UINT64_MAX), 0);
	assert_int_equal(f->taken, 4);
	free(f);
}

static void test_room_is_given_back_on_the_way(void **state)
{
	struct fixture *f = make();

	for (int i = 0; i < 100; i++)
		put(f, 0, 1, LM_RAW_IO, 48);
	f->stop_after = 99;
	assert_int_equal(merge(f, UINT64_MAX), -1);
	/* What take() failed on counts as handed out, the rest is still there. */
	assert_int_equal(f->controls[0].tail, START + 99 * 48);
	assert_int_equal(merge(f, UINT64_MAX), 0);
	assert_int_equal(f->taken, 100);
	free(f);
}

static void test_gaps_count_what_was_lost(void **state)
{
	struct fixture *f = make();
	struct lm_raw_gap *gap = (void *)(f->data[3] + (START & (RING_BYTES - 1)));

	put(f, 3, 5, LM_RAW_GAP, sizeof(*gap));
	gap->count = 17;
	assert_int_equal(merge(f, UINT64_MAX), 0);
	assert_int_equal(f->rings[3].lost_told, 17);
	assert_int_equal(f->rings[3].taken, 0);
	assert_int_equal(gap->raw.cpu, 3);
	free(f);
}

static void test_a_length_that_no_program_writes_is_damage(void **state)
{
	struct fixture *f = make();

	put(f, 2, 5, LM_RAW_IO, 8);
	assert_int_equal(merge(f, UINT64_MAX), -LM_E_DAMAGED);
	assert_int_equal(f->taken, 0);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_in_the_order_of_their_times),
		cmocka_unit_test(test_what_is_younger_stays),
		cmocka_unit_test(test_room_is_given_back_on_the_way),
		cmocka_unit_test(test_gaps_count_what_was_lost),
		cmocka_unit_test(test_a_length_that_no_program_writes_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
