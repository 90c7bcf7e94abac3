/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */

/*
 * What both ways to attach share: one program at the end of every system
 * call, and the scheduler's and signal's own tracepoints where a call's end is
 * too late or tells too little (fork, exec, exit, signal delivery).
 * Needs: BTF, tp_btf programs, 5.15 or later. Loads under lockdown=integrity.
 *
 * The raw tracepoint way has no more than that. The trampoline way adds the
 * programs of hook_name.h, which user space loads only then.
 */
#include "call_any.h"
#include "call_compat.h"
#include "call_control.h"
#include "call_file.h"
#include "call_ipc.h"
#include "call_path.h"
#include "call_process.h"
#include "call_socket.h"
#include "call_uring.h"
#include "dirty_page.h"
#include "found.h"
#include "hook_name.h"
#include "turn.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The calls that are not on the hot path. */
static __noinline int call_other(struct call *c)
{
	switch (c->rule.class) {
	case LM_CALL_FD:
		call_fd(c);
		break;
	case LM_CALL_OPEN:
	case LM_CALL_OPENAT2:
		call_open(c);
		break;
	case LM_CALL_PATH:
		call_path(c);
		break;
	case LM_CALL_PATH_FAILED:
		if (c->result < 0)
			call_path(c);
		break;
	case LM_CALL_PATH2:
		call_path2(c);
		break;
	case LM_CALL_COPY:
		run(call_copy(c));
		break;
	case LM_CALL_SOCKET:
		call_socket(c);
		break;
	case LM_CALL_SOCKIO:
		run(call_sockio(c));
		break;
	case LM_CALL_RECVMSG:
		run(call_sockio(c));
		call_passed(c);
		break;
	case LM_CALL_FDPAIR:
		run(call_fdpair(c));
		break;
	case LM_CALL_PROCESS:
		call_process(c);
		break;
	case LM_CALL_TASK_FAILED:
		if (c->result < 0)
			run(call_task(c));
		break;
	case LM_CALL_TASK:
		run(call_task(c));
		break;
	case LM_CALL_UNSEEN:
		if (c->result > 0)
			run(emit_range(c, LM_RAW_UNSEEN));
		break;
	case LM_CALL_RANGE:
		run(emit_range(c, LM_RAW_RANGE));
		break;
	case LM_CALL_KERNEL:
		run(emit_range(c, LM_RAW_KERNEL));
		break;
	case LM_CALL_MMAP:
		call_mmap(c);
		break;
	case LM_CALL_NEWFD:
		call_newfd(c);
		break;
	case LM_CALL_IOCTL:
		run(call_ioctl(c));
		call_ioctl_other(c);
		break;
	case LM_CALL_PRCTL:
		call_prctl(c);
		break;
	case LM_CALL_TASK_OTHER:
		call_task_other(c);
		break;
	case LM_CALL_CLOCK:
		run(call_clock(c));
		break;
	case LM_CALL_FSCONFIG:
		call_fsconfig(c);
		break;
	case LM_CALL_AIO:
		run(call_aio(c));
		break;
	case LM_CALL_FCNTL:
		call_fcntl(c);
		break;
	case LM_CALL_GETFD:
		call_getfd(c);
		break;
	case LM_CALL_PIDFD:
		call_pidfd(c);
		break;
	case LM_CALL_IPC:
		run(call_ipc(c));
		break;
	}
	return done();
}

#define EINTR 4
#define ENOSYS 38

/* -ERESTARTSYS and its kin: the call has not ended, it is made again. */
static __always_inline bool is_restart(long result)
{
	return result <= -512 && result >= -516;
}

