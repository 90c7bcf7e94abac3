/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

/*
 * The trampoline way to attach: the kernel's own objects of calls on paths.
 *
 * Hooks: security_path_*(), which the system calls and io_uring reach on every
 * file system, once for each attempt, with mount and entry, before the action
 * can still fail (CONFIG_SECURITY_PATH). Times and extended attributes have no
 * such hook: notify_change(), vfs_setxattr() and their kin, which a stacked file
 * system calls again for the layer below. What mkdir, mknod and symlink have
 * made is there when vfs_*() returns.
 *
 * What a hook tells becomes true by the record that the same thread writes at
 * the end of its call. No string of user memory is read here.
 *
 * Cannot see: calls that only look (stat, access, readlink), mounts.
 * From: 5.15, where the kernel lets trampolines attach.
 */
#include "reduce.h"

/* These programs may be interrupted in the middle, while they hold the ring of their CPU. */
const volatile bool can_stay = false; /* set by user space: the kernel lets them (6.15) */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

#define NR_io_uring_enter 426

/* An index into a table of calls: the verifier wants to see it cut, whatever was compared. */
static __always_inline __u64 call_index(__u64 call)
{
	hide_var(call);
	return call & (LM_CALL_COUNT - 1);
}

/* What the kernel side does at the end of the call that a task is in. */
static __always_inline __u8 class_of(__u16 call)
{
	__u16 number = call & ~LM_RAW_CALL_COMPAT;

	if (number >= LM_CALL_COUNT)
		return LM_CALL_IGNORE;
	if (call & LM_RAW_CALL_COMPAT)
		number = compat_rules[call_index(number)].call;
	return number < LM_CALL_COUNT ? call_rules[call_index(number)].class & ~LM_CALL_URGENT :
		LM_CALL_IGNORE;
}

/* Only in calls whose ends are told as paths, and for io_uring. */
static __always_inline bool hook_begin(struct emit *e, struct task_struct *task)
{
	__u16 call = task->flags & PF_IO_WORKER ? NR_io_uring_enter : current_call(task);
	__u8 class = class_of(call);

	if ((__u32)task->tgid == self_tgid)
		return false;
	if (class != LM_CALL_PATH && class != LM_CALL_PATH2 && call != NR_io_uring_enter)
		return false;
	if (can_stay)
		bpf_preempt_disable();
	if (emit_begin(e, task, call))
		return true;
	if (can_stay)
		bpf_preempt_enable();
	return false;
}

static __always_inline void hook_end(struct emit *e)
{
	emit_end(e);
	if (can_stay)
		bpf_preempt_enable();
}

struct hooked {
	struct vfsmount *mnt;    /* NULL where the hook has none */
	struct dentry *dentry;
	struct dentry *dentry2;  /* or NULL */
	const char *text;        /* a symlink's target, in kernel memory, or NULL */
	__u8 change;
};

static __always_inline void announce_parent(struct emit *e, struct hooked *h, struct dentry *dentry)
{
	struct walk w;

	walk_from(&w, e, (void *)bpf_get_current_task_btf(), h->mnt, dentry);
	run(announce_dir(&w));
}

static __always_inline bool is_top(struct vfsmount *mnt, struct dentry *dentry,
	struct dentry *parent)
{
	return parent == dentry || (mnt && dentry == READ(mnt, mnt_root));
}

static __noinline int emit_name(struct emit *e, struct hooked *h)
{
	struct dentry *dentry = h->dentry, *dentry2 = h->dentry2;
	struct dentry *parent = READ(dentry, d_parent);
	struct dentry *parent2 = dentry2 ? READ(dentry2, d_parent) : NULL;
	bool top = is_top(h->mnt, dentry, parent);
	struct lm_raw_name *rec;
	__u64 len = 0, len2 = 0;
	long text_len;

	run(announce_fs(e, READ(parent, d_inode, i_sb)));
	if (h->mnt)
		announce_parent(e, h, top ? dentry : parent);
	if (parent2 && parent2 != parent)
		announce_parent(e, h, parent2);
	rec = emit_reserve(e, LM_RAW_NAME, sizeof(*rec) + LM_RAW_NAME_BYTES + LM_RAW_PATH_BYTES);
	if (!rec) {
		__sync_fetch_and_add(&name_losses, 1);
		return done();
	}
	fill_inode(&rec->target, READ(dentry, d_inode));
	fill_inode(&rec->target2, dentry2 ? READ(dentry2, d_inode) : NULL);
	rec->dir_inode = top ? 0 : READ(parent, d_inode, i_ino);
	rec->dir_dev = top ? 0 : READ(parent, d_inode, i_sb, s_dev);
	rec->dir2_inode = parent2 ? READ(parent2, d_inode, i_ino) : 0;
	rec->dir2_dev = parent2 ? READ(parent2, d_inode, i_sb, s_dev) : 0;
	rec->losses = name_losses;
	rec->change = h->change;
	__builtin_memset(rec->pad, 0, sizeof(rec->pad));
	if (!top)
		len = at_most(read_name(&rec->raw, rec->names, dentry), LM_RAW_NAME_BYTES - 1);
	if (dentry2) {
		len2 = read_name(&rec->raw, rec->names + len, dentry2);
	} else if (h->text) {
		text_len = bpf_probe_read_kernel_str(rec->names + len, LM_RAW_PATH_BYTES, h->text);
		if (text_len > 1)
			len2 = text_len - 1;
	}
	len2 = at_most(len2, LM_RAW_PATH_BYTES - 1);
	rec->name_len = len;
	rec->name2_len = len2;
	emit_commit(e, rec, sizeof(*rec) + len + len2);
	return done();
}

