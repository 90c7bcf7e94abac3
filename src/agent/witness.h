/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/agent/tpm.h"
#include "lemona/log/signer.h"

/*
 * Stands between a log's writer and its signer, and tells the TPM each root that ends a segment.
 * A TPM takes its time, so a thread of its own waits for it.
 */
struct witness;

/**
 * @param inner  borrowed
 * @param tpm    taken, whatever is returned; it has begun
 * @return 0; -EAGAIN; -ENOMEM
 */
int witness_new(const struct lm_signer *inner, struct lm_tpm *tpm, struct witness **ret_witness);

/** Borrowed. */
const struct lm_signer *witness_signer(struct witness *witness);

/**
 * Wait until the TPM knows all that it was told, five seconds at most, and let go of it. NULL
 * allowed.
 *
 * @param discard  there is no such log: the TPM need not keep anything of it
 * @return 0; the first error: from there on it knows nothing; -ETIMEDOUT
 */
int witness_free(struct witness *witness, bool discard, struct lm_diag *diag);
