/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Sockets through a ring, with requests that have one result and such that have several. */

#define ADDRESS(x) ((uint64_t)(uintptr_t)(x))

static struct ring ring;

static struct sockaddr_un at_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int listener_at(const struct sockaddr_un *address)
{
	int fd = (int)OK(socket, AF_UNIX, SOCK_STREAM, 0);

	WANT(.op = "socket", .fd = fd);
	OK(bind, fd, address, sizeof(*address));
	WANT(.op = "bind", .fd = fd, .local = address->sun_path, .path = address->sun_path);
	OK(listen, fd, 8);
	WANT(.op = "listen", .fd = fd, .local = address->sun_path);
	return fd;
}

static int connect_to(const struct sockaddr_un *address)
{
	int fd = (int)RING_OK(&ring, "socket", .opcode = IORING_OP_SOCKET, .fd = AF_UNIX,
		.off = SOCK_STREAM);

	WANT(.op = "socket", .fd = fd);
	RING_OK(&ring, "connect", .opcode = IORING_OP_CONNECT, .fd = fd, .addr = ADDRESS(address),
		.off = sizeof(*address));
	WANT(.op = "connect", .fd = fd, .remote = address->sun_path);
	return fd;
}

static void talk(int from, int to)
{
	char bytes[16];

	RING_OK(&ring, "send", .opcode = IORING_OP_SEND, .fd = from, .addr = ADDRESS("sent"),
		.len = 4);
	WANT(.op = "send", .fd = from);
	RING_OK(&ring, "recv", .opcode = IORING_OP_RECV, .fd = to, .addr = ADDRESS(bytes),
		.len = sizeof(bytes));
	WANT(.op = "recv", .fd = to);
}

static void one_by_one(void)
{
	struct sockaddr_un address = at_path(want_path("stream"));
	int listener = listener_at(&address), client = connect_to(&address), server;

	server = (int)RING_OK(&ring, "accept", .opcode = IORING_OP_ACCEPT, .fd = listener);
	WANT(.op = "accept", .fd = server, .fd2 = listener);
	talk(client, server);
	RING_OK(&ring, "shutdown", .opcode = IORING_OP_SHUTDOWN, .fd = client, .len = SHUT_WR);
	WANT(.op = "shutdown", .fd = client);
}

/* One request, many connections; one request, many messages. Results come without a request. */
static void many_results(void)
{
	struct io_uring_sqe accept = { .opcode = IORING_OP_ACCEPT,
		.ioprio = IORING_ACCEPT_MULTISHOT, .user_data = 1 << 20 };
	struct sockaddr_un address = at_path(want_path("many"));
	int clients[2], servers[2];

	accept.fd = listener_at(&address);
	ring_add(&ring, &accept);
	ring_enter(&ring, 0);
	for (int i = 0; i < 2; i++) {
		struct io_uring_cqe cqe;

		clients[i] = (int)OK(socket, AF_UNIX, SOCK_STREAM, 0);
		WANT(.op = "socket", .fd = clients[i]);
		OK(connect, clients[i], &address, sizeof(address));
		WANT(.op = "connect", .fd = clients[i], .remote = address.sun_path);
		cqe = ring_wait(&ring, accept.user_data);
		MUST(cqe.res >= 0 && cqe.flags & IORING_CQE_F_MORE);
		servers[i] = cqe.res;
		WANT(.op = "accept", .call = "io_uring:accept", .fd = servers[i],
			.fd2 = accept.fd, .has_result = 1, .result = servers[i]);
	}
	for (int i = 0; i < 2; i++)
		talk(clients[i], servers[i]);
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

static void passing(void)
{
	union control out = { .head.cmsg_len = 0 }, in = { .head.cmsg_len = 0 };
	char byte;
	struct iovec sent = { .iov_base = (void *)"d", .iov_len = 1 };
	struct iovec taken = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message;
	int ends[2], fd, passed;

	OK(socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
	WANT(.op = "socket|socketpair", .fd = ends[0], .fd2 = ends[1]);
	fd = want_open("passed", O_RDWR | O_CREAT);
	message = with_descriptor(&out, &sent, fd);
	RING_OK(&ring, "sendmsg", .opcode = IORING_OP_SENDMSG, .fd = ends[0],
		.addr = ADDRESS(&message), .len = 1);
	WANT(.op = "send", .fd = ends[0]);
	WANT(.op = "fdsend", .fd = ends[0], .fd2 = fd, .no_result = 1, .with = 1);
	message = with_descriptor(&in, &taken, -1);
	RING_OK(&ring, "recvmsg", .opcode = IORING_OP_RECVMSG, .fd = ends[1],
		.addr = ADDRESS(&message), .len = 1);
	memcpy(&passed, CMSG_DATA(&in.head), sizeof(passed));
	WANT(.op = "recv", .fd = ends[1]);
	WANT(.op = "fdrecv", .fd = ends[1], .fd2 = passed, .has_result = 1, .result = passed,
		.with = 1);
	want_write(passed, "passed", "through what was passed");
	want_close(passed, "passed");
	want_close(fd, "passed");
}

static void datagrams(void)
{
	struct iovec vec = { .iov_base = (void *)"datagram", .iov_len = 8 };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };
	struct sockaddr_un address = at_path(want_path("dgram"));
	int server = (int)OK(socket, AF_UNIX, SOCK_DGRAM, 0), client;
	char bytes[8];

	WANT(.op = "socket", .fd = server);
	OK(bind, server, &address, sizeof(address));
	WANT(.op = "bind", .fd = server, .local = address.sun_path, .path = address.sun_path);
	client = (int)OK(socket, AF_UNIX, SOCK_DGRAM, 0);
	WANT(.op = "socket", .fd = client);
	message.msg_name = &address;
	message.msg_namelen = sizeof(address);
	RING_OK(&ring, "sendmsg", .opcode = IORING_OP_SENDMSG, .fd = client,
		.addr = ADDRESS(&message), .len = 1);
	WANT(.op = "send", .fd = client);
	RING_OK(&ring, "recv", .opcode = IORING_OP_RECV, .fd = server, .addr = ADDRESS(bytes),
		.len = sizeof(bytes));
	WANT(.op = "recv", .fd = server, .local = address.sun_path);
}

int main(int argc, char **argv)
{
	ring_init(&ring, 8, &(struct io_uring_params){ 0 });
	want_begin(argc, argv);
	one_by_one();
	many_results();
	passing();
	datagrams();
	want_end();
}
