/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

/*
 * The kernel's own types, cut down to the members that are read. CO-RE looks
 * up each member by name in the running kernel's BTF, so order and padding do
 * not matter here; a member that moved or was renamed is an error at load time
 * unless it is guarded by bpf_core_field_exists().
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	struct {
		__u8 b[16];
	} s_uuid;
};

struct rb_node;

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
};

struct address_space {
	struct inode *host;
	struct rb_root_cached i_mmap;
};

struct inode {
	__u16 i_mode;
	__u32 i_rdev;
	__u32 i_generation;
	unsigned long i_ino;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	void *i_private;
};

struct pid;

struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct folio {
	unsigned long index;
};

struct page {
	unsigned long index;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	int mnt_flags;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	int mnt_id;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct eventfd_ctx {
	int id;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

/* Up to 6.11 a pointer and flags, since then one word: eight bytes, read as such. */
struct fd {
	struct file *file;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
};

struct ipc_namespace {
	struct ns_common ns;
	struct vfsmount *mq_mnt;
};

struct user_namespace {
	struct ns_common ns;
};

struct uts_namespace {
	struct ns_common ns;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct time_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct cgroup_namespace *cgroup_ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

/* Two 32-bit words up to 6.2, one 64-bit word since: eight bytes either way, read as such. */
typedef struct {
} kernel_cap_t;

struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	struct user_namespace *user_ns;
};

typedef struct {
	int counter;
} atomic_t;

struct mm_struct {
	atomic_t mm_users;
	unsigned long arg_start, arg_end, env_start, env_end;
	unsigned long saved_auxv[2];
	struct file *exe_file;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
	struct tty_struct *link; /* the other end of a pair */
	void *driver_data;
};

struct tty_file_private {
	struct tty_struct *tty;
};

struct signal_struct {
	atomic_t live;
	struct tty_struct *tty;
	struct pid *pids[4]; /* PIDTYPE_PID, _TGID, _PGID, _SID */
};

struct kernfs_node {
	struct kernfs_node *__parent;
	const char *name;
	__u64 id;
};

struct kernfs_node___before_6_15 {
	struct kernfs_node *parent;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

/* Only names count: what number a controller has, and whether, CO-RE finds out. */
enum cgroup_subsys_id {
	cpu_cgrp_id,
	memory_cgrp_id,
	devices_cgrp_id,
	pids_cgrp_id,
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
};

struct seccomp {
	int mode;
};

struct thread_info {
	__u32 status;
};

struct sched_entity {
	__u64 nr_migrations;
};

struct task_struct {
	struct thread_info thread_info;
	struct sched_entity se;
	unsigned int flags;
	unsigned int __state; /* TASK_*; 0: it can run */
	int pid;
	int tgid;
	int exit_code;
	__u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	const struct cred *cred;
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
	kuid_t loginuid;
	unsigned int sessionid;
	struct seccomp seccomp;
	unsigned long atomic_flags; /* PFA_*: no_new_privs is bit 0 */
	char comm[16];
};

struct iattr {
	unsigned int ia_valid;
};

struct linux_binprm {
	struct file *file;
	const char *filename, *interp; /* what was asked for; what runs it ("#!") */
	const char *fdpath; /* set by execveat with a descriptor */
	int argc;
};

struct kernel_siginfo {
	int si_signo;
	int si_code;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct file *vm_file;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct {
		__s64 counter;
	} skc_cookie;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	struct socket *sk_socket;
};

struct inet_sock {
	__u16 inet_sport;
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};

struct sockaddr_un {
	__u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct pt_regs {
	unsigned long r10, r9, r8, dx, si, di, bx, cx, bp, orig_ax;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#define S_IFMT 00170000
#define S_IFREG 0100000
#define S_IFCHR 0020000
#define DEV_PTMX (5u << 20 | 2) /* the kernel's own encoding */
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define SOCKFS_MAGIC 0x534f434b /* include/uapi/linux/magic.h */

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1

#define AT_FDCWD -100
#define PAGE_SHIFT 12 /* x86-64 */
#define PROC_SUPER_MAGIC 0x9fa0
#define MNT_INTERNAL 0x4000    /* include/linux/mount.h: the kernel's own, mounted nowhere */
#define FMODE_CREATED 0x100000 /* include/linux/fs.h: the open created the file */
#define X32_BIT 0x40000000u    /* arch/x86: calls of the x32 entry are numbered from here */
#define PF_IO_WORKER 0x00000010 /* include/linux/sched.h: a thread that works for io_uring */
#define TS_COMPAT 0x0002       /* arch/x86: the call came through the 32-bit entry */
#define AT_BASE 7 /* auxv: where the kernel mapped the ELF interpreter */
