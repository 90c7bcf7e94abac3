/* SPDX-License-Identifier: MIT */
#include "lemona/event/rules.h"

#include <sys/syscall.h>

/*
 * Arguments count from 0. See enum lm_call_class for what a, b and c mean.
 * Every call of x86-64 has its row: what it becomes, or why it becomes nothing.
 */
#pragma GCC diagnostic error "-Woverride-init" /* one row a call */

#define IO(op_) { { LM_CALL_IO, 0, 0, 0 }, LM_OP_##op_ }
#define IO_FILLS(op_) { { LM_CALL_IO, LM_CALL_IO_FILLS, 0, 0 }, LM_OP_##op_ }
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
#define PIDFD(op_, arg) { { LM_CALL_PIDFD, 0, arg, 0 }, LM_OP_##op_ }
#define RANGE(op_, arg) { { LM_CALL_RANGE, 0, 0, arg }, LM_OP_##op_ }
#define KERNEL(op_, arg) { { LM_CALL_KERNEL, 0, arg, 0 }, LM_OP_##op_ }
#define NEWFD(op_) { { LM_CALL_NEWFD, 0, 0, 0 }, LM_OP_##op_ }
/* Only where `needs`, an argument, is not 0. */
#define OTHER(op_, pid, arg, needs) { { LM_CALL_TASK_OTHER, pid, arg, needs }, LM_OP_##op_ }
#define CLOCK(at, unit) { { LM_CALL_CLOCK, at, LM_CALL_CLOCK_##unit, 0 }, LM_OP_CLOCK }
#define AIO(at, ended) { { LM_CALL_AIO, at, ended, 0 }, LM_OP_READ } /* or WRITE: by operation */
#define SILENT(why) { .silence = LM_SILENT_##why }

#define IPC(op_, type, arg) { { LM_CALL_IPC, LM_RAW_IPC_##type, 0, arg }, LM_OP_##op_ }
#define IPCGET(type, arg) { { LM_CALL_IPC, LM_RAW_IPC_##type, 1, arg }, LM_OP_IPCGET }

#define NO_DIRFD 0
#define MQUEUE LM_CALL_DIR_MQUEUE
#define DIRFD(arg) ((arg) + 1)
#define NO_ARG 0
#define ARG(arg) ((arg) + 1)

/* Newer than the headers of Debian 12. */
#define NR_uretprobe 335
#define NR_uprobe 336
#define NR_cachestat 451
#define NR_fchmodat2 452
#define NR_map_shadow_stack 453
#define NR_futex_wake 454
#define NR_futex_wait 455
#define NR_futex_requeue 456
#define NR_statmount 457
#define NR_listmount 458
#define NR_lsm_get_self_attr 459
#define NR_lsm_set_self_attr 460
#define NR_lsm_list_modules 461
#define NR_mseal 462
#define NR_setxattrat 463
#define NR_getxattrat 464
#define NR_listxattrat 465
#define NR_removexattrat 466
#define NR_open_tree_attr 467
#define NR_file_getattr 468
#define NR_file_setattr 469
#define NR_listns 470

