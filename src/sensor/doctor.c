/* SPDX-License-Identifier: MIT */
#include "lemona/sensor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "doctor_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/sensor/sensor.h"
#include "libbpf.h"
#include "trampoline.h"

void add(struct report *report, const struct finding *finding, const char *fmt, ...)
{
	struct lm_check *check = &report->checks[report->count++];
	bool ok = finding->result == LM_CHECK_OK;
	va_list args;

	*check = (struct lm_check){
		.name = finding->name, .result = finding->result,
		.meaning = ok ? "" : finding->meaning, .fix = ok ? "" : finding->fix,
	};
	va_start(args, fmt);
	vsnprintf(check->found, sizeof(check->found), fmt, args);
	va_end(args);
}

/* The sensor itself, with rules that record nothing. */
static int open_sensor(enum lm_attach attach, struct lm_sensor_features *ret_features,
	struct lm_diag *diag)
{
	static const struct lm_call_rule nothing[LM_CALL_COUNT];
	static const uint8_t no_class[LM_URING_COUNT];
	struct lm_sensor_options options = {
		.rules = nothing, .uring_classes = no_class, .self_tgid = (uint32_t)getpid(),
		.attach = attach,
	};
	struct lm_sensor *sensor = NULL;
	int r = lm_sensor_open(&options, &sensor, diag);

	if (r < 0)
		return r;
	*ret_features = *lm_sensor_features(sensor);
	lm_sensor_close(sensor);
	return 0;
}

static bool check_sensor(struct report *report, struct lm_sensor_features *ret_features)
{
	struct lm_diag diag = LM_DIAG_INIT;
	int r = open_sensor(LM_ATTACH_AUTO, ret_features, &diag);

	add(report, &(struct finding){
		.name = "sensor", .result = r == 0 ? LM_CHECK_OK : LM_CHECK_MISSING,
		.meaning = "nothing can be recorded",
		.fix = "mend what is missing above; the sensor needs root on the host itself, "
		       "outside of any container, and Linux 5.15 or later",
	}, "%s", r == 0 ? "loads and attaches" : diag.text[0] ? diag.text : lm_strerror(r));
	return r == 0;
}

static void tell_way(struct report *report, const struct lm_sensor_features *features)
{
	add(report, &(struct finding){ .name = "way in use" }, "%s: %s",
		lm_attach_name(features->attach),
		features->attach == LM_ATTACH_TRAMPOLINE ?
			"calls on paths are told with the kernel's own objects" :
			"calls on paths are told with the names that they were given");
}

/* How what keeps trampolines away can be mended, by the error that it was met with. */
static const char *trampoline_fix(int r)
{
	switch (r) {
	case 0:
		return "this is a defect of lemona: report what LEMONA_DEBUG_BPF=1 lemona record "
		       "--attach trampoline says";
	case -ENOSYS:
		return "run a kernel built with CONFIG_SECURITY_PATH=y (AppArmor, TOMOYO and "
		       "Landlock have it), or accept claimed names";
	case -EPERM:
		return "run a kernel that is not locked down (boot parameter lockdown=none), or "
		       "not hardened against tracing of its functions; or accept claimed names";
	}
	return "run a kernel built with CONFIG_FUNCTION_TRACER=y and CONFIG_DYNAMIC_FTRACE=y, with "
	       "sysctl kernel.ftrace_enabled=1, or accept claimed names";
}

static void check_trampolines_of(struct report *report, const struct btf *kernel,
	const struct lm_sensor_features *features)
{
	bool used = features->attach == LM_ATTACH_TRAMPOLINE;
	struct lm_sensor_features unused;
	struct lm_diag diag = LM_DIAG_INIT;
	int r = check_trampolines(kernel, &diag);

	if (r == 0 && !used)
		(void)open_sensor(LM_ATTACH_TRAMPOLINE, &unused, &diag);
	add(report, &(struct finding){
		.name = "trampolines", .result = used ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "what chmod, chown, utimes, truncate, setxattr and the old name of link "
			   "acted on is claimed by the process, and marked so; other names where "
			   "name-events, below, do not confirm them",
		.fix = trampoline_fix(r),
	}, "%s", used ? "fentry and fexit programs load and attach" : diag.text);
	if (!used)
		return;
	add(report, &(struct finding){
		.name = "preemption", .result = features->stays ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "where the kernel preempts its own code (preempt=full), an event of a "
			   "task that comes in between is lost now and then; a gap counts it",
		.fix = "run Linux 6.15 or later, boot with preempt=none or preempt=voluntary, or "
		       "record with --attach tracepoint",
	}, features->stays ? "programs on trampolines are not disturbed" :
		"programs on trampolines cannot keep others off their CPU");
}

