/* SPDX-License-Identifier: MIT */
#include "host_lend.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holder.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

/* A TPM makes the parent's key anew: slow ones take seconds. */
#define LIMIT_NS (20 * LM_NS_PER_SEC)

/* What the process says last, through a pipe. */
struct lent {
	int32_t result;
	char text[LM_DIAG_MAX_BYTES];
};

/* What is on its way through this memory is for nobody else. */
static int close_memory(struct lm_diag *diag)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return lm_diag_errno(diag, -errno, "cannot hide the host's key from others");
	return 0;
}

static int bring(const struct lm_tpm_access *access, const char *path, int socket,
	struct lm_diag *diag)
{
	LM_CLEANUP(lm_seed_wipe) struct lm_seed seed = { { 0 } };
	int r = close_memory(diag);

	if (r == 0)
		r = lm_host_key_unseal(access, path, &seed, diag);
	if (r < 0)
		return r;
	r = lm_holder_tell_host(socket, LM_HOST_SIGNED, &seed);
	return r < 0 ? lm_diag_errno(diag, r, "cannot hand over the host's key") : 0;
}

static _Noreturn void bring_and_end(const struct lm_tpm_access *access, const char *path,
	int socket, int answer)
{
	struct lm_diag diag = LM_DIAG_INIT;
	struct lent lent = { .result = bring(access, path, socket, &diag) };

	snprintf(lent.text, sizeof(lent.text), "%s", diag.text);
	_exit(write(answer, &lent, sizeof(lent)) == sizeof(lent) ? 0 : 1);
}

/* @return 0: it has answered, or ended; -ETIMEDOUT */
static int wait_for(int answer)
{
	struct pollfd fd = { .fd = answer, .events = POLLIN };
	uint64_t end_ns = lm_time_boot_ns() + LIMIT_NS, now_ns;

	while ((now_ns = lm_time_boot_ns()) < end_ns) {
		int r = poll(&fd, 1, (int)((end_ns - now_ns) / LM_NS_PER_MS) + 1);

		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
	return -ETIMEDOUT;
}

static int hear(int answer, struct lm_diag *diag)
{
	struct lent lent;
	int r = wait_for(answer);

	if (r < 0)
		return lm_diag_set(diag, r, "the TPM does not answer");
	/* As long as one write: it comes whole, or not at all. */
	if (read(answer, &lent, sizeof(lent)) != sizeof(lent))
		return lm_diag_set(diag, -EPIPE, "what had to unseal the host's key has died");
	lent.text[sizeof(lent.text) - 1] = '\0';
	return lent.result < 0 ? lm_diag_set(diag, lent.result, "%s", lent.text) : 0;
}

int host_lend(const struct lm_tpm_access *access, const char *path, int socket,
	struct lm_diag *diag)
{
	int reader LM_CLOSE = -1, writer LM_CLOSE = -1;
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return lm_diag_errno(diag, -errno, "cannot make a pipe");
	reader = fds[0];
	writer = fds[1];
	pid = fork();
	if (pid < 0)
		return lm_diag_errno(diag, -errno, "cannot start a process");
	if (pid == 0)
		bring_and_end(access, path, socket, writer);
	close(lm_take_fd(writer));
	r = hear(reader, diag);
	/* One that hangs must not send anything any more. */
	if (r < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
