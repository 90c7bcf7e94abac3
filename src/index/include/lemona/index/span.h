/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/rows.h"

/*
 * Spans: of many row parts, which ones know an object, so that a question looks into those alone
 * (docs/formats/index.md, "Spans").
 */
#define LM_SPAN_FAN_OUT 16u

/**
 * Write the span of row parts that lie next to each other.
 *
 * @param fd     new, empty file; borrowed
 * @param first  which part of the log the first one is, from 0
 * @return 0; -EINVAL (none); -ENOMEM; -ENOSPC, -EIO, ...
 */
int lm_span_write(struct lm_rows *const *parts, uint32_t count, uint32_t first, int fd);

struct lm_span;

/** @param part  of kind span; the span's from now on, whatever is returned
 *  @return 0; -LM_E_DAMAGED; -ENOMEM */
int lm_span_open(struct lm_part *part, struct lm_span **ret_span);
/** NULL allowed; returns NULL. */
struct lm_span *lm_span_free(struct lm_span *span);

/** The first part that it covers, and how many. */
void lm_span_range(const struct lm_span *span, uint32_t *ret_first, uint32_t *ret_count);

/**
 * The parts that have an object.
 *
 * @param roles  bits 1 << enum lm_rows_role: one of these
 * @param out    u32 of each part, counted from the log's first, are appended, rising
 * @return 0; -ENOMEM
 */
int lm_span_find(const struct lm_span *span, lm_object_id object, uint8_t roles,
		 struct lm_buffer *out);
