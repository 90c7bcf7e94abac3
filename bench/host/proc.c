/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "calls.h"
#include "truth.h"

/* Processes: how they begin, become another program, and end. */
enum { CALL_CLONE = 56, CALL_VFORK = 58, CALL_EXECVE = 59, CALL_KILL = 62, CALL_SETUID = 105 };

#define NAMESPACE_FIRST  4026531833u
#define ALL_CAPABILITIES UINT64_C(0x1ffffffffff)
#define VFORK_FLAGS      0x4100u /* CLONE_VFORK | CLONE_VM, as the kernel has them */
#define FORK_FLAGS       0x1200000u
#define THREAD_FLAGS     0x3d0f00u

static uint32_t take_pid(struct world *w)
{
	w->next_pid = w->next_pid >= 4194304 ? 300 : w->next_pid + 1;
	return w->next_pid;
}

static void define(struct proc *p, uint8_t flags)
{
	struct lm_object object = {
		.id = p->object, .kind = LM_OBJECT_KIND_PROCESS, .flags = flags, .process = p->is
	};

	p->object = host_define(p->world, &object, p->now_ns);
	if (p->attack && p->attack != p->carries)
		truth_process(p->attack, p, ROLE_ATTACK);
	if (p->carries)
		truth_process(p->carries, p, ROLE_CARRIER);
}

/* What a process is called: the last component, at most 15 bytes, as the kernel keeps it. */
static struct lm_str comm_of(const struct node *program)
{
	struct lm_str comm = lm_str_from(program->component);

	if (comm.len > 15)
		comm.len = 15;
	return comm;
}

static void become(struct proc *p, uint32_t uid)
{
	p->uid = uid;
	p->is.uid = p->is.euid = p->is.suid = p->is.fsuid = uid;
	p->is.gid = p->is.egid = p->is.sgid = p->is.fsgid = uid;
	p->is.cap_effective = p->is.cap_permitted = uid == 0 ? ALL_CAPABILITIES : 0;
}

/* '|' stands between words. The arguments live as long as the definition that is being made. */
static void set_argv(struct proc *p, const char *argv, char buffer[LM_PROCESS_ARGV_MAX_BYTES])
{
	size_t length = strnlen(argv, LM_PROCESS_ARGV_MAX_BYTES - 1);

	p->is.argc = 1;
	for (size_t i = 0; i < length; i++) {
		buffer[i] = argv[i] == '|' ? '\0' : argv[i];
		p->is.argc += argv[i] == '|';
	}
	p->is.argv = (struct lm_str){ buffer, (uint32_t)length };
}

struct proc *proc_found(struct world *w, const char *path, const char *argv, uint32_t uid,
	const struct proc *parent, script run, const struct task *task)
{
	struct proc *p = host_coroutine(w, w->start_ns, run, task);
	char buffer[LM_PROCESS_ARGV_MAX_BYTES];

	p->exe = host_node(w, path, PROGRAM_MODE);
	p->cwd = w->root;
	p->pid = p->tid = parent ? take_pid(w) : INIT_PID;
	p->cpu = (uint16_t)host_below(w, HOST_CPUS);
	p->is = (struct lm_process){ .tgid = p->pid,
		.ns_tgid = p->pid,
		.start_ns = 1000000 * (uint64_t)p->pid,
		.version = 0,
		.parent = parent ? parent->object : 0,
		.exe = host_tell_file(w, p->exe, p->now_ns),
		.exe_name = host_tell_name(w, p->exe, p->now_ns),
		.cwd = host_tell_file(w, p->cwd, p->now_ns),
		.root = w->root->file,
		.sid = p->pid,
		.loginuid = UINT32_MAX,
		.session = UINT32_MAX,
		.cap_bounding = ALL_CAPABILITIES,
		.ns_pid = NAMESPACE_FIRST + 3,
		.ns_mnt = NAMESPACE_FIRST + 8,
		.ns_net = NAMESPACE_FIRST + 7,
		.ns_user = NAMESPACE_FIRST + 4,
		.ns_uts = NAMESPACE_FIRST + 5,
		.ns_ipc = NAMESPACE_FIRST + 6,
		.ns_cgroup = NAMESPACE_FIRST + 2,
		.ns_time = NAMESPACE_FIRST + 1,
		.comm = comm_of(p->exe) };
	become(p, uid);
	set_argv(p, argv, buffer);
	define(p, LM_OBJECT_FOUND);
	p->is.argv = LM_STR_NONE;
	return p;
}

/* What a new process or thread has of the one that makes it. */
static struct proc *make_like(struct proc *p, script run, const struct task *task)
{
	/* Its first turn comes after the call that makes it. */
	struct proc *child =
		host_coroutine(p->world, p->now_ns + host_think_ns(p->world), run, task);

	child->exe = p->exe;
	child->cwd = p->cwd;
	child->uid = p->uid;
	child->locale = p->locale;
	child->attack = p->attack;
	child->carries = p->carries;
	child->session = p->session;
	child->is = p->is;
	child->cpu = (uint16_t)host_below(p->world, HOST_CPUS);
	return child;
}

