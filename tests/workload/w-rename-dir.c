/* SPDX-License-Identifier: MIT */
#include "want.h"

/* Renaming a directory renames all below it: descriptors, working directories and paths follow. */

static void make(const char *path)
{
	OK(mkdir, path, 0755);
	WANT(.op = "mkdir", .path = path);
}

static void move(const char *from, const char *to)
{
	OK(rename, from, to);
	WANT(.op = "rename", .path = from, .path2 = to);
}

static void below(void)
{
	int fd;

	make("a");
	make("a/x");
	fd = want_open("a/x/f", O_RDWR | O_CREAT);
	want_write(fd, "a/x/f", "before");
	move("a", "b");
	want_write(fd, "b/x/f", "after");
	want_close(want_open("b/x/f", O_RDONLY), "b/x/f");
	move("b/x", "b/y");
	want_write(fd, "b/y/f", "after another");
	want_close(fd, "b/y/f");

	/* The old name, given to others, leads to others. */
	make("a");
	make("a/x");
	want_file("a/x/f", "a stranger");
	want_close(want_open("b/y/f", O_RDONLY), "b/y/f");
}

static void inside(void)
{
	int fd;

	make("in");
	make("in/deep");
	OK(chdir, "in/deep");
	WANT(.op = "chdir", .path = "in/deep");
	move(want_path("in"), want_path("out"));
	fd = (int)OK(openat, AT_FDCWD, "g", O_RDWR | O_CREAT, 0644);
	WANT(.op = "open", .path = "out/deep/g", .fd = fd);
	want_close(fd, "out/deep/g");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	below();
	inside();
	want_end();
}
