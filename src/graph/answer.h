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
	struct lm_answer_hidden clustered; /* what groups stand for */
};

/** Make the answer out of a filtered walk. @return 0; -ENOMEM */
int answer_build(struct lm_answer *answer, const struct walk *walk);

/** Object of a node, or of the first member of a group; LM_OBJECT_NONE: not known. */
lm_object_id answer_object(const struct lm_answer_node *node);
void answer_free_node(struct lm_answer_node *node);
/** Write "p17" for an object. */
void answer_id(const struct lm_index *index, lm_object_id id, char text[16]);

/** Make one edge stand for two. The same event, met through two objects, counts once. */
void answer_merge_edge(struct lm_answer_edge *into, const struct lm_answer_edge *edge);

/** For qsort(3): in order of time; the same input gives the same order. */
int answer_compare_edges(const void *a, const void *b);

#define ANSWER_DROPPED UINT32_MAX
/**
 * Put nodes and edges where the map says, in the order they had, and free the nodes that go.
 * Edges of the same ends and operation become one; those within one node go.
 *
 * @param to  by node: its new position, rising where it stays; several may share one, which is
 *            then the first of them; or ANSWER_DROPPED
 * @return events of edges whose ends became one node
 */
uint64_t answer_remap(struct lm_answer *answer, const uint32_t *to);

/** Edges by node: at[start[n]..start[n + 1]). */
struct answer_rows {
	uint32_t *start, *at;
};
int answer_rows_build(struct answer_rows *rows, const struct lm_answer *answer, bool incoming);
void answer_rows_release(struct answer_rows *rows);

/* The steps from a plain graph to what is shown, in this order. 0 or -ENOMEM. */
int answer_cluster(struct lm_answer *answer, const struct walk *walk);
int answer_rank(struct lm_answer *answer, const struct lm_index *index);
int answer_keep_top(struct lm_answer *answer, uint32_t top);

/* Words (label.c). Appended to out; foreign bytes as they are. */
void label_object(const struct lm_index *index, lm_object_id id, const char *path,
		  struct lm_buffer *out);
void label_address(const struct lm_address *address, struct lm_buffer *out);
/** Kind as the JSON of an answer names it; memory is a kind of file there. */
const char *label_kind(uint8_t kind);
/** "files", "processes": several of a kind. */
const char *label_kinds(uint8_t kind);
/** "8:1" from the kernel's own encoding. */
void label_device(uint32_t dev, struct lm_buffer *out);
/** What a process is called: comm, or the last component of its program. */
struct lm_str label_program(const struct lm_index *index, lm_object_id id);
