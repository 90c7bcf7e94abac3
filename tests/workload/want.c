/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#define WANT_BYTES (1u << 20)
#define WANT_LINE_MAX (16u * 1024)

struct want_shared {
	uint32_t gates[WANT_GATES];
	size_t used;
	char text[WANT_BYTES];
};

static struct want_shared *shared;
static char base[PATH_MAX];
static const char *output;

static __thread const char *last_call;
static __thread long last_result;

void want_die(const char *what, const char *file, int line)
{
	dprintf(STDERR_FILENO, "%s:%d: %s (pid %d)\n", file, line, what, getpid());
	syscall(SYS_exit_group, 1);
	__builtin_unreachable();
}

long want_called(const char *call, long result)
{
	last_call = call;
	last_result = result == -1 ? -errno : result;
	return last_result;
}

long want_ok(long result, const char *call, const char *file, int line)
{
	char what[128];

	if (result >= 0 || result < -4095)
		return result;
	snprintf(what, sizeof(what), "%s: %s", call, strerror((int)-result));
	want_die(what, file, line);
}

void want_fail(long result, int err, const char *call, const char *file, int line)
{
	char what[128];

	if (result == -err)
		return;
	snprintf(what, sizeof(what), "%s returned %ld instead of %d", call, result, -err);
	want_die(what, file, line);
}

/* One statement, built in the caller's stack: no memory is asked of the kernel for it. */
struct line {
	size_t used;
	char text[WANT_LINE_MAX];
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, fmt, args);
	va_end(args);
	MUST(n >= 0 && (size_t)n < sizeof(line->text) - line->used);
	line->used += (size_t)n;
}

static void put_string(struct line *line, const char *key, const char *value)
{
	put(line, ",\"%s\":\"", key);
	for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
		if (*c == '"' || *c == '\\')
			put(line, "\\%c", *c);
		else if (*c < 0x20)
			put(line, "\\u%04x", *c);
		else
			put(line, "%c", *c);
	}
	put(line, "\"");
}

static void put_path(struct line *line, const char *key, const char *path)
{
	char full[2 * PATH_MAX];

	if (!path)
		return;
	if (path[0] == '/')
		snprintf(full, sizeof(full), "%s", path);
	else if (!strcmp(path, "."))
		snprintf(full, sizeof(full), "%s", base);
	else
		snprintf(full, sizeof(full), "%s/%s", base, path);
	put_string(line, key, full);
}

static const char *kind_name(const struct stat *st)
{
	if (S_ISSOCK(st->st_mode))
		return "socket";
	if (S_ISFIFO(st->st_mode))
		return "fifo";
	return "file";
}

static void put_identity(struct line *line, const char *suffix, int fd)
{
	struct stat st;

	if (fd <= 0)
		return;
	MUST(fstat(fd, &st) == 0);
	put(line, ",\"dev%s\":\"%u:%u\",\"inode%s\":%ju,\"kind%s\":\"%s\"", suffix,
		major(st.st_dev), minor(st.st_dev), suffix, (uintmax_t)st.st_ino, suffix,
		kind_name(&st));
}

void want_add(const struct want *want)
{
	struct line line = { 0 };
	pid_t pid = want->pid ? want->pid : getpid();
	pid_t tid = want->tid ? want->tid : want->pid ? want->pid : (pid_t)syscall(SYS_gettid);
	size_t at;

	put(&line, "{\"pid\":%d,\"tid\":%d", pid, tid);
	put_string(&line, "op", want->op);
	if (want->call ? *want->call : last_call && !want->pid)
		put_string(&line, "call", want->call ? want->call : last_call);
	if (!want->no_result)
		put(&line, ",\"result\":%ld", want->has_result ? want->result : last_result);
	if (!want->no_uid && !want->pid)
		put(&line, ",\"uid\":%u", getuid());
	if (want->has_arg)
		put(&line, ",\"arg\":%ld", want->arg);
	if (want->target)
		put(&line, ",\"target\":%d", want->target);
	if (want->ppid)
		put(&line, ",\"ppid\":%d", want->ppid);
	put_path(&line, "path", want->path);
	put_path(&line, "path2", want->path2);
	put_path(&line, "names", want->names);
	put_path(&line, "exe", want->exe);
	if (want->claimed)
		put_string(&line, "path", want->claimed);
	put_identity(&line, "", want->fd);
	put_identity(&line, "2", want->fd2);
	if (want->local)
		put_string(&line, "local", want->local);
	if (want->remote)
		put_string(&line, "remote", want->remote);
	if (want->label)
		put_string(&line, "label", want->label);
	if (want->flag)
		put_string(&line, "flag", want->flag);
	if (want->with)
		put(&line, ",\"with\":true");
	if (want->may)
		put(&line, ",\"may\":true");
	put(&line, "}\n");
	at = __atomic_fetch_add(&shared->used, line.used, __ATOMIC_SEQ_CST);
	MUST(at + line.used <= sizeof(shared->text));
	memcpy(shared->text + at, line.text, line.used);
}

