/* SPDX-License-Identifier: MIT OR BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include <linux/types.h>

#include "lemona/abi/calls.h"
#include "lemona/abi/reduce.h"

/*
 * What the kernel side writes and user space decodes: raw records in per-CPU
 * rings. Fixed width, explicit padding, no pointers. Both sides are built from
 * the same tree, so this is no file format: it may change with every release.
 *
 * Every record begins with struct lm_raw and is a multiple of 8 bytes long.
 * Records of one ring are in the order in which they were committed; rings are
 * merged by time.
 */
/* Numbered for good: the log's gaps hold the kinds of what was lost, one bit each. */
enum lm_raw_kind {
	LM_RAW_IO = 1,      /* lm_raw_io: a call on an open file, the hot path */
	LM_RAW_FD = 2,      /* lm_raw_fd: a call on an open file with an argument */
	LM_RAW_OPEN = 3,    /* lm_raw_open: an open file with its name */
	LM_RAW_DIR = 4,     /* lm_raw_dir: the name of a directory */
	LM_RAW_FS = 5,      /* lm_raw_fs: a file system */
	LM_RAW_PATH = 6,    /* lm_raw_path: a call on one or two paths */
	LM_RAW_FORK = 7,    /* lm_raw_fork */
	LM_RAW_PROCESS = 8, /* lm_raw_process: attributes of a process, new or changed */
	LM_RAW_EXEC = 9,    /* lm_raw_exec */
	LM_RAW_EXIT = 10,   /* lm_raw_exit */
	LM_RAW_SIGNAL = 11, /* lm_raw_task: target by task */
	LM_RAW_TASK = 12,   /* lm_raw_task: target by number in the caller's pid namespace */
	LM_RAW_SOCKET = 13, /* lm_raw_socket */
	LM_RAW_COPY = 14,   /* lm_raw_copy: from one open file to another */
	LM_RAW_RANGE = 15,  /* lm_raw_range: a call on a range of memory */
	LM_RAW_KERNEL = 16, /* lm_raw_range: a call into the kernel itself */
	LM_RAW_GAP = 17,    /* lm_raw_gap */
	LM_RAW_UNSEEN = 18, /* lm_raw_range: result actions that no call of their own shows */
	LM_RAW_CGROUP = 19, /* lm_raw_cgroup: the path of a control group */
	LM_RAW_IPC = 20,    /* lm_raw_ipc: System V segments, queues, semaphores */
	LM_RAW_RUN = 21,    /* lm_raw_run: IO of level reduced, with repeats */
	LM_RAW_DIRTY = 22,  /* lm_raw_dirty: a store into a shared mapping of a file */
	LM_RAW_URING_SUBMIT = 23, /* lm_raw_uring: a request that a ring has taken */
	LM_RAW_URING_END = 24,    /* lm_raw_uring: what has become of it */
	LM_RAW_NAME = 25,         /* lm_raw_name: what a call on paths acts on */
	LM_RAW_CALL = 26,         /* lm_raw_call: level full, a system call as such */
	LM_RAW_TURN = 27,         /* lm_raw_turn: a thread had a CPU */
	LM_RAW_CONTENT = 28,      /* lm_raw_content: bytes that the call told next has moved */
	LM_RAW_KIND_MAX = LM_RAW_CONTENT,
};

enum lm_raw_flag {
	LM_RAW_FOUND = 1 << 0,   /* state from before the start, from an iterator */
	LM_RAW_PARTIAL = 1 << 2, /* a read of kernel or user memory failed */
	LM_RAW_CUT = 1 << 3,     /* a string was longer than its room */
	LM_RAW_CREATED = 1 << 4, /* the open created the file (FMODE_CREATED) */
	LM_RAW_MOUNT = 1 << 5,   /* DIR: the directory is mounted over that name */
	LM_RAW_ROOT = 1 << 6, /* DIR: the directory is "/" of the process or its mount namespace */
	LM_RAW_MASTER = 1 << 7, /* IO: through the master of a pair of terminals; told is the other
				 * end, which is what programs have as their terminal */
};

#define LM_RAW_CALL_NONE 0xffff
#define LM_RAW_CALL_COMPAT 0x4000
#define LM_RAW_CALL_URING 0x8000 /* | operation of io_uring */
#define LM_RAW_CPU_NONE 0xffff

struct lm_raw {
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u32 tid;
	__u32 tgid;
	__u8 kind;
	__u8 flags;
	__u16 call; /* x86-64 number, LM_RAW_CALL_* | another, or LM_RAW_CALL_NONE */
	__u16 len;  /* of the whole record */
	__u16 cpu;  /* filled in when it is taken out of its ring; LM_RAW_CPU_NONE: of none */
};

