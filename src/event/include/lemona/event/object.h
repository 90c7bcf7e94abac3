/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/str.h"

/*
 * Objects: the things that can carry influence, identified by kernel facts and
 * never by a string that user space handed in.
 *
 * Inside one log every object has a number, from 1, dense, in the order of
 * first definition. 0 means none. A definition may be repeated with the same
 * number: the later one holds from its time on (a socket that gets connected, a
 * process that changes its credentials). Fields of identity never change.
 */
typedef uint32_t lm_object_id;

#define LM_OBJECT_NONE 0u
#define LM_OBJECT_KERNEL 1u /* always the first object of a log */

enum lm_object_kind {
	LM_OBJECT_KIND_NONE = 0,
	LM_OBJECT_KIND_KERNEL = 1,
	LM_OBJECT_KIND_PROCESS = 2, /* one version of a process: a new one at every exec */
	LM_OBJECT_KIND_FILE = 3,    /* whatever has an inode and is none of the below */
	LM_OBJECT_KIND_NAME = 4,    /* a component in a directory */
	LM_OBJECT_KIND_SOCKET = 5,
	LM_OBJECT_KIND_PIPE = 6,    /* anonymous pipe (pipefs) */
	LM_OBJECT_KIND_MEMORY = 7,  /* channels that are no files: enum lm_memory_type */
	LM_OBJECT_KIND_CGROUP = 8,  /* control group: says which container a process is in */
	LM_OBJECT_KIND_CONTENT = 9, /* what a program or library file held at a time */
	LM_OBJECT_KIND_MAX = LM_OBJECT_KIND_CONTENT,
};

enum lm_object_flag {
	LM_OBJECT_FOUND = 1u << 0,   /* existed before the recorder started */
	LM_OBJECT_PARTIAL = 1u << 1, /* its definition was lost or never seen: identity only */
	LM_OBJECT_CLAIMED = 1u << 2, /* name from user memory, not confirmed by the kernel */
	LM_OBJECT_SELF = 1u << 3,    /* the recorder's own process */
	LM_OBJECT_AGAIN = 1u << 4,   /* perhaps defined before under another number: same.h */
	LM_OBJECT_REPEATED = 1u << 5,/* as it was defined last, for who lacks that segment */
};

#define LM_PROCESS_ARGV_MAX_BYTES 4096u /* longer vectors are cut: argv_cut */
#define LM_NAME_MAX_BYTES 4096u         /* a component has at most 255; a claimed path more */

/** One version of a process. Identity: tgid, start_ns, version. */
struct lm_process {
	uint32_t tgid;          /* in the initial pid namespace */
	uint32_t ns_tgid;       /* in its own pid namespace */
	uint64_t start_ns;      /* task->start_boottime of the thread group leader */
	uint32_t version;       /* 0 from fork, +1 at every exec */
	lm_object_id previous;  /* the version before this one (same process), or 0 */
	lm_object_id parent;    /* process version that forked it; for version > 0 the same one */
	lm_object_id exe;       /* file executed */
	lm_object_id loader;    /* ELF interpreter the kernel mapped, or 0 */
	lm_object_id script;    /* "#!" script that the kernel handed to exe, or 0 */
	lm_object_id cwd;       /* directory file */
	lm_object_id root;      /* directory file that is this process's "/" */
	lm_object_id exe_name;  /* name under which exe was found, or 0 */
	uint32_t sid;           /* session id, initial pid namespace */
	uint32_t tty;           /* device number (new_encode_dev), 0 none */
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint32_t loginuid;      /* 0xffffffff unset or not known */
	uint64_t cap_effective;
	lm_object_id cgroup;    /* or 0 */
	uint32_t ns_pid, ns_mnt, ns_net, ns_user; /* namespace inode numbers */
	uint32_t argc;          /* 0 where never executed in sight */
	uint32_t env_bytes;     /* size of the environment at exec */
	bool argv_cut;          /* argv below is only the first part */
	uint32_t session;       /* audit session of its login; 0xffffffff unset or not known */
	uint32_t adopter;       /* tgid that has become its parent in the kernel, when last seen;
				 * 0: still the one that forked it */
	uint64_t cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
	uint32_t ns_uts, ns_ipc, ns_cgroup, ns_time;
	uint8_t seccomp;        /* enum lm_seccomp */
	bool no_new_privs;
	struct lm_str argv;     /* NUL-separated */
	struct lm_str comm;     /* task->comm */
};

/* SECCOMP_MODE_* of the kernel. */
enum lm_seccomp { LM_SECCOMP_NONE = 0, LM_SECCOMP_STRICT = 1, LM_SECCOMP_FILTER = 2 };

/** Identity: device, inode, generation. */
struct lm_file {
	uint32_t dev;        /* sb->s_dev in the kernel's own encoding: major << 20 | minor */
	uint64_t inode;
	uint32_t generation; /* inode->i_generation; 0 where not known */
	uint32_t mode;       /* S_IF* and permission bits */
	uint32_t rdev;       /* for devices, kernel encoding */
	uint32_t fs_magic;   /* sb->s_magic; 0 where not known */
	uint8_t fs_uuid[16]; /* sb->s_uuid; all zero where the file system has none */
};

