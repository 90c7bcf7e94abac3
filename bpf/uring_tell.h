/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * One request of io_uring as a record, one function for each shape that it can
 * have. See call_uring.h for what is told when.
 */
#include "call_path.h"
#include "call_socket.h"
#include "core/uring.h"

/* Set by user space before loading. */
const volatile __u8 uring_classes[LM_URING_COUNT] = {};
const volatile bool uring_ends_nameless = false; /* results come without their request */

#define OP_FALLOCATE 17
#define OP_STATX 21
#define OP_SEND 26
#define OP_RENAMEAT 35
#define OP_UNLINKAT 36
#define OP_MKDIRAT 37
#define OP_SYMLINKAT 38
#define OP_LINKAT 39
#define OP_SETXATTR 42
#define OP_GETXATTR 44
#define OP_SEND_ZC 47
#define OP_FTRUNCATE 55

/*
 * Requests whose result is a descriptor, by ring and user_data: the only ones
 * of which the result says more than their submission, so that it has to be
 * known what they are when a result comes without its request.
 */
struct uring_key {
	struct io_ring_ctx *ring;
	__u64 user_data;
};

struct uring_opening {
	__u32 opcode;
	__u32 slot; /* + 1; 0: an ordinary descriptor */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct uring_key);
	__type(value, struct uring_opening);
} uring_openings SEC(".maps");

/*
 * How a request is told. First what is told is put together, by global functions, which the
 * verifier walks through once and forgets; then it is told in one place for each shape.
 */
enum uring_shape {
	SHAPE_BARE = 0,
	SHAPE_IO = 1,
	SHAPE_FD = 2,
	SHAPE_COPY = 3,
	SHAPE_SOCKET = 4,
	SHAPE_OPEN = 5,
	SHAPE_PATH = 6,
};

/* One request, at either end. Pointers are plain numbers to the verifier. */
struct uring {
	struct io_kiocb *req; /* NULL: not known */
	struct io_ring_ctx *ctx;
	__u64 user_data;
	__s64 result;
	struct file *file, *other; /* what it acts on; source of a copy, or listener */
	__u64 arg;
	int fd;     /* -1: none, or a slot of the ring */
	__u32 slot; /* of its result, as in struct uring_opening */
	__u32 opcode;
	__u8 kind; /* LM_RAW_URING_SUBMIT, _END */
	__u8 class;
	__u8 shape; /* enum uring_shape */
	__u8 sqe_flags;
	__u8 end_flags;
	bool at_home; /* current is of the submitting process: descriptors mean the same */
};

static __always_inline struct task_struct *current_task(void)
{
	return (void *)bpf_get_current_task_btf();
}

/* Room for a record with another one behind it. NULL: none, and counted. */
static __always_inline void *uring_reserve(struct emit *e, struct uring *u, __u8 inner_kind,
	__u32 inner_max)
{
	struct lm_raw_uring *rec = emit_reserve(e, u->kind, sizeof(*rec) + inner_max);

	if (!rec)
		return NULL;
	rec->request = (__u64)u->req;
	rec->ring = (__u64)u->ctx;
	rec->user_data = u->user_data;
	rec->result = u->result;
	rec->worker = u->at_home ? (__u32)bpf_get_current_pid_tgid() : 0;
	rec->sqe_flags = u->sqe_flags;
	rec->end_flags = u->end_flags;
	rec->inner_len = 0;
	if (inner_kind)
		emit_fill(e, (void *)(rec + 1), inner_kind);
	return rec + 1;
}

static __always_inline void uring_commit(struct emit *e, void *inner, __u32 bytes)
{
	struct lm_raw_uring *rec = inner - sizeof(*rec);

	bytes = (bytes + 7) & ~7u;
	if (bytes)
		((struct lm_raw *)inner)->len = bytes;
	rec->inner_len = bytes;
	emit_commit(e, rec, sizeof(*rec) + bytes);
}

static __noinline int uring_bare(struct emit *e, struct uring *u)
{
	void *inner = uring_reserve(e, u, 0, 0);

	if (inner)
		uring_commit(e, inner, 0);
	return done();
}

static __noinline int uring_io(struct emit *e, struct uring *u)
{
	struct lm_raw_io *io = uring_reserve(e, u, LM_RAW_IO, sizeof(*io));

	if (!io)
		return done();
	fill_io_file(io, u->file);
	io->fd = -1;
	io->result = u->result;
	uring_commit(e, io, sizeof(*io));
	return done();
}

/* The argument that the call of the same name has. */
static __always_inline __u64 uring_argument(struct uring *u)
{
	switch (u->opcode) {
	case OP_FTRUNCATE:
		return uring_read(u->req, io_ftrunc, len);
	case OP_FALLOCATE:
		return uring_read(u->req, io_sync, len);
	}
	return u->class == LM_URING_COMMAND ? uring_read(u->req, io_uring_cmd, cmd_op) : 0;
}

