/* SPDX-License-Identifier: MIT */
#include "tpm_seal.h"

#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

#define FIXED_HERE (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT)

/* The same for everybody who asks this TPM, until it is cleared. */
static const TPM2B_PUBLIC parent_template = {
	.publicArea = {
		.type = TPM2_ALG_ECC,
		.nameAlg = TPM2_ALG_SHA256,
		.objectAttributes = FIXED_HERE | TPMA_OBJECT_SENSITIVEDATAORIGIN |
			TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
			TPMA_OBJECT_DECRYPT,
		.parameters.eccDetail = {
			.symmetric = { .algorithm = TPM2_ALG_AES, .keyBits.aes = 128,
				.mode.aes = TPM2_ALG_CFB },
			.scheme.scheme = TPM2_ALG_NULL,
			.curveID = TPM2_ECC_NIST_P256,
			.kdf.scheme = TPM2_ALG_NULL,
		},
	},
};

/* A TPM object or session of one call. */
struct handle {
	struct lm_tpm *tpm;
	ESYS_TR at;
};

static void cleanup_handle(struct handle *handle)
{
	if (handle->at != ESYS_TR_NONE)
		(void)Esys_FlushContext(handle->tpm->esys, handle->at);
}

static int make_parent(struct lm_tpm *tpm, struct handle *ret_parent, struct lm_diag *diag)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { .size = 0 };
	const TPM2B_DATA outside = { .size = 0 };
	const TPML_PCR_SELECTION pcrs = { .count = 0 };
	TSS2_RC rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &parent_template, &outside, &pcrs,
		&ret_parent->at, NULL, NULL, NULL, NULL);

	if (rc == TSS2_RC_SUCCESS)
		return 0;
	ret_parent->at = ESYS_TR_NONE;
	return tpm_fail(diag, rc, "use the TPM's storage key");
}

/* A session whose secret only the TPM that has the parent learns. */
static int start_session(struct lm_tpm *tpm, const struct handle *parent, TPM2_SE type,
	TPMA_SESSION encrypt, struct handle *ret_session, struct lm_diag *diag)
{
	const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB
	};
	TSS2_RC rc = Esys_StartAuthSession(tpm->esys, parent->at, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes, TPM2_ALG_SHA256, &ret_session->at);

	if (rc != TSS2_RC_SUCCESS)
		ret_session->at = ESYS_TR_NONE;
	else
		rc = Esys_TRSess_SetAttributes(tpm->esys, ret_session->at,
			TPMA_SESSION_CONTINUESESSION | encrypt, 0xff);
	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(diag, rc, "talk with the TPM in private");
}

static int require_pcrs(struct lm_tpm *tpm, const struct handle *session, uint32_t pcrs,
	struct lm_diag *diag)
{
	const TPM2B_DIGEST as_they_are = { .size = 0 };
	const TPML_PCR_SELECTION selection = {
		.count = 1,
		.pcrSelections = { {
			.hash = TPM2_ALG_SHA256,
			.sizeofSelect = HOST_PCRS / 8,
			.pcrSelect = { (BYTE)pcrs, (BYTE)(pcrs >> 8), (BYTE)(pcrs >> 16) },
		} },
	};
	TSS2_RC rc = Esys_PolicyPCR(tpm->esys, session->at, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, &as_they_are, &selection);

	return rc == TSS2_RC_SUCCESS ? 0 : tpm_fail(diag, rc, "read the TPM's PCRs");
}

/*
 * A TPM passes over PCRs that it does not have: a policy for none but those holds in any state, and
 * the key would be bound to nothing.
 */
static int expect_pcrs(struct lm_tpm *tpm, uint32_t pcrs, struct lm_diag *diag)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		TPM2_CAP_PCRS, 0, 1, &more, &data);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "list the TPM's PCRs");
	for (uint32_t i = 0; i < data->data.assignedPCR.count; i++) {
		const TPMS_PCR_SELECTION *bank = &data->data.assignedPCR.pcrSelections[i];

		for (uint32_t k = 0; bank->hash == TPM2_ALG_SHA256 && k < bank->sizeofSelect; k++)
			if (k < HOST_PCRS / 8)
				pcrs &= ~((uint32_t)bank->pcrSelect[k] << 8 * k);
	}
	Esys_Free(data);
	return pcrs == 0 ? 0 : lm_diag_set(diag, -ENXIO,
		"the TPM does not have all of these PCRs in a SHA-256 bank: tpm2_getcap pcrs tells "
		"which it has");
}

