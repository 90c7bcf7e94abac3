/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/event/object.h"

/*
 * Events: one recorded action, by one thread, on up to two objects and two
 * names. The numbers are part of the log format: append, never renumber.
 */
enum lm_op {
	LM_OP_NONE = 0,
	/* process life */
	LM_OP_FORK = 1,    /* object: child process; arg: clone flags */
	LM_OP_THREAD = 2,  /* a thread of the same process; arg: clone flags; result: its tid */
	LM_OP_EXEC = 3,    /* object: program file; object2: new process version; name: program's;
			    * name2: the "#!" script that the kernel gave to it, if one.
			    * Failed: object 0, name: the claimed path */
	LM_OP_EXIT = 4,    /* result: wait status; the whole process ends */
	/* files */
	LM_OP_OPEN = 5,    /* object, name; arg: O_* flags; LM_EVENT_CREATED */
	LM_OP_CLOSE = 6,   /* object (tracked: LM_EVENT_DERIVED); arg: fd */
	LM_OP_DUP = 7,     /* object; result: the new fd; arg: the old fd */
	LM_OP_READ = 8,    /* object; result: bytes */
	LM_OP_WRITE = 9,   /* object; object2: the kernel, if that is its memory; result: bytes.
			    * LM_EVENT_MAPPED: result 0, nobody counts them; arg: offset of the
			    * page that was clean before the store */
	LM_OP_TRUNCATE = 10, /* object or name; arg: length */
	LM_OP_COPY = 11,   /* object: source; object2: sink; result: bytes (sendfile, ...) */
	LM_OP_MMAP = 12,   /* object; arg: prot | flags << 32; result: address */
	LM_OP_MPROTECT = 13, /* object; arg: prot | flags of the mapping << 32 */
	LM_OP_MUNMAP = 14, /* object: a file or memory that was mapped (LM_EVENT_DERIVED) */
	LM_OP_READDIR = 15, /* object: directory */
	LM_OP_STAT = 16,   /* name or object: stat, access, readlink, getxattr: no content */
	/* names */
	LM_OP_MKNOD = 17,  /* object if known, name; arg: mode */
	LM_OP_MKDIR = 18,  /* object if known, name; arg: mode */
	LM_OP_LINK = 19,   /* object if known, name: old, name2: new */
	LM_OP_SYMLINK = 20,/* object if known, name: new link, name2: target as claimed (dir 0) */
	LM_OP_RENAME = 21, /* object if known, name: old, name2: new; arg: RENAME_* flags */
	LM_OP_UNLINK = 22, /* object if known, name */
	LM_OP_RMDIR = 23,  /* object if known, name */
	/* attributes */
	LM_OP_CHMOD = 24,  /* object or name; arg: mode */
	LM_OP_CHOWN = 25,  /* object or name; arg: uid | gid << 32 */
	LM_OP_UTIMES = 26, /* object or name */
	LM_OP_SETXATTR = 27, /* object or name; sets or removes, ACLs and capabilities too */
	/* sockets and other channels */
	LM_OP_SOCKET = 28, /* object; result: fd */
	LM_OP_SOCKETPAIR = 29, /* object, object2 */
	LM_OP_BIND = 30,   /* object; unix: name of the node it made */
	LM_OP_LISTEN = 31, /* object */
	LM_OP_CONNECT = 32,/* object */
	LM_OP_ACCEPT = 33, /* object: the new socket; object2: the listener */
	LM_OP_SEND = 34,   /* object; result: bytes */
	LM_OP_RECV = 35,   /* object; result: bytes */
	LM_OP_SHUTDOWN = 36, /* object */
	LM_OP_PIPE = 37,   /* object */
	LM_OP_MEMFD = 38,  /* object: memory */
	LM_OP_FDSEND = 39, /* object: socket; object2: what was passed */
	LM_OP_FDRECV = 40, /* object: socket, or process it was taken from; object2: what came;
			    * result: the new fd */
	/* process to process; object: the target process */
	LM_OP_SIGNAL = 41, /* arg: signal number */
	LM_OP_PTRACE = 42, /* arg: request */
	LM_OP_VMREAD = 43, /* result: bytes; object2: the /proc/PID/mem it was done through, if */
	LM_OP_VMWRITE = 44,/* as VMREAD */
	/* attributes of the actor; its object is defined anew with the new values */
	LM_OP_SETCRED = 45,/* setuid family, capset */
	LM_OP_CHDIR = 46,  /* object: directory */
	LM_OP_CHROOT = 47, /* object: directory (chroot, pivot_root) */
	LM_OP_SETNS = 48,  /* setns, unshare; arg: CLONE_NEW* flags */
	LM_OP_MOUNT = 49,  /* object: root directory of what was mounted if known, name: where;
			    * object2, name2: what was mounted there, if a file; arg: flags */
	LM_OP_UMOUNT = 50, /* name: where */
	/* into the kernel; object: LM_OBJECT_KERNEL */
	LM_OP_MODULE = 51, /* object2: the module's file if known */
	LM_OP_BPF = 52,    /* arg: command */
	LM_OP_KEXEC = 53,
	LM_OP_IOCTL = 54,  /* object; arg: request (only requests that carry influence) */
	/* memory, queues and semaphores; arg of the System V calls: key | flags << 32 */
	LM_OP_IPCGET = 55, /* object: made (LM_EVENT_CREATED) or found by key; result: id or fd */
	LM_OP_SEMOP = 56,  /* object; arg: how many operations: waits, or lets others go on */
	LM_OP_ATTRIBUTE = 57, /* the actor, defined anew: prctl (arg: option | value << 32),
			       * personality, seccomp, landlock, terminal; arg by call */
	LM_OP_CONTROL = 58,   /* object: another process: limits, priority, CPUs, group, memory */
	LM_OP_INSPECT = 59,   /* object: another process: perf_event_open, kcmp */
	LM_OP_SETFLAGS = 60,  /* object or name: immutable, append-only, ...; arg: request */
	/* into the kernel, again; object: LM_OBJECT_KERNEL */
	LM_OP_CLOCK = 61,     /* arg: the new time in ns since 1970; adjtimex: what is adjusted */
	LM_OP_KERNEL = 62,    /* what the call says; object2, name: the file it was given */
	/* What happened beside the actions above: no influence of their own; both are TIMED */
	LM_OP_CALL = 63, /* level full: a system call, whatever it did; args. Of a number that
			  * `call` has no room for: call LM_CALL_NONE, arg the number */
	LM_OP_RUN = 64,  /* the thread had the CPU; arg: 1 it still wanted it, 0 it waits */
	LM_OP_MESSAGE = 65, /* imported: what the actor has said to the system's log. name: as
			     * whom, name2: its text; both in no directory, CLAIMED. PARTIAL: the
			     * text was cut. arg: 0, or LM_MESSAGE_PRIORITY | facility * 8 +
			     * severity (RFC 5424). TIMED */
	LM_OP_MAX = LM_OP_MESSAGE,
};