static __noinline int uring_fd(struct emit *e, struct uring *u)
{
	struct lm_raw_fd *rec = uring_reserve(e, u, LM_RAW_FD, sizeof(*rec));
	struct file *file = u->file;

	if (!rec)
		return done();
	fill_file(&rec->file, file);
	rec->result = u->result;
	rec->arg = u->arg;
	rec->length = 0;
	rec->fd = u->fd;
	rec->fmode = file ? READ(file, f_mode) : 0;
	uring_commit(e, rec, sizeof(*rec));
	return done();
}

static __noinline int uring_copy(struct emit *e, struct uring *u)
{
	struct lm_raw_copy *rec = uring_reserve(e, u, LM_RAW_COPY, sizeof(*rec));

	if (!rec)
		return done();
	rec->result = u->result;
	fill_file(&rec->from, u->other);
	fill_file(&rec->to, u->file);
	uring_commit(e, rec, sizeof(*rec));
	return done();
}

/* Where the peer of a datagram that is sent unconnected stands in user memory. */
static __always_inline void *uring_peer(struct uring *u)
{
	void *address = NULL;

	if (!u->req || !u->at_home)
		return NULL;
	if (u->class == LM_URING_MESSAGE)
		bpf_probe_read_user(
			&address, sizeof(address), uring_read(u->req, io_sr_msg, umsg));
	else if (u->opcode == OP_SEND || u->opcode == OP_SEND_ZC)
		address = uring_read(u->req, io_sr_msg, addr);
	return address;
}

static __noinline int uring_socket(struct emit *e, struct uring *u)
{
	struct file *listener = u->other;
	struct lm_raw_socket *rec;

	rec = uring_reserve(e, u, LM_RAW_SOCKET, sizeof(*rec));
	if (!rec)
		return done();
	if (is_socket(u->file))
		run(fill_socket(rec, u->file));
	else
		__builtin_memset(
			(void *)rec + sizeof(rec->raw), 0, sizeof(*rec) - sizeof(rec->raw));
	rec->result = u->result;
	rec->fd = u->fd;
	rec->inode2 = listener ? READ(listener, f_inode, i_ino) : 0;
	if ((rec->family == AF_INET || rec->family == AF_INET6) && rec->remote.port == 0 &&
		(u->class == LM_URING_SOCKIO || u->class == LM_URING_MESSAGE))
		claim_remote(rec, uring_peer(u));
	uring_commit(e, rec, sizeof(*rec));
	return done();
}

/* A datagram may have another peer each time. */
static __always_inline __u8 uring_shape_of_io(struct uring *u)
{
	struct file *file = u->file;
	struct socket *socket;

	if (u->class == LM_URING_IO || !is_socket(file))
		return SHAPE_IO;
	socket = READ(file, private_data);
	return READ(socket, type) == SOCK_STREAM ? SHAPE_IO : SHAPE_SOCKET;
}

/* What a request on paths has been prepared with. */
struct uring_paths {
	struct filename *path, *path2;
	int dirfd, dirfd2;
	__u64 arg;
	__u32 flags; /* where the call of the same name has them as its argument 4 */
};

__noinline int uring_take_paths(struct uring *u, struct uring_paths *p)
{
	struct io_rename *rename;
	struct io_link *link;
	struct io_unlink *unlink;
	struct io_mkdir *mkdir;

	if (!u || !p)
		return 0;
	rename = (void *)u->req;
	link = (void *)u->req;
	unlink = (void *)u->req;
	mkdir = (void *)u->req;
	p->dirfd = p->dirfd2 = AT_FDCWD;
	switch (u->opcode) {
	case OP_RENAMEAT:
		p->path = READ(rename, oldpath);
		p->path2 = READ(rename, newpath);
		p->dirfd = READ(rename, old_dfd);
		p->dirfd2 = READ(rename, new_dfd);
		p->flags = READ(rename, flags);
		break;
	case OP_LINKAT:
		p->path = READ(link, oldpath);
		p->path2 = READ(link, newpath);
		p->dirfd = READ(link, old_dfd);
		p->dirfd2 = READ(link, new_dfd);
		p->flags = READ(link, flags);
		break;
	case OP_SYMLINKAT: /* the new name first, then the text that it leads to */
		p->path = READ(link, newpath);
		p->path2 = READ(link, oldpath);
		p->dirfd = READ(link, new_dfd);
		break;
	case OP_UNLINKAT:
		p->path = READ(unlink, filename);
		p->dirfd = READ(unlink, dfd);
		p->arg = READ(unlink, flags);
		break;
	case OP_MKDIRAT:
		p->path = READ(mkdir, filename);
		p->dirfd = READ(mkdir, dfd);
		p->arg = READ(mkdir, mode);
		break;
	case OP_STATX:
		p->path = uring_read(u->req, io_statx, filename);
		p->dirfd = uring_read(u->req, io_statx, dfd);
		break;
	case OP_SETXATTR:
	case OP_GETXATTR:
		p->path = uring_read(u->req, io_xattr, filename);
		break;
	default: /* the two opens */
		p->path = uring_read(u->req, io_open, filename);
		p->dirfd = uring_read(u->req, io_open, dfd);
		p->arg = uring_read(u->req, io_open, how.flags);
	}
	return done();
}

