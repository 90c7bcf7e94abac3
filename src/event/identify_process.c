/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLONE_FILES 0x00000400u
#define CLONE_THREAD 0x00010000u

static void drop_fds(struct process *process)
{
	struct fd_table *fds = lm_take_ptr(process->fds);

	if (!fds || --fds->users)
		return;
	lm_map_release(&fds->objects);
	free(fds);
}

void free_process(struct process *process)
{
	if (!process)
		return;
	drop_fds(process);
	free(process->mappings);
	free(process->argv);
	free(process);
}

static struct lm_str comm_of(const struct process *process)
{
	return (struct lm_str){
		process->comm, (uint32_t)strnlen(process->comm, sizeof(process->comm)),
	};
}

/* Tell the log about the process as it is now: a first definition or a change. */
int define_process(struct lm_identify *id, uint64_t time_ns, const struct process *process,
	uint8_t flags)
{
	struct lm_object object = {
		.id = process->object,
		.kind = LM_OBJECT_KIND_PROCESS,
		.flags = flags | (process->self ? LM_OBJECT_SELF : 0),
		.time_ns = time_ns,
		.process = process->attributes,
	};

	object.process.comm = comm_of(process);
	return emit_object(id, &object);
}

/* Where a thread would be remembered: whoever changes what it belongs to forgets it there. */
static struct recent *recent_of(struct lm_identify *id, uint32_t tid)
{
	return &id->recent[tid % RECENT_THREADS];
}

static int add_thread(struct lm_identify *id, uint32_t tid, struct process *process)
{
	struct process *old = process_by_tid(id, tid);
	int r;

	if (old == process)
		return 0;
	r = lm_map_put(&id->threads, tid, (uint64_t)(uintptr_t)process);
	if (r < 0)
		return r;
	process->threads++;
	recent_of(id, tid)->process = NULL;
	/* A number used again whose end was lost. */
	if (old && --old->threads == 0)
		free_process(old);
	return 0;
}

/* Unless somebody else has the number by now, or has got the same one again. */
static void forget_number(struct lm_identify *id, uint64_t key, uint32_t tgid)
{
	const uint64_t *holder = lm_map_get(&id->ns_numbers, key);
	const struct process *process = process_by_tid(id, tgid);

	if (!holder || *holder != tgid)
		return;
	if (process && ns_key(process->attributes.ns_pid, process->attributes.ns_tgid) == key)
		return;
	lm_map_remove(&id->ns_numbers, key);
}

static void remember_gone(struct lm_identify *id, uint32_t tid, const struct process *process)
{
	const struct lm_process *p = &process->attributes;

	struct gone *gone = &id->gone[id->gone_next++ % GONE_MAX];

	/* Until now a call in its pid namespace could still mean it by that number. */
	if (gone->ns_key)
		forget_number(id, gone->ns_key, gone->tid);
	*gone = (struct gone){
		.tid = tid, .ns_pid = p->ns_tgid == p->tgid ? p->ns_pid : 0,
		.ns_key = tid == process->tgid ? ns_key(p->ns_pid, p->ns_tgid) : 0,
		.object = process->object,
	};
}

static void remove_thread(struct lm_identify *id, uint32_t tid, struct process *process)
{
	if (process_by_tid(id, tid) != process)
		return;
	remember_gone(id, tid, process);
	lm_map_remove(&id->threads, tid);
	process->threads--;
	recent_of(id, tid)->process = NULL;
}

struct process *process_by_tid(struct lm_identify *id, uint32_t tid)
{
	uint64_t *value = lm_map_get(&id->threads, tid);

	return value ? (struct process *)(uintptr_t)*value : NULL;
}

struct process *parent_of_process(struct lm_identify *id, const struct process *process)
{
	struct process *parent = process_by_tid(id, process->parent_tgid);

	/* Of a number that was used again: who has it now is younger. */
	if (!parent || !process->attributes.parent || parent->tgid != process->parent_tgid ||
		parent->attributes.start_ns > process->attributes.start_ns)
		return NULL;
	return parent;
}

