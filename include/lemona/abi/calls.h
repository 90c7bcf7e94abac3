/* SPDX-License-Identifier: MIT OR BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include <linux/types.h>

/*
 * What user space tells the kernel side to do with each system call and each
 * operation of io_uring, in tables that the programs hold as constants.
 */

/* What the kernel side does with a system call. */
enum lm_call_class {
	LM_CALL_IGNORE = 0,
	LM_CALL_IO = 1, /* a: LM_CALL_IO_FILLS */
	LM_CALL_SOCKIO = 2, /* IO, but a datagram socket is described anew */
	LM_CALL_FD = 3,   /* a: fd argument, b: argument + 1 for arg, c: for its high half */
	LM_CALL_OPEN = 4, /* as PATH where it fails */
	LM_CALL_PATH = 5, /* a: path argument, b: dirfd argument + 1, c: argument + 1 for arg */
	LM_CALL_PATH_FAILED = 6, /* as PATH, but only when it fails */
	LM_CALL_PATH2 = 7,       /* a, b as PATH; c: path2 argument | (dirfd2 argument + 1) << 4 */
	LM_CALL_COPY = 8,        /* a: source fd argument, b: sink fd argument */
	LM_CALL_SOCKET = 9,      /* a: 1 the fd is returned, 0 it is the first argument */
	LM_CALL_FDPAIR = 10,     /* a: argument that points to two fds */
	LM_CALL_PROCESS = 11,    /* changes the caller's own attributes; a: argument + 1 for arg */
	LM_CALL_TASK = 12,       /* a: pid argument, b: argument + 1 for arg */
	LM_CALL_TASK_FAILED = 13,
	LM_CALL_RANGE = 14,  /* address, length, c: argument + 1 for arg, a: for its highest byte */
	LM_CALL_KERNEL = 15, /* b: argument + 1 for arg */
	LM_CALL_MMAP = 16,
	LM_CALL_NEWFD = 17,   /* the returned fd is the object: dup, memfd_create, fcntl(F_DUPFD) */
	LM_CALL_RECVMSG = 18, /* SOCKIO, and passed descriptors */
	LM_CALL_FCNTL = 19,   /* NEWFD for F_DUPFD and F_DUPFD_CLOEXEC, else nothing */
	LM_CALL_UNSEEN = 21,  /* its result counts actions that are not recorded one by one */
	LM_CALL_IOCTL = 22,   /* COPY, FD or PROCESS by request: LM_IOCTL_*; most are nothing */
	LM_CALL_PRCTL = 24,   /* PROCESS where it sets something */
	LM_CALL_TASK_OTHER = 25, /* TASK where it is not the caller; c: argument + 1, not 0 */
	LM_CALL_CLOCK = 26,      /* a: pointer argument, b: enum lm_call_clock */
	LM_CALL_FSCONFIG = 27,   /* PATH where the argument is a path */
	LM_CALL_AIO = 28,        /* FD for each operation; a: argument that points to them, b: 1
				  * they have ended */
	LM_CALL_OPENAT2 = 20, /* OPEN whose flags are in struct open_how */
	LM_CALL_GETFD = 29,   /* NEWFD of the process behind the pidfd that is argument 0 */
	LM_CALL_PIDFD = 30,   /* TASK of the process behind the pidfd that is argument a */
	LM_CALL_IPC = 23,     /* a: enum lm_raw_ipc_type, b: 1 the id is returned for a key,
			       * else it is argument b / 2,
			       * c: argument + 1 for arg */
};

/* Instead of a dirfd argument + 1: names of the caller's own mqueue file system. */
#define LM_CALL_DIR_MQUEUE 15

enum lm_call_clock {
	LM_CALL_CLOCK_NANO = 1,   /* struct timespec */
	LM_CALL_CLOCK_MICRO = 2,  /* struct timeval */
	LM_CALL_CLOCK_ADJUST = 3, /* struct timex: its first word says what is set */
};

/* include/uapi/linux/aio_abi.h */
enum lm_aio { LM_AIO_READ = 0, LM_AIO_WRITE = 1, LM_AIO_READV = 7, LM_AIO_WRITEV = 8 };

