/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <linux/stat.h>
#include <sys/uio.h>

/* Files and names through rings, in every way in which a request can be handed in. */

#define ADDRESS(x) ((uint64_t)(uintptr_t)(x))
#define OP_FIXED_FD_INSTALL 54 /* 6.8: newer than the headers of Debian 12 */
#define OP_FTRUNCATE 55        /* 6.9 */
#define OP_PIPE 62             /* 6.16 */

static struct ring ring;

static bool knows(unsigned int opcode)
{
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op ops[256];
	} answer = { 0 };

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PROBE, &answer, 256) == 0);
	return opcode <= answer.probe.last_op && answer.ops[opcode].flags & IO_URING_OP_SUPPORTED;
}

static void plain_io(void)
{
	char a[4], b[3];
	struct iovec out[2] = { { (void *)"vector", 6 }, { (void *)"ed", 2 } };
	struct iovec in[2] = { { a, sizeof(a) }, { b, sizeof(b) } };
	int fd = want_open("file", O_RDWR | O_CREAT);

	RING_OK(&ring, "write", .opcode = IORING_OP_WRITE, .fd = fd,
		.addr = ADDRESS("through a ring"), .len = 14);
	WANT(.op = "write", .path = "file", .fd = fd);
	RING_OK(&ring, "writev", .opcode = IORING_OP_WRITEV, .fd = fd, .addr = ADDRESS(out),
		.len = 2, .off = 100);
	WANT(.op = "write", .path = "file", .fd = fd);
	MUST(RING_OK(&ring, "read", .opcode = IORING_OP_READ, .fd = fd, .addr = ADDRESS(a),
		.len = 4) == 4);
	WANT(.op = "read", .path = "file", .fd = fd, .flag = "timed");
	MUST(RING_OK(&ring, "readv", .opcode = IORING_OP_READV, .fd = fd, .addr = ADDRESS(in),
		.len = 2) == 7);
	WANT(.op = "read", .path = "file", .fd = fd);
	/* Run by a worker thread: the actor is who submitted it. */
	RING_OK(&ring, "write", .opcode = IORING_OP_WRITE, .fd = fd, .flags = IOSQE_ASYNC,
		.addr = ADDRESS("elsewhere"), .len = 9);
	WANT(.op = "write", .path = "file", .fd = fd);
	RING_OK(&ring, "fallocate", .opcode = IORING_OP_FALLOCATE, .fd = fd, .addr = 4096);
	WANT(.op = "truncate", .path = "file", .fd = fd, .has_arg = 1, .arg = 4096);
	if (knows(OP_FTRUNCATE)) {
		RING_OK(&ring, "ftruncate", .opcode = OP_FTRUNCATE, .fd = fd, .off = 8);
		WANT(.op = "truncate", .path = "file", .fd = fd, .has_arg = 1, .arg = 8);
	}
	RING_OK(&ring, "fsetxattr", .opcode = IORING_OP_FSETXATTR, .fd = fd,
		.addr = ADDRESS("trusted.a"), .off = ADDRESS("1"), .len = 1);
	WANT(.op = "setxattr", .path = "file", .fd = fd);
	WANT(.op = "close", .call = "io_uring:close", .path = "file", .fd = fd, .has_result = 1,
		.has_arg = 1, .arg = fd);
	RING_OK(&ring, "close", .opcode = IORING_OP_CLOSE, .fd = fd);
	RING_FAIL(EBADF, &ring, "write", .opcode = IORING_OP_WRITE, .fd = 1000,
		.addr = ADDRESS("nowhere"), .len = 7);
	WANT(.op = "write");
}

