/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Requests of io_uring.
 *
 * Hooks: io_uring_submit_req (before 6.3 io_uring_submit_sqe), where a request
 * has been prepared: its paths are the kernel's own copies, which no thread of
 * the process can change any more; io_uring_complete and io_uring_cqe_overflow,
 * where the result is posted and the request's file is the one that was acted
 * on, registered files included. Before 5.18 the latter do not say which request
 * it is; user space finds it by ring and user_data, as it does for the results
 * of a request that posts several.
 * The actor is who submitted: neither a worker thread nor the polling thread.
 * Level reduced: each request ends the runs of all calls, since other calls' runs do not
 * know which file a ring acts on.
 * Cannot see: the end of a request that asked for no result if it succeeds
 * (IOSQE_CQE_SKIP_SUCCESS); the file that a descriptor of splice or close meant
 * where another thread replaced it between submission and execution; what a
 * message of a 32-bit program passes.
 */
#include "uring_tell.h"

/* What splice and tee read from: before 5.19 the request holds it, since then its number only. */
static __noinline struct file *uring_splice_source(struct uring *u)
{
	struct io_splice *splice = (void *)u->req;
	__u32 fd;

	if (!bpf_core_field_exists(splice->splice_fd_in))
		return uring_read(u->req, io_splice, file_in);
	fd = uring_read(u->req, io_splice, splice_fd_in);
	if (READ(splice, flags) >> 31) /* SPLICE_F_FD_IN_FIXED */
		return uring_fixed_file(u->ctx, fd);
	return file_of_fd(current_task(), fd);
}

/* To another ring: the process behind it, and of a file the file. */
static __always_inline void uring_plan_message(struct uring *u)
{
	struct file *file = u->file;
	struct io_ring_ctx *target = file ? READ(file, private_data) : NULL;
	__u32 slot = uring_read(u->req, io_msg, src_fd);

	u->arg = target ? uring_owner(target) : 0;
	u->file = uring_read(u->req, io_msg, cmd) ? uring_fixed_file(u->ctx, slot) : NULL;
}

static __always_inline void uring_note_opening(struct uring *u)
{
	struct uring_key key = { .ring = u->ctx, .user_data = u->user_data };
	struct uring_opening opening = { .opcode = u->opcode, .slot = u->slot };

	bpf_map_update_elem(&uring_openings, &key, &opening, BPF_ANY);
}

static __always_inline __u32 uring_slot(struct io_kiocb *req, __u8 class)
{
	switch (class) {
	case LM_URING_OPEN:
		return uring_read(req, io_open, file_slot);
	case LM_URING_ACCEPT:
		return uring_read(req, io_accept, file_slot);
	case LM_URING_NEW_SOCKET:
		return uring_read(req, io_socket, file_slot);
	}
	return 0;
}

/* The file that a request acts on, before the kernel has looked it up itself. */
static __always_inline struct file *uring_file_by_number(struct uring *u)
{
	struct io_kiocb *req = u->req;
	struct file *file = READ(req, file);
	int fd;

	if (file || !bpf_core_field_exists(req->cqe))
		return file;
	fd = READ(req, cqe.fd);
	return u->sqe_flags & URING_FIXED_FILE ? uring_fixed_file(u->ctx, fd) :
		file_of_fd(current_task(), fd);
}

static __always_inline void uring_plan_close(struct uring *u)
{
	__u32 slot = uring_read(u->req, io_close, file_slot);

	if (slot) {
		u->file = uring_fixed_file(u->ctx, slot - 1);
		return;
	}
	u->fd = uring_read(u->req, io_close, fd);
	u->arg = u->fd;
	u->file = file_of_fd(current_task(), u->fd);
}

/* Descriptors that go along with a message. */
static __always_inline void uring_tell_passed(struct emit *e, struct uring *u)
{
	run(emit_passed(e, current_task(), u->file, uring_read(u->req, io_sr_msg, umsg), false));
}

