/* SPDX-License-Identifier: MIT */
#pragma once

#include "answer.h"

/* The text of an answer: what its two halves, the heading and the steps, share. */

enum style { STYLE_PLAIN, STYLE_DIM, STYLE_BOLD, STYLE_ENTRY, STYLE_DETECTION };

/* One line to be: an edge, and the moment of its first event. */
struct step {
	const struct lm_answer_edge *edge;
	uint64_t moment_ns;
	bool into_process;
};

struct story {
	const struct lm_answer_view *view;
	struct step *steps;
	uint32_t step_count;
	struct lm_buffer out;
	bool colour;
	bool *introduced; /* by node: its arguments were told */
};

/** Escaped; back to plain behind it. */
void story_append_styled(struct story *story, enum style style, const char *text);
/** "2026-01-02 03:04:05", or with its fraction and no date: what a person reads of a time. */
void story_append_moment(struct story *story, uint64_t boot_ns, bool with_date);
/** What a node is called, in the style of what it is. */
void story_append_node(struct story *story, uint32_t position);

/** What was asked, how much was found, what is not shown, what is missing. */
void story_append_heading(struct story *story);
