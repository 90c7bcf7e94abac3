/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/agent/tpm.h"
#include "lemona/log/verify.h"

/**
 * Hold a log that was verified against the TPM that witnessed it, and add what that shows to the
 * findings.
 *
 * @return 0; -ENOKEY (the log has no key to go by); -ENOENT (the TPM knows nothing of this log);
 *         what lm_tpm_check() returns; with a sentence
 */
int lm_cli_verify_tpm(const struct lm_tpm_access *access, struct lm_verify_report *report,
	struct lm_tpm_state *ret_state, struct lm_diag *diag);

/** "agrees" and so on; static. */
const char *lm_cli_tpm_word(enum lm_tpm_verdict verdict);
