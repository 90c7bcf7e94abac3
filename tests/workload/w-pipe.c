/* SPDX-License-Identifier: MIT */
#include "want.h"

/* Pipes without a name, within a process and across a fork; fifos. */

static void within(void)
{
	int ends[2];
	char byte;

	OK(pipe, ends);
	WANT(.op = "pipe", .fd = ends[0]);
	OK(write, ends[1], "x", 1);
	WANT(.op = "write", .fd = ends[1]);
	OK(read, ends[0], &byte, 1);
	WANT(.op = "read", .fd = ends[0]);
	OK(close, ends[1]);
	WANT(.op = "close");
	MUST(OK(read, ends[0], &byte, 1) == 0);
	WANT(.op = "read", .fd = ends[0]);
	OK(close, ends[0]);
	WANT(.op = "close");
}

static void across(void)
{
	char text[8];
	int ends[2];
	pid_t child;

	OK(pipe2, ends, O_CLOEXEC);
	WANT(.op = "pipe", .fd = ends[0]);
	child = want_fork();
	if (!child) {
		OK(write, ends[1], "message", 8);
		WANT(.op = "write", .fd = ends[1]);
		want_exit(0);
	}
	MUST(OK(read, ends[0], text, sizeof(text)) == sizeof(text));
	WANT(.op = "read", .fd = ends[0]);
	want_wait(child, 0);
}

static void fifo(void)
{
	int in, out;

	OK(mknod, "fifo", S_IFIFO | 0644, 0);
	WANT(.op = "mknod", .path = "fifo");
	in = want_open("fifo", O_RDONLY | O_NONBLOCK);
	out = want_open("fifo", O_WRONLY);
	want_write(out, "fifo", "through a fifo");
	want_read(in, "fifo", 14);
	want_close(out, "fifo");
	want_close(in, "fifo");
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	within();
	across();
	fifo();
	want_end();
}
