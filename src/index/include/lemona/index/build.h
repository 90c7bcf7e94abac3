/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/diag.h"
#include "lemona/log/reader.h"

/**
 * Make the parts of a log's index.
 *
 * @param log     read from where it stands to its present end
 * @param dir_fd  where the parts go; those of the same names are replaced
 * @return 0; what lm_log_next() returns; -ENOSPC, -EIO, ...; -ENOMEM. A sentence is in diag.
 */
int lm_index_make(struct lm_log *log, int dir_fd, struct lm_diag *diag);