struct lm_raw_inode {
	__u64 inode;
	__u32 dev;        /* sb->s_dev */
	__u32 generation; /* inode->i_generation */
	__u32 mode;
	__u32 rdev;
};

/*
 * Descriptors that the kernel makes without a file of their own share one inode. Those of them
 * that carry something between processes get an inode number of their own: enum lm_raw_anonymous
 * in the highest byte, the kernel's number of the object below it. The others have none (0).
 */
enum lm_raw_anonymous { LM_RAW_ANONYMOUS_EVENTFD = 1 };

#define LM_RAW_ANONYMOUS_SHIFT 56

struct lm_raw_io {
	struct lm_raw raw;
	__u64 inode;
	__u32 dev;
	__s32 fd;
	__s32 result;
	__u32 mode; /* inode->i_mode */
};

/* Repeats that were counted: how many calls, bytes that they moved, when the last one ended. */
struct lm_raw_fold {
	__u64 last_ns;
	__u64 bytes;
	__u32 count;
	__u32 pad;
};

struct lm_raw_run {
	struct lm_raw raw;
	__u64 inode; /* these as in lm_raw_io */
	__u32 dev;
	__s32 fd;
	__s32 result;
	__u32 mode;
	struct lm_raw_fold folds[2]; /* of the call's own way; of the other one (enum lm_way) */
};

struct lm_raw_fd {
	struct lm_raw raw;
	struct lm_raw_inode file;
	__s64 result;
	__u64 arg;
	__u64 length; /* mmap */
	__s32 fd;
	__u32 fmode; /* file->f_mode: 1 read, 2 write */
};

#define LM_RAW_NAME_BYTES 256 /* NAME_MAX and the NUL */

struct lm_raw_open {
	struct lm_raw raw;
	struct lm_raw_inode file;
	__u64 dir_inode;
	__u32 dir_dev;
	__s32 fd;     /* LM_RAW_FOUND: the fd; else as returned */
	__u32 oflags; /* file->f_flags */
	__u32 name_len;
	__u64 arg;    /* flags as the call gave them: f_flags has lost O_TRUNC */
	__u32 about;  /* of a file in /proc/PID: the number of that process or thread, else 0 */
	__u32 pad;
	char name[]; /* not NUL-terminated */
};

struct lm_raw_dir {
	struct lm_raw raw;
	struct lm_raw_inode dir;
	__u64 parent_inode;
	__u32 parent_dev;
	__u32 name_len; /* 0 with LM_RAW_ROOT and no parent */
	char name[];
};

struct lm_raw_fs {
	struct lm_raw raw;
	__u32 dev;
	__u32 pad;
	__u64 magic;
	__u8 uuid[16];
};

#define LM_RAW_PATH_BYTES 4096

struct lm_raw_path {
	struct lm_raw raw;
	__s64 result;
	__u64 arg;
	__u64 start_inode;  /* where a relative path starts: dirfd or cwd */
	__u64 start2_inode;
	__u32 start_dev;
	__u32 start2_dev;
	__u32 start_mode;   /* so that an empty path with a dirfd names its object */
	__u32 arg3, arg4;   /* arguments 3 and 4: flags of the *at calls */
	__u32 losses;       /* as lm_raw_name's */
	__u32 pad;
	__u16 path_len;
	__u16 path2_len;
	char paths[];       /* path, then path2: claimed by user space */
};

/* What a hook in the middle of a call tells. */
enum lm_raw_change {
	LM_RAW_CREATES = 1, /* mkdir, mknod, symlink: "to" is a symlink's target, dir2 is 0 */
	LM_RAW_MADE = 2,    /* the object that CREATES has led to */
	LM_RAW_REMOVES = 3, /* unlink, rmdir */
	LM_RAW_LINKS = 4,   /* "to" is the new name */
	LM_RAW_RENAMES = 5, /* "to" is the new name, target2 what it stood for until now */
	LM_RAW_CHANGES = 6, /* chmod, chown, truncate */
	LM_RAW_TIMES = 7,
	LM_RAW_XATTRS = 8,
	LM_RAW_CHANGE_MAX = LM_RAW_XATTRS,
};

/*
 * The kernel's own objects, before it is known whether the call will succeed:
 * the record of the call, which the same thread writes at its end, decides.
 */
