/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Stores into shared mappings of files: the page that one makes dirty.
 *
 * Hook: writeback_dirty_folio (writeback_dirty_page before 5.18), in the
 * context of the thread whose store it was. It also fires for write(2) and for
 * the file system's own pages, so what counts is how the thread came into the
 * kernel: by a fault (no call), or by a call that fills user memory, which may
 * be such a mapping. That is looked at first, because it is all that a write(2)
 * pays for.
 * Cannot see: a store into a page that is dirty already; memory file systems,
 * whose pages are never written back. There the mapping alone must do.
 */
#include "core/call.h"

static __always_inline bool fills_memory(struct task_struct *task)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	unsigned long nr = READ(regs, orig_ax);

	if (nr == -1ul)
		return true;
	if (nr >= LM_CALL_COUNT || task->thread_info.status & TS_COMPAT)
		return false;
	switch (call_rules[nr].class & ~LM_CALL_URGENT) {
	case LM_CALL_IO:
		return call_rules[nr].a == LM_CALL_IO_FILLS;
	case LM_CALL_SOCKIO:
	case LM_CALL_RECVMSG:
		return true;
	}
	return false;
}

static __always_inline int dirty_page(__u64 index, struct address_space *mapping)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct lm_raw_dirty *rec;
	struct inode *inode;
	struct emit e;

	if (!fills_memory(task) || !task->mm || !mapping || (__u32)task->tgid == self_tgid)
		return 0;
	inode = READ(mapping, host);
	if (!inode || (READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	if (!emit_begin(&e, task, LM_RAW_CALL_NONE))
		return 0;
	rec = emit_reserve(&e, LM_RAW_DIRTY, sizeof(*rec));
	if (rec) {
		fill_inode(&rec->file, inode);
		rec->offset = index << PAGE_SHIFT;
		emit_commit(&e, rec, sizeof(*rec));
	}
	emit_end(&e);
	return 0;
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(on_dirty_folio, struct folio *folio, struct address_space *mapping)
{
	return dirty_page(READ(folio, index), mapping);
}

SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(on_dirty_page, struct page *page, struct address_space *mapping)
{
	return dirty_page(READ(page, index), mapping);
}
