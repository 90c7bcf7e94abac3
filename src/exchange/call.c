/* SPDX-License-Identifier: MIT */
#include "call.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lemona/abi/calls.h"
#include "lemona/event/rules.h"

static lm_object_id object_of(const struct world_process *process, int64_t fd)
{
	return fd >= 0 ? world_fd(process, (uint64_t)fd) : LM_OBJECT_NONE;
}

/* The descriptor leads to what the log tracks, not to what the source says. */
static void set_descriptor(const struct world_process *process, int64_t fd, struct lm_event *event)
{
	event->object = object_of(process, fd);
	if (event->object)
		event->flags |= LM_EVENT_DERIVED;
}

static void apply_io(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	set_descriptor(process, call_descriptor(call, 0), event);
	if (event->op == LM_OP_SEND || event->op == LM_OP_RECV)
		world_set_address(world, event->object, true, &call->address);
	world_event(world, event);
}

static void apply_descriptor(struct world *world, struct world_process *process,
	const struct call *call, const struct lm_call_rule *rule, struct lm_event *event)
{
	int64_t fd = call_descriptor(call, rule->a);

	set_descriptor(process, fd, event);
	event->arg = call_argument(call, rule->b) | call_argument(call, rule->c) << 32;
	if (event->op == LM_OP_MODULE || event->op == LM_OP_KERNEL) {
		event->object2 = event->object;
		event->object = LM_OBJECT_KERNEL;
	}
	world_event(world, event);
	if (event->op == LM_OP_CLOSE && call->result >= 0 && fd >= 0)
		world_close_fd(process, (uint64_t)fd);
}

static int apply_range(struct world *world, struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	/* Which file is mapped at an address is not followed: a mapping counts until the end. */
	if (call->native != SYS_close_range || call->result < 0)
		return 0;
	event->arg = call->args[0];
	world_event(world, event);
	world_close_fds(world, process, call->args[0], (uint32_t)call->args[1],
		call->args[2] & CLOSE_RANGE_CLOEXEC);
	return 1;
}

static bool is_closing(const struct call *call)
{
	switch (call->native) {
	case SYS_dup3:
		return call->args[2] & O_CLOEXEC;
	case SYS_fcntl:
		return (uint32_t)call->args[1] == F_DUPFD_CLOEXEC;
	case SYS_eventfd2:
		return call->args[1] & O_CLOEXEC;
	case SYS_memfd_create:
		return call->args[1] & 1; /* MFD_CLOEXEC */
	}
	return false;
}

static lm_object_id new_memory(struct world *world, uint16_t type)
{
	struct lm_object object = { .kind = LM_OBJECT_KIND_MEMORY, .memory = { .type = type } };

	return world_define(world, &object);
}

static void apply_new_descriptor(struct world *world, struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	event->object = call->returned;
	if (event->op == LM_OP_DUP) {
		event->arg = call->args[0];
		if (!event->object)
			set_descriptor(process, call_descriptor(call, 0), event);
	}
	if (!event->object && call->result >= 0 && event->op == LM_OP_MEMFD)
		event->object = new_memory(world, LM_MEMORY_MEMFD);
	if (!event->object && call->result >= 0 && event->op == LM_OP_IPCGET) {
		event->object = new_memory(world, LM_MEMORY_EVENTFD);
		event->flags |= LM_EVENT_CREATED;
	}
	world_event(world, event);
	if (call->result >= 0)
		world_set_fd(world, process, (uint64_t)call->result, event->object,
			is_closing(call));
}

static int apply_fcntl(struct world *world, struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	uint32_t command = (uint32_t)call->args[1];

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
		apply_new_descriptor(world, process, call, event);
		return 1;
	}
	if (command == F_SETFD && call->result >= 0)
		world_set_cloexec(world, process, call->args[0], call->args[2] & FD_CLOEXEC);
	return 0;
}

static int apply_mmap(struct world *world, struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	if (call->args[3] & MAP_ANONYMOUS)
		return 0;
	set_descriptor(process, call_descriptor(call, 4), event);
	event->arg = (call->args[2] & UINT32_MAX) | call->args[3] << 32;
	world_event(world, event);
	return 1;
}

static void apply_copy(struct world *world, struct world_process *process,
	const struct call *call, const struct lm_call_rule *rule, struct lm_event *event)
{
	set_descriptor(process, call_descriptor(call, rule->a), event);
	event->object2 = object_of(process, call_descriptor(call, rule->b));
	if (event->op == LM_OP_KEXEC) {
		event->object2 = event->object;
		event->object = LM_OBJECT_KERNEL;
	}
	world_event(world, event);
}

