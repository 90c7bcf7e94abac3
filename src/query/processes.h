/* SPDX-License-Identifier: MIT */
#pragma once

#include "value.h"

/* What several tables tell of a process. Each returns 0 or -ENOMEM. */

/** Its arguments with spaces between them. */
int process_put_command(sqlite3_context *context, const struct lm_process *process);
/** When this version of it began: a process is as old as its fork, a later version as its exec. */
static inline uint64_t process_since_ns(const struct lm_object *process)
{
	const struct lm_process *p = &process->process;

	return p->version || !p->start_ns ? process->time_ns : p->start_ns;
}

/** The session that it belongs to: "login:3", "terminal:812:pts/0"; NULL for none. */
int process_put_session(sqlite3_context *context, const struct lm_process *process);
