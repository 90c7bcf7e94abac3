/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/crypto/merkle.h"
#include "lemona/crypto/note.h"

/*
 * A TPM as the witness of a log (docs/formats/checkpoint.md, "A TPM as witness"): an index of its
 * memory that can only be extended holds a hash over the log's first key and the root at the end of
 * each segment, and a counter how many there were. What the TPM holds is not the recorder's to
 * take back, nor that of whoever takes the host over.
 */
struct lm_tpm;

#define LM_TPM_DEFAULT "device:/dev/tpmrm0"

/** Which TPM, and what it takes to use it as its owner. */
struct lm_tpm_access {
	const char *tcti;      /* as tpm2-tss names TPMs */
	const char *auth_path; /* a file that holds the owner's password; NULL: there is none */
};

/**
 * Reserve room for a log in a TPM: an index and a counter.
 *
 * @param ret_log_id  the identity that the log must have: it says where in the TPM the log is
 * @return 0; -ENODEV (no TPM answers there); -ENOSPC (it has no room left); -EACCES (its owner has
 *         another password, or it cannot be read); -EIO; -ENOMEM
 */
int lm_tpm_reserve(const struct lm_tpm_access *access, uint8_t ret_log_id[LM_LOG_ID_BYTES],
	struct lm_tpm **ret_tpm, struct lm_diag *diag);

/** Extend the index by the log's first key. Before any root. @return 0; -EIO */
int lm_tpm_begin(struct lm_tpm *tpm, const uint8_t log_id[LM_LOG_ID_BYTES],
	const struct lm_public_key *first_key, struct lm_diag *diag);

/** Extend the index by the root at a segment's end, and count. Waits for the TPM. @return 0; -EIO
 */
int lm_tpm_extend(struct lm_tpm *tpm, const struct lm_digest *root, struct lm_diag *diag);

/** Give the room back: there will be no such log. @return NULL */
struct lm_tpm *lm_tpm_discard(struct lm_tpm *tpm);
/** What was extended stays. NULL allowed; returns NULL. */
struct lm_tpm *lm_tpm_close(struct lm_tpm *tpm);

enum lm_tpm_verdict {
	LM_TPM_AGREES = 1,
	LM_TPM_BEHIND,  /* it was told of the first `known` segments' ends, which agree */
	LM_TPM_AHEAD,   /* it was told of more segments' ends than the log has: the log was cut */
	LM_TPM_DIFFERS, /* it was told of other roots, or another first key */
	LM_TPM_NOTHING, /* it knows nothing of this log, or its memory was emptied since */
};

struct lm_tpm_state {
	enum lm_tpm_verdict verdict;
	uint64_t counted; /* segments' ends that the TPM has counted */
	uint64_t known;   /* of the log's, those that the index holds */
};

/**
 * Hold a log against a TPM.
 *
 * @param roots  at the end of each segment that has one, in order
 * @return 0; -ENODEV; -EACCES; -EIO; -ENOMEM
 */
int lm_tpm_check(const struct lm_tpm_access *access, const uint8_t log_id[LM_LOG_ID_BYTES],
	const struct lm_public_key *first_key, const struct lm_digest *roots, size_t count,
	struct lm_tpm_state *ret_state, struct lm_diag *diag);

/**
 * How many logs have room in this TPM.
 *
 * @return that number; -ENODEV (no TPM answers there); -EIO; -ENOMEM
 */
int lm_tpm_count_logs(const struct lm_tpm_access *access, struct lm_diag *diag);
