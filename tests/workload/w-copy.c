/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/socket.h>
#include <sys/uio.h>

/* Copying inside the kernel: no byte passes through the process, and yet all of them do. */

static int ends[2];  /* a pipe */
static int other[2]; /* another */

static void files_to_files(int from)
{
	loff_t at = 0;
	int to = want_open("to", O_RDWR | O_CREAT);

	OK(sendfile, to, from, &at, 6);
	WANT(.op = "copy", .path = "from", .path2 = "to", .fd = from, .fd2 = to);
	at = 0;
	OK(copy_file_range, from, &at, to, NULL, 5, 0);
	WANT(.op = "copy", .path = "from", .path2 = "to", .fd = from, .fd2 = to);
	want_close(to, "to");
}

static void files_and_pipes(int from)
{
	int to = want_open("spliced", O_RDWR | O_CREAT);
	loff_t at = 0;

	OK(splice, from, &at, ends[1], NULL, 8, 0);
	WANT(.op = "copy", .path = "from", .fd = from, .fd2 = ends[1]);
	MUST(OK(tee, ends[0], other[1], 4, 0) == 4);
	WANT(.op = "copy", .fd = ends[0], .fd2 = other[1]);
	MUST(OK(splice, ends[0], NULL, to, NULL, 8, 0) == 8);
	WANT(.op = "copy", .path2 = "spliced", .fd = ends[0], .fd2 = to);
	MUST(OK(splice, other[0], NULL, ends[1], NULL, 4, 0) == 4);
	WANT(.op = "copy", .fd = other[0], .fd2 = ends[1]);
	MUST(OK(splice, ends[0], NULL, to, NULL, 4, 0) == 4);
	WANT(.op = "copy", .path2 = "spliced", .fd = ends[0], .fd2 = to);
	at = 0;
	OK(sendfile, ends[1], from, &at, 3);
	WANT(.op = "copy", .path = "from", .fd = from, .fd2 = ends[1]);
	MUST(OK(splice, ends[0], NULL, to, NULL, 3, 0) == 3);
	WANT(.op = "copy", .path2 = "spliced", .fd = ends[0], .fd2 = to);
	want_close(to, "spliced");
}

/* vmsplice moves between the process's own memory and a pipe: a write, and a read. */
static void memory_and_pipes(void)
{
	char bytes[8] = "memory!";
	struct iovec vec = { .iov_base = bytes, .iov_len = sizeof(bytes) };

	MUST(OK(vmsplice, ends[1], &vec, 1, 0) == sizeof(bytes));
	WANT(.op = "write|copy", .fd = ends[1]);
	MUST(OK(vmsplice, ends[0], &vec, 1, 0) == sizeof(bytes));
	WANT(.op = "read|copy", .fd = ends[0]);
}

static void files_to_sockets(int from)
{
	int pair[2];
	loff_t at = 0;

	OK(socketpair, AF_UNIX, SOCK_STREAM, 0, pair);
	WANT(.op = "socket|socketpair", .fd = pair[0], .fd2 = pair[1]);
	MUST(OK(sendfile, pair[0], from, &at, 4) == 4);
	WANT(.op = "copy", .path = "from", .fd = from, .fd2 = pair[0]);
	MUST(OK(splice, pair[1], NULL, ends[1], NULL, 4, 0) == 4);
	WANT(.op = "copy", .fd = pair[1], .fd2 = ends[1]);
}

int main(int argc, char **argv)
{
	int from;

	want_begin(argc, argv);
	want_file("from", "0123456789");
	from = want_open("from", O_RDONLY);
	OK(pipe2, ends, 0);
	WANT(.op = "pipe", .fd = ends[0]);
	OK(pipe2, other, O_CLOEXEC);
	WANT(.op = "pipe", .fd = other[0]);
	files_to_files(from);
	files_and_pipes(from);
	memory_and_pipes();
	files_to_sockets(from);
	want_close(from, "from");
	want_end();
}
