/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Calls that change the caller itself, that act on another process by number,
 * on memory ranges, or on the kernel.
 */
#include "core/call.h"

static __noinline int emit_process(struct emit *e, struct task_struct *task, long result, __u64 arg)
{
	struct lm_raw_process *rec;

	announce_place(e, task);
	rec = emit_reserve(e, LM_RAW_PROCESS, sizeof(*rec));
	if (!rec)
		return done();
	rec->result = result;
	rec->arg = arg;
	run(fill_attributes(&rec->attributes, task));
	emit_commit(e, rec, sizeof(*rec));
	return done();
}

static __always_inline void call_process(struct call *c)
{
	run(emit_process(&c->emit, c->task, c->result, call_arg_opt(c, c->rule.a)));
}

#define NR_ptrace 101
#define PTRACE_TRACEME 0

static __noinline int call_task(struct call *c)
{
	struct lm_raw_task *rec = emit_reserve(&c->emit, LM_RAW_TASK, sizeof(*rec));
	struct task_struct *task = c->task;

	if (!rec)
		return done();
	rec->result = c->result;
	rec->arg = call_arg_opt(c, c->rule.b);
	rec->start_ns = 0;
	rec->target = call_arg(c, c->rule.a);
	rec->ns_pid = 0;
	if (c->number == NR_ptrace && rec->arg == PTRACE_TRACEME)
		rec->target = READ(task, real_parent, tgid);
	else
		ns_pid_of(task, &rec->ns_pid);
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}

static __noinline int emit_range(struct call *c, __u8 kind)
{
	struct lm_raw_range *rec = emit_reserve(&c->emit, kind, sizeof(*rec));

	if (!rec)
		return done();
	rec->result = c->result;
	rec->address = c->args[0];
	rec->length = c->args[1];
	rec->arg = call_arg_opt(c, kind == LM_RAW_KERNEL ? c->rule.b : c->rule.c) |
		call_arg_opt(c, c->rule.a) << LM_RAW_RANGE_FLAGS_SHIFT;
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}
