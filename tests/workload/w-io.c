/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/uio.h>

/*
 * Reading and writing a file: plain, positional, vectored, both, and through
 * inherited and duplicated descriptors.
 */

static void writing(int fd)
{
	struct iovec two[2] = { { .iov_base = (void *)"vector", .iov_len = 6 },
				{ .iov_base = (void *)"ed", .iov_len = 2 } };

	OK(write, fd, "written", 7);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK(write, fd, "", 0);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK(pwrite64, fd, "positional", 10, 7);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK(writev, fd, two, 2);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK(pwritev, fd, two, 2, 100, 0);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK(pwritev2, fd, two, 2, 200, 0, 0);
	WANT(.op = "write", .path = "file", .fd = fd);
}

static void reading(int fd)
{
	char a[4], b[3];
	struct iovec two[2] = { { .iov_base = a, .iov_len = sizeof(a) },
				{ .iov_base = b, .iov_len = sizeof(b) } };

	OK(read, fd, a, 0);
	WANT(.op = "read", .path = "file", .fd = fd);
	OK(read, fd, a, sizeof(a));
	WANT(.op = "read", .path = "file", .fd = fd);
	OK(pread64, fd, a, 2, 1);
	WANT(.op = "read", .path = "file", .fd = fd);
	OK(readv, fd, two, 2);
	WANT(.op = "read", .path = "file", .fd = fd);
	OK(preadv, fd, two, 2, 0, 0);
	WANT(.op = "read", .path = "file", .fd = fd);
	OK(preadv2, fd, two, 1, 3, 0, 0);
	WANT(.op = "read", .path = "file", .fd = fd);
	MUST(OK(pread64, fd, a, sizeof(a), 1 << 20) == 0);
	WANT(.op = "read", .path = "file", .fd = fd);
}

static void inherited(int fd)
{
	pid_t child = want_fork();

	if (!child) {
		want_write(fd, "file", "from the child");
		want_exit(0);
	}
	want_wait(child, 0);
	want_write(fd, "file", "from the parent");
}

int main(int argc, char **argv)
{
	int fd, copy;

	want_begin(argc, argv);
	fd = want_open("file", O_RDWR | O_CREAT);
	writing(fd);
	OK(lseek, fd, 0, SEEK_SET);
	reading(fd);
	copy = (int)OK(dup, fd);
	WANT(.op = "dup", .path = "file", .fd = copy);
	want_close(fd, "file");
	want_write(copy, "file", "through the copy");
	inherited(copy);
	want_close(copy, "file");
	want_end();
}
