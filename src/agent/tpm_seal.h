/* SPDX-License-Identifier: MIT */
#pragma once

#include "host_blob.h"
#include "tpm_internal.h"

/*
 * Seals a seed to a TPM: only that TPM gives it back. The parent is made of the owner's seed each
 * time, so that nothing needs to stay in the TPM; who clears the TPM makes all of it useless. On
 * its way to the TPM and back the seed is encrypted (a session salted with the parent's key).
 */

/**
 * Fill in pcrs and both parts of the blob, whose bytes are appended to `ret_parts`.
 *
 * @param pcrs  of the SHA-256 bank, a bit each: sealed for what they hold now; 0: for no state
 * @return 0; -ENXIO (it does not have all of these PCRs); -EACCES; -EBUSY (locked); -EIO; -ENOMEM;
 *         with a sentence
 */
int tpm_seal(struct lm_tpm *tpm, uint32_t pcrs, const struct lm_seed *seed,
	struct lm_buffer *ret_parts, struct host_blob *ret_blob, struct lm_diag *diag);

/**
 * Have it back.
 *
 * @return 0; -LM_E_WRONG_KEY (another TPM sealed it, or this one was cleared); -EKEYREJECTED (the
 *         PCRs hold something else); -LM_E_DAMAGED; -EACCES; -EBUSY; -EIO; with a sentence
 */
int tpm_unseal(struct lm_tpm *tpm, const struct host_blob *blob, struct lm_seed *ret_seed,
	struct lm_diag *diag);