enum lm_event_flag {
	LM_EVENT_CLAIMED = 1u << 0,  /* a name or object comes from user memory, unconfirmed */
	LM_EVENT_DERIVED = 1u << 1,  /* the object comes from tracked state, not from the kernel */
	LM_EVENT_CREATED = 1u << 2,  /* an open or get that made the object */
	LM_EVENT_VM_SHARED = 1u << 3,/* a fork whose child shares its parent's memory */
	LM_EVENT_CONFIRMED = 1u << 4,/* names confirmed by the kernel (fanotify or dentry) */
	LM_EVENT_PARTIAL = 1u << 5,  /* the kernel side could not read all of it */
	LM_EVENT_MAPPED = 1u << 8,   /* a write by a store into a shared mapping of the object */
	LM_EVENT_TIMED = 1u << 6,    /* begin_ns is no bound: when io_uring took the request */
	/* level reduced: stands for `arg` repeats of one of its thread's last events; result:
	 * bytes of all of them, or how each of them failed; end: of the last */
	LM_EVENT_FOLDED = 1u << 7,
	LM_EVENT_CONTENT = 1u << 9, /* bytes that it moved are here: lm_event.content */
	/* through the master of a pair of terminals: what is written there is typed at the object,
	 * and what is read there was written to it */
	LM_EVENT_MASTER = 1u << 10,
};

/* Where the action came from. A Linux x86-64 system call number, or: */
#define LM_CALL_COMPAT 0x4000u /* | the i386 number */
#define LM_CALL_URING 0x8000u  /* | io_uring opcode */
#define LM_CALL_NONE 0xffffu   /* not a call: scheduler, recorder */

#define LM_EVENT_ARGS 6u

#define LM_MESSAGE_PRIORITY 0x100u /* the message has said how important it is */

/* No event keeps more. */
#define LM_CONTENT_MAX_BYTES (64u << 10)

/* A terminal's number: major << 20 | minor, of the end that programs have. */
#define LM_TERMINAL_MASTER 0x80000000u /* | number: the end of an emulator or a server */

/**
 * What an event has moved, from its first byte on: as user memory held it when the call ended. Less
 * than the event's result where a bound was reached, or the rest could not be kept.
 */
struct lm_event_content {
	uint64_t offset;   /* bytes that went before: by this process, on this object, this way; of
			    * a terminal by all processes, at this end, this way */
	const uint8_t *bytes; /* borrowed, like lm_event.args */
	uint32_t len;      /* 1..LM_CONTENT_MAX_BYTES */
	uint32_t terminal; /* 0: none */
};

struct lm_event {
	uint64_t id;         /* number in the log, from 1, dense; set by writer and reader */
	uint64_t begin_ns;   /* boot time; end of the thread's previous event unless TIMED */
	uint64_t end_ns;     /* boot time of the record itself */
	lm_object_id actor;  /* process version */
	uint32_t tid;        /* thread, initial pid namespace */
	uint16_t op;         /* enum lm_op */
	uint16_t flags;      /* enum lm_event_flag */
	uint16_t call;       /* system call number or LM_CALL_* */
	uint16_t cpu;
	int64_t result;      /* as the call returned: negative errno when it failed */
	lm_object_id object, object2;
	lm_object_id name, name2;
	uint64_t arg;        /* meaning by op */
	/* CALL: LM_EVENT_ARGS values, as wide as the call takes them; else NULL. Borrowed: from a
	 * reader until its next frame. */
	const uint64_t *args;
	const struct lm_event_content *content; /* with LM_EVENT_CONTENT; else NULL; as args */
};

