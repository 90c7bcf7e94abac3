/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/agent/host_key.h"

/**
 * Have the key of the host brought to a key holder, by a process that is there for this only: it
 * unseals the key, sends it, and ends; its memory, and what the TPM's libraries keep in it, ends
 * with it. This process does not get to see the key. Waits, as long as a TPM may take. While there
 * is one thread.
 *
 * @param socket  lm_holder_socket()
 * @return 0; -ETIMEDOUT; -EPERM (its memory cannot be locked); -EPIPE (it died); -EAGAIN, -ENOMEM
 *         (no process); what lm_host_key_unseal() returns; with a sentence
 */
int host_lend(const struct lm_tpm_access *access, const char *path, int socket,
	struct lm_diag *diag);
