/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Who had which CPU, from when to when (record --sched).
 *
 * Hook: sched_switch, which runs on the CPU that changes hands, with interrupts
 * off. Told is the thread that leaves it; the idle thread is nobody.
 * Cannot see: turns that have not ended when recording stops; the begin of those
 * that had begun before it started; what interrupts take.
 */
#include "core/call.h"

/* When the thread that has a CPU got it; 0: before the start. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} turn_begins SEC(".maps");

static __always_inline int end_turn(struct task_struct *from)
{
	__u64 now_ns = bpf_ktime_get_boot_ns(), begin_ns = 0, *begin;
	struct lm_raw_turn *rec;
	struct emit e;
	__u32 key = 0;

	begin = bpf_map_lookup_elem(&turn_begins, &key);
	if (begin) {
		begin_ns = *begin;
		*begin = now_ns;
	}
	if (!from->pid || (__u32)from->tgid == self_tgid)
		return done();
	if (!emit_begin(&e, from, LM_RAW_CALL_NONE))
		return done();
	e.time_ns = now_ns; /* where one turn ends the next one begins */
	rec = emit_reserve(&e, LM_RAW_TURN, sizeof(*rec));
	if (rec) {
		rec->begin_ns = begin_ns;
		rec->cpu = bpf_get_smp_processor_id();
		rec->state = from->__state;
		emit_commit(&e, rec, sizeof(*rec));
	}
	emit_end(&e);
	return done();
}
