/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "tpm_internal.h"

#define FIRST_TEXT "lemona tpm\n"

#define PCRS_DIFFER "cannot %s: the PCRs are not what they were when it was sealed"

static void cleanup_tpm(struct lm_tpm **tpm)
{
	lm_tpm_close(*tpm);
}

static void cleanup_hash(struct lm_sha256 **hash)
{
	lm_sha256_free(*hash);
}

int tpm_fail(struct lm_diag *diag, TSS2_RC rc, const char *what)
{
	switch (rc & ~(TSS2_RC)(TPM2_RC_S | TPM2_RC_N_MASK)) {
	case TPM2_RC_BAD_AUTH:
	case TPM2_RC_AUTH_FAIL:
		return lm_diag_set(diag, -EACCES,
			"cannot %s: the TPM's owner has a password, and --tpm-auth FILE does not "
			"name a file that holds it",
			what);
	case TPM2_RC_POLICY_FAIL:
		return lm_diag_set(diag, -EKEYREJECTED, PCRS_DIFFER, what);
	}
	/* They changed after the policy had been checked. */
	if (rc == TPM2_RC_PCR_CHANGED)
		return lm_diag_set(diag, -EKEYREJECTED, PCRS_DIFFER, what);
	if (rc == TPM2_RC_LOCKOUT)
		return lm_diag_set(diag, -EBUSY,
			"cannot %s: the TPM is locked for some time after wrong passwords; "
			"tpm2_dictionarylockout -c ends that",
			what);
	if (rc == TPM2_RC_NV_SPACE)
		return lm_diag_set(diag, -ENOSPC,
			"cannot %s: the TPM has no room; tpm2_nvundefine makes some", what);
	return lm_diag_set(diag, -EIO, "cannot %s: %s", what, Tss2_RC_Decode(rc));
}

/* A file that holds a password, with a newline behind it or without. */
static int read_password(const char *path, TPM2B_AUTH *ret_password, struct lm_diag *diag)
{
	int fd LM_CLOSE = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t bytes[sizeof(ret_password->buffer) + 2];
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	if (n < 0) {
		lm_diag_errno(diag, -errno, "cannot read the password of the TPM's owner in %s",
			path);
		return -EACCES;
	}
	if (n > 0 && bytes[n - 1] == '\n')
		n--;
	if ((size_t)n <= sizeof(ret_password->buffer)) {
		ret_password->size = (UINT16)n;
		memcpy(ret_password->buffer, bytes, (size_t)n);
	}
	explicit_bzero(bytes, sizeof(bytes));
	if ((size_t)n <= sizeof(ret_password->buffer))
		return 0;
	return lm_diag_set(
		diag, -EMSGSIZE, "the password in %s is longer than any of a TPM", path);
}

/* From here on commands that need the owner's password send this one. */
static int use_password(struct lm_tpm *tpm, const char *path, struct lm_diag *diag)
{
	TPM2B_AUTH password = { .size = 0 };
	int r = read_password(path, &password, diag);

	if (r == 0 &&
		Esys_TR_SetAuth(tpm->esys, ESYS_TR_RH_OWNER, &password) != TSS2_RC_SUCCESS)
		r = lm_diag_set(diag, -EIO, "the TPM's library does not take a password");
	explicit_bzero(&password, sizeof(password));
	return r;
}

int tpm_open(const struct lm_tpm_access *access, struct lm_tpm **ret_tpm, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_tpm) struct lm_tpm *tpm = calloc(1, sizeof(*tpm));
	TSS2_RC rc;
	int r = 0;

	if (!tpm)
		return lm_diag_errno(diag, -ENOMEM, "cannot use the TPM");
	tpm->chain = tpm->counter = ESYS_TR_NONE;
	/* The library prints what it thinks of errors, unless it is told not to. */
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	rc = Tss2_TctiLdr_Initialize(access->tcti, &tpm->tcti);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_Initialize(&tpm->esys, tpm->tcti, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return lm_diag_set(diag, -ENODEV, "no TPM answers at %s", access->tcti);
	if (access->auth_path)
		r = use_password(tpm, access->auth_path, diag);
	if (r < 0)
		return r;
	*ret_tpm = lm_take_ptr(tpm);
	return 0;
}