static int new_version(struct lm_identify *id, struct process *process)
{
	return new_object(id, &process->object);
}

/* A process that nobody told about: its fork was lost. Only its numbers are known. */
static int add_unknown(struct lm_identify *id, const struct lm_raw *raw,
	struct process **ret_process)
{
	struct process *process = process_by_tid(id, raw->tgid);
	int r;

	if (!process || process->tgid != raw->tgid) {
		process = calloc(1, sizeof(*process));
		if (!process)
			return -ENOMEM;
		process->tgid = process->attributes.tgid = raw->tgid;
		process->attributes.loginuid = process->attributes.session = UINT32_MAX;
		process->self = raw->tgid == id->self_tgid;
		r = new_version(id, process);
		if (r == 0)
			r = define_process(id, raw->time_ns, process, LM_OBJECT_PARTIAL);
		if (r == 0)
			r = add_thread(id, raw->tgid, process);
		if (r < 0) {
			free_process(process);
			return r;
		}
	}
	if (raw->tid != raw->tgid) {
		r = add_thread(id, raw->tid, process);
		if (r < 0)
			return r;
	}
	*ret_process = process;
	return 0;
}

int process_of(struct lm_identify *id, const struct lm_raw *raw, struct process **ret_process)
{
	struct recent *recent = recent_of(id, raw->tid);
	struct process *process;
	int r;

	if (recent->process && recent->tid == raw->tid && recent->process->tgid == raw->tgid) {
		*ret_process = recent->process;
		return 0;
	}
	process = process_by_tid(id, raw->tid);
	if (!process || process->tgid != raw->tgid) {
		r = add_unknown(id, raw, &process);
		if (r < 0)
			return r;
	}
	*recent = (struct recent){ raw->tid, process };
	*ret_process = process;
	return 0;
}

void remember_fd(struct process *process, int fd, lm_object_id object)
{
	if (fd < 0)
		return;
	/* Where memory is short, only the object of a later close is not known. */
	if (!process->fds) {
		process->fds = calloc(1, sizeof(*process->fds));
		if (!process->fds)
			return;
		process->fds->users = 1;
	}
	(void)lm_map_put(&process->fds->objects, (uint64_t)fd, object);
}

lm_object_id recall_fd(const struct process *process, int fd)
{
	uint64_t *object = fd < 0 || !process->fds ? NULL :
		lm_map_get(&process->fds->objects, (uint64_t)fd);

	return object ? (lm_object_id)*object : LM_OBJECT_NONE;
}

static void forget_image(struct process *process)
{
	drop_fds(process); /* exec gives the process a table of its own */
	process->mapping_count = 0;
}

int set_attributes(struct lm_identify *id, uint64_t time_ns, struct process *process,
	const struct lm_raw_attributes *raw)
{
	struct lm_process *p = &process->attributes;
	int r;

	p->start_ns = raw->start_ns;
	p->ns_tgid = raw->ns_tgid;
	p->cap_effective = raw->cap_effective;
	p->cap_permitted = raw->cap_permitted;
	p->cap_inheritable = raw->cap_inheritable;
	p->cap_bounding = raw->cap_bounding;
	p->cap_ambient = raw->cap_ambient;
	p->sid = raw->sid;
	p->tty = raw->tty;
	p->uid = raw->uid;
	p->euid = raw->euid;
	p->suid = raw->suid;
	p->fsuid = raw->fsuid;
	p->gid = raw->gid;
	p->egid = raw->egid;
	p->sgid = raw->sgid;
	p->fsgid = raw->fsgid;
	p->loginuid = raw->loginuid;
	p->session = raw->session;
	p->seccomp = raw->seccomp;
	p->no_new_privs = raw->no_new_privs == 1;
	/* Who has become its parent since it was forked; whoever that was stays its parent here. */
	p->adopter = p->parent && raw->parent_tgid != process->parent_tgid ?
		raw->parent_tgid : 0;
	p->ns_pid = raw->ns_pid;
	p->ns_mnt = raw->ns_mnt;
	p->ns_net = raw->ns_net;
	p->ns_user = raw->ns_user;
	p->ns_uts = raw->ns_uts;
	p->ns_ipc = raw->ns_ipc;
	p->ns_cgroup = raw->ns_cgroup;
	p->ns_time = raw->ns_time;
	memcpy(process->comm, raw->comm, sizeof(process->comm));
	process->cwd.inode = raw->cwd.inode;
	process->cwd.dev = raw->cwd.dev;
	process->root.inode = raw->root.inode;
	process->root.dev = raw->root.dev;
	r = describe_inode(id, time_ns, &raw->cwd, 0, &p->cwd);
	if (r == 0)
		r = describe_inode(id, time_ns, &raw->root, 0, &p->root);
	if (r == 0)
		r = find_cgroup(id, time_ns, raw->hierarchy, raw->cgroup, &p->cgroup);
	if (r == 0)
		r = lm_map_put(&id->ns_numbers, ns_key(p->ns_pid, p->ns_tgid), process->tgid);
	return r;
}

