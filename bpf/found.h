/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * What was there before: processes and their open files, by the iterators of tasks and of their
 * files. Driven by user space, into a ring of its own.
 */
#include "core/attributes.h"

static __always_inline bool iterator_begin(struct emit *e, struct task_struct *task)
{
	e->pid_tgid = (__u64)task->tgid << 32 | (__u32)task->pid;
	e->call = LM_RAW_CALL_NONE;
	if (!emit_open_ring(e, iterator_ring))
		return false;
	e->flags = LM_RAW_FOUND;
	return true;
}

/* A byte per object ends the reader's read(2) after a few, so that it can empty the ring. */
static __always_inline void iterator_end(struct emit *e, struct seq_file *seq)
{
	__u8 one = 1;

	emit_end(e);
	bpf_seq_write(seq, &one, sizeof(one));
}

SEC("iter/task")
int found_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *exe;
	struct emit e;

	if (!task || !iterator_begin(&e, task))
		return 0;
	run(emit_process(&e, task, 0, 0));
	exe = READ(task, mm, exe_file);
	if (exe && task->pid == task->tgid)
		run(emit_open(&e, task, exe, -1, 0));
	iterator_end(&e, ctx->meta->seq);
	return 0;
}

SEC("iter/task_file")
int found_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct lm_raw_socket *rec;
	struct emit e;

	if (!task || !file || !iterator_begin(&e, task))
		return 0;
	if (is_socket(file)) {
		rec = emit_reserve(&e, LM_RAW_SOCKET, sizeof(*rec));
		if (rec) {
			run(fill_socket(rec, file));
			rec->fd = ctx->fd;
			emit_commit(&e, rec, sizeof(*rec));
		}
	} else {
		run(emit_open(&e, task, file, ctx->fd, 0));
	}
	iterator_end(&e, ctx->meta->seq);
	return 0;
}
