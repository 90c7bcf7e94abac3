/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"


static bool loads(const struct bpf_insn *insns, size_t count)
{
	int fd LM_CLOSE = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "lm_try", "GPL", insns, count,
		NULL);

	return fd >= 0;
}

bool hides_memory(void)
{
	/* Eight bytes at no address in particular, which reading must survive; then the end. */
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 1, .src_reg = 10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_read_kernel },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return !loads(insns, LM_ARRAY_SIZE(insns)) && loads(insns + 5, 2);
}

/* CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON too; reports of names need it itself. */
static const struct {
	uint8_t number;
	const char *name;
	bool needed;
} capabilities[] = {
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN", true },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", false },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", false },
	{ CAP_SYS_NICE, "CAP_SYS_NICE", false },
};

bool find_missing_capabilities(char *ret_names, size_t size)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	bool needed = false;
	size_t len = 0;

	ret_names[0] = '\0';
	syscall(SYS_capget, &header, data);
	for (size_t i = 0; i < LM_ARRAY_SIZE(capabilities); i++) {
		uint8_t number = capabilities[i].number;

		if (data[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number))
			continue;
		needed |= capabilities[i].needed;
		if (len < size)
			len += (size_t)snprintf(ret_names + len, size - len, "%s%s",
				len ? ", " : "", capabilities[i].name);
	}
	return needed;
}

static int explain_refusal(struct lm_diag *diag)
{
	char missing[128];

	if (find_missing_capabilities(missing, sizeof(missing)))
		return lm_diag_set(diag, -EPERM,
			"the kernel refused to load the sensor: run as root with %s (lemona doctor "
			"says more)", missing);
	return lm_diag_set(diag, -EPERM,
		"the kernel refused to load the sensor, although nothing is missing that root can "
		"have: a security module or a container's filter may be in the way");
}

/* Before 6.0 an array's value may have 4 MiB, slack and all. */
static bool has_no_ring_of(uint64_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd LM_CLOSE = bpf_map_create(BPF_MAP_TYPE_ARRAY, "lm_try", sizeof(uint32_t),
		(uint32_t)(bytes + LM_RING_SLACK_BYTES), 1, &options);

	return fd < 0 && errno == E2BIG;
}

int explain_load(int r, uint64_t ring_bytes, struct lm_diag *diag)
{
	if (r == -E2BIG && has_no_ring_of(ring_bytes))
		return r;
	/* A function that is hidden does not exist for the verifier, which is more than EPERM. */
	if (hides_memory())
		return lm_diag_set(diag, -EPERM,
			"the kernel is locked down and lets no program read its memory: boot with "
			"lockdown=integrity or lockdown=none to record");
	switch (r) {
	case -EACCES: /* what a program does */
	case -E2BIG:  /* how long it takes to follow it */
		return lm_diag_set(diag, -ENOSYS,
			"this kernel's verifier refuses the sensor, which is a defect of lemona: "
			"with LEMONA_DEBUG_BPF=1 in the environment it says why");
	case -EPERM:
		return explain_refusal(diag);
	case -ENOMEM:
		return lm_diag_set(diag, r, "not enough memory for the per-CPU buffers: use a "
			"smaller --ring-size");
	case -ESRCH:
	case -ENOENT:
		r = -ENOSYS;
	}
	return lm_diag_errno(diag, r,
		"the kernel cannot load the sensor (lemona doctor says what is missing; "
		"LEMONA_DEBUG_BPF=1 in the environment shows the kernel's own words)");
}

#define PROC_PID_INIT_INO 0xeffffffcu /* include/linux/proc_ns.h */

/* Process numbers of the kernel side are the initial namespace's, and so must be those of /proc. */
static bool in_first_pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == PROC_PID_INIT_INO;
}

int check_options(const struct lm_sensor_options *options, struct lm_diag *diag)
{
	uint64_t bytes = options->ring_bytes;

	if (bytes && (bytes < LM_SENSOR_RING_BYTES_MIN || bytes > LM_SENSOR_RING_BYTES_MAX ||
			(bytes & (bytes - 1))))
		return lm_diag_set(diag, -EINVAL,
			"the ring size must be a power of two from 64 KiB to 64 MiB");
	if (!in_first_pid_namespace())
		return lm_diag_set(diag, -EPERM, "recording needs the initial pid namespace: "
			"start lemona on the host, not in a container");
	if (geteuid() != 0)
		return lm_diag_set(diag, -EPERM, "recording needs root: run with sudo");
	return 0;
}
