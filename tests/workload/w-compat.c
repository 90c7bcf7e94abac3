/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/mman.h>
#include <sys/socket.h>

/*
 * The 32-bit entry, taken from a 64-bit program with int $0x80: one call of
 * each shape that arguments have there. Everything that such a call points to
 * must lie below 4 GiB, where the static data of a program linked to a fixed
 * address is, and the stack is not.
 */
static long enter(unsigned nr, const unsigned args[6])
{
	long result = nr;

	/* The red zone below the stack pointer may be in use. */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "push %%rbp\n\t"
			 "push %%rbx\n\t"
			 "mov 0(%%rdi), %%ebx\n\t"
			 "mov 4(%%rdi), %%ecx\n\t"
			 "mov 8(%%rdi), %%edx\n\t"
			 "mov 12(%%rdi), %%esi\n\t"
			 "mov 20(%%rdi), %%ebp\n\t"
			 "mov 16(%%rdi), %%edi\n\t"
			 "int $0x80\n\t"
			 "pop %%rbx\n\t"
			 "pop %%rbp\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "+a"(result), "+D"(args)
			 :
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory");
	if (result == -1)
		errno = EPERM;
	return result;
}

#define LARGEFILE 0100000 /* O_LARGEFILE, which is nothing to 64-bit programs */
#define LOW(pointer) ((unsigned)(uintptr_t)(pointer))
#define OK32(name, nr, ...) \
	want_ok(want_called("i386:" name, enter(nr, (unsigned[6]){ __VA_ARGS__ })), name, \
		__FILE__, __LINE__)
#define FAIL32(err, name, nr, ...) \
	want_fail(want_called("i386:" name, enter(nr, (unsigned[6]){ __VA_ARGS__ })), err, name, \
		__FILE__, __LINE__)

/* A path as the call takes it. */
static unsigned path(const char *text)
{
	static char paths[4][64];
	static unsigned next;
	char *to = paths[next++ % 4];

	snprintf(to, sizeof(paths[0]), "%s", text);
	return LOW(to);
}

static char bytes[128]; /* more than a struct stat64 has */

static void contents(int fd)
{
	static struct {
		unsigned base, len;
	} vec = { .len = 6 };

	vec.base = path("vector");
	OK32("write", 4, (unsigned)fd, path("written"), 7);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK32("pwrite64", 181, (unsigned)fd, path("there"), 5, 0, 1);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK32("writev", 146, (unsigned)fd, LOW(&vec), 1);
	WANT(.op = "write", .path = "file", .fd = fd);
	OK32("ftruncate64", 194, (unsigned)fd, 5, 1);
	WANT(.op = "truncate", .path = "file", .fd = fd, .has_arg = 1, .arg = 5 + (1l << 32));
	OK32("truncate64", 193, path("file"), 4096, 0);
	WANT(.op = "truncate", .path = "file", .has_arg = 1, .arg = 4096);
	OK32("fallocate", 324, (unsigned)fd, 0, 0, 0, 8192, 0);
	WANT(.op = "truncate", .path = "file", .fd = fd);
	OK32("pread64", 180, (unsigned)fd, LOW(bytes), 4, 1, 0);
	WANT(.op = "read", .path = "file", .fd = fd);
}

static void names(void)
{
	OK32("mkdir", 39, path("dir"), 0755);
	WANT(.op = "mkdir", .path = "dir", .has_arg = 1, .arg = 0755);
	OK32("rename", 38, path("file"), path("dir/moved"));
	WANT(.op = "rename", .path = "file", .path2 = "dir/moved");
	OK32("linkat", 303, (unsigned)AT_FDCWD, path("dir/moved"), (unsigned)AT_FDCWD, path("link"),
		0);
	WANT(.op = "link", .path = "dir/moved", .path2 = "link");
	OK32("chmod", 15, path("dir/moved"), 0600);
	WANT(.op = "chmod", .path = "dir/moved", .has_arg = 1, .arg = 0600);
	OK32("chown", 182, path("dir/moved"), 7, 0xffff);
	WANT(.op = "chown", .path = "dir/moved");
	OK32("lchown", 16, path("link"), 0xffff, 8);
	WANT(.op = "chown", .path = "link", .has_arg = 1, .arg = 0xffffffff);
	OK32("stat64", 195, path("dir/moved"), LOW(bytes));
	WANT(.op = "stat", .path = "dir/moved");
	FAIL32(ENOENT, "open", 5, path("absent"), O_RDONLY);
	WANT(.op = "open", .path = "absent");
	OK32("unlink", 10, path("link"));
	WANT(.op = "unlink", .path = "link");
	OK32("unlinkat", 301, (unsigned)AT_FDCWD, path("dir/moved"), 0);
	WANT(.op = "unlink", .path = "dir/moved");
	OK32("rmdir", 40, path("dir"));
	WANT(.op = "rmdir", .path = "dir");
}

