/* SPDX-License-Identifier: MIT */
#include "rings.h"

#include <stdbool.h>

#include "lemona/base/error.h"

/*
 * Rooms are given back in parts of a ring: probes look at the tail for each record, and a line
 * that changes with each would have to cross from CPU to CPU for each.
 */
#define PARTS 16

/* How far ahead of its use a record is asked for: it was written by another CPU. */
#define AHEAD_BYTES 512

static const struct lm_raw *record_of(const struct ring *ring)
{
	return (const struct lm_raw *)(ring->data + (ring->tail & ring->mask));
}

/* @return false: there is nothing up to that time */
static bool look(struct ring *ring, uint64_t until_ns)
{
	if (ring->tail == ring->head)
		return false;
	ring->next_ns = record_of(ring)->time_ns;
	return ring->next_ns <= until_ns;
}

static void give_back(struct ring *ring)
{
	/* Only now may the kernel side write over it. */
	__atomic_store_n(&ring->control->tail, ring->tail, __ATOMIC_RELEASE);
}

/* A heap: the ring with the oldest record is order[0]. */
static void sift_down(struct ring **order, uint32_t count, uint32_t at)
{
	struct ring *ring = order[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < count && order[child + 1]->next_ns < order[child]->next_ns)
			child++;
		if (child >= count || order[child]->next_ns >= ring->next_ns)
			break;
		order[at] = order[child];
		at = child;
	}
	order[at] = ring;
}

static uint64_t second_ns(struct ring **order, uint32_t count, uint64_t until_ns)
{
	if (count > 1 && order[1]->next_ns < until_ns)
		until_ns = order[1]->next_ns;
	if (count > 2 && order[2]->next_ns < until_ns)
		until_ns = order[2]->next_ns;
	return until_ns;
}

static int take_one(struct ring *ring, int (*take)(void *data, const struct lm_raw *record),
	void *data)
{
	struct lm_raw *record = (struct lm_raw *)record_of(ring);
	uint16_t len = record->len;
	int r;

	if (len < sizeof(*record) || len > LM_RAW_RECORD_MAX_BYTES)
		return -LM_E_DAMAGED;
	__builtin_prefetch((const uint8_t *)record + AHEAD_BYTES);
	record->cpu = ring->cpu;
	if (record->kind == LM_RAW_GAP)
		ring->lost_told += ((const struct lm_raw_gap *)record)->count;
	else
		ring->taken++;
	r = take(data, record);
	ring->tail += len;
	if (ring->tail - ring->control->tail > ring->mask / PARTS)
		give_back(ring);
	return r;
}

int rings_merge(struct ring *rings, uint32_t count, struct ring **order, uint64_t until_ns,
	int (*take)(void *data, const struct lm_raw *record), void *data)
{
	uint32_t left = 0;
	int r = 0;

	for (uint32_t i = 0; i < count; i++)
		if (look(&rings[i], until_ns))
			order[left++] = &rings[i];
	for (uint32_t i = left / 2; i > 0; i--)
		sift_down(order, left, i - 1);
	while (left > 0 && r == 0) {
		struct ring *first = order[0];
		uint64_t stay_ns = second_ns(order, left, until_ns);
		bool more;

		/* Stay in one ring as long as it is the oldest. */
		do {
			r = take_one(first, take, data);
			more = look(first, until_ns);
		} while (r == 0 && more && first->next_ns <= stay_ns);
		if (!more)
			order[0] = order[--left];
		if (left > 0)
			sift_down(order, left, 0);
	}
	for (uint32_t i = 0; i < count; i++)
		give_back(&rings[i]);
	return r;
}
