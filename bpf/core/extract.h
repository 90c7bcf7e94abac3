/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "core/emit.h"

/*
 * From kernel structures to identities. Nothing here reads user memory.
 *
 * A pointer that came out of bpf_probe_read_kernel() is a plain number to the
 * verifier, so what hangs below it is read with READ(); what hangs
 * below a tracepoint's argument or the current task is dereferenced directly.
 */

/* Set by user space before loading: this kernel has bpf_rdonly_cast(), 6.2 and later. */
const volatile bool has_cast = false;

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/*
 * What members lead to, from a pointer that is a plain number to the verifier:
 * READ(dentry, d_inode, i_ino). With the cast each step is one load, whose fault the kernel
 * handles by giving zero; else a call of a helper, which costs some ten times as much.
 * `has_cast` is constant: one of the two is gone before the program runs.
 */
#define cast(pointer) \
	((const __typeof__(*(pointer)) *)bpf_rdonly_cast( \
		(const void *)(pointer), bpf_core_type_id_kernel(__typeof__(*(pointer)))))
#define steps1(p, a) cast(p)->a
#define steps2(p, a, b) cast(p)->a->b
#define steps3(p, a, b, c) cast(p)->a->b->c
#define steps4(p, a, b, c, d) cast(p)->a->b->c->d
#define steps_of(_1, _2, _3, _4, name, ...) name
#define READ(p, ...)                                                                  \
	(has_cast ? steps_of(__VA_ARGS__, steps4, steps3, steps2, steps1)(p, __VA_ARGS__) : \
		    BPF_CORE_READ(p, __VA_ARGS__))

static __always_inline struct file *file_of_fd(struct task_struct *task, int fd)
{
	struct files_struct *files = task->files;
	struct fdtable *table;
	struct file *file = NULL;
	struct file **slot;

	if (!files)
		return NULL;
	table = files->fdt;
	if ((__u32)fd >= table->max_fds)
		return NULL;
	slot = table->fd + fd;
	/* No type that a cast could name is a mere pointer: any that begins with one does. */
	if (has_cast)
		return *(struct file **)bpf_rdonly_cast(slot, bpf_core_type_id_kernel(struct fd));
	bpf_probe_read_kernel(&file, sizeof(file), slot);
	return file;
}

static __always_inline void fill_inode(struct lm_raw_inode *out, struct inode *inode)
{
	if (!inode) {
		__builtin_memset(out, 0, sizeof(*out));
		return;
	}
	out->inode = READ(inode, i_ino);
	out->dev = READ(inode, i_sb, s_dev);
	out->generation = READ(inode, i_generation);
	out->mode = READ(inode, i_mode);
	out->rdev = READ(inode, i_rdev);
}

/* What stands for the shared inode's number: see enum lm_raw_anonymous. The name tells the kind. */
static __noinline __u64 anonymous_inode(struct file *file)
{
	static const char eventfd[8] = "[eventfd"; /* fs/eventfd.c */
	const unsigned char *at = READ(file, f_path.dentry, d_name.name);
	struct eventfd_ctx *ctx;
	__u64 name = 0, wanted;

	__builtin_memcpy(&wanted, eventfd, sizeof(wanted));
	if (bpf_probe_read_kernel(&name, sizeof(name), at) || name != wanted)
		return 0;
	ctx = READ(file, private_data);
	return (__u64)LM_RAW_ANONYMOUS_EVENTFD << LM_RAW_ANONYMOUS_SHIFT |
		(__u32)READ(ctx, id);
}

static __always_inline void fill_file(struct lm_raw_inode *out, struct file *file)
{
	fill_inode(out, file ? READ(file, f_inode) : NULL);
	if (file && out->dev == anonymous_dev)
		out->inode = anonymous_inode(file);
}

/* What calls that move bytes need of a file. @return its own inode, or NULL */
static __always_inline struct inode *fill_io_file(struct lm_raw_io *io, struct file *file)
{
	struct inode *inode = NULL;

	if (likely(file)) {
		inode = READ(file, f_inode);
		io->inode = READ(inode, i_ino);
		io->dev = READ(inode, i_sb, s_dev);
		io->mode = READ(inode, i_mode);
		if (unlikely(io->dev == anonymous_dev))
			io->inode = anonymous_inode(file);
	} else {
		io->inode = 0;
		io->dev = 0;
		io->mode = 0;
	}
	return inode;
}

/* What is mapped at an address of the current task. */
struct mapped {
	struct file *file; /* NULL: nothing, or this kernel does not tell */
	__u64 bytes;
};

