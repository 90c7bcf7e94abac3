/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <linux/ioprio.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/*
 * Calls that mean one thing or another by an argument, and what is the kernel's
 * own behind the face of a file.
 */

#define O_PATH_FLAG 010000000u /* O_PATH of fcntl.h: what mount calls return */

static bool sets_flags(uint64_t request)
{
	return request == LM_IOCTL_SET_FLAGS || request == LM_IOCTL_SET_FLAGS32 ||
		request == LM_IOCTL_SET_XFLAGS || request == LM_IOCTL_ENABLE_VERITY;
}

void choose_fd_op(const struct lm_raw_fd *raw, struct lm_event *event)
{
	switch (lm_call_native(raw->raw.call)) {
	case SYS_ioctl:
		event->op = sets_flags(raw->arg) ? LM_OP_SETFLAGS : LM_OP_IOCTL;
		break;
	case SYS_io_submit:
	case SYS_io_getevents:
	case SYS_io_pgetevents:
		event->op = raw->arg == LM_AIO_READ || raw->arg == LM_AIO_READV ? LM_OP_READ :
			LM_OP_WRITE;
		event->flags |= LM_EVENT_CLAIMED; /* the descriptor stands in user memory */
		event->arg = 0;
		break;
	}
	if (event->op == LM_OP_OPEN)
		event->arg = O_PATH_FLAG;
}

void turn_to_kernel(struct lm_event *event)
{
	switch (event->op) {
	case LM_OP_MODULE:
	case LM_OP_KEXEC:
	case LM_OP_KERNEL:
		event->object2 = event->object;
		event->object = LM_OBJECT_KERNEL;
		break;
	}
}

bool is_task_target(const struct lm_raw_task *raw)
{
	switch (lm_call_native(raw->raw.call)) {
	case SYS_setpriority:
		return raw->arg == PRIO_PROCESS; /* else a group or a user */
	case SYS_ioprio_set:
		return raw->arg == IOPRIO_WHO_PROCESS;
	}
	return true;
}

/* The source of a mount is a path where it is mounted again; else it depends on the file system. */
static bool source_is_path(const struct lm_raw_path *raw, struct lm_str source)
{
	if (lm_call_native(raw->raw.call) != SYS_mount)
		return true;
	if (raw->arg3 & MS_REMOUNT || !source.len)
		return false;
	return source.data[0] == '/' || raw->arg3 & (MS_BIND | MS_MOVE);
}

int set_mount_source(struct lm_identify *id, const struct lm_raw_path *raw,
	const struct process *process, struct lm_str source, struct lm_event *event)
{
	uint64_t now = raw->raw.time_ns;
	struct place place = { 0 };
	lm_object_id start;
	int r;

	switch (lm_call_native(raw->raw.call)) {
	case SYS_mount:
		event->arg = raw->arg3;
		break;
	case SYS_move_mount:
		event->arg = raw->arg4;
		break;
	case SYS_fsconfig: /* its only path is the source */
		event->name2 = event->name;
		event->object2 = event->object;
		event->name = event->object = LM_OBJECT_NONE;
		return 0;
	default:
		return 0;
	}
	if (!source_is_path(raw, source))
		return 0;
	r = find_inode(id, now, raw->start2_inode, raw->start2_dev, S_IFDIR, &start);
	if (r == 0)
		r = resolve(id, now, process, start, source, true, &place);
	if (r < 0)
		return r;
	event->name2 = place.name;
	event->object2 = place.object;
	if (!event->object2 && name_of(id, place.name))
		event->object2 = name_of(id, place.name)->file;
	return 0;
}

/* include/uapi/linux/major.h, Documentation/admin-guide/devices.txt: mem, kmem, port */
bool is_memory_device(const struct lm_raw_inode *raw)
{
	return S_ISCHR(raw->mode) && (raw->rdev == (1u << 20 | 1) || raw->rdev == (1u << 20 | 2) ||
					     raw->rdev == (1u << 20 | 4));
}

#define PROC_ROOT_INODE 1 /* fs/proc/internal.h: PROC_ROOT_INO */
#define PROC_DEPTH_MAX 32

/* Below /proc/sys, or /proc/sysrq-trigger. */
static bool is_setting(struct lm_identify *id, const struct inode_entry *entry)
{
	for (int i = 0; i < PROC_DEPTH_MAX; i++) {
		const struct name_entry *name = name_of(id, entry->name);
		const struct inode_entry *dir = name ? inode_of(id, name->dir) : NULL;
		struct lm_str text;

		if (!dir || dir->dev != entry->dev)
			return false;
		text = text_of(name);
		if (dir->inode == PROC_ROOT_INODE)
			return lm_str_equal(text, LM_STR("sys")) ||
				lm_str_equal(text, LM_STR("sysrq-trigger"));
		entry = dir;
	}
	return false;
}

/* Files whose writing changes the kernel itself, by file system. */
static enum surface surface_of(struct lm_identify *id, const struct inode_entry *entry)
{
	const struct file_system *fs = file_system_of(id, entry->dev);

	if (!fs)
		return SURFACE_UNKNOWN;
	switch (fs->magic) {
	case SYSFS_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case EFIVARFS_MAGIC:
	case SELINUX_MAGIC:
	case SMACK_MAGIC:
	case 0x62656570: /* configfs, fs/configfs/mount.c */
		return SURFACE_KERNEL;
	case PROC_SUPER_MAGIC:
		return is_setting(id, entry) ? SURFACE_KERNEL : SURFACE_FILE;
	}
	return SURFACE_FILE;
}

bool changes_kernel(struct lm_identify *id, struct inode_entry *entry)
{
	if (!entry || entry->kind != LM_OBJECT_KIND_FILE)
		return false;
	if (entry->surface == SURFACE_UNKNOWN)
		entry->surface = (uint8_t)surface_of(id, entry);
	return entry->surface == SURFACE_KERNEL;
}
