/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/view.h"

/* An event for a person. Its pieces begin with a space; foreign bytes are escaped. */

/**
 * What stands behind the word for the operation: ' /etc/passwd read-write,create = EACCES
 * [claimed]'.
 */
void lm_event_append_text(const struct lm_event_view *view, struct lm_buffer *out);

/** '12 events are missing (full) of io, open, of process 42'; begins without a space. */
void lm_gap_append_text(const struct lm_gap *gap, struct lm_buffer *out);

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
