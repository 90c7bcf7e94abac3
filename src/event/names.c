/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "lemona/abi/raw.h"
#include "lemona/base/cleanup.h"
#include "lemona/event/event.h"

/* Words for people and for JSON: stable, lower case, one per number. */
static const char *const op_names[] = {
	[LM_OP_FORK] = "fork",
	[LM_OP_THREAD] = "thread",
	[LM_OP_EXEC] = "exec",
	[LM_OP_EXIT] = "exit",
	[LM_OP_OPEN] = "open",
	[LM_OP_CLOSE] = "close",
	[LM_OP_DUP] = "dup",
	[LM_OP_READ] = "read",
	[LM_OP_WRITE] = "write",
	[LM_OP_TRUNCATE] = "truncate",
	[LM_OP_COPY] = "copy",
	[LM_OP_MMAP] = "mmap",
	[LM_OP_MPROTECT] = "mprotect",
	[LM_OP_MUNMAP] = "munmap",
	[LM_OP_READDIR] = "readdir",
	[LM_OP_STAT] = "stat",
	[LM_OP_MKNOD] = "mknod",
	[LM_OP_MKDIR] = "mkdir",
	[LM_OP_LINK] = "link",
	[LM_OP_SYMLINK] = "symlink",
	[LM_OP_RENAME] = "rename",
	[LM_OP_UNLINK] = "unlink",
	[LM_OP_RMDIR] = "rmdir",
	[LM_OP_CHMOD] = "chmod",
	[LM_OP_CHOWN] = "chown",
	[LM_OP_UTIMES] = "utimes",
	[LM_OP_SETXATTR] = "setxattr",
	[LM_OP_SOCKET] = "socket",
	[LM_OP_SOCKETPAIR] = "socketpair",
	[LM_OP_BIND] = "bind",
	[LM_OP_LISTEN] = "listen",
	[LM_OP_CONNECT] = "connect",
	[LM_OP_ACCEPT] = "accept",
	[LM_OP_SEND] = "send",
	[LM_OP_RECV] = "recv",
	[LM_OP_SHUTDOWN] = "shutdown",
	[LM_OP_PIPE] = "pipe",
	[LM_OP_MEMFD] = "memfd",
	[LM_OP_FDSEND] = "fdsend",
	[LM_OP_FDRECV] = "fdrecv",
	[LM_OP_SIGNAL] = "signal",
	[LM_OP_PTRACE] = "ptrace",
	[LM_OP_VMREAD] = "vmread",
	[LM_OP_VMWRITE] = "vmwrite",
	[LM_OP_SETCRED] = "setcred",
	[LM_OP_CHDIR] = "chdir",
	[LM_OP_CHROOT] = "chroot",
	[LM_OP_SETNS] = "setns",
	[LM_OP_MOUNT] = "mount",
	[LM_OP_UMOUNT] = "umount",
	[LM_OP_MODULE] = "module",
	[LM_OP_BPF] = "bpf",
	[LM_OP_KEXEC] = "kexec",
	[LM_OP_IOCTL] = "ioctl",
	[LM_OP_IPCGET] = "ipcget",
	[LM_OP_SEMOP] = "semop",
	[LM_OP_ATTRIBUTE] = "attribute",
	[LM_OP_CONTROL] = "control",
	[LM_OP_INSPECT] = "inspect",
	[LM_OP_SETFLAGS] = "setflags",
	[LM_OP_CLOCK] = "clock",
	[LM_OP_KERNEL] = "kernel",
	[LM_OP_CALL] = "call",
	[LM_OP_RUN] = "run",
	[LM_OP_MESSAGE] = "message",
};

static const char *const kind_names[] = {
	[LM_OBJECT_KIND_KERNEL] = "kernel",
	[LM_OBJECT_KIND_PROCESS] = "process",
	[LM_OBJECT_KIND_FILE] = "file",
	[LM_OBJECT_KIND_NAME] = "name",
	[LM_OBJECT_KIND_SOCKET] = "socket",
	[LM_OBJECT_KIND_PIPE] = "pipe",
	[LM_OBJECT_KIND_MEMORY] = "memory",
	[LM_OBJECT_KIND_CGROUP] = "cgroup",
	[LM_OBJECT_KIND_CONTENT] = "content",
};

static const char *const gap_reason_names[] = {
	[LM_GAP_FULL] = "full",
	[LM_GAP_NESTED] = "nested",
	[LM_GAP_FAULT] = "fault",
	[LM_GAP_WRITE] = "write",
	[LM_GAP_CUT] = "cut",
	[LM_GAP_DAMAGED] = "damaged",
	[LM_GAP_QUEUE] = "queue",
	[LM_GAP_STATE] = "state",
	[LM_GAP_UNSEEN] = "unseen",
	[LM_GAP_RETENTION] = "retention",
};

static const char *const content_state_names[] = {
	[LM_CONTENT_HASHED] = "hashed",
	[LM_CONTENT_GONE] = "gone",
	[LM_CONTENT_CHANGING] = "changing",
	[LM_CONTENT_LARGE] = "large",
	[LM_CONTENT_LATE] = "late",
	[LM_CONTENT_FAILED] = "failed",
};

