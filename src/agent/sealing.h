/* SPDX-License-Identifier: MIT */
#pragma once

#include "holder.h"
#include "lemona/agent/record.h"
#include "witness.h"

/* Who signs for a recording, and who watches that. All zero: nobody. */
struct sealing {
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_holder *holder;
	struct lm_tpm *tpm;      /* until a witness has it */
	struct witness *witness; /* NULL: no TPM */
	struct lm_diag host;     /* why the host has not signed; empty: it has, or nobody asked */
};

/**
 * Start the key holder, and reserve room in a TPM. First of all: the holder begins as a copy of
 * this process, and shall have as little of it as can be.
 *
 * @param options  which TPM, if any, and which key of the host; an empty path: none
 * @param ret_key  the log's verifier key, NUL-terminated
 * @return 0; -EPERM (not root); what lm_tpm_reserve(), lm_holder_start() return; -ETIMEDOUT (the
 *         TPM does not answer); what lm_host_key_unseal() returns, if the key of the host is
 *         required; ended in any case by sealing_end()
 */
int sealing_start(struct sealing *sealing, const struct lm_record_options *options,
	char *ret_key, size_t key_size, struct lm_diag *diag);

/** NULL: nobody signs. Borrowed. */
const struct lm_signer *sealing_signer(struct sealing *sealing);
/** 0: there is none. */
pid_t sealing_holder_pid(const struct sealing *sealing);

/**
 * Let go of them, once the log is closed.
 *
 * @param discard  there will be no log: the TPM need not keep room for it
 * @return 0; what witness_free() returns
 */
int sealing_end(struct sealing *sealing, bool discard, struct lm_diag *diag);
