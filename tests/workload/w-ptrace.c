/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* One process reaching into another: tracing, memory, descriptors. */

static long word = 1; /* at the same address in parent and child */

static void ptraced(long request, pid_t target, void *addr, void *data)
{
	OK(ptrace, request, target, addr, data);
	WANT(.op = "ptrace", .target = target, .has_arg = 1, .arg = request);
}

static void stopped(pid_t child)
{
	int status = 0;

	MUST(waitpid(child, &status, __WALL) == child && WIFSTOPPED(status));
}

static pid_t sleeper(void)
{
	pid_t child = want_fork();

	if (!child)
		want_sleep();
	return child;
}

static void reap(pid_t child)
{
	int status = 0;

	OK(kill, child, SIGKILL);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGKILL);
	MUST(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	WANT(.op = "exit", .pid = child, .has_result = 1, .result = SIGKILL);
}

static void attach(void)
{
	pid_t child = sleeper();
	long seen = 0;

	ptraced(PTRACE_ATTACH, child, NULL, NULL);
	stopped(child);
	ptraced(PTRACE_PEEKDATA, child, &word, &seen);
	ptraced(PTRACE_POKEDATA, child, &word, (void *)2);
	ptraced(PTRACE_DETACH, child, NULL, NULL);
	ptraced(PTRACE_SEIZE, child, NULL, NULL);
	ptraced(PTRACE_INTERRUPT, child, NULL, NULL);
	stopped(child);
	ptraced(PTRACE_DETACH, child, NULL, NULL);
	reap(child);
	FAIL(ESRCH, ptrace, PTRACE_ATTACH, child, NULL, NULL);
	WANT(.op = "ptrace", .has_arg = 1, .arg = PTRACE_ATTACH);
}

static void traceme(void)
{
	pid_t child = want_fork();

	if (!child) {
		/* The kernel lets the parent be the tracer. */
		OK(ptrace, PTRACE_TRACEME, 0, NULL, NULL);
		WANT(.op = "ptrace", .has_arg = 1, .arg = PTRACE_TRACEME,
		     .target = getppid());
		OK(kill, getpid(), SIGSTOP);
		WANT(.op = "signal", .target = getpid(), .has_arg = 1, .arg = SIGSTOP);
		want_exit(0);
	}
	stopped(child);
	ptraced(PTRACE_CONT, child, NULL, NULL);
	want_wait(child, 0);
}

static void memory(void)
{
	pid_t child = sleeper();
	long here = 3;
	struct iovec local = { .iov_base = &here, .iov_len = sizeof(here) };
	struct iovec remote = { .iov_base = &word, .iov_len = sizeof(word) };

	OK(process_vm_writev, child, &local, 1, &remote, 1, 0);
	WANT(.op = "vmwrite", .target = child);
	OK(process_vm_readv, child, &local, 1, &remote, 1, 0);
	WANT(.op = "vmread", .target = child);
	reap(child);
}

/* A descriptor taken from another process leads to the file that it led to there. */
static void stolen(void)
{
	static char place[8192];
	/* At the same address in either. */
	struct iovec page = { (void *)(((uintptr_t)place + 4095) & ~(uintptr_t)4095), 4096 };
	pid_t child = want_fork();
	int pidfd, fd;

	if (!child) {
		fd = want_open("stolen", O_RDWR | O_CREAT);
		MUST(dup2(fd, 77) == 77);
		WANT(.op = "dup", .call = "dup2", .path = "stolen", .has_result = 1, .result = 77,
			.may = 1);
		want_gate_open(0);
		want_sleep();
	}
	want_gate_pass(0);
	pidfd = (int)OK(pidfd_open, child, 0);
	fd = (int)OK(pidfd_getfd, pidfd, 77, 0);
	WANT(.op = "fdrecv", .target = child, .path2 = "stolen", .fd2 = fd);
	OK(process_madvise, pidfd, &page, 1, MADV_COLD, 0);
	WANT(.op = "control", .target = child, .has_arg = 1, .arg = MADV_COLD);
	FAIL(EINVAL, process_mrelease, pidfd, 0); /* it is not about to end */
	WANT(.op = "control", .target = child);
	want_write(fd, "stolen", "through what was taken");
	want_close(fd, "stolen");
	reap(child);
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	attach();
	traceme();
	memory();
	stolen();
	want_end();
}
