/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lemona/base/error.h"

int explain_load(int r, struct lm_diag *diag)
{
	if (r == -EACCES)
		return lm_diag_set(diag, -ENOSYS,
			"this kernel's verifier refuses the sensor, which is a defect of lemona: "
			"with LEMONA_DEBUG_BPF=1 in the environment it says why");
	if (r == -EPERM)
		return lm_diag_set(diag, -EPERM,
			"the kernel refused to load the sensor: run as root with CAP_BPF, "
			"CAP_PERFMON "
			"and CAP_SYS_ADMIN (lemona doctor says more)");
	if (r == -E2BIG)
		return r; /* tried again with less */
	if (r == -ENOMEM)
		return lm_diag_set(diag, r, "not enough memory for the per-CPU buffers");
	return lm_diag_errno(diag, r == -ESRCH || r == -ENOENT ? -ENOSYS : r,
		"the kernel cannot load the sensor (lemona doctor says why)");
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
