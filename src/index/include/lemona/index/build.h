/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/catalog.h"
#include "lemona/index/store.h"
#include "lemona/index/summary.h"

/*
 * Making the index of a log from its items.
 */
struct lm_indexer;

/**
 * @param dir_fd  where the parts go, and replace those of the same names; borrowed until the
 *                indexer is gone. -1: into memory
 * @param log_id  identity of the log
 * @return 0; -ENOMEM
 */
int lm_indexer_new(int dir_fd, const uint8_t log_id[LM_PART_IDENTITY_BYTES],
		   struct lm_indexer **ret_indexer);
/** NULL allowed; returns NULL. */
struct lm_indexer *lm_indexer_free(struct lm_indexer *indexer);

/**
 * One item, in the order of the log.
 *
 * @param item   with the numbers that lm_same_apply() gives
 * @param place  of the frame that it came from
 * @return 0; -ENOMEM; -ENOSPC, -EIO, ... (a part could not be written)
 */
int lm_indexer_add(struct lm_indexer *indexer, const struct lm_item *item,
		   const struct lm_log_place *place);

/**
 * Write what is left: nothing can be added then.
 *
 * @param ret_store, ret_catalog  all parts, for questions; the caller's
 * @return as lm_indexer_add()
 */
int lm_indexer_finish(struct lm_indexer *indexer, struct lm_store **ret_store,
		      struct lm_catalog **ret_catalog);

/** Once finished: the parts that were written, appended to summary->parts. @return 0; -ENOMEM */
int lm_indexer_list(const struct lm_indexer *indexer, struct lm_summary *summary);
/** One past the number of the last event. */
uint64_t lm_indexer_end(const struct lm_indexer *indexer);

#define LM_INDEXER_NAME_BYTES 32u /* catalog-00000001.lmx and NUL */
/** The name of a part's file. */
void lm_indexer_part_name(enum lm_part_kind kind, uint32_t number,
			  char out[LM_INDEXER_NAME_BYTES]);
