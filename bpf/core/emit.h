/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "core/kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "lemona/abi/raw.h"

/*
 * Maps and the one way a record leaves the kernel.
 *
 * Each CPU has a ring that user space maps and polls: no wake-up, no shared
 * lock, and a record is visible the moment it is committed. Probes run with
 * preemption disabled, so a ring has one writer at a time, except where an
 * interrupt's probe runs on top of another: `busy` finds that, and the nested
 * record is counted as lost instead of tearing the one below it.
 * One more ring, the last, belongs to the iterators that user space drives.
 */

/* Set by user space before loading. */
const volatile __u32 self_tgid = 0;
const volatile __u32 anonymous_dev = 0; /* of the one inode that eventfd and others share */
const volatile __u32 iterator_ring = 0;
const volatile __u64 ring_mask = 0;
const volatile struct lm_call_rule call_rules[LM_CALL_COUNT] = {};
const volatile struct lm_compat_rule compat_rules[LM_CALL_COUNT] = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set by user space: CPUs + 1 */
	__type(key, __u32);
	__type(value, struct lm_ring_control);
} controls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);   /* set by user space: CPUs + 1 */
	__uint(key_size, 4);
	__uint(value_size, LM_RING_SLACK_BYTES + 4096); /* set by user space: ring + slack */
} rings SEC(".maps");

/*
 * Directories and file systems that the log has been told about, and in which
 * generation. User space counts it up after a loss, so that all is told again.
 */
__u32 announced_generation = 0;

/*
 * Counts records of path calls and of the hooks in the middle of them that were
 * lost, so that what a hook told is never taken for another call's.
 */
__u32 name_losses = 0;

struct announced_key {
	__u64 inode;
	__u32 dev;
	__u32 mount; /* 0 with inode 0: the file system itself */
	__u32 generation;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct announced_key);
	__type(value, __u32);
} announced SEC(".maps");

