/* SPDX-License-Identifier: MIT */
#include "lemona/sensor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/sensor/sensor.h"

struct report {
	struct lm_check *checks;
	int count;
};

static struct lm_check *add(struct report *report, const char *name, enum lm_check_result result,
	const char *meaning, const char *fix)
{
	struct lm_check *check = &report->checks[report->count++];

	*check = (struct lm_check){
		.name = name, .result = result,
		.meaning = result == LM_CHECK_OK ? "" : meaning,
		.fix = result == LM_CHECK_OK ? "" : fix,
	};
	return check;
}

static __attribute__((format(printf, 2, 3))) void found(
	struct lm_check *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(check->found, sizeof(check->found), fmt, args);
	va_end(args);
}

static void check_kernel(struct report *report)
{
	struct lm_check *check = add(report, "kernel", LM_CHECK_OK, "", "");
	struct utsname name;

	if (uname(&name) == 0)
		found(check, "%.60s %.40s", name.release, name.machine);
}

static bool check_btf(struct report *report)
{
	bool there = access("/sys/kernel/btf/vmlinux", R_OK) == 0;
	struct lm_check *check = add(report, "btf", there ? LM_CHECK_OK : LM_CHECK_MISSING,
		"the sensor cannot find its way in this kernel's structures: recording is "
		"impossible",
		"run a kernel built with CONFIG_DEBUG_INFO_BTF=y");

	found(check, "/sys/kernel/btf/vmlinux %s", there ? "is readable" : "is missing");
	return there;
}

/* The sensor itself, with rules that record nothing. */
static bool check_sensor(struct report *report, bool *ret_sees_uring)
{
	static const struct lm_call_rule nothing[LM_CALL_COUNT];
	static const uint8_t no_class[LM_URING_COUNT];
	struct lm_sensor_options options = {
		.rules = nothing, .uring_classes = no_class, .self_tgid = (uint32_t)getpid(),
	};
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_sensor *sensor = NULL;
	int r = lm_sensor_open(&options, &sensor, &diag);
	struct lm_check *check = add(report, "raw-tracepoints",
		r == 0 ? LM_CHECK_OK : LM_CHECK_MISSING, "calls cannot be recorded",
		"run as root on Linux 5.15 or later, with CAP_BPF and CAP_PERFMON");

	if (r == 0)
		found(check, "the sensor loads and attaches: this way is in use");
	else
		found(check, "%.150s", diag.text[0] ? diag.text : lm_strerror(r));
	*ret_sees_uring = r == 0 && lm_sensor_sees_uring(sensor);
	lm_sensor_close(sensor);
	return r == 0;
}

/* Load and attach a program that does nothing. @return 0; -errno */
static int try_trampoline(enum bpf_prog_type type, enum bpf_attach_type attach, const char *target)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach);
	int program LM_CLOSE = -1, link LM_CLOSE = -1;
	int id = libbpf_find_vmlinux_btf_id(target, attach);

	if (id < 0)
		return id;
	options.attach_btf_id = (uint32_t)id;
	program = bpf_prog_load(type, "lm_try", "GPL", insns, LM_ARRAY_SIZE(insns), &options);
	if (program < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? -errno : 0;
}

static void check_trampolines(struct report *report)
{
	int entry = try_trampoline(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "vfs_unlink");
	int lsm = try_trampoline(BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "file_open");
	struct lm_check *check;

	check = add(report, "trampolines", entry == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		"objects of rename, unlink and other calls by path are not read from the kernel's "
		"own "
		"arguments: their names are marked as claimed",
		"boot without lockdown (lockdown=none), or accept claimed names");
	found(check, entry == 0 ? "fentry programs load and attach" : "fentry is refused: %s",
		lm_strerror(entry));
	check = add(report, "bpf-lsm", lsm == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		"nothing can be held or denied by the kernel on the recorder's word; recording is "
		"not "
		"affected",
		"boot with lsm=...,bpf and without lockdown");
	found(check, lsm == 0 ? "LSM programs load and attach" : "LSM programs are refused: %s",
		lm_strerror(lsm));
}

static void check_fanotify(struct report *report)
{
	unsigned int flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK |
			     FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_TID;
	int fd LM_CLOSE = fanotify_init(flags, O_RDONLY);
	struct lm_check *check =
		add(report, "name-events", fd >= 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
			"the kernel cannot confirm the names of rename, unlink and mkdir: they "
			"stay claimed",
			"run Linux 5.17 or later with CONFIG_FANOTIFY=y");

	found(check, fd >= 0 ? "fanotify reports directory, name and target" :
		"fanotify_init: %s", lm_strerror(-errno));
}

static void check_uring(struct report *report, bool sees)
{
	FILE *file LM_FCLOSE = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	bool disabled = file && fgetc(file) == '2';
	struct lm_check *check = add(report, "io_uring",
		sees || disabled ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		"what a program does through io_uring is counted as a gap, not recorded one by "
		"one; nothing shows what a polling thread (IORING_SETUP_SQPOLL) takes up by itself",
		"run a kernel with the tracepoints of io_uring, or sysctl "
		"kernel.io_uring_disabled=2");

	found(check, disabled ? "switched off on this host" :
		sees ? "requests are recorded one by one" :
		"this kernel's tracepoints are missing, or not known");
}

static int drop_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int lm_doctor_run(struct lm_check ret_checks[LM_DOCTOR_CHECKS_MAX], bool *ret_usable,
	struct lm_diag *diag)
{
	struct report report = { .checks = ret_checks };
	bool usable, sees_uring;

	if (geteuid() != 0)
		return lm_diag_set(
			diag, -EPERM, "the doctor tries things that only root may: run with sudo");
	libbpf_set_print(drop_message);
	check_kernel(&report);
	usable = check_btf(&report);
	usable = check_sensor(&report, &sees_uring) && usable;
	check_trampolines(&report);
	check_fanotify(&report);
	check_uring(&report, sees_uring);
	*ret_usable = usable;
	return report.count;
}
