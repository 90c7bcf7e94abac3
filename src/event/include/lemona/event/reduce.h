/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/abi/raw.h"
#include "lemona/event/event.h"

/*
 * Level reduced in user space: the table that the kernel side judges calls by,
 * and the same rule applied to a log that was recorded in full.
 */

/** What an operation is to the rule. */
enum lm_way lm_op_way(enum lm_op op);

/** The same for every system call, as the kernel side wants it: LM_CALL_COUNT enum lm_way. */
void lm_reduce_fill_ways(uint8_t ret_ways[LM_CALL_COUNT]);

/**
 * Derives a reduced log: takes the items of one, hands out those that the rule
 * keeps, and an event with LM_EVENT_FOLDED for what it counted.
 *
 * Events must come in the order of their end times, with begin_ns set. Begins
 * are handed out as a reader of the reduced log would find them.
 */
struct lm_reducer;

typedef int (*lm_reducer_take)(void *data, const struct lm_item *item);

/** @return 0; -ENOMEM */
int lm_reducer_new(lm_reducer_take take, void *data, struct lm_reducer **ret_reducer);
struct lm_reducer *lm_reducer_free(struct lm_reducer *reducer);
/** @return 0; -ENOMEM; what take returned */
int lm_reducer_add(struct lm_reducer *reducer, const struct lm_item *item);
/** Hand out what is still being counted. @return as lm_reducer_add() */
int lm_reducer_finish(struct lm_reducer *reducer);
