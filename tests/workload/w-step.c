/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * One step of an attack, or of honest work, a process: tests put chains
 * together from these and know what every link of the chain did.
 */
static void need(bool cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "w-step: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pump(int from, int to)
{
	char bytes[65536];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		need(write(to, bytes, (size_t)n) == n, "write");
	need(n == 0, "read");
}

/* A test waits for this line, and answers with one: steps follow each other without a clock. */
static void ready(void)
{
	char line[8];

	need(write(STDOUT_FILENO, "ready\n", 6) == 6, "standard output");
	need(read(STDIN_FILENO, line, sizeof(line)) > 0, "standard input");
}

static struct sockaddr_in address(const char *ip, const char *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };

	need(inet_pton(AF_INET, ip, &in.sin_addr) == 1, ip);
	return in;
}

/* serve IP PORT FILE: send FILE to the first who connects. "ready" once it listens. */
static void serve(char **args)
{
	struct sockaddr_in at = address(args[0], args[1]);
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client, file;

	need(listener >= 0, "socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	need(!bind(listener, (void *)&at, sizeof(at)) && !listen(listener, 1), "bind");
	need(write(STDOUT_FILENO, "ready\n", 6) == 6, "standard output");
	client = accept(listener, NULL, NULL);
	need(client >= 0, "accept");
	file = open(args[2], O_RDONLY);
	need(file >= 0, args[2]);
	pump(file, client);
}

/* fetch IP PORT FILE: write what comes to FILE, which becomes executable. */
static void fetch(char **args)
{
	struct sockaddr_in at = address(args[0], args[1]);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), file;

	need(server >= 0 && !connect(server, (void *)&at, sizeof(at)), "connect");
	file = open(args[2], O_WRONLY | O_CREAT | O_TRUNC, 0755);
	need(file >= 0, args[2]);
	pump(server, file);
}

/* copy FROM TO */
static void copy(char **args)
{
	int from = open(args[0], O_RDONLY), to;

	need(from >= 0, args[0]);
	to = open(args[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	need(to >= 0, args[1]);
	pump(from, to);
}

/* copy-inside DIRECTORY FROM TO: chdir, say "ready", wait for a line, then copy. */
static void copy_inside(char **args)
{
	need(chdir(args[0]) == 0, args[0]);
	ready();
	copy(args + 1);
}

/* append FILE TEXT */
static void append(char **args)
{
	int file = open(args[0], O_WRONLY | O_CREAT | O_APPEND, 0644);
	size_t len = strlen(args[1]);

	need(file >= 0 && write(file, args[1], len) == (ssize_t)len, args[0]);
}

/* mkdir DIRECTORY */
static void make_directory(char **args)
{
	need(mkdir(args[0], 0755) == 0, args[0]);
}

/* rename OLD NEW */
static void move(char **args)
{
	need(rename(args[0], args[1]) == 0, args[0]);
}

/* run PROGRAM ARGUMENT ARGUMENT ARGUMENT: become it. */
static void run(char **args)
{
	execv(args[0], args);
	need(false, args[0]);
}

static const struct step {
	const char *name;
	int count;
	void (*run)(char **args);
} steps[] = {
	{ "serve", 3, serve },       { "fetch", 3, fetch },        { "copy", 2, copy },
	{ "copy-inside", 3, copy_inside }, { "append", 2, append }, { "mkdir", 1, make_directory },
	{ "rename", 2, move },       { "run", 4, run },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(argv[1], steps[i].name) || argc != steps[i].count + 2)
			continue;
		steps[i].run(argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: w-step STEP ARGUMENT...\n");
	return 2;
}