static void mappings(int fd)
{
	static unsigned args[6] = { 0, 4096, PROT_READ, MAP_SHARED | MAP_32BIT, 0, 0 };
	unsigned at;

	args[4] = (unsigned)fd;
	at = (unsigned)OK32("mmap", 90, LOW(args));
	WANT(.op = "mmap", .path = "file", .fd = fd, .has_arg = 1,
		.arg = PROT_READ | (long)(MAP_SHARED | MAP_32BIT) << 32);
	OK32("munmap", 91, at, 4096);
	WANT(.op = "munmap", .path = "file");
	at = (unsigned)OK32("mmap2", 192, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_32BIT, (unsigned)fd,
		0);
	WANT(.op = "mmap", .path = "file", .fd = fd);
	OK32("munmap", 91, at, 4096);
	WANT(.op = "munmap", .path = "file");
}

/* Both ways to the same call, and a descriptor in a message. */
static void sockets(int fd)
{
	static int ends[2];
	static unsigned pair[4] = { AF_UNIX, SOCK_STREAM, 0 }, send[4] = { 0, 0, 4, 0 };
	static struct {
		unsigned len;
		int level, type, fd;
	} control;
	static struct {
		unsigned base, len;
	} vec = { .len = 4 };
	static struct {
		unsigned name, namelen, iov, iovlen, control, controllen, flags;
	} message;
	int taken;

	pair[3] = LOW(ends);
	OK32("socketpair", 102, 8, LOW(pair));
	WANT(.op = "socketpair", .fd = ends[0], .fd2 = ends[1]);
	send[0] = (unsigned)ends[0];
	send[1] = LOW(bytes);
	OK32("sendto", 102, 9, LOW(send));
	WANT(.op = "send", .fd = ends[0]);
	OK32("recvfrom", 371, (unsigned)ends[1], LOW(bytes), 4, 0, 0, 0);
	WANT(.op = "recv", .fd = ends[1]);
	vec.base = LOW(bytes);
	control.len = sizeof(control);
	control.level = SOL_SOCKET;
	control.type = SCM_RIGHTS;
	control.fd = fd;
	message.iov = LOW(&vec);
	message.iovlen = 1;
	message.control = LOW(&control);
	message.controllen = sizeof(control);
	OK32("sendmsg", 370, (unsigned)ends[0], LOW(&message), 0);
	WANT(.op = "send", .fd = ends[0]);
	WANT(.op = "fdsend", .fd = ends[0], .fd2 = fd, .no_result = 1);
	OK32("recvmsg", 372, (unsigned)ends[1], LOW(&message), 0);
	taken = control.fd;
	WANT(.op = "recv", .fd = ends[1]);
	WANT(.op = "fdrecv", .fd = ends[1], .fd2 = taken, .no_result = 1);
}

static void credentials(void)
{
	pid_t child = want_fork();

	if (!child) {
		OK32("setresuid", 164, 0xffff, 1234, 0xffff);
		WANT(.op = "setcred", .no_uid = 1, .has_arg = 1, .arg = 1234);
		FAIL32(ENOENT, "execve", 11, path("absent"), 0, 0);
		WANT(.op = "exec", .path = "absent");
		want_exit(0);
	}
	want_wait(child, 0);
}

int main(int argc, char **argv)
{
	int fd;

	want_begin(argc, argv);
	fd = (int)OK32("openat", 295, (unsigned)AT_FDCWD, path("file"),
		O_RDWR | O_CREAT | LARGEFILE, 0644);
	WANT(.op = "open", .path = "file", .fd = fd, .flag = "created");
	contents(fd);
	mappings(fd);
	sockets(fd);
	credentials();
	names();
	OK32("close", 6, (unsigned)fd);
	WANT(.op = "close");
	want_end();
}