static __always_inline int tell(struct hooked *h)
{
	struct emit e;

	if (!hook_begin(&e, (void *)bpf_get_current_task_btf()))
		return 0;
	reduce_disturb();
	run(emit_name(&e, h));
	hook_end(&e);
	return 0;
}

#define TELL(...) tell(&(struct hooked){ __VA_ARGS__ })

SEC("fentry/security_path_mkdir")
int BPF_PROG(hook_mkdir, struct path *dir, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_CREATES, .mnt = dir->mnt, .dentry = dentry);
}

SEC("fentry/security_path_mknod")
int BPF_PROG(hook_mknod, struct path *dir, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_CREATES, .mnt = dir->mnt, .dentry = dentry);
}

SEC("fentry/security_path_symlink")
int BPF_PROG(hook_symlink, struct path *dir, struct dentry *dentry, const char *target)
{
	return TELL(.change = LM_RAW_CREATES, .mnt = dir->mnt, .dentry = dentry, .text = target);
}

SEC("fentry/security_path_unlink")
int BPF_PROG(hook_unlink, struct path *dir, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_REMOVES, .mnt = dir->mnt, .dentry = dentry);
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(hook_rmdir, struct path *dir, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_REMOVES, .mnt = dir->mnt, .dentry = dentry);
}

/* Both names are below the same mount: the kernel has refused anything else before. */
SEC("fentry/security_path_link")
int BPF_PROG(hook_link, struct dentry *old, struct path *dir, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_LINKS, .mnt = dir->mnt, .dentry = old, .dentry2 = dentry);
}

SEC("fentry/security_path_rename")
int BPF_PROG(hook_rename, struct path *old_dir, struct dentry *old, struct path *dir,
	struct dentry *dentry)
{
	return TELL(.change = LM_RAW_RENAMES, .mnt = dir->mnt, .dentry = old, .dentry2 = dentry);
}

SEC("fentry/security_path_truncate")
int BPF_PROG(hook_truncate, struct path *path)
{
	return TELL(.change = LM_RAW_CHANGES, .mnt = path->mnt, .dentry = path->dentry);
}

SEC("fentry/security_path_chmod")
int BPF_PROG(hook_chmod, struct path *path)
{
	return TELL(.change = LM_RAW_CHANGES, .mnt = path->mnt, .dentry = path->dentry);
}

SEC("fentry/security_path_chown")
int BPF_PROG(hook_chown, struct path *path)
{
	return TELL(.change = LM_RAW_CHANGES, .mnt = path->mnt, .dentry = path->dentry);
}

#define ATTR_TIMES (1 << 4 | 1 << 5)     /* ATTR_ATIME, ATTR_MTIME */
#define ATTR_OTHERS (1 | 1 << 1 | 1 << 2 | 1 << 3) /* mode, owner, group, size */

/* The first argument has been a user namespace and is an id mapping now. */
SEC("fentry/notify_change")
int BPF_PROG(hook_times, void *idmap, struct dentry *dentry, struct iattr *attr)
{
	__u32 valid = READ(attr, ia_valid);

	if (!(valid & ATTR_TIMES) || valid & ATTR_OTHERS)
		return 0;
	return TELL(.change = LM_RAW_TIMES, .dentry = dentry);
}

SEC("fentry/vfs_setxattr")
int BPF_PROG(hook_setxattr, void *idmap, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_XATTRS, .dentry = dentry);
}

SEC("fentry/vfs_removexattr")
int BPF_PROG(hook_delxattr, void *idmap, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_XATTRS, .dentry = dentry);
}

/* Access control lists have ways of their own since 6.2. */
SEC("fentry/vfs_set_acl")
int BPF_PROG(hook_set_acl, void *idmap, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_XATTRS, .dentry = dentry);
}

SEC("fentry/vfs_remove_acl")
int BPF_PROG(hook_remove_acl, void *idmap, struct dentry *dentry)
{
	return TELL(.change = LM_RAW_XATTRS, .dentry = dentry);
}

static __always_inline int tell_made(struct dentry *dentry)
{
	/* Some file systems look the new entry up only when it is asked for. */
	if (!READ(dentry, d_inode))
		return 0;
	return TELL(.change = LM_RAW_MADE, .dentry = dentry);
}

SEC("fexit/vfs_mknod")
int BPF_PROG(hook_made_node, void *idmap, void *dir, struct dentry *dentry, __u64 mode, __u64 dev,
	int result)
{
	return result ? 0 : tell_made(dentry);
}

SEC("fexit/vfs_create")
int BPF_PROG(hook_made_file, void *idmap, void *dir, struct dentry *dentry, __u64 mode,
	__u64 excl, int result)
{
	return result ? 0 : tell_made(dentry);
}

SEC("fexit/vfs_symlink")
int BPF_PROG(hook_made_link, void *idmap, void *dir, struct dentry *dentry, void *target,
	int result)
{
	return result ? 0 : tell_made(dentry);
}

#define KERNEL_HALF 0xffff800000000000ull
#define LAST_ERROR ((__u64)-4095)

/*
 * Returns 0 or an error; since 6.15 the entry, which need not be the one that
 * was handed in and may be gone, or an error as a pointer.
 */
SEC("fexit/vfs_mkdir")
int BPF_PROG(hook_made_dir, void *idmap, void *dir, struct dentry *dentry, __u64 mode,
	__u64 result)
{
	__u64 low = result, high = result;

	if (!result)
		return tell_made(dentry);
	/* Compared one by one: the verifier wants no arithmetic on what may be a pointer. */
	hide_var(low);
	hide_var(high);
	if (low < KERNEL_HALF || high >= LAST_ERROR)
		return 0;
	return tell_made((struct dentry *)result);
}
