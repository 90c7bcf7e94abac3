/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/log/reader.h"

/**
 * @param dir_fd    the log's directory; borrowed for the call
 * @param log_mark  lm_log_mark() of its frames
 * @return 0; -ENOMEM; -EMFILE
 */
int lm_log_events_make(int dir_fd, uint64_t log_mark, struct lm_log_events **ret_events);
