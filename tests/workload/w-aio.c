/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/aio_abi.h>
#include <sys/uio.h>

/* Linux AIO: several operations in one call, each of them an event like its plain twin. */
int main(int argc, char **argv)
{
	static char text[] = "asynchronous", back[sizeof(text)];
	struct iovec vec = { .iov_base = text, .iov_len = 5 };
	struct iocb write = { .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_nbytes = sizeof(text) };
	struct iocb writev = { .aio_lio_opcode = IOCB_CMD_PWRITEV, .aio_nbytes = 1 };
	struct iocb sync = { .aio_lio_opcode = IOCB_CMD_FSYNC };
	struct iocb read = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_nbytes = sizeof(back) };
	struct iocb *writes[] = { &write, &sync, &writev }, *reads[] = { &read };
	struct io_event events[4];
	aio_context_t context = 0;
	int fd, other;

	want_begin(argc, argv);
	fd = want_open("file", O_RDWR | O_CREAT);
	other = want_open("other", O_RDWR | O_CREAT);
	write.aio_buf = (uintptr_t)text;
	writev.aio_buf = (uintptr_t)&vec;
	read.aio_buf = (uintptr_t)back;
	write.aio_fildes = read.aio_fildes = sync.aio_fildes = (unsigned)fd;
	writev.aio_fildes = (unsigned)other;
	OK(io_setup, 8, &context);
	MUST(OK(io_submit, context, 3, writes) == 3);
	WANT(.op = "write", .path = "file", .fd = fd, .has_result = 1, .result = sizeof(text),
		.flag = "claimed");
	WANT(.op = "write", .path = "other", .fd = other, .no_result = 1, .flag = "claimed");
	MUST(OK(io_getevents, context, 3, 4, events, NULL) == 3);
	MUST(OK(io_submit, context, 1, reads) == 1);
	WANT(.op = "read", .path = "file", .fd = fd, .no_result = 1, .flag = "claimed");
	MUST(OK(io_getevents, context, 1, 4, events, NULL) == 1);
	WANT(.op = "read", .path = "file", .fd = fd, .has_result = 1, .result = sizeof(text),
		.flag = "claimed");
	OK(io_destroy, context);
	want_close(fd, "file");
	want_close(other, "other");
	want_end();
}
