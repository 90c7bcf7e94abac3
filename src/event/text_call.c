/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "lemona/base/time.h"
#include "lemona/event/text.h"

/*
 * System calls as they were made: "openat(-100, 0x7ffd..., 0x80000, 0000) = 3 <0.000012>". The
 * numbers are what the kernel was given: what an address pointed to is not known.
 */

static void append_value(char type, uint64_t value, struct lm_buffer *out)
{
	switch (type) {
	case 'd':
	case 'l':
		lm_buffer_printf(out, "%" PRId64, (int64_t)value);
		break;
	case 'u':
	case 'n':
		lm_buffer_printf(out, "%" PRIu64, value);
		break;
	case 'o':
		lm_buffer_printf(out, "%04" PRIo64, value);
		break;
	default:
		lm_buffer_printf(out, value ? "0x%" PRIx64 : "%" PRIu64, value);
		break;
	}
}

static void append_call_name(const struct lm_event *event, struct lm_buffer *out)
{
	char name[32];

	if (event->call == LM_CALL_NONE)
		lm_buffer_printf(out, " call:%" PRIu64, event->arg);
	else
		lm_buffer_printf(out, " %s", lm_call_name(event->call, name));
}

void lm_event_append_call(const struct lm_event *event, struct lm_buffer *out)
{
	const char *types = lm_call_arguments(event->call);

	append_call_name(event, out);
	lm_buffer_append_byte(out, '(');
	for (size_t i = 0; i < LM_EVENT_ARGS && types[i]; i++) {
		if (i)
			lm_buffer_append_text(out, ", ");
		append_value(types[i], event->args[i], out);
	}
	lm_buffer_append_byte(out, ')');
}

void lm_event_append_args(const struct lm_event *event, struct lm_buffer *out)
{
	const char *types = lm_call_arguments(event->call);
	const char *separator = "";

	lm_buffer_append_text(out, ",\"args\":[");
	for (size_t i = 0; i < LM_EVENT_ARGS && types[i]; i++) {
		bool sign = types[i] == 'd' || types[i] == 'l';

		lm_buffer_printf(out, sign ? "%s%" PRId64 : "%s%" PRIu64, separator,
			event->args[i]);
		separator = ",";
	}
	lm_buffer_append_byte(out, ']');
}

void lm_event_append_span(const struct lm_event *event, struct lm_buffer *out)
{
	uint64_t span_ns = event->end_ns - event->begin_ns;

	if (event->flags & LM_EVENT_TIMED)
		lm_buffer_printf(out, " <%" PRIu64 ".%06" PRIu64 ">", span_ns / LM_NS_PER_SEC,
			span_ns % LM_NS_PER_SEC / 1000);
}