static long take_mapped(struct task_struct *task, struct vm_area_struct *vma, void *data)
{
	struct mapped *mapped = data;

	mapped->file = vma->vm_file;
	mapped->bytes = vma->vm_end - vma->vm_start;
	return 0;
}

/* Finds nothing before 5.17, and while another thread of the task changes its mappings. */
static __always_inline void find_mapped(__u64 address, struct mapped *ret_mapped)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_find_vma))
		bpf_find_vma((void *)bpf_get_current_task_btf(), address, take_mapped, ret_mapped,
			0);
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

static __always_inline struct announced_key dir_key(struct dentry *dentry, struct vfsmount *mnt)
{
	struct inode *inode = READ(dentry, d_inode);

	return (struct announced_key){
		.inode = READ(inode, i_ino),
		.dev = READ(inode, i_sb, s_dev),
		.mount = READ(mount_of(mnt), mnt_id),
		.generation = READ(inode, i_generation),
	};
}

/*
 * Is it the directory of the CPU's last open? Then it has been told, all above it, and its file
 * system. Mostly it is: that is much cheaper to find out than what the map holds.
 */
static __noinline int is_last_dir(struct emit *e, struct dentry *dir, struct vfsmount *mnt)
{
	const struct lm_told_dir *last = &e->control->last_dir;
	struct announced_key key = dir_key(dir, mnt);

	return last->inode == key.inode && last->dev == key.dev && last->mount == key.mount &&
		last->generation == key.generation && last->round == announced_generation;
}

/*
 * Has a directory been told, and so all above it? It is that of the CPU's last open from now on,
 * so its file system has to be told before: to have been in it tells a directory only.
 */
static __noinline int is_told(struct emit *e, struct dentry *dir, struct vfsmount *mnt)
{
	struct lm_told_dir *last = &e->control->last_dir;
	struct announced_key key = dir_key(dir, mnt);
	__u32 round = announced_generation;
	__u32 *told = bpf_map_lookup_elem(&announced, &key);

	if (!told || *told != round)
		return false;
	last->inode = key.inode;
	last->dev = key.dev;
	last->mount = key.mount;
	last->generation = key.generation;
	last->round = round;
	return true;
}

static __always_inline void forget(struct announced_key *key)
{
	bpf_map_delete_elem(&announced, key);
}

static __noinline int announce_fs(struct emit *e, struct super_block *sb)
{
	struct announced_key key = { .dev = READ(sb, s_dev) };
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
	fs->magic = READ(sb, s_magic);
	BPF_CORE_READ_INTO(&fs->uuid, sb, s_uuid.b);
	emit_commit(e, fs, sizeof(*fs));
	return done();
}

/* Copy a dentry's name. Returns its length, without the NUL; where it fails, the record says so. */
static __always_inline __u32 read_name(struct lm_raw *raw, char *out, struct dentry *dentry)
{
	const unsigned char *name = READ(dentry, d_name.name);
	long len = bpf_probe_read_kernel_str(out, LM_RAW_NAME_BYTES, name);

	if (len < 1 || len > LM_RAW_NAME_BYTES) {
		raw->flags |= LM_RAW_PARTIAL;
		return 0;
	}
	return len - 1;
}

/* The directories of one walk; kept on the stack of the probe. */
struct walk {
	struct emit *emit;
	struct vfsmount *mnt;
	struct dentry *dentry;
	struct vfsmount *root_mnt; /* the process's "/" */
	struct dentry *root_dentry;
	__u32 ended;
};

#define WALK_MAX 1024 /* levels: PATH_MAX has room for twice as many, all of one letter */
#define WALK_MAX_UNROLLED 32 /* without bpf_loop(): more makes the verifier slow */

/*
 * Tell one directory and step to its parent. Returns false at the end: a
 * directory already told, or the root of the mount namespace.
 */
static __always_inline bool announce_step(struct walk *w)
{
	struct emit *e = w->emit;
	struct dentry *dentry = w->dentry;
	struct vfsmount *mnt = w->mnt;
	struct mount *mount = mount_of(mnt);
	struct inode *inode = READ(dentry, d_inode);
	struct announced_key key = dir_key(dentry, mnt);
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

		if (dentry != READ(mnt, mnt_root))
			break;
		flags |= LM_RAW_MOUNT;
		up = READ(mount, mnt_parent);
		if (up == mount) {
			flags |= LM_RAW_ROOT;
			break;
		}
		dentry = READ(mount, mnt_mountpoint);
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
	parent = READ(dentry, d_parent);
	if (parent == dentry) {
		/* Nothing above: the top of a namespace, or of a file system mounted nowhere. */
		dir->raw.flags |= LM_RAW_ROOT;
		dir->parent_inode = 0;
		dir->parent_dev = 0;
		dir->name_len = 0;
	} else {
		dir->parent_inode = READ(parent, d_inode, i_ino);
		dir->parent_dev = READ(parent, d_inode, i_sb, s_dev);
		dir->name_len = read_name(&dir->raw, dir->name, dentry);
	}
	bytes = sizeof(*dir) + dir->name_len;
	emit_commit(e, dir, bytes);
	if (parent == dentry)
		return false;
	w->mnt = mnt;
	w->dentry = parent;
	return true;
}

