/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "lemona/event/view.h"
#include "lemona/graph/trace.h"
#include "lemona/log/writer.h"

/*
 * An answer of backtrack or forward in the formats of other tools (docs/formats/export.md). All
 * text is valid whatever the log holds. Both return 0, -EIO (the stream failed) or -ENOMEM.
 */

/** One PROV-JSON document: processes are activities, what they act on are entities. */
int lm_export_answer_prov(const struct lm_answer *answer, const struct lm_log_meta *meta,
			  FILE *out);

/** One directed GraphML graph, whose data every element declares. */
int lm_export_answer_graphml(const struct lm_answer *answer, const struct lm_log_meta *meta,
			     FILE *out);

/*
 * The graph of events, without a question: what influenced what, as the table of dependencies says.
 * It is kept in memory, so it is bounded.
 */
#define LM_WHOLE_EDGES_MAX 200000u

enum lm_whole_format { LM_WHOLE_PROV, LM_WHOLE_GRAPHML };

struct lm_whole;

/** @param meta  of the log; copied. @return 0; -ENOMEM */
int lm_whole_new(const struct lm_log_meta *meta, struct lm_whole **ret_whole);
struct lm_whole *lm_whole_free(struct lm_whole *whole);

/** Take in an event. @return 0; -E2BIG (LM_WHOLE_EDGES_MAX are in it); -ENOMEM */
int lm_whole_add(struct lm_whole *whole, const struct lm_event_view *view);
/** Something is missing among them. */
void lm_whole_add_gap(struct lm_whole *whole);

/** @param labels  of the events. @return 0; -EIO (the stream failed); -ENOMEM */
int lm_whole_write(const struct lm_whole *whole, const struct lm_labels *labels,
		   enum lm_whole_format format, FILE *out);
