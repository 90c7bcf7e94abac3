/* SPDX-License-Identifier: MIT */
#pragma once

#include "table.h"

/*
 * What keeps SQL to questions: nothing is written anywhere, no file is opened, no code is loaded,
 * and a statement ends in time and within its memory.
 */

/** Set up a connection for good; tables and functions are there. @return an SQLite code */
int guard_up(struct lm_query *query);

/** A statement begins. */
void guard_start_clock(struct lm_query *query);
/** Whether the time limit has passed, or somebody has interrupted the statement. */
bool guard_is_late(struct lm_query *query);

/** What an SQLite code means, as one sentence. @return -EINVAL, -ETIME, -EINTR or -ENOMEM */
int guard_explain(const struct lm_query *query, int code, struct lm_diag *diag);
