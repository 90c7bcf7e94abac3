/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * Calls on paths.
 *
 * An open that succeeded is told by its dentry. Where no descriptor is left
 * (rename, unlink, chmod by path, a look-up that failed, ...) the raw
 * tracepoints show no kernel object: the record holds the directory from which
 * the kernel started (cwd or dirfd, by identity) and the path as user memory
 * claims it. User space marks such names as claimed unless the kernel's name
 * events confirm them.
 */
#include "core/call.h"

static __always_inline struct dentry *start_dentry(struct call *c, __u32 dirfd_index_plus_one)
{
	struct task_struct *task = c->task;
	int dirfd = dirfd_index_plus_one ? (int)call_arg(c, dirfd_index_plus_one - 1) : AT_FDCWD;
	struct file *file;

	if (dirfd_index_plus_one == LM_CALL_DIR_MQUEUE) {
		struct vfsmount *queues = READ(task, nsproxy, ipc_ns, mq_mnt);

		return READ(queues, mnt_root);
	}
	if (dirfd == AT_FDCWD)
		return READ(task, fs, pwd.dentry);
	file = file_of_fd(task, dirfd);
	return file ? READ(file, f_path.dentry) : NULL;
}

/* @return its length without the NUL, less than LM_RAW_PATH_BYTES */
static __always_inline __u64 read_path(struct call *c, struct lm_raw_path *rec, __u64 at,
	__u64 address)
{
	long len;

	if (!address)
		return 0;
	len = bpf_probe_read_user_str(rec->paths + at, LM_RAW_PATH_BYTES, (void *)address);
	if (len < 0)
		rec->raw.flags |= LM_RAW_PARTIAL;
	/* Up to 6.12 strncpy_from_user_nofault() of mm/maccess.c did not count the NUL of "". */
	if (len <= 0)
		return 0;
	if (len == LM_RAW_PATH_BYTES)
		rec->raw.flags |= LM_RAW_CUT;
	return at_most(len - 1, LM_RAW_PATH_BYTES - 1);
}

static __noinline int emit_path(struct call *c, __u32 path2, __u32 dirfd2_plus_one, __u64 arg,
	bool two)
{
	struct dentry *start = start_dentry(c, c->rule.b);
	struct lm_raw_path *rec;
	__u64 len, len2 = 0;

	rec = emit_reserve(&c->emit, LM_RAW_PATH, sizeof(*rec) + 2 * LM_RAW_PATH_BYTES);
	if (!rec) {
		__sync_fetch_and_add(&name_losses, 1);
		return done();
	}
	rec->losses = name_losses;
	rec->pad = 0;
	rec->result = c->result;
	rec->arg = arg;
	rec->start_inode = start ? READ(start, d_inode, i_ino) : 0;
	rec->start_dev = start ? READ(start, d_inode, i_sb, s_dev) : 0;
	rec->start_mode = start ? READ(start, d_inode, i_mode) : 0;
	rec->start2_inode = 0;
	rec->start2_dev = 0;
	rec->arg3 = c->args[3];
	rec->arg4 = c->args[4];
	len = read_path(c, rec, 0, call_arg(c, c->rule.a));
	if (two) {
		struct dentry *start2 = start_dentry(c, dirfd2_plus_one);

		rec->start2_inode = start2 ? READ(start2, d_inode, i_ino) : 0;
		rec->start2_dev = start2 ? READ(start2, d_inode, i_sb, s_dev) : 0;
		len2 = read_path(c, rec, len, call_arg(c, path2));
	}
	rec->path_len = len;
	rec->path2_len = len2;
	emit_commit(&c->emit, rec, sizeof(*rec) + len + len2);
	return done();
}

static __always_inline void call_path(struct call *c)
{
	run(emit_path(c, 0, 0, call_arg_opt(c, c->rule.c), false));
}

static __always_inline void call_path2(struct call *c)
{
	run(emit_path(c, c->rule.c & 15, c->rule.c >> 4, 0, true));
}

static __always_inline void call_open(struct call *c)
{
	__u64 flags = call_arg_opt(c, c->rule.c);
	struct file *file;

	if (c->rule.class == LM_CALL_OPENAT2)
		bpf_probe_read_user(&flags, sizeof(flags), (void *)flags);
	if (c->result >= 0) {
		file = file_of_fd(c->task, c->result);
		if (file) {
			run(emit_open(&c->emit, c->task, file, c->result, flags));
			return;
		}
	}
	/* Failed, or already closed by another thread: the claimed path is all there is. */
	run(emit_path(c, 0, 0, flags, false));
}
