/* SPDX-License-Identifier: MIT */
#include <linux/audit.h>
#include <linux/net.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "address.h"
#include "auditd.h"
#include "call.h"
#include "lemona/abi/calls.h"
#include "lemona/base/cleanup.h"
#include "lemona/event/rules.h"

static struct call_path path_of(const struct audit_event *event, const struct audit_path *path)
{
	return (struct call_path){
		.known = path->name.set, .text = audit_str(event, path->name), .is = path->is,
		.created = path->type == AUDIT_NAME_CREATE,
	};
}

/*
 * The first or the last record of a type; NULL: there is none. Those without a name are of what the
 * kernel did below: in the layers of an overlay, say.
 */
static const struct audit_path *find_path(const struct audit_event *event,
	enum audit_nametype type, bool last)
{
	const struct audit_path *found = NULL;

	for (uint32_t i = 0; i < event->path_count; i++)
		if (event->paths[i].type == type && event->paths[i].name.set && (last || !found))
			found = &event->paths[i];
	return found;
}

static void set_dir(struct call_path *path, const struct audit_path *parent)
{
	if (path->known && parent)
		path->dir = parent->is;
}

/*
 * One path: the name that was made or removed, or that was there. What was looked up in vain has a
 * record without an inode.
 */
static void set_one_path(const struct audit_event *event, struct call *call)
{
	const struct audit_path *path = find_path(event, AUDIT_NAME_CREATE, true);

	if (!path)
		path = find_path(event, AUDIT_NAME_DELETE, true);
	if (path) {
		call->path = path_of(event, path);
		set_dir(&call->path, find_path(event, AUDIT_NAME_PARENT, true));
		return;
	}
	path = find_path(event, AUDIT_NAME_NORMAL, false);
	if (!path)
		path = find_path(event, AUDIT_NAME_OTHER, false);
	if (path)
		call->path = path_of(event, path);
}

static void set_two_paths(const struct audit_event *event, uint8_t op, struct call *call)
{
	const struct audit_path *to = find_path(event, AUDIT_NAME_CREATE, true);
	const struct audit_path *from = find_path(event,
		op == LM_OP_RENAME ? AUDIT_NAME_DELETE : AUDIT_NAME_NORMAL, false);

	if (op == LM_OP_SYMLINK) {
		from = to;
		to = find_path(event, AUDIT_NAME_OTHER, false);
	}
	if (op == LM_OP_MOUNT)
		to = NULL;
	if (from)
		call->path = path_of(event, from);
	if (to)
		call->path2 = path_of(event, to);
	if (op == LM_OP_RENAME)
		set_dir(&call->path, find_path(event, AUDIT_NAME_PARENT, false));
	if (op == LM_OP_SYMLINK)
		set_dir(&call->path, find_path(event, AUDIT_NAME_PARENT, true));
	else
		set_dir(&call->path2, find_path(event, AUDIT_NAME_PARENT, true));
	/* It is what was there under the old name, and not made. */
	if (op == LM_OP_RENAME || op == LM_OP_LINK)
		call->path2.created = false;
}

static bool is_loader(struct lm_str name)
{
	const char *slash = name.len ? memrchr(name.data, '/', name.len) : NULL;

	if (slash) {
		name.len -= (uint32_t)(slash + 1 - name.data);
		name.data = slash + 1;
	}
	return name.len >= 3 && memcmp(name.data, "ld", 2) == 0 &&
		(name.data[2] == '-' || name.data[2] == '.');
}

/*
 * The program, what the kernel loads it with, and before both a script, where it was one. The
 * records say no more than their order and their names.
 */
static void set_program(const struct audit_event *event, struct call *call)
{
	const struct audit_path *found[3] = { NULL };
	uint32_t count = 0;

	for (uint32_t i = 0; i < event->path_count && count < LM_ARRAY_SIZE(found); i++)
		if (event->paths[i].type == AUDIT_NAME_NORMAL ||
			event->paths[i].type == AUDIT_NAME_OTHER)
			found[count++] = &event->paths[i];
	if (count == 0)
		return;
	if (count > 1 && is_loader(audit_str(event, found[count - 1]->name)))
		call->loader = path_of(event, found[--count]);
	call->path = path_of(event, found[count - 1]);
	if (count > 1)
		call->script = path_of(event, found[0]);
	/* That is where it was found, all links followed; the record has what it was called. */
	if (call->result >= 0 && event->exe.len && call->path.known)
		call->path.text = audit_str(event, event->exe);
	call->argv = audit_str(event, event->argv);
	call->argc = event->argc;
	call->comm = audit_str(event, event->comm);
}

static void set_paths(const struct audit_event *event, struct call *call)
{
	const struct lm_call_mapping *mapping = &lm_call_mappings()[call->native];

	if (call->native == SYS_execve || call->native == SYS_execveat)
		set_program(event, call);
	else if ((mapping->rule.class & ~LM_CALL_URGENT) == LM_CALL_PATH2)
		set_two_paths(event, mapping->op, call);
	else
		set_one_path(event, call);
}

/* The calls in one of the old 32-bit entry, by linux/net.h. */
static uint16_t socket_call(uint64_t number)
{
	static const uint16_t calls[] = {
		[SYS_SOCKET] = SYS_socket, [SYS_BIND] = SYS_bind, [SYS_CONNECT] = SYS_connect,
		[SYS_LISTEN] = SYS_listen, [SYS_ACCEPT] = SYS_accept,
		[SYS_SOCKETPAIR] = SYS_socketpair, [SYS_SEND] = SYS_sendto,
		[SYS_RECV] = SYS_recvfrom, [SYS_SENDTO] = SYS_sendto,
		[SYS_RECVFROM] = SYS_recvfrom, [SYS_SHUTDOWN] = SYS_shutdown,
		[SYS_SENDMSG] = SYS_sendmsg, [SYS_RECVMSG] = SYS_recvmsg,
		[SYS_ACCEPT4] = SYS_accept4, [SYS_RECVMMSG] = SYS_recvmmsg,
		[SYS_SENDMMSG] = SYS_sendmmsg,
	};

	return number < LM_ARRAY_SIZE(calls) && calls[number] ? calls[number] : LM_CALL_NONE;
}

