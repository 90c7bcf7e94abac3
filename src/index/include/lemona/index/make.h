/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/catalog.h"
#include "lemona/index/store.h"
#include "lemona/index/summary.h"

/*
 * The index of a whole log: made in memory, made in files beside the log, or opened from these.
 */
#define LM_INDEX_DIRECTORY "index" /* in the log's own */

struct lm_parts {
	struct lm_summary summary;
	struct lm_store *store;     /* what happened; reads frames from the log's directory */
	struct lm_catalog *catalog; /* objects and names */
	struct lm_same *same;       /* the store's */
	uint64_t bytes;             /* of the files, by lm_parts_write() */
};

#define LM_PARTS_INIT { .summary = LM_SUMMARY_INIT }
void lm_parts_release(struct lm_parts *parts);

/**
 * Read a log from where it stands to its present end, into an index in memory.
 *
 * @param log       may be gone afterwards
 * @param ret_parts set on success
 * @return 0; what lm_log_next() returns; -ENOMEM; -EMFILE. A sentence is in diag.
 */
int lm_parts_make(struct lm_log *log, struct lm_parts *ret_parts, struct lm_diag *diag);

/**
 * The same into files beside the log, in the place of those that are there. What was not finished
 * is removed, and nobody uses it where that was not possible.
 *
 * @return as above; -ENOTDIR (one segment was opened); -EBUSY (the log is still being written);
 *         -EALREADY (somebody else makes its index); -EACCES, -EROFS, -ENOSPC, -EIO, ...
 */
int lm_parts_write(struct lm_log *log, struct lm_parts *ret_parts, struct lm_diag *diag);

/**
 * Open the files beside a log. What they hold is checked where it is read, not here.
 *
 * @return 1; 0 (there are none, or the log has changed since); -LM_E_DAMAGED; -LM_E_VERSION;
 *         -ENOMEM; -EACCES, -EIO, ... A sentence is in diag.
 */
int lm_parts_open(const struct lm_log *log, struct lm_parts *ret_parts, struct lm_diag *diag);
