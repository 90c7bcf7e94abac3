/* SPDX-License-Identifier: MIT */
#pragma once

#include "table.h"

/* What constraints leave of all values. Never less than what SQLite would let through. */

/** Whole numbers, both ends included; low above high: none. */
struct range {
	int64_t low, high;
};

#define RANGE_ALL { INT64_MIN, INT64_MAX }

/** What the constraints on a column of numbers leave. Unknown values narrow nothing. */
struct range range_of(const struct constraints *constraints, int column);

/** How many constraints there are on a column. */
int constraints_on(const struct constraints *constraints, int column);

/** The value that a column or an argument must be equal to; NULL: none. */
sqlite3_value *constraint_equal(const struct constraints *constraints, int column);

/**
 * Boot times within what constraints on a wall time say, given as number and as text.
 * @return false: nothing lies there
 */
bool window_of(const struct lm_query *query, const struct constraints *constraints,
	       int number_column, int text_column, uint64_t *ret_since_ns, uint64_t *ret_until_ns);

/** How much of the log lies within: 0 to 1. Constraints whose values are unknown count too. */
double window_share(const struct lm_query *query, const struct constraints *constraints,
		    int number_column, int text_column);

/** The bytes that a path must have, or begin with. */
struct path_bound {
	struct lm_buffer text; /* empty: no bound */
	bool exact;
};

#define PATH_BOUND_INIT { .text = LM_BUFFER_INIT }
void path_bound_release(struct path_bound *bound);
#define PATH_BOUND LM_CLEANUP(path_bound_release)

/**
 * @param ret_bound  initialized
 * @return 0; -ENOMEM
 */
int path_bound_of(const struct constraints *constraints, int column, struct path_bound *ret_bound);