static void names(void)
{
	struct statx st;
	int dir, fd;

	RING_OK(&ring, "mkdirat", .opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD,
		.addr = ADDRESS("dir"), .len = 0755);
	WANT(.op = "mkdir", .path = "dir", .flag = "confirmed");
	dir = want_open("dir", O_RDONLY | O_DIRECTORY);
	fd = (int)RING_OK(&ring, "openat", .opcode = IORING_OP_OPENAT, .fd = dir,
		.addr = ADDRESS("made"), .len = 0644, .open_flags = O_CREAT | O_RDWR);
	WANT(.op = "open", .path = "dir/made", .fd = fd, .flag = "created", .has_arg = 1,
		.arg = O_CREAT | O_RDWR | 0100000);
	RING_OK(&ring, "write", .opcode = IORING_OP_WRITE, .fd = fd, .addr = ADDRESS("x"),
		.len = 1);
	WANT(.op = "write", .path = "dir/made", .fd = fd);
	want_close(fd, "dir/made");
	RING_OK(&ring, "statx", .opcode = IORING_OP_STATX, .fd = dir, .addr = ADDRESS("made"),
		.len = STATX_BASIC_STATS, .off = ADDRESS(&st));
	WANT(.op = "stat", .path = "dir/made");
	RING_OK(&ring, "setxattr", .opcode = IORING_OP_SETXATTR, .addr = ADDRESS("trusted.b"),
		.addr3 = ADDRESS(want_path("dir/made")), .off = ADDRESS("1"), .len = 1);
	WANT(.op = "setxattr", .path = "dir/made");
	RING_OK(&ring, "linkat", .opcode = IORING_OP_LINKAT, .fd = dir, .addr = ADDRESS("made"),
		.len = (uint32_t)AT_FDCWD, .off = ADDRESS("hard"));
	WANT(.op = "link", .path = "dir/made", .path2 = "hard", .flag = "confirmed");
	RING_OK(&ring, "symlinkat", .opcode = IORING_OP_SYMLINKAT, .fd = dir,
		.addr = ADDRESS("../hard"), .off = ADDRESS("soft"));
	WANT(.op = "symlink", .path = "dir/soft", .flag = "confirmed");
	RING_OK(&ring, "renameat", .opcode = IORING_OP_RENAMEAT, .fd = dir, .addr = ADDRESS("soft"),
		.len = (uint32_t)AT_FDCWD, .off = ADDRESS("moved"));
	WANT(.op = "rename", .path = "dir/soft", .path2 = "moved", .flag = "confirmed");
	RING_OK(&ring, "renameat", .opcode = IORING_OP_RENAMEAT, .fd = AT_FDCWD,
		.addr = ADDRESS("hard"), .len = (uint32_t)AT_FDCWD, .off = ADDRESS("moved"),
		.rename_flags = 2 /* RENAME_EXCHANGE */);
	WANT(.op = "rename", .path = "hard", .path2 = "moved", .has_arg = 1, .arg = 2);
	RING_OK(&ring, "unlinkat", .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = ADDRESS("moved"));
	WANT(.op = "unlink", .path = "moved", .flag = "confirmed");
	RING_OK(&ring, "unlinkat", .opcode = IORING_OP_UNLINKAT, .fd = dir,
		.addr = ADDRESS("made"));
	WANT(.op = "unlink", .path = "dir/made", .flag = "confirmed");
	RING_OK(&ring, "unlinkat", .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = ADDRESS("dir"), .unlink_flags = AT_REMOVEDIR);
	WANT(.op = "rmdir", .path = "dir", .flag = "confirmed");
	RING_FAIL(ENOENT, &ring, "openat", .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
		.addr = ADDRESS("absent"));
	WANT(.op = "open", .path = "absent");
	RING_FAIL(ENOENT, &ring, "unlinkat", .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = ADDRESS("absent"));
	WANT(.op = "unlink", .path = "absent");
}

