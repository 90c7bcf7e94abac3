/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lemona/base/escape.h"
#include "lemona/event/rules.h"
#include "lemona/event/text.h"

/* The word between two objects: which way it went, or what they are to each other. */
static const char *joining_word(uint16_t op)
{
	switch ((enum lm_op)op) {
	case LM_OP_ACCEPT:
		return " at";
	case LM_OP_FDSEND:
	case LM_OP_FDRECV:
		return " passing";
	case LM_OP_SOCKETPAIR:
		return " and";
	case LM_OP_EXEC:
		return " as";
	case LM_OP_MODULE:
	case LM_OP_MOUNT:
	case LM_OP_KERNEL:
		return " from";
	default:
		return " ->";
	}
}

/* A name says more than the file behind it; a process handle only repeats the actor. */
static void append_objects(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	lm_object_id first = event->name ? event->name : event->object;
	lm_object_id second = event->name2 ? event->name2 : event->object2;

	if (first) {
		lm_buffer_append_byte(out, ' ');
		lm_labels_append_escaped(view->labels, first, out);
	}
	if (!second)
		return;
	if (first)
		lm_buffer_append_text(out, joining_word(event->op));
	lm_buffer_append_byte(out, ' ');
	lm_labels_append_escaped(view->labels, second, out);
}

/* As whom, how important, and what. */
static void append_message(const struct lm_event_view *view, struct lm_buffer *out)
{
	const char *severity = lm_severity_name(view->event->arg);

	if (view->event->name) {
		lm_buffer_append_byte(out, ' ');
		lm_labels_append_escaped(view->labels, view->event->name, out);
	}
	if (severity)
		lm_buffer_printf(out, " %s", severity);
	lm_buffer_append_text(out, view->event->name || severity ? ": " : " ");
	if (view->event->name2)
		lm_labels_append_escaped(view->labels, view->event->name2, out);
}

static void append_open_flags(uint64_t flags, struct lm_buffer *out)
{
	static const char *const modes[] = { "read", "write", "read-write", "special" };
	static const struct {
		uint64_t flag;
		const char *name;
	} words[] = {
		{ O_CREAT, "create" }, { O_EXCL, "exclusive" }, { O_TRUNC, "truncate" },
		{ O_APPEND, "append" }, { O_DIRECTORY, "directory" }, { O_PATH, "path" },
	};

	lm_buffer_printf(out, " %s", flags & O_PATH ? "nothing" : modes[flags & O_ACCMODE]);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (flags & words[i].flag)
			lm_buffer_printf(out, ",%s", words[i].name);
}

static void append_signal(uint64_t number, struct lm_buffer *out)
{
	const char *name = number < 65 ? sigabbrev_np((int)number) : NULL;

	if (name)
		lm_buffer_printf(out, " SIG%s", name);
	else
		lm_buffer_printf(out, " signal %" PRIu64, number);
}

static void append_protection(uint64_t arg, struct lm_buffer *out)
{
	lm_buffer_printf(out, " %c%c%c", arg & PROT_READ ? 'r' : '-', arg & PROT_WRITE ? 'w' : '-',
		arg & PROT_EXEC ? 'x' : '-');
}

static void append_argument(const struct lm_event *event, struct lm_buffer *out)
{
	if (event->flags & LM_EVENT_FOLDED) {
		lm_buffer_printf(out, " %" PRIu64 " times", event->arg);
		return;
	}
	switch ((enum lm_op)event->op) {
	case LM_OP_OPEN:
		append_open_flags(event->arg, out);
		break;
	case LM_OP_CHMOD:
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
		lm_buffer_printf(out, " mode %04" PRIo64, event->arg & 07777);
		break;
	case LM_OP_CHOWN:
		lm_buffer_printf(out, " to %d:%d", (int32_t)event->arg,
			(int32_t)(event->arg >> 32));
		break;
	case LM_OP_TRUNCATE:
		lm_buffer_printf(out, " to %" PRIu64, event->arg);
		break;
	case LM_OP_SIGNAL:
		append_signal(event->arg, out);
		break;
	case LM_OP_MMAP:
		append_protection(event->arg, out);
		if (event->arg >> 32 & MAP_SHARED)
			lm_buffer_append_text(out, " shared");
		break;
	case LM_OP_MPROTECT:
		append_protection(event->arg, out);
		break;
	case LM_OP_CALL:
		lm_event_append_call(event, out);
		break;
	case LM_OP_RUN:
		lm_buffer_printf(out, " on CPU %u%s", event->cpu, event->arg ? ", pushed off" : "");
		break;
	default:
		break;
	}
}

