/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A second thread rewrites what a call was given while it runs: a path, or an
 * address. What the kernel really did shows afterwards; one line a round says it.
 * Every round has names of its own, so that the two are never both right.
 * usage: w-race DIRECTORY ROUNDS CALL
 */
#define NAME_FORMAT "%s-%06d"
#define NAME_BYTES 32
#define PORTS 2

/* What is rewritten: the first four bytes of the name, or the port. Shared with children. */
static struct shared {
	struct sockaddr_un un;
	struct sockaddr_in in;
} *shared;

static char *path;
static char real[NAME_BYTES], fake[NAME_BYTES];
static uint16_t ports[PORTS];
static int listeners[PORTS];
static atomic_bool stop;
static atomic_uint turns;

static void need(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	exit(1);
}

/* All of it at once, so that it is always one of the two. */
static void *rewrite(void *unused)
{
	volatile uint32_t *word = (volatile uint32_t *)path;
	volatile uint16_t *port = &shared->in.sin_port;
	uint32_t words[2];

	memcpy(&words[0], "real", 4);
	memcpy(&words[1], "fake", 4);
	while (!stop) {
		for (int i = 0; i < 2; i++) {
			*word = words[i];
			*port = ports[i];
			turns++; /* takes longest: either may be found */
		}
	}
	return NULL;
}

/* On a busy machine the other thread may not run for many rounds. */
static void wait_for_rewrite(void)
{
	unsigned int seen = turns;

	while (turns == seen)
		sched_yield();
}

static void make(const char *name)
{
	int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	need(fd >= 0 && write(fd, "12345678", 8) == 8, name);
	close(fd);
}

static void make_both(void)
{
	make(real);
	make(fake);
}

static ino_t inode_of(const char *name)
{
	struct stat st;

	need(stat(name, &st) == 0, name);
	return st.st_ino;
}

static const char *by_inode(ino_t inode)
{
	return inode == inode_of(real) ? real : fake;
}

static const char *that_exists(void)
{
	return access(real, F_OK) == 0 ? real : fake;
}

static const char *that_is_gone(void)
{
	return access(real, F_OK) == 0 ? fake : real;
}

static const char *race_rename(void)
{
	make_both();
	need(syscall(SYS_rename, path, "moved") == 0, "rename");
	return that_is_gone();
}

static const char *race_open(void)
{
	struct stat st;
	int fd;

	make_both();
	fd = (int)syscall(SYS_open, path, O_RDONLY);
	need(fd >= 0 && fstat(fd, &st) == 0, "open");
	close(fd);
	return by_inode(st.st_ino);
}

static const char *race_create(void)
{
	int fd = (int)syscall(SYS_open, path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	need(fd >= 0, "open");
	close(fd);
	return that_exists();
}

static const char *race_link(void)
{
	char name[NAME_BYTES];

	make_both();
	snprintf(name, sizeof(name), "link%s", real + 4);
	need(syscall(SYS_link, path, name) == 0, "link");
	return by_inode(inode_of(name));
}

/* The other one goes too, by a call that nobody disturbs. */
static const char *race_unlink(void)
{
	const char *gone;

	make_both();
	need(syscall(SYS_unlink, path) == 0, "unlink");
	gone = that_is_gone();
	need(syscall(SYS_unlinkat, AT_FDCWD, gone == real ? fake : real, 0) == 0, "unlinkat");
	return gone;
}

static const char *race_mkdir(void)
{
	need(syscall(SYS_mkdir, path, 0700) == 0, "mkdir");
	return that_exists();
}

static const char *race_symlink(void)
{
	struct stat st;

	need(syscall(SYS_symlink, "nowhere", path) == 0, "symlink");
	return lstat(real, &st) == 0 ? real : fake;
}

static const char *race_chmod(void)
{
	struct stat st;

	make_both();
	need(syscall(SYS_chmod, path, 0640) == 0 && stat(real, &st) == 0, "chmod");
	return st.st_mode & 040 ? real : fake;
}

static const char *race_truncate(void)
{
	struct stat st;

	make_both();
	need(syscall(SYS_truncate, path, 3) == 0 && stat(real, &st) == 0, "truncate");
	return st.st_size == 3 ? real : fake;
}

/* Which of two was not there cannot be told afterwards. */
static const char *race_stat(void)
{
	struct stat st;

	need(syscall(SYS_stat, path, &st) < 0, "stat");
	return "unknown";
}

static void copy_self(const char *name)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	need(from >= 0 && to >= 0, name);
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	need(close(to) == 0 && close(from) == 0, name);
}