/* The x32 entry is not decoded: told as a gap. */
static __noinline int count_x32_call(void)
{
	struct emit e;

	if (!emit_begin(&e, (void *)bpf_get_current_task_btf(), LM_RAW_CALL_NONE))
		return done();
	emit_fault(&e, 0, LM_RAW_GAP_UNSEEN);
	emit_end(&e);
	return done();
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
	__u32 nr = regs->orig_ax, told = nr, flags = 0, urgent;
	__u8 class;
	bool compat;
	struct call c;

	c.task = (void *)bpf_get_current_task_btf();
	c.result = result;
	compat = c.task->thread_info.status & TS_COMPAT;
	if (unlikely(compat)) {
		if (!read_compat_call(&c, regs))
			return 0;
		nr = c.number;
		told = c.emit.call;
		flags = c.emit.flags;
	}
	if (nr >= LM_CALL_COUNT) {
		/* A return from a signal handler leaves -1 there, which is no call. */
		if (nr - X32_BIT < 2 * LM_CALL_COUNT && result != -ENOSYS)
			run(count_x32_call());
		return 0;
	}
	class = call_rules[nr].class;
	if (!class)
		return 0;
	/* On its own, so that the verifier need not tell the classes apart up to the end. */
	urgent = class & LM_CALL_URGENT;
	hide_var(urgent);
	if ((__u32)c.task->tgid == self_tgid)
		return 0;
	if (is_restart(result)) {
		/* An interrupted connect is not made again: the kernel goes on with it by itself.
		 */
		if (class != LM_CALL_SOCKET)
			return 0;
		c.result = -EINTR;
	}
	if (!emit_begin(&c.emit, c.task, told))
		return 0;
	c.rule.class = class & ~LM_CALL_URGENT;
	c.number = nr;
	if (likely(!compat))
		c.args[0] = regs->di;
	if (content_bytes) {
		if (likely(!compat)) {
			c.args[1] = regs->si;
			c.args[2] = regs->dx;
		}
		if (content_shapes[nr] && result > 0)
			run(keep_content(&c));
	}
	if (likely(c.rule.class == LM_CALL_IO)) {
		call_io(&c, false);
	} else {
		c.rule.a = call_rules[nr].a;
		c.rule.b = call_rules[nr].b;
		c.rule.c = call_rules[nr].c;
		if (likely(!compat)) {
			c.args[1] = regs->si;
			c.args[2] = regs->dx;
			c.args[3] = regs->r10;
			c.args[4] = regs->r8;
			c.args[5] = regs->r9;
			c.args[6] = 0;
			c.args[7] = 0;
		}
		c.emit.flags = flags;
		reduce_note_call(nr);
		run(call_other(&c));
	}
	emit_end(&c.emit);
	if (unlikely(urgent))
		ring_bell();
	return 0;
}

/* Level full. Behind the program above, which it is run after. */
SEC("tp_btf/sys_exit")
int BPF_PROG(on_any_exit, struct pt_regs *regs, long result)
{
	run(end_any_call(regs, result));
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_any_enter, struct pt_regs *regs, long number)
{
	run(enter_any_call(regs, number));
	return 0;
}

/* record --sched */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *from)
{
	run(end_turn(from));
	return 0;
}

/* Those that few have of their own: told only where they can differ from the parent's. */
static __noinline int fill_fork_namespaces(struct lm_raw_fork *rec, struct task_struct *parent,
	struct task_struct *child)
{
	struct nsproxy *nsproxy = READ(child, nsproxy);

	rec->ns_uts = rec->ns_ipc = rec->ns_cgroup = rec->ns_time = 0;
	if (nsproxy == READ(parent, nsproxy))
		return done();
	rec->ns_uts = READ(nsproxy, uts_ns, ns.inum);
	rec->ns_ipc = READ(nsproxy, ipc_ns, ns.inum);
	rec->ns_cgroup = READ(nsproxy, cgroup_ns, ns.inum);
	if (bpf_core_field_exists(nsproxy->time_ns))
		rec->ns_time = READ(nsproxy, time_ns, ns.inum);
	return done();
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_task_newtask, struct task_struct *child, unsigned long clone_flags)
{
	struct task_struct *current = (void *)bpf_get_current_task_btf();
	struct lm_raw_fork *rec;
	struct emit e;

	if (!emit_begin(&e, current, current_call(current)))
		return 0;
	reduce_disturb();
	rec = emit_reserve(&e, LM_RAW_FORK, sizeof(*rec));
	if (rec) {
		rec->start_ns = READ(child, start_boottime);
		rec->clone_flags = clone_flags;
		rec->child_tid = child->pid;
		rec->child_tgid = child->tgid;
		rec->child_ns_tid = ns_pid_of(child, &rec->ns_pid);
		rec->ns_mnt = READ(child, nsproxy, mnt_ns, ns.inum);
		rec->ns_net = READ(child, nsproxy, net_ns, ns.inum);
		rec->ns_user = READ(child, cred, user_ns, ns.inum);
		rec->shared_vm = child->mm && child->mm == current->mm;
		run(fill_fork_namespaces(rec, current, child));
		emit_commit(&e, rec, sizeof(*rec));
	}
	emit_end(&e);
	return 0;
}

#define NR_execve 59
#define NR_execveat 322

