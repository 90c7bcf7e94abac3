/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "tpm_internal.h"

static void cleanup_tpm(struct lm_tpm **tpm)
{
	lm_tpm_close(*tpm);
}

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

/* An index that is there already. @return 1; 0: it is not */
static int open_index(struct lm_tpm *tpm, uint32_t index, ESYS_TR *ret_index)
{
	TSS2_RC rc = Esys_TR_FromTPMPublic(
		tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ret_index);

	if (rc == TSS2_RC_SUCCESS)
		return 1;
	*ret_index = ESYS_TR_NONE;
	return 0;
}

/* Its type and size are those of an index that only grows: anybody could write another kind. */
static bool has_type(struct lm_tpm *tpm, ESYS_TR index, TPM2_NT type)
{
	TPM2B_NV_PUBLIC *public = NULL;
	TPM2B_NAME *name = NULL;
	bool same;

	if (Esys_NV_ReadPublic(tpm->esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
		    &name) != TSS2_RC_SUCCESS)
		return false;
	same = (public->nvPublic.attributes & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT ==
		       type &&
	       public->nvPublic.nameAlg == TPM2_ALG_SHA256;
	Esys_Free(public);
	Esys_Free(name);
	return same;
}

static int read_chain(struct lm_tpm *tpm, struct lm_digest *ret_value, struct lm_diag *diag)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	TSS2_RC rc = Esys_NV_Read(tpm->esys, ESYS_TR_RH_OWNER, tpm->chain, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, sizeof(ret_value->bytes), 0, &data);
	bool whole;

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "read the TPM's index");
	whole = data->size == sizeof(ret_value->bytes);
	if (whole)
		memcpy(ret_value->bytes, data->buffer, sizeof(ret_value->bytes));
	Esys_Free(data);
	return whole ? 0 : lm_diag_set(diag, -EIO, "the TPM's index is shorter than it was made");
}

/* What the TPM does: the hash of what was there and what is new. */
static int extend_digest(
	struct lm_sha256 *hash, struct lm_digest *value, const struct lm_digest *by)
{
	if (lm_sha256_begin(hash) < 0 ||
		lm_sha256_add(hash, value->bytes, sizeof(value->bytes)) < 0 ||
		lm_sha256_add(hash, by->bytes, sizeof(by->bytes)) < 0)
		return -EIO;
	return lm_sha256_end(hash, value->bytes);
}

/* After which of the roots the index had this value. @return 1; 0: after none; -EIO; -ENOMEM */
static int find_value(const struct lm_digest *value, const struct lm_digest *first,
	const struct lm_digest *roots, size_t count, uint64_t *ret_known)
{
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	struct lm_digest chain = { { 0 } };
	int r = lm_sha256_new(&hash);

	if (r == 0)
		r = extend_digest(hash, &chain, first);
	for (size_t i = 0; r == 0; i++) {
		if (memcmp(&chain, value, sizeof(chain)) == 0) {
			*ret_known = i;
			return 1;
		}
		if (i == count)
			return 0;
		r = extend_digest(hash, &chain, &roots[i]);
	}
	return r;
}

/* By what the index holds, and by how often it was extended. */
static enum lm_tpm_verdict judge(bool found, uint64_t known, uint64_t counted, uint64_t count)
{
	/* Killed between extending and counting, the recorder has counted one less. */
	if (found && (counted == known || counted + 1 == known))
		return known == count ? LM_TPM_AGREES : LM_TPM_BEHIND;
	return counted > count ? LM_TPM_AHEAD : LM_TPM_DIFFERS;
}

int lm_tpm_check(const struct lm_tpm_access *access, const uint8_t log_id[LM_LOG_ID_BYTES],
	const struct lm_public_key *first_key, const struct lm_digest *roots, size_t count,
	struct lm_tpm_state *ret_state, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_tpm) struct lm_tpm *tpm = NULL;
	uint32_t index = TPM_FIRST_INDEX + 2 * tpm_log_pair(log_id);
	struct lm_tpm_state state = { .verdict = LM_TPM_NOTHING };
	struct lm_digest value, first;
	uint64_t counter = 0;
	int r = tpm_open(access, &tpm, diag);

	if (r < 0)
		return r;
	if (tpm_log_pair(log_id) >= TPM_LOGS_MAX || !open_index(tpm, index, &tpm->chain) ||
		!open_index(tpm, index + 1, &tpm->counter) ||
		!has_type(tpm, tpm->chain, TPM2_NT_EXTEND) ||
		!has_type(tpm, tpm->counter, TPM2_NT_COUNTER)) {
		*ret_state = state;
		return 0;
	}
	r = tpm_read_counter(tpm, &counter, diag);
	if (r == 0)
		r = read_chain(tpm, &value, diag);
	if (r == 0)
		r = tpm_first_digest(log_id, first_key, &first);
	if (r < 0)
		return r;
	r = find_value(&value, &first, roots, count, &state.known);
	if (r < 0)
		return r;
	/* A counter that was made anew begins higher; one below was never this log's. */
	state.counted = counter - tpm_log_counter(log_id);
	if (counter >= tpm_log_counter(log_id))
		state.verdict = judge(r > 0, state.known, state.counted, count);
	*ret_state = state;
	return 0;
}

int lm_tpm_count_logs(const struct lm_tpm_access *access, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_tpm) struct lm_tpm *tpm = NULL;
	uint64_t taken = 0;
	int r = tpm_open(access, &tpm, diag);

	if (r == 0)
		r = tpm_find_logs(tpm, &taken, diag);
	return r < 0 ? r : __builtin_popcountll(taken);
}