/* What is told of a request when the ring has taken it. */
__noinline int uring_plan_submitted(struct uring *u)
{
	struct io_kiocb *req;

	if (!u)
		return 0;
	req = u->req;
	u->ctx = READ(req, ctx);
	u->user_data = uring_user_data(req);
	u->sqe_flags = READ(req, flags);
	u->file = uring_file_by_number(u);
	u->slot = uring_slot(req, u->class);
	if (u->class == LM_URING_ACCEPT ||
		(uring_ends_nameless &&
			(u->class == LM_URING_OPEN || u->class == LM_URING_NEW_SOCKET)))
		uring_note_opening(u);
	/* How much was asked for, where no result will say how much it was. */
	if (u->sqe_flags & URING_CQE_SKIP && u->class <= LM_URING_MESSAGE)
		u->result = u->class == LM_URING_IO ? uring_read(req, io_rw, len) :
			uring_read(req, io_sr_msg, len);
	switch (u->class) {
	case LM_URING_IO:
	case LM_URING_SOCKIO:
	case LM_URING_MESSAGE:
		u->shape = uring_shape_of_io(u);
		break;
	case LM_URING_FD:
	case LM_URING_COMMAND:
		u->arg = uring_argument(u);
		u->shape = SHAPE_FD;
		break;
	case LM_URING_OPEN:
	case LM_URING_PATH:
		u->shape = SHAPE_PATH;
		break;
	case LM_URING_CLOSE:
		uring_plan_close(u);
		u->shape = SHAPE_FD;
		break;
	case LM_URING_COPY:
		u->other = uring_splice_source(u);
		u->shape = SHAPE_COPY;
		break;
	case LM_URING_ACCEPT:
		u->other = u->file;
		u->file = NULL;
		u->shape = SHAPE_SOCKET;
		break;
	case LM_URING_SOCKET:
		u->shape = SHAPE_SOCKET;
		break;
	case LM_URING_RING:
		uring_plan_message(u);
		u->shape = SHAPE_FD;
		break;
	default: /* a new socket, a pipe, a descriptor of a ring's file: nothing yet */
		u->shape = SHAPE_BARE;
	}
	return done();
}

static __noinline int uring_submit(struct io_kiocb *req)
{
	struct uring u = { .kind = LM_RAW_URING_SUBMIT, .req = req, .at_home = true, .fd = -1 };
	struct task_struct *task = current_task();
	struct emit e;

	u.opcode = READ(req, opcode);
	u.class = u.opcode < LM_URING_COUNT ? uring_classes[u.opcode & (LM_URING_COUNT - 1)] : 0;
	if (u.class == LM_URING_NONE || (__u32)task->tgid == self_tgid)
		return done();
	if (!emit_begin(&e, task, LM_RAW_CALL_URING | u.opcode))
		return done();
	if (u.class == LM_URING_UNKNOWN) {
		emit_fault(&e, 0, LM_RAW_GAP_UNSEEN);
		emit_end(&e);
		return done();
	}
	reduce_disturb();
	e.pid_tgid = uring_submitter(req);
	run(uring_plan_submitted(&u));
	run(uring_tell(&e, &u));
	if (u.sqe_flags & URING_CQE_SKIP && u.class == LM_URING_MESSAGE)
		uring_tell_passed(&e, &u);
	emit_end(&e);
	return done();
}

/* What a result that is a descriptor stands for. */
static __always_inline struct file *uring_result_file(struct uring *u)
{
	if (u->result < 0)
		return NULL;
	if (u->slot)
		return uring_fixed_file(
			u->ctx, u->slot == URING_SLOT_ALLOC ? (__u32)u->result : u->slot - 1);
	return u->at_home ? file_of_fd(current_task(), u->result) : NULL;
}

/* The two ends of a new pipe: descriptors, or slots of the ring. */
static __always_inline void uring_plan_pipe(struct uring *u)
{
	__u32 slot = uring_read(u->req, io_pipe, file_slot);
	int fds[2] = { -1, -1 };

	if (u->at_home)
		bpf_probe_read_user(fds, sizeof(fds), uring_read(u->req, io_pipe, fds));
	if (slot && slot != URING_SLOT_ALLOC) {
		fds[0] = slot - 1;
		fds[1] = slot;
	}
	u->other = slot ? uring_fixed_file(u->ctx, fds[0]) : file_of_fd(current_task(), fds[0]);
	u->file = slot ? uring_fixed_file(u->ctx, fds[1]) : file_of_fd(current_task(), fds[1]);
}