/* A pair of the new image's auxiliary vector; of a 32-bit program it is half as wide. */
static __always_inline long read_auxv(void *vector, int i, bool narrow, __u64 *ret_pair)
{
	__u32 words[2] = {};
	long r;

	if (!narrow)
		return bpf_probe_read_kernel(ret_pair, 16, vector + i * 16);
	r = bpf_probe_read_kernel(words, sizeof(words), vector + i * sizeof(words));
	ret_pair[0] = words[0];
	ret_pair[1] = words[1];
	return r;
}

/* The ELF interpreter, by the mapping that the kernel made for it. */
static __noinline int fill_loader(struct lm_raw_exec *rec, struct task_struct *task)
{
	struct mapped mapped = {};
	__u64 pair[2] = {}, base = 0;
	struct mm_struct *mm = READ(task, mm);
	void *at = (void *)mm + bpf_core_field_offset(struct mm_struct, saved_auxv);
	/* Set for the first return to a 32-bit program: set_personality_ia32(). */
	bool narrow = READ(task, thread_info.status) & TS_COMPAT;

	for (int i = 0; i < 24; i++) {
		if (read_auxv(at, i, narrow, pair) || !pair[0])
			break;
		if (pair[0] == AT_BASE) {
			base = pair[1];
			break;
		}
	}
	if (base)
		find_mapped(base, &mapped);
	/* Somebody held the lock of its memory map. */
	if (base && !mapped.file)
		rec->raw.flags |= LM_RAW_PARTIAL;
	fill_file(&rec->loader, mapped.file);
	return done();
}

static __noinline int emit_exec(struct emit *e, struct task_struct *task, struct linux_binprm *bprm,
	__u32 old_tid)
{
	struct file *file = READ(bprm, file);
	struct dentry *dentry = READ(file, f_path.dentry);
	struct dentry *parent = READ(dentry, d_parent);
	struct mm_struct *mm = READ(task, mm);
	unsigned long start = READ(mm, arg_start);
	const char *script;
	__u64 len, name_len;
	struct lm_raw_exec *rec;
	struct walk w;

	run(announce_fs(e, READ(dentry, d_inode, i_sb)));
	walk_from(&w, e, task, READ(file, f_path.mnt), parent);
	if (parent != dentry) /* a memfd is below nothing */
		run(announce_dir(&w));
	announce_place(e, task);
	rec = emit_reserve(e, LM_RAW_EXEC,
		sizeof(*rec) + LM_RAW_NAME_BYTES + LM_RAW_ARGV_BYTES + LM_RAW_SCRIPT_BYTES);
	if (!rec)
		return done();
	run(fill_attributes(&rec->attributes, task));
	fill_file(&rec->exe, file);
	run(fill_loader(rec, task));
	rec->dir_inode = parent == dentry ? 0 : READ(parent, d_inode, i_ino);
	rec->dir_dev = parent == dentry ? 0 : READ(parent, d_inode, i_sb, s_dev);
	rec->old_tid = old_tid;
	rec->argc = READ(bprm, argc);
	rec->env_bytes = READ(mm, env_end) - READ(mm, env_start);
	rec->argv_bytes = READ(mm, arg_end) - start;
	name_len = at_most(read_name(&rec->raw, rec->data, dentry), LM_RAW_NAME_BYTES - 1);
	len = at_most(rec->argv_bytes, LM_RAW_ARGV_BYTES);
	if (len < rec->argv_bytes)
		rec->raw.flags |= LM_RAW_CUT;
	/* The kernel's own copy in the new, not yet running image: nobody can have changed it. */
	if (bpf_probe_read_user(rec->data + name_len, len, (void *)start)) {
		rec->raw.flags |= LM_RAW_PARTIAL;
		len = 0;
	}
	rec->name_len = name_len;
	rec->argv_len = len;
	rec->script_len = 0;
	script = READ(bprm, filename);
	if (script != READ(bprm, interp)) {
		long n = bpf_probe_read_kernel_str(
			rec->data + name_len + len, LM_RAW_SCRIPT_BYTES, script);

		if (n > 1)
			rec->script_len = n - 1;
	}
	emit_commit(e, rec, sizeof(*rec) + name_len + len + rec->script_len);
	return done();
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct emit e;

	/* The kernel has already put execve's number into the registers of either call. */
	if (!emit_begin(&e, task, bprm->fdpath ? NR_execveat : NR_execve))
		return 0;
	reduce_disturb();
	run(emit_exec(&e, task, bprm, old_pid));
	emit_end(&e);
	ring_bell();
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct lm_raw_exit *rec;
	struct emit e;

	if (!emit_begin(&e, task, LM_RAW_CALL_NONE))
		return 0;
	reduce_disturb();
	rec = emit_reserve(&e, LM_RAW_EXIT, sizeof(*rec));
	if (rec) {
		rec->status = task->exit_code;
		/* do_exit() counts live down before this tracepoint. */
		rec->group_dead = READ(task, signal, live.counter) == 0;
		emit_commit(&e, rec, sizeof(*rec));
	}
	emit_end(&e);
	return 0;
}

