/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "core/attributes.h"

/* One system call at its end. */
struct call {
	struct emit emit;
	struct task_struct *task;
	__u32 number; /* of x86-64, whichever entry was taken (emit.call tells) */
	long result;
	__u64 args[8]; /* six in use; eight so that an index can be masked */
	struct lm_call_rule rule;
};

static __always_inline __u64 call_arg(struct call *c, __u32 index)
{
	return c->args[index & 7];
}

/* An argument by its rule: 0 means that there is none. */
static __always_inline __u64 call_arg_opt(struct call *c, __u32 index_plus_one)
{
	return index_plus_one ? call_arg(c, index_plus_one - 1) : 0;
}

/* The call that the current task is in, for hooks in the middle of one. */
static __always_inline __u16 current_call(struct task_struct *task)
{
	struct pt_regs *regs;
	unsigned long nr;

	if (!task->mm) /* a kernel thread has no call */
		return LM_RAW_CALL_NONE;
	regs = (void *)bpf_task_pt_regs(task);
	nr = READ(regs, orig_ax);
	if (nr >= LM_CALL_COUNT)
		return LM_RAW_CALL_NONE;
	return task->thread_info.status & TS_COMPAT ? LM_RAW_CALL_COMPAT | nr : nr;
}
