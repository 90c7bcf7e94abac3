/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli.h"
#include "label.h"

/* One event on its way out, with what its lines need. */
struct lm_event_view {
	const struct lm_event *event;
	const struct lm_labels *labels;
	uint64_t wall_begin_ns, wall_end_ns;
};

/** One line of text with its newline, foreign bytes escaped. */
void lm_event_print_text(const struct lm_event_view *view, struct lm_buffer *out);

/** One JSON object on one line (lemona-events(1), "JSON"). */
void lm_event_print_json(const struct lm_event_view *view, struct lm_buffer *out);

/** Of an event with arguments: ' openat(-100, 0x7ff..., 0, 0000)'. */
void lm_event_append_call(const struct lm_event *event, struct lm_buffer *out);
/** The same as JSON: ',"args":[...]'. */
void lm_event_append_args(const struct lm_event *event, struct lm_buffer *out);
/** How long it took, where that is known: ' <0.000012>'. */
void lm_event_append_span(const struct lm_event *event, struct lm_buffer *out);
/** The first bytes of its content: ' "ls -l\\n"...'. */
void lm_event_append_content(const struct lm_event *event, struct lm_buffer *out);
/** All of it, as JSON: ',"data":{...}'. */
void lm_event_append_content_json(const struct lm_event *event, struct lm_buffer *out);
/** "ENOENT"; NULL where it has no name. Static. */
const char *lm_error_name(int64_t error);

/* A gap on its way out; wall_end_ns is 0 where the end is not known. */
struct lm_gap_view {
	const struct lm_gap *gap;
	uint64_t wall_begin_ns, wall_end_ns;
};

void lm_gap_print_text(const struct lm_gap_view *view, struct lm_buffer *out);
void lm_gap_print_json(const struct lm_gap_view *view, struct lm_buffer *out);

/* A content on its way out; wall_changed_ns is 0 where the change was before the boot. */
struct lm_content_view {
	const struct lm_content *content;
	const struct lm_labels *labels;
	uint64_t wall_ns, wall_changed_ns;
};

void lm_content_print_text(const struct lm_content_view *view, struct lm_buffer *out);
void lm_content_print_json(const struct lm_content_view *view, struct lm_buffer *out);

/* What to list. Events must pass all of it; gaps only the times: a gap is never filtered away. */
struct lm_event_filter {
	uint64_t since_wall_ns, until_wall_ns; /* until: UINT64_MAX without a limit */
	bool some_ops;                         /* only those below; else all */
	bool ops[LM_OP_MAX + 1];
	uint32_t pid;                          /* 0: all */
	const char *exe, *path;                /* NULL: all */
};

/** @return 1 when it passes; 0; -ENOMEM */
int lm_event_filter_match(const struct lm_event_filter *filter, const struct lm_event_view *view);

/** The words of lm_event.flags. Returns NULL past the last bit in use. */
const char *lm_event_flag_name(unsigned int bit);
