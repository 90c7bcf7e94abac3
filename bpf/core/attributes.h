/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#pragma once

#include "core/extract.h"

/*
 * What investigators ask of every process: who it is for the kernel, who
 * logged in, which container it is in, what it may do. Read at exec, at calls
 * that change the caller, and of what was found at the start; never at a read
 * or a write.
 */

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn)
{
	struct kernfs_node___before_6_15 *old = (void *)kn;

	/* Renamed by 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent."). */
	if (bpf_core_field_exists(old->parent))
		return READ(old, parent);
	return READ(kn, __parent);
}

/* A task's group below the root in one hierarchy of version 1, or NULL. */
static __always_inline struct cgroup *cgroup_of_controller(struct css_set *set, __u64 controller)
{
	struct cgroup_subsys_state *css = NULL;
	struct cgroup *cgroup;

	if (bpf_probe_read_kernel(&css, sizeof(css), (void *)set +
			bpf_core_field_offset(struct css_set, subsys) + controller * sizeof(css)))
		return NULL;
	cgroup = READ(css, cgroup);
	return kernfs_parent(READ(cgroup, kn)) ? cgroup : NULL;
}

#define CONTROLLER(name) bpf_core_enum_value(enum cgroup_subsys_id, name)
#define HAS_CONTROLLER(name) bpf_core_enum_value_exists(enum cgroup_subsys_id, name)

/*
 * The group that tells the container: that of version 2, or, where nobody uses
 * it, that of a controller which container managers always set.
 */
static __noinline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup *unified = READ(set, dfl_cgrp), *cgroup = NULL;

	if (kernfs_parent(READ(unified, kn)))
		return unified;
	if (HAS_CONTROLLER(memory_cgrp_id))
		cgroup = cgroup_of_controller(set, CONTROLLER(memory_cgrp_id));
	if (!cgroup && HAS_CONTROLLER(pids_cgrp_id))
		cgroup = cgroup_of_controller(set, CONTROLLER(pids_cgrp_id));
	if (!cgroup && HAS_CONTROLLER(devices_cgrp_id))
		cgroup = cgroup_of_controller(set, CONTROLLER(devices_cgrp_id));
	if (!cgroup && HAS_CONTROLLER(cpu_cgrp_id))
		cgroup = cgroup_of_controller(set, CONTROLLER(cpu_cgrp_id));
	return cgroup ? cgroup : unified;
}

#define CGROUP_DEPTH_MAX 32
#define CGROUP_KEY_DEV 0xffffffff /* no device: keeps groups apart from directories */

/* Tell the path of a task's control group, once: for each group, not for each process. */
static __noinline int announce_cgroup(struct emit *e, struct task_struct *task)
{
	struct cgroup *cgroup = cgroup_of(task);
	struct kernfs_node *kn = READ(cgroup, kn), *up;
	struct announced_key key = {
		.inode = READ(kn, id),
		.dev = CGROUP_KEY_DEV,
		.mount = READ(cgroup, root, hierarchy_id),
	};
	struct lm_raw_cgroup *rec;
	__u64 len = 0;

	if (!kn || !announce_once(&key))
		return done();
	rec = emit_reserve(e, LM_RAW_CGROUP,
		sizeof(*rec) + LM_RAW_CGROUP_BYTES + LM_RAW_NAME_BYTES);
	if (!rec) {
		forget(&key);
		return done();
	}
	rec->cgroup = key.inode;
	rec->hierarchy = key.mount;
	for (int i = 0; i < CGROUP_DEPTH_MAX; i++) {
		long n;

		up = kernfs_parent(kn);
		if (!up)
			break;
		if (len > LM_RAW_CGROUP_BYTES - LM_RAW_NAME_BYTES) {
			rec->raw.flags |= LM_RAW_CUT;
			break;
		}
		len = at_most(len, LM_RAW_CGROUP_BYTES - LM_RAW_NAME_BYTES);
		n = bpf_probe_read_kernel_str(rec->names + len, LM_RAW_NAME_BYTES,
			READ(kn, name));
		if (n < 1 || n > LM_RAW_NAME_BYTES) {
			rec->raw.flags |= LM_RAW_PARTIAL;
			break;
		}
		len += n;
		kn = up;
		if (i == CGROUP_DEPTH_MAX - 1 && kernfs_parent(kn))
			rec->raw.flags |= LM_RAW_CUT;
	}
	rec->names_len = len;
	emit_commit(e, rec, sizeof(*rec) + at_most(len, LM_RAW_CGROUP_BYTES));
	return done();
}

