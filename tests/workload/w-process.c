/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/sched.h>

/* Process life: every way to make a process, and every way to end one. */

static void exit_codes(void)
{
	pid_t child = want_fork();

	if (!child)
		want_exit(7);
	want_wait(child, 7);
}

static void clone_calls(void)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	pid_t child = (pid_t)OK(clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (!child)
		want_exit(3);
	WANT(.op = "fork", .target = child);
	want_wait(child, 3);

	child = (pid_t)OK(clone3, &args, sizeof(args));
	if (!child)
		want_exit(4);
	WANT(.op = "fork", .target = child);
	want_wait(child, 4);
}

static void vfork_call(void)
{
	pid_t child;

	/* Not syscall(2): the child returns from the function that made it. */
	child = vfork();
	if (!child)
		want_exit(5);
	MUST(child > 0);
	WANT(.op = "fork", .call = "vfork", .target = child, .has_result = 1, .result = child,
		.flag = "vm-shared");
	want_wait(child, 5);
}

static void killed(void)
{
	pid_t child = want_fork();
	int status = 0;

	if (!child)
		want_sleep();
	OK(kill, child, SIGKILL);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGKILL);
	MUST(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	WANT(.op = "exit", .pid = child, .has_result = 1, .result = SIGKILL);
}

/* A grandchild outlives its parent: what it does later still has its own identity. */
static void orphan(void)
{
	pid_t child = want_fork(), grandchild;
	int status = 0;

	if (!child) {
		grandchild = want_fork();
		if (grandchild)
			want_exit(0);
		want_gate_pass(0);
		want_file("orphan", "left behind");
		want_gate_open(1);
		want_exit(0);
	}
	MUST(waitpid(child, &status, 0) == child && status == 0);
	WANT(.op = "exit", .pid = child, .has_result = 1);
	want_gate_open(0);
	want_gate_pass(1);
}

int main(int argc, char **argv)
{
	want_begin(argc, argv);
	exit_codes();
	clone_calls();
	vfork_call();
	killed();
	orphan();
	want_end();
}
