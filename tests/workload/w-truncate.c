/* SPDX-License-Identifier: MIT */
#include "want.h"

/* Changing a file's length, by name and by descriptor. */
int main(int argc, char **argv)
{
	int fd;

	want_begin(argc, argv);
	want_file("file", "a line that will be cut");
	OK(truncate, "file", 6);
	WANT(.op = "truncate", .path = "file", .has_arg = 1, .arg = 6);
	fd = want_open("file", O_RDWR);
	OK(ftruncate, fd, 0);
	WANT(.op = "truncate", .path = "file", .fd = fd, .has_arg = 1);
	OK(ftruncate, fd, 4096);
	WANT(.op = "truncate", .path = "file", .fd = fd, .has_arg = 1, .arg = 4096);
	OK(ftruncate, fd, 1l << 33);
	WANT(.op = "truncate", .path = "file", .fd = fd, .has_arg = 1, .arg = 1l << 33);
	want_close(fd, "file");
	OK(truncate, want_path("file"), 1);
	WANT(.op = "truncate", .path = "file", .has_arg = 1, .arg = 1);
	OK(symlink, "file", "link");
	WANT(.op = "symlink", .path = "link");
	OK(truncate, "link", 2);
	WANT(.op = "truncate", .path = "file", .has_arg = 1, .arg = 2);
	want_end();
}
