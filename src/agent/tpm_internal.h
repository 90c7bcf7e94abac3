/* SPDX-License-Identifier: MIT */
#pragma once

#include <tss2/tss2_esys.h>

#include "lemona/agent/tpm.h"

/* Each log has two indexes side by side: what is extended, and the counter. */
#define TPM_FIRST_INDEX 0x01804c00u
#define TPM_LOGS_MAX    64u

struct lm_tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR chain;   /* ESYS_TR_NONE: not there */
	ESYS_TR counter; /* likewise */
};

/** @return 0; -ENODEV; -ENOMEM; -EACCES (no password can be read); -EMSGSIZE (none is that long) */
int tpm_open(const struct lm_tpm_access *access, struct lm_tpm **ret_tpm, struct lm_diag *diag);

/**
 * A sentence for what the TPM or its library said.
 *
 * @return -EACCES; -EKEYREJECTED (the PCRs hold something else); -EBUSY; -ENOSPC; -EIO
 */
int tpm_fail(struct lm_diag *diag, TSS2_RC rc, const char *what);

/** Which of the pairs are taken, a bit each, whichever half of them it is. @return 0; -EIO */
int tpm_find_logs(struct lm_tpm *tpm, uint64_t *ret_taken, struct lm_diag *diag);

/** @return 0; -EIO */
int tpm_read_counter(struct lm_tpm *tpm, uint64_t *ret_value, struct lm_diag *diag);

/* Where a log is in its TPM: part of its identity. */
uint32_t tpm_log_pair(const uint8_t log_id[LM_LOG_ID_BYTES]);
uint64_t tpm_log_counter(const uint8_t log_id[LM_LOG_ID_BYTES]);

/** What the index is extended by first. @return 0; -EIO; -ENOMEM */
int tpm_first_digest(const uint8_t log_id[LM_LOG_ID_BYTES], const struct lm_public_key *first_key,
	struct lm_digest *ret_digest);
