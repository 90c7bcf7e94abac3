/* SPDX-License-Identifier: MIT */
#include "want.h"

#include <linux/fs.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

/*
 * Changing oneself, changing another process, and changing the kernel: of the
 * last only what does no harm, which is what fails or stays in a namespace.
 */

static void oneself(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = { .len = 1, .filter = &allow };

	OK(prctl, PR_GET_NAME, (char[16]){ "" }, 0, 0, 0); /* asks: no event */
	OK(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	WANT(.op = "attribute", .has_arg = 1, .arg = PR_SET_DUMPABLE | 1l << 32);
	OK(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	WANT(.op = "attribute", .has_arg = 1, .arg = PR_SET_NO_NEW_PRIVS | 1l << 32);
	CALL(prctl, PR_SET_PTRACER, 1, 0, 0, 0); /* fails without Yama */
	WANT(.op = "attribute", .has_arg = 1, .arg = PR_SET_PTRACER | 1l << 32);
	OK(personality, ADDR_NO_RANDOMIZE);
	WANT(.op = "attribute", .has_arg = 1, .arg = ADDR_NO_RANDOMIZE);
	OK(seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
	WANT(.op = "attribute", .has_arg = 1, .arg = SECCOMP_SET_MODE_FILTER);
	OK(prctl, PR_SET_NAME, "renamed", 0, 0, 0);
	WANT(.op = "attribute", .has_arg = 1, .arg = PR_SET_NAME);
}

static void another(pid_t child)
{
	struct rlimit limit = { .rlim_cur = 100, .rlim_max = 100 };
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1 };
	unsigned long cpus = 1;

	OK(prlimit64, child, RLIMIT_NPROC, &limit, NULL);
	WANT(.op = "control", .target = child, .has_arg = 1, .arg = RLIMIT_NPROC);
	OK(prlimit64, child, RLIMIT_NPROC, NULL, &limit); /* asks: no event */
	OK(prlimit64, 0, RLIMIT_NPROC, &(struct rlimit){ 1000, 1000 }, NULL); /* its own */
	OK(setpriority, PRIO_PROCESS, child, 5);
	WANT(.op = "control", .target = child);
	OK(sched_setaffinity, child, sizeof(cpus), &cpus);
	WANT(.op = "control", .target = child);
	OK(setpgid, child, child);
	WANT(.op = "control", .target = child);
	CALL(kcmp, getpid(), child, 0, 0, 0);
	WANT(.op = "inspect", .target = child);
	CALL(perf_event_open, &attr, child, -1, -1, 0);
	WANT(.op = "inspect", .target = child);
}

static void files(void)
{
	int fd = want_open("file", O_RDWR | O_CREAT), flags = 0;

	CALL(ioctl, fd, FS_IOC_SETFLAGS, &flags);
	WANT(.op = "setflags", .path = "file", .fd = fd, .has_arg = 1, .arg = FS_IOC_SETFLAGS);
	want_close(fd, "file");
}

/* What is typed for somebody else. */
static void terminal(void)
{
	int unlock = 0, number = 0, manager, fd;
	char path[32];

	manager = want_open("/dev/ptmx", O_RDWR | O_NOCTTY);
	MUST(ioctl(manager, TIOCSPTLCK, &unlock) == 0 && ioctl(manager, TIOCGPTN, &number) == 0);
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	fd = want_open(path, O_RDWR | O_NOCTTY);
	OK(ioctl, fd, TIOCSTI, "x");
	WANT(.op = "ioctl", .path = path, .fd = fd, .has_arg = 1, .arg = TIOCSTI);
	want_close(fd, path);
	want_close(manager, "/dev/ptmx");
}

static void kernel(void)
{
	struct timespec never = { .tv_sec = 7, .tv_nsec = -1 };
	struct timeval nothing = { .tv_sec = 8, .tv_usec = 1000001 };

	FAIL(EINVAL, clock_settime, CLOCK_REALTIME, &never);
	WANT(.op = "clock", .has_arg = 1, .arg = 6999999999);
	FAIL(EINVAL, settimeofday, &nothing, NULL);
	WANT(.op = "clock", .has_arg = 1, .arg = 9000001000);
	FAIL(ENOENT, swapon, "absent", 0);
	WANT(.op = "kernel", .path = "absent");
	FAIL(EINVAL, reboot, 0, 0, 0, NULL);
	WANT(.op = "kernel", .has_arg = 1);
	OK(syslog, 10, NULL, 0);
	WANT(.op = "kernel", .has_arg = 1, .arg = 10);
	OK(unshare, CLONE_NEWUTS);
	WANT(.op = "setns", .has_arg = 1, .arg = CLONE_NEWUTS);
	OK(sethostname, "workload", 8);
	WANT(.op = "kernel");
}

static void looking(void)
{
	char buf[256];
	int fd;

	OK(statfs, "file", buf);
	WANT(.op = "stat", .path = "file");
	fd = (int)syscall(SYS_inotify_init1, O_CLOEXEC);
	OK(inotify_add_watch, fd, "file", 2);
	WANT(.op = "stat", .path = "file");
}

int main(int argc, char **argv)
{
	pid_t child;

	want_begin(argc, argv);
	child = want_fork();
	if (!child) {
		oneself();
		want_gate_open(0);
		want_gate_pass(1);
		want_exit(0);
	}
	want_gate_pass(0);
	another(child);
	want_gate_open(1);
	want_wait(child, 0);
	files();
	terminal();
	looking();
	child = want_fork();
	if (!child) {
		kernel();
		want_exit(0);
	}
	want_wait(child, 0);
	want_end();
}
