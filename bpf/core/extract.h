/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "core/emit.h"

/*
 * From kernel structures to identities. Nothing here reads user memory.
 *
 * A pointer that came out of bpf_probe_read_kernel() is a plain number to the
 * verifier, so what hangs below it is read with BPF_CORE_READ(); what hangs
 * below a tracepoint's argument or the current task is dereferenced directly.
 */

static __always_inline struct file *file_of_fd(struct task_struct *task, int fd)
{
	struct files_struct *files = task->files;
	struct fdtable *table;
	struct file *file = NULL;

	if (!files)
		return NULL;
	table = files->fdt;
	if ((__u32)fd >= table->max_fds)
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), table->fd + fd);
	return file;
}

static __always_inline void fill_inode(struct lm_raw_inode *out, struct inode *inode)
{
	if (!inode) {
		__builtin_memset(out, 0, sizeof(*out));
		return;
	}
	out->inode = BPF_CORE_READ(inode, i_ino);
	out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	out->generation = BPF_CORE_READ(inode, i_generation);
	out->mode = BPF_CORE_READ(inode, i_mode);
	out->rdev = BPF_CORE_READ(inode, i_rdev);
}

static __always_inline void fill_file(struct lm_raw_inode *out, struct file *file)
{
	fill_inode(out, file ? BPF_CORE_READ(file, f_inode) : NULL);
}

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline bool announce_once(struct announced_key *key)
{
	__u32 generation = announced_generation;
	__u32 *told = bpf_map_lookup_elem(&announced, key);

	if (told && *told == generation)
		return false;
	bpf_map_update_elem(&announced, key, &generation, BPF_ANY);
	return true;
}

static __always_inline void forget(struct announced_key *key)
{
	bpf_map_delete_elem(&announced, key);
}

static __noinline int announce_fs(struct emit *e, struct super_block *sb)
{
	struct announced_key key = { .dev = BPF_CORE_READ(sb, s_dev) };
	struct lm_raw_fs *fs;

	if (!announce_once(&key))
		return done();
	fs = emit_reserve(e, LM_RAW_FS, sizeof(*fs));
	if (!fs) {
		forget(&key);
		return done();
	}
	fs->dev = key.dev;
	fs->pad = 0;
	fs->magic = BPF_CORE_READ(sb, s_magic);
	BPF_CORE_READ_INTO(&fs->uuid, sb, s_uuid.b);
	emit_commit(e, fs, sizeof(*fs));
	return done();
}

/* Copy a dentry's name. Returns its length, without the NUL. */
static __always_inline __u32 read_name(char *out, struct dentry *dentry)
{
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	long len = bpf_probe_read_kernel_str(out, LM_RAW_NAME_BYTES, name);

	if (len < 1 || len > LM_RAW_NAME_BYTES)
		return 0;
	return len - 1;
}

/* The directories of one walk; kept on the stack of the probe. */
struct walk {
	struct vfsmount *mnt;
	struct dentry *dentry;
	struct vfsmount *root_mnt; /* the process's "/" */
	struct dentry *root_dentry;
};

#define WALK_MAX 32 /* more makes the verifier, and so every start, slow */

/*
 * Tell one directory and step to its parent. Returns false at the end: a
 * directory already told, or the root of the mount namespace.
 */
