/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "core/extract.h"

/*
 * io_uring's own types, and what a request says about files.
 *
 * Members that came later than 5.15, or went before 6.18, are read under
 * bpf_core_field_exists(): an operation that a kernel does not have is never
 * asked for there, but the verifier wants to know.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name; /* the kernel's own copy of the path */
};

struct io_uring_task {
	struct task_struct *task;
};

struct io_fixed_file {
	unsigned long file_ptr;
};

struct io_rsrc_node {
	unsigned long file_ptr;
};

struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes;
};

struct io_file_table {
	struct io_fixed_file *files; /* before 6.13 */
	struct io_rsrc_data data;    /* since */
};

struct io_sq_data {
	int task_tgid;
};

struct list_head {
	struct list_head *next;
};

struct io_tctx_node {
	struct list_head ctx_node;
	struct task_struct *task;
};

struct io_ring_ctx {
	struct io_file_table file_table;
	unsigned int nr_user_files; /* with file_table.files */
	struct io_sq_data *sq_data;
	struct list_head tctx_list; /* of struct io_tctx_node: every task that submits to it */
};

struct io_cqe {
	__u64 user_data;
	int fd; /* until the file is looked up */
};

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};

struct io_kiocb {
	struct file *file; /* the command area begins here too: struct io_rename, ... */
	__u8 opcode;
	__u32 flags;       /* the low byte is the submission's: IOSQE_* */
	struct io_cqe cqe; /* since 5.19 */
	__u64 user_data;   /* before */
	struct io_ring_ctx *ctx;
	struct task_struct *task;   /* before 6.13 */
	struct io_uring_task *tctx; /* since */
};

struct io_rw {
	__u32 len;
};

struct io_sr_msg {
	void *umsg; /* a message's header in user memory; of send and recv the buffer */
	__u32 len;
	void *addr; /* send: in user memory, not in every kernel */
};

struct io_accept {
	__u32 file_slot;
};

struct io_socket {
	__u32 file_slot;
};

struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct {
		__u64 flags;
	} how;
};

struct io_close {
	int fd;
	__u32 file_slot;
};

struct io_rename {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_link {
	int old_dfd, new_dfd;
	struct filename *oldpath, *newpath;
	int flags;
};

struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};

struct io_mkdir {
	int dfd;
	__u16 mode;
	struct filename *filename;
};

struct io_statx {
	int dfd;
	struct filename *filename;
};

struct io_xattr {
	struct filename *filename;
};

struct io_ftrunc {
	__u64 len;
};

struct io_sync {
	__u64 len;
};

struct io_splice {
	struct file *file_in;  /* before 5.19: looked up at submission */
	int splice_fd_in;      /* since */
	unsigned int flags;
};

struct io_uring_cmd {
	__u32 cmd_op;
};

struct io_msg {
	__u32 cmd;
	__u32 src_fd;
};

struct io_pipe {
	int *fds;
	int file_slot;
};

#pragma clang attribute pop

#define uring_read(req, type, member)                                              \
	({                                                                         \
		struct type *area_ = (void *)(req);                                \
		bpf_core_field_exists(area_->member) ? READ(area_, member) : 0; \
	})

#define URING_SLOT_ALLOC 0xffffffffu /* IORING_FILE_INDEX_ALLOC: the result is the slot */
#define URING_FIXED_FILE 0x01 /* IOSQE_FIXED_FILE: fd is a slot */
#define URING_CQE_SKIP 0x40   /* IOSQE_CQE_SKIP_SUCCESS */
#define URING_CQE_MORE 0x02   /* IORING_CQE_F_MORE */
#define FILE_PTR_MASK (~7ul)  /* the low bits are io_uring's: FFS_NOWAIT, ... */

static __always_inline __u64 uring_user_data(struct io_kiocb *req)
{
	if (bpf_core_field_exists(req->cqe))
		return READ(req, cqe.user_data);
	return READ(req, user_data);
}

/* A file that was registered with the ring, or opened into a slot of it. */
static __noinline struct file *uring_fixed_file(struct io_ring_ctx *ctx, __u32 slot)
{
	unsigned long at = 0;

	if (bpf_core_field_exists(ctx->file_table.data)) {
		struct io_rsrc_node **nodes = READ(ctx, file_table.data.nodes);
		struct io_rsrc_node *node = NULL;

		if (slot >= READ(ctx, file_table.data.nr))
			return NULL;
		bpf_probe_read_kernel(&node, sizeof(node), nodes + slot);
		at = READ(node, file_ptr);
	} else {
		struct io_fixed_file *files = READ(ctx, file_table.files);

		if (slot >= READ(ctx, nr_user_files))
			return NULL;
		at = READ(files + slot, file_ptr);
	}
	return (struct file *)(at & FILE_PTR_MASK);
}

/* Who submitted it. NULL: the task is gone. */
static __always_inline struct task_struct *uring_task(struct io_kiocb *req)
{
	if (bpf_core_field_exists(req->tctx))
		return READ(req, tctx, task);
	return READ(req, task);
}

/*
 * The submitter as pid_tgid. What the ring's polling thread took up is the
 * process's: that thread is the kernel's, whoever filled the ring.
 */
static __always_inline __u64 uring_submitter(struct io_kiocb *req)
{
	struct task_struct *task = uring_task(req);
	__u64 tgid = (__u32)READ(task, tgid);

	if (READ(req, ctx, sq_data))
		return tgid << 32 | tgid;
	return tgid << 32 | (__u32)READ(task, pid);
}

/* The process behind a ring that a message is sent to: its first user. 0: not known. */
static __always_inline __u32 uring_owner(struct io_ring_ctx *ctx)
{
	struct list_head *first = BPF_CORE_READ(ctx, tctx_list.next);
	struct io_tctx_node *node =
		(void *)first - bpf_core_field_offset(struct io_tctx_node, ctx_node);

	if (BPF_CORE_READ(ctx, sq_data))
		return BPF_CORE_READ(ctx, sq_data, task_tgid);
	if (!first || first == (void *)ctx + bpf_core_field_offset(struct io_ring_ctx, tctx_list))
		return 0;
	return BPF_CORE_READ(node, task, tgid);
}
