/* SPDX-License-Identifier: MIT */
#include "want.h"

/*
 * The first that the log hears of a directory is a call that only hands in a
 * path. What is opened there afterwards must be known by the same name, or
 * whoever made the name will not be found.
 *
 * The test makes "unseen/CASE/f" for every case, before the recorder starts.
 */
static void look(const char *path, int flags)
{
	want_close(want_open(path, flags), path);
}

static void gone(const char *path)
{
	FAIL(ENOENT, openat, AT_FDCWD, path, O_RDONLY, 0);
	WANT(.op = "open", .path = path);
}

static void names(void)
{
	OK(rename, want_path("unseen/rename/f"), want_path("unseen/rename/g"));
	WANT(.op = "rename", .path = "unseen/rename/f", .path2 = "unseen/rename/g");
	look("unseen/rename/g", O_RDONLY);
	gone("unseen/rename/f");
	OK(rename, want_path("unseen/from/f"), want_path("unseen/to/g"));
	WANT(.op = "rename", .path = "unseen/from/f", .path2 = "unseen/to/g");
	look("unseen/to/g", O_RDONLY);
	gone("unseen/from/f");
	OK(unlink, want_path("unseen/unlink/f"));
	WANT(.op = "unlink", .path = "unseen/unlink/f");
	gone("unseen/unlink/f");
	OK(mkdir, want_path("unseen/mkdir/d"), 0755);
	WANT(.op = "mkdir", .path = "unseen/mkdir/d");
	look("unseen/mkdir/d", O_RDONLY);
	OK(mknod, want_path("unseen/mknod/n"), S_IFREG | 0644, 0);
	WANT(.op = "mknod", .path = "unseen/mknod/n");
	look("unseen/mknod/n", O_RDONLY);
	OK(link, want_path("unseen/link/f"), want_path("unseen/link/g"));
	WANT(.op = "link", .path = "unseen/link/f", .path2 = "unseen/link/g");
	look("unseen/link/g", O_RDONLY);
	OK(symlink, "f", want_path("unseen/symlink/s"));
	WANT(.op = "symlink", .path = "unseen/symlink/s");
	look("unseen/symlink/s", O_PATH | O_NOFOLLOW);
}

static void attributes(void)
{
	OK(chmod, want_path("unseen/chmod/f"), 0600);
	WANT(.op = "chmod", .path = "unseen/chmod/f");
	look("unseen/chmod/f", O_RDONLY);
	OK(chown, want_path("unseen/chown/f"), 1, 1);
	WANT(.op = "chown", .path = "unseen/chown/f");
	look("unseen/chown/f", O_RDONLY);
	OK(truncate, want_path("unseen/truncate/f"), 1);
	WANT(.op = "truncate", .path = "unseen/truncate/f");
	look("unseen/truncate/f", O_RDONLY);
	OK(utimensat, AT_FDCWD, want_path("unseen/utimensat/f"), NULL, 0);
	WANT(.op = "utimes", .path = "unseen/utimensat/f");
	look("unseen/utimensat/f", O_RDONLY);
	OK(setxattr, want_path("unseen/setxattr/f"), "trusted.a", "1", 1, 0);
	WANT(.op = "setxattr", .path = "unseen/setxattr/f");
	look("unseen/setxattr/f", O_RDONLY);
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	names();
	attributes();
	want_end();
}