static void append_exit_status(int status, struct lm_buffer *out)
{
	if (WIFSIGNALED(status)) {
		lm_buffer_append_text(out, " by");
		append_signal((uint64_t)WTERMSIG(status), out);
	} else {
		lm_buffer_printf(out, " %d", WEXITSTATUS(status));
	}
}

/* A call that has returned says so; the others have no result. */
static bool has_returned(const struct lm_event *event)
{
	uint16_t call = lm_call_native(event->call);

	return event->op == LM_OP_CALL && call != SYS_exit && call != SYS_exit_group;
}

/* Nothing but an address is that large. */
static bool returns_address(const struct lm_event *event)
{
	return event->op == LM_OP_CALL && event->result >> 32;
}

static void append_result(const struct lm_event *event, struct lm_buffer *out)
{
	if (lm_event_failed(event)) {
		const char *name = lm_error_name(-event->result);

		if (name)
			lm_buffer_printf(out, " = %s", name);
		else
			lm_buffer_printf(out, " = errno %" PRId64, -event->result);
		return;
	}
	if (event->op == LM_OP_EXIT)
		append_exit_status((int)event->result, out);
	else if (event->op == LM_OP_MMAP || returns_address(event))
		lm_buffer_printf(out, " = 0x%" PRIx64, (uint64_t)event->result);
	else if (event->result != 0 || has_returned(event))
		lm_buffer_printf(out, " = %" PRId64, event->result);
}

static void append_flags(const struct lm_event *event, struct lm_buffer *out)
{
	/* Where an object comes from matters to a person only when it is in doubt. */
	const unsigned int quiet = LM_EVENT_CONFIRMED | LM_EVENT_DERIVED;
	const unsigned int said = lm_op_is_aside(event->op) ? LM_EVENT_TIMED : LM_EVENT_CONTENT;
	/* Nobody has confirmed what a program says, and when it said so. */
	const unsigned int usual = event->op == LM_OP_MESSAGE ?
		LM_EVENT_CLAIMED | LM_EVENT_TIMED : 0;
	const unsigned int shown = event->flags & ~(quiet | said | usual);
	const char *separator = " [";
	const char *name = NULL;

	for (unsigned int bit = 0; (name = lm_event_flag_name(bit)); bit++) {
		if (!(shown >> bit & 1))
			continue;
		lm_buffer_printf(out, "%s%s", separator, name);
		separator = ",";
	}
	if (separator[0] == ',')
		lm_buffer_append_byte(out, ']');
}

void lm_event_append_text(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;

	if (event->op == LM_OP_MESSAGE)
		append_message(view, out);
	else
		append_objects(view, out);
	append_argument(event, out);
	append_result(event, out);
	if (lm_op_is_aside(event->op))
		lm_event_append_span(event, out);
	if (event->content)
		lm_event_append_content(event, out);
	append_flags(event, out);
}

void lm_gap_append_text(const struct lm_gap *gap, struct lm_buffer *out)
{
	if (gap->count)
		lm_buffer_printf(out, "%" PRIu64 " events are missing", gap->count);
	else
		lm_buffer_append_text(out, "an unknown number of events is missing");
	lm_buffer_printf(out, " (%s)", lm_gap_reason_name(gap->reason));
	for (unsigned int bit = 0; bit < 64; bit++)
		if (gap->kinds >> bit & 1)
			lm_buffer_printf(out, "%s %s", gap->kinds & ((UINT64_C(1) << bit) - 1) ?
				"," : " of", lm_gap_kind_name(bit));
	if (gap->tgid)
		lm_buffer_printf(out, ", of process %u", gap->tgid);
	if (gap->cpu != LM_GAP_CPU_NONE)
		lm_buffer_printf(out, ", on CPU %u", gap->cpu);
}
