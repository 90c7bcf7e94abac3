/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "lemona/exchange/answer.h"

/*
 * What the writers of graphs write: an answer, or the events of a log. Nodes and edges are those of
 * lm_answer_view; where they come from knows what an object is, and what its times are.
 */
struct graph_source {
	struct lm_answer_view view; /* without an index, if it is no answer */
	const struct lm_labels *labels; /* of the events, where it is no answer */
	const struct lm_log_meta *meta;
	const char *title;          /* "the answer", "events of the log" */
	FILE *out;
};

/** @return 0; -ENOENT: a group, or not known */
int graph_object(const struct graph_source *source, uint32_t node, struct lm_object *ret_object);
uint64_t graph_wall_ns(const struct graph_source *source, uint64_t time_ns);
/** "backward", "forward", or NULL: no way was walked. */
const char *graph_direction(const struct graph_source *source);

/* Both return 0, -EIO or -ENOMEM. */
int graph_write_prov(const struct graph_source *source);
int graph_write_graphml(const struct graph_source *source);