/* The policy that the PCRs are as they are now. */
static int make_policy(struct lm_tpm *tpm, const struct handle *parent, uint32_t pcrs,
	TPM2B_DIGEST *ret_policy, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_handle) struct handle trial = { tpm, ESYS_TR_NONE };
	TPM2B_DIGEST *policy = NULL;
	TSS2_RC rc;
	int r = expect_pcrs(tpm, pcrs, diag);

	if (r == 0)
		r = start_session(tpm, parent, TPM2_SE_TRIAL, 0, &trial, diag);
	if (r == 0)
		r = require_pcrs(tpm, &trial, pcrs, diag);
	if (r < 0)
		return r;
	rc = Esys_PolicyGetDigest(
		tpm->esys, trial.at, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &policy);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "make a policy");
	*ret_policy = *policy;
	Esys_Free(policy);
	return 0;
}

/* Append both parts as the TPM writes them. */
static int take_parts(const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
	struct lm_buffer *ret_parts, struct host_blob *ret_blob, struct lm_diag *diag)
{
	uint8_t bytes[2 * HOST_BLOB_PART_BYTES];
	size_t split = 0, len;

	if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, bytes, HOST_BLOB_PART_BYTES, &split) !=
		TSS2_RC_SUCCESS)
		return lm_diag_set(diag, -EIO, "the TPM has sealed the key in an odd way");
	len = split;
	if (Tss2_MU_TPM2B_PRIVATE_Marshal(private, bytes, split + HOST_BLOB_PART_BYTES, &len) !=
		TSS2_RC_SUCCESS)
		return lm_diag_set(diag, -EIO, "the TPM has sealed the key in an odd way");
	lm_buffer_append(ret_parts, bytes, len);
	if (lm_buffer_status(ret_parts) < 0)
		return lm_diag_errno(diag, -ENOMEM, "cannot keep the sealed key");
	ret_blob->sealed_public = (struct lm_str){ (char *)ret_parts->data, (uint32_t)split };
	ret_blob->sealed_private =
		(struct lm_str){ (char *)ret_parts->data + split, (uint32_t)(len - split) };
	return 0;
}

/* What it takes to have the seed back: the PCRs, or nothing but this TPM. */
static int make_template(struct lm_tpm *tpm, const struct handle *parent, uint32_t pcrs,
	TPM2B_PUBLIC *ret_template, struct lm_diag *diag)
{
	TPM2B_PUBLIC template = {
		.publicArea = {
			.type = TPM2_ALG_KEYEDHASH,
			.nameAlg = TPM2_ALG_SHA256,
			.objectAttributes = FIXED_HERE | TPMA_OBJECT_NODA |
				(pcrs ? TPMA_OBJECT_ADMINWITHPOLICY : TPMA_OBJECT_USERWITHAUTH),
			.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
		},
	};
	int r = pcrs ? make_policy(tpm, parent, pcrs, &template.publicArea.authPolicy, diag) : 0;

	if (r == 0)
		*ret_template = template;
	return r;
}