static bool set_compat_call(const struct audit_event *event, struct call *call)
{
	const struct lm_compat_mapping *mapping = &lm_compat_mappings()[event->number];

	if (!mapping->rule.known)
		return false;
	call->call = (uint16_t)(LM_CALL_COMPAT | event->number);
	call->native = mapping->rule.call;
	if (mapping->rule.shape == LM_COMPAT_SOCKETCALL) {
		if (!event->has_call_arguments)
			return false;
		call->native = socket_call(event->args[0]);
		memcpy(call->args, event->call_arguments, sizeof(call->args));
	}
	return call->native < LM_CALL_COUNT;
}

/* @return false: a call of a machine that is not known here, or that does not exist */
static bool set_call(const struct audit_event *event, struct call *call)
{
	memcpy(call->args, event->args, sizeof(event->args));
	if (event->number >= LM_CALL_COUNT)
		return false;
	if (event->arch == AUDIT_ARCH_I386)
		return set_compat_call(event, call);
	call->call = call->native = (uint16_t)event->number;
	return event->arch == AUDIT_ARCH_X86_64;
}

/* Arguments that have records of their own. */
static void set_more_arguments(const struct audit_event *event, struct call *call)
{
	if (call->native == SYS_mmap && event->has_mapping) {
		call->args[3] = event->mapping_flags;
		call->args[4] = event->mapped_fd;
	}
	if (call->native == SYS_mmap && !event->has_mapping)
		call->args[4] = UINT64_MAX;
	if (call->native == SYS_openat2)
		call->args[2] = event->has_open_flags ? event->open_flags : 0;
	/* Its flags are in memory. */
	if (call->native == SYS_clone3)
		call->args[0] = 0;
	call->unsure_child = true;
	call->has_pair = event->has_pair;
	memcpy(call->pair, event->pair, sizeof(call->pair));
	if (event->address.len)
		address_from_bytes(audit_str(event, event->address), &call->address);
}

static bool set_ids(struct lm_process *is, const struct audit_event *event)
{
	struct lm_process before = *is;

	is->loginuid = event->auid;
	is->session = event->session;
	is->tty = event->tty;
	is->uid = event->uid;
	is->euid = event->euid;
	is->suid = event->suid;
	is->fsuid = event->fsuid;
	is->gid = event->gid;
	is->egid = event->egid;
	is->sgid = event->sgid;
	is->fsgid = event->fsgid;
	return memcmp(&before, is, sizeof(before)) != 0;
}

static bool is_exec(const struct call *call)
{
	return (call->native == SYS_execve || call->native == SYS_execveat) && call->result >= 0;
}

/* What each record says of its process, in the version that made the call. */
static struct world_process *find_process(struct world *world, const struct audit_event *event,
	const struct call *call)
{
	struct world_process *process = world_process(world, event->pid);
	struct world_place cwd;
	struct lm_str text = audit_str(event, event->cwd);
	bool changed = false, found = !process;

	if (found)
		process = world_find_process(world, event->pid, event->ppid);
	if (!process)
		return NULL;
	if (text.len && *text.data == '/') {
		cwd = world_walk(world, process->is.root, process->is.root, text);
		if (!cwd.file && cwd.name) {
			cwd.file = world_unknown_file(world, S_IFDIR);
			world_bind(world, cwd.name, cwd.file);
		}
		process->is.cwd = cwd.file;
	}
	changed = set_ids(&process->is, event);
	/* After an exec, program and name are those of the next version. */
	if (!is_exec(call)) {
		changed |= world_set_comm(world, process, audit_str(event, event->comm));
		if (!process->is.exe && event->exe.len) {
			struct call_path exe = {
				.known = true, .text = audit_str(event, event->exe),
			};
			struct world_place place;

			process->is.exe = call_file(
				world, process, call, &exe, CALL_AT_FDCWD, &place);
			process->is.exe_name = place.name;
			changed = true;
		}
	}
	if (changed)
		world_redefine(world, process);
	return process;
}

/* A file that only a record without a name tells of is what the descriptor leads to. */
static void learn_descriptor(struct world *world, struct world_process *process,
	const struct audit_event *event, const struct call *call)
{
	const struct lm_call_rule *rule = &lm_call_mappings()[call->native].rule;

	if ((rule->class & ~LM_CALL_URGENT) != LM_CALL_FD || event->path_count != 1 ||
		event->paths[0].name.set || !event->paths[0].is.inode ||
		world_fd(process, call->args[rule->a] & UINT32_MAX))
		return;
	world_set_fd(world, process, call->args[rule->a] & UINT32_MAX,
		world_file(world, &event->paths[0].is, false), false);
}

int audit_event_apply(struct world *world, const struct audit_event *event, uint64_t time_ns)
{
	struct call call = {
		.begin_ns = event->time_ns, .end_ns = time_ns, .tid = event->pid,
		.result = event->exit, .trust = CALL_KERNEL,
	};
	struct world_process *process;

	if (!event->pid || !set_call(event, &call))
		return 0;
	set_more_arguments(event, &call);
	set_paths(event, &call);
	world_set_now(world, time_ns);
	process = find_process(world, event, &call);
	if (!process)
		return world_status(world);
	learn_descriptor(world, process, event, &call);
	return call_apply(world, process, &call);
}
