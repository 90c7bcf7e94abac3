/* SPDX-License-Identifier: MIT */
#include "doctor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "refuse.h"

static void check_kernel(struct report *report)
{
	struct utsname name;

	if (uname(&name) == 0)
		add(report, &(struct finding){ .name = "kernel" }, "%.60s %.40s", name.release,
			name.machine);
}

static void check_btf(struct report *report)
{
	bool there = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

	add(report, &(struct finding){
		.name = "btf", .result = there ? LM_CHECK_OK : LM_CHECK_MISSING,
		.meaning = "the sensor cannot find its way in this kernel's structures: nothing "
			   "can be recorded",
		.fix = "mount /sys, and run a kernel built with CONFIG_DEBUG_INFO_BTF=y",
	}, "/sys/kernel/btf/vmlinux %s", there ? "is readable" : "is missing");
}

static void check_capabilities(struct report *report)
{
	char missing[128];
	bool needed = find_missing_capabilities(missing, sizeof(missing));

	add(report, &(struct finding){
		.name = "capabilities",
		.result = !missing[0] ? LM_CHECK_OK :
			needed ? LM_CHECK_MISSING : LM_CHECK_DEGRADED,
		.meaning = needed ? "the kernel does not let the sensor load: nothing can be "
				    "recorded" :
			"what the lines below say: names and hashes that cannot be looked up, or a "
			"recorder that is late",
		.fix = "run as root with these capabilities (systemd: CapabilityBoundingSet=, "
		       "containers: --cap-add)",
	}, "%s%s", missing[0] ? "without " : "all that are needed", missing);
}

/* "none [integrity] confidentiality" of security/lockdown/lockdown.c: the one in brackets. */
static void read_lockdown(char *out, size_t size)
{
	FILE *file LM_FCLOSE = fopen("/sys/kernel/security/lockdown", "re");
	char line[80] = "", *level = NULL;

	if (file && fgets(line, sizeof(line), file))
		level = strchr(line, '[');
	if (level)
		level[strcspn(level, "]")] = '\0';
	snprintf(out, size, "%s", level ? level + 1 : "not told (securityfs is not mounted)");
}

static void check_lockdown(struct report *report)
{
	bool hidden = hides_memory();
	char level[48];

	read_lockdown(level, sizeof(level));
	add(report, &(struct finding){
		.name = "lockdown", .result = hidden ? LM_CHECK_MISSING : LM_CHECK_OK,
		.meaning = "no program may read the kernel's memory: nothing can be recorded",
		.fix = "boot with lockdown=integrity or lockdown=none; a level that is built in, "
		       "or set by Secure Boot, needs another kernel or setting",
	}, "%s%s", level, hidden ? ", and the kernel's memory may not be read" : "");
}

void check_names(struct report *report, bool needed)
{
	unsigned int flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
			     FAN_UNLIMITED_MARKS | FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_TID;
	int fd LM_CLOSE = needed ? fanotify_init(flags, O_RDONLY) : -1;
	int r = fd >= 0 ? 0 : errno;
	struct finding finding = {
		.name = "name-events",
		.meaning = "the kernel does not confirm the names of rename, unlink, link and "
			   "mkdir: they stay claimed, and are marked so",
		.fix = "run Linux 5.17 or later, built with CONFIG_FANOTIFY=y",
	};

	if (!needed) {
		add(report, &finding, "not needed: trampolines tell all that they would");
		return;
	}
	if (r == EPERM)
		finding.fix = "run with CAP_SYS_ADMIN";
	else if (r == EMFILE)
		finding.fix = "raise sysctl fs.fanotify.max_user_groups";
	finding.result = r == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED;
	add(report, &finding, "%s%s", r == 0 ? "fanotify reports directory, name and target" :
		"fanotify_init: ", r == 0 ? "" : lm_strerror(-r));
}

/* The recorder's own priority, tried on the doctor and given back. */
static void check_priority(struct report *report)
{
	const struct sched_param lowest = { .sched_priority = 1 }, none = { 0 };
	int r = sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) < 0 ? -errno : 0;

	if (r == 0)
		(void)sched_setscheduler(0, SCHED_OTHER, &none);
	add(report, &(struct finding){
		.name = "priority", .result = r == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "on a busy host the recorder waits for the CPU like everybody: events "
			   "reach the log late, and some may be lost, which gaps then tell",
		.fix = "run with CAP_SYS_NICE, in a control group that has real-time time "
		       "(cpu.rt_runtime_us)",
	}, r == 0 ? "ahead of what is recorded" : "no real-time priority: %s", lm_strerror(r));
}

static int try_to_open(pid_t pid, const char *what, int flags)
{
	int fd LM_CLOSE = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static void check_looks(struct report *report, pid_t other)
{
	int r = try_to_open(other, "root", O_PATH | O_DIRECTORY);

	add(report, &(struct finding){
		.name = "look-ups", .result = r == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "a name that was never seen open is not looked up: what it led to, a "
			   "symbolic link's target or a mount below, stays unknown",
		.fix = "mount /proc without hidepid, and run with CAP_SYS_PTRACE and "
		       "CAP_DAC_READ_SEARCH",
	}, r == 0 ? "through /proc/PID/root" : "/proc/PID/root: %s", lm_strerror(r));
}

static void check_hashes(struct report *report, pid_t other)
{
	const char *what = "exe";
	int r = try_to_open(other, what, O_RDONLY);

	if (r == 0) {
		what = "map_files";
		r = try_to_open(other, what, O_RDONLY | O_DIRECTORY);
	}
	add(report, &(struct finding){
		.name = "hashes", .result = r == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "programs and libraries of others, or that were replaced while they "
			   "ran, are logged without their SHA-256",
		.fix = "run with CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN, on a "
		       "kernel built with CONFIG_CHECKPOINT_RESTORE=y",
	}, r == 0 ? "by /proc/PID/exe and map_files" : "/proc/PID/%s: %s", what, lm_strerror(r));
}

/*
 * A process that is closed to others, as one that changed users is. It ends when the descriptor is
 * closed that is returned.
 */
static int start_closed_process(pid_t *ret_pid)
{
	int ours LM_CLOSE = -1, theirs LM_CLOSE = -1;
	int ends[2];
	char byte = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	*ret_pid = fork();
	if (*ret_pid < 0)
		return -errno;
	if (*ret_pid == 0) {
		close(lm_take_fd(ours));
		prctl(PR_SET_DUMPABLE, 0);
		_exit(write(theirs, &byte, 1) == 1 && read(theirs, &byte, 1) == 0 ? 0 : 1);
	}
	close(lm_take_fd(theirs));
	/* Its end of file, should it have died, makes the checks fail, which is right. */
	(void)!read(ours, &byte, 1);
	return lm_take_fd(ours);
}

static void check_other_process(struct report *report)
{
	pid_t other = 0;
	int fd = start_closed_process(&other);

	if (fd < 0)
		return;
	check_looks(report, other);
	check_hashes(report, other);
	close(fd);
	waitpid(other, NULL, 0);
}

void check_host(struct report *report)
{
	check_kernel(report);
	check_btf(report);
	check_capabilities(report);
	check_lockdown(report);
	check_priority(report);
	check_other_process(report);
}
