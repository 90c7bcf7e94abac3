/* SPDX-License-Identifier: MIT */
#include "want.h"

static volatile sig_atomic_t handled;

static void handle(int number)
{
	handled = number;
}

/* Signals to another process, by every call that sends one, and one that is handled. */
int main(int argc, char **argv)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	pid_t child;
	int pidfd, status = 0;

	/* Ignored from the start, so that it does not matter how far the child has come. */
	signal(SIGUSR1, SIG_IGN);
	want_begin(argc, argv);
	child = want_fork();
	if (!child)
		want_sleep();
	OK(kill, child, 0);
	WANT(.op = "signal", .target = child, .has_arg = 1, .may = 1);
	OK(kill, child, SIGUSR1);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGUSR1);
	OK(tkill, child, SIGUSR1);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGUSR1);
	OK(tgkill, child, child, SIGUSR1);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGUSR1);
	OK(rt_sigqueueinfo, child, SIGUSR1, &info);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGUSR1);
	OK(rt_tgsigqueueinfo, child, child, SIGUSR1, &info);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGUSR1);
	pidfd = (int)OK(pidfd_open, child, 0);
	OK(pidfd_send_signal, pidfd, SIGUSR1, NULL, 0);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGUSR1);
	OK(kill, child, SIGTERM);
	WANT(.op = "signal", .target = child, .has_arg = 1, .arg = SIGTERM);
	MUST(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	WANT(.op = "exit", .pid = child, .has_result = 1, .result = SIGTERM);

	FAIL(ESRCH, kill, child, SIGTERM);
	WANT(.op = "signal", .has_arg = 1, .arg = SIGTERM);
	signal(SIGUSR1, handle);
	OK(kill, getpid(), SIGUSR1);
	WANT(.op = "signal", .target = getpid(), .has_arg = 1, .arg = SIGUSR1);
	MUST(handled == SIGUSR1); /* its return is a call that influences nothing */
	want_end();
}
