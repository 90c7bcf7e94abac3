/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>

/* Mapping files: what is read through memory, what is written through it, and until when. */

#define PAGE 4096

static void *map(int fd, int prot, int flags)
{
	void *at = (void *)OK(mmap, NULL, PAGE, prot, flags, fd, 0);

	WANT(.op = "mmap", .path = "file", .fd = fd);
	return at;
}

static void unmap(void *at)
{
	OK(munmap, at, PAGE);
	WANT(.op = "munmap", .path = "file");
}

/*
 * The page becomes dirty, which the kernel shows: it was clean before, and of a file system that
 * is written back.
 */
static void store(char *at, int fd, char byte)
{
	struct statfs fs;

	MUST(fstatfs(fd, &fs) == 0);
	OK(fsync, fd);
	at[0] = byte;
	if (fs.f_type != TMPFS_MAGIC)
		WANT(.op = "write", .path = "file", .fd = fd, .call = "", .flag = "mapped",
			.has_result = 1, .has_arg = 1);
}

int main(int argc, char **argv)
{
	char *at;
	int fd;

	want_begin(argc, argv);
	want_file("file", "mapped");
	OK(truncate, "file", PAGE);
	WANT(.op = "truncate", .path = "file");
	fd = want_open("file", O_RDWR);

	unmap(map(fd, PROT_READ, MAP_PRIVATE));
	at = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	at[0] = 'p';
	unmap(at);
	unmap(map(fd, PROT_READ, MAP_SHARED));
	at = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	store(at, fd, 's');
	store(at, fd, 't'); /* written back in between */
	unmap(at);

	/* Mapped to be read, made writable later; used after its descriptor is closed. */
	at = map(fd, PROT_READ, MAP_SHARED);
	OK(fsync, fd);
	want_close(fd, "file");
	OK(mprotect, at, PAGE, PROT_READ | PROT_WRITE);
	WANT(.op = "mprotect", .path = "file", .has_arg = 1,
		.arg = PROT_READ | PROT_WRITE | (long)MAP_SHARED << 32);
	fd = want_open("file", O_RDONLY);
	store(at, fd, 'S');
	unmap(at);
	want_end();
}