/* Requests that carry influence; all others are left out. */
#define LM_IOCTL_LOOP_SET_FD 0x4c00u
#define LM_IOCTL_LOOP_CHANGE_FD 0x4c06u
#define LM_IOCTL_LOOP_CONFIGURE 0x4c0au
#define LM_IOCTL_TTY_TAKE 0x540eu         /* TIOCSCTTY */
#define LM_IOCTL_TTY_INPUT 0x5412u        /* TIOCSTI */
#define LM_IOCTL_TTY_PASTE 0x541cu        /* TIOCLINUX */
#define LM_IOCTL_TTY_LEAVE 0x5422u        /* TIOCNOTTY */
#define LM_IOCTL_SET_FLAGS 0x40086602u    /* FS_IOC_SETFLAGS */
#define LM_IOCTL_SET_FLAGS32 0x40046602u  /* the same for 32 bits */
#define LM_IOCTL_SET_XFLAGS 0x401c5820u   /* FS_IOC_FSSETXATTR */
#define LM_IOCTL_ENABLE_VERITY 0x40806685u
#define LM_IOCTL_FAULT_COPY 0xc028aa03u   /* UFFDIO_COPY */
#define LM_IOCTL_FAULT_ZERO 0xc020aa04u
#define LM_IOCTL_FAULT_MOVE 0xc028aa05u
#define LM_IOCTL_FAULT_CONTINUE 0xc020aa07u
#define LM_IOCTL_SECCOMP_ANSWER 0xc0182101u
#define LM_IOCTL_SECCOMP_ADDFD 0x40182103u
#define LM_IOCTL_PERF_BPF 0x40042408u     /* PERF_EVENT_IOC_SET_BPF */
#define LM_IOCTL_TUN_SET 0x400454cau      /* TUNSETIFF */

/* The call writes into the caller's memory. */
#define LM_CALL_IO_FILLS 1

#define LM_CALL_URGENT 0x80 /* | class: whoever drains is woken */

/* What the kernel side does with an operation of io_uring. */
enum lm_uring_class {
	LM_URING_UNKNOWN = 0, /* newer than this table: counted as unseen */
	LM_URING_NONE = 1,    /* carries no influence */
	LM_URING_IO = 2,
	LM_URING_SOCKIO = 3,  /* IO, but a datagram socket is described anew */
	LM_URING_MESSAGE = 4, /* SOCKIO, and passed descriptors */
	LM_URING_FD = 5,      /* on an open file, with an argument */
	LM_URING_COMMAND = 6, /* FD, but nothing of a socket */
	LM_URING_OPEN = 7,
	LM_URING_PATH = 8,    /* one path or two */
	LM_URING_CLOSE = 9,
	LM_URING_COPY = 10,
	LM_URING_SOCKET = 11, /* describes its socket */
	LM_URING_ACCEPT = 12,
	LM_URING_NEW_SOCKET = 13,
	LM_URING_PIPE = 14,
	LM_URING_INSTALL = 15, /* the result is a descriptor of a file of the ring */
	LM_URING_RING = 16,    /* to another ring: a number, or a file */
};

#define LM_URING_COUNT 64 /* operations that the table has room for */

struct lm_call_rule {
	__u8 class; /* enum lm_call_class */
	__u8 a, b, c;
};

#define LM_CALL_COUNT 512

/* How the arguments of a 32-bit call become those of the x86-64 call that it stands for. */
enum lm_compat_shape {
	LM_COMPAT_SAME = 0,
	LM_COMPAT_ONE = 1,        /* it has only the first */
	LM_COMPAT_SPLIT1 = 2,     /* arguments 1 and 2 are the halves of one */
	LM_COMPAT_SPLIT2 = 3,     /* arguments 2 and 3 are the halves of one */
	LM_COMPAT_FALLOCATE = 4,  /* arguments 2 and 3, and 4 and 5 */
	LM_COMPAT_IDS16 = 5,      /* user or group ids of 16 bits */
	LM_COMPAT_OWNER16 = 6,    /* the same, behind a first argument that is none */
	LM_COMPAT_OLD_MMAP = 7,   /* argument 0 points to all of them */
	LM_COMPAT_SOCKETCALL = 8, /* argument 0 says which call, argument 1 points to its own */
	LM_COMPAT_IPC = 9,        /* argument 0 says which call, the others are in ipc's order */
};

/* A call of the 32-bit entry. */
struct lm_compat_rule {
	__u16 call;  /* x86-64 number whose rule holds */
	__u8 shape;  /* enum lm_compat_shape */
	__u8 known;  /* 0: the number belongs to no call */
};