int recall_directories(struct lm_identify *id, uint64_t time_ns, struct process *process)
{
	struct lm_process *p = &process->attributes;
	struct inode_entry *root;
	int r = 0;

	if (!id->inode_room.forgotten)
		return 0;
	root = inode_of(id, p->root);
	if (root)
		use_inode(root);
	else
		r = find_inode(id, time_ns, process->root.inode, process->root.dev, S_IFDIR,
			&p->root);
	if (r == 0 && !inode_of(id, p->cwd))
		r = find_inode(id, time_ns, process->cwd.inode, process->cwd.dev, S_IFDIR, &p->cwd);
	return r;
}

int take_fork(struct lm_identify *id, const struct lm_raw_fork *raw)
{
	struct process *parent, *child;
	struct lm_event event;
	struct lm_process *p;
	int r;

	r = begin_event(id, &raw->raw, LM_OP_THREAD, &parent, &event);
	if (r < 0)
		return r;
	event.arg = raw->clone_flags;
	if (raw->clone_flags & CLONE_THREAD) {
		event.result = raw->child_tid;
		r = add_thread(id, raw->child_tid, parent);
		return r < 0 ? r : emit_event(id, &event);
	}
	child = calloc(1, sizeof(*child));
	if (!child)
		return -ENOMEM;
	child->tgid = raw->child_tgid;
	child->self = raw->child_tgid == id->self_tgid;
	memcpy(child->comm, parent->comm, sizeof(child->comm));
	p = &child->attributes;
	*p = parent->attributes;
	p->argv = LM_STR_NONE;
	if (parent->argv && parent->attributes.argv.len) {
		child->argv = malloc(parent->attributes.argv.len);
		if (!child->argv) {
			free_process(child);
			return -ENOMEM;
		}
		memcpy(child->argv, parent->argv, parent->attributes.argv.len);
		p->argv = (struct lm_str){ child->argv, parent->attributes.argv.len };
	}
	if (raw->clone_flags & CLONE_FILES && parent->fds) {
		child->fds = parent->fds;
		child->fds->users++;
	}
	p->tgid = raw->child_tgid;
	p->ns_tgid = raw->child_ns_tid;
	p->start_ns = raw->start_ns;
	p->version = 0;
	p->previous = LM_OBJECT_NONE;
	p->parent = parent->object;
	child->parent_tgid = parent->tgid;
	child->cwd = parent->cwd;
	child->root = parent->root;
	p->ns_pid = raw->ns_pid;
	p->ns_mnt = raw->ns_mnt;
	p->ns_net = raw->ns_net;
	p->ns_user = raw->ns_user;
	p->ns_uts = raw->ns_uts ? raw->ns_uts : p->ns_uts;
	p->ns_ipc = raw->ns_ipc ? raw->ns_ipc : p->ns_ipc;
	p->ns_cgroup = raw->ns_cgroup ? raw->ns_cgroup : p->ns_cgroup;
	p->ns_time = raw->ns_time ? raw->ns_time : p->ns_time;
	p->adopter = 0;
	/* Before the child takes its number: in a malformed record that is its parent's. */
	r = copy_mappings(parent, child);
	if (r == 0)
		r = new_version(id, child);
	if (r == 0)
		r = add_thread(id, raw->child_tid, child);
	if (r < 0) {
		free_process(child);
		return r;
	}
	r = lm_map_put(&id->ns_numbers, ns_key(p->ns_pid, p->ns_tgid), child->tgid);
	if (r == 0)
		r = define_process(id, raw->raw.time_ns, child, 0);
	if (r < 0)
		return r;
	event.op = LM_OP_FORK;
	event.object = child->object;
	event.result = raw->child_tgid;
	if (raw->shared_vm)
		event.flags |= LM_EVENT_VM_SHARED;
	r = emit_event(id, &event);
	return r < 0 ? r : tell_inherited(id, &raw->raw, child);
}