struct lm_tpm *lm_tpm_close(struct lm_tpm *tpm)
{
	if (!tpm)
		return NULL;
	if (tpm->esys)
		Esys_Finalize(&tpm->esys);
	if (tpm->tcti)
		Tss2_TctiLdr_Finalize(&tpm->tcti);
	free(tpm);
	return NULL;
}

struct lm_tpm *lm_tpm_discard(struct lm_tpm *tpm)
{
	const ESYS_TR indexes[] = { tpm->chain, tpm->counter };

	for (size_t i = 0; i < LM_ARRAY_SIZE(indexes); i++)
		if (indexes[i] != ESYS_TR_NONE)
			(void)Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, indexes[i],
				ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE);
	return lm_tpm_close(tpm);
}

int tpm_find_logs(struct lm_tpm *tpm, uint64_t *ret_taken, struct lm_diag *diag)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	uint64_t taken = 0;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		TPM2_CAP_HANDLES, TPM_FIRST_INDEX, 2 * TPM_LOGS_MAX, &more, &data);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "list what the TPM holds");
	for (uint32_t i = 0; i < data->data.handles.count; i++) {
		uint32_t offset = data->data.handles.handle[i] - TPM_FIRST_INDEX;

		if (offset < 2 * TPM_LOGS_MAX)
			taken |= UINT64_C(1) << offset / 2;
	}
	Esys_Free(data);
	*ret_taken = taken;
	return 0;
}

/*
 * Whoever wants to extend or count needs the password, which only this process knows; whoever
 * wants to read needs the owner's.
 */
static int define_index(struct lm_tpm *tpm, uint32_t index, TPM2_NT type, uint16_t bytes,
	const TPM2B_AUTH *password, ESYS_TR *ret_index, struct lm_diag *diag)
{
	const TPM2B_NV_PUBLIC public = {
		.nvPublic = {
			.nvIndex = index,
			.nameAlg = TPM2_ALG_SHA256,
			.attributes = TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA |
				((TPMA_NV)type << TPMA_NV_TPM2_NT_SHIFT),
			.dataSize = bytes,
		},
	};
	TSS2_RC rc = Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, password, &public, ret_index);

	if (rc == TSS2_RC_SUCCESS)
		return 0;
	*ret_index = ESYS_TR_NONE;
	return tpm_fail(diag, rc, "have room for a log in the TPM");
}

static int count(struct lm_tpm *tpm, struct lm_diag *diag)
{
	TSS2_RC rc = Esys_NV_Increment(tpm->esys, tpm->counter, tpm->counter, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE);

	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(diag, rc, "count in the TPM");
}

int tpm_read_counter(struct lm_tpm *tpm, uint64_t *ret_value, struct lm_diag *diag)
{
	TPM2B_MAX_NV_BUFFER *data = NULL;
	uint64_t value = 0;
	TSS2_RC rc = Esys_NV_Read(tpm->esys, ESYS_TR_RH_OWNER, tpm->counter, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, sizeof(value), 0, &data);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "read the TPM's counter");
	for (uint32_t i = 0; i < data->size && i < sizeof(value); i++)
		value = value << 8 | data->buffer[i];
	Esys_Free(data);
	*ret_value = value;
	return 0;
}

/* The bytes that are not random: which pair, and where the counter began. */
static int make_log_id(uint32_t pair, uint64_t counter, uint8_t ret_log_id[LM_LOG_ID_BYTES])
{
	if (getrandom(ret_log_id, 7, 0) != 7)
		return -EIO;
	ret_log_id[7] = (uint8_t)pair;
	for (size_t i = 0; i < 8; i++)
		ret_log_id[8 + i] = (uint8_t)(counter >> (56 - 8 * i));
	return 0;
}

uint32_t tpm_log_pair(const uint8_t log_id[LM_LOG_ID_BYTES])
{
	return log_id[7];
}

uint64_t tpm_log_counter(const uint8_t log_id[LM_LOG_ID_BYTES])
{
	uint64_t counter = 0;

	for (size_t i = 8; i < LM_LOG_ID_BYTES; i++)
		counter = counter << 8 | log_id[i];
	return counter;
}

