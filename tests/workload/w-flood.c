/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sched.h>

/*
 * Faster than a small buffer can be emptied: one process on every CPU makes a
 * number of reads that it knows. Prints one line a process, with that number.
 *
 * usage: w-flood DIRECTORY READS
 */
static void flood(int cpu, long reads)
{
	char byte;
	cpu_set_t set;
	int fd;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
	fd = open("flood", O_RDONLY);
	MUST(fd >= 0);
	for (long i = 0; i < reads; i++)
		MUST(syscall(SYS_pread64, fd, &byte, 1, 0) == 1);
	printf("{\"pid\":%d,\"cpu\":%d,\"reads\":%ld}\n", getpid(), cpu, reads);
	exit(0);
}

int main(int argc, char **argv)
{
	cpu_set_t allowed;
	long reads;
	int fd, status;

	if (argc != 3 || chdir(argv[1]))
		return 2;
	reads = strtol(argv[2], NULL, 10);
	fd = open("flood", O_WRONLY | O_CREAT, 0644);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	MUST(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		pid_t child = fork();

		MUST(child >= 0);
		if (!child)
			flood(cpu, reads);
	}
	while (wait(&status) > 0)
		MUST(status == 0);
	return 0;
}
