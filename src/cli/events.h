/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli.h"
#include "lemona/event/text.h"

/** One line of text with its newline, foreign bytes escaped. */
void lm_event_print_text(const struct lm_event_view *view, struct lm_buffer *out);

/** One JSON object on one line (lemona-events(1), "JSON"). */
void lm_event_print_json(const struct lm_event_view *view, struct lm_buffer *out);

void lm_gap_print_text(const struct lm_gap_view *view, struct lm_buffer *out);
void lm_gap_print_json(const struct lm_gap_view *view, struct lm_buffer *out);

void lm_content_print_text(const struct lm_content_view *view, struct lm_buffer *out);
void lm_content_print_json(const struct lm_content_view *view, struct lm_buffer *out);