static __noinline bool announce_step(struct emit *e, struct walk *w)
{
	struct dentry *dentry = w->dentry;
	struct vfsmount *mnt = w->mnt;
	struct mount *mount = mount_of(mnt);
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	struct announced_key key = {
		.inode = BPF_CORE_READ(inode, i_ino),
		.dev = BPF_CORE_READ(inode, i_sb, s_dev),
		.mount = BPF_CORE_READ(mount, mnt_id),
		.generation = BPF_CORE_READ(inode, i_generation),
	};
	struct lm_raw_dir *dir;
	struct dentry *parent;
	__u32 flags = 0, bytes;

	if (!announce_once(&key))
		return false;
	if (dentry == w->root_dentry && mnt == w->root_mnt)
		flags |= LM_RAW_ROOT;
	/* A mount may be mounted over a mount: climb until a name is above. */
	for (int i = 0; i < 4; i++) {
		struct mount *up;

		if (dentry != BPF_CORE_READ(mnt, mnt_root))
			break;
		flags |= LM_RAW_MOUNT;
		up = BPF_CORE_READ(mount, mnt_parent);
		if (up == mount) {
			flags |= LM_RAW_ROOT;
			break;
		}
		dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		mount = up;
		mnt = (void *)mount + bpf_core_field_offset(struct mount, mnt);
	}
	dir = emit_reserve(e, LM_RAW_DIR, sizeof(*dir) + LM_RAW_NAME_BYTES);
	if (!dir) {
		forget(&key);
		return false;
	}
	dir->raw.flags |= flags;
	fill_inode(&dir->dir, inode);
	parent = BPF_CORE_READ(dentry, d_parent);
	if (parent == dentry) {
		/* Nothing above: the top of a namespace, or of a file system mounted nowhere. */
		dir->raw.flags |= LM_RAW_ROOT;
		dir->parent_inode = 0;
		dir->parent_dev = 0;
		dir->name_len = 0;
	} else {
		dir->parent_inode = BPF_CORE_READ(parent, d_inode, i_ino);
		dir->parent_dev = BPF_CORE_READ(parent, d_inode, i_sb, s_dev);
		dir->name_len = read_name(dir->name, dentry);
	}
	bytes = sizeof(*dir) + dir->name_len;
	emit_commit(e, dir, bytes);
	if (parent == dentry)
		return false;
	w->mnt = mnt;
	w->dentry = parent;
	return true;
}

/* Tell the names of a directory and of all above it, as far as they are not told yet. */
static __noinline int announce_dir(struct emit *e, struct walk *w)
{
	for (int i = 0; i < WALK_MAX; i++)
		if (!announce_step(e, w))
			return done();
	/* Deeper than that: what is above stays unknown, and is said to be so by a gap. */
	e->control->produced++;
	emit_count_lost(e, LM_RAW_DIR);
	return done();
}

static __always_inline void walk_from(struct walk *w, struct task_struct *task,
	struct vfsmount *mnt, struct dentry *dentry)
{
	w->mnt = mnt;
	w->dentry = dentry;
	w->root_mnt = BPF_CORE_READ(task, fs, root.mnt);
	w->root_dentry = BPF_CORE_READ(task, fs, root.dentry);
}

static __noinline __u32 pid_of(struct pid *pid, __u32 level)
{
	struct upid upid;
	int offset = bpf_core_field_offset(struct pid, numbers);

	if (!pid || level > 32)
		return 0;
	if (bpf_probe_read_kernel(&upid, bpf_core_type_size(struct upid),
		    (void *)pid + offset + level * bpf_core_type_size(struct upid)))
		return 0;
	return upid.nr;
}

/* The number of a task in its own pid namespace, and that namespace. */
static __always_inline __u32 ns_pid_of(struct task_struct *task, __u32 *ret_ns)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid);

	if (!pid || level > 32)
		return 0;
	*ret_ns = BPF_CORE_READ(upid, ns, ns.inum);
	return BPF_CORE_READ(upid, nr);
}

#define O_TMPFILE_BIT 020000000 /* the name of such a file is made up by the kernel */

