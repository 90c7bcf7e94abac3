/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/agent/tpm.h"
#include "lemona/crypto/host.h"

/*
 * The key of a host: made once, sealed by its TPM, kept in a file that is of no use without that
 * TPM (docs/formats/checkpoint.md, "The key of a host").
 */
#define LM_HOST_KEY_DEFAULT "/var/lib/lemona/host-key"

/**
 * Make one. The directory of the default path is made as well; a file that is there is never
 * replaced.
 *
 * @param pcrs  of the SHA-256 bank, a bit each, 0 to 23: the key can be had only while they hold
 *              what they hold now; 0: whatever they hold
 * @return 0; -EEXIST; -ENXIO (the TPM does not have all of these PCRs); -ENODEV, -EACCES, -EBUSY,
 *         ... as lm_host_key_unseal(); -ENOSPC, ...
 */
int lm_host_key_make(const struct lm_tpm_access *access, const char *path, uint32_t pcrs,
	struct lm_public_key *ret_key, struct lm_diag *diag);

/**
 * The half that anybody may know. Asks no TPM.
 *
 * @return 0; -ENOENT, ...; -LM_E_FORMAT (no such file); -LM_E_VERSION; -LM_E_DAMAGED
 */
int lm_host_key_read(const char *path, struct lm_public_key *ret_key, struct lm_diag *diag);

/**
 * The key itself, for the caller to wipe. What the libraries used for it is not wiped: call it in
 * a process that ends soon.
 *
 * @return 0; what lm_host_key_read() returns; -ENODEV (no TPM answers); -LM_E_WRONG_KEY (another
 *         TPM sealed it, or this one was cleared); -EKEYREJECTED (the PCRs hold something else);
 *         -EACCES (the TPM's owner has another password); -EBUSY (the TPM is locked); -EIO;
 *         -ENOMEM
 */
int lm_host_key_unseal(const struct lm_tpm_access *access, const char *path,
	struct lm_seed *ret_seed, struct lm_diag *diag);

/** What a log says where unsealing has failed. @param code  negative, of lm_host_key_unseal() */
enum lm_host_state lm_host_state_of(int code);
