/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

/*
 * What stands in a log beside the actions: system calls as they were made, and
 * who had which CPU. Neither influences anything, and both say when they began.
 */

/* As wide as the call takes it: what else a register holds is nobody's. */
static uint64_t cut_to_type(char type, uint64_t value, bool compat)
{
	switch (type) {
	case 'd':
		return (uint64_t)(int64_t)(int32_t)value;
	case 'u':
	case 'x':
		return (uint32_t)value;
	case 'o':
		return (uint16_t)value; /* umode_t */
	case 'l': /* 32 bits wide there, and with a sign */
		return compat ? (uint64_t)(int64_t)(int32_t)value : value;
	}
	return value;
}

static void set_span(struct lm_event *event, uint64_t begin_ns)
{
	if (!begin_ns)
		return;
	event->begin_ns = begin_ns;
	event->flags |= LM_EVENT_TIMED;
}

int take_call(struct lm_identify *id, const struct lm_raw_call *raw)
{
	const char *types = lm_call_arguments(raw->raw.call);
	bool compat = raw->raw.call != LM_CALL_NONE && raw->raw.call & LM_CALL_COMPAT;
	uint64_t args[LM_EVENT_ARGS] = { 0 };
	struct process *process;
	struct lm_event event;
	int r = begin_event(id, &raw->raw, LM_OP_CALL, &process, &event);

	if (r < 0)
		return r;
	for (size_t i = 0; i < LM_EVENT_ARGS && types[i]; i++)
		args[i] = cut_to_type(types[i], raw->args[i], compat);
	event.result = raw->result;
	event.arg = raw->raw.call == LM_CALL_NONE ? raw->number : 0;
	event.args = args;
	set_span(&event, raw->begin_ns);
	return emit_event(id, &event);
}

/* Of a thread that is gone already it is the last turn, on its way out. */
int take_turn(struct lm_identify *id, const struct lm_raw_turn *raw)
{
	struct process *process = process_by_tid(id, raw->raw.tid);
	bool known = process && process->tgid == raw->raw.tgid;
	lm_object_id gone = known ? LM_OBJECT_NONE : gone_target_of(id, raw->raw.tid, 0);
	struct lm_event event;
	int r;

	if (gone) {
		event = (struct lm_event){ .end_ns = raw->raw.time_ns, .actor = gone,
			.tid = raw->raw.tid, .op = LM_OP_RUN, .call = LM_CALL_NONE };
	} else {
		r = begin_event(id, &raw->raw, LM_OP_RUN, &process, &event);
		if (r < 0)
			return r;
	}
	event.cpu = (uint16_t)raw->cpu;
	event.arg = raw->state == 0;
	set_span(&event, raw->begin_ns);
	return emit_event(id, &event);
}
