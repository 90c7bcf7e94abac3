/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/log/verify.h"

/**
 * Read the key of a host, as lemona host-key prints it, from a file.
 *
 * @return 0; -EINVAL (the file holds no such key); -errno; with a sentence
 */
int lm_cli_read_host_key(const char *path, struct lm_public_key *ret_key, struct lm_diag *diag);

/** What a log that was verified says of its host: a line of text, members of JSON, or nothing. */
void lm_cli_print_host(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_public_key *given);
void lm_cli_print_host_json(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_public_key *given);