static int define_pair(struct lm_tpm *tpm, uint32_t pair, struct lm_diag *diag)
{
	TPM2B_AUTH password = { .size = 32 };
	uint32_t index = TPM_FIRST_INDEX + 2 * pair;
	int r;

	if (getrandom(password.buffer, password.size, 0) != password.size)
		return lm_diag_errno(diag, -EIO, "cannot make a password for the TPM");
	r = define_index(tpm, index, TPM2_NT_EXTEND, LM_SHA256_BYTES, &password, &tpm->chain, diag);
	if (r == 0)
		r = define_index(
			tpm, index + 1, TPM2_NT_COUNTER, 8, &password, &tpm->counter, diag);
	explicit_bzero(&password, sizeof(password));
	return r;
}

int lm_tpm_reserve(const struct lm_tpm_access *access, uint8_t ret_log_id[LM_LOG_ID_BYTES],
	struct lm_tpm **ret_tpm, struct lm_diag *diag)
{
	struct lm_tpm *tpm = NULL;
	uint64_t taken = 0, counter = 0;
	uint32_t pair = 0;
	int r = tpm_open(access, &tpm, diag);

	if (r < 0)
		return r;
	r = tpm_find_logs(tpm, &taken, diag);
	while (pair < TPM_LOGS_MAX && taken >> pair & 1)
		pair++;
	if (r == 0 && pair == TPM_LOGS_MAX)
		r = lm_diag_set(diag, -ENOSPC,
			"the TPM has %u logs already; tpm2_nvundefine makes room", TPM_LOGS_MAX);
	if (r == 0)
		r = define_pair(tpm, pair, diag);
	/* A counter begins above what any that was deleted has had: it is never the same again. */
	if (r == 0)
		r = count(tpm, diag);
	if (r == 0)
		r = tpm_read_counter(tpm, &counter, diag);
	if (r == 0)
		r = make_log_id(pair, counter, ret_log_id);
	if (r < 0) {
		lm_tpm_discard(tpm);
		return r;
	}
	*ret_tpm = tpm;
	return 0;
}

int tpm_first_digest(const uint8_t log_id[LM_LOG_ID_BYTES], const struct lm_public_key *first_key,
	struct lm_digest *ret_digest)
{
	LM_CLEANUP(cleanup_hash) struct lm_sha256 *hash = NULL;
	int r = lm_sha256_new(&hash);

	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	if (lm_sha256_begin(hash) < 0 ||
		lm_sha256_add(hash, FIRST_TEXT, sizeof(FIRST_TEXT) - 1) < 0 ||
		lm_sha256_add(hash, log_id, LM_LOG_ID_BYTES) < 0 ||
		lm_sha256_add(hash, first_key->bytes, sizeof(first_key->bytes)) < 0)
		return -EIO;
	return lm_sha256_end(hash, ret_digest->bytes);
}

static int extend(struct lm_tpm *tpm, const struct lm_digest *digest, struct lm_diag *diag)
{
	TPM2B_MAX_NV_BUFFER data = { .size = sizeof(digest->bytes) };
	TSS2_RC rc;

	memcpy(data.buffer, digest->bytes, sizeof(digest->bytes));
	rc = Esys_NV_Extend(tpm->esys, tpm->chain, tpm->chain, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &data);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(diag, rc, "extend the TPM's index");
}

int lm_tpm_begin(struct lm_tpm *tpm, const uint8_t log_id[LM_LOG_ID_BYTES],
	const struct lm_public_key *first_key, struct lm_diag *diag)
{
	struct lm_digest digest;
	int r = tpm_first_digest(log_id, first_key, &digest);

	return r < 0 ? lm_diag_errno(diag, r, "cannot hash a key") : extend(tpm, &digest, diag);
}

int lm_tpm_extend(struct lm_tpm *tpm, const struct lm_digest *root, struct lm_diag *diag)
{
	int r = extend(tpm, root, diag);

	/* In this order: killed in between, the counter is behind, and never ahead. */
	return r < 0 ? r : count(tpm, diag);
}