struct lm_raw_name {
	struct lm_raw raw;
	struct lm_raw_inode target;  /* inode 0: there is none yet */
	struct lm_raw_inode target2;
	__u64 dir_inode, dir2_inode; /* 0: the top of a mount, which has no name in it */
	__u32 dir_dev, dir2_dev;
	__u32 losses;    /* counts lost NAME and PATH records: the same as in the call's, or void */
	__u16 name_len;
	__u16 name2_len;
	__u8 change;     /* enum lm_raw_change */
	__u8 pad[7];
	char names[];    /* name, then name2; not NUL-terminated */
};

struct lm_raw_fork {
	struct lm_raw raw; /* the parent */
	__u64 start_ns;    /* child: start_boottime */
	__u64 clone_flags;
	__u32 child_tid, child_tgid;
	__u32 child_ns_tid;
	__u32 ns_pid, ns_mnt, ns_net, ns_user;
	__u32 shared_vm;
	__u32 ns_uts, ns_ipc, ns_cgroup, ns_time; /* 0: as the parent's */
};

struct lm_raw_attributes {
	__u64 start_ns;  /* of the thread group leader */
	__u64 cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
	__u64 cgroup;    /* kernfs id, of its hierarchy */
	__u32 hierarchy; /* 0: cgroup v2 */
	__u32 ns_tgid;
	__u32 parent_tgid; /* of task->real_parent: who waits for it now */
	__u32 sid;
	__u32 tty; /* major << 20 | minor */
	__u32 uid, euid, suid, fsuid;
	__u32 gid, egid, sgid, fsgid;
	__u32 loginuid, session; /* of the login; 0xffffffff: none, or no audit in this kernel */
	__u32 ns_pid, ns_mnt, ns_net, ns_user, ns_uts, ns_ipc, ns_cgroup, ns_time;
	__u8 seccomp;      /* task->seccomp.mode */
	__u8 no_new_privs; /* 0 or 1 */
	__u8 pad[2];
	struct lm_raw_inode cwd, root;
	char comm[16];
};

#define LM_RAW_CGROUP_BYTES 4096

struct lm_raw_cgroup {
	struct lm_raw raw;
	__u64 cgroup;
	__u32 hierarchy;
	__u32 names_len;
	char names[]; /* of itself, its parent, and so on below the root, each with its NUL */
};

struct lm_raw_process {
	struct lm_raw raw;
	__s64 result;
	__u64 arg;
	struct lm_raw_attributes attributes;
};

#define LM_RAW_ARGV_BYTES 4096
#define LM_RAW_SCRIPT_BYTES 4096

struct lm_raw_exec {
	struct lm_raw raw;
	struct lm_raw_attributes attributes;
	struct lm_raw_inode exe, loader;
	__u64 dir_inode; /* of exe's name */
	__u32 dir_dev;
	__u32 old_tid;   /* the thread that called, before it took the leader's id */
	__u32 argc;
	__u32 env_bytes;
	__u32 argv_bytes; /* all of it; argv_len is what is here */
	__u16 name_len;
	__u16 argv_len;
	__u16 script_len;
	__u16 pad[3];
	char data[];      /* name, argv (NUL-separated), path of a "#!" script */
};

struct lm_raw_exit {
	struct lm_raw raw;
	__s32 status;     /* wait(2) status */
	__u32 group_dead; /* last thread of the process */
};

struct lm_raw_task {
	struct lm_raw raw;
	__s64 result;
	__u64 arg;    /* signal, ptrace request */
	__u64 start_ns; /* SIGNAL: of the target's leader */
	__u32 target; /* SIGNAL: tgid; TASK: number in ns_pid */
	__u32 ns_pid;
};

struct lm_raw_address {
	__u16 family;
	__u16 port; /* host order */
	__u32 pad;
	__u8 ip[16];
};

struct lm_raw_socket {
	struct lm_raw raw;
	__s64 result;
	__u64 inode;
	__u64 inode2;   /* accept: the listener; socketpair: the other end */
	__u64 cookie;
	__u64 peer_inode;
	__u64 path_inode;
	__u32 path_dev;
	__u32 dev;
	__s32 fd;
	__u32 ns_net;
	__u16 type, protocol, family;
	__u8 claimed_remote; /* remote was read from user memory */
	__u8 path_len;
	struct lm_raw_address local, remote;
	/*
	 * unix: own path (local.family is set), else the peer's (remote.family is set);
	 * "@" stands for a leading NUL. A path in the file system is told by path_inode too.
	 */
	__u8 path[112];
};

struct lm_raw_copy {
	struct lm_raw raw;
	__s64 result;
	struct lm_raw_inode from, to;
};

struct lm_raw_range {
	struct lm_raw raw;
	__s64 result;
	__u64 address, length, arg;
};

