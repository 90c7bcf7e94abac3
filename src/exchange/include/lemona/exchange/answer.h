/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

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
