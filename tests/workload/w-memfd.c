/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/mman.h>

/* Files that only memory holds. */
int main(int argc, char **argv)
{
	char bytes[8], *at;
	int fd, copy;

	want_begin(argc, argv);
	fd = (int)OK(memfd_create, "secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	WANT(.op = "memfd", .fd = fd);
	OK(write, fd, "in memory", 9);
	WANT(.op = "write", .fd = fd);
	OK(pread64, fd, bytes, sizeof(bytes), 0);
	WANT(.op = "read", .fd = fd);
	OK(ftruncate, fd, 4096);
	WANT(.op = "truncate", .fd = fd, .has_arg = 1, .arg = 4096);
	at = (char *)OK(mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	WANT(.op = "mmap", .fd = fd);
	at[0] = 'I';
	OK(munmap, at, 4096);
	WANT(.op = "munmap");
	copy = want_open("file", O_RDWR | O_CREAT);
	OK(lseek, fd, 0, SEEK_SET);
	OK(sendfile, copy, fd, NULL, 9);
	WANT(.op = "copy", .path2 = "file", .fd = fd, .fd2 = copy);
	want_close(copy, "file");
	OK(close, fd);
	WANT(.op = "close");
	want_end();
}
