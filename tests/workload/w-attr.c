/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/xattr.h>
#include <sys/time.h>
#include <time.h>
#include <utime.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_removexattrat 466
#endif

/* struct xattr_args of linux/xattr.h, 6.13 and later. */
struct set_args {
	uint64_t value;
	uint32_t size, flags;
};

/* Attributes: mode, owner, times, extended ones; by name, by link and by descriptor. */

static int dir, fd; /* "dir", "file" */

static void modes(void)
{
	OK(chmod, "file", 0600);
	WANT(.op = "chmod", .path = "file", .has_arg = 1, .arg = 0600);
	OK(fchmod, fd, 0640);
	WANT(.op = "chmod", .path = "file", .fd = fd, .has_arg = 1, .arg = 0640);
	OK(fchmodat, dir, "inner", 04755);
	WANT(.op = "chmod", .path = "dir/inner", .has_arg = 1, .arg = 04755);
	/* Not there before 6.6: then an attempt that failed. */
	CALL(fchmodat2, AT_FDCWD, "file", 0644, 0);
	WANT(.op = "chmod", .path = "file", .has_arg = 1, .arg = 0644);
	OK(chmod, "link", 0644);
	WANT(.op = "chmod", .path = "file", .has_arg = 1, .arg = 0644);
}

static void owners(void)
{
	OK(chown, "file", 1, 2);
	WANT(.op = "chown", .path = "file");
	OK(fchown, fd, 3, 4);
	WANT(.op = "chown", .path = "file", .fd = fd);
	OK(lchown, "link", 5, 6);
	WANT(.op = "chown", .path = "link");
	OK(fchownat, dir, "inner", 7, 8, 0);
	WANT(.op = "chown", .path = "dir/inner");
	OK(fchownat, fd, "", 9, 10, AT_EMPTY_PATH);
	WANT(.op = "chown", .path = "file");
	OK(fchownat, AT_FDCWD, "link", 11, 12, AT_SYMLINK_NOFOLLOW);
	WANT(.op = "chown", .path = "link");
}

static void times(void)
{
	struct utimbuf seconds = { .actime = 1, .modtime = 2 };
	struct timeval micros[2] = { { .tv_sec = 3 }, { .tv_sec = 4 } };
	struct timespec nanos[2] = { { .tv_sec = 5 }, { .tv_sec = 6 } };

	OK(utime, "file", &seconds);
	WANT(.op = "utimes", .path = "file");
	OK(utimes, "file", micros);
	WANT(.op = "utimes", .path = "file");
	OK(futimesat, dir, "inner", micros);
	WANT(.op = "utimes", .path = "dir/inner");
	OK(utimensat, dir, "inner", nanos, 0);
	WANT(.op = "utimes", .path = "dir/inner");
	OK(utimensat, fd, NULL, nanos, 0);
	WANT(.op = "utimes", .path = "file", .fd = fd);
	OK(utimensat, AT_FDCWD, "link", nanos, AT_SYMLINK_NOFOLLOW);
	WANT(.op = "utimes", .path = "link");
}

/* trusted.* is kept by every file system that keeps any, for root. */
static void extended(void)
{
	struct set_args args = { .value = (uintptr_t)"v", .size = 1 };

	OK(setxattr, "file", "trusted.a", "1", 1, 0);
	WANT(.op = "setxattr", .path = "file");
	OK(lsetxattr, "link", "trusted.b", "22", 2, 0);
	WANT(.op = "setxattr", .path = "link");
	OK(fsetxattr, fd, "trusted.c", "333", 3, 0);
	WANT(.op = "setxattr", .path = "file", .fd = fd);
	OK(removexattr, "file", "trusted.a");
	WANT(.op = "setxattr", .path = "file");
	OK(lremovexattr, "link", "trusted.b");
	WANT(.op = "setxattr", .path = "link");
	OK(fremovexattr, fd, "trusted.c");
	WANT(.op = "setxattr", .path = "file", .fd = fd);
	/* Not there before 6.13. */
	CALL(setxattrat, dir, "inner", 0, "trusted.d", &args, sizeof(args));
	WANT(.op = "setxattr", .path = "dir/inner");
	CALL(removexattrat, dir, "inner", 0, "trusted.d");
	WANT(.op = "setxattr", .path = "dir/inner");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	OK(mkdir, "dir", 0755);
	WANT(.op = "mkdir", .path = "dir");
	dir = want_open("dir", O_RDONLY | O_DIRECTORY);
	want_file("file", "attributes");
	want_file("dir/inner", "attributes");
	OK(symlink, "file", "link");
	WANT(.op = "symlink", .path = "link");
	fd = want_open("file", O_RDWR);
	modes();
	owners();
	times();
	extended();
	want_close(fd, "file");
	want_close(dir, "dir");
	want_end();
}
