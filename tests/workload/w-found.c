/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * Everything is opened and connected before the recorder starts; "ready" on
 * standard output says so. A line on standard input says that the recorder
 * runs: now all of it is used, and stated.
 *
 * usage: w-found DIRECTORY OUTPUT   (in a network namespace with a loopback)
 */
static char tcp_local[64], tcp_remote[64];

static const char *tcp_text(char *text, size_t len, const struct sockaddr_in *in)
{
	snprintf(text, len, "127.0.0.1:%u", ntohs(in->sin_port));
	return text;
}

static void tcp_pair(int ends[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	MUST(listener >= 0 && !bind(listener, (void *)&at, len) && !listen(listener, 1));
	MUST(!getsockname(listener, (void *)&at, &len));
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	MUST(ends[0] >= 0 && !connect(ends[0], (void *)&at, len));
	ends[1] = accept(listener, NULL, NULL);
	MUST(ends[1] >= 0);
	tcp_text(tcp_remote, sizeof(tcp_remote), &at);
	MUST(!getsockname(ends[0], (void *)&at, &len));
	tcp_text(tcp_local, sizeof(tcp_local), &at);
}

static void unix_pair(int ends[2])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", want_path("socket"));
	MUST(listener >= 0 && !bind(listener, (void *)&at, sizeof(at)) && !listen(listener, 1));
	ends[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(ends[0] >= 0 && !connect(ends[0], (void *)&at, sizeof(at)));
	ends[1] = accept(listener, NULL, NULL);
	MUST(ends[1] >= 0);
}

static void use_sockets(const int tcp[2], const int un[2])
{
	char byte;

	OK(write, tcp[0], "t", 1);
	WANT(.op = "send|write", .fd = tcp[0], .local = tcp_local, .remote = tcp_remote);
	OK(recvfrom, tcp[1], &byte, 1, 0, NULL, NULL);
	WANT(.op = "recv", .fd = tcp[1], .local = tcp_remote, .remote = tcp_local);
	OK(sendto, un[0], "u", 1, 0, NULL, 0);
	WANT(.op = "send", .fd = un[0], .remote = want_path("socket"));
	OK(read, un[1], &byte, 1);
	WANT(.op = "recv|read", .fd = un[1], .local = want_path("socket"));
}

static void use_files(int fd, int dir, const int ends[2], const int gone)
{
	char byte;

	OK(pwrite64, fd, "w", 1, 0);
	WANT(.op = "write", .path = "open", .fd = fd);
	OK(pread64, fd, &byte, 1, 0);
	WANT(.op = "read", .path = "open", .fd = fd);
	fd = (int)OK(openat, AT_FDCWD, "relative", O_RDWR | O_CREAT, 0644);
	WANT(.op = "open", .path = "cwd/relative", .fd = fd);
	want_close(fd, "cwd/relative");
	fd = (int)OK(openat, AT_FDCWD, "../open", O_RDONLY);
	WANT(.op = "open", .path = "open", .fd = fd);
	want_close(fd, "open");
	fd = (int)OK(openat, dir, "below", O_RDWR | O_CREAT, 0644);
	WANT(.op = "open", .path = "dir/below", .fd = fd);
	want_close(fd, "dir/below");
	OK(write, ends[1], "p", 1);
	WANT(.op = "write", .fd = ends[1]);
	OK(read, ends[0], &byte, 1);
	WANT(.op = "read", .fd = ends[0]);
	OK(write, gone, "g", 1);
	WANT(.op = "write", .fd = gone);
}

int main(int argc, char **argv)
{
	int tcp[2], un[2], ends[2], fd, dir, gone;
	char line[16];

	want_begin(argc, argv);
	MUST(!mkdir("cwd", 0755) && !mkdir("dir", 0755));
	fd = open("open", O_RDWR | O_CREAT, 0644);
	gone = open("gone", O_RDWR | O_CREAT, 0644);
	dir = open("dir", O_RDONLY | O_DIRECTORY);
	MUST(fd >= 0 && gone >= 0 && dir >= 0 && !unlink("gone") && !pipe(ends));
	MUST(chdir("cwd") == 0);
	tcp_pair(tcp);
	unix_pair(un);
	MUST(write(STDOUT_FILENO, "ready\n", 6) == 6);
	MUST(read(STDIN_FILENO, line, sizeof(line)) > 0);

	use_files(fd, dir, ends, gone);
	use_sockets(tcp, un);
	want_end();
}
