/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Level reduced: a read or write that repeats the last record of its CPU's ring
 * is counted there instead of being recorded (lemona/abi/reduce.h has the rule).
 *
 * The record that takes the counts is the last one of the ring, so whatever else
 * is recorded on this CPU ends the run, and user space ends it at every look: it
 * writes how far it looks (`sealed`), then asks whether a probe is at work
 * (`busy`). Here it is the other way round: busy, a full barrier, sealed. So
 * either this side sees the seal, or user space sees that it must leave the last
 * record for its next look (Dekker's algorithm). A thread that was elsewhere in
 * between has a higher count of migrations.
 *
 * Cannot see: another CPU's use of the file within the time that a store takes
 * to get there, tens of nanoseconds.
 */
#include "call_content.h"

const volatile __u32 record_level = LM_LEVEL_PROVENANCE;
const volatile __u8 call_ways[LM_CALL_COUNT] = {}; /* enum lm_way */

/* Actions that may reach any object or process. */
__u64 disturbances = 0;

/*
 * The thread that used a file last, by a hash of the file. Two files in one
 * place end each other's mixed runs, which costs records and nothing else.
 */
#define LAST_USERS 4096
__u32 last_users[LAST_USERS] = {};

static __always_inline void reduce_disturb(void)
{
	if (record_level == LM_LEVEL_REDUCED)
		__sync_fetch_and_add(&disturbances, 1);
}

/* For each call that is recorded otherwise than below. */
static __always_inline void reduce_note_call(__u32 nr)
{
	if (record_level == LM_LEVEL_REDUCED &&
		call_ways[nr & (LM_CALL_COUNT - 1)] == LM_WAY_DISTURB)
		reduce_disturb();
}

/* Note who uses a file. False: somebody else did since this thread's last time. */
static __always_inline bool take_file(__u64 inode, __u32 dev, __u32 tid)
{
	__u64 hash = (inode ^ (__u64)dev << 32) * 0x9e3779b97f4a7c15ull;
	__u32 *user = &last_users[hash >> 52 & (LAST_USERS - 1)];

	if (*user == tid)
		return true;
	*user = tid;
	return false;
}

/* One thread in the memory, and nobody has the file mapped. */
static __always_inline bool is_secluded(struct call *c, struct inode *inode)
{
	struct mm_struct *mm = c->task->mm;

	return mm && mm->mm_users.counter == 1 &&
		!READ(inode, i_mapping, i_mmap.rb_root.rb_node);
}

/* Add a call to the last record. The caller has the run's verdict. */
static __always_inline void count_repeat(struct call *c, struct lm_raw_run *rec, bool other)
{
	struct lm_raw_fold *fold = &rec->folds[other];

	fold->last_ns = c->emit.time_ns;
	fold->bytes += c->result > 0 ? c->result : 0;
	fold->count++;
}

static __always_inline bool is_sealed(struct lm_ring_control *control)
{
	return control->sealed > control->run_at ||
		control->run_at + sizeof(struct lm_raw_run) != control->head ||
		control->gap_used;
}

static __always_inline void keep_call(struct call *c, const struct lm_raw_io *io,
	const struct lm_run_call *call, bool continues)
{
	struct lm_ring_control *control = c->emit.control;
	struct lm_raw_run *rec = emit_reserve(&c->emit, LM_RAW_RUN, sizeof(*rec));

	if (!rec) {
		control->run_at = 0;
		control->run.tid = 0;
		return;
	}
	rec->inode = io->inode;
	rec->dev = io->dev;
	rec->mode = io->mode;
	rec->fd = io->fd;
	rec->result = c->result;
	__builtin_memset(rec->folds, 0, sizeof(rec->folds));
	lm_run_keep(&control->run, call, continues);
	control->run_at = control->head;
	control->run_migrations = c->task->se.nr_migrations;
	emit_commit(&c->emit, rec, sizeof(*rec));
}

/*
 * Take a call on an open file. False: it is of no kind that repeats, and to be
 * recorded as at any other level.
 */
static __always_inline bool reduce_io(struct call *c, struct inode *inode,
	const struct lm_raw_io *io)
{
	struct lm_ring_control *control = c->emit.control;
	struct lm_run *run = &control->run;
	__u32 type = io->mode & S_IFMT;
	struct lm_run_call call = {};
	enum lm_run_verdict verdict;
	struct lm_raw_run *rec;
	bool continues;

	/* What goes through pipes and sockets is gone once it has been read. */
	if (type != S_IFREG && type != S_IFDIR && type != S_IFCHR && type != S_IFBLK)
		return false;
	/* Told as calls on the other end. */
	if (type == S_IFCHR && READ(inode, i_rdev) == DEV_PTMX)
		return false;
	/* Each of a terminal's calls has bytes of its own. */
	if (keeps_terminals && type == S_IFCHR && is_terminal(inode))
		return false;
	call.time_ns = c->emit.time_ns;
	call.object = io->inode;
	call.dev = io->dev;
	call.tid = c->emit.pid_tgid;
	call.failure = c->result < 0 ? c->result : 0;
	call.way = call_ways[c->number & (LM_CALL_COUNT - 1)];
	call.disturbances = disturbances;
	call.alone = type == S_IFREG && take_file(call.object, call.dev, call.tid);
	/* The barrier of the opening comment, and the count, in one. */
	__sync_fetch_and_add(&control->looked, 1);
	call.joined = !is_sealed(control) && control->run_migrations == c->task->se.nr_migrations;
	continues = lm_run_continues(run, &call);
	verdict = lm_run_judge(run, &call, continues);
	if (verdict == LM_RUN_COUNT_OTHER && lm_run_needs_facts(run, &call) &&
		!is_secluded(c, inode))
		verdict = LM_RUN_KEEP;
	if (verdict == LM_RUN_KEEP) {
		keep_call(c, io, &call, continues);
		return true;
	}
	control->produced++;
	control->folded++;
	rec = (void *)(c->emit.data + (control->run_at & ring_mask));
	lm_run_count(run, &call, verdict);
	count_repeat(c, rec, verdict == LM_RUN_COUNT_OTHER);
	barrier();
	return true;
}