int set_argv(struct process *process, const char *argv, uint32_t len)
{
	char *copy = NULL;

	/* The last NUL ends the last argument and says nothing. */
	if (len && argv[len - 1] == '\0')
		len--;
	if (len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, argv, len);
	}
	free(process->argv);
	process->argv = copy;
	process->attributes.argv = (struct lm_str){ copy, len };
	return 0;
}

/*
 * A number used again whose end and whose new start were both lost: only the
 * time when the process started tells that it is another.
 */
static void part_with_former(struct lm_identify *id, const struct lm_raw *raw, uint64_t start_ns)
{
	struct process *process = process_by_tid(id, raw->tid);

	if (!process || process->tgid != raw->tgid || !process->attributes.start_ns ||
		process->attributes.start_ns == start_ns)
		return;
	remove_thread(id, raw->tid, process);
	remove_thread(id, raw->tgid, process);
	if (process->threads == 0)
		free_process(process);
}

int take_exec(struct lm_identify *id, const struct lm_raw_exec *raw)
{
	uint64_t now = raw->raw.time_ns;
	struct process *process, *caller;
	lm_object_id dir = LM_OBJECT_NONE;
	struct place place = { 0 };
	struct lm_str script;
	struct lm_event event;
	struct lm_process *p;
	int r;

	if ((uint32_t)raw->name_len + raw->argv_len + raw->script_len >
			raw->raw.len - sizeof(*raw) || raw->name_len > LM_RAW_NAME_BYTES ||
		raw->argv_len > LM_RAW_ARGV_BYTES || raw->script_len > LM_RAW_SCRIPT_BYTES)
		return -LM_E_FORMAT;
	/* A thread that executes takes over the number of its leader, which has exited. */
	caller = process_by_tid(id, raw->old_tid);
	if (caller && raw->old_tid != raw->raw.tid && caller->tgid == raw->raw.tgid) {
		r = add_thread(id, raw->raw.tid, caller);
		if (r < 0)
			return r;
		lm_map_remove(&id->threads, raw->old_tid);
		caller->threads--;
		recent_of(id, raw->old_tid)->process = NULL;
	}
	part_with_former(id, &raw->raw, raw->attributes.start_ns);
	r = begin_event(id, &raw->raw, LM_OP_EXEC, &process, &event);
	if (r < 0)
		return r;
	event.tid = raw->old_tid;
	p = &process->attributes;
	r = describe_inode(id, now, &raw->exe, 0, &p->exe);
	if (r == 0)
		r = describe_inode(id, now, &raw->loader, 0, &p->loader);
	if (r == 0)
		r = find_inode(id, now, raw->dir_inode, raw->dir_dev, S_IFDIR, &dir);
	if (r < 0)
		return r;
	p->exe_name = LM_OBJECT_NONE;
	if (raw->name_len) { /* without a directory: "memfd:..." */
		r = find_name(id, now, dir, (struct lm_str){ raw->data, raw->name_len }, 0,
			&p->exe_name);
		if (r < 0)
			return r;
		bind_name(id, p->exe_name, p->exe);
	}
	script = (struct lm_str){ raw->data + raw->name_len + raw->argv_len, raw->script_len };
	p->script = LM_OBJECT_NONE;
	if (script.len) {
		r = recall_directories(id, now, process);
		if (r < 0)
			return r;
		/* The kernel's own copy of the path that it opened: nobody can have changed it. */
		r = resolve(id, now, process, p->cwd, script, true, &place);
		if (r < 0)
			return r;
		p->script = name_of(id, place.name) ? name_of(id, place.name)->file :
			LM_OBJECT_NONE;
	}
	p->argc = raw->argc;
	p->env_bytes = raw->env_bytes;
	p->argv_cut = raw->raw.flags & LM_RAW_CUT;
	r = set_argv(process, raw->data + raw->name_len, raw->argv_len);
	if (r < 0)
		return r;
	r = set_attributes(id, now, process, &raw->attributes);
	if (r < 0)
		return r;
	p->previous = process->object;
	p->version++;
	forget_image(process);
	r = new_version(id, process);
	if (r == 0)
		r = define_process(id, now, process, 0);
	if (r < 0)
		return r;
	tell_code(id, process, p->exe, p->exe_name, false);
	tell_code(id, process, p->loader, LM_OBJECT_NONE, false);
	event.object = p->exe;
	event.object2 = process->object;
	event.name = p->exe_name;
	event.name2 = place.name;
	event.flags |= LM_EVENT_CONFIRMED;
	r = emit_event(id, &event);
	return r < 0 ? r : tell_loader(id, &raw->raw, process);
}

