/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "lemona/base/escape.h"
#include "lemona/event/text.h"

/* What a line of text shows. */
#define SHOWN_BYTES 48u

void lm_event_append_content(const struct lm_event *event, struct lm_buffer *out)
{
	const struct lm_event_content *content = event->content;
	uint32_t shown = content->len < SHOWN_BYTES ? content->len : SHOWN_BYTES;

	lm_buffer_append_text(out, " \"");
	lm_buffer_append_escaped(out, (struct lm_str){ (const char *)content->bytes, shown });
	lm_buffer_append_text(out, (uint64_t)event->result > shown ? "\"..." : "\"");
}

void lm_event_append_content_json(const struct lm_event *event, struct lm_buffer *out)
{
	const struct lm_event_content *content = event->content;
	uint32_t number = content->terminal & ~LM_TERMINAL_MASTER;

	lm_buffer_printf(out, ",\"data\":{\"offset\":%" PRIu64 ",\"length\":%u", content->offset,
		content->len);
	if (event->result > (int64_t)content->len)
		lm_buffer_append_text(out, ",\"truncated\":true");
	if (content->terminal)
		lm_buffer_printf(out, ",\"terminal\":\"%u:%u\",\"end\":\"%s\"", number >> 20,
			number & 0xfffff,
			content->terminal & LM_TERMINAL_MASTER ? "master" : "slave");
	lm_buffer_append_text(out, ",\"bytes\":");
	lm_buffer_append_json(out, (struct lm_str){ (const char *)content->bytes, content->len });
	lm_buffer_append_byte(out, '}');
}
