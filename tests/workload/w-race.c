/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A second thread rewrites the path in memory while rename(2) runs. What the
 * kernel really did shows on disk; one line a round says which file it was.
 * usage: w-race DIRECTORY ROUNDS
 */
static char path[] = "real";
static atomic_bool stop;

static void *rewrite(void *unused)
{
	while (!stop) {
		memcpy(path, "real", 4);
		memcpy(path, "fake", 4);
	}
	return NULL;
}

static void make(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		perror(name);
		exit(1);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 3 || chdir(argv[1]) < 0 || pthread_create(&thread, NULL, rewrite, NULL) != 0)
		return 1;
	for (int i = 0; i < atoi(argv[2]); i++) {
		make("real");
		make("fake");
		/* A torn path is none of the two: the call fails. */
		if (syscall(SYS_rename, path, "moved") == 0)
			puts(access("real", F_OK) < 0 ? "real" : "fake");
	}
	stop = true;
	pthread_join(thread, NULL);
	return fflush(stdout) == 0 ? 0 : 1;
}