static const char *const gap_kind_names[64] = {
	"other",
	[LM_RAW_IO] = "io",
	[LM_RAW_FD] = "fd",
	[LM_RAW_OPEN] = "open",
	[LM_RAW_DIR] = "directory",
	[LM_RAW_FS] = "file-system",
	[LM_RAW_PATH] = "path",
	[LM_RAW_FORK] = "fork",
	[LM_RAW_PROCESS] = "process",
	[LM_RAW_EXEC] = "exec",
	[LM_RAW_EXIT] = "exit",
	[LM_RAW_SIGNAL] = "signal",
	[LM_RAW_TASK] = "task",
	[LM_RAW_SOCKET] = "socket",
	[LM_RAW_COPY] = "copy",
	[LM_RAW_RANGE] = "memory",
	[LM_RAW_KERNEL] = "kernel",
	[LM_RAW_UNSEEN] = "submission",
	[LM_RAW_CGROUP] = "cgroup",
	[LM_RAW_IPC] = "ipc",
	[LM_RAW_RUN] = "run",
	[LM_RAW_DIRTY] = "store",
	[LM_RAW_URING_SUBMIT] = "submission",
	[LM_RAW_URING_END] = "completion",
	[LM_RAW_NAME] = "name",
	[LM_RAW_CALL] = "call",
	[LM_RAW_TURN] = "turn",
	[LM_RAW_CONTENT] = "content",
};

_Static_assert(LM_ARRAY_SIZE(op_names) == LM_OP_MAX + 1, "every op has a name");
_Static_assert(LM_ARRAY_SIZE(kind_names) == LM_OBJECT_KIND_MAX + 1, "every kind has a name");

static const char *name_or_unknown(const char *const *names, size_t count, unsigned int number)
{
	return number < count && names[number] ? names[number] : "unknown";
}

const char *lm_op_name(enum lm_op op)
{
	return name_or_unknown(op_names, LM_ARRAY_SIZE(op_names), op);
}

enum lm_op lm_op_from_name(const char *name)
{
	for (unsigned int op = LM_OP_NONE + 1; op <= LM_OP_MAX; op++)
		if (strcmp(op_names[op], name) == 0)
			return (enum lm_op)op;
	return LM_OP_NONE;
}

const char *lm_object_kind_name(enum lm_object_kind kind)
{
	return name_or_unknown(kind_names, LM_ARRAY_SIZE(kind_names), kind);
}

const char *lm_gap_reason_name(enum lm_gap_reason reason)
{
	return name_or_unknown(gap_reason_names, LM_ARRAY_SIZE(gap_reason_names), reason);
}

const char *lm_content_state_name(uint8_t state)
{
	return name_or_unknown(content_state_names, LM_ARRAY_SIZE(content_state_names), state);
}

const char *lm_gap_kind_name(unsigned int bit)
{
	return bit < LM_ARRAY_SIZE(gap_kind_names) && gap_kind_names[bit] ? gap_kind_names[bit] :
		"other";
}

const char *lm_event_flag_name(unsigned int bit)
{
	static const char *const names[] = {
		"claimed", "derived", "created", "vm-shared", "confirmed", "partial", "timed",
		"folded", "mapped", "content", "master",
	};

	return bit < LM_ARRAY_SIZE(names) ? names[bit] : NULL;
}

const char *lm_severity_name(uint64_t arg)
{
	static const char *const names[] = {
		"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
	};

	return arg & LM_MESSAGE_PRIORITY ? names[arg & 7] : NULL;
}

#define ERRNO_MAX 4095

/* Results that only a tracer of system calls sees: the call is made again, or goes on. */
const char *lm_error_name(int64_t error)
{
	static const char *const restarts[] = {
		[0] = "ERESTARTSYS", [1] = "ERESTARTNOINTR", [2] = "ERESTARTNOHAND",
		[4] = "ERESTART_RESTARTBLOCK",
	};

	if (error >= 512 && error < 512 + (int64_t)LM_ARRAY_SIZE(restarts) &&
		restarts[error - 512])
		return restarts[error - 512];
	return error > 0 && error <= ERRNO_MAX ? strerrorname_np((int)error) : NULL;
}

int lm_error_from_name(const char *name)
{
	for (int error = 1; error <= ERRNO_MAX; error++) {
		const char *found = lm_error_name(error);

		if (found && strcmp(found, name) == 0)
			return error;
	}
	return 0;
}

#define CALL_TEXT_BYTES 32

const char *lm_call_name(uint16_t call, char buf[CALL_TEXT_BYTES])
{
	const char *name;

	if (call == LM_CALL_NONE)
		return "";
	if (call & LM_CALL_URING) {
		name = lm_uring_op_name(call & ~LM_CALL_URING);
		if (name)
			snprintf(buf, CALL_TEXT_BYTES, "io_uring:%s", name);
		else
			snprintf(buf, CALL_TEXT_BYTES, "io_uring:%u", call & ~LM_CALL_URING);
		return buf;
	}
	if (call & LM_CALL_COMPAT) {
		name = lm_compat_name(call & ~LM_CALL_COMPAT);
		if (name)
			snprintf(buf, CALL_TEXT_BYTES, "i386:%s", name);
		else
			snprintf(buf, CALL_TEXT_BYTES, "i386:%u", call & ~LM_CALL_COMPAT);
		return buf;
	}
	name = lm_syscall_name(call);
	if (name)
		return name;
	snprintf(buf, CALL_TEXT_BYTES, "call:%u", call);
	return buf;
}

bool lm_op_moves_bytes(uint16_t op)
{
	switch ((enum lm_op)op) {
	case LM_OP_READ:
	case LM_OP_WRITE:
	case LM_OP_COPY:
	case LM_OP_SEND:
	case LM_OP_RECV:
	case LM_OP_VMREAD:
	case LM_OP_VMWRITE:
		return true;
	default:
		return false;
	}
}

uint64_t lm_event_count(const struct lm_event *ev)
{
	return ev->flags & LM_EVENT_FOLDED && ev->arg ? ev->arg : 1;
}

bool lm_event_failed(const struct lm_event *ev)
{
	if (ev->op == LM_OP_EXIT || ev->op == LM_OP_THREAD)
		return false;
	return ev->result < 0 && ev->result >= -ERRNO_MAX;
}
