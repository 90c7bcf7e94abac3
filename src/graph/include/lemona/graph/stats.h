/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/graph/index.h"

/*
 * How usual something is in this log. Asked for the few objects of an answer,
 * never for all: each question looks at a bounded number of influences, so that
 * its cost hangs neither on the log's length nor on how busy the object is.
 */
#define LM_STATS_MAX 64u         /* no count goes on beyond this */
#define LM_STATS_LOOKS_MAX 1024u /* influences looked at for one count */

/** How many different ones were seen before a bound was reached: never too many, maybe too few. */
struct lm_stats {
	uint32_t objects;  /* distinct objects at the other end, 0..LM_STATS_MAX */
	uint32_t programs; /* distinct programs among their processes, 0..LM_STATS_MAX */
};

/** What influenced an object, and what it influenced, at any time; with high control. */
struct lm_stats lm_stats_sources(const struct lm_index *index, lm_object_id id);
struct lm_stats lm_stats_sinks(const struct lm_index *index, lm_object_id id);

/** Processes (all their versions that did) that ran a program, as far as LM_STATS_MAX. */
uint32_t lm_stats_runs(const struct lm_index *index, lm_object_id exe);

/**
 * Programs that used names in a directory, by the first LM_STATS_MAX names that it
 * has, and the first sixteen influences in and out of each.
 */
uint32_t lm_stats_directory(const struct lm_index *index, lm_object_id dir);
