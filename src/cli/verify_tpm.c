/* SPDX-License-Identifier: MIT */
#include "verify_tpm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *lm_cli_tpm_word(enum lm_tpm_verdict verdict)
{
	switch (verdict) {
	case LM_TPM_AGREES:
		return "agrees";
	case LM_TPM_BEHIND:
		return "behind";
	case LM_TPM_AHEAD:
		return "ahead";
	case LM_TPM_DIFFERS:
		return "differs";
	case LM_TPM_NOTHING:
		break;
	}
	return "nothing";
}

static int add_finding(struct lm_verify_report *report, const struct lm_finding *finding)
{
	struct lm_finding *moved =
		reallocarray(report->findings, report->count + 1, sizeof(*moved));

	if (!moved)
		return -ENOMEM;
	report->findings = moved;
	moved[report->count++] = *finding;
	if (finding->verdict != LM_VERDICT_NOTE)
		report->sound = false;
	return 0;
}

static int add_state(struct lm_verify_report *report, const struct lm_tpm_state *state)
{
	struct lm_finding finding = { .verdict = LM_VERDICT_NOTE };

	switch (state->verdict) {
	case LM_TPM_AHEAD:
		finding.verdict = LM_VERDICT_CUT_END;
		snprintf(finding.text, sizeof(finding.text),
			"the TPM has counted the ends of %" PRIu64 " segments, and the log has %zu",
			state->counted, report->root_count);
		break;
	case LM_TPM_DIFFERS:
		finding.verdict = LM_VERDICT_ALTERED;
		snprintf(finding.text, sizeof(finding.text),
			"what the TPM was told of this log is not what it holds");
		break;
	case LM_TPM_BEHIND:
		snprintf(finding.text, sizeof(finding.text),
			"the TPM knows the ends of %" PRIu64 " segments, and the log has %zu",
			state->known, report->root_count);
		break;
	default:
		return 0;
	}
	return add_finding(report, &finding);
}

int lm_cli_verify_tpm(const struct lm_tpm_access *access, struct lm_verify_report *report,
	struct lm_tpm_state *ret_state, struct lm_diag *diag)
{
	int r;

	if (!report->has_first_key)
		return lm_diag_set(
			diag, -ENOKEY, "a TPM is asked by the log's key, and there is none");
	r = lm_tpm_check(access, report->log_id, &report->first_key, report->roots,
		report->root_count, ret_state, diag);
	if (r < 0)
		return r;
	if (ret_state->verdict == LM_TPM_NOTHING)
		return lm_diag_set(diag, -ENOENT,
			"the TPM at %s knows nothing of this log: it was recorded without, or on "
			"another machine, or somebody has emptied the TPM's memory",
			access->tcti);
	return add_state(report, ret_state);
}
