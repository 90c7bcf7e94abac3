/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <inttypes.h>
#include <stdio.h>

#include "lemona/base/escape.h"

/* Escaped, and at least `width` wide, so that columns stand. */
static void append_column(struct lm_buffer *out, struct lm_str s, size_t width)
{
	size_t start = out->len;

	lm_buffer_append_escaped(out, s);
	for (size_t len = out->len - start; len < width && !out->failed; len++)
		lm_buffer_append_byte(out, ' ');
}

void lm_event_print_text(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	const struct lm_label *actor = lm_labels_get(view->labels, event->actor);
	const bool process = actor->kind == LM_OBJECT_KIND_PROCESS;
	char time[LM_CLI_TIME_BYTES];
	char ids[32];

	lm_cli_format_time_us(view->wall_end_ns, time);
	if (process && actor->process.tgid != event->tid)
		snprintf(ids, sizeof(ids), "%u/%u", actor->process.tgid, event->tid);
	else
		snprintf(ids, sizeof(ids), "%u", event->tid);
	lm_buffer_printf(out, "%s %7s ", time, ids);
	append_column(out, process ? actor->process.comm : LM_STR("?"), 15);
	lm_buffer_append_byte(out, ' ');
	append_column(out, lm_str_from(lm_op_name(event->op)), 8);
	lm_event_append_text(view, out);
	lm_buffer_append_byte(out, '\n');
}

void lm_content_print_text(const struct lm_content_view *view, struct lm_buffer *out)
{
	const struct lm_content *content = view->content;
	char time[LM_CLI_TIME_BYTES];

	lm_cli_format_time_us(view->wall_ns, time);
	lm_buffer_printf(out, "%s content: ", time);
	lm_labels_append_escaped(view->labels, content->file, out);
	if (content->state != LM_CONTENT_HASHED) {
		lm_buffer_printf(out, " was not hashed (%s)\n",
			lm_content_state_name(content->state));
		return;
	}
	lm_buffer_append_text(out, " sha256 ");
	lm_buffer_append_hex(out, content->sha256, sizeof(content->sha256));
	lm_buffer_append_byte(out, '\n');
}

void lm_gap_print_text(const struct lm_gap_view *view, struct lm_buffer *out)
{
	char time[LM_CLI_TIME_BYTES];

	lm_cli_format_time_us(view->wall_begin_ns, time);
	lm_buffer_printf(out, "%s gap: ", time);
	lm_gap_append_text(view->gap, out);
	if (view->wall_end_ns) {
		lm_cli_format_time_us(view->wall_end_ns, time);
		lm_buffer_printf(out, ", until %s", time);
	} else {
		lm_buffer_append_text(out, ", to the end of the log");
	}
	lm_buffer_append_byte(out, '\n');
}