static void check_lsm(struct report *report, const struct btf *kernel)
{
	int r = try_trampoline(kernel, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "file_open");

	add(report, &(struct finding){
		.name = "bpf-lsm", .result = r == 0 ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "nothing could be held or denied; recording is not affected",
		.fix = "boot with bpf in the list of lsm=, without lockdown, a kernel built with "
		       "CONFIG_BPF_LSM=y",
	}, r == 0 ? "LSM programs load and attach" : "LSM programs are refused: %s",
		lm_strerror(r));
}

static void check_uring(struct report *report, bool sees)
{
	FILE *file LM_FCLOSE = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	bool disabled = file && fgetc(file) == '2';

	add(report, &(struct finding){
		.name = "io_uring", .result = sees || disabled ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "what a program does through io_uring is counted as a gap, not recorded "
			   "one by one; nothing shows what a polling thread (IORING_SETUP_SQPOLL) "
			   "takes up by itself",
		.fix = "run a kernel with the tracepoints of io_uring, or sysctl "
		       "kernel.io_uring_disabled=2",
	}, disabled ? "switched off on this host" :
		sees ? "requests are recorded one by one" :
		"this kernel's tracepoints are missing, or not known");
}

static void check_stores(struct report *report, bool sees)
{
	add(report, &(struct finding){
		.name = "shared stores", .result = sees ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "a store into a shared mapping of a file is not told by itself: the "
			   "mapping counts as one write for as long as it lives",
		.fix = "run a kernel with the tracepoint writeback_dirty_folio or "
		       "writeback_dirty_page",
	}, sees ? "told as pages become dirty" : "this kernel has no tracepoint for dirty pages");
}

static bool has_helper(const struct btf *kernel, const char *name)
{
	int id = btf__find_by_name_kind(kernel, "bpf_func_id", BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(kernel, (unsigned int)id);

	for (unsigned int i = 0; type && i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(kernel, btf_enum(type)[i].name_off), name) == 0)
			return true;
	return false;
}

static void check_helpers(struct report *report, const struct btf *kernel)
{
	bool loop = has_helper(kernel, "BPF_FUNC_loop");
	bool vma = has_helper(kernel, "BPF_FUNC_find_vma");

	add(report, &(struct finding){
		.name = "helpers", .result = loop && vma ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "directories more than 32 levels deep have no names above those; of "
			   "io_submit only the first 8 requests are told; the dynamic loader of a "
			   "program is not told: each is marked or counted as a gap",
		.fix = "run Linux 5.17 or later",
	}, "%s", loop && vma ? "bpf_loop and bpf_find_vma are there" :
		"bpf_loop or bpf_find_vma is missing");
}

static void check_rings(struct report *report, uint64_t bytes)
{
	bool whole = bytes >= LM_SENSOR_RING_BYTES_DEFAULT;

	add(report, &(struct finding){
		.name = "rings", .result = whole ? LM_CHECK_OK : LM_CHECK_DEGRADED,
		.meaning = "a burst of events is lost earlier; gaps count what was",
		.fix = "run Linux 6.0 or later",
	}, "%llu KiB for each CPU", (unsigned long long)bytes >> 10);
}

int lm_doctor_run(struct lm_check ret_checks[LM_DOCTOR_CHECKS_MAX], bool *ret_usable,
	struct lm_diag *diag)
{
	struct report report = { .checks = ret_checks };
	struct lm_sensor_features features = { 0 };
	struct btf *kernel LM_CLEANUP(free_btf) = NULL;
	bool usable;

	if (geteuid() != 0)
		return lm_diag_set(
			diag, -EPERM, "the doctor tries things that only root may: run with sudo");
	silence_libbpf();
	check_host(&report);
	usable = check_sensor(&report, &features);
	kernel = btf__load_vmlinux_btf();
	/* What the sensor would see can be said only of one that loads. */
	if (usable && kernel) {
		tell_way(&report, &features);
		check_trampolines_of(&report, kernel, &features);
		check_names(&report, features.attach == LM_ATTACH_TRACEPOINT);
		check_uring(&report, features.sees_uring);
		check_stores(&report, features.sees_stores);
		check_helpers(&report, kernel);
		check_rings(&report, features.ring_bytes);
		check_lsm(&report, kernel);
	}
	*ret_usable = usable;
	return report.count;
}
