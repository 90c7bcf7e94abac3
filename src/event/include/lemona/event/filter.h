/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/address.h"
#include "lemona/event/view.h"

/*
 * Which events a person wants to see. Of one member with several values any is enough; all members
 * that hold a value must be met.
 */
#define LM_FILTER_VALUES_MAX 64u

struct lm_filter_numbers {
	uint32_t at[LM_FILTER_VALUES_MAX];
	uint32_t count; /* 0: all */
};

struct lm_filter_words {
	const char *at[LM_FILTER_VALUES_MAX]; /* borrowed */
	uint32_t count;
};

struct lm_event_filter {
	uint64_t since_wall_ns, until_wall_ns; /* until: UINT64_MAX without a limit */
	bool some_ops;                         /* only those below; else all */
	bool ops[LM_OP_MAX + 1];
	bool some_results;                     /* only those below; else all */
	bool succeeded, failed;
	struct lm_filter_numbers errors;       /* errno values */
	struct lm_filter_numbers pids, tids;   /* in the initial pid namespace */
	struct lm_filter_numbers uids;         /* real or effective */
	struct lm_filter_numbers sessions;     /* audit sessions: numbers of logins */
	/* Paths of programs, or last components. Of objects and names: "/etc/" is everything below
	 * it. Ids of containers, or how they begin. */
	struct lm_filter_words exes, paths, containers;
	struct lm_address_range addresses[LM_FILTER_VALUES_MAX]; /* of either end of a socket */
	uint32_t address_count;
};

#define LM_EVENT_FILTER_INIT { .until_wall_ns = UINT64_MAX }

/** @return 0; -E2BIG (LM_FILTER_VALUES_MAX are in it) */
int lm_filter_numbers_add(struct lm_filter_numbers *numbers, uint32_t number);
int lm_filter_words_add(struct lm_filter_words *words, const char *word);

/** Does anything but times limit it? */
bool lm_event_filter_is_narrow(const struct lm_event_filter *filter);

/** @return 1 when it passes; 0; -ENOMEM */
int lm_event_filter_match(const struct lm_event_filter *filter, const struct lm_event_view *view);

/** Does any of it lie in the filter's time? A gap is never filtered away by anything else. */
bool lm_event_filter_match_gap(const struct lm_event_filter *filter,
			       const struct lm_gap_view *view);