static __noinline long announce_next(__u32 index, void *data)
{
	struct walk *w = data;

	w->ended = !announce_step(w);
	return w->ended;
}

/* Tell the names of a directory and of all above it, as far as they are not told yet. */
static __noinline int announce_dir(struct walk *w)
{
	w->ended = 0;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		bpf_loop(WALK_MAX, announce_next, w, 0);
	else
		for (int i = 0; i < WALK_MAX_UNROLLED && !w->ended; i++)
			announce_next(i, w);
	if (!w->ended) {
		/* What is above stays unknown, and is said to be so by a gap. */
		emit_fault(w->emit, LM_RAW_DIR, LM_RAW_GAP_FAULT);
	}
	return done();
}

static __always_inline void walk_from(struct walk *w, struct emit *e, struct task_struct *task,
	struct vfsmount *mnt, struct dentry *dentry)
{
	w->emit = e;
	w->mnt = mnt;
	w->dentry = dentry;
	w->root_mnt = READ(task, fs, root.mnt);
	w->root_dentry = READ(task, fs, root.dentry);
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
	struct pid *pid = READ(task, thread_pid);
	__u32 level = READ(pid, level);
	struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid);

	if (!pid || level > 32)
		return 0;
	*ret_ns = READ(upid, ns, ns.inum);
	return READ(upid, nr);
}

/*
 * Whom a file in /proc/PID is about, by the number in the first pid namespace. Not by pid_of(): the
 * chain of calls would be one too deep for the stack.
 */