const char *want_path(const char *rel)
{
	static __thread char ring[8][2 * PATH_MAX];
	static __thread unsigned next;
	char *path = ring[next++ % 8];

	snprintf(path, sizeof(ring[0]), "%s/%s", base, rel);
	return path;
}

void want_begin(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] != '/' || strlen(argv[1]) >= sizeof(base)) {
		fprintf(stderr, "usage: %s DIRECTORY [OUTPUT]  (absolute)\n", argv[0]);
		exit(2);
	}
	memcpy(base, argv[1], strlen(argv[1]));
	output = argc > 2 ? argv[2] : NULL;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	MUST(shared != MAP_FAILED);
	OK(chdir, base);
	WANT(.op = "chdir", .path = ".");
}

void want_end(void)
{
	int fd = output ? open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) :
			  STDOUT_FILENO;
	size_t done = 0;

	MUST(fd >= 0);
	while (done < shared->used) {
		ssize_t n = write(fd, shared->text + done, shared->used - done);

		MUST(n > 0);
		done += (size_t)n;
	}
	_exit(0);
}

int want_open(const char *path, int flags)
{
	int fd = (int)OK(openat, AT_FDCWD, path, flags, 0644);

	WANT(.op = "open", .path = path, .fd = fd);
	return fd;
}

void want_close(int fd, const char *path)
{
	/* Stated before the call: afterwards the descriptor tells nothing. */
	WANT(.op = "close", .call = "close", .path = path, .fd = fd, .has_result = 1, .has_arg = 1,
		.arg = fd);
	OK(close, fd);
}

void want_write(int fd, const char *path, const char *text)
{
	OK(write, fd, text, strlen(text));
	WANT(.op = "write", .path = path, .fd = fd);
}

void want_read(int fd, const char *path, size_t count)
{
	char bytes[4096];

	MUST(count <= sizeof(bytes));
	MUST(OK(read, fd, bytes, count) == (long)count);
	WANT(.op = "read", .path = path, .fd = fd);
}

void want_file(const char *path, const char *text)
{
	int fd = want_open(path, O_WRONLY | O_CREAT);

	if (*text)
		want_write(fd, path, text);
	want_close(fd, path);
}

pid_t want_fork(void)
{
	pid_t child = (pid_t)OK(fork);

	if (child)
		WANT(.op = "fork", .target = child);
	return child;
}

void want_sleep(void)
{
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	want_exit(1);
}

void want_exit(int code)
{
	syscall(SYS_exit_group, code);
	__builtin_unreachable();
}

void want_wait_as(pid_t child, int code, const char *exe)
{
	int status = 0;

	MUST(waitpid(child, &status, 0) == child);
	MUST(status == code << 8);
	WANT(.op = "exit", .pid = child, .has_result = 1, .result = status, .exe = exe);
}

void want_wait(pid_t child, int code)
{
	want_wait_as(child, code, NULL);
}

void want_gate_open(unsigned gate)
{
	__atomic_store_n(&shared->gates[gate], 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &shared->gates[gate], FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void want_gate_pass(unsigned gate)
{
	while (!__atomic_load_n(&shared->gates[gate], __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &shared->gates[gate], FUTEX_WAIT, 0, NULL, NULL, 0);
}
