/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

/*
 * Unix sockets: bound to a path, to an abstract name, to nothing; and
 * descriptors passed through them.
 */

struct address {
	struct sockaddr_un un;
	socklen_t len;
};

static struct address at_path(const char *path)
{
	struct address address = { .un.sun_family = AF_UNIX, .len = sizeof(address.un) };

	snprintf(address.un.sun_path, sizeof(address.un.sun_path), "%s", path);
	return address;
}

static struct address abstract(const char *name)
{
	struct address address = { .un.sun_family = AF_UNIX };

	snprintf(address.un.sun_path + 1, sizeof(address.un.sun_path) - 1, "%s", name);
	address.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	return address;
}

static int make_socket(int type)
{
	int fd = (int)OK(socket, AF_UNIX, type, 0);

	WANT(.op = "socket", .fd = fd);
	return fd;
}

/* One connection, one word each way. The listener's name is stated as it must be shown. */
static void stream(const struct address *address, const char *shown)
{
	int listener = make_socket(SOCK_STREAM), client, server;
	char word[8];

	OK(bind, listener, &address->un, address->len);
	WANT(.op = "bind", .fd = listener, .local = shown,
		.path = *shown == '/' ? shown : NULL);
	OK(listen, listener, 4);
	WANT(.op = "listen", .fd = listener, .local = shown);
	client = make_socket(SOCK_STREAM);
	OK(connect, client, &address->un, address->len);
	WANT(.op = "connect", .fd = client, .remote = shown);
	server = (int)OK(accept4, listener, NULL, NULL, SOCK_CLOEXEC);
	WANT(.op = "accept", .fd = server, .local = shown);

	OK(sendto, client, "request", 7, 0, NULL, 0);
	WANT(.op = "send", .fd = client, .remote = shown);
	OK(recvfrom, server, word, sizeof(word), 0, NULL, NULL);
	WANT(.op = "recv", .fd = server, .local = shown);
	OK(write, server, "answer", 6);
	WANT(.op = "send|write", .fd = server, .local = shown);
	OK(read, client, word, sizeof(word));
	WANT(.op = "recv|read", .fd = client, .remote = shown);
	OK(shutdown, client, SHUT_WR);
	WANT(.op = "shutdown", .fd = client);
}

static void messages(int from, int to)
{
	char bytes[8];
	struct iovec out = { .iov_base = (void *)"message", .iov_len = 7 };
	struct iovec in = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr sent = { .msg_iov = &out, .msg_iovlen = 1 };
	struct msghdr taken = { .msg_iov = &in, .msg_iovlen = 1 };
	struct mmsghdr many_sent = { .msg_hdr = sent }, many_taken = { .msg_hdr = taken };

	OK(sendmsg, from, &sent, 0);
	WANT(.op = "send", .fd = from);
	OK(recvmsg, to, &taken, 0);
	WANT(.op = "recv", .fd = to);
	OK(writev, from, &out, 1);
	WANT(.op = "send|write", .fd = from);
	OK(readv, to, &in, 1);
	WANT(.op = "recv|read", .fd = to);
	/* The call counts messages, an event counts bytes: which one is not stated. */
	OK(sendmmsg, from, &many_sent, 1, 0);
	WANT(.op = "send", .fd = from, .no_result = 1);
	OK(recvmmsg, to, &many_taken, 1, 0, NULL);
	WANT(.op = "recv", .fd = to, .no_result = 1);
}

static void pairs(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (int i = 0; i < 3; i++) {
		int ends[2];

		OK(socketpair, AF_UNIX, types[i], 0, ends);
		WANT(.op = "socket|socketpair", .fd = ends[0], .fd2 = ends[1]);
		messages(ends[0], ends[1]);
	}
}

static void datagrams(void)
{
	struct address address = at_path("dgram"), from = { .len = sizeof(from.un) };
	int server = make_socket(SOCK_DGRAM), client = make_socket(SOCK_DGRAM);
	char bytes[8];

	OK(bind, server, &address.un, address.len);
	WANT(.op = "bind", .fd = server, .local = want_path("dgram"), .path = "dgram");
	OK(sendto, client, "datagram", 8, 0, &address.un, address.len);
	WANT(.op = "send", .fd = client);
	OK(recvfrom, server, bytes, sizeof(bytes), 0, &from.un, &from.len);
	WANT(.op = "recv", .fd = server, .local = want_path("dgram"));
	OK(connect, client, &address.un, address.len);
	WANT(.op = "connect", .fd = client, .remote = want_path("dgram"));
	OK(write, client, "connected", 9);
	WANT(.op = "send|write", .fd = client, .remote = want_path("dgram"));
}

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static struct msghdr with_descriptor(union control *control, struct iovec *vec, int fd)
{
	struct msghdr message = { .msg_iov = vec, .msg_iovlen = 1, .msg_control = control->bytes,
				  .msg_controllen = sizeof(control->bytes) };

	control->head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					  .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control->head), &fd, sizeof(fd));
	return message;
}

static void receive_descriptor(int socket)
{
	union control control = { .head.cmsg_len = 0 };
	char byte;
	struct iovec vec = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = with_descriptor(&control, &vec, -1);
	int fd = -1;

	OK(recvmsg, socket, &message, 0);
	MUST(message.msg_controllen >= CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	WANT(.op = "recv", .fd = socket);
	WANT(.op = "fdrecv", .fd = socket, .fd2 = fd, .has_result = 1, .result = fd, .with = 1);
	want_write(fd, "passed", "through what was passed");
	want_close(fd, "passed");
}

static void passing(void)
{
	union control control = { .head.cmsg_len = 0 };
	struct iovec vec = { .iov_base = (void *)"d", .iov_len = 1 };
	struct msghdr message;
	int ends[2], fd;
	pid_t child;

	OK(socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
	WANT(.op = "socket|socketpair", .fd = ends[0], .fd2 = ends[1]);
	child = want_fork();
	if (!child) {
		receive_descriptor(ends[1]);
		want_exit(0);
	}
	fd = want_open("passed", O_RDWR | O_CREAT);
	message = with_descriptor(&control, &vec, fd);
	OK(sendmsg, ends[0], &message, 0);
	WANT(.op = "send", .fd = ends[0]);
	WANT(.op = "fdsend", .fd = ends[0], .fd2 = fd, .no_result = 1, .with = 1);
	want_close(fd, "passed");
	want_wait(child, 0);
}

int main(int argc, char **argv)
{
	struct address path, name;
	char text[64], shown[65];

	want_begin(argc, argv);
	path = at_path(want_path("stream"));
	stream(&path, want_path("stream"));
	snprintf(text, sizeof(text), "lemona-w-unix-%d", getpid());
	snprintf(shown, sizeof(shown), "@%s", text);
	name = abstract(text);
	stream(&name, shown);
	pairs();
	datagrams();
	passing();
	want_end();
}