#define SI_TIMER -2
#define SI_ASYNCIO -4

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
	int result)
{
	struct task_struct *current = (void *)bpf_get_current_task_btf();
	struct lm_raw_task *rec;
	struct emit e;

	/*
	 * Only signals that a process sent: SI_USER (0), SI_QUEUE, SI_TKILL and other codes below
	 * zero. SEND_SIG_NOINFO is the number 0 and counts as SI_USER; SEND_SIG_PRIV is 1.
	 */
	if ((unsigned long)info == 1)
		return 0;
	if ((unsigned long)info > 1) {
		int code = READ(info, si_code);

		/* A timer's and an asynchronous I/O's come from an interrupt: nobody here sent
		 * them. */
		if (code > 0 || code == SI_TIMER || code == SI_ASYNCIO)
			return 0;
	}
	if ((__u32)current->tgid == self_tgid)
		return 0;
	if (!emit_begin(&e, current, current_call(current)))
		return 0;
	reduce_disturb();
	rec = emit_reserve(&e, LM_RAW_SIGNAL, sizeof(*rec));
	if (rec) {
		rec->result = 0;
		rec->arg = sig;
		rec->start_ns = READ(task, group_leader, start_boottime);
		rec->target = task->tgid;
		rec->ns_pid = 0;
		emit_commit(&e, rec, sizeof(*rec));
	}
	emit_end(&e);
	return 0;
}

/*
 * io_uring. Names and arguments of its tracepoints differ between kernels:
 * user space loads the ones that fit (src/sensor/uring.c).
 */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(on_uring_submit_req, struct io_kiocb *req)
{
	run(uring_submit(req));
	return 0;
}

/* 6.0 to 6.2 */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_uring_submit_sqe, struct io_kiocb *req)
{
	run(uring_submit(req));
	return 0;
}

/* Up to 5.19 */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(on_uring_submit_in, void *ctx_of, struct io_kiocb *req)
{
	run(uring_submit(req));
	return 0;
}

/* Since 6.13 */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_uring_complete_cqe, struct io_ring_ctx *ring, struct io_kiocb *req,
	struct io_uring_cqe *cqe)
{
	__u32 flags = READ(cqe, flags);
	struct uring u = {
		.kind = LM_RAW_URING_END, .ctx = ring, .req = req,
		.user_data = READ(cqe, user_data), .result = READ(cqe, res),
		.end_flags = flags & URING_CQE_MORE ? LM_URING_MORE : 0,
	};

	run(uring_end(&u));
	return 0;
}

/* 5.18 to 6.12 */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_uring_complete_req, struct io_ring_ctx *ring, struct io_kiocb *req, __u64 user_data,
	int result, __u32 flags)
{
	struct uring u = {
		.kind = LM_RAW_URING_END, .ctx = ring, .req = req, .user_data = user_data,
		.result = result, .end_flags = flags & URING_CQE_MORE ? LM_URING_MORE : 0,
	};

	run(uring_end(&u));
	return 0;
}

/* Up to 5.17 */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(on_uring_complete_data, struct io_ring_ctx *ring, __u64 user_data, int result,
	__u32 flags)
{
	struct uring u = {
		.kind = LM_RAW_URING_END, .ctx = ring, .user_data = user_data, .result = result,
		.end_flags = flags & URING_CQE_MORE ? LM_URING_MORE : 0,
	};

	run(uring_end(&u));
	return 0;
}

/* The ring of results is full. Before 6.1 the result has been told already. */
SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(on_uring_overflow, struct io_ring_ctx *ring, __u64 user_data, int result, __u32 flags)
{
	struct uring u = {
		.kind = LM_RAW_URING_END, .ctx = ring, .user_data = user_data, .result = result,
		.end_flags = LM_URING_OVERFLOW | (flags & URING_CQE_MORE ? LM_URING_MORE : 0),
	};

	run(uring_overflowed(&u));
	return 0;
}
