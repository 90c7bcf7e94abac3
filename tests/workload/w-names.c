/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/fs.h>
#include <sys/sysmacros.h>

/* Making, changing and removing names: plain calls and those that start at a directory. */

static int dir; /* "dir" */

static void making(void)
{
	OK(mkdir, "dir", 0755);
	WANT(.op = "mkdir", .path = "dir");
	dir = want_open("dir", O_RDONLY | O_DIRECTORY);
	OK(mkdirat, dir, "sub", 0700);
	WANT(.op = "mkdir", .path = "dir/sub");
	OK(mkdirat, AT_FDCWD, want_path("dir/sub/deep"), 0700);
	WANT(.op = "mkdir", .path = "dir/sub/deep");
	OK(mknod, "node", S_IFREG | 0644, 0);
	WANT(.op = "mknod", .path = "node");
	OK(mknodat, dir, "fifo", S_IFIFO | 0644, 0);
	WANT(.op = "mknod", .path = "dir/fifo");
	OK(mknodat, dir, "null", S_IFCHR | 0600, makedev(1, 3));
	WANT(.op = "mknod", .path = "dir/null");
}

static void linking(void)
{
	int fd;

	want_file("file", "linked");
	OK(link, "file", "hard");
	WANT(.op = "link", .path = "file", .path2 = "hard");
	OK(linkat, AT_FDCWD, "file", dir, "hard", 0);
	WANT(.op = "link", .path = "file", .path2 = "dir/hard");
	OK(symlink, "file", "soft");
	WANT(.op = "symlink", .path = "soft");
	OK(symlinkat, "../file", dir, "soft");
	WANT(.op = "symlink", .path = "dir/soft");
	OK(linkat, AT_FDCWD, "soft", dir, "followed", AT_SYMLINK_FOLLOW);
	WANT(.op = "link", .path = "file", .path2 = "dir/followed");
	OK(linkat, AT_FDCWD, "soft", dir, "soft2", 0);
	WANT(.op = "link", .path = "soft", .path2 = "dir/soft2");

	/* A file made without a name gets one. */
	fd = (int)OK(openat, AT_FDCWD, ".", O_RDWR | O_TMPFILE, 0600);
	WANT(.op = "open", .fd = fd);
	OK(linkat, fd, "", AT_FDCWD, "from-tmpfile", AT_EMPTY_PATH);
	WANT(.op = "link", .path2 = "from-tmpfile");
	want_close(fd, "from-tmpfile");

	/* What is reached through a hard link is called by the link. */
	want_close(want_open("dir/hard", O_RDONLY), "dir/hard");
}

static void renaming(void)
{
	OK(rename, "node", "renamed");
	WANT(.op = "rename", .path = "node", .path2 = "renamed");
	OK(renameat, AT_FDCWD, "renamed", dir, "renamed");
	WANT(.op = "rename", .path = "renamed", .path2 = "dir/renamed");
	OK(renameat2, dir, "renamed", dir, "again", RENAME_NOREPLACE);
	WANT(.op = "rename", .path = "dir/renamed", .path2 = "dir/again");
	want_file("over", "written over");
	OK(rename, want_path("dir/again"), want_path("over"));
	WANT(.op = "rename", .path = "dir/again", .path2 = "over");
	OK(renameat2, AT_FDCWD, "over", AT_FDCWD, "file", RENAME_EXCHANGE);
	WANT(.op = "rename", .path = "over", .path2 = "file");
	want_close(want_open("over", O_RDONLY), "over");
	OK(rename, "dir/sub/../soft", "soft");
	WANT(.op = "rename", .path = "dir/soft", .path2 = "soft");
}

static void removing(void)
{
	OK(unlink, "hard");
	WANT(.op = "unlink", .path = "hard");
	OK(unlinkat, dir, "hard", 0);
	WANT(.op = "unlink", .path = "dir/hard");
	/* The link itself, not what it leads to. */
	OK(unlink, "soft");
	WANT(.op = "unlink", .path = "soft");
	OK(unlinkat, dir, "fifo", 0);
	WANT(.op = "unlink", .path = "dir/fifo");
	OK(rmdir, "dir/sub/deep");
	WANT(.op = "rmdir", .path = "dir/sub/deep");
	OK(unlinkat, dir, "sub", AT_REMOVEDIR);
	WANT(.op = "rmdir", .path = "dir/sub");
}

/* A file lives on without a name, and its name can be given to another. */
static void unlinked(void)
{
	int old = want_open("reused", O_RDWR | O_CREAT), new;

	OK(unlink, "reused");
	WANT(.op = "unlink", .path = "reused");
	new = want_open("reused", O_RDWR | O_CREAT);
	OK(write, old, "old", 3);
	WANT(.op = "write", .fd = old);
	want_write(new, "reused", "new");
	want_close(new, "reused");
	OK(close, old);
	WANT(.op = "close");
}

#define REPORTED_US 30000 /* by then what was done before has been read */

/*
 * The kernel merges its reports of equal changes that have not been read yet: that one name of a
 * file was made before another is no sign that it was removed before it.
 */
static void merged(void)
{
	want_file("kept", "twice");
	OK(link, "kept", "twin");
	WANT(.op = "link", .path = "kept", .path2 = "twin");
	usleep(REPORTED_US);
	OK(linkat, AT_FDCWD, "kept", dir, "twin", 0);
	WANT(.op = "link", .path = "kept", .path2 = "dir/twin");
	OK(unlink, "twin");
	WANT(.op = "unlink", .path = "twin");
	OK(unlinkat, dir, "twin", 0);
	WANT(.op = "unlink", .path = "dir/twin");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	making();
	linking();
	renaming();
	removing();
	unlinked();
	merged();
	want_close(dir, "dir");
	want_end();
}