static __noinline __u32 proc_about(struct inode *inode)
{
	struct proc_inode *proc;
	struct upid *first;
	struct pid *pid;

	if (READ(inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return 0;
	proc = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	pid = READ(proc, pid);
	first = (void *)pid + bpf_core_field_offset(struct pid, numbers);
	return pid ? READ(first, nr) : 0;
}

#define O_TMPFILE_BIT 020000000 /* the name of such a file is made up by the kernel */

/* The file system of an open file, and the names of the directories above it. */
static __always_inline void announce_open(struct emit *e, struct task_struct *task,
	struct file *file)
{
	struct dentry *dentry = READ(file, f_path.dentry);
	struct dentry *parent = READ(dentry, d_parent);
	struct vfsmount *mnt = READ(file, f_path.mnt);
	/* The top of a mount is named by its mount point: start at itself. */
	struct dentry *dir = dentry == READ(mnt, mnt_root) ? dentry : parent;
	/* A file of a kernel-internal mount (memfd, mqueue, ...) is below nothing with a path. */
	bool has_path = !(READ(mnt, mnt_flags) & MNT_INTERNAL) &&
		(parent != dentry || (READ(dentry, d_inode, i_mode) & S_IFMT) == S_IFDIR);
	struct walk w;

	if (has_path && is_last_dir(e, dir, mnt))
		return;
	run(announce_fs(e, READ(dentry, d_inode, i_sb)));
	if (!has_path || is_told(e, dir, mnt))
		return;
	walk_from(&w, e, task, mnt, dir);
	run(announce_dir(&w));
}

/* @param open  with room for a name behind it */
static __noinline int fill_open(struct lm_raw_open *open, struct file *file, int fd, __u64 arg)
{
	struct dentry *dentry = READ(file, f_path.dentry);
	struct dentry *parent = READ(dentry, d_parent);
	struct vfsmount *mnt = READ(file, f_path.mnt);

	fill_file(&open->file, file);
	open->oflags = READ(file, f_flags);
	open->fd = fd;
	open->arg = arg;
	if (READ(file, f_mode) & FMODE_CREATED)
		open->raw.flags |= LM_RAW_CREATED;
	open->about = proc_about(READ(file, f_inode));
	open->pad = 0;
	open->dir_inode = 0;
	open->dir_dev = 0;
	open->name_len = 0;
	if (parent == dentry) {
		/* "memfd:..." and the like; a directory's would be "/". */
		if ((open->file.mode & S_IFMT) != S_IFDIR)
			open->name_len = read_name(&open->raw, open->name, dentry);
	} else if (dentry != READ(mnt, mnt_root) && !(open->oflags & O_TMPFILE_BIT)) {
		open->dir_inode = READ(parent, d_inode, i_ino);
		open->dir_dev = READ(parent, d_inode, i_sb, s_dev);
		open->name_len = read_name(&open->raw, open->name, dentry);
	}
	return done();
}

/* An open file with its name. */
static __noinline int emit_open(struct emit *e, struct task_struct *task, struct file *file, int fd,
	__u64 arg)
{
	struct lm_raw_open *open;

	announce_open(e, task, file);
	open = emit_reserve(e, LM_RAW_OPEN, sizeof(*open) + LM_RAW_NAME_BYTES);
	if (!open)
		return done();
	run(fill_open(open, file, fd, arg));
	emit_commit(e, open, sizeof(*open) + open->name_len);
	return done();
}

static __always_inline void fill_inet(struct lm_raw_socket *out, struct sock *sk, __u16 family)
{
	out->local.family = family;
	out->remote.family = family;
	/* skc_num becomes 0 when the connection ends, inet_sport stays. */
	out->local.port = READ(sk, __sk_common.skc_num);
	if (!out->local.port)
		out->local.port = bpf_ntohs(READ((struct inet_sock *)sk, inet_sport));
	out->remote.port = bpf_ntohs(READ(sk, __sk_common.skc_dport));
	if (family == AF_INET) {
		*(__u32 *)out->local.ip = READ(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)out->remote.ip = READ(sk, __sk_common.skc_daddr);
	} else {
		BPF_CORE_READ_INTO(&out->local.ip, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&out->remote.ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	}
}

#define UNIX_PATH_BYTES 108 /* UNIX_PATH_MAX */

/* Read a unix address; the leading NUL of an abstract one becomes "@". */
static __always_inline void fill_unix_path(struct lm_raw_socket *out, struct unix_address *addr)
{
	__u64 len = (__u32)READ(addr, len) - 2; /* behind sun_family */
	const char *from = (void *)addr + bpf_core_field_offset(struct unix_address, name) + 2;

	if (!addr)
		return;
	hide_var(len); /* keep the compiler from undoing the bound that the verifier looks for */
	if (!len || len > UNIX_PATH_BYTES)
		return;
	if (bpf_probe_read_kernel(out->path, len, from)) {
		out->raw.flags |= LM_RAW_PARTIAL;
		return;
	}
	out->path_len = len;
	if (out->path[0] == 0)
		out->path[0] = '@';
	else if (out->path[(len - 1) & 127] == 0)
		out->path_len = len - 1; /* the kernel counts the NUL behind a path */
}

static __always_inline void fill_unix(struct lm_raw_socket *out, struct sock *sk)
{
	struct unix_sock *u = (void *)sk;
	struct unix_sock *peer = (void *)READ(u, peer);
	struct dentry *bound = READ(u, path.dentry);
	struct unix_address *addr = READ(u, addr);

	if (peer)
		out->peer_inode =
			READ((struct sock *)peer, sk_socket, file, f_inode, i_ino);
	if (addr) {
		out->local.family = AF_UNIX;
	} else if (peer) {
		bound = READ(peer, path.dentry);
		addr = READ(peer, addr);
		out->remote.family = addr ? AF_UNIX : 0;
	}
	if (bound) {
		out->path_inode = READ(bound, d_inode, i_ino);
		out->path_dev = READ(bound, d_inode, i_sb, s_dev);
	}
	fill_unix_path(out, addr);
}

/* Describe the socket behind a file. Everything not known is zero. */
static __noinline int fill_socket(struct lm_raw_socket *out, struct file *file)
{
	struct inode *inode = READ(file, f_inode);
	struct socket *socket = READ(file, private_data);
	struct sock *sk = READ(socket, sk);
	__u16 family = READ(sk, __sk_common.skc_family);

	__builtin_memset((void *)out + sizeof(out->raw), 0, sizeof(*out) - sizeof(out->raw));
	out->inode = READ(inode, i_ino);
	out->dev = READ(inode, i_sb, s_dev);
	if (!sk)
		return done();
	out->family = family;
	out->type = READ(sk, sk_type);
	out->protocol = READ(sk, sk_protocol);
	out->cookie = READ(sk, __sk_common.skc_cookie.counter);
	out->ns_net = READ(sk, __sk_common.skc_net.net, ns.inum);
	if (family == AF_INET || family == AF_INET6)
		fill_inet(out, sk, family);
	else if (family == AF_UNIX)
		fill_unix(out, sk);
	return done();
}

/* A socket, and not its name in a file system, which O_PATH opens: that has no struct socket. */
static __always_inline bool is_socket(struct file *file)
{
	return file && READ(file, f_inode, i_sb, s_magic) == SOCKFS_MAGIC;
}
