/* SPDX-License-Identifier: MIT */
/*
 * rdwr DIR LOOPS: on every CPU a process of its own reads and writes one byte of a file in DIR:
 * pread, lseek, read, write, LOOPS times. System calls do not get shorter than these, so nothing
 * shows more of what a recorder costs for each.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGITS 10

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(1, "sched_setaffinity");
}

static int make_file(const char *dir, int cpu)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/rdwr.%d", dir, cpu) >= (int)sizeof(path))
		errx(1, "%s: too long", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		err(1, "%s", path);
	return fd;
}

static void loop(int fd, uintmax_t loops)
{
	char byte = 'x';

	for (uintmax_t i = 0; i < loops; i++) {
		if (pread(fd, &byte, 1, 0) != 1 || lseek(fd, 0, SEEK_SET) != 0 ||
		    read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
			err(1, "loop");
	}
}

/* @return how many processes were started: one for each CPU that this one may run on */
static int start(const char *dir, uintmax_t loops)
{
	cpu_set_t allowed;
	int count = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		err(1, "sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			stay_on(cpu);
			loop(make_file(dir, cpu), loops);
			_exit(0);
		}
		count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: rdwr DIR LOOPS");
	int status = 0, failed = 0;

	for (int left = start(argv[1], strtoumax(argv[2], NULL, DIGITS)); left > 0; left--) {
		if (wait(&status) < 0)
			err(1, "wait");
		failed |= status;
	}
	return failed ? 1 : 0;
}
