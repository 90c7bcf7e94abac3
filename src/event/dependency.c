/* SPDX-License-Identifier: MIT */
#include "lemona/event/dependency.h"

#include <errno.h>
#include <sys/stat.h>

/* Values of arg as the kernel of x86-64 has them, whatever machine reads the log. */
#define OPEN_TRUNC      01000u
#define PROT_READ_BIT   0x1u
#define PROT_WRITE_BIT  0x2u
#define RENAME_EXCHANGE_BIT 0x2u
#define PROT_EXEC_BIT   0x4u
#define MAP_TYPE_MASK   0xfu
#define MAP_TYPE_SHARED 0x1u
#define MAP_TYPE_SHARED_VALIDATE 0x3u

struct list {
	struct lm_dependency *out;
	int count;
};

/* An absent end carries nothing, and nothing needs to be told that it influences itself. */
static void add(struct list *list, lm_object_id source, lm_object_id sink, enum lm_control control,
	uint8_t flags)
{
	if (source == LM_OBJECT_NONE || sink == LM_OBJECT_NONE || source == sink)
		return;
	list->out[list->count++] = (struct lm_dependency){
		.source = source,
		.sink = sink,
		.control = (uint8_t)control,
		.flags = flags,
	};
}

static void add_high(struct list *list, lm_object_id source, lm_object_id sink)
{
	add(list, source, sink, LM_CONTROL_HIGH, 0);
}

static void add_low(struct list *list, lm_object_id source, lm_object_id sink)
{
	add(list, source, sink, LM_CONTROL_LOW, 0);
}

/* The object where the call had one at hand (a descriptor), else the name it was given. */
static lm_object_id object_or_name(const struct lm_event *ev)
{
	return ev->object != LM_OBJECT_NONE ? ev->object : ev->name;
}

/* These go on in the kernel after the call has returned. */
static bool is_connecting(const struct lm_event *ev)
{
	return ev->op == LM_OP_CONNECT && (ev->result == -EINPROGRESS || ev->result == -EINTR);
}

static void add_failed(struct list *list, const struct lm_event *ev)
{
	bool absent = ev->result == -ENOENT || ev->result == -ENOTDIR;
	bool lookup = ev->op == LM_OP_OPEN || ev->op == LM_OP_STAT || ev->op == LM_OP_EXEC;

	/* Whoever removed the name made this happen. */
	if (absent && lookup)
		add_low(list, ev->name, ev->actor);
}

static void add_open(struct list *list, const struct lm_event *ev)
{
	bool created = ev->flags & LM_EVENT_CREATED;

	add_high(list, ev->name, ev->actor);
	if (created)
		add_high(list, ev->actor, ev->name);
	if (created || (ev->arg & OPEN_TRUNC))
		add_high(list, ev->actor, ev->object);
}

static void add_fork(struct list *list, const struct lm_event *ev)
{
	/* Shared memory: either may write what the other reads until the child executes. */
	if (ev->flags & LM_EVENT_VM_SHARED) {
		add(list, ev->actor, ev->object, LM_CONTROL_HIGH, LM_DEPENDENCY_OPEN_ENDED);
		add(list, ev->object, ev->actor, LM_CONTROL_HIGH, LM_DEPENDENCY_OPEN_ENDED);
	} else {
		add_high(list, ev->actor, ev->object);
	}
}

static bool is_shared_mapping(uint64_t map_flags)
{
	uint64_t type = map_flags & MAP_TYPE_MASK;

	return type == MAP_TYPE_SHARED || type == MAP_TYPE_SHARED_VALIDATE;
}

/* x86 has no pages that can be written or executed and not read. */
static void add_mmap(struct list *list, const struct lm_event *ev)
{
	uint64_t prot = ev->arg & UINT32_MAX, map_flags = ev->arg >> 32;

	if (prot & (PROT_READ_BIT | PROT_WRITE_BIT | PROT_EXEC_BIT))
		add(list, ev->object, ev->actor, LM_CONTROL_HIGH, LM_DEPENDENCY_OPEN_ENDED);
	if ((prot & PROT_WRITE_BIT) && is_shared_mapping(map_flags)) {
		add(list, ev->actor, ev->object, LM_CONTROL_HIGH, LM_DEPENDENCY_OPEN_ENDED);
		add(list, ev->actor, ev->object2, LM_CONTROL_HIGH, LM_DEPENDENCY_OPEN_ENDED);
	}
}