#define READ_CAPS(out, cred, set)                                         \
	do {                                                              \
		out = 0;                                                  \
		bpf_probe_read_kernel(&out, sizeof(out),                  \
			(void *)(cred) + bpf_core_field_offset(struct cred, set)); \
	} while (0)

static __always_inline void fill_credentials(struct lm_raw_attributes *out,
	const struct cred *cred)
{
	READ_CAPS(out->cap_effective, cred, cap_effective);
	READ_CAPS(out->cap_permitted, cred, cap_permitted);
	READ_CAPS(out->cap_inheritable, cred, cap_inheritable);
	READ_CAPS(out->cap_bounding, cred, cap_bset);
	READ_CAPS(out->cap_ambient, cred, cap_ambient);
	out->uid = READ(cred, uid.val);
	out->euid = READ(cred, euid.val);
	out->suid = READ(cred, suid.val);
	out->fsuid = READ(cred, fsuid.val);
	out->gid = READ(cred, gid.val);
	out->egid = READ(cred, egid.val);
	out->sgid = READ(cred, sgid.val);
	out->fsgid = READ(cred, fsgid.val);
	out->ns_user = READ(cred, user_ns, ns.inum);
}

static __always_inline void fill_namespaces(struct lm_raw_attributes *out,
	struct task_struct *task)
{
	struct nsproxy *nsproxy = READ(task, nsproxy);

	out->ns_mnt = READ(nsproxy, mnt_ns, ns.inum);
	out->ns_net = READ(nsproxy, net_ns, ns.inum);
	out->ns_uts = READ(nsproxy, uts_ns, ns.inum);
	out->ns_ipc = READ(nsproxy, ipc_ns, ns.inum);
	out->ns_cgroup = READ(nsproxy, cgroup_ns, ns.inum);
	out->ns_time = 0;
	if (bpf_core_field_exists(nsproxy->time_ns))
		out->ns_time = READ(nsproxy, time_ns, ns.inum);
}

#define PFA_NO_NEW_PRIVS 0 /* include/linux/sched.h: bit of atomic_flags */

static __always_inline void fill_login(struct lm_raw_attributes *out, struct task_struct *task)
{
	out->loginuid = 0xffffffff;
	if (bpf_core_field_exists(task->loginuid))
		out->loginuid = READ(task, loginuid.val);
	out->session = 0xffffffff;
	if (bpf_core_field_exists(task->sessionid))
		out->session = READ(task, sessionid);
	out->seccomp = 0;
	if (bpf_core_field_exists(task->seccomp.mode))
		out->seccomp = READ(task, seccomp.mode);
	out->no_new_privs = READ(task, atomic_flags) >> PFA_NO_NEW_PRIVS & 1;
}

/* All but the names of directories and groups, which announce_place() tells. */
static __noinline int fill_attributes(struct lm_raw_attributes *out, struct task_struct *task)
{
	struct task_struct *leader = READ(task, group_leader);
	struct signal_struct *signal = READ(task, signal);
	struct tty_struct *tty = READ(signal, tty);
	struct fs_struct *fs = READ(task, fs);
	struct cgroup *cgroup = cgroup_of(task);

	out->start_ns = READ(leader, start_boottime);
	out->cgroup = READ(cgroup, kn, id);
	out->hierarchy = READ(cgroup, root, hierarchy_id);
	out->ns_tgid = ns_pid_of(leader, &out->ns_pid);
	out->parent_tgid = READ(leader, real_parent, tgid);
	out->sid = pid_of(READ(signal, pids[3]), 0);
	out->tty = 0;
	if (tty) {
		__u32 minor = READ(tty, driver, minor_start) + READ(tty, index);

		out->tty = READ(tty, driver, major) << 20 | minor;
	}
	fill_credentials(out, READ(task, cred));
	fill_namespaces(out, task);
	fill_login(out, task);
	out->pad[0] = out->pad[1] = 0;
	fill_inode(&out->cwd, fs ? READ(fs, pwd.dentry, d_inode) : NULL);
	fill_inode(&out->root, fs ? READ(fs, root.dentry, d_inode) : NULL);
	BPF_CORE_READ_INTO(&out->comm, leader, comm); /* a thread may have another */
	return done();
}

/* Where a process stands: its directories and its control group. */
static __always_inline void announce_place(struct emit *e, struct task_struct *task)
{
	struct fs_struct *fs = READ(task, fs);
	struct walk w;

	run(announce_cgroup(e, task));
	if (!fs)
		return;
	walk_from(&w, e, task, READ(fs, pwd.mnt), READ(fs, pwd.dentry));
	run(announce_dir(&w));
	walk_from(&w, e, task, READ(fs, root.mnt), READ(fs, root.dentry));
	run(announce_dir(&w));
}
