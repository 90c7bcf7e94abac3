/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

/* Calls that fail: kept, with their error, and with the name that they would have used. */

static void opening(void)
{
	FAIL(ENOENT, open, "nothing", O_RDONLY);
	WANT(.op = "open", .path = "nothing");
	FAIL(ENOENT, openat, AT_FDCWD, want_path("no-dir/nothing"), O_RDONLY, 0);
	WANT(.op = "open", .path = "no-dir/nothing");
	FAIL(EEXIST, open, "file", O_WRONLY | O_CREAT | O_EXCL, 0600);
	WANT(.op = "open", .path = "file");
	FAIL(ENOTDIR, open, "file/below", O_RDONLY);
	WANT(.op = "open", .path = "file/below");
	FAIL(EISDIR, open, "dir", O_WRONLY);
	WANT(.op = "open", .path = "dir");
	FAIL(ELOOP, open, "loop", O_RDONLY);
	WANT(.op = "open", .path = "loop");
	FAIL(EBADF, openat, 999, "file", O_RDONLY, 0);
	WANT(.op = "open", .claimed = "file");
	FAIL(EFAULT, open, (char *)1, O_RDONLY);
	WANT(.op = "open");
	FAIL(EINVAL, openat2, AT_FDCWD, "file", NULL, 0);
	WANT(.op = "open", .may = 1);
}

static void names(void)
{
	FAIL(EEXIST, mkdir, "dir", 0755);
	WANT(.op = "mkdir", .path = "dir");
	FAIL(ENOTEMPTY, rmdir, "dir");
	WANT(.op = "rmdir", .path = "dir");
	FAIL(EISDIR, unlink, "dir");
	WANT(.op = "unlink", .path = "dir");
	FAIL(ENOENT, unlink, "nothing");
	WANT(.op = "unlink", .path = "nothing");
	FAIL(EEXIST, link, "file", "loop");
	WANT(.op = "link", .path = "file", .path2 = "loop");
	FAIL(EEXIST, symlink, "anything", "file");
	WANT(.op = "symlink", .path = "file");
	FAIL(ENOENT, rename, "nothing", "something");
	WANT(.op = "rename", .path = "nothing", .path2 = "something");
	FAIL(EEXIST, mknod, "file", S_IFREG | 0600, 0);
	WANT(.op = "mknod", .path = "file");
}

static void attributes(void)
{
	FAIL(ENOENT, chmod, "nothing", 0600);
	WANT(.op = "chmod", .path = "nothing");
	FAIL(ENOENT, chown, "nothing", 1, 1);
	WANT(.op = "chown", .path = "nothing");
	FAIL(ENOENT, truncate, "nothing", 0);
	WANT(.op = "truncate", .path = "nothing");
	FAIL(ENOENT, utimensat, AT_FDCWD, "nothing", NULL, 0);
	WANT(.op = "utimes", .path = "nothing");
	FAIL(ENOENT, setxattr, "nothing", "trusted.a", "1", 1, 0);
	WANT(.op = "setxattr", .path = "nothing");
}

static void descriptors(void)
{
	char byte;
	int fd = want_open("file", O_RDONLY);

	FAIL(EBADF, read, 999, &byte, 1);
	WANT(.op = "read");
	FAIL(EBADF, write, 999, "x", 1);
	WANT(.op = "write");
	FAIL(EBADF, write, fd, "x", 1);
	WANT(.op = "write", .path = "file", .fd = fd);
	FAIL(EBADF, close, 999);
	WANT(.op = "close", .may = 1);
	FAIL(EBADF, fchmod, 999, 0600);
	WANT(.op = "chmod");
	want_close(fd, "file");
	fd = want_open("dir", O_RDONLY);
	FAIL(EISDIR, read, fd, &byte, 1);
	WANT(.op = "read", .path = "dir", .fd = fd);
	want_close(fd, "dir");
}

static void sockets(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "nobody" };
	int fd = (int)OK(socket, AF_UNIX, SOCK_STREAM, 0);

	WANT(.op = "socket", .fd = fd);
	FAIL(ENOENT, connect, fd, &un, sizeof(un));
	WANT(.op = "connect", .fd = fd, .path = "nobody", .flag = "claimed");
	FAIL(ENOTCONN, sendto, fd, "x", 1, MSG_NOSIGNAL, NULL, 0);
	WANT(.op = "send", .fd = fd);
	FAIL(ENOTSOCK, listen, want_open("file", O_RDONLY), 1);
	WANT(.op = "listen");
	FAIL(EAFNOSUPPORT, socket, 9999, SOCK_STREAM, 0);
	WANT(.op = "socket");
}

/* Refused for lack of rights, in a process that is not root. */
static void refused(void)
{
	pid_t child = want_fork();

	if (!child) {
		OK(setuid, 65534);
		WANT(.op = "setcred", .no_uid = 1);
		FAIL(EACCES, open, "secret", O_RDONLY);
		WANT(.op = "open", .path = "secret");
		FAIL(EACCES, mkdir, "dir/mine", 0755);
		WANT(.op = "mkdir", .path = "dir/mine");
		FAIL(EPERM, chmod, "secret", 0666);
		WANT(.op = "chmod", .path = "secret");
		FAIL(EPERM, kill, 1, SIGTERM);
		WANT(.op = "signal", .has_arg = 1, .arg = SIGTERM);
		want_exit(0);
	}
	want_wait(child, 0);
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	want_file("file", "exists");
	OK(mkdir, "dir", 0755);
	WANT(.op = "mkdir", .path = "dir");
	want_file("dir/full", "keeps the directory from going");
	OK(symlink, "loop", "loop");
	WANT(.op = "symlink", .path = "loop");
	want_file("secret", "not for everybody");
	OK(chmod, "secret", 0600);
	WANT(.op = "chmod", .path = "secret");
	opening();
	names();
	attributes();
	descriptors();
	sockets();
	refused();
	want_end();
}