/*
 * A mapping that becomes writable reaches the file only if it is shared. Where the
 * event does not say (no mapping flags in arg), the influence is possible, hence low.
 */
static void add_mprotect(struct list *list, const struct lm_event *ev)
{
	uint64_t prot = ev->arg & UINT32_MAX, map_flags = ev->arg >> 32;

	if (prot & (PROT_READ_BIT | PROT_WRITE_BIT | PROT_EXEC_BIT))
		add(list, ev->object, ev->actor, LM_CONTROL_HIGH, LM_DEPENDENCY_OPEN_ENDED);
	if ((prot & PROT_WRITE_BIT) && (map_flags == 0 || is_shared_mapping(map_flags)))
		add(list, ev->actor, ev->object,
			map_flags == 0 ? LM_CONTROL_LOW : LM_CONTROL_HIGH,
			LM_DEPENDENCY_OPEN_ENDED);
}

/*
 * One line of the table per group of operations. What is not listed carries no
 * influence of its own: descriptors (close, dup, socket, pipe, memfd, bind, listen,
 * shutdown), unmapping, exit, threads (the process already is one object),
 * changes of the actor's own attributes, what stands beside the actions, and messages.
 */
static void add_done(struct list *list, const struct lm_event *ev)
{
	switch ((enum lm_op)ev->op) {
	case LM_OP_FORK:
		add_fork(list, ev);
		break;
	case LM_OP_EXEC: /* program, who ran it, and the name it was found by make the process */
		add_high(list, ev->object, ev->object2);
		add_high(list, ev->actor, ev->object2);
		add_high(list, ev->name, ev->object2);
		add_high(list, ev->name2, ev->object2);
		break;
	case LM_OP_OPEN:
		add_open(list, ev);
		break;
	case LM_OP_READ:
	case LM_OP_RECV:
	case LM_OP_VMREAD:
	case LM_OP_ACCEPT: /* the listener hands over nothing of its own */
		add_high(list, ev->object, ev->actor);
		break;
	case LM_OP_WRITE:
		add_high(list, ev->actor, ev->object);
		add_high(list, ev->actor, ev->object2);
		break;
	case LM_OP_SEND:
	case LM_OP_VMWRITE:
	case LM_OP_IOCTL:
		add_high(list, ev->actor, ev->object);
		break;
	case LM_OP_TRUNCATE:
	case LM_OP_CHMOD:
	case LM_OP_CHOWN:
	case LM_OP_SETXATTR:
	case LM_OP_SETFLAGS:
		add_high(list, ev->actor, object_or_name(ev));
		break;
	case LM_OP_UTIMES:
		add_low(list, ev->actor, object_or_name(ev));
		break;
	case LM_OP_COPY:
		add_high(list, ev->object, ev->actor);
		add_high(list, ev->actor, ev->object2);
		add_high(list, ev->object, ev->object2);
		break;
	case LM_OP_MMAP:
		add_mmap(list, ev);
		break;
	case LM_OP_MPROTECT:
		add_mprotect(list, ev);
		break;
	case LM_OP_IPCGET:
		if (ev->flags & LM_EVENT_CREATED)
			add_high(list, ev->actor, ev->object);
		break;
	case LM_OP_SEMOP: /* tells no more than that it is somebody's turn */
		add_low(list, ev->actor, ev->object);
		add_low(list, ev->object, ev->actor);
		break;
	case LM_OP_READDIR:
	case LM_OP_STAT:
		add_low(list, ev->object, ev->actor);
		add_low(list, ev->name, ev->actor);
		break;
	case LM_OP_MKNOD:
	case LM_OP_MKDIR:
	case LM_OP_SYMLINK:
		add_high(list, ev->actor, ev->name);
		add_high(list, ev->actor, ev->object);
		break;
	/* What stood under the old name is what the new one gives: who made the old one counts. */
	case LM_OP_LINK:
		add_high(list, ev->name, ev->actor);
		add_high(list, ev->actor, ev->name2);
		break;
	case LM_OP_RENAME:
		add_high(list, ev->name, ev->actor);
		if (ev->arg & RENAME_EXCHANGE_BIT)
			add_high(list, ev->name2, ev->actor);
		add_high(list, ev->actor, ev->name);
		add_high(list, ev->actor, ev->name2);
		break;
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
	case LM_OP_UMOUNT: /* what a name leads to changes, as it does by rename */
		add_high(list, ev->actor, ev->name);
		break;
	case LM_OP_MOUNT:
		add_high(list, ev->name2, ev->actor);
		add_high(list, ev->object2, ev->actor);
		add_high(list, ev->actor, ev->name);
		break;
	case LM_OP_CONNECT: /* the answer says no more than that someone listens */
		add_high(list, ev->actor, ev->object);
		add_low(list, ev->object, ev->actor);
		break;
	case LM_OP_FDSEND:
		add_high(list, ev->actor, ev->object);
		add_high(list, ev->object2, ev->object);
		break;
	case LM_OP_FDRECV:
		add_high(list, ev->object, ev->actor);
		add_high(list, ev->object2, ev->actor);
		break;
	case LM_OP_SIGNAL:
	case LM_OP_CONTROL:
		add_low(list, ev->actor, ev->object);
		break;
	case LM_OP_INSPECT:
		add_low(list, ev->object, ev->actor);
		break;
	case LM_OP_PTRACE:
		add_high(list, ev->actor, ev->object);
		add_high(list, ev->object, ev->actor);
		break;
	case LM_OP_MODULE:
	case LM_OP_BPF:
	case LM_OP_KEXEC:
	case LM_OP_CLOCK:
	case LM_OP_KERNEL:
		add_high(list, ev->actor, LM_OBJECT_KERNEL);
		add_high(list, ev->object2, LM_OBJECT_KERNEL);
		add_high(list, ev->name, LM_OBJECT_KERNEL);
		break;
	case LM_OP_NONE:
	case LM_OP_THREAD:
	case LM_OP_EXIT:
	case LM_OP_CLOSE:
	case LM_OP_DUP:
	case LM_OP_MUNMAP:
	case LM_OP_SOCKET:
	case LM_OP_SOCKETPAIR:
	case LM_OP_BIND:
	case LM_OP_LISTEN:
	case LM_OP_SHUTDOWN:
	case LM_OP_PIPE:
	case LM_OP_MEMFD:
	case LM_OP_SETCRED:
	case LM_OP_CHDIR:
	case LM_OP_CHROOT:
	case LM_OP_SETNS:
	case LM_OP_ATTRIBUTE:
	case LM_OP_CALL:
	case LM_OP_RUN:
	case LM_OP_MESSAGE:
		break;
	}
}

int lm_event_dependencies(const struct lm_event *ev, struct lm_dependency out[LM_DEPENDENCIES_MAX])
{
	struct list list = { .out = out };

	if (lm_event_failed(ev) && !is_connecting(ev))
		add_failed(&list, ev);
	else
		add_done(&list, ev);
	return list.count;
}

#define KERNEL_MINOR_BITS 20
#define MEMORY_DEVICES    1u /* major, Documentation/admin-guide/devices.txt */

bool lm_file_is_sink(const struct lm_file *file)
{
	if (!S_ISCHR(file->mode) || file->rdev >> KERNEL_MINOR_BITS != MEMORY_DEVICES)
		return false;
	switch (file->rdev & ((1u << KERNEL_MINOR_BITS) - 1)) {
	case 3: /* null */
	case 5: /* zero */
	case 7: /* full */
	case 8: /* random */
	case 9: /* urandom */
		return true;
	}
	return false;
}
