/* SPDX-License-Identifier: MIT */
/*
 * fileops DIR LOOPS: one process makes a file in DIR, writes and reads it four times each, closes,
 * renames and removes it, LOOPS times. Every loop is a new file under two names.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DIGITS 10
#define BLOCK_BYTES 64
#define BLOCKS 4

static void one_file(const char *name, const char *renamed)
{
	char block[BLOCK_BYTES] = { 0 };
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		err(1, "%s", name);
	for (int i = 0; i < BLOCKS; i++)
		if (pwrite(fd, block, sizeof(block), (off_t)i * BLOCK_BYTES) != BLOCK_BYTES)
			err(1, "write");
	for (int i = 0; i < BLOCKS; i++)
		if (pread(fd, block, sizeof(block), (off_t)i * BLOCK_BYTES) != BLOCK_BYTES)
			err(1, "read");
	if (close(fd) < 0 || rename(name, renamed) < 0 || unlink(renamed) < 0)
		err(1, "%s", renamed);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: fileops DIR LOOPS");
	uintmax_t loops = strtoumax(argv[2], NULL, DIGITS);

	if (chdir(argv[1]) < 0)
		err(1, "%s", argv[1]);
	for (uintmax_t i = 0; i < loops; i++)
		one_file("fileops.new", "fileops.old");
	return 0;
}