/* statx of 5.15 has not copied its path yet: then it is read where the process has it. */
static __always_inline __u32 uring_read_path(struct lm_raw_path *rec, __u32 at,
	struct filename *filename)
{
	char *to = rec->paths + (at & (LM_RAW_PATH_BYTES - 1));
	const char *name = NULL;
	long len;

	if (!filename)
		return 0;
	if (bpf_core_read(&name, sizeof(name), &filename->name))
		len = bpf_probe_read_user_str(to, LM_RAW_PATH_BYTES, filename);
	else
		len = bpf_probe_read_kernel_str(to, LM_RAW_PATH_BYTES, name);
	if (len < 1) {
		rec->raw.flags |= LM_RAW_PARTIAL;
		return 0;
	}
	return len - 1;
}

static __always_inline void uring_fill_start(struct uring *u, int dirfd, __u64 *inode, __u32 *dev,
	__u32 *mode)
{
	struct task_struct *task = current_task();
	struct dentry *start;
	struct file *file;

	if (dirfd == AT_FDCWD) {
		start = READ(task, fs, pwd.dentry);
	} else {
		file = file_of_fd(task, dirfd);
		start = file ? READ(file, f_path.dentry) : NULL;
	}
	*inode = start ? READ(start, d_inode, i_ino) : 0;
	*dev = start ? READ(start, d_inode, i_sb, s_dev) : 0;
	*mode = start ? READ(start, d_inode, i_mode) : 0;
}

static __noinline int uring_path(struct emit *e, struct uring *u)
{
	struct uring_paths p = {};
	struct lm_raw_path *rec;
	__u32 mode2, len, len2 = 0;

	run(uring_take_paths(u, &p));
	rec = uring_reserve(e, u, LM_RAW_PATH, sizeof(*rec) + 2 * LM_RAW_PATH_BYTES);
	if (!rec)
		return done();
	rec->losses = name_losses;
	rec->pad = 0;
	rec->result = u->result;
	rec->arg = p.arg;
	rec->arg3 = 0;
	rec->arg4 = p.flags;
	uring_fill_start(u, p.dirfd, &rec->start_inode, &rec->start_dev, &rec->start_mode);
	uring_fill_start(u, p.dirfd2, &rec->start2_inode, &rec->start2_dev, &mode2);
	len = uring_read_path(rec, 0, p.path);
	if (len >= LM_RAW_PATH_BYTES)
		len = LM_RAW_PATH_BYTES - 1;
	if (p.path2) {
		len2 = uring_read_path(rec, len, p.path2);
		if (len2 >= LM_RAW_PATH_BYTES)
			len2 = LM_RAW_PATH_BYTES - 1;
	}
	rec->path_len = len;
	rec->path2_len = len2;
	uring_commit(e, rec, sizeof(*rec) + len + len2);
	return done();
}

static __noinline int uring_opened(struct emit *e, struct uring *u)
{
	struct lm_raw_open *open;

	open = uring_reserve(e, u, LM_RAW_OPEN, sizeof(*open) + LM_RAW_NAME_BYTES);
	if (!open)
		return done();
	run(fill_open(open, u->file, u->fd, 0));
	uring_commit(e, open, sizeof(*open) + open->name_len);
	return done();
}

/* What was planned. Only what has been submitted is told as a path, only what has ended as open. */
static __noinline int uring_tell(struct emit *e, struct uring *u)
{
	switch (u->shape) {
	case SHAPE_IO:
		run(uring_io(e, u));
		break;
	case SHAPE_FD:
		run(uring_fd(e, u));
		break;
	case SHAPE_COPY:
		run(uring_copy(e, u));
		break;
	case SHAPE_SOCKET:
		run(uring_socket(e, u));
		break;
	case SHAPE_OPEN:
		run(uring_opened(e, u));
		break;
	case SHAPE_PATH:
		run(uring_path(e, u));
		break;
	default:
		run(uring_bare(e, u));
	}
	return done();
}
