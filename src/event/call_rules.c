/* SPDX-License-Identifier: MIT */
#include "lemona/event/rules.h"

#include <sys/syscall.h>

/*
 * Arguments count from 0. See enum lm_call_class for what a, b and c mean.
 * A call that is not here carries no influence between objects, or is seen by
 * another hook (fork family, exit: scheduler tracepoints).
 */
#define IO(op_) { { LM_CALL_IO, 0, 0, 0 }, LM_OP_##op_ }
#define SOCKIO(op_) { { LM_CALL_SOCKIO, 0, 0, 0 }, LM_OP_##op_ }
#define MESSAGE(op_) { { LM_CALL_RECVMSG, 0, 0, 0 }, LM_OP_##op_ }
#define FD(op_, fd, low, high) { { LM_CALL_FD, fd, low, high }, LM_OP_##op_ }
#define OPEN(path, dirfd, arg) { { LM_CALL_OPEN, path, dirfd, arg }, LM_OP_OPEN }
#define PATH(op_, path, dirfd, arg) { { LM_CALL_PATH, path, dirfd, arg }, LM_OP_##op_ }
#define FAILED_PATH(op_, path, dirfd) { { LM_CALL_PATH_FAILED, path, dirfd, 0 }, LM_OP_##op_ }
/* Arguments 3 and 4 are always kept: the flags of most *at calls. */
#define PATH2(op_, path, dirfd, path2, dirfd2) \
	{ { LM_CALL_PATH2, path, dirfd, (path2) | (dirfd2) << 4 }, LM_OP_##op_ }
#define COPY(from, to) { { LM_CALL_COPY, from, to, 0 }, LM_OP_COPY }
#define SOCKET(op_, returned) { { LM_CALL_SOCKET, returned, 0, 0 }, LM_OP_##op_ }
#define FDPAIR(op_, arg) { { LM_CALL_FDPAIR, arg, 0, 0 }, LM_OP_##op_ }
#define PROCESS(op_, arg) { { LM_CALL_PROCESS, arg, 0, 0 }, LM_OP_##op_ }
#define TASK(op_, pid, arg) { { LM_CALL_TASK, pid, arg, 0 }, LM_OP_##op_ }
#define FAILED_TASK(op_, pid, arg) { { LM_CALL_TASK_FAILED, pid, arg, 0 }, LM_OP_##op_ }
#define RANGE(op_, arg) { { LM_CALL_RANGE, 0, 0, arg }, LM_OP_##op_ }
#define KERNEL(op_, arg) { { LM_CALL_KERNEL, 0, arg, 0 }, LM_OP_##op_ }
#define NEWFD(op_) { { LM_CALL_NEWFD, 0, 0, 0 }, LM_OP_##op_ }

#define NO_DIRFD 0
#define DIRFD(arg) ((arg) + 1)
#define NO_ARG 0
#define ARG(arg) ((arg) + 1)

/* Newer than the headers of Debian 12. */
#define NR_fchmodat2 452
#define NR_setxattrat 463
#define NR_getxattrat 464
#define NR_listxattrat 465
#define NR_removexattrat 466

static const struct lm_call_mapping mappings[LM_CALL_COUNT] = {
	/* reading and writing */
	[SYS_read] = IO(READ),
	[SYS_pread64] = IO(READ),
	[SYS_readv] = IO(READ),
	[SYS_preadv] = IO(READ),
	[SYS_preadv2] = IO(READ),
	[SYS_write] = IO(WRITE),
	[SYS_pwrite64] = IO(WRITE),
	[SYS_writev] = IO(WRITE),
	[SYS_pwritev] = IO(WRITE),
	[SYS_pwritev2] = IO(WRITE),
	[SYS_vmsplice] = FD(WRITE, 0, NO_ARG, NO_ARG), /* or READ: by the end of the pipe */
	[SYS_getdents] = IO(READDIR),
	[SYS_getdents64] = IO(READDIR),
	[SYS_fallocate] = FD(TRUNCATE, 0, ARG(3), NO_ARG),
	[SYS_ftruncate] = FD(TRUNCATE, 0, ARG(1), NO_ARG),
	[SYS_truncate] = PATH(TRUNCATE, 0, NO_DIRFD, ARG(1)),
	[SYS_sendfile] = COPY(1, 0),
	[SYS_splice] = COPY(0, 2),
	[SYS_tee] = COPY(0, 1),
	[SYS_copy_file_range] = COPY(0, 2),

	/* opening and closing */
	[SYS_open] = OPEN(0, NO_DIRFD, ARG(1)),
	[SYS_openat] = OPEN(1, DIRFD(0), ARG(2)),
	[SYS_openat2] = { { LM_CALL_OPENAT2, 1, DIRFD(0), ARG(2) }, LM_OP_OPEN },
	[SYS_creat] = OPEN(0, NO_DIRFD, NO_ARG),
	[SYS_open_by_handle_at] = OPEN(7, NO_DIRFD, ARG(2)), /* argument 7 is none: no path */
	[SYS_close] = { { LM_CALL_FD, 0, ARG(0), NO_ARG }, LM_OP_CLOSE },
	[SYS_dup] = NEWFD(DUP),
	[SYS_dup2] = NEWFD(DUP),
	[SYS_dup3] = NEWFD(DUP),
	[SYS_ioctl] = { { LM_CALL_IOCTL, 0, 0, 0 }, LM_OP_COPY },
	[SYS_close_range] = RANGE(CLOSE, ARG(2)),
	[SYS_fcntl] = { { LM_CALL_FCNTL, 0, 0, 0 }, LM_OP_DUP },
	[SYS_pidfd_getfd] = NEWFD(DUP),
	/* Its name is no path: argument 7 is none. */
	[SYS_memfd_create] = { { LM_CALL_OPEN, 7, NO_DIRFD, NO_ARG }, LM_OP_MEMFD },
	[SYS_memfd_secret] = NEWFD(MEMFD),
	[SYS_pipe] = FDPAIR(PIPE, 0),
	[SYS_pipe2] = FDPAIR(PIPE, 0),

	/* names */
	[SYS_rename] = PATH2(RENAME, 0, NO_DIRFD, 1, NO_DIRFD),
	[SYS_renameat] = PATH2(RENAME, 1, DIRFD(0), 3, DIRFD(2)),
	[SYS_renameat2] = PATH2(RENAME, 1, DIRFD(0), 3, DIRFD(2)),
	[SYS_link] = PATH2(LINK, 0, NO_DIRFD, 1, NO_DIRFD),
	[SYS_linkat] = PATH2(LINK, 1, DIRFD(0), 3, DIRFD(2)),
	[SYS_symlink] = PATH2(SYMLINK, 1, NO_DIRFD, 0, NO_DIRFD),
	[SYS_symlinkat] = PATH2(SYMLINK, 2, DIRFD(1), 0, NO_DIRFD),
	[SYS_unlink] = PATH(UNLINK, 0, NO_DIRFD, NO_ARG),
	[SYS_unlinkat] = PATH(UNLINK, 1, DIRFD(0), ARG(2)),
	[SYS_mkdir] = PATH(MKDIR, 0, NO_DIRFD, ARG(1)),
	[SYS_mkdirat] = PATH(MKDIR, 1, DIRFD(0), ARG(2)),
	[SYS_rmdir] = PATH(RMDIR, 0, NO_DIRFD, NO_ARG),
	[SYS_mknod] = PATH(MKNOD, 0, NO_DIRFD, ARG(1)),
	[SYS_mknodat] = PATH(MKNOD, 1, DIRFD(0), ARG(2)),

	/* attributes */
	[SYS_chmod] = PATH(CHMOD, 0, NO_DIRFD, ARG(1)),
	[SYS_fchmod] = FD(CHMOD, 0, ARG(1), NO_ARG),
	[SYS_fchmodat] = PATH(CHMOD, 1, DIRFD(0), ARG(2)),
	[NR_fchmodat2] = PATH(CHMOD, 1, DIRFD(0), ARG(2)),
	[SYS_chown] = PATH(CHOWN, 0, NO_DIRFD, ARG(1)),
	[SYS_lchown] = PATH(CHOWN, 0, NO_DIRFD, ARG(1)),
	[SYS_fchown] = FD(CHOWN, 0, ARG(1), ARG(2)),
	[SYS_fchownat] = PATH(CHOWN, 1, DIRFD(0), ARG(2)),
	[SYS_utime] = PATH(UTIMES, 0, NO_DIRFD, NO_ARG),
	[SYS_utimes] = PATH(UTIMES, 0, NO_DIRFD, NO_ARG),
	[SYS_futimesat] = PATH(UTIMES, 1, DIRFD(0), NO_ARG),
	[SYS_utimensat] = PATH(UTIMES, 1, DIRFD(0), NO_ARG),
	[SYS_setxattr] = PATH(SETXATTR, 0, NO_DIRFD, NO_ARG),
	[SYS_lsetxattr] = PATH(SETXATTR, 0, NO_DIRFD, NO_ARG),
	[SYS_fsetxattr] = FD(SETXATTR, 0, NO_ARG, NO_ARG),
	[SYS_removexattr] = PATH(SETXATTR, 0, NO_DIRFD, NO_ARG),
	[SYS_lremovexattr] = PATH(SETXATTR, 0, NO_DIRFD, NO_ARG),
	[SYS_fremovexattr] = FD(SETXATTR, 0, NO_ARG, NO_ARG),
	[NR_setxattrat] = PATH(SETXATTR, 1, DIRFD(0), NO_ARG),
	[NR_removexattrat] = PATH(SETXATTR, 1, DIRFD(0), NO_ARG),

	/* knowledge of names; what fails shows who looked for what was not there */
	[SYS_stat] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_lstat] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_newfstatat] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[SYS_statx] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[SYS_access] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_faccessat] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[SYS_faccessat2] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[SYS_readlink] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_readlinkat] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[SYS_getxattr] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_lgetxattr] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_listxattr] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_llistxattr] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[NR_getxattrat] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[NR_listxattrat] = PATH(STAT, 1, DIRFD(0), NO_ARG),

	/* memory */
	[SYS_mmap] = { { LM_CALL_MMAP, 0, 0, 0 }, LM_OP_MMAP },
	[SYS_munmap] = RANGE(MUNMAP, NO_ARG),
	[SYS_mprotect] = RANGE(MPROTECT, ARG(2)),
	[SYS_pkey_mprotect] = RANGE(MPROTECT, ARG(2)),

	/* sockets */
	[SYS_socket] = SOCKET(SOCKET, 1),
	[SYS_socketpair] = FDPAIR(SOCKETPAIR, 3),
	[SYS_bind] = SOCKET(BIND, 0),
	[SYS_listen] = SOCKET(LISTEN, 0),
	[SYS_connect] = SOCKET(CONNECT, 0),
	[SYS_accept] = SOCKET(ACCEPT, 1),
	[SYS_accept4] = SOCKET(ACCEPT, 1),
	[SYS_shutdown] = SOCKET(SHUTDOWN, 0),
	[SYS_sendto] = SOCKIO(SEND),
	[SYS_recvfrom] = SOCKIO(RECV),
	[SYS_sendmsg] = MESSAGE(SEND),
	[SYS_recvmsg] = MESSAGE(RECV),
	[SYS_sendmmsg] = SOCKIO(SEND),
	[SYS_recvmmsg] = SOCKIO(RECV),

	/* process to process */
	[SYS_kill] = FAILED_TASK(SIGNAL, 0, ARG(1)),
	[SYS_tkill] = FAILED_TASK(SIGNAL, 0, ARG(1)),
	[SYS_tgkill] = FAILED_TASK(SIGNAL, 0, ARG(2)),
	[SYS_rt_sigqueueinfo] = FAILED_TASK(SIGNAL, 0, ARG(1)),
	[SYS_rt_tgsigqueueinfo] = FAILED_TASK(SIGNAL, 0, ARG(2)),
	[SYS_ptrace] = TASK(PTRACE, 1, ARG(0)),
	[SYS_process_vm_readv] = TASK(VMREAD, 0, NO_ARG),
	[SYS_process_vm_writev] = TASK(VMWRITE, 0, NO_ARG),

	/* the caller's own attributes */
	[SYS_execve] = FAILED_PATH(EXEC, 0, NO_DIRFD),
	[SYS_execveat] = FAILED_PATH(EXEC, 1, DIRFD(0)),
	[SYS_setuid] = PROCESS(SETCRED, ARG(0)),
	[SYS_setgid] = PROCESS(SETCRED, ARG(0)),
	[SYS_setreuid] = PROCESS(SETCRED, ARG(1)),
	[SYS_setregid] = PROCESS(SETCRED, ARG(1)),
	[SYS_setresuid] = PROCESS(SETCRED, ARG(1)),
	[SYS_setresgid] = PROCESS(SETCRED, ARG(1)),
	[SYS_setfsuid] = PROCESS(SETCRED, ARG(0)),
	[SYS_setfsgid] = PROCESS(SETCRED, ARG(0)),
	[SYS_setgroups] = PROCESS(SETCRED, ARG(0)),
	[SYS_capset] = PROCESS(SETCRED, NO_ARG),
	[SYS_setsid] = PROCESS(SETCRED, NO_ARG),
	[SYS_chdir] = PROCESS(CHDIR, NO_ARG),
	[SYS_fchdir] = PROCESS(CHDIR, NO_ARG),
	[SYS_chroot] = PROCESS(CHROOT, NO_ARG),
	[SYS_pivot_root] = PROCESS(CHROOT, NO_ARG),
	[SYS_setns] = PROCESS(SETNS, ARG(1)),
	[SYS_unshare] = PROCESS(SETNS, ARG(0)),
	[SYS_mount] = PATH(MOUNT, 1, NO_DIRFD, ARG(3)),
	[SYS_move_mount] = PATH(MOUNT, 3, DIRFD(2), ARG(4)),
	[SYS_umount2] = PATH(UMOUNT, 0, NO_DIRFD, ARG(1)),

	/* What a ring submits is not decoded: how much of it there was is told as a gap. */
	[SYS_io_uring_enter] = { { LM_CALL_UNSEEN, 0, 0, 0 }, LM_OP_NONE },

	/* into the kernel */
	[SYS_init_module] = KERNEL(MODULE, NO_ARG),
	[SYS_finit_module] = KERNEL(MODULE, ARG(0)),
	[SYS_delete_module] = KERNEL(MODULE, NO_ARG),
	[SYS_bpf] = KERNEL(BPF, ARG(0)),
	[SYS_kexec_load] = KERNEL(KEXEC, NO_ARG),
	[SYS_kexec_file_load] = KERNEL(KEXEC, NO_ARG),
};

const struct lm_call_mapping *lm_call_mappings(void)
{
	return mappings;
}
