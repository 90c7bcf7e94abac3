/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/graph/trace.h"
#include "walk.h"

struct lm_answer {
	struct lm_answer_view view;
	struct lm_answer_node *nodes;
	struct lm_answer_edge *edges;
	struct lm_answer_hidden hidden[LM_FILTER_COUNT];
	const struct lm_gap **gaps;
	bool cut; /* the log has no end mark */
};

/** Make the answer out of a filtered walk. @return 0; -ENOMEM */
int answer_build(struct lm_answer *answer, const struct walk *walk);

/* Words (label.c). Appended to out; foreign bytes as they are. */
void label_object(const struct lm_index *index, lm_object_id id, const char *path,
		  struct lm_buffer *out);
void label_address(const struct lm_address *address, struct lm_buffer *out);
/** Kind as the JSON of an answer names it; memory is a kind of file there. */
const char *label_kind(const struct lm_answer_node *node);
/** "8:1" from the kernel's own encoding. */
void label_device(uint32_t dev, struct lm_buffer *out);
/** What a process is called: comm, or the last component of its program. */
struct lm_str label_program(const struct lm_index *index, lm_object_id id);