int take_exit(struct lm_identify *id, const struct lm_raw_exit *raw)
{
	struct process *process;
	struct lm_event event;
	int r;

	forget_hooked(id, raw->raw.tid);
	r = begin_event(id, &raw->raw, LM_OP_EXIT, &process, &event);
	if (r < 0)
		return r;
	event.result = raw->status;
	if (raw->group_dead && process->has_rings) {
		r = end_requests(id, &raw->raw);
		if (r < 0)
			return r;
	}
	/* Threads that leave at the same moment can each find themselves the last. */
	if (raw->group_dead && !process->ended)
		r = emit_event(id, &event);
	process->ended |= raw->group_dead;
	end_thread_names(id, raw->raw.tid, raw->raw.time_ns);
	/* The leader may go before: its number stays in the table until the whole process ends. */
	if (r == 0 && raw->raw.tid != process->tgid)
		remove_thread(id, raw->raw.tid, process);
	if (r == 0 && raw->group_dead)
		remove_thread(id, process->tgid, process);
	if (r == 0 && process->threads == 0)
		free_process(process);
	return r;
}

int take_process(struct lm_identify *id, const struct lm_raw_process *raw)
{
	struct process *process;
	struct lm_event event;
	int r;

	if (raw->raw.flags & LM_RAW_FOUND)
		return take_found(id, raw);
	part_with_former(id, &raw->raw, raw->attributes.start_ns);
	r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);
	if (r < 0)
		return r;
	if (event.op == LM_OP_COPY) /* an ioctl on the terminal */
		event.op = LM_OP_ATTRIBUTE;
	event.result = raw->result;
	event.arg = raw->arg;
	if (raw->result >= 0) {
		r = set_attributes(id, raw->raw.time_ns, process, &raw->attributes);
		if (r == 0)
			r = define_process(id, raw->raw.time_ns, process, 0);
		if (r < 0)
			return r;
		if (event.op == LM_OP_CHDIR)
			event.object = process->attributes.cwd;
		else if (event.op == LM_OP_CHROOT)
			event.object = process->attributes.root;
	}
	return emit_event(id, &event);
}
