/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A second thread rewrites the path in memory while rename(2) runs. What the
 * kernel really did shows on disk; one line a round says which file it was.
 * Every round has names of its own, so that the two are never both right.
 * usage: w-race DIRECTORY ROUNDS
 */
#define PATH_FORMAT "%s-%06d"

static char path[32];
static atomic_bool stop;

/* The first four bytes at once, so that the path is always one of the two. */
static void *rewrite(void *unused)
{
	volatile uint32_t *word = (volatile uint32_t *)path;
	uint32_t real, fake;

	memcpy(&real, "real", 4);
	memcpy(&fake, "fake", 4);
	while (!stop) {
		*word = real;
		*word = fake;
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

	memcpy(path, "real", 4);
	if (argc != 3 || chdir(argv[1]) < 0 || pthread_create(&thread, NULL, rewrite, NULL) != 0)
		return 1;
	for (int i = 0; i < atoi(argv[2]); i++) {
		char real[32], fake[32];

		snprintf(real, sizeof(real), PATH_FORMAT, "real", i);
		snprintf(fake, sizeof(fake), PATH_FORMAT, "fake", i);
		make(real);
		make(fake);
		memcpy(path + 4, real + 4, sizeof(path) - 4);
		if (syscall(SYS_rename, path, "moved") < 0)
			return 1;
		puts(access(real, F_OK) < 0 ? real : fake);
	}
	stop = true;
	pthread_join(thread, NULL);
	return fflush(stdout) == 0 ? 0 : 1;
}