/* Files that the ring holds: registered, or opened into one of its slots. */
static void fixed_files(void)
{
	struct open_how {
		uint64_t flags, mode, resolve;
	} how = { .flags = O_CREAT | O_RDWR, .mode = 0644 };
	int fds[4] = { -1, -1, -1, -1 }, fd;

	fd = fds[0] = want_open("registered", O_RDWR | O_CREAT);
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, fds, 4) == 0);
	want_close(fd, "registered");
	RING_OK(&ring, "write", .opcode = IORING_OP_WRITE, .fd = 0, .flags = IOSQE_FIXED_FILE,
		.addr = ADDRESS("kept"), .len = 4);
	WANT(.op = "write", .path = "registered");
	RING_OK(&ring, "openat2", .opcode = IORING_OP_OPENAT2, .fd = AT_FDCWD,
		.addr = ADDRESS("direct"), .len = sizeof(how), .off = ADDRESS(&how),
		.file_index = 2);
	WANT(.op = "open", .path = "direct", .flag = "created");
	RING_OK(&ring, "write", .opcode = IORING_OP_WRITE, .fd = 1, .flags = IOSQE_FIXED_FILE,
		.addr = ADDRESS("straight"), .len = 8);
	WANT(.op = "write", .path = "direct");
	if (knows(OP_FIXED_FD_INSTALL)) {
		fd = (int)RING_OK(&ring, "fixed_fd_install", .opcode = OP_FIXED_FD_INSTALL, .fd = 1,
			.flags = IOSQE_FIXED_FILE);
		WANT(.op = "dup", .path = "direct", .fd = fd);
		want_write(fd, "direct", "by number");
		want_close(fd, "direct");
	}
	WANT(.op = "close", .call = "io_uring:close", .path = "direct", .has_result = 1);
	RING_OK(&ring, "close", .opcode = IORING_OP_CLOSE, .file_index = 2);
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES, NULL, 0) == 0);
}

/* Linked requests run one after the other; after one that fails the rest is cancelled. */
static void linked(void)
{
	char bytes[8];
	int fd = want_open("linked", O_RDWR | O_CREAT);
	struct io_uring_sqe write = { .opcode = IORING_OP_WRITE, .fd = fd, .flags = IOSQE_IO_LINK,
		.addr = ADDRESS("first"), .len = 5, .user_data = 1 << 20 };
	struct io_uring_sqe read = { .opcode = IORING_OP_READ, .fd = fd, .addr = ADDRESS(bytes),
		.len = 5, .user_data = (1 << 20) + 1 };
	struct io_uring_sqe bad = { .opcode = IORING_OP_READ, .fd = 1000, .flags = IOSQE_IO_LINK,
		.user_data = (1 << 20) + 2 };

	ring_add(&ring, &write);
	ring_add(&ring, &read);
	ring_enter(&ring, 2);
	MUST(ring_wait(&ring, write.user_data).res == 5);
	MUST(ring_wait(&ring, read.user_data).res == 5);
	WANT(.op = "write", .call = "io_uring:write", .path = "linked", .fd = fd, .has_result = 1,
		.result = 5);
	WANT(.op = "read", .call = "io_uring:read", .path = "linked", .fd = fd, .has_result = 1,
		.result = 5);
	ring_add(&ring, &bad);
	ring_add(&ring, &read);
	ring_enter(&ring, 2);
	MUST(ring_wait(&ring, bad.user_data).res == -EBADF);
	MUST(ring_wait(&ring, read.user_data).res == -ECANCELED);
	WANT(.op = "read", .call = "io_uring:read", .has_result = 1, .result = -EBADF);
	WANT(.op = "read", .call = "io_uring:read", .has_result = 1, .result = -ECANCELED);
	want_close(fd, "linked");
}