/** An event of its own kind beside the actions: it bounds nothing and influences nothing. */
static inline bool lm_op_is_aside(uint16_t op)
{
	return op == LM_OP_CALL || op == LM_OP_RUN;
}

/** A call failed when it returned -4095..-1. EXIT and THREAD never fail. */
bool lm_event_failed(const struct lm_event *ev);

/** Operations whose results are bytes that were moved. */
bool lm_op_moves_bytes(uint16_t op);

/** How many actions it stands for: 1, or the repeats that were folded into it. */
uint64_t lm_event_count(const struct lm_event *ev);

/** "read", "rename", ...; "unknown" outside the enum. Static. */
const char *lm_op_name(enum lm_op op);
/** "emerg", ..., "debug" of a message's arg; NULL where it does not say. Static. */
const char *lm_severity_name(uint64_t arg);
/** LM_OP_NONE when no op has that name. */
enum lm_op lm_op_from_name(const char *name);
/** "openat", "io_uring:read", "i386:3", ""; x86-64 table. buf: used where no static text is. */
const char *lm_call_name(uint16_t call, char buf[32]);
/**
 * What the arguments of a call are, a letter each: d, l decimal of 32 and 64 bits; u, n the same
 * without sign; x, X hexadecimal; p an address; o a mode. "" for a call without; six X where the
 * call is not known. Static.
 */
const char *lm_call_arguments(uint16_t call);

/** A word for bit `bit` of lm_event.flags; NULL past the last one in use. Static. */
const char *lm_event_flag_name(unsigned int bit);

/** "ENOENT" for a positive errno value; NULL where it has no name. Static. */
const char *lm_error_name(int64_t error);
/** The other way; 0 when no error has that name. */
int lm_error_from_name(const char *name);

/**
 * A name of a file seen to hold at a time: directories as the kernel walked
 * them, files that were open before the recorder started.
 */
enum lm_binding_flag {
	LM_BINDING_MOUNT = 1u << 0, /* file is the root of a mount that covers this name */
	LM_BINDING_LATE = 1u << 2,  /* learned by asking the running system, milliseconds later */
	LM_BINDING_ROOT = 1u << 1,  /* file is "/" of some process or mount namespace; name is 0 */
};

struct lm_binding {
	uint64_t time_ns;
	lm_object_id file;
	lm_object_id name; /* 0 with LM_BINDING_ROOT */
	uint8_t flags;
};

/** Events known to be missing. Evidence too. */
enum lm_gap_reason {
	LM_GAP_FULL = 1,    /* a kernel buffer had no room */
	LM_GAP_NESTED = 2,  /* an interrupted probe could not record */
	LM_GAP_FAULT = 3,   /* the kernel side could not read or follow what it should record */
	LM_GAP_WRITE = 4,   /* the log could not be written (disk full, ...) */
	LM_GAP_CUT = 5,     /* the log ends without its end mark, or a frame is torn */
	LM_GAP_DAMAGED = 6, /* frames that the reader had to skip */
	LM_GAP_QUEUE = 7,   /* the name event queue overflowed: names unconfirmed */
	LM_GAP_UNSEEN = 9,  /* done through an entry that is not decoded, or a ring's, not known */
	LM_GAP_STATE = 8,   /* state from before the start that could not be read */
	LM_GAP_RETENTION = 10, /* segments were deleted on purpose */
};

#define LM_GAP_CPU_NONE 0xffffu

struct lm_gap {
	uint64_t begin_ns, end_ns; /* end UINT64_MAX: to the end of the log, unknown */
	uint64_t count;            /* events lost; 0: not known */
	uint64_t kinds;            /* bit (1 << raw record kind) of what was lost; 0: not known */
	uint32_t tgid;             /* the process that lost events; 0: several, or not known */
	uint16_t cpu;              /* or LM_GAP_CPU_NONE */
	uint16_t reason;           /* enum lm_gap_reason */
};

const char *lm_gap_reason_name(enum lm_gap_reason reason);

/** A word for bit `bit` of lm_gap.kinds: "io", "open", ...; "other" where it has none. Static. */
const char *lm_gap_kind_name(unsigned int bit);

/* What flows from decoder to writer, and from reader to everything else. */
enum lm_item_kind { LM_ITEM_OBJECT = 1, LM_ITEM_BINDING = 2, LM_ITEM_EVENT = 3, LM_ITEM_GAP = 4 };

struct lm_item {
	uint8_t kind; /* enum lm_item_kind */
	union {
		struct lm_object object;
		struct lm_binding binding;
		struct lm_event event;
		struct lm_gap gap;
	};
};
