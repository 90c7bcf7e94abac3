/* SPDX-License-Identifier: MIT */
#include "lemona/event/rules.h"

#include <sys/syscall.h>

/*
 * Operations of io_uring by number: enum io_uring_op of linux/io_uring.h, up to
 * the newest that Linux 6.18 has. Each becomes the event of the call that does
 * the same, or says why it becomes none.
 */
#pragma GCC diagnostic error "-Woverride-init" /* one row an operation */

#define AS(class_, op_, twin_) { LM_URING_##class_, LM_OP_##op_, SYS_##twin_, 0 }
#define ALONE(class_, op_) { LM_URING_##class_, LM_OP_##op_, LM_CALL_NONE, 0 }
#define SILENT(why) { LM_URING_NONE, LM_OP_NONE, LM_CALL_NONE, LM_SILENT_##why }

static const struct lm_uring_mapping mappings[LM_URING_COUNT] = {
	[0] = SILENT(OWN_STATE),            /* nop */
	[1] = AS(IO, READ, readv),          /* readv */
	[2] = AS(IO, WRITE, writev),        /* writev */
	[3] = SILENT(FLUSH),                /* fsync */
	[4] = AS(IO, READ, read),           /* read_fixed */
	[5] = AS(IO, WRITE, write),         /* write_fixed */
	[6] = SILENT(WAIT),                 /* poll_add */
	[7] = SILENT(WAIT),                 /* poll_remove */
	[8] = SILENT(FLUSH),                /* sync_file_range */
	[9] = AS(MESSAGE, SEND, sendmsg),   /* sendmsg */
	[10] = AS(MESSAGE, RECV, recvmsg),  /* recvmsg */
	[11] = SILENT(TIME),                /* timeout */
	[12] = SILENT(TIME),                /* timeout_remove */
	[13] = AS(ACCEPT, ACCEPT, accept4), /* accept */
	[14] = SILENT(OWN_STATE),           /* async_cancel */
	[15] = SILENT(TIME),                /* link_timeout */
	[16] = AS(SOCKET, CONNECT, connect),
	[17] = AS(FD, TRUNCATE, fallocate),
	[18] = AS(OPEN, OPEN, openat),
	[19] = AS(CLOSE, CLOSE, close),
	[20] = SILENT(HANDLE),              /* files_update: what the slots hold is seen */
	[21] = AS(PATH, STAT, statx),
	[22] = AS(IO, READ, pread64),       /* read */
	[23] = AS(IO, WRITE, pwrite64),     /* write */
	[24] = SILENT(OPEN_FILE),           /* fadvise */
	[25] = SILENT(OWN_MEMORY),          /* madvise */
	[26] = AS(SOCKIO, SEND, sendto),    /* send */
	[27] = AS(SOCKIO, RECV, recvfrom),  /* recv */
	[28] = AS(OPEN, OPEN, openat2),
	[29] = SILENT(WAIT),                /* epoll_ctl */
	[30] = AS(COPY, COPY, splice),
	[31] = SILENT(OWN_MEMORY),          /* provide_buffers */
	[32] = SILENT(OWN_MEMORY),          /* remove_buffers */
	[33] = AS(COPY, COPY, tee),
	[34] = AS(SOCKET, SHUTDOWN, shutdown),
	[35] = AS(PATH, RENAME, renameat2),
	[36] = AS(PATH, UNLINK, unlinkat),
	[37] = AS(PATH, MKDIR, mkdirat),
	[38] = AS(PATH, SYMLINK, symlinkat),
	[39] = AS(PATH, LINK, linkat),
	[40] = ALONE(RING, SEND),           /* msg_ring: a number, or a file */
	[41] = AS(FD, SETXATTR, fsetxattr),
	[42] = AS(PATH, SETXATTR, setxattr),
	[43] = AS(FD, STAT, fgetxattr),
	[44] = AS(PATH, STAT, getxattr),
	[45] = AS(NEW_SOCKET, SOCKET, socket),
	[46] = ALONE(COMMAND, IOCTL),       /* uring_cmd: what a driver makes of it */
	[47] = AS(SOCKIO, SEND, sendto),    /* send_zc */
	[48] = AS(MESSAGE, SEND, sendmsg),  /* sendmsg_zc */
	[49] = AS(IO, READ, read),          /* read_multishot */
	[50] = SILENT(WAIT),                /* waitid: the child's exit is seen */
	[51] = SILENT(FUTEX),               /* futex_wait */
	[52] = SILENT(FUTEX),               /* futex_wake */
	[53] = SILENT(FUTEX),               /* futex_waitv */
	[54] = AS(INSTALL, DUP, dup),       /* fixed_fd_install */
	[55] = AS(FD, TRUNCATE, ftruncate),
	[56] = AS(SOCKET, BIND, bind),
	[57] = AS(SOCKET, LISTEN, listen),
	[58] = AS(SOCKIO, RECV, recvfrom),  /* recv_zc */
	[59] = SILENT(WAIT),                /* epoll_wait */
	[60] = AS(IO, READ, readv),         /* readv_fixed */
	[61] = AS(IO, WRITE, writev),       /* writev_fixed */
	[62] = AS(PIPE, PIPE, pipe2),
};

const struct lm_uring_mapping *lm_uring_mappings(void)
{
	return mappings;
}

uint16_t lm_uring_twin(uint16_t call)
{
	unsigned int opcode = call & ~LM_CALL_URING;

	return opcode < LM_URING_COUNT && mappings[opcode].class > LM_URING_NONE ?
		mappings[opcode].twin : LM_CALL_NONE;
}
