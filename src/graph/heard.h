/* SPDX-License-Identifier: MIT */
#pragma once

#include "walk.h"

/*
 * What a server heard from sockets and pipes, in the order of time: runs of inputs from one channel
 * that no input from another one interrupts.
 */
struct heard_run {
	lm_object_id channel;
	uint32_t first, last; /* positions among all influences into the server */
	uint64_t begin_ns;    /* of the first */
};

struct heard {
	struct heard_run *runs;
	uint32_t *by_channel;  /* places of runs, by channel and then by time */
	size_t count, capacity;
	struct lm_map opened;  /* channels that the server connected itself */
};

/** Read once for each server. @return NULL when there is no memory */
const struct heard *heard_by(struct walk *walk, lm_object_id server);
void heard_release(struct walk *walk);

/** How many runs began before a position among the influences into the server. */
size_t heard_before(const struct heard *heard, uint32_t position);
/** The newest of the first `count` runs that is from a channel, from 1; 0: there is none. */
size_t heard_from(const struct heard *heard, lm_object_id channel, size_t count);
