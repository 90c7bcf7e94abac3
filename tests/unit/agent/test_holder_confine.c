/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder_confine.h"
#include "lemona/base/cleanup.h"

/* What a confined process tries; the system call itself, so that no library comes in between. */
static const struct attempt {
	const char *name;
	long number;
	long args[3];
} attempts[] = {
	{ "open", SYS_open, { (long)"/etc/passwd", O_RDONLY } },
	{ "openat", SYS_openat, { AT_FDCWD, (long)"/etc/passwd", O_RDONLY } },
	{ "socket", SYS_socket, { AF_INET, SOCK_STREAM } },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM } },
	{ "read", SYS_read, { 0 } },
	{ "write to another", SYS_write, { 2 } },
	{ "recvfrom another", SYS_recvfrom, { 1 } },
	{ "sendto another", SYS_sendto, { 2 } },
	{ "sendmsg", SYS_sendmsg, { 0 } },
	{ "fork", SYS_fork, { 0 } },
	{ "clone", SYS_clone, { 0 } },
	{ "execve", SYS_execve, { (long)"/bin/true" } },
	{ "ptrace", SYS_ptrace, { PTRACE_TRACEME } },
	{ "kill", SYS_kill, { 1 } },
	{ "prctl", SYS_prctl, { PR_SET_DUMPABLE, 1 } },
	{ "mprotect", SYS_mprotect, { 0 } },
	{ "memfd_create", SYS_memfd_create, { (long)"x" } },
	{ "io_uring_setup", SYS_io_uring_setup, { 1 } },
	{ "bpf", SYS_bpf, { 0 } },
	{ "rt_sigreturn", SYS_rt_sigreturn, { 0 } },
};

/* Who is not root may not lock that much memory. */
static void want_root(void)
{
	if (geteuid() != 0)
		skip();
}

/* How a confined process ends that makes this call. */
static int run_confined(const struct attempt *attempt)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *step = NULL;

		if (holder_confine(&step) < 0)
			syscall(SYS_exit_group, 100);
		syscall(attempt->number, attempt->args[0], attempt->args[1], attempt->args[2]);
		syscall(SYS_exit_group, 50);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_what_ends_it(void **state)
{
	want_root();
	for (size_t i = 0; i < LM_ARRAY_SIZE(attempts); i++) {
		int status = run_confined(&attempts[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x", attempts[i].name, (unsigned int)status);
	}
}

static void test_what_it_may(void **state)
{
	uint8_t random[16];
	const struct attempt may = { "getrandom", SYS_getrandom,
		{ (long)random, sizeof(random), 0 } };
	int status;

	want_root();
	status = run_confined(&may);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 50);
}

/* The i386 entry has numbers of its own, which the filter must not take for others. */
static void test_other_entry(void **state)
{
	int status = 0;
	pid_t pid;

	want_root();
	pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const char *step = NULL;
		long number = 20; /* getpid */

		if (holder_confine(&step) < 0)
			syscall(SYS_exit_group, 100);
		__asm__ volatile("int $0x80" : "+a"(number) : : "memory", "r8", "r9", "r10", "r11");
		syscall(SYS_exit_group, 50);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	/* Without that entry in the kernel it is a fault of another kind, and an end as well. */
	assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_ends_it),
		cmocka_unit_test(test_what_it_may),
		cmocka_unit_test(test_other_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
