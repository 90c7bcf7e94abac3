/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

/*
 * Processes that are acted on by number: signals, ptrace and their like.
 */

static lm_object_id target_of(struct lm_identify *id, uint32_t tgid, uint64_t start_ns)
{
	struct process *process = process_by_tid(id, tgid);

	if (!process || (start_ns && process->attributes.start_ns &&
				process->attributes.start_ns != start_ns))
		return LM_OBJECT_NONE;
	return process->object;
}

/*
 * A thread's number: only those of the initial namespace are in the table, where a process has
 * one number. In another namespace the same number is somebody else's.
 */
static lm_object_id thread_target_of(struct lm_identify *id, uint32_t tid, uint32_t ns_pid)
{
	const struct process *process = process_by_tid(id, tid);
	const struct lm_process *p = process ? &process->attributes : NULL;

	if (!p || (p->ns_pid && (p->ns_pid != ns_pid || p->ns_tgid != p->tgid)))
		return LM_OBJECT_NONE;
	return process->object;
}

/*
 * A call that succeeded found somebody. Who of that number ended last may have done so between
 * the call's look-up and its end: what PTRACE_CONT has set going, for instance.
 */
lm_object_id gone_target_of(const struct lm_identify *id, uint32_t tid, uint32_t ns_pid)
{
	for (uint32_t i = 1; i <= GONE_MAX; i++) {
		const struct gone *gone = &id->gone[(id->gone_next - i) % GONE_MAX];

		if (gone->tid == tid && gone->object && (!ns_pid || gone->ns_pid == ns_pid))
			return gone->object;
	}
	return LM_OBJECT_NONE;
}

/* By number in the caller's own pid namespace; without one, in the initial namespace. */
static lm_object_id numbered_target_of(struct lm_identify *id, const struct lm_raw_task *raw)
{
	const uint64_t *tgid = raw->ns_pid ?
		lm_map_get(&id->ns_numbers, ns_key(raw->ns_pid, raw->target)) : NULL;
	bool initial = tgid || !raw->ns_pid;
	uint32_t number = tgid ? (uint32_t)*tgid : raw->target;
	lm_object_id target = initial ? target_of(id, number, 0) :
		thread_target_of(id, number, raw->ns_pid);

	if (target || raw->result < 0)
		return target;
	return gone_target_of(id, number, initial ? 0 : raw->ns_pid);
}

int take_task(struct lm_identify *id, const struct lm_raw_task *raw)
{
	struct process *process;
	struct lm_event event;
	int r;

	r = begin_event(id, &raw->raw, raw->raw.kind == LM_RAW_SIGNAL ? LM_OP_SIGNAL :
		op_of(raw->raw.call), &process, &event);
	if (r < 0)
		return r;
	event.result = raw->result;
	event.arg = raw->arg;
	if (raw->raw.kind == LM_RAW_SIGNAL)
		event.object = target_of(id, raw->target, raw->start_ns);
	else if (is_task_target(raw))
		event.object = numbered_target_of(id, raw);
	return emit_event(id, &event);
}