/* How many actions went by unseen is known, of which kind is not. */
static void apply_unseen(struct world *world, const struct world_process *process,
	const struct call *call)
{
	const struct lm_gap gap = {
		.begin_ns = call->begin_ns, .end_ns = call->end_ns,
		.count = (uint64_t)call->result, .tgid = process->is.tgid,
		.cpu = LM_GAP_CPU_NONE, .reason = LM_GAP_UNSEEN,
	};

	if (call->result > 0)
		world_gap(world, &gap);
}

static bool is_fork(uint16_t native)
{
	return native == SYS_clone || native == SYS_clone3 || native == SYS_fork ||
		native == SYS_vfork;
}

/* What the table of calls does not say, since the recorder has hooks for it. */
static bool apply_life(struct world *world, struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	if (is_fork(call->native))
		call_fork(world, process, call, event);
	else if (call->native == SYS_execve || call->native == SYS_execveat)
		call_exec(world, process, call, event);
	else
		return false;
	return true;
}

#define STATUS_SHIFT 8 /* wait(2): what the process says, above the signal */

static void apply_exit(struct world *world, struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	event->op = LM_OP_EXIT;
	event->result = (int64_t)((call->args[0] & 0xff) << STATUS_SHIFT);
	call_exit(world, process, event);
}

static int apply_rule(struct world *world, struct world_process *process,
	const struct call *call, const struct lm_call_rule *rule, struct lm_event *event)
{
	switch ((enum lm_call_class)(rule->class & ~LM_CALL_URGENT)) {
	case LM_CALL_IO:
	case LM_CALL_SOCKIO:
	case LM_CALL_RECVMSG:
		apply_io(world, process, call, event);
		return 1;
	case LM_CALL_FD:
		apply_descriptor(world, process, call, rule, event);
		return 1;
	case LM_CALL_OPEN:
	case LM_CALL_OPENAT2:
		if (event->op == LM_OP_MEMFD)
			apply_new_descriptor(world, process, call, event);
		else
			call_open(world, process, call, event);
		return 1;
	case LM_CALL_PATH:
	case LM_CALL_PATH_FAILED:
		call_path(world, process, call, event);
		return 1;
	case LM_CALL_PATH2:
		call_two_paths(world, process, call, event);
		return 1;
	case LM_CALL_COPY:
		apply_copy(world, process, call, rule, event);
		return 1;
	case LM_CALL_SOCKET:
		call_socket(world, process, call, event);
		return 1;
	case LM_CALL_FDPAIR:
		call_pair(world, process, call, event);
		return 1;
	case LM_CALL_PROCESS:
		event->arg = call_argument(call, rule->a);
		call_attributes(world, process, call, event);
		return 1;
	case LM_CALL_TASK:
	case LM_CALL_TASK_FAILED:
		event->arg = call_argument(call, rule->b);
		call_task(world, call, call->args[rule->a % LM_EVENT_ARGS], event);
		return 1;
	case LM_CALL_RANGE:
		return apply_range(world, process, call, event);
	case LM_CALL_KERNEL:
		event->arg = call_argument(call, rule->b);
		event->object = LM_OBJECT_KERNEL;
		world_event(world, event);
		return 1;
	case LM_CALL_CLOCK:
		event->object = LM_OBJECT_KERNEL;
		world_event(world, event);
		return 1;
	case LM_CALL_MMAP:
		return apply_mmap(world, process, call, event);
	case LM_CALL_NEWFD:
		apply_new_descriptor(world, process, call, event);
		return 1;
	case LM_CALL_FCNTL:
		return apply_fcntl(world, process, call, event);
	case LM_CALL_UNSEEN:
		apply_unseen(world, process, call);
		return 1;
	/* What these act on is in memory or behind numbers that no text log has. */
	case LM_CALL_IGNORE:
	case LM_CALL_IOCTL:
	case LM_CALL_PRCTL:
	case LM_CALL_TASK_OTHER:
	case LM_CALL_FSCONFIG:
	case LM_CALL_AIO:
	case LM_CALL_GETFD:
	case LM_CALL_PIDFD:
	case LM_CALL_IPC:
		return 0;
	}
	return 0;
}

int call_apply(struct world *world, struct world_process *process, const struct call *call)
{
	const struct lm_call_mapping *mapping;
	struct lm_event event = {
		.begin_ns = call->begin_ns, .end_ns = call->end_ns, .actor = process->object,
		.tid = call->tid, .call = call->call, .result = call->result,
	};
	int r = 1;

	if (call->native >= LM_CALL_COUNT)
		return world_status(world);
	mapping = &lm_call_mappings()[call->native];
	event.op = mapping->op;
	world_set_now(world, call->end_ns);
	if (call->exact_begin && call->begin_ns < call->end_ns)
		event.flags |= LM_EVENT_TIMED;
	if (call->native == SYS_exit_group)
		apply_exit(world, process, call, &event);
	else if (!apply_life(world, process, call, &event))
		r = apply_rule(world, process, call, &mapping->rule, &event);
	return world_status(world) < 0 ? world_status(world) : r;
}
