/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/mount.h>
#include <sched.h>

/* From sys/mount.h, which does not go together with linux/mount.h. */
#define MNT_DETACH 2

/* Mounting: where, and what; by one call and by several. In a mount namespace of its own. */

static void in_one_call(void)
{
	OK(mount, "memory", "there", "tmpfs", 0, NULL);
	WANT(.op = "mount", .path = "there", .has_arg = 1);
	OK(umount2, "there", MNT_DETACH);
	WANT(.op = "umount", .path = "there", .has_arg = 1, .arg = MNT_DETACH);
	OK(mount, "source", "there", NULL, MS_BIND, NULL);
	WANT(.op = "mount", .path = "there", .path2 = "source", .has_arg = 1, .arg = MS_BIND);
	want_file("source/file", "seen twice");
	OK(umount2, "there", 0);
	WANT(.op = "umount", .path = "there");
	FAIL(ENOENT, mount, "absent", "there", NULL, MS_BIND, NULL);
	WANT(.op = "mount", .path = "there", .path2 = "absent");
}

static void in_several(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int context, tree;

	tree = (int)OK(open_tree, AT_FDCWD, "source", OPEN_TREE_CLONE);
	WANT(.op = "open", .path = "source", .fd = tree);
	OK(move_mount, tree, "", AT_FDCWD, "there", MOVE_MOUNT_F_EMPTY_PATH);
	WANT(.op = "mount", .path = "there", .path2 = "source", .has_arg = 1,
		.arg = MOVE_MOUNT_F_EMPTY_PATH);
	OK(mount_setattr, AT_FDCWD, "there", 0, &attr, sizeof(attr));
	WANT(.op = "mount", .path = "there");
	want_close(tree, "source");
	OK(umount2, "there", 0);
	WANT(.op = "umount", .path = "there");

	context = (int)OK(fsopen, "tmpfs", 0);
	OK(fsconfig, context, FSCONFIG_SET_STRING, "source", "source", 0);
	WANT(.op = "mount", .path2 = "source");
	OK(fsconfig, context, FSCONFIG_SET_STRING, "size", "1m", 0);
	OK(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	tree = (int)OK(fsmount, context, 0, 0);
	WANT(.op = "open", .fd = tree);
	OK(move_mount, tree, "", AT_FDCWD, "there", MOVE_MOUNT_F_EMPTY_PATH);
	WANT(.op = "mount", .path = "there");
	OK(umount2, "there", MNT_DETACH);
	WANT(.op = "umount", .path = "there");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	OK(mkdir, "source", 0755);
	WANT(.op = "mkdir", .path = "source");
	OK(mkdir, "there", 0755);
	WANT(.op = "mkdir", .path = "there");
	OK(unshare, CLONE_NEWNS);
	WANT(.op = "setns", .has_arg = 1, .arg = CLONE_NEWNS);
	OK(mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	WANT(.op = "mount", .path = "/");
	in_one_call();
	in_several();
	want_end();
}
