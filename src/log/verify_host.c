/* SPDX-License-Identifier: MIT */
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/crypto/host.h"
#include "verify_internal.h"

/* None of this can come of a power cut: the note is in one frame, and its checksum fits. */

/* The host is another one than the one that is asked for. */
static int tell_other(struct lm_verify *v, const struct lm_public_key *key,
	const struct lm_place *place)
{
	char name[LM_HOST_NAME_BYTES];
	int r = lm_host_name(key, name);

	if (r == 0)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place,
			"the log is signed by another host than the one given: %.*s",
			(int)sizeof(name), name);
	return r;
}

/* The note says that a host has signed it. */
static int check_signed(struct lm_verify *v, const struct lm_note *note,
	const struct lm_place *place)
{
	const struct lm_public_key *key = &v->report.host_key;
	const struct lm_public_key *given = v->options ? v->options->host_key : NULL;
	int r = lm_host_check(note, key);

	if (r == -LM_E_WRONG_KEY)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place,
			"the signature of the host, which the note names, is not there");
	else if (r == -LM_E_DAMAGED)
		lm_verify_tell(v, LM_VERDICT_ALTERED, place,
			"the signature of the host is not one of this note");
	else if (r < 0)
		return r;
	v->report.host_signed = r == 0;
	if (given && memcmp(given, key, sizeof(*key)) != 0)
		return tell_other(v, key, place);
	return 0;
}

int lm_verify_host(struct lm_verify *v, const struct lm_segment_key *key,
	const struct lm_note *note, const struct lm_place *place)
{
	if (key->segment != 1)
		return 0;
	v->host_seen = true;
	v->report.host = key->host;
	v->report.host_key = key->host_key;
	if (key->host == LM_HOST_SIGNED)
		return check_signed(v, note, place);
	if (!v->options || !v->options->host_key)
		return 0;
	if (key->host == LM_HOST_NONE)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place, "the log is signed by no host");
	else
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place,
			"the log is signed by no host: its key could not be used (%s)",
			lm_host_reason(key->host));
	return 0;
}

void lm_verify_judge_host(struct lm_verify *v)
{
	if (v->options && v->options->host_key && !v->host_seen)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, &(struct lm_place){ .file = "" },
			v->report.sealed ?
				"nothing is left of the note with which the log began, so no host "
				"has signed it" :
				"the log is not sealed, so no host has signed it");
}
