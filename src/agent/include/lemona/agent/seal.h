/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/log/signer.h"

/* Who signs for a log that is not recorded here but made: the same key holder, without a TPM. */
struct lm_seal;

/**
 * Start the key holder. Call it before anything else is opened and while there is one thread.
 *
 * @return 0; what lm_holder_start() returns; -ENOMEM; -EIO (no random bytes). A sentence is in
 *         diag.
 */
int lm_seal_start(struct lm_seal **ret_seal, struct lm_diag *diag);
/** Let the holder end, once the log is closed. NULL allowed; returns NULL. */
struct lm_seal *lm_seal_end(struct lm_seal *seal);

/* All borrowed. */
const struct lm_signer *lm_seal_signer(const struct lm_seal *seal);
const uint8_t *lm_seal_log_id(const struct lm_seal *seal);
/** The log's verifier key, as it is printed. */
const char *lm_seal_key(const struct lm_seal *seal);
