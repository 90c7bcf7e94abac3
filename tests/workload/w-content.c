/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

/*
 * Bytes that go through files, sockets, pipes, other memory and a terminal: each line says what one
 * call has moved, where in its stream, and what of it a recorder with the default bounds keeps.
 *
 * usage: w-content DIRECTORY FILE
 */
#define LARGE 100000   /* above what is kept of one call, and of one file */
#define KEPT 65536

static char *said;
static size_t said_len;
static FILE *said_file;
static char large[LARGE];

/* `bytes` stands alone or, where there are more, for all of them. */
static void say(const char *op, const char *call, long result, unsigned long offset, long kept,
	const char *bytes, const char *flag)
{
	MUST(result >= 0);
	fprintf(said_file,
		"{\"pid\":%d,\"op\":\"%s\",\"call\":\"%s\",\"result\":%ld,\"offset\":%lu,"
		"\"length\":%ld,\"bytes\":\"%s\",\"where\":\"%s\"}\n", getpid(), op, call, result,
		offset, kept, bytes, flag);
}

#define MOVED(op, name, offset, bytes, where, ...) \
	do { \
		long result_ = syscall(SYS_##name, ##__VA_ARGS__); \
		say(op, #name, result_, offset, result_, bytes, where); \
	} while (0)

static void move_in_files(const char *path)
{
	struct iovec parts[] = { { (char *)"de", 2 }, { NULL, 0 }, { (char *)"fgh", 3 } };
	char a[3], b[8];
	struct iovec into[] = { { a, sizeof(a) }, { b, sizeof(b) } };
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	MUST(fd >= 0);
	MOVED("write", write, 0, "abc", "file", fd, "abc", 3L);
	MOVED("write", writev, 3, "defgh", "file", fd, parts, 3L);
	MOVED("write", pwrite64, 8, "IJ", "file", fd, "IJ", 2L, 8L);
	MOVED("write", pwritev, 10, "defgh", "file", fd, parts, 3L, 10L, 0L);
	MOVED("read", pread64, 0, "bcd", "file", fd, a, 3L, 1L);
	MOVED("read", preadv, 3, "abcdefghIJd", "file", fd, into, 2L, 0L, 0L);
	MUST(lseek(fd, 1, SEEK_SET) == 1);
	MOVED("read", read, 14, "bcd", "file", fd, a, 3L);
	MOVED("read", readv, 17, "efghIJdefgh", "file", fd, into, 2L);
	close(fd);
}

static void move_much(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	MUST(fd >= 0);
	memset(large, 'x', sizeof(large));
	MOVED("write", write, 0, "y", "file", fd, "y", 1L);
	say("write", "write", syscall(SYS_write, fd, large, (long)LARGE), 1, KEPT - 1, "x", "file");
	/* The bound is reached. */
	say("write", "write", syscall(SYS_write, fd, "z", 1L), 0, 0, "", "file");
	close(fd);
}

static void move_through_sockets(void)
{
	struct iovec parts[] = { { (char *)"over ", 5 }, { (char *)"there", 5 } };
	struct msghdr out = { .msg_iov = parts, .msg_iovlen = 2 };
	char bytes[32];
	struct iovec into = { bytes, sizeof(bytes) };
	struct msghdr in = { .msg_iov = &into, .msg_iovlen = 1 };
	int fds[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	MOVED("send", sendmsg, 0, "over there", "socket", fds[0], &out, 0);
	MOVED("recv", recvmsg, 0, "over there", "socket", fds[1], &in, 0);
	MOVED("send", sendto, 10, "bye", "socket", fds[0], "bye", 3L, 0, 0L, 0);
	MOVED("recv", recvfrom, 10, "bye", "socket", fds[1], bytes, 32L, 0, 0L, 0L);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
	MOVED("send", sendto, 0, "datagram", "socket", fds[0], "datagram", 8L, 0, 0L, 0);
	MOVED("recv", recvfrom, 0, "datagram", "socket", fds[1], bytes, 32L, 0, 0L, 0L);
}

static void move_in_memory(void)
{
	char from[] = "far away", to[9] = "";
	struct iovec here = { to, 8 }, there = { from, 8 };

	MOVED("vmread", process_vm_readv, 0, "far away", "memory", getpid(), &here, 1L, &there, 1L,
		0L);
}

/* Both ends of a terminal. Raw, so that what one end writes is what the other reads. */
static void move_through_terminal(void)
{
	char bytes[32];
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	MUST(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	MUST(slave >= 0);
	MOVED("write", write, 0, "on screen\\r", "slave", slave, "on screen\r", 10L);
	MOVED("read", read, 0, "on screen\\r", "master", master, bytes, 32L);
	MOVED("write", write, 0, "typed\\n", "master", master, "typed\n", 6L);
	MOVED("read", read, 0, "typed\\n", "slave", slave, bytes, 32L);
}

int main(int argc, char **argv)
{
	FILE *file;

	if (argc != 3)
		return 2;
	said_file = open_memstream(&said, &said_len);
	MUST(said_file && chdir(argv[1]) == 0);
	move_in_files("content");
	move_much("large");
	move_through_sockets();
	move_in_memory();
	move_through_terminal();
	fclose(said_file);
	file = fopen(argv[2], "we");
	MUST(file && fwrite(said, 1, said_len, file) == said_len && fclose(file) == 0);
	return 0;
}