/* An open file with its name, and the names of the directories above it. */
static __noinline int emit_open(struct emit *e, struct task_struct *task, struct file *file, int fd,
	__u64 arg)
{
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	struct vfsmount *mnt = BPF_CORE_READ(file, f_path.mnt);
	struct lm_raw_open *open;
	struct walk w;

	run(announce_fs(e, BPF_CORE_READ(dentry, d_inode, i_sb)));
	/* The top of a mount is named by its mount point: start at itself. */
	walk_from(&w, task, mnt, dentry == BPF_CORE_READ(mnt, mnt_root) ? dentry : parent);
	/* A file of a kernel-internal mount (memfd, ...) is its own parent, and below nothing. */
	if (parent != dentry || (BPF_CORE_READ(dentry, d_inode, i_mode) & S_IFMT) == S_IFDIR)
		run(announce_dir(e, &w));
	open = emit_reserve(e, LM_RAW_OPEN, sizeof(*open) + LM_RAW_NAME_BYTES);
	if (!open)
		return done();
	fill_file(&open->file, file);
	open->oflags = BPF_CORE_READ(file, f_flags);
	open->fd = fd;
	open->arg = arg;
	if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		open->raw.flags |= LM_RAW_CREATED;
	open->dir_inode = 0;
	open->dir_dev = 0;
	open->name_len = 0;
	if (parent == dentry) {
		/* "memfd:..." and the like; a directory's would be "/". */
		if ((open->file.mode & S_IFMT) != S_IFDIR)
			open->name_len = read_name(open->name, dentry);
	} else if (dentry != BPF_CORE_READ(mnt, mnt_root) && !(open->oflags & O_TMPFILE_BIT)) {
		open->dir_inode = BPF_CORE_READ(parent, d_inode, i_ino);
		open->dir_dev = BPF_CORE_READ(parent, d_inode, i_sb, s_dev);
		open->name_len = read_name(open->name, dentry);
	}
	emit_commit(e, open, sizeof(*open) + open->name_len);
	return done();
}

static __always_inline void fill_inet(struct lm_raw_socket *out, struct sock *sk, __u16 family)
{
	out->local.family = family;
	out->remote.family = family;
	/* skc_num becomes 0 when the connection ends, inet_sport stays. */
	out->local.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (!out->local.port)
		out->local.port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	out->remote.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == AF_INET) {
		*(__u32 *)out->local.ip = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)out->remote.ip = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO(&out->local.ip, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&out->remote.ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
}

/* Read a unix address; the leading NUL of an abstract one becomes "@". */
static __always_inline void fill_unix_path(struct lm_raw_socket *out, struct unix_address *addr)
{
	__u64 len = (__u32)BPF_CORE_READ(addr, len) - 2; /* behind sun_family */
	const char *from = (void *)addr + bpf_core_field_offset(struct unix_address, name) + 2;

	if (!addr)
		return;
	hide_var(len); /* keep the compiler from undoing the bound that the verifier looks for */
	if (!len || len > 108)
		return;
	if (bpf_probe_read_kernel(out->path, len, from))
		return;
	out->path_len = len;
	if (out->path[0] == 0)
		out->path[0] = '@';
	else if (out->path[(len - 1) & 127] == 0)
		out->path_len = len - 1; /* the kernel counts the NUL behind a path */
}

static __always_inline void fill_unix(struct lm_raw_socket *out, struct sock *sk)
{
	struct unix_sock *u = (void *)sk;
	struct unix_sock *peer = (void *)BPF_CORE_READ(u, peer);
	struct dentry *bound = BPF_CORE_READ(u, path.dentry);
	struct unix_address *addr = BPF_CORE_READ(u, addr);

	if (peer)
		out->peer_inode =
			BPF_CORE_READ((struct sock *)peer, sk_socket, file, f_inode, i_ino);
	if (addr) {
		out->local.family = AF_UNIX;
	} else if (peer) {
		bound = BPF_CORE_READ(peer, path.dentry);
		addr = BPF_CORE_READ(peer, addr);
		out->remote.family = addr ? AF_UNIX : 0;
	}
	if (bound) {
		out->path_inode = BPF_CORE_READ(bound, d_inode, i_ino);
		out->path_dev = BPF_CORE_READ(bound, d_inode, i_sb, s_dev);
	}
	fill_unix_path(out, addr);
}

/* Describe the socket behind a file. Everything not known is zero. */
static __noinline int fill_socket(struct lm_raw_socket *out, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	__builtin_memset((void *)out + sizeof(out->raw), 0, sizeof(*out) - sizeof(out->raw));
	out->inode = BPF_CORE_READ(inode, i_ino);
	out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
	if (!sk)
		return done();
	out->family = family;
	out->type = BPF_CORE_READ(sk, sk_type);
	out->protocol = BPF_CORE_READ(sk, sk_protocol);
	out->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	out->ns_net = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	if (family == AF_INET || family == AF_INET6)
		fill_inet(out, sk, family);
	else if (family == AF_UNIX)
		fill_unix(out, sk);
	return done();
}

static __always_inline bool is_socket(struct file *file)
{
	return file && (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) == S_IFSOCK;
}