void sys_fork(struct proc *p, bool vfork, script run, const struct task *task)
{
	struct proc *child = make_like(p, run, task);
	lm_object_id object;

	child->parent = p;
	child->parent_birth = p->birth;
	child->pid = child->tid = take_pid(p->world);
	child->is.tgid = child->is.ns_tgid = child->pid;
	child->is.start_ns = child->now_ns = p->now_ns;
	child->is.version = 0;
	child->is.previous = 0;
	child->is.parent = p->object;
	define(child, 0);
	object = child->object;
	p->running++;
	/* In the course of the event the child may run, end, and be gone. */
	p->marked = p->attack != NULL;
	host_event(p, (struct lm_event){ .op = LM_OP_FORK,
			      .call = vfork ? CALL_VFORK : CALL_CLONE,
			      .flags = vfork ? LM_EVENT_VM_SHARED : 0,
			      .object = object,
			      .arg = vfork ? VFORK_FLAGS : FORK_FLAGS,
			      .result = child->pid });
	p->marked = false;
}

void sys_thread(struct proc *p, script run, const struct task *task)
{
	struct proc *thread = make_like(p, run, task);

	thread->object = p->object;
	thread->pid = p->pid;
	thread->tid = take_pid(p->world);
	host_event(p, (struct lm_event){ .op = LM_OP_THREAD,
			      .call = CALL_CLONE,
			      .arg = THREAD_FLAGS,
			      .result = thread->tid });
}

void sys_wait(struct proc *p)
{
	while (p->running > 0) {
		p->waits = true;
		host_block(p);
	}
	p->waits = false;
}

static void exec_as(
	struct proc *p, struct node *program, struct node *script_node, const char *argv)
{
	struct world *w = p->world;
	struct node *interpreter =
		host_node(w, "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", PROGRAM_MODE);
	char buffer[LM_PROCESS_ARGV_MAX_BYTES];
	lm_object_id before = p->object, after, script_name = 0;

	if (script_node) {
		p->is.script = host_tell_file(w, script_node, p->now_ns);
		script_name = host_tell_name(w, script_node, p->now_ns);
	} else {
		p->is.script = 0;
	}
	p->exe = program;
	p->is.exe = host_tell_file(w, program, p->now_ns);
	p->is.exe_name = host_tell_name(w, program, p->now_ns);
	p->is.loader = host_tell_file(w, interpreter, p->now_ns);
	p->is.previous = before;
	p->is.version++;
	p->map_at = 0;
	p->is.env_bytes = 1400;
	p->is.comm = comm_of(script_node ? script_node : program);
	set_argv(p, argv, buffer);
	p->object = 0;
	define(p, 0);
	p->is.argv = LM_STR_NONE;
	/* The event is the old version's. */
	after = p->object;
	p->object = before;
	p->marked = p->attack != NULL;
	host_event(p, (struct lm_event){ .op = LM_OP_EXEC,
			      .call = CALL_EXECVE,
			      .flags = LM_EVENT_CONFIRMED,
			      .object = p->is.exe,
			      .object2 = after,
			      .name = p->is.exe_name,
			      .name2 = script_name });
	p->marked = false;
	p->object = after;
	host_event(p, (struct lm_event){ .op = LM_OP_MMAP,
			      .call = LM_CALL_NONE,
			      .flags = LM_EVENT_DERIVED,
			      .object = p->is.loader,
			      .arg = (PROT_READ | PROT_EXEC) | (uint64_t)MAP_PRIVATE << 32 });
}

void sys_exec(struct proc *p, struct node *program, const char *argv)
{
	exec_as(p, program, NULL, argv);
}

void sys_exec_script(
	struct proc *p, struct node *script_node, struct node *interpreter, const char *argv)
{
	exec_as(p, interpreter, script_node, argv);
}

void sys_exec_missing(struct proc *p, struct node *name)
{
	host_event(p, (struct lm_event){ .op = LM_OP_EXEC,
			      .call = CALL_EXECVE,
			      .flags = LM_EVENT_CLAIMED,
			      .name = host_tell_name(p->world, name, p->now_ns),
			      .result = -ENOENT });
}

void sys_exit(struct proc *p, int status)
{
	struct proc *parent = p->parent;

	host_event(p,
		(struct lm_event){ .op = LM_OP_EXIT, .call = LM_CALL_NONE, .result = status << 8 });
	if (!parent || parent->birth != p->parent_birth || --parent->running > 0)
		return;
	if (parent->waits)
		host_wake(parent, p->now_ns);
}

void sys_setuid(struct proc *p, uint32_t uid)
{
	struct lm_object object;

	become(p, uid);
	object = (struct lm_object){
		.id = p->object, .kind = LM_OBJECT_KIND_PROCESS, .process = p->is
	};
	host_define(p->world, &object, p->now_ns);
	host_event(p, (struct lm_event){ .op = LM_OP_SETCRED, .call = CALL_SETUID, .arg = uid });
}

void sys_signal(struct proc *p, lm_object_id target, int signal)
{
	host_event(p, (struct lm_event){ .op = LM_OP_SIGNAL,
			      .call = CALL_KILL,
			      .object = target,
			      .arg = (uint64_t)signal });
}
