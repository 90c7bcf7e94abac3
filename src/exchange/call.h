/* SPDX-License-Identifier: MIT */
#pragma once

#include "world.h"

/*
 * A system call that somebody else has recorded, and what it did to the world. What a call is to
 * the recorder (lm_call_mappings()) it is here: the same event of the same objects.
 */
#define CALL_AT_FDCWD (-100)

/* A path of a call, and what the source says of what stands there. */
struct call_path {
	bool known;             /* there is such a path, and this is it */
	struct lm_str text;
	struct world_file is;   /* what it led to; in a removal, what it had led to */
	struct world_file dir;  /* the directory that the last component is in */
	bool created;           /* the call has made it */
};

/* How far paths can be believed. */
enum call_trust {
	CALL_CLAIMED = 0, /* as user memory had them */
	CALL_KERNEL = 1,  /* as the kernel took them, with what they led to */
};

struct call {
	uint64_t begin_ns, end_ns; /* end: the world's time at least */
	uint32_t tid;
	uint16_t call;   /* as in lm_event */
	uint16_t native; /* the x86-64 call that does the same */
	int64_t result;
	uint64_t args[LM_EVENT_ARGS];
	enum call_trust trust;
	bool exact_begin;           /* begin_ns is when the call began */
	bool unsure_child;          /* the number of a new process may be another namespace's */
	struct call_path path, path2; /* as in lm_call_mappings(): the link, then its target */
	struct call_path script, loader; /* execve; path is the program */
	lm_object_id returned;      /* what the descriptor is that it gave, if known */
	struct lm_address address;  /* family 0: none was told */
	bool has_pair;              /* pipe, socketpair: */
	uint32_t pair[2];
	lm_object_id pair_objects[2];
	struct lm_str argv;         /* execve: NUL-separated */
	uint32_t argc;
	struct lm_str comm;         /* execve: of the new program */
};

/**
 * Tell the log what the call did.
 *
 * @param process  that made it; gone when the call has ended it
 * @return 1; 0: it is none that tells of any influence; world_status()
 */
int call_apply(struct world *world, struct world_process *process, const struct call *call);

/* call_path.c */

/** Where a path leads. `dirfd` is a descriptor, or CALL_AT_FDCWD. */
struct world_place call_resolve(struct world *world, const struct world_process *process,
	const struct call *call, const struct call_path *path, int64_t dirfd);
/**
 * The file that a path leads to, its name bound to it: made up where only the name is known.
 *
 * @param ret_place  where it stands
 */
lm_object_id call_file(struct world *world, const struct world_process *process,
	const struct call *call, const struct call_path *path, int64_t dirfd,
	struct world_place *ret_place);
/** Calls with paths: fills names, objects and flags of the event, and hands it on. */
void call_open(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);
void call_path(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);
void call_two_paths(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);

/* call_process.c */
void call_fork(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);
void call_exec(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);
/** The process ends; the event's result is its wait status. */
void call_exit(struct world *world, struct world_process *process, struct lm_event *event);
/** Changes of the caller's own attributes. */
void call_attributes(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);
void call_task(struct world *world, const struct call *call, uint64_t pid, struct lm_event *event);

/* call_socket.c */
void call_socket(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);
void call_pair(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event);

/** An argument by number + 1, as the tables of calls have it; 0 for none. */
static inline uint64_t call_argument(const struct call *call, uint8_t plus_one)
{
	return plus_one && plus_one <= LM_EVENT_ARGS ? call->args[plus_one - 1] : 0;
}

/** A descriptor among the arguments, of its 32 bits. */
static inline int64_t call_descriptor(const struct call *call, unsigned int at)
{
	return at < LM_EVENT_ARGS ? (int32_t)call->args[at] : -1;
}
