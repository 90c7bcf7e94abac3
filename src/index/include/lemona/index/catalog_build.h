/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/catalog.h"

/*
 * Makes the catalogs of a log, one for each stretch of it, while it is recorded or afterwards.
 *
 * What was said before the stretch that is being collected is not kept in memory for good: it is
 * asked from the catalogs that were written. So a builder can be made anew from them at any time,
 * and goes on where they end.
 */
struct lm_catalog_builder;

struct lm_catalog_builder_options {
	uint8_t log_id[LM_PART_IDENTITY_BYTES];
	/* What is known of earlier stretches stays in memory up to about this. 0: 256 MiB */
	size_t memory_bytes;
};

/**
 * @param written  catalogs of all that was fed before, from the log's start on; owned on success.
 *                 NULL: nothing was
 * @return 0; -ENOMEM; -LM_E_DAMAGED (of `written`)
 */
int lm_catalog_builder_new(const struct lm_catalog_builder_options *options,
			   struct lm_catalog *written, struct lm_catalog_builder **ret_builder);
/** NULL allowed; returns NULL. */
struct lm_catalog_builder *lm_catalog_builder_free(struct lm_catalog_builder *builder);

/** The catalogs written so far; borrowed. May be merged. */
struct lm_catalog *lm_catalog_builder_written(struct lm_catalog_builder *builder);

/** The same, the caller's from now on; the builder is gone. */
struct lm_catalog *lm_catalog_builder_take(struct lm_catalog_builder *builder);

/**
 * Take in one item, in stored order, each once, after lm_same_apply(). Of events begin_ns is set.
 * Strings are copied.
 *
 * What names mean is worked out in order of time: what comes more than a second too late, by the
 * times in the log, is taken as it comes.
 *
 * @return 0; -ENOMEM; -LM_E_DAMAGED (an object number out of range, or used with another kind:
 *         the item is left out); what lm_catalog_status() tells of what was written
 */
int lm_catalog_builder_add(struct lm_catalog_builder *builder, const struct lm_item *item);

/** Items since the last part. */
uint64_t lm_catalog_builder_pending(const struct lm_catalog_builder *builder);

/**
 * Write a part with all since the last one, and add it to the written ones.
 *
 * @param fd     new, empty file, borrowed
 * @param end_event  one past the number of the last event that was fed; not below that of the part
 *                   before
 * @param final  there is nothing to come: names are worked out to the end. Else those of the last
 *               second wait, in this part, for the next one
 * @return 0; -EINVAL (end_event; final was written before); -ENOMEM; -ENOSPC, -EIO, ...: the
 *         builder can only be freed then
 */
int lm_catalog_builder_write(struct lm_catalog_builder *builder, int fd, uint64_t end_event,
			     bool final);