#define LM_RAW_RANGE_FLAGS_SHIFT 56 /* mremap: flags above the new length */

enum lm_raw_ipc_type {
	LM_RAW_IPC_SEGMENT = 1,
	LM_RAW_IPC_QUEUE = 2,
	LM_RAW_IPC_SEMAPHORES = 3,
	LM_RAW_IPC_KEY = 4, /* of the kernel's key service */
};

struct lm_raw_ipc {
	struct lm_raw raw;
	__s64 result;
	__u64 arg;
	__u64 length; /* shmat: bytes mapped at the result; 0 not known. Key: a second serial */
	__u32 ns_ipc; /* ids are counted in each namespace, serials of keys are not */
	__s32 id;
	__u32 key;    /* where the call gave one */
	__u32 type;   /* enum lm_raw_ipc_type */
};

struct lm_raw_dirty {
	struct lm_raw raw;
	struct lm_raw_inode file;
	__u64 offset; /* of the page that became dirty */
};

enum lm_uring_end {
	LM_URING_MORE = 1 << 0,     /* the request stays: one of several results */
	LM_URING_OVERFLOW = 1 << 1, /* the ring of results was full */
};

/*
 * A request of io_uring, told twice: when the ring has taken it, with what the
 * kernel has copied from user memory, and when its result is posted, with what
 * the kernel acted on. The event stands behind it as a record of another kind;
 * all but kind, call, flags and len of that one's head is the outer one's.
 */
struct lm_raw_uring {
	struct lm_raw raw;  /* who submitted it, whoever completes it */
	__u64 request;      /* address in the kernel, used again; 0: not known */
	__u64 ring;         /* address in the kernel */
	__u64 user_data;
	__s64 result;       /* END */
	__u32 worker;       /* END: thread of the same process that posts it, or 0 */
	__u8 sqe_flags;     /* SUBMIT: IOSQE_*; of END where the request is known */
	__u8 end_flags;     /* END: enum lm_uring_end */
	__u16 inner_len;    /* 0: none */
};

/* A system call as it was made, beside what it may be recorded as. */
struct lm_raw_call {
	struct lm_raw raw; /* call: LM_RAW_CALL_NONE where the number is too large for it */
	__u64 begin_ns;    /* 0: it was under way when recording began */
	__s64 result;      /* of a call that does not return: 0 */
	__u64 args[6];     /* registers, in the order of the entry */
	__u32 number;
	__u32 pad;
};

/*
 * A part of what a call has read or written, in front of the call's own record and with its time:
 * the parts are in order, and what user memory held when the call ended.
 */
#define LM_RAW_CONTENT_BYTES 8192
#define LM_RAW_TERMINAL_MASTER 0x80000000u /* the end of an emulator or a server */

struct lm_raw_content {
	struct lm_raw raw;
	__u64 offset;    /* of the call's first byte: what its stream has moved before */
	__u32 at;        /* of the part's first byte within the call */
	__u32 bytes_len;
	__u32 terminal;  /* major << 20 | minor | LM_RAW_TERMINAL_MASTER; 0: none */
	__u32 pad;
	__u8 bytes[];
};

/* What is kept of one call, and of one way of a terminal's one end in a second, at most. */
#define LM_CONTENT_CALL_BYTES 65536u
#define LM_TERMINAL_BYTES 262144u

/* Where a call's bytes are. */
enum lm_content_shape {
	LM_CONTENT_NONE = 0,
	LM_CONTENT_PLAIN = 1,   /* argument 1 points to them */
	LM_CONTENT_VECTOR = 2,  /* argument 1 to buffers, argument 2 says how many */
	LM_CONTENT_MESSAGE = 3, /* argument 1 to a struct msghdr */
	LM_CONTENT_REMOTE = 4,  /* VECTOR; argument 0 is a process */
	LM_CONTENT_SHAPE = 7,
	LM_CONTENT_OUT = 8,     /* | shape: the caller wrote them */
};

#define LM_MAJORS 512 /* character devices have no higher one */

/* How long a thread had a CPU: until raw.time_ns. */
struct lm_raw_turn {
	struct lm_raw raw;
	__u64 begin_ns;
	__u32 cpu;
	__u32 state; /* task->__state: 0 it could have gone on */
};

enum lm_raw_gap_reason {
	LM_RAW_GAP_FULL = 1,
	LM_RAW_GAP_NESTED = 2,
	LM_RAW_GAP_UNSEEN = 3,
	LM_RAW_GAP_FAULT = 4,
};