/* What is told of a request at its end: by default its result, the rest has been said before. */
__noinline int uring_plan_end(struct uring *u)
{
	if (!u)
		return 0;
	u->fd = u->result >= 0 && !u->slot ? u->result : -1;
	switch (u->class) {
	case LM_URING_IO:
	case LM_URING_SOCKIO:
	case LM_URING_MESSAGE:
		u->fd = -1;
		u->shape = uring_shape_of_io(u);
		break;
	case LM_URING_FD:
	case LM_URING_COMMAND:
		u->fd = -1;
		u->arg = uring_argument(u);
		u->shape = SHAPE_FD;
		break;
	case LM_URING_INSTALL:
		u->shape = SHAPE_FD;
		break;
	case LM_URING_OPEN:
		u->file = uring_result_file(u);
		/* Failed, or gone again: its path is what is left. */
		u->shape = u->file ? SHAPE_OPEN : SHAPE_BARE;
		break;
	case LM_URING_COPY:
		u->shape = SHAPE_COPY;
		break;
	case LM_URING_ACCEPT:
		u->other = u->file;
		u->file = uring_result_file(u);
		u->shape = SHAPE_SOCKET;
		break;
	case LM_URING_NEW_SOCKET:
		u->file = uring_result_file(u);
		u->shape = SHAPE_SOCKET;
		break;
	case LM_URING_SOCKET:
		u->fd = -1;
		u->shape = SHAPE_SOCKET;
		break;
	case LM_URING_PIPE:
		if (u->result >= 0) {
			uring_plan_pipe(u);
			u->shape = SHAPE_COPY;
		}
		break;
	}
	return done();
}

/* Who a result belongs to, and what it is; without its request as far as that was kept. */
__noinline __u64 uring_recall(struct uring *u)
{
	struct uring_key key = {};
	struct uring_opening *opening;
	struct io_kiocb *req;

	if (!u)
		return 0;
	req = u->req;
	if (req) {
		u->opcode = READ(req, opcode);
		u->class = uring_classes[u->opcode & (LM_URING_COUNT - 1)];
		u->sqe_flags = READ(req, flags);
		u->slot = uring_slot(req, u->class);
		u->file = READ(req, file);
		return uring_submitter(req);
	}
	key.ring = u->ctx;
	key.user_data = u->user_data;
	opening = bpf_map_lookup_elem(&uring_openings, &key);
	u->opcode = opening ? opening->opcode : LM_RAW_CALL_NONE;
	u->slot = opening ? opening->slot : 0;
	u->class = opening ? uring_classes[u->opcode & (LM_URING_COUNT - 1)] : 0;
	return bpf_get_current_pid_tgid();
}

static __noinline int uring_end(struct uring *u)
{
	__u64 submitter = uring_recall(u);
	struct emit e;

	/* Of an operation that is not known: counted where it was submitted. */
	if ((u->req && u->class <= LM_URING_NONE) || submitter >> 32 == self_tgid || !submitter)
		return done();
	if (!emit_begin(&e, current_task(), LM_RAW_CALL_URING | u->opcode))
		return done();
	reduce_disturb();
	u->at_home = submitter >> 32 == e.pid_tgid >> 32;
	e.pid_tgid = submitter;
	run(uring_plan_end(u));
	/* Beside what follows, not below it: the verifier adds up the stacks of a chain. */
	if (u->shape == SHAPE_SOCKET)
		run(announce_unix(&e, current_task(), u->file));
	else if (u->shape == SHAPE_OPEN)
		announce_open(&e, current_task(), u->file);
	run(uring_tell(&e, u));
	if (u->class == LM_URING_MESSAGE && u->result >= 0 && u->at_home && u->req)
		uring_tell_passed(&e, u);
	emit_end(&e);
	return done();
}

/* The ring of results is full: no request is told. Objects are those of its submission. */
static __noinline int uring_overflowed(struct uring *u)
{
	struct task_struct *task = current_task();
	struct emit e;

	if ((__u32)task->tgid == self_tgid || !emit_begin(&e, task, LM_RAW_CALL_NONE))
		return done();
	reduce_disturb();
	u->at_home = true;
	run(uring_bare(&e, u));
	emit_end(&e);
	return done();
}
