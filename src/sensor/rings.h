/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/abi/raw.h"

/* User space's end of one ring of records. */
struct ring {
	struct lm_ring_control *control;
	const uint8_t *data;
	uint64_t mask;        /* of positions: bytes - 1 */
	uint64_t head;        /* as read at the start of the drain */
	uint64_t tail;        /* handed out up to here; control->tail follows at times */
	uint64_t next_ns;     /* of the record at tail, while merging */
	uint64_t nested_told; /* of control->nested */
	uint64_t taken;       /* records handed out, gaps aside */
	uint64_t lost_told;   /* what those gaps count */
	uint16_t cpu;         /* LM_RAW_CPU_NONE: the iterators' */
};

/**
 * Hand out the records of all rings, in the order of their times, up to each ring's `head` and to a
 * time that was read before the heads: whatever is older was committed before the heads were
 * read, if something else that is older than that time could depend on it.
 *
 * @param order  room for `count` pointers
 * @param take   what it returns below 0 ends the merge; that record counts as handed out
 * @return 0; -LM_E_DAMAGED (a record that the programs never write); what `take` returned
 */
int rings_merge(struct ring *rings, uint32_t count, struct ring **order, uint64_t until_ns,
	int (*take)(void *data, const struct lm_raw *record), void *data);
