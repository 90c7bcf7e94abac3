/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify_internal.h"

const char *lm_verdict_word(enum lm_verdict verdict)
{
	switch (verdict) {
	case LM_VERDICT_NOTE:
		return "note";
	case LM_VERDICT_ALTERED:
		return "altered";
	case LM_VERDICT_CUT_START:
		return "cut at the start";
	case LM_VERDICT_CUT_MIDDLE:
		return "cut in the middle";
	case LM_VERDICT_CUT_END:
		return "cut at the end";
	case LM_VERDICT_REORDERED:
		return "reordered";
	case LM_VERDICT_DUPLICATED:
		return "duplicated";
	case LM_VERDICT_MIXED:
		return "mixed";
	case LM_VERDICT_WRONG_KEY:
		return "wrong key";
	case LM_VERDICT_FORKED:
		return "forked";
	}
	return "unknown";
}

void lm_verify_report_release(struct lm_verify_report *report)
{
	free(report->findings);
	free(report->roots);
	*report = (struct lm_verify_report){ 0 };
}

/* Room for one more; without memory it is counted only. */
static bool grow(struct lm_verify *v)
{
	struct lm_verify_report *report = &v->report;
	size_t capacity = v->finding_capacity ? v->finding_capacity * 2 : 8;
	struct lm_finding *moved;

	if (report->count >= LM_FINDINGS_MAX)
		return false;
	if (report->count < v->finding_capacity)
		return true;
	moved = reallocarray(report->findings, capacity, sizeof(*moved));
	if (!moved)
		return false;
	report->findings = moved;
	v->finding_capacity = capacity;
	return true;
}

static size_t keep(struct lm_verify *v, enum lm_verdict verdict, const struct lm_place *place,
	const char *fmt, va_list args)
{
	struct lm_verify_report *report = &v->report;
	struct lm_finding *finding;

	if (verdict != LM_VERDICT_NOTE)
		report->sound = false;
	if (!grow(v)) {
		report->dropped += verdict != LM_VERDICT_NOTE;
		return SIZE_MAX;
	}
	finding = &report->findings[report->count];
	*finding = (struct lm_finding){
		.verdict = verdict,
		.segment = place->segment,
		.first_frame = place->first_frame,
		.last_frame = place->last_frame,
		.begin_byte = place->begin,
		.end_byte = place->end,
		.begin_ns = place->begin_ns,
		.end_ns = place->end_ns,
	};
	snprintf(finding->file, sizeof(finding->file), "%s", place->file);
	vsnprintf(finding->text, sizeof(finding->text), fmt, args);
	return report->count++;
}

size_t lm_verify_tell(struct lm_verify *v, enum lm_verdict verdict, const struct lm_place *place,
	const char *fmt, ...)
{
	va_list args;
	size_t number;

	va_start(args, fmt);
	number = keep(v, verdict, place, fmt, args);
	va_end(args);
	return number;
}

/* What a power cut can do to what was not on the disk yet. */
static bool is_of_power_cut(enum lm_verdict verdict)
{
	return verdict == LM_VERDICT_ALTERED || verdict == LM_VERDICT_CUT_MIDDLE ||
		verdict == LM_VERDICT_CUT_END || verdict == LM_VERDICT_REORDERED ||
		verdict == LM_VERDICT_DUPLICATED;
}

size_t lm_verify_tell_frames(struct lm_verify *v, enum lm_verdict verdict,
	const struct lm_place *place, const char *fmt, ...)
{
	char text[LM_FINDING_TEXT_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (is_of_power_cut(verdict) &&
		lm_seal_frame_index(place->segment, place->first_frame) >= v->sure_leaves)
		return lm_verify_tell(v, LM_VERDICT_NOTE, place,
			"behind the last checkpoint on the disk, as a power cut leaves it: %s",
			text);
	return lm_verify_tell(v, verdict, place, "%s", text);
}
