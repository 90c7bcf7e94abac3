/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Calls on open files.
 *
 * Hook: sys_exit, so that the result is known; the object is read from the
 * caller's table of open files, which is what the kernel itself acted on.
 * Cannot see: a descriptor that another thread closed or replaced between the
 * kernel's look-up and the end of the call (the object in its place is told).
 */
#include "reduce.h"

/*
 * Every master of a pair of terminals is an open of one and the same file. What goes through it
 * goes through the other end, whose dentry ptmx_open() of drivers/tty/pty.c keeps there.
 */
static __noinline int fill_other_end(struct call *c, struct lm_raw_io *io)
{
	struct file *file = file_of_fd(c->task, c->args[0]);
	struct inode *inode = READ(file, f_inode);
	struct tty_file_private *private = READ(file, private_data);
	struct dentry *dentry;

	if (READ(inode, i_rdev) != DEV_PTMX)
		return done();
	dentry = READ(private, tty, link, driver_data);
	if (!dentry)
		return done();
	io->inode = READ(dentry, d_inode, i_ino);
	io->dev = READ(dentry, d_inode, i_sb, s_dev);
	io->raw.flags |= LM_RAW_MASTER;
	return done();
}

/* Whose call it was on what, read once for either way to record it. */
static __always_inline struct inode *fill_io(struct call *c, struct lm_raw_io *io)
{
	io->fd = c->args[0];
	io->result = c->result;
	return fill_io_file(io, file_of_fd(c->task, c->args[0]));
}

/* On its own, since the way through the others' stack is long. @return whether it was told */
static __noinline int call_io_reduced(struct call *c)
{
	struct lm_raw_io io;
	struct inode *inode = fill_io(c, &io);

	return reduce_io(c, inode, &io);
}

/* Sockets are no terminals, and their way here leaves no stack for what those need. */
static __always_inline void call_io(struct call *c, bool is_socket)
{
	struct lm_raw_io *io;
	struct inode *inode;

	if (!is_socket && record_level == LM_LEVEL_REDUCED && call_io_reduced(c))
		return;
	io = emit_reserve(&c->emit, LM_RAW_IO, sizeof(*io));
	if (!io)
		return;
	inode = fill_io(c, io);
	if (!is_socket && wants_terminal(c, io->mode, inode)) {
		run(keep_terminal(c));
		io = (void *)(c->emit.data + (c->emit.control->head & ring_mask));
		emit_fill(&c->emit, &io->raw, LM_RAW_IO);
		fill_io(c, io);
	}
	if (!is_socket && unlikely((io->mode & S_IFMT) == S_IFCHR))
		run(fill_other_end(c, io));
	emit_commit(&c->emit, io, sizeof(*io));
}

static __noinline int emit_file(struct call *c, struct file *file, int fd, __u64 arg, __u64 length)
{
	struct lm_raw_fd *rec = emit_reserve(&c->emit, LM_RAW_FD, sizeof(*rec));

	if (!rec)
		return done();
	fill_file(&rec->file, file);
	rec->result = c->result;
	rec->arg = arg;
	rec->length = length;
	rec->fd = fd;
	rec->fmode = file ? READ(file, f_mode) : 0;
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}

static __always_inline int emit_fd(struct call *c, int fd, __u64 arg, __u64 length)
{
	return emit_file(c, file_of_fd(c->task, fd), fd, arg, length);
}

static __always_inline void call_fd(struct call *c)
{
	__u64 arg = call_arg_opt(c, c->rule.b);

	if (c->rule.c)
		arg = (arg & 0xffffffff) | call_arg(c, c->rule.c - 1) << 32;
	run(emit_fd(c, call_arg(c, c->rule.a), arg, 0));
}

static __always_inline void call_newfd(struct call *c)
{
	if (c->result < 0)
		run(emit_fd(c, -1, call_arg(c, 0), 0));
	else
		run(emit_fd(c, c->result, call_arg(c, 0), 0));
}

/* Whom a pidfd stands for, by the number in the first pid namespace. */
static __noinline __u32 pidfd_target(struct call *c, __u32 fd)
{
	struct file *pidfd = file_of_fd(c->task, fd);
	struct inode *inode = pidfd ? READ(pidfd, f_inode) : NULL;
	struct pid *pid = NULL;

	/* It has an inode of its own since 6.9. */
	if (inode && READ(inode, i_sb, s_dev) == anonymous_dev)
		pid = READ(pidfd, private_data);
	else if (inode)
		pid = READ(inode, i_private);
	return pid_of(pid, 0);
}

/* Out of another process's table. */
static __always_inline void call_getfd(struct call *c)
{
	run(emit_fd(c, c->result < 0 ? -1 : c->result, pidfd_target(c, c->args[0]), 0));
}

static __always_inline void call_pidfd(struct call *c)
{
	__u32 target = pidfd_target(c, c->args[0]);
	struct lm_raw_task *rec = emit_reserve(&c->emit, LM_RAW_TASK, sizeof(*rec));

	if (!rec)
		return;
	rec->result = c->result;
	rec->arg = call_arg_opt(c, c->rule.b);
	rec->start_ns = 0;
	rec->target = target;
	rec->ns_pid = 0;
	emit_commit(&c->emit, rec, sizeof(*rec));
}

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

