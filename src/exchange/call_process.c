/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "call.h"

static uint32_t shared_by(const struct call *call, uint64_t flags)
{
	if (call->native == SYS_vfork)
		return WORLD_SHARED_MEMORY;
	if (call->native == SYS_fork)
		return 0;
	return (flags & CLONE_VM ? WORLD_SHARED_MEMORY : 0) |
		(flags & CLONE_FILES ? WORLD_SHARED_FILES : 0);
}

void call_fork(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	bool by_flags = call->native == SYS_clone || call->native == SYS_clone3;
	uint64_t flags = by_flags ? call->args[0] : 0;
	uint32_t child = (uint32_t)call->result;

	event->op = LM_OP_FORK;
	event->arg = flags;
	if (call->result <= 0) {
		world_event(world, event);
	} else if (flags & CLONE_THREAD) {
		event->op = LM_OP_THREAD;
		world_event(world, event);
		if (!call->unsure_child)
			world_add_thread(world, process, child);
	} else if (call->unsure_child) {
		if (shared_by(call, flags) & WORLD_SHARED_MEMORY)
			event->flags |= LM_EVENT_VM_SHARED;
		world_expect_child(world, process, child, event);
	} else {
		world_fork(world, process, child, shared_by(call, flags), event);
	}
}

static struct lm_str last_component(struct lm_str path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (!slash)
		return path;
	path.len -= (uint32_t)(slash + 1 - path.data);
	path.data = slash + 1;
	return path;
}

#define COMM_MAX 15 /* TASK_COMM_LEN without its end */

static struct lm_str comm_of(const struct call *call)
{
	struct lm_str comm = call->comm;

	if (!comm.len) {
		comm = last_component(call->script.known ? call->script.text : call->path.text);
		comm.len = comm.len > COMM_MAX ? COMM_MAX : comm.len;
	}
	return comm;
}

void call_exec(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	int64_t dirfd = call->native == SYS_execveat ? call_descriptor(call, 0) : CALL_AT_FDCWD;
	struct world_place place = { 0 }, place2 = { 0 };

	event->op = LM_OP_EXEC;
	if (call->result < 0) {
		event->name = call_resolve(world, process, call, &call->path, dirfd).name;
		event->flags |= LM_EVENT_CLAIMED;
		world_event(world, event);
		return;
	}
	event->object = call_file(world, process, call, &call->path, dirfd, &place);
	process->is.script = call_file(world, process, call, &call->script, dirfd, &place2);
	event->name = place.name;
	event->name2 = place2.name;
	process->is.loader = call_file(world, process, call, &call->loader, CALL_AT_FDCWD, &place2);
	process->is.exe = event->object;
	process->is.exe_name = event->name;
	world_set_argv(world, process, call->argv);
	process->is.argc = call->argc;
	world_set_comm(world, process, comm_of(call));
	world_new_version(world, process);
	event->object2 = process->object;
	world_event(world, event);
}

void call_exit(struct world *world, struct world_process *process, struct lm_event *event)
{
	world_event(world, event);
	world_end_process(world, process);
}

static void set_id(uint32_t *id, uint64_t value)
{
	if ((uint32_t)value != UINT32_MAX)
		*id = (uint32_t)value;
}

/* What the call has asked for; a source that tells what came of it corrects that. */
static bool set_credentials(struct lm_process *is, const struct call *call)
{
	const uint64_t *a = call->args;

	switch (call->native) {
	case SYS_setuid:
		set_id(&is->euid, a[0]);
		set_id(&is->uid, a[0]);
		set_id(&is->suid, a[0]);
		break;
	case SYS_setgid:
		set_id(&is->egid, a[0]);
		set_id(&is->gid, a[0]);
		set_id(&is->sgid, a[0]);
		break;
	case SYS_setreuid:
	case SYS_setresuid:
		set_id(&is->uid, a[0]);
		set_id(&is->euid, a[1]);
		if (call->native == SYS_setresuid)
			set_id(&is->suid, a[2]);
		break;
	case SYS_setregid:
	case SYS_setresgid:
		set_id(&is->gid, a[0]);
		set_id(&is->egid, a[1]);
		if (call->native == SYS_setresgid)
			set_id(&is->sgid, a[2]);
		break;
	case SYS_setsid:
		is->sid = (uint32_t)call->result;
		return true;
	default:
		return false;
	}
	is->fsuid = is->euid;
	is->fsgid = is->egid;
	return true;
}

/* Where it stands, or what "/" is to it. @return the directory, or 0 */
static lm_object_id set_directory(struct world *world, struct world_process *process,
	const struct call *call)
{
	struct world_place place;
	lm_object_id dir;

	if (call->native == SYS_fchdir)
		dir = world_fd(process, call->args[0] & UINT32_MAX);
	else
		dir = call_file(world, process, call, &call->path, CALL_AT_FDCWD, &place);
	if (!dir)
		return LM_OBJECT_NONE;
	if (call->native == SYS_chdir || call->native == SYS_fchdir) {
		process->is.cwd = dir;
	} else {
		world_make_root(world, dir);
		process->is.root = dir;
	}
	return dir;
}

/* Another mount namespace: what its root is, and what stands where, is not known. */
static bool leave_mounts(struct world *world, struct world_process *process,
	const struct call *call)
{
	if (call->native != SYS_setns || !(call->args[1] & CLONE_NEWNS))
		return false;
	process->is.root = process->is.cwd = world_unknown_file(world, S_IFDIR);
	world_make_root(world, process->is.root);
	return true;
}

void call_attributes(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	bool changed = false;

	if (call->result >= 0 && (event->op == LM_OP_CHDIR || event->op == LM_OP_CHROOT)) {
		event->object = set_directory(world, process, call);
		changed = event->object != LM_OBJECT_NONE;
	} else if (call->result >= 0) {
		changed = leave_mounts(world, process, call) ||
			set_credentials(&process->is, call);
	}
	if (changed)
		world_redefine(world, process);
	world_event(world, event);
}

void call_task(struct world *world, const struct call *call, uint64_t pid, struct lm_event *event)
{
	int32_t number = (int32_t)pid;
	const struct world_process *target = number > 0 ?
		world_process(world, (uint32_t)number) : NULL;

	event->object = target ? target->object : LM_OBJECT_NONE;
	world_event(world, event);
}