/*
 * Wakes whoever drains the rings, for what must not wait until it looks again.
 * `bell_rung` is set back when it has begun to look: one ring is enough for all until then.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bell SEC(".maps");

__u32 bell_rung = 0;

static __always_inline void ring_bell(void)
{
	__u64 nothing = 0;

	if (bell_rung)
		return;
	bell_rung = 1;
	/* When it is full, there are rings that nobody has come for yet. */
	bpf_ringbuf_output(&bell, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

struct emit {
	struct lm_ring_control *control;
	__u8 *data; /* start of the ring */
	__u64 time_ns;
	__u64 pid_tgid;
	__u16 call;
	__u16 flags; /* goes into every record of this probe */
};

#undef barrier
#define barrier() asm volatile("" ::: "memory")
#define hide_var(var) asm volatile("" : "+r"(var))

/*
 * Subprograms have a result that nobody needs, because the verifier wants r0
 * to be a number when one returns. Made of assembler and seen as used, or the
 * compiler finds out and leaves whatever is there.
 */
#define done()                                  \
	({                                      \
		int r_;                         \
		asm volatile("%0 = 0" : "=r"(r_)); \
		r_;                             \
	})
#define run(call)                \
	do {                     \
		int r_ = (call); \
		hide_var(r_);    \
	} while (0)

/*
 * A length that every verifier believes. Verifiers before 6.10 forget a bound
 * when the compiler compares one copy of a number and uses another, or widens it
 * by shifts: so the number is 64 bits wide, and only one copy of it is left.
 */
static __always_inline __u64 at_most(__u64 value, __u64 limit)
{
	hide_var(value);
	if (value > limit)
		value = limit;
	hide_var(value);
	return value;
}

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static __always_inline bool emit_open_ring(struct emit *e, __u32 ring)
{
	e->control = bpf_map_lookup_elem(&controls, &ring);
	e->data = bpf_map_lookup_elem(&rings, &ring);
	if (!e->control || !e->data)
		return false;
	if (unlikely(e->control->busy)) {
		__sync_fetch_and_add(&e->control->nested, 1);
		__sync_fetch_and_add(&name_losses, 1);
		return false;
	}
	e->control->busy = 1;
	barrier();
	e->time_ns = bpf_ktime_get_boot_ns();
	e->flags = 0;
	return true;
}

/* Take this CPU's ring. False: nothing to do (the loss, if any, is counted). */
static __always_inline bool emit_begin(struct emit *e, struct task_struct *current, __u16 call)
{
	e->pid_tgid = (__u64)current->tgid << 32 | (__u32)current->pid;
	e->call = call;
	return emit_open_ring(e, bpf_get_smp_processor_id());
}

static __always_inline void emit_end(struct emit *e)
{
	barrier();
	e->control->busy = 0;
}

/*
 * Count a numbered record that is not kept, for its process and reason. A ring
 * that is full is full for few processes at a time; what does not find a place
 * among them is counted for nobody. A global function, as the next one but one:
 * the verifier looks at it once, and not at each call.
 */
__noinline int count_lost(__u32 ring, __u64 time_ns, __u32 tgid, __u32 kind, __u32 reason)
{
	struct lm_ring_control *c = bpf_map_lookup_elem(&controls, &ring);
	struct lm_ring_gap *gap;

	if (!c)
		return 0;
	c->lost++;
	for (__u32 i = 0; i < LM_RING_GAPS; i++) {
		gap = &c->gaps[i];
		if (i == LM_RING_GAPS - 1) {
			tgid = 0;
			reason = LM_RAW_GAP_FULL;
		}
		if (i >= c->gap_used) {
			c->gap_used = i + 1;
			gap->count = 0;
			gap->begin_ns = time_ns;
			gap->kinds = 0;
			gap->tgid = tgid;
			gap->reason = reason;
		}
		if (gap->tgid == tgid && gap->reason == reason) {
			gap->count++;
			gap->end_ns = time_ns;
			gap->kinds |= 1ull << (kind & 63);
			break;
		}
	}
	return 0;
}

static __always_inline __u32 ring_of(struct emit *e)
{
	return e->flags & LM_RAW_FOUND ? iterator_ring : bpf_get_smp_processor_id();
}

static __always_inline void emit_count_lost(struct emit *e, __u8 kind, __u32 reason)
{
	count_lost(ring_of(e), e->time_ns, e->pid_tgid >> 32, kind, reason);
}

/* For what cannot be read or followed: numbered, and not kept. */
static __always_inline void emit_fault(struct emit *e, __u8 kind, __u32 reason)
{
	e->control->produced++;
	emit_count_lost(e, kind, reason);
}

static __always_inline void emit_fill(struct emit *e, struct lm_raw *raw, __u8 kind)
{
	raw->time_ns = e->time_ns;
	raw->tid = e->pid_tgid;
	raw->tgid = e->pid_tgid >> 32;
	raw->kind = kind;
	raw->flags = e->flags;
	raw->call = e->call;
	raw->cpu = 0;
}

#define GAPS_BYTES (LM_RING_GAPS * sizeof(struct lm_raw_gap))

/* The gaps go into the ring, before the record that found room again. */
__noinline int write_gaps(__u32 ring, __u64 time_ns, __u64 pid_tgid, __u32 call, __u32 flags)
{
	struct emit e = { .time_ns = time_ns, .pid_tgid = pid_tgid, .call = call, .flags = flags };
	struct lm_ring_control *c = bpf_map_lookup_elem(&controls, &ring);
	__u8 *data = bpf_map_lookup_elem(&rings, &ring);

	if (!c || !data)
		return 0;
	for (__u32 i = 0; i < LM_RING_GAPS; i++) {
		const struct lm_ring_gap *from = &c->gaps[i];
		struct lm_raw_gap *gap = (void *)(data + (c->head & ring_mask));

		if (i >= c->gap_used)
			break;
		emit_fill(&e, &gap->raw, LM_RAW_GAP);
		gap->raw.len = sizeof(*gap);
		gap->begin_ns = from->begin_ns;
		gap->end_ns = from->end_ns;
		gap->count = from->count;
		gap->kinds = from->kinds;
		gap->lost_tgid = from->tgid;
		gap->reason = from->reason;
		barrier();
		c->head += sizeof(*gap);
	}
	c->gap_used = 0;
	return 0;
}

/*
 * Number a record and make room for it. NULL when there is none: counted, and
 * a gap will say so. max_bytes is a constant of at most LM_RAW_RECORD_MAX_BYTES.
 */
static __always_inline void *emit_reserve(struct emit *e, __u8 kind, __u32 max_bytes)
{
	struct lm_ring_control *c = e->control;
	struct lm_raw *raw;

	c->produced++;
	if (unlikely(c->head + max_bytes + GAPS_BYTES - c->tail > ring_mask + 1)) {
		emit_count_lost(e, kind, LM_RAW_GAP_FULL);
		return NULL;
	}
	if (unlikely(c->gap_used))
		write_gaps(ring_of(e), e->time_ns, e->pid_tgid, e->call, e->flags);
	raw = (void *)(e->data + (c->head & ring_mask));
	emit_fill(e, raw, kind);
	return raw;
}

/* Publish. x86 keeps stores in order, so the record is whole once head moves. */
static __always_inline void emit_commit(struct emit *e, void *record, __u32 bytes)
{
	struct lm_raw *raw = record;

	bytes = (bytes + 7) & ~7u;
	raw->len = bytes;
	barrier();
	e->control->head += bytes;
	barrier();
}