static void copies(void)
{
	int from = want_open("from", O_RDWR | O_CREAT), to = want_open("to", O_RDWR | O_CREAT);
	int ends[2];

	if (knows(OP_PIPE)) {
		RING_OK(&ring, "pipe", .opcode = OP_PIPE, .addr = ADDRESS(ends));
		WANT(.op = "pipe", .fd = ends[0]);
	} else {
		OK(pipe2, ends, 0);
		WANT(.op = "pipe", .fd = ends[0]);
	}
	want_write(from, "from", "piped");
	RING_OK(&ring, "splice", .opcode = IORING_OP_SPLICE, .fd = ends[1],
		.splice_fd_in = from, .splice_off_in = 0, .off = UINT64_MAX, .len = 5);
	WANT(.op = "copy", .path = "from", .fd = from, .fd2 = ends[1]);
	RING_OK(&ring, "splice", .opcode = IORING_OP_SPLICE, .fd = to, .splice_fd_in = ends[0],
		.splice_off_in = UINT64_MAX, .off = 0, .len = 5);
	WANT(.op = "copy", .path2 = "to", .fd = ends[0], .fd2 = to);
	want_close(from, "from");
	want_close(to, "to");
}

/* More results than the ring of results has room for. */
static void overflow(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 2 };
	int fd = want_open("overflow", O_WRONLY | O_CREAT);
	struct ring small;

	ring_init(&small, 2, &params);
	for (uint64_t i = 0; i < 6; i++) {
		struct io_uring_sqe write = { .opcode = IORING_OP_WRITE, .fd = fd,
			.addr = ADDRESS("over"), .len = 4, .user_data = i };

		ring_add(&small, &write);
		ring_enter(&small, 0);
		WANT(.op = "write", .call = "io_uring:write", .path = "overflow", .fd = fd,
			.has_result = 1, .result = 4);
	}
	for (uint64_t i = 0; i < 6; i++)
		MUST(ring_wait(&small, i).res == 4);
	want_close(fd, "overflow");
}

/* A thread of the kernel takes up what stands in the ring: the actor is the ring's process. */
static void polled(void)
{
	struct io_uring_params params = { .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10 };
	int fd = want_open("polled", O_WRONLY | O_CREAT);
	struct ring by_kernel;

	ring_init(&by_kernel, 8, &params);
	RING_OK(&by_kernel, "write", .opcode = IORING_OP_WRITE, .fd = fd,
		.addr = ADDRESS("by itself"), .len = 9);
	WANT(.op = "write", .path = "polled", .fd = fd);
	RING_OK(&by_kernel, "unlinkat", .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = ADDRESS("polled"));
	WANT(.op = "unlink", .path = "polled", .flag = "confirmed");
	want_close(fd, "polled");
}

/*
 * Requests that ask for no result when they succeed: told at submission, and what may have gone on
 * acting once more when the process ends. Nothing else goes through their ring: a request's memory
 * that is used again would end it before.
 */
static void silent(void)
{
	int fd = want_open("silent", O_RDWR | O_CREAT);
	struct io_uring_sqe write = { .opcode = IORING_OP_WRITE, .fd = fd,
		.flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK, .addr = ADDRESS("unsaid"),
		.len = 6 };
	struct io_uring_sqe unlink = { .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD,
		.addr = ADDRESS("silent"), .user_data = 1 << 21 };
	struct ring quiet;

	ring_init(&quiet, 8, &(struct io_uring_params){ 0 });
	ring_add(&quiet, &write);
	ring_add(&quiet, &unlink);
	ring_enter(&quiet, 1);
	MUST(ring_wait(&quiet, unlink.user_data).res == 0);
	WANT(.op = "write", .call = "io_uring:write", .path = "silent", .fd = fd, .has_result = 1,
		.result = 6, .flag = "partial");
	WANT(.op = "unlink", .call = "io_uring:unlinkat", .path = "silent", .has_result = 1);
	want_close(fd, "silent");
	WANT(.op = "write", .call = "io_uring:write", .path = "silent", .has_result = 1,
		.result = 6, .flag = "partial");
}

int main(int argc, char **argv)
{
	ring_init(&ring, 8, &(struct io_uring_params){ 0 });
	want_begin(argc, argv);
	plain_io();
	names();
	fixed_files();
	linked();
	copies();
	overflow();
	polled();
	silent();
	want_end();
}
