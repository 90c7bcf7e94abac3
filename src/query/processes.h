/* SPDX-License-Identifier: MIT */
#pragma once

#include "value.h"

/* What several tables tell of a process. Each returns 0 or -ENOMEM. */

/** Its arguments with spaces between them. */
int process_put_command(sqlite3_context *context, const struct lm_process *process);
/** The session that it belongs to: "login:3", "terminal:812:pts/0"; NULL for none. */
int process_put_session(sqlite3_context *context, const struct lm_process *process);