/** Identity: directory file and component. */
struct lm_name {
	lm_object_id dir;      /* directory file; 0 when the start of a claimed path is not known */
	struct lm_str component;
};

/*
 * Directories get their own names by bindings (struct lm_binding, event.h),
 * so that a path is derived from names at a time.
 */

enum lm_address_family { LM_AF_NONE = 0, LM_AF_UNIX = 1, LM_AF_INET = 2, LM_AF_INET6 = 10 };

/** One end of a connection. */
struct lm_address {
	uint16_t family;   /* AF_* of Linux */
	uint16_t port;     /* host order, inet only */
	uint8_t ip[16];    /* network order; first 4 bytes for AF_INET */
	struct lm_str path;/* unix: path, or "@abstract" */
};

/** Identity: device (sockfs) and inode; the cookie where the kernel has assigned one. */
struct lm_socket {
	uint32_t dev;
	uint64_t inode;
	uint64_t cookie;      /* 0: not assigned */
	uint16_t family, type, protocol;
	uint32_t ns_net;
	struct lm_address local, remote;
	uint64_t peer_inode;  /* unix and socketpair: the other end's inode, 0 not known */
	lm_object_id path_file; /* unix: the file system node it is bound to or connected through */
};

/** Identity: device (pipefs) and inode. */
struct lm_pipe {
	uint32_t dev;
	uint64_t inode;
};

enum lm_memory_type {
	LM_MEMORY_MEMFD = 1,
	LM_MEMORY_SHM = 2,        /* System V segment */
	LM_MEMORY_ANONYMOUS = 3,  /* shared mapping without a file */
	LM_MEMORY_QUEUE = 4,      /* System V message queue */
	LM_MEMORY_EVENTFD = 5,
	LM_MEMORY_SEMAPHORES = 6, /* System V set of semaphores */
	LM_MEMORY_KEY = 7,        /* of the kernel's key service; inode: its serial */
	LM_MEMORY_CHANNEL = 8,    /* imported: its source says no more than what label says */
};

struct lm_memory {
	uint16_t type;      /* enum lm_memory_type */
	uint32_t dev;       /* System V: inode number of the ipc namespace */
	uint64_t inode;     /* System V: id; eventfd: the kernel's number */
	struct lm_str label;/* memfd: name; System V: "key 0x...", empty for a private one */
};

#define LM_CGROUP_PATH_MAX_BYTES 4096u

/** Identity: hierarchy and cgroup. */
struct lm_cgroup {
	uint32_t hierarchy; /* 0: cgroup v2; else one of version 1 */
	uint64_t cgroup;    /* kernfs id: inode number and generation */
	struct lm_str path; /* from the hierarchy's root; empty where not known */
};

enum lm_content_state {
	LM_CONTENT_HASHED = 1,
	LM_CONTENT_GONE = 2,     /* there was no way to the file any more */
	LM_CONTENT_CHANGING = 3, /* it changed whenever it was read */
	LM_CONTENT_LARGE = 4,    /* more than a recorder reads */
	LM_CONTENT_LATE = 5,     /* too much waited, or the recording ended before */
	LM_CONTENT_FAILED = 6,   /* reading failed */
};

#define LM_CONTENT_SHA256_BYTES 32

/**
 * What a file held when it was read, some time after it was executed or mapped as code. The
 * same content was there at any time between changed_ns and the end of the reading
 * (lm_object.time_ns); later too, until a further content of the file is told. Identity: itself.
 */
struct lm_content {
	lm_object_id file;
	uint8_t state;       /* enum lm_content_state; the rest is known of LM_CONTENT_HASHED */
	uint64_t size;       /* bytes */
	uint64_t changed_ns; /* boot time of the inode's last change (ctime); 0: before the boot */
	uint8_t sha256[LM_CONTENT_SHA256_BYTES];
	uint64_t time_ns;    /* when it was read; in an object as lm_object.time_ns says */
};

struct lm_object {
	lm_object_id id;
	uint8_t kind;     /* enum lm_object_kind; selects the member below */
	uint8_t flags;    /* enum lm_object_flag */
	uint64_t time_ns; /* this definition holds from here */
	union {
		struct lm_process process;
		struct lm_file file;
		struct lm_name name;
		struct lm_socket socket;
		struct lm_pipe pipe;
		struct lm_memory memory;
		struct lm_cgroup cgroup;
		struct lm_content content;
	};
};

/** Static lower-case word for a kind: "process", "file", ...; "unknown" outside the enum. */
const char *lm_object_kind_name(enum lm_object_kind kind);
/** "hashed", "gone", ...; "unknown" outside enum lm_content_state. Static. */
const char *lm_content_state_name(uint8_t state);
