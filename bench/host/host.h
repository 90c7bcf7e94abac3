/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <ucontext.h>

#include "lemona/base/map.h"
#include "lemona/event/event.h"
#include "lemona/log/writer.h"

/*
 * A host that does not exist, and the log that recording it would have given. Programs are
 * coroutines that make "system calls" (calls.h); each call becomes the event, and the definitions
 * in front of it, that the recorder would write. One clock rules all of them: whoever is
 * furthest behind runs. Nothing depends on anything but the seed.
 *
 * A bench program: where memory ends or the log cannot be written, it says so and exits.
 */
#define HOST_FRAME_NS    UINT64_C(8000000) /* how often the recorder looks */
#define HOST_QUANTUM_NS  UINT64_C(100000)  /* how far one may be ahead of the others */
#define HOST_SECOND_NS   UINT64_C(1000000000)
#define HOST_DAY_NS      (86400 * HOST_SECOND_NS)
#define HOST_START_NS    (400 * HOST_SECOND_NS)        /* since boot */
#define HOST_WALL_NS     UINT64_C(1767225600000000000) /* of the boot: 2026-01-01, midnight */
#define HOST_STACK_BYTES (32u << 10)
#define HOST_CPUS        4u
#define HOST_DEV         0x800001u /* 8:1 as the kernel has it */

struct world;
struct proc;

/* A name, and the file it leads to now. Temporary ones belong to whoever made them. */
struct node {
	struct node *parent;
	char *component;
	lm_object_id name, file; /* 0: not told yet */
	uint64_t inode;
	uint32_t mode; /* S_IF* and permission bits; 0: the name leads nowhere */
	uint32_t rdev; /* of a device, as the kernel has it */
	bool temporary;
};

/* One end of a channel, or a pipe. */
struct channel {
	struct lm_object object; /* as last defined */
};

struct task;
typedef void (*script)(struct proc *p, const struct task *task);

/* What a program is started with. */
struct task {
	struct node *node, *other, *terminal;
	struct channel channel, second;
	struct attack *attack;
	struct visit *visit;
	struct login *login;
	struct session *session;
	struct job *job;
	script run;
	uint64_t number;
};

/* A process, or a thread of one: then `leader` is another. */
struct proc {
	struct world *world;
	uint64_t now_ns;
	uint64_t serial;     /* of its turn: whoever came first goes first */
	lm_object_id object; /* this version's number */
	uint32_t pid, tid, uid, slot;
	struct lm_process is; /* as last defined; strings borrowed */
	struct node *exe, *cwd;
	struct proc *parent;
	uint64_t birth, parent_birth; /* slots are used again, births are not */
	uint32_t running;             /* children */
	bool waits, idle, locale;
	uint16_t cpu;
	uint64_t map_at;         /* where the last mapping was put; 0: none was */
	struct attack *attack;   /* that it belongs to, or serves just now */
	bool marked;             /* its events are steps of that attack */
	bool detects;            /* and such that somebody notices */
	struct attack *carries;  /* whose way goes through it and all that it starts */
	struct session *session; /* of a shell: its terminal */
	script run;
	struct task task;
	ucontext_t context;
	void *stack;
};

struct pending {
	struct lm_event event;
	uint64_t order;
	struct attack *attack;
	bool detects;
};

struct world {
	struct lm_log_writer *writer;
	uint64_t rng, serial, births;
	uint64_t start_ns, end_ns, wanted; /* events */
	uint64_t frame_end_ns, horizon_ns;
	uint64_t events;      /* written */
	lm_object_id objects; /* defined */
	uint32_t next_pid;
	uint64_t next_inode, next_socket;
	struct pending *pending;
	size_t pending_count, pending_capacity;
	struct proc **heap;
	size_t heap_count, heap_capacity;
	struct proc **slots;
	size_t slot_count, slot_capacity;
	uint32_t *free_slots;
	size_t free_count;
	struct proc *running;
	ucontext_t scheduler;
	struct node *root;
	struct lm_map nodes; /* (parent, component) -> node */
	struct daemons *daemons;
	struct truth *truth;
};

/* Chance. */
uint64_t host_random(struct world *w);
/** 0..n-1. */
uint32_t host_below(struct world *w, uint32_t n);
/** low..high, both included. */
uint64_t host_between(struct world *w, uint64_t low, uint64_t high);
bool host_chance(struct world *w, uint32_t percent);
/** 0..n-1, rank k about as often as 1/k: a few are met again and again. */
uint32_t host_zipf(struct world *w, uint32_t n);
/** The same 64 bits for the same number, whatever the seed. */
uint64_t host_hash(uint64_t n);

/* Time. */
/** Run all that is ready before the end. */
void host_run(struct world *w);
void host_sleep(struct proc *p, uint64_t ns);
void host_sleep_until(struct proc *p, uint64_t t_ns);
/** Until somebody wakes it. */
void host_block(struct proc *p);
/** No effect on who is not blocked. */
void host_wake(struct proc *p, uint64_t t_ns);
/** A coroutine beside all others: told to the log by whoever makes it a process. */
struct proc *host_coroutine(struct world *w, uint64_t t_ns, script run, const struct task *task);
/** Between two calls: nearly always microseconds. */
uint64_t host_think_ns(struct world *w);

/* The log. */
/** Define an object. @return its number, given to those that have none yet */
lm_object_id host_define(struct world *w, struct lm_object *object, uint64_t t_ns);
void host_bind(struct world *w, struct node *node, uint64_t t_ns);
/** Time passes, then the event happens: actor, thread, CPU and times are filled in. */
void host_event(struct proc *p, struct lm_event event);
void host_flush(struct world *w, uint64_t before_ns);

/** What a process does as a step of the attack that it belongs to. */
#define STEP(p, call)                                                                              \
	do {                                                                                       \
		(p)->marked = true;                                                                \
		call;                                                                              \
		(p)->marked = false;                                                               \
	} while (0)

/** The same, and what it changes is found wrong afterwards. */
#define DETECT(p, call)                                                                            \
	do {                                                                                       \
		(p)->detects = true;                                                               \
		STEP(p, call);                                                                     \
		(p)->detects = false;                                                              \
	} while (0)

/* Files. */
/** The node of an absolute path, made if nobody has used it before: with `mode` then. */
struct node *host_node(struct world *w, const char *path, uint32_t mode);
struct node *host_child(struct world *w, struct node *dir, const char *component, uint32_t mode);
/** In nobody's sight but the maker's: host_forget() when it is gone. */
struct node *host_temporary(struct world *w, struct node *dir, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void host_forget(struct node *node);
lm_object_id host_tell_name(struct world *w, struct node *node, uint64_t t_ns);
lm_object_id host_tell_file(struct world *w, struct node *node, uint64_t t_ns);

/** Exits with a sentence when r is an error. */
void host_must(int r, const char *what);
void *host_allocate(size_t bytes);
