/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sched.h>

/*
 * Faster than a small buffer can be emptied: one process on every CPU makes a
 * number of reads that it knows, and does nothing else from then on but end.
 * Prints one line a process, with that number.
 *
 * usage: w-flood DIRECTORY READS
 */
static void flood(int cpu, long reads, int start)
{
	char byte;
	cpu_set_t set;
	int fd;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
	fd = open("flood", O_RDONLY);
	MUST(fd >= 0);
	/* All at once, when whatever came before has long been taken out of the buffers. */
	MUST(read(start, &byte, 1) == 0);
	for (long i = 0; i < reads; i++)
		MUST(syscall(SYS_pread64, fd, &byte, 1, 0) == 1);
	_exit(0);
}

int main(int argc, char **argv)
{
	cpu_set_t allowed;
	pid_t children[CPU_SETSIZE];
	int fd, status, start[2], count = 0;
	long reads;

	if (argc != 3 || chdir(argv[1]))
		return 2;
	reads = strtol(argv[2], NULL, 10);
	fd = open("flood", O_WRONLY | O_CREAT, 0644);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	MUST(pipe(start) == 0);
	MUST(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		children[count] = fork();
		MUST(children[count] >= 0);
		if (!children[count]) {
			close(start[1]);
			flood(cpu, reads, start[0]);
		}
		count++;
	}
	usleep(200000);
	close(start[1]);
	while (wait(&status) > 0)
		MUST(status == 0);
	usleep(200000); /* so that the last lines of this are not among what is lost */
	for (int i = 0; i < count; i++)
		printf("{\"pid\":%d,\"reads\":%ld}\n", children[i], reads);
	return 0;
}