static __always_inline void call_fcntl(struct call *c)
{
	if (c->args[1] == F_DUPFD || c->args[1] == F_DUPFD_CLOEXEC)
		call_newfd(c);
}

#define MAP_TYPE 0x0f
#define MAP_PRIVATE 0x02
#define MAP_ANONYMOUS 0x20
#define DEV_ZERO (1u << 20 | 5)

/*
 * Memory without a file of the caller's: what the kernel put behind a shared mapping of nothing,
 * or of /dev/zero, is known by the mapping only.
 */
static __noinline int emit_shared_memory(struct call *c)
{
	struct mapped mapped = {};

	if (c->result >= 0) {
		find_mapped(c->result, &mapped);
		if (!mapped.file)
			c->emit.flags |= LM_RAW_PARTIAL;
	}
	run(emit_file(c, mapped.file, -1, (c->args[2] & 0xffffffff) | c->args[3] << 32,
		c->args[1]));
	return done();
}

static __always_inline void call_mmap(struct call *c)
{
	bool private = (c->args[3] & MAP_TYPE) == MAP_PRIVATE;
	struct file *file;

	if (c->args[3] & MAP_ANONYMOUS) {
		/* Private anonymous memory carries nothing between objects. */
		if (!private)
			run(emit_shared_memory(c));
		return;
	}
	file = file_of_fd(c->task, c->args[4]);
	if (!private && file && READ(file, f_inode, i_rdev) == DEV_ZERO)
		run(emit_shared_memory(c));
	else
		run(emit_file(c, file, c->args[4], (c->args[2] & 0xffffffff) | c->args[3] << 32,
			c->args[1]));
}

/* What one file has becomes another's. */
static __noinline int emit_copy(struct call *c, int from, int to)
{
	struct lm_raw_copy *rec = emit_reserve(&c->emit, LM_RAW_COPY, sizeof(*rec));

	if (!rec)
		return done();
	rec->result = c->result;
	fill_file(&rec->from, file_of_fd(c->task, from));
	fill_file(&rec->to, file_of_fd(c->task, to));
	emit_commit(&c->emit, rec, sizeof(*rec));
	return done();
}

static __noinline int call_copy(struct call *c)
{
	return emit_copy(c, call_arg(c, c->rule.a), call_arg(c, c->rule.b));
}

#define FICLONE 0x40049409
#define FICLONERANGE 0x4020940d
#define FIDEDUPERANGE 0xc0189436

/* struct file_dedupe_range and struct file_dedupe_range_info of include/uapi/linux/fs.h */
struct dedupe_head {
	__u64 offset, length;
	__u16 count, reserved1;
	__u32 reserved2;
};

struct dedupe_target {
	__s64 fd;
	__u64 offset, bytes; /* shared from now on */
	__s32 status;        /* 0: the contents were the same */
	__u32 reserved;
};

/* The whole argument must fit into a page. */
#define DEDUPE_MAX 127
#define DEDUPE_MAX_UNROLLED 4 /* without bpf_loop() */

struct dedupe {
	struct call *call;
	__u32 count;
};

static __noinline long dedupe_next(__u32 index, void *data)
{
	struct dedupe *d = data;
	struct call *c = d->call;
	struct dedupe_target target;

	if (index >= d->count)
		return 1;
	if (bpf_probe_read_user(&target, sizeof(target), (void *)c->args[2] +
			sizeof(struct dedupe_head) + index * sizeof(target))) {
		emit_fault(&c->emit, LM_RAW_COPY, LM_RAW_GAP_FAULT);
		return 0;
	}
	if (target.status || !target.bytes)
		return 0;
	c->result = target.bytes;
	run(emit_copy(c, c->args[0], target.fd));
	return 0;
}

/* Files of equal contents share their blocks: one event for each that does now. */
static __noinline int call_dedupe(struct call *c)
{
	struct dedupe d = { .call = c };
	struct dedupe_head head = {};

	if (c->result < 0 || bpf_probe_read_user(&head, sizeof(head), (void *)c->args[2]))
		return emit_copy(c, c->args[0], -1);
	d.count = head.count;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(DEDUPE_MAX, dedupe_next, &d, 0);
		return done();
	}
	for (int i = 0; i < DEDUPE_MAX_UNROLLED; i++)
		dedupe_next(i, &d);
	if (d.count > DEDUPE_MAX_UNROLLED)
		emit_fault(&c->emit, LM_RAW_COPY, LM_RAW_GAP_FAULT);
	return done();
}

/* Of all requests only those that make one file's content another's. */
static __noinline int call_ioctl(struct call *c)
{
	__s64 from = c->args[2];

	if (c->args[1] == FIDEDUPERANGE)
		return call_dedupe(c);
	if (c->args[1] == FICLONERANGE) {
		if (bpf_probe_read_user(&from, sizeof(from), (void *)c->args[2]))
			from = -1;
	} else if (c->args[1] != FICLONE) {
		return done();
	}
	return emit_copy(c, from, c->args[0]);
}

static __noinline int call_fdpair(struct call *c)
{
	int fds[2] = { -1, -1 };

	/*
	 * Where the kernel just wrote the two numbers. A thread that changes them in
	 * between makes this name another open file of the same process, no more.
	 */
	if (c->result >= 0)
		bpf_probe_read_user(fds, sizeof(fds), (void *)call_arg(c, c->rule.a));
	return emit_copy(c, fds[0], fds[1]);
}
