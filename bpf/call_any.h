/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Level full: every system call as such, with number, arguments, result and
 * both times, beside the record of what it did.
 *
 * Hooks: sys_enter notes begin and arguments with the task, because at the end
 * registers may hold something else (execve, rt_sigreturn, ptrace); sys_exit
 * records. A call that does not return (exit, exit_group) is recorded when it
 * is entered. Programs of their own, loaded at this level only, so that the
 * others pay nothing; behind the one that records actions, so that a call's
 * record stands behind its action's.
 * Cannot see: the begin of a call that was under way when recording began; calls
 * that have not ended when it stops; a call that seccomp or a tracer has refused
 * has an end only.
 */
#include "core/call.h"

struct entered_call {
	__u64 begin_ns; /* 0: none under way */
	__u64 args[6];
	__u32 number;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct entered_call);
} entered_calls SEC(".maps");

static __always_inline void read_any_args(__u64 args[6], struct pt_regs *regs, bool compat)
{
	if (unlikely(compat)) {
		args[0] = (__u32)regs->bx;
		args[1] = (__u32)regs->cx;
		args[2] = (__u32)regs->dx;
		args[3] = (__u32)regs->si;
		args[4] = (__u32)regs->di;
		args[5] = (__u32)regs->bp;
		return;
	}
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
}

static __always_inline int emit_any_call(struct task_struct *task, const struct entered_call *call,
	bool compat, long result)
{
	__u16 number = call->number < LM_CALL_COUNT ?
		(compat ? LM_RAW_CALL_COMPAT : 0) | call->number : LM_RAW_CALL_NONE;
	struct lm_raw_call *rec;
	struct emit e;

	if (!emit_begin(&e, task, number))
		return done();
	rec = emit_reserve(&e, LM_RAW_CALL, sizeof(*rec));
	if (rec) {
		rec->begin_ns = call->begin_ns;
		rec->result = result;
		__builtin_memcpy(rec->args, call->args, sizeof(rec->args));
		rec->number = call->number;
		rec->pad = 0;
		emit_commit(&e, rec, sizeof(*rec));
	}
	emit_end(&e);
	return done();
}

static __always_inline bool never_returns(__u32 number, bool compat)
{
	return compat ? number == 1 || number == 252 : number == 60 || number == 231;
}

/* clone, fork, vfork and clone3 end twice: in the child it is no call of its own. */
static __always_inline bool is_childs_end(__u32 number, bool compat, long result)
{
	if (result)
		return false;
	return compat ? number == 120 || number == 2 || number == 190 || number == 435 :
		number == 56 || number == 57 || number == 58 || number == 435;
}

static __always_inline int enter_any_call(struct pt_regs *regs, __u32 number)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	bool compat = task->thread_info.status & TS_COMPAT;
	struct entered_call *call, last;

	if ((__u32)task->tgid == self_tgid)
		return done();
	if (unlikely(never_returns(number, compat))) {
		last.begin_ns = bpf_ktime_get_boot_ns();
		last.number = number;
		read_any_args(last.args, regs, compat);
		return emit_any_call(task, &last, compat, 0);
	}
	/* Without memory for it, the end still tells all but the begin. */
	call = bpf_task_storage_get(&entered_calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call)
		return done();
	call->number = number;
	read_any_args(call->args, regs, compat);
	call->begin_ns = bpf_ktime_get_boot_ns();
	return done();
}

static __always_inline int end_any_call(struct pt_regs *regs, long result)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	bool compat = task->thread_info.status & TS_COMPAT;
	struct entered_call *call, bare;

	if ((__u32)task->tgid == self_tgid)
		return done();
	call = bpf_task_storage_get(&entered_calls, task, 0, 0);
	if (likely(call && call->begin_ns)) {
		run(emit_any_call(task, call, compat, result));
		call->begin_ns = 0;
		return done();
	}
	bare.begin_ns = 0;
	bare.number = regs->orig_ax;
	if (is_childs_end(bare.number, compat, result))
		return done();
	read_any_args(bare.args, regs, compat);
	return emit_any_call(task, &bare, compat, result);
}
