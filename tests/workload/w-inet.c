/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* TCP and UDP, IPv4 and IPv6, on the loopback interface of a network namespace of its own. */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
	char text[64];
};

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	MUST(unshare(CLONE_NEWNET) == 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	MUST(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	close(fd);
}

static struct address loopback(int family)
{
	struct address address = { .len = sizeof(address.v4) };

	if (family == AF_INET) {
		address.v4.sin_family = AF_INET;
		address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		address.v6.sin6_family = AF_INET6;
		address.v6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
		address.len = sizeof(address.v6);
	}
	return address;
}

static void put_text(struct address *address)
{
	char ip[INET6_ADDRSTRLEN];

	if (address->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->v4.sin_addr, ip, sizeof(ip));
		snprintf(address->text, sizeof(address->text), "%s:%u", ip,
			ntohs(address->v4.sin_port));
	} else {
		inet_ntop(AF_INET6, &address->v6.sin6_addr, ip, sizeof(ip));
		snprintf(address->text, sizeof(address->text), "[%s]:%u", ip,
			ntohs(address->v6.sin6_port));
	}
}

static struct address local_of(int fd)
{
	struct address address = { .len = sizeof(address.v6) };

	MUST(getsockname(fd, &address.any, &address.len) == 0);
	put_text(&address);
	return address;
}

static int make_socket(int family, int type)
{
	int fd = (int)OK(socket, family, type, 0);

	WANT(.op = "socket", .fd = fd);
	return fd;
}

static struct address bind_loopback(int fd, int family)
{
	struct address address = loopback(family);

	OK(bind, fd, &address.any, address.len);
	address = local_of(fd);
	WANT(.op = "bind", .fd = fd, .local = address.text);
	return address;
}

static void talk(int from, int to, const char *a, const char *b)
{
	char bytes[16];
	struct iovec out = { .iov_base = (void *)"vector", .iov_len = 6 };
	struct iovec in = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr sent = { .msg_iov = &out, .msg_iovlen = 1 };
	struct msghdr taken = { .msg_iov = &in, .msg_iovlen = 1 };

	OK(sendto, from, "sent", 4, 0, NULL, 0);
	WANT(.op = "send", .fd = from, .local = a, .remote = b);
	OK(recvfrom, to, bytes, sizeof(bytes), 0, NULL, NULL);
	WANT(.op = "recv", .fd = to, .local = b, .remote = a);
	OK(write, from, "written", 7);
	WANT(.op = "send|write", .fd = from, .local = a, .remote = b);
	OK(read, to, bytes, sizeof(bytes));
	WANT(.op = "recv|read", .fd = to, .local = b, .remote = a);
	OK(writev, from, &out, 1);
	WANT(.op = "send|write", .fd = from, .local = a, .remote = b);
	OK(readv, to, &in, 1);
	WANT(.op = "recv|read", .fd = to, .local = b, .remote = a);
	OK(sendmsg, from, &sent, 0);
	WANT(.op = "send", .fd = from, .local = a, .remote = b);
	OK(recvmsg, to, &taken, 0);
	WANT(.op = "recv", .fd = to, .local = b, .remote = a);
}

static void tcp(int family)
{
	int listener = make_socket(family, SOCK_STREAM), client, server;
	struct address at = bind_loopback(listener, family), from;

	OK(listen, listener, 4);
	WANT(.op = "listen", .fd = listener, .local = at.text);
	client = make_socket(family, SOCK_STREAM);
	OK(connect, client, &at.any, at.len);
	from = local_of(client);
	WANT(.op = "connect", .fd = client, .local = from.text, .remote = at.text);
	server = (int)OK(accept, listener, NULL, NULL);
	WANT(.op = "accept", .fd = server, .local = at.text, .remote = from.text);
	talk(client, server, from.text, at.text);
	talk(server, client, at.text, from.text);
	OK(shutdown, client, SHUT_RDWR);
	WANT(.op = "shutdown", .fd = client);
}

/* TCP Fast Open: what is sent first connects. */
static void fast_open(int family)
{
	int listener = make_socket(family, SOCK_STREAM), client = make_socket(family, SOCK_STREAM);
	struct address at = bind_loopback(listener, family), from;

	OK(listen, listener, 4);
	WANT(.op = "listen", .fd = listener, .local = at.text);
	OK(sendto, client, "first", 5, MSG_FASTOPEN, &at.any, at.len);
	from = local_of(client);
	WANT(.op = "send", .fd = client, .local = from.text, .remote = at.text);
}

/* Nobody listens there any more. */
static void refused(int family)
{
	int first = make_socket(family, SOCK_STREAM), second = make_socket(family, SOCK_STREAM);
	struct address at = bind_loopback(first, family);

	FAIL(ECONNREFUSED, connect, second, &at.any, at.len);
	WANT(.op = "connect", .fd = second, .remote = at.text, .flag = "claimed");
}

static void udp(int family)
{
	int server = make_socket(family, SOCK_DGRAM), client = make_socket(family, SOCK_DGRAM);
	struct address at = bind_loopback(server, family), from = bind_loopback(client, family);
	struct address seen = { .len = sizeof(seen.v6) };
	struct iovec vec = { .iov_base = (void *)"message", .iov_len = 7 };
	struct msghdr message = { .msg_name = &at.any, .msg_namelen = at.len, .msg_iov = &vec,
				  .msg_iovlen = 1 };
	char bytes[16];

	/* Not connected: the other end is in the message, not in the socket. */
	OK(sendto, client, "datagram", 8, 0, &at.any, at.len);
	WANT(.op = "send", .fd = client, .local = from.text, .remote = at.text);
	OK(recvfrom, server, bytes, sizeof(bytes), 0, &seen.any, &seen.len);
	WANT(.op = "recv", .fd = server, .local = at.text, .remote = from.text);
	OK(sendmsg, client, &message, 0);
	WANT(.op = "send", .fd = client, .local = from.text, .remote = at.text);
	OK(read, server, bytes, sizeof(bytes));
	WANT(.op = "recv|read", .fd = server, .local = at.text);

	OK(connect, client, &at.any, at.len);
	WANT(.op = "connect", .fd = client, .local = from.text, .remote = at.text);
	OK(write, client, "connected", 9);
	WANT(.op = "send|write", .fd = client, .local = from.text, .remote = at.text);
	OK(read, server, bytes, sizeof(bytes));
	WANT(.op = "recv|read", .fd = server, .local = at.text);
}

int main(int argc, char **argv)
{
	static const int families[] = { AF_INET, AF_INET6 };

	loopback_up();
	want_begin(argc, argv);
	for (int i = 0; i < 2; i++) {
		tcp(families[i]);
		fast_open(families[i]);
		refused(families[i]);
		udp(families[i]);
	}
	want_end();
}
