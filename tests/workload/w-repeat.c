/* SPDX-License-Identifier: MIT */
#include "want.h"

/*
 * The same small reads and writes of one file again and again, one way for a
 * while and both ways in turn. Prints one line: how many of each, and their bytes.
 *
 * usage: w-repeat FILE TIMES
 */
int main(int argc, char **argv)
{
	long times, reads = 0, writes = 0;
	char bytes[3] = "abc";
	int fd;

	if (argc != 3)
		return 2;
	times = strtol(argv[2], NULL, 10);
	fd = open(argv[1], O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0);
	for (long i = 0; i < times; i++, writes++)
		MUST(pwrite(fd, bytes, 3, 0) == 3);
	for (long i = 0; i < times; i++, reads++)
		MUST(pread(fd, bytes, 2, 0) == 2);
	for (long i = 0; i < times; i++) {
		MUST(pread(fd, bytes, 2, 0) == 2);
		MUST(lseek(fd, 0, SEEK_SET) == 0);
		MUST(read(fd, bytes, 2) == 2);
		MUST(write(fd, bytes, 3) == 3);
		reads += 2;
		writes++;
	}
	printf("{\"pid\":%d,\"read\":%ld,\"read_bytes\":%ld,\"write\":%ld,\"write_bytes\":%ld}\n",
		getpid(), reads, 2 * reads, writes, 3 * writes);
	return 0;
}