struct lm_raw_gap {
	struct lm_raw raw; /* time_ns: when room was found again */
	__u64 begin_ns, end_ns;
	__u64 count;
	__u64 kinds; /* bit per enum lm_raw_kind */
	__u32 lost_tgid; /* 0: more processes than a ring has places for */
	__u32 reason;
};

/*
 * One ring. User space maps it; only the kernel side writes head and what
 * follows, only user space writes tail. Offsets count bytes from the start of
 * recording and never wrap; the place is offset & (ring bytes - 1). A record
 * that starts before the end of the ring runs on into the slack behind it.
 */
#define LM_RAW_RECORD_MAX_BYTES 10240
#define LM_RING_SLACK_BYTES 16384

/* What one process lost for one reason, not written to the ring yet. */
struct lm_ring_gap {
	__u64 count, begin_ns, end_ns, kinds;
	__u32 tgid;
	__u32 reason; /* enum lm_raw_gap_reason */
};

/* Places for as many processes; the last is for all others together. */
#define LM_RING_GAPS 16

/* A directory that the log has been told about, and in which generation of telling. */
struct lm_told_dir {
	__u64 inode;
	__u32 dev;
	__u32 mount;
	__u32 generation; /* of the inode */
	__u32 round;
};

struct lm_ring_control {
	__u64 head;
	__u64 produced; /* records numbered by whoever held the ring, kept or not */
	__u64 lost;     /* of these: not kept */
	__u64 nested;   /* further ones: an interrupted probe held the ring */
	__u32 busy;
	__u32 gap_used; /* of the places below */
	/* level reduced: the record that takes repeats, if it is still the last one */
	__u64 run_at;
	__u64 run_migrations; /* of its thread, when it was written */
	__u64 folded;         /* repeats counted instead of recorded; produced counts them too */
	__u64 looked;
	struct lm_run run;
	struct lm_told_dir last_dir; /* of the last open on this CPU */
	__u8 pad[56];
	__u64 tail;   /* its own cache line */
	__u64 sealed; /* no record that begins before this may change any more */
	__u8 pad2[112];
	struct lm_ring_gap gaps[LM_RING_GAPS];
};

/* How much is recorded. */
enum lm_level { LM_LEVEL_PROVENANCE = 0, LM_LEVEL_REDUCED = 1, LM_LEVEL_FULL = 2 };

#define LM_RAW_ASSERT(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type " has another size than agreed")

LM_RAW_ASSERT(struct lm_raw, 24);
LM_RAW_ASSERT(struct lm_raw_inode, 24);
LM_RAW_ASSERT(struct lm_raw_io, 48);
LM_RAW_ASSERT(struct lm_raw_run, 96);
_Static_assert(__builtin_offsetof(struct lm_raw_run, folds) == sizeof(struct lm_raw_io),
	"a run begins as a single call does");
LM_RAW_ASSERT(struct lm_raw_fd, 80);
LM_RAW_ASSERT(struct lm_raw_open, 88);
LM_RAW_ASSERT(struct lm_raw_dir, 64);
LM_RAW_ASSERT(struct lm_raw_fs, 56);
LM_RAW_ASSERT(struct lm_raw_path, 88);
LM_RAW_ASSERT(struct lm_raw_name, 112);
LM_RAW_ASSERT(struct lm_raw_fork, 88);
LM_RAW_ASSERT(struct lm_raw_attributes, 216);
LM_RAW_ASSERT(struct lm_raw_cgroup, 40);
LM_RAW_ASSERT(struct lm_raw_process, 256);
LM_RAW_ASSERT(struct lm_raw_exec, 328);
LM_RAW_ASSERT(struct lm_raw_exit, 32);
LM_RAW_ASSERT(struct lm_raw_task, 56);
LM_RAW_ASSERT(struct lm_raw_address, 24);
LM_RAW_ASSERT(struct lm_raw_socket, 256);
LM_RAW_ASSERT(struct lm_raw_copy, 80);
LM_RAW_ASSERT(struct lm_raw_range, 56);
LM_RAW_ASSERT(struct lm_raw_ipc, 64);
LM_RAW_ASSERT(struct lm_raw_dirty, 56);
LM_RAW_ASSERT(struct lm_raw_uring, 64);
LM_RAW_ASSERT(struct lm_raw_call, 96);
LM_RAW_ASSERT(struct lm_raw_turn, 40);
LM_RAW_ASSERT(struct lm_raw_content, 48);
LM_RAW_ASSERT(struct lm_raw_gap, 64);
LM_RAW_ASSERT(struct lm_run, 40);
LM_RAW_ASSERT(struct lm_ring_gap, 40);
LM_RAW_ASSERT(struct lm_ring_control, 960);