static const struct lm_call_mapping mappings[LM_CALL_COUNT] = {
	/* reading and writing */
	[SYS_read] = IO_FILLS(READ),
	[SYS_pread64] = IO_FILLS(READ),
	[SYS_readv] = IO_FILLS(READ),
	[SYS_preadv] = IO_FILLS(READ),
	[SYS_preadv2] = IO_FILLS(READ),
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
	[SYS_io_submit] = AIO(2, 0),
	[SYS_io_getevents] = AIO(3, 1),
	[SYS_io_pgetevents] = AIO(3, 1),

	/* opening and closing */
	[SYS_open] = OPEN(0, NO_DIRFD, ARG(1)),
	[SYS_openat] = OPEN(1, DIRFD(0), ARG(2)),
	[SYS_openat2] = { { LM_CALL_OPENAT2, 1, DIRFD(0), ARG(2) }, LM_OP_OPEN },
	[SYS_creat] = OPEN(0, NO_DIRFD, NO_ARG),
	[SYS_open_tree] = NEWFD(OPEN),
	[NR_open_tree_attr] = NEWFD(OPEN),
	[SYS_fsmount] = NEWFD(OPEN),
	[SYS_open_by_handle_at] = OPEN(7, NO_DIRFD, ARG(2)), /* argument 7 is none: no path */
	[SYS_uselib] = PATH(OPEN, 0, NO_DIRFD, NO_ARG),
	[SYS_close] = { { LM_CALL_FD, 0, ARG(0), NO_ARG }, LM_OP_CLOSE },
	[SYS_dup] = NEWFD(DUP),
	[SYS_dup2] = NEWFD(DUP),
	[SYS_dup3] = NEWFD(DUP),
	[SYS_ioctl] = { { LM_CALL_IOCTL, 0, 0, 0 }, LM_OP_COPY },
	[SYS_close_range] = RANGE(CLOSE, ARG(2)),
	[SYS_fcntl] = { { LM_CALL_FCNTL, 0, 0, 0 }, LM_OP_DUP },
	[SYS_pidfd_getfd] = { { LM_CALL_GETFD, 0, 0, 0 }, LM_OP_FDRECV },
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
	[NR_file_setattr] = PATH(SETFLAGS, 1, DIRFD(0), NO_ARG),

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
	[SYS_statfs] = PATH(STAT, 0, NO_DIRFD, NO_ARG),
	[SYS_inotify_add_watch] = PATH(STAT, 1, NO_DIRFD, NO_ARG),
	[SYS_fanotify_mark] = PATH(STAT, 4, DIRFD(3), NO_ARG),
	[SYS_name_to_handle_at] = PATH(STAT, 1, DIRFD(0), NO_ARG),
	[SYS_fgetxattr] = IO(STAT),
	[SYS_flistxattr] = IO(STAT),
	[NR_file_getattr] = PATH(STAT, 1, DIRFD(0), NO_ARG),

	/* memory */
	[SYS_mmap] = { { LM_CALL_MMAP, 0, 0, 0 }, LM_OP_MMAP },
	[SYS_munmap] = RANGE(MUNMAP, NO_ARG),
	[SYS_mremap] = { { LM_CALL_RANGE, ARG(3), 0, ARG(2) }, LM_OP_MMAP },
	[SYS_mprotect] = RANGE(MPROTECT, ARG(2)),
	[SYS_pkey_mprotect] = RANGE(MPROTECT, ARG(2)),

	/* channels without a file; what a control call does is told by its command */
	[SYS_shmget] = IPCGET(SEGMENT, ARG(2)),
	[SYS_shmat] = IPC(MMAP, SEGMENT, ARG(2)),
	[SYS_shmdt] = RANGE(MUNMAP, NO_ARG),
	[SYS_shmctl] = IPC(IOCTL, SEGMENT, ARG(1)),
	[SYS_msgget] = IPCGET(QUEUE, ARG(1)),
	[SYS_msgsnd] = IPC(SEND, QUEUE, ARG(2)),
	[SYS_msgrcv] = IPC(RECV, QUEUE, ARG(3)),
	[SYS_msgctl] = IPC(IOCTL, QUEUE, ARG(1)),
	[SYS_semget] = IPCGET(SEMAPHORES, ARG(2)),
	[SYS_semop] = IPC(SEMOP, SEMAPHORES, ARG(2)),
	[SYS_semtimedop] = IPC(SEMOP, SEMAPHORES, ARG(2)),
	[SYS_semctl] = IPC(IOCTL, SEMAPHORES, ARG(2)),
	[SYS_mq_open] = OPEN(0, MQUEUE, ARG(1)),
	[SYS_mq_timedsend] = IO(SEND),
	[SYS_mq_timedreceive] = IO_FILLS(RECV),
	[SYS_mq_unlink] = PATH(UNLINK, 0, MQUEUE, NO_ARG),
	[SYS_eventfd] = NEWFD(IPCGET),
	[SYS_eventfd2] = NEWFD(IPCGET),

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
	[SYS_prlimit64] = OTHER(CONTROL, 0, ARG(1), ARG(2)),
	[SYS_setpriority] = OTHER(CONTROL, 1, ARG(0), NO_ARG),
	[SYS_ioprio_set] = OTHER(CONTROL, 1, ARG(0), NO_ARG),
	[SYS_sched_setparam] = OTHER(CONTROL, 0, NO_ARG, NO_ARG),
	[SYS_sched_setscheduler] = OTHER(CONTROL, 0, ARG(1), NO_ARG),
	[SYS_sched_setattr] = OTHER(CONTROL, 0, NO_ARG, NO_ARG),
	[SYS_sched_setaffinity] = OTHER(CONTROL, 0, NO_ARG, NO_ARG),
	[SYS_setpgid] = OTHER(CONTROL, 0, ARG(1), NO_ARG),
	[SYS_migrate_pages] = OTHER(CONTROL, 0, NO_ARG, NO_ARG),
	[SYS_move_pages] = OTHER(CONTROL, 0, NO_ARG, ARG(3)),
	[SYS_kcmp] = OTHER(INSPECT, 1, ARG(2), NO_ARG),
	[SYS_perf_event_open] = OTHER(INSPECT, 1, ARG(4), NO_ARG),

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
	[SYS_mount] = PATH2(MOUNT, 1, NO_DIRFD, 0, NO_DIRFD),
	[SYS_move_mount] = PATH2(MOUNT, 3, DIRFD(2), 1, DIRFD(0)),
	[SYS_fsconfig] = { { LM_CALL_FSCONFIG, 3, 0, 0 }, LM_OP_MOUNT },
	[SYS_mount_setattr] = PATH(MOUNT, 1, DIRFD(0), ARG(2)),
	[SYS_prctl] = { { LM_CALL_PRCTL, 0, 0, 0 }, LM_OP_ATTRIBUTE },
	[SYS_personality] = PROCESS(ATTRIBUTE, ARG(0)),
	[SYS_seccomp] = PROCESS(ATTRIBUTE, ARG(0)),
	[SYS_landlock_restrict_self] = PROCESS(ATTRIBUTE, NO_ARG),
	[NR_lsm_set_self_attr] = PROCESS(ATTRIBUTE, ARG(0)),
	[SYS_umount2] = PATH(UMOUNT, 0, NO_DIRFD, ARG(1)),

	/* What a ring submits is not decoded: how much of it there was is told as a gap. */
	[SYS_io_uring_enter] = { { LM_CALL_UNSEEN, 0, 0, 0 }, LM_OP_NONE },

	/* into the kernel */
	[SYS_init_module] = KERNEL(MODULE, NO_ARG),
	[SYS_finit_module] = FD(MODULE, 0, ARG(2), NO_ARG),
	[SYS_delete_module] = KERNEL(MODULE, NO_ARG),
	[SYS_bpf] = KERNEL(BPF, ARG(0)),
	[SYS_kexec_load] = KERNEL(KEXEC, NO_ARG),
	[SYS_kexec_file_load] = { { LM_CALL_COPY, 0, 1, 0 }, LM_OP_KEXEC },
	[SYS_swapon] = PATH(KERNEL, 0, NO_DIRFD, ARG(1)),
	[SYS_swapoff] = PATH(KERNEL, 0, NO_DIRFD, NO_ARG),
	[SYS_acct] = PATH(KERNEL, 0, NO_DIRFD, NO_ARG),
	[SYS_quotactl] = PATH(KERNEL, 1, NO_DIRFD, ARG(0)),
	[SYS_quotactl_fd] = FD(KERNEL, 0, ARG(1), NO_ARG),
	[SYS_reboot] = KERNEL(KERNEL, ARG(2)),
	[SYS_sethostname] = KERNEL(KERNEL, NO_ARG),
	[SYS_setdomainname] = KERNEL(KERNEL, NO_ARG),
	[SYS_syslog] = KERNEL(KERNEL, ARG(0)),
	[SYS_iopl] = KERNEL(KERNEL, ARG(0)),
	[SYS_ioperm] = KERNEL(KERNEL, ARG(0)),
	[SYS_settimeofday] = CLOCK(0, MICRO),
	[SYS_clock_settime] = CLOCK(1, NANO),
	[SYS_adjtimex] = CLOCK(0, ADJUST),
	[SYS_clock_adjtime] = CLOCK(1, ADJUST),

	/* what is open: position, state, waiting */
	[SYS_fstat] = SILENT(OPEN_FILE),
	[SYS_fstatfs] = SILENT(OPEN_FILE),
	[SYS_lseek] = SILENT(OPEN_FILE),
	[SYS_flock] = SILENT(OPEN_FILE),
	[SYS_fadvise64] = SILENT(OPEN_FILE),
	[SYS_readahead] = SILENT(OPEN_FILE),
	[SYS_mq_getsetattr] = SILENT(OPEN_FILE),
	[NR_cachestat] = SILENT(OPEN_FILE),
	[SYS_fsync] = SILENT(FLUSH),
	[SYS_fdatasync] = SILENT(FLUSH),
	[SYS_sync] = SILENT(FLUSH),
	[SYS_syncfs] = SILENT(FLUSH),
	[SYS_sync_file_range] = SILENT(FLUSH),
	[SYS_msync] = SILENT(FLUSH),
	[SYS_poll] = SILENT(WAIT),
	[SYS_ppoll] = SILENT(WAIT),
	[SYS_select] = SILENT(WAIT),
	[SYS_pselect6] = SILENT(WAIT),
	[SYS_epoll_wait] = SILENT(WAIT),
	[SYS_epoll_pwait] = SILENT(WAIT),
	[SYS_epoll_pwait2] = SILENT(WAIT),
	[SYS_epoll_wait_old] = SILENT(WAIT),
	[SYS_epoll_ctl] = SILENT(WAIT),
	[SYS_epoll_ctl_old] = SILENT(WAIT),
	[SYS_epoll_create] = SILENT(HANDLE),
	[SYS_epoll_create1] = SILENT(HANDLE),
	[SYS_signalfd] = SILENT(HANDLE),
	[SYS_signalfd4] = SILENT(HANDLE),
	[SYS_timerfd_create] = SILENT(HANDLE),
	[SYS_inotify_init] = SILENT(HANDLE),
	[SYS_inotify_init1] = SILENT(HANDLE),
	[SYS_fsopen] = SILENT(HANDLE),
	[SYS_fspick] = SILENT(HANDLE),
	[SYS_inotify_rm_watch] = SILENT(HANDLE),
	[SYS_fanotify_init] = SILENT(HANDLE),
	[SYS_pidfd_open] = SILENT(HANDLE),
	[SYS_io_setup] = SILENT(HANDLE),
	[SYS_io_destroy] = SILENT(HANDLE),
	[SYS_io_cancel] = SILENT(HANDLE),
	[SYS_landlock_create_ruleset] = SILENT(HANDLE),
	[SYS_landlock_add_rule] = SILENT(HANDLE),
	[SYS_getsockname] = SILENT(OWN_SOCKET),
	[SYS_getpeername] = SILENT(OWN_SOCKET),
	[SYS_getsockopt] = SILENT(OWN_SOCKET),
	[SYS_setsockopt] = SILENT(OWN_SOCKET),

	/* the caller itself */
	[SYS_getpid] = SILENT(OWN_STATE),
	[SYS_gettid] = SILENT(OWN_STATE),
	[SYS_getppid] = SILENT(OWN_STATE),
	[SYS_getuid] = SILENT(OWN_STATE),
	[SYS_geteuid] = SILENT(OWN_STATE),
	[SYS_getgid] = SILENT(OWN_STATE),
	[SYS_getegid] = SILENT(OWN_STATE),
	[SYS_getresuid] = SILENT(OWN_STATE),
	[SYS_getresgid] = SILENT(OWN_STATE),
	[SYS_getgroups] = SILENT(OWN_STATE),
	[SYS_getpgrp] = SILENT(OWN_STATE),
	[SYS_getcwd] = SILENT(OWN_STATE),
	[SYS_umask] = SILENT(OWN_STATE),
	[SYS_capget] = SILENT(OWN_STATE),
	[SYS_setrlimit] = SILENT(OWN_STATE),
	[SYS_getrlimit] = SILENT(OWN_STATE),
	[SYS_getrusage] = SILENT(OWN_STATE),
	[SYS_arch_prctl] = SILENT(OWN_STATE),
	[SYS_set_thread_area] = SILENT(OWN_STATE),
	[SYS_get_thread_area] = SILENT(OWN_STATE),
	[SYS_modify_ldt] = SILENT(OWN_STATE),
	[SYS_set_tid_address] = SILENT(OWN_STATE),
	[SYS_set_robust_list] = SILENT(OWN_STATE),
	[SYS_rseq] = SILENT(OWN_STATE),
	[NR_lsm_get_self_attr] = SILENT(OWN_STATE),
	[SYS_vhangup] = SILENT(OWN_STATE),
	[SYS_rt_sigaction] = SILENT(OWN_SIGNALS),
	[SYS_rt_sigprocmask] = SILENT(OWN_SIGNALS),
	[SYS_rt_sigreturn] = SILENT(OWN_SIGNALS),
	[SYS_rt_sigpending] = SILENT(OWN_SIGNALS),
	[SYS_rt_sigtimedwait] = SILENT(OWN_SIGNALS),
	[SYS_rt_sigsuspend] = SILENT(OWN_SIGNALS),
	[SYS_sigaltstack] = SILENT(OWN_SIGNALS),
	[SYS_pause] = SILENT(OWN_SIGNALS),
	[SYS_alarm] = SILENT(OWN_SIGNALS),
	[SYS_setitimer] = SILENT(OWN_SIGNALS),
	[SYS_getitimer] = SILENT(OWN_SIGNALS),
	[SYS_timer_create] = SILENT(OWN_SIGNALS),
	[SYS_timer_settime] = SILENT(OWN_SIGNALS),
	[SYS_timer_gettime] = SILENT(OWN_SIGNALS),
	[SYS_timer_getoverrun] = SILENT(OWN_SIGNALS),
	[SYS_timer_delete] = SILENT(OWN_SIGNALS),
	[SYS_timerfd_settime] = SILENT(OWN_SIGNALS),
	[SYS_timerfd_gettime] = SILENT(OWN_SIGNALS),
	[SYS_remap_file_pages] = SILENT(OWN_MEMORY),
	[SYS_brk] = SILENT(OWN_MEMORY),
	[SYS_madvise] = SILENT(OWN_MEMORY),
	[SYS_mincore] = SILENT(OWN_MEMORY),
	[SYS_mlock] = SILENT(OWN_MEMORY),
	[SYS_mlock2] = SILENT(OWN_MEMORY),
	[SYS_munlock] = SILENT(OWN_MEMORY),
	[SYS_mlockall] = SILENT(OWN_MEMORY),
	[SYS_munlockall] = SILENT(OWN_MEMORY),
	[SYS_mbind] = SILENT(OWN_MEMORY),
	[SYS_set_mempolicy] = SILENT(OWN_MEMORY),
	[SYS_get_mempolicy] = SILENT(OWN_MEMORY),
	[SYS_set_mempolicy_home_node] = SILENT(OWN_MEMORY),
	[SYS_pkey_alloc] = SILENT(OWN_MEMORY),
	[SYS_pkey_free] = SILENT(OWN_MEMORY),
	[NR_mseal] = SILENT(OWN_MEMORY),
	[NR_map_shadow_stack] = SILENT(OWN_MEMORY),

	/* time and the processor */
	[SYS_gettimeofday] = SILENT(TIME),
	[SYS_time] = SILENT(TIME),
	[SYS_clock_gettime] = SILENT(TIME),
	[SYS_clock_getres] = SILENT(TIME),
	[SYS_nanosleep] = SILENT(TIME),
	[SYS_clock_nanosleep] = SILENT(TIME),
	[SYS_sched_yield] = SILENT(SCHEDULING),
	[SYS_getcpu] = SILENT(SCHEDULING),
	[SYS_membarrier] = SILENT(SCHEDULING),
	[SYS_futex] = SILENT(FUTEX),
	[NR_futex_wait] = SILENT(FUTEX),
	[NR_futex_wake] = SILENT(FUTEX),
	[NR_futex_requeue] = SILENT(FUTEX),
	[SYS_futex_waitv] = SILENT(FUTEX),

	/* numbers about others */
	[SYS_getpgid] = SILENT(NUMBERS),
	[SYS_getsid] = SILENT(NUMBERS),
	[SYS_getpriority] = SILENT(NUMBERS),
	[SYS_ioprio_get] = SILENT(NUMBERS),
	[SYS_sched_getparam] = SILENT(NUMBERS),
	[SYS_sched_getscheduler] = SILENT(NUMBERS),
	[SYS_sched_getattr] = SILENT(NUMBERS),
	[SYS_sched_getaffinity] = SILENT(NUMBERS),
	[SYS_sched_rr_get_interval] = SILENT(NUMBERS),
	[SYS_sched_get_priority_max] = SILENT(NUMBERS),
	[SYS_sched_get_priority_min] = SILENT(NUMBERS),
	[SYS_get_robust_list] = SILENT(NUMBERS),
	[SYS_uname] = SILENT(SYSTEM),
	[SYS_sysinfo] = SILENT(SYSTEM),
	[SYS_times] = SILENT(SYSTEM),
	[SYS_sysfs] = SILENT(SYSTEM),
	[SYS_ustat] = SILENT(SYSTEM),
	[SYS_getrandom] = SILENT(SYSTEM),
	[NR_statmount] = SILENT(SYSTEM),
	[NR_listmount] = SILENT(SYSTEM),
	[NR_listns] = SILENT(SYSTEM),
	[NR_lsm_list_modules] = SILENT(SYSTEM),
	[SYS_lookup_dcookie] = SILENT(SYSTEM),

	/* seen elsewhere */
	[SYS_clone] = SILENT(BY_HOOK),
	[SYS_fork] = SILENT(BY_HOOK),
	[SYS_vfork] = SILENT(BY_HOOK),
	[SYS_clone3] = SILENT(BY_HOOK),
	[SYS_exit] = SILENT(BY_HOOK),
	[SYS_exit_group] = SILENT(BY_HOOK),
	[SYS_wait4] = SILENT(BY_HOOK),
	[SYS_waitid] = SILENT(BY_HOOK),
	[SYS_pidfd_send_signal] = SILENT(BY_HOOK),
	[SYS_mq_notify] = SILENT(BY_HOOK),
	[SYS_restart_syscall] = SILENT(BY_HOOK),
	[NR_uretprobe] = SILENT(BY_HOOK),
	[NR_uprobe] = SILENT(BY_HOOK),

	/* of no kernel that is recorded */
	[SYS__sysctl] = SILENT(ABSENT),
	[SYS_create_module] = SILENT(ABSENT),
	[SYS_get_kernel_syms] = SILENT(ABSENT),
	[SYS_query_module] = SILENT(ABSENT),
	[SYS_nfsservctl] = SILENT(ABSENT),
	[SYS_getpmsg] = SILENT(ABSENT),
	[SYS_putpmsg] = SILENT(ABSENT),
	[SYS_afs_syscall] = SILENT(ABSENT),
	[SYS_tuxcall] = SILENT(ABSENT),
	[SYS_security] = SILENT(ABSENT),
	[SYS_vserver] = SILENT(ABSENT),

	/* io_uring: what its requests do is told by them */
	[SYS_io_uring_setup] = SILENT(HANDLE),
	[SYS_io_uring_register] = SILENT(HANDLE),

	/* another process's memory, by its pidfd */
	[SYS_process_madvise] = PIDFD(CONTROL, ARG(3)),
	[SYS_process_mrelease] = PIDFD(CONTROL, NO_ARG),
	[SYS_userfaultfd] = PROCESS(ATTRIBUTE, ARG(0)),

	/* keys */
	[SYS_add_key] = IPCGET(KEY, NO_ARG),
	[SYS_request_key] = IPCGET(KEY, NO_ARG),
	[SYS_keyctl] = { { LM_CALL_IPC, LM_RAW_IPC_KEY, 2, ARG(0) }, LM_OP_IOCTL },
};

const struct lm_call_mapping *lm_call_mappings(void)
{
	return mappings;
}

bool lm_op_is_urgent(enum lm_op op)
{
	switch (op) {
	case LM_OP_SETCRED:
	case LM_OP_PTRACE:
	case LM_OP_MODULE:
	case LM_OP_BPF:
	case LM_OP_KEXEC:
		return true;
	default:
		return false;
	}
}