int tpm_seal(struct lm_tpm *tpm, uint32_t pcrs, const struct lm_seed *seed,
	struct lm_buffer *ret_parts, struct host_blob *ret_blob, struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_handle) struct handle parent = { tpm, ESYS_TR_NONE };
	LM_CLEANUP(cleanup_handle) struct handle session = { tpm, ESYS_TR_NONE };
	TPM2B_SENSITIVE_CREATE sensitive = { .sensitive.data.size = sizeof(seed->bytes) };
	const TPM2B_DATA outside = { .size = 0 };
	const TPML_PCR_SELECTION creation = { .count = 0 };
	TPM2B_PUBLIC template, *public = NULL;
	TPM2B_PRIVATE *private = NULL;
	TSS2_RC rc;
	int r = make_parent(tpm, &parent, diag);

	if (r == 0)
		r = make_template(tpm, &parent, pcrs, &template, diag);
	if (r == 0)
		r = start_session(tpm, &parent, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, &session, diag);
	if (r < 0)
		return r;
	memcpy(sensitive.sensitive.data.buffer, seed->bytes, sizeof(seed->bytes));
	rc = Esys_Create(tpm->esys, parent.at, session.at, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
		&template, &outside, &creation, &private, &public, NULL, NULL, NULL);
	explicit_bzero(&sensitive, sizeof(sensitive));
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "seal a key");
	ret_blob->pcrs = pcrs;
	r = take_parts(public, private, ret_parts, ret_blob, diag);
	Esys_Free(public);
	Esys_Free(private);
	return r;
}

static int load(struct lm_tpm *tpm, const struct handle *parent, const struct host_blob *blob,
	struct handle *ret_object, struct lm_diag *diag)
{
	TPM2B_PUBLIC public = { .size = 0 };
	TPM2B_PRIVATE private = { .size = 0 };
	size_t public_at = 0, private_at = 0;
	TSS2_RC rc;

	if (Tss2_MU_TPM2B_PUBLIC_Unmarshal((const uint8_t *)blob->sealed_public.data,
		    blob->sealed_public.len, &public_at, &public) != TSS2_RC_SUCCESS ||
		Tss2_MU_TPM2B_PRIVATE_Unmarshal((const uint8_t *)blob->sealed_private.data,
			blob->sealed_private.len, &private_at, &private) != TSS2_RC_SUCCESS)
		return lm_diag_set(diag, -LM_E_DAMAGED, "what was sealed is damaged");
	rc = Esys_Load(tpm->esys, parent->at, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
		&private, &public, &ret_object->at);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	ret_object->at = ESYS_TR_NONE;
	/* The parent's key does not open it: it was made of another seed. */
	if ((rc & ~(TSS2_RC)(TPM2_RC_P | TPM2_RC_N_MASK)) == TPM2_RC_INTEGRITY)
		return lm_diag_set(diag, -LM_E_WRONG_KEY,
			"the host's key was sealed by another TPM, or this one was cleared since");
	return tpm_fail(diag, rc, "load the host's key");
}

int tpm_unseal(struct lm_tpm *tpm, const struct host_blob *blob, struct lm_seed *ret_seed,
	struct lm_diag *diag)
{
	LM_CLEANUP(cleanup_handle) struct handle parent = { tpm, ESYS_TR_NONE };
	LM_CLEANUP(cleanup_handle) struct handle object = { tpm, ESYS_TR_NONE };
	LM_CLEANUP(cleanup_handle) struct handle session = { tpm, ESYS_TR_NONE };
	TPM2B_SENSITIVE_DATA *data = NULL;
	TSS2_RC rc;
	int r = make_parent(tpm, &parent, diag);

	if (r == 0)
		r = load(tpm, &parent, blob, &object, diag);
	if (r == 0)
		r = start_session(tpm, &parent, blob->pcrs ? TPM2_SE_POLICY : TPM2_SE_HMAC,
			TPMA_SESSION_ENCRYPT, &session, diag);
	if (r == 0 && blob->pcrs)
		r = require_pcrs(tpm, &session, blob->pcrs, diag);
	if (r < 0)
		return r;
	rc = Esys_Unseal(tpm->esys, object.at, session.at, ESYS_TR_NONE, ESYS_TR_NONE, &data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(diag, rc, "unseal the host's key");
	if (data->size == sizeof(ret_seed->bytes))
		memcpy(ret_seed->bytes, data->buffer, sizeof(ret_seed->bytes));
	else
		r = lm_diag_set(diag, -LM_E_DAMAGED, "what was sealed is no key");
	explicit_bzero(data, sizeof(*data));
	Esys_Free(data);
	return r;
}
