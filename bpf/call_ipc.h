/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * System V memory segments, message queues and semaphores, and the kernel's keys. (Those of
 * POSIX are files: of the mqueue file system, or in /dev/shm.)
 *
 * Hook: sys_exit. An id holds a sequence number, so that it is not used again
 * soon; it is counted in each ipc namespace. How much a shmat() mapped is read
 * from the mapping.
 * Cannot see: the key of what was made before the recording (the id is told).
 */
#include "core/call.h"

#define NR_shmat 30

static __noinline int call_ipc(struct call *c)
{
	struct task_struct *task = c->task;
	struct mapped mapped = {};
	struct lm_raw_ipc *rec;

	if (c->number == NR_shmat && c->result >= 0)
		find_mapped(c->result, &mapped);
	rec = emit_reserve(&c->emit, LM_RAW_IPC, sizeof(*rec));
	if (!rec)
		return done();
	rec->result = c->result;
	rec->arg = call_arg_opt(c, c->rule.c);
	rec->length = c->rule.a == LM_RAW_IPC_KEY ? c->args[2] : mapped.bytes;
	rec->ns_ipc = READ(task, nsproxy, ipc_ns, ns.inum);
	rec->id = c->rule.b == 1 ? (__s32)c->result : (__s32)call_arg(c, c->rule.b >> 1);
	rec->key = c->rule.b == 1 ? c->args[0] : 0;
	rec->type = c->rule.a;
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}
