/* SPDX-License-Identifier: MIT OR BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include <linux/types.h>

/*
 * The rule of level reduced: which reads and writes of a thread change no
 * dependency and are counted instead of recorded. One for the kernel side and
 * for whoever derives a reduced log from a full one; docs/architecture.md,
 * "The reduced level", has the reasons. Pure: all state is in struct lm_run.
 *
 * A run is a sequence of calls that one thread made on one object with nothing
 * else between them that is recorded.
 *
 *  - Calls of one way and outcome lie end to end: they are one influence, from
 *    the begin of the first to the end of the last, whatever others do meanwhile.
 *  - Calls that change between reading and writing are kept until both ways
 *    have been seen (read, write, read or write, read, write). From then on they
 *    are counted as long as nobody else can tell: only this thread runs in the
 *    process's memory, nobody has the object mapped, nobody else has used it,
 *    and nothing else has happened that could reach either.
 */
enum lm_way {
	LM_WAY_NONE = 0, /* not an event that can repeat, and nothing that others could tell */
	LM_WAY_READ = 1,
	LM_WAY_WRITE = 2,
	LM_WAY_LIST = 3,    /* reading a directory */
	LM_WAY_DISTURB = 4, /* may reach any object or process: mixed runs end */
};

/* So that what happened is told while it is news. */
#define LM_RUN_MAX_NS 20000000ull

#define LM_RUN_TURNS 3 /* read, write, read: from here on both ways are known */

/* The call that was kept last, and what has been counted since. Zero: none. */
struct lm_run {
	__u64 begin_ns; /* of the first record */
	__u64 object;   /* inode number, or whatever names the object together with dev */
	__u64 disturbances; /* how many there had been when it was kept */
	__u32 dev;
	__u32 tid;
	__s32 failure; /* negative errno, or 0 */
	__u8 way;      /* enum lm_way of the call that was kept */
	__u8 turns;    /* records in a row that changed the way, up to LM_RUN_TURNS */
	__u8 mixed;    /* calls of the other way have been counted too */
	__u8 pad;
};

/* One call, and what its maker knows about the time since the run's last one. */
struct lm_run_call {
	__u64 time_ns, object, disturbances;
	__u32 dev, tid;
	__s32 failure;
	__u8 way;      /* READ, WRITE or LIST */
	__u8 joined;   /* the thread did nothing else that is recorded since */
	__u8 alone;    /* nobody else used the object since */
	__u8 pad;
};

enum lm_run_verdict {
	LM_RUN_KEEP = 0,
	LM_RUN_COUNT = 1,       /* a repeat of the call that was kept */
	LM_RUN_COUNT_OTHER = 2, /* a repeat of the one before it, of the other way */
};

static inline int lm_run_continues(const struct lm_run *run, const struct lm_run_call *call)
{
	return call->joined && run->tid == call->tid && run->object == call->object &&
		run->dev == call->dev && call->time_ns - run->begin_ns < LM_RUN_MAX_NS;
}

/* Both ways succeeded, and nobody can tell in which order their repeats came. */
static inline int lm_run_is_private(const struct lm_run *run, const struct lm_run_call *call)
{
	return run->disturbances == call->disturbances && call->alone && !run->failure &&
		!call->failure && run->way != LM_WAY_LIST && call->way != LM_WAY_LIST;
}

/*
 * Whether the verdict depends on facts that are dear to find out and hold until
 * the next disturbance: one thread in the memory, no mapping of the object.
 */
static inline int lm_run_needs_facts(const struct lm_run *run, const struct lm_run_call *call)
{
	return run->turns >= LM_RUN_TURNS && !run->mixed && call->way != run->way;
}

/* Judge a call that continues the run, as far as lm_run_continues() says. */
static inline enum lm_run_verdict lm_run_judge(const struct lm_run *run,
	const struct lm_run_call *call, int continues)
{
	if (!continues)
		return LM_RUN_KEEP;
	if (!run->mixed && call->way == run->way && call->failure == run->failure)
		return LM_RUN_COUNT;
	if (run->turns < LM_RUN_TURNS || !lm_run_is_private(run, call))
		return LM_RUN_KEEP;
	return call->way == run->way ? LM_RUN_COUNT : LM_RUN_COUNT_OTHER;
}

/* The call was counted. Others in between end what is known of both ways. */
static inline void lm_run_count(struct lm_run *run, const struct lm_run_call *call,
	enum lm_run_verdict verdict)
{
	if (verdict == LM_RUN_COUNT_OTHER)
		run->mixed = 1;
	if (!call->alone)
		run->turns = 0;
}

/* The call was kept: it is what the next ones are held against. */
static inline void lm_run_keep(struct lm_run *run, const struct lm_run_call *call, int continues)
{
	__u8 turns = 1;

	if (continues && !run->mixed && call->way != run->way && lm_run_is_private(run, call))
		turns = run->turns < LM_RUN_TURNS ? run->turns + 1 : LM_RUN_TURNS;
	if (turns == 1) {
		run->begin_ns = call->time_ns;
		run->disturbances = call->disturbances;
	}
	run->object = call->object;
	run->dev = call->dev;
	run->tid = call->tid;
	run->failure = call->failure;
	run->way = call->way;
	run->turns = turns;
	run->mixed = 0;
}
