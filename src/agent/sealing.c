/* SPDX-License-Identifier: MIT */
#include "sealing.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host_lend.h"
#include "lemona/agent/host_key.h"
#include "lemona/base/cleanup.h"

/*
 * The recorder waits for the holder where a segment ends, so the one must be as far ahead of others
 * as the other: on a busy machine an answer would take up to half a second.
 */
static void take_along(pid_t holder)
{
	struct sched_param priority;
	int policy = sched_getscheduler(0);

	if (policy >= 0 && sched_getparam(0, &priority) == 0)
		(void)sched_setscheduler(holder, policy, &priority);
	(void)setpriority(PRIO_PROCESS, (id_t)holder, getpriority(PRIO_PROCESS, 0));
}

/* The holder's socket, and the seed of the host in it if there is one to be had. */
static int lend_host(struct sealing *sealing, const struct lm_record_options *options,
	struct lm_diag *diag)
{
	enum lm_host_state state;
	int r;

	if (!options->tpm.tcti || !options->host_key.path)
		return 0;
	r = host_lend(&options->tpm, options->host_key.path, lm_holder_socket(sealing->holder),
		&sealing->host);
	if (r == -ENOENT && !options->host_key.asked && !options->host_key.required) {
		sealing->host.text[0] = '\0';
		return 0;
	}
	if (r == 0)
		return 0;
	state = lm_host_state_of(r);
	/* A TPM that hangs is no witness, and whoever asked it next would hang too. */
	if (options->host_key.required || r == -ETIMEDOUT)
		return lm_diag_set(diag, r, "%s", sealing->host.text);
	r = lm_holder_tell_host(lm_holder_socket(sealing->holder), state, NULL);
	return r < 0 ? lm_diag_errno(diag, r, "cannot start the key holder") : 0;
}

static int reserve_id(struct sealing *sealing, const struct lm_record_options *options,
	struct lm_diag *diag)
{
	if (options->tpm.tcti)
		return lm_tpm_reserve(&options->tpm, sealing->log_id, &sealing->tpm, diag);
	if (getrandom(sealing->log_id, LM_LOG_ID_BYTES, 0) != LM_LOG_ID_BYTES)
		return lm_diag_errno(diag, -EIO, "no random bytes for the log's identity");
	return 0;
}

static int run_holder(
	struct sealing *sealing, char *ret_key, size_t key_size, struct lm_diag *diag)
{
	LM_BUFFER struct lm_buffer key = LM_BUFFER_INIT;
	int r = lm_holder_run(sealing->holder, sealing->log_id, geteuid() == 0 ? diag : NULL);

	/* What it lacks is not all that will be lacking. */
	if (r < 0 && geteuid() != 0)
		return lm_diag_set(diag, -EPERM, "recording needs root: run with sudo");
	if (r < 0)
		return r;
	take_along(lm_holder_pid(sealing->holder));
	r = lm_verifier_key_encode(sealing->log_id, lm_holder_first_key(sealing->holder), &key);
	if (r < 0 || key.len >= key_size)
		return lm_diag_errno(diag, r < 0 ? r : -EIO, "cannot write the log's key");
	memcpy(ret_key, key.data, key.len);
	ret_key[key.len] = '\0';
	return 0;
}

static int start_witness(struct sealing *sealing, struct lm_diag *diag)
{
	int r = lm_tpm_begin(
		sealing->tpm, sealing->log_id, lm_holder_first_key(sealing->holder), diag);

	if (r < 0)
		return r;
	r = witness_new(lm_holder_signer(sealing->holder), sealing->tpm, &sealing->witness);
	sealing->tpm = NULL;
	return r < 0 ? lm_diag_errno(diag, r, "cannot start recording") : 0;
}

int sealing_start(struct sealing *sealing, const struct lm_record_options *options, char *ret_key,
	size_t key_size, struct lm_diag *diag)
{
	int r = lm_holder_new(&sealing->holder, diag);

	/* Before this process talks with the TPM: there are some that talk with one at a time. */
	if (r == 0)
		r = lend_host(sealing, options, diag);
	if (r == 0)
		r = reserve_id(sealing, options, diag);
	if (r == 0)
		r = run_holder(sealing, ret_key, key_size, diag);
	if (r == 0 && options->tpm.tcti)
		r = start_witness(sealing, diag);
	return r;
}

const struct lm_signer *sealing_signer(struct sealing *sealing)
{
	if (sealing->witness)
		return witness_signer(sealing->witness);
	return sealing->holder ? lm_holder_signer(sealing->holder) : NULL;
}

pid_t sealing_holder_pid(const struct sealing *sealing)
{
	return sealing->holder ? lm_holder_pid(sealing->holder) : 0;
}

int sealing_end(struct sealing *sealing, bool discard, struct lm_diag *diag)
{
	int r = witness_free(sealing->witness, discard, diag);

	sealing->witness = NULL;
	if (sealing->tpm)
		sealing->tpm = lm_tpm_discard(sealing->tpm);
	sealing->holder = lm_holder_free(sealing->holder);
	return r;
}