/* The kernel's link says which one runs. */
static const char *race_exec(void)
{
	static char told[NAME_BYTES];
	char *const argv[] = { (char *)"w-race", NULL };
	int fds[2];
	pid_t child;

	need(link("program", real) == 0 && link("program", fake) == 0 && pipe(fds) == 0, "link");
	child = fork();
	need(child >= 0, "fork");
	if (child == 0) {
		dup2(fds[1], STDOUT_FILENO);
		syscall(SYS_execve, path, argv, NULL);
		_exit(1);
	}
	close(fds[1]);
	memset(told, 0, sizeof(told));
	need(read(fds[0], told, sizeof(told) - 1) > 0, "execve");
	close(fds[0]);
	need(waitpid(child, NULL, 0) == child, "waitpid");
	return told;
}

static int say_who(void)
{
	char exe[4096] = { 0 };
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *name = n > 0 ? strrchr(exe, '/') : NULL;

	return name && write(STDOUT_FILENO, name + 1, strlen(name + 1)) > 0 ? 0 : 1;
}

static int listen_at(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, name, strlen(name));
	need(fd >= 0 && bind(fd, (void *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0, name);
	return fd;
}

static const char *race_connect(void)
{
	struct pollfd ways[2] = { { .fd = listen_at(real), .events = POLLIN },
		{ .fd = listen_at(fake), .events = POLLIN } };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(syscall(SYS_connect, fd, &shared->un, sizeof(shared->un)) == 0, "connect");
	need(poll(ways, 2, -1) == 1, "poll");
	close(fd);
	close(ways[0].fd);
	close(ways[1].fd);
	return ways[0].revents ? real : fake;
}

static const char *race_inet(void)
{
	static char told[NAME_BYTES];
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(syscall(SYS_connect, fd, &shared->in, sizeof(shared->in)) == 0 &&
			getpeername(fd, (void *)&peer, &len) == 0,
		"connect");
	close(fd);
	fd = accept(listeners[peer.sin_port == ports[1]], NULL, NULL);
	need(fd >= 0 && close(fd) == 0, "accept");
	snprintf(told, sizeof(told), "127.0.0.1:%u", ntohs(peer.sin_port));
	return told;
}

/* Nobody listens: whom it was for, only the caller's memory said. */
static const char *race_refused(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(syscall(SYS_connect, fd, &shared->in, sizeof(shared->in)) < 0 && errno == ECONNREFUSED,
		"connect");
	close(fd);
	return "unknown";
}

static void take_ports(bool listening)
{
	for (int i = 0; i < PORTS; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t len = sizeof(at);

		listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		need(bind(listeners[i], (void *)&at, sizeof(at)) == 0 &&
				getsockname(listeners[i], (void *)&at, &len) == 0 &&
				(!listening || listen(listeners[i], 8) == 0),
			"bind");
		ports[i] = at.sin_port;
	}
}

static const struct {
	const char *name;
	const char *(*race)(void);
} calls[] = {
	{ "rename", race_rename },     { "open", race_open },
	{ "create", race_create },     { "link", race_link },
	{ "unlink", race_unlink },     { "mkdir", race_mkdir },
	{ "symlink", race_symlink },   { "chmod", race_chmod },
	{ "truncate", race_truncate }, { "stat", race_stat },
	{ "exec", race_exec },         { "connect", race_connect },
	{ "inet", race_inet },         { "refused", race_refused },
};

static const char *(*find_race(const char *name))(void)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].race;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *(*race)(void) = argc == 4 ? find_race(argv[3]) : NULL;
	pthread_t thread;

	if (argc == 1)
		return say_who();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	need(race && shared != MAP_FAILED && chdir(argv[1]) == 0, "usage");
	shared->un.sun_family = AF_UNIX;
	shared->in = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	path = shared->un.sun_path;
	memcpy(path, "real", 4);
	if (race == race_exec)
		copy_self("program");
	if (race == race_inet || race == race_refused)
		take_ports(race == race_inet);
	shared->in.sin_port = ports[0];
	need(pthread_create(&thread, NULL, rewrite, NULL) == 0, "pthread_create");
	for (int i = 0; i < atoi(argv[2]); i++) {
		snprintf(real, sizeof(real), NAME_FORMAT, "real", i);
		snprintf(fake, sizeof(fake), NAME_FORMAT, "fake", i);
		memcpy(path + 4, real + 4, sizeof(real) - 4);
		wait_for_rewrite();
		puts(race());
	}
	stop = true;
	pthread_join(thread, NULL);
	return fflush(stdout) == 0 ? 0 : 1;
}
