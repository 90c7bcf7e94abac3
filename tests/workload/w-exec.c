/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>

/*
 * Programs becoming other programs. The other program is a copy of this one:
 * given "--exit" it ends.
 */

static const char *const arguments[] = { "prog", "--exit", "an argument with spaces", NULL };
static const char *const environment[] = { "LEMONA_TEST=1", NULL };

static void copy_self(const char *path)
{
	char self[PATH_MAX] = "";
	int from, to;
	struct stat st;

	MUST(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	from = want_open(self, O_RDONLY);
	MUST(fstat(from, &st) == 0);
	to = (int)OK(openat, AT_FDCWD, path, O_RDWR | O_CREAT, 0755);
	WANT(.op = "open", .path = path, .fd = to);
	MUST(OK(sendfile, to, from, NULL, st.st_size) == st.st_size);
	WANT(.op = "copy", .path = self, .path2 = path, .fd = from, .fd2 = to);
	want_close(to, path);
	want_close(from, self);
}

static void copy_to_memfd(int to)
{
	int from = want_open("prog", O_RDONLY);
	struct stat st;

	MUST(fstat(from, &st) == 0);
	MUST(OK(sendfile, to, from, NULL, st.st_size) == st.st_size);
	WANT(.op = "copy", .path = "prog", .fd = from, .fd2 = to);
	want_close(from, "prog");
}

/* Stated before the call: afterwards there is nobody left who could. */
#define EXEC(name, ...)                                                                            \
	WANT(.op = "exec", .call = #name, .has_result = 1, __VA_ARGS__)

static void by_name(unsigned which)
{
	int dir;

	switch (which) {
	case 0:
		EXEC(execve, .path = "prog");
		OK(execve, want_path("prog"), arguments, environment);
		break;
	case 1:
		EXEC(execve, .path = "prog");
		OK(execve, "./prog", arguments, environment);
		break;
	case 2:
		EXEC(execve, .path = "prog");
		OK(execve, "link", arguments, environment);
		break;
	case 3:
		/* The interpreter runs; the script is what it was told to run. */
		EXEC(execve, .names = "script");
		OK(execve, "script", arguments, environment);
		break;
	case 4:
		dir = want_open("dir", O_RDONLY | O_DIRECTORY);
		EXEC(execveat, .path = "dir/prog");
		OK(execveat, dir, "prog", arguments, environment, 0);
		break;
	}
}

static void *exec_thread(void *arg)
{
	EXEC(execve, .path = "prog");
	OK(execve, "prog", arguments, environment);
	return arg;
}

static void by_descriptor(unsigned which)
{
	pthread_t thread;
	int fd;

	switch (which) {
	case 5:
		fd = want_open("prog", O_RDONLY);
		EXEC(execveat, .path = "prog");
		OK(execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
		break;
	case 6:
		fd = (int)OK(memfd_create, "program", 0);
		WANT(.op = "memfd", .fd = fd);
		copy_to_memfd(fd);
		EXEC(execveat, .fd = fd);
		OK(execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
		break;
	case 7:
		/* The thread is not the one that the process began with. */
		MUST(pthread_create(&thread, NULL, exec_thread, NULL) == 0);
		for (;;)
			pause();
	}
}

static void failing(void)
{
	FAIL(ENOENT, execve, "nothing", arguments, environment);
	WANT(.op = "exec", .path = "nothing");
	FAIL(EACCES, execve, "noexec", arguments, environment);
	WANT(.op = "exec", .path = "noexec");
	FAIL(ENOEXEC, execve, "garbage", arguments, environment);
	WANT(.op = "exec", .path = "garbage");
	FAIL(ENOENT, execve, "orphan-script", arguments, environment);
	WANT(.op = "exec", .path = "orphan-script");
	FAIL(EBADF, execveat, 999, "prog", arguments, environment, 0);
	WANT(.op = "exec", .claimed = "prog");
}

static void executable(const char *path, const char *head, const char *tail)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "%s%s", head, tail);
	want_file(path, text);
	OK(chmod, path, 0755);
	WANT(.op = "chmod", .path = path);
}

static void prepare(void)
{
	copy_self("prog");
	OK(mkdir, "dir", 0755);
	WANT(.op = "mkdir", .path = "dir");
	copy_self("dir/prog");
	OK(symlink, "prog", "link");
	WANT(.op = "symlink", .path = "link");
	want_file("noexec", "nothing to run");
	executable("garbage", "\x7fnot a program", "");
	executable("script", "#!", want_path("prog --exit\n"));
	executable("orphan-script", "#!", want_path("no-interpreter\n"));
}

int main(int argc, char **argv)
{
	/* What runs at the end of each case; NULL: a file without a path. */
	static const char *const programs[] = { "prog", "prog", "prog", "prog",
						"dir/prog", "prog", NULL, "prog" };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--exit"))
			want_exit(0);
	}
	want_begin(argc, argv);
	prepare();
	for (unsigned which = 0; which < 8; which++) {
		pid_t child = want_fork();

		if (!child) {
			by_name(which);
			by_descriptor(which);
			want_exit(1);
		}
		want_wait_as(child, 0, programs[which]);
	}
	failing();
	want_end();
}
