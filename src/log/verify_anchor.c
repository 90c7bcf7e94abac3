/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "verify_internal.h"

#define KEY_MAX_BYTES 1024u

/* There is one way to write a key. */
static bool is_same_text(const uint8_t log_id[LM_LOG_ID_BYTES], const struct lm_public_key *key,
	struct lm_str text)
{
	LM_BUFFER struct lm_buffer again = LM_BUFFER_INIT;

	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	return lm_verifier_key_encode(log_id, key, &again) == 0 && again.len == text.len &&
		memcmp(again.data, text.data, text.len) == 0;
}

/* The anchor that was asked for counts; the file `key` must then be the same. */
static int read_key_file(struct lm_verify *v)
{
	struct lm_place place = { .file = LM_LOG_KEY_NAME };
	struct lm_public_key key;
	uint8_t log_id[LM_LOG_ID_BYTES];
	int64_t n = lm_file_load(v->dir_fd, LM_LOG_KEY_NAME, KEY_MAX_BYTES, &v->note);
	struct lm_str text = { (const char *)v->note.data, (uint32_t)v->note.len };
	int r;

	if (n == -ENOENT)
		return 0;
	if (n < 0 && n != -EFBIG)
		return lm_diag_errno(v->diag, (int)n, "cannot read the file key of the log");
	v->has_key_file = true;
	place.end = n > 0 ? (uint64_t)n : 0;
	r = n < 0 ? -LM_E_DAMAGED : lm_verifier_key_parse(text, log_id, &key);
	if (r < 0 && r != -LM_E_DAMAGED)
		return lm_diag_errno(v->diag, r, "cannot use the file key of the log");
	if (r < 0 || !is_same_text(log_id, &key, text)) {
		lm_verify_tell(v, LM_VERDICT_ALTERED, &place, "the file is no key of a log");
	} else if (!v->has_anchor) {
		v->anchor = key;
		memcpy(v->log_id, log_id, sizeof(log_id));
		memcpy(v->anchor_id, log_id, sizeof(log_id));
		v->has_anchor = true;
	} else if (memcmp(log_id, v->log_id, sizeof(log_id)) != 0) {
		lm_verify_tell(v, LM_VERDICT_MIXED, &place, "the key is that of another log");
	} else if (memcmp(&key, &v->anchor, sizeof(key)) != 0) {
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, &place, "the key is not the one given");
	}
	return 0;
}

static struct lm_outside *add_outside(struct lm_verify *v, const char *name, bool own)
{
	struct lm_outside *moved =
		reallocarray(v->outside, v->outside_count + 1, sizeof(*moved));
	struct lm_outside *outside;

	if (!moved)
		return NULL;
	v->outside = moved;
	outside = &moved[v->outside_count++];
	*outside = (struct lm_outside){ .own = own };
	snprintf(outside->name, sizeof(outside->name), "%s", name);
	return outside;
}

static int read_checkpoint(struct lm_verify *v, int dir_fd, const char *name, bool own)
{
	struct lm_outside *outside = add_outside(v, name, own);
	int64_t n;
	int r;

	if (!outside)
		return lm_diag_errno(v->diag, -ENOMEM, "cannot read %s", name);
	n = lm_file_load(dir_fd, name,
		own ? LM_NOTE_MAX_BYTES : LM_NOTE_OUTSIDE_MAX_BYTES, &outside->bytes);
	if (n == -ENOENT && own) {
		v->outside_count--;
		return 0;
	}
	if (n < 0 && n != -EFBIG)
		return lm_diag_errno(v->diag, (int)n, "cannot read %s", name);
	v->has_checkpoint_file |= own;
	r = n < 0 ? -LM_E_DAMAGED :
		lm_checkpoint_parse((struct lm_str){ (const char *)outside->bytes.data,
					    (uint32_t)outside->bytes.len },
			&outside->checkpoint, &outside->note);
	if (r == -LM_E_DAMAGED)
		lm_verify_tell(v, LM_VERDICT_ALTERED,
			&(struct lm_place){ .file = outside->name, .end = outside->bytes.len },
			"the file is no checkpoint");
	else if (r < 0)
		return lm_diag_errno(v->diag, r, "cannot use %s", name);
	outside->usable = r == 0;
	return 0;
}

int lm_verify_read_anchors(struct lm_verify *v)
{
	const struct lm_verify_options *options = v->options;
	int r = 0;

	if (options && options->key.len > 0) {
		if (lm_verifier_key_parse(options->key, v->log_id, &v->anchor) < 0)
			return lm_diag_set(v->diag, -EINVAL, "that is no key of a log: it looks "
				"like lemona/...+...+..., as in the file key");
		memcpy(v->anchor_id, v->log_id, sizeof(v->anchor_id));
		v->has_anchor = true;
	}
	r = read_key_file(v);
	if (r == 0)
		r = read_checkpoint(v, v->dir_fd, LM_LOG_CHECKPOINT_NAME, true);
	for (size_t i = 0; r == 0 && options && i < options->checkpoint_count; i++)
		r = read_checkpoint(v, AT_FDCWD, options->checkpoints[i], false);
	return r;
}

void lm_verify_names(struct lm_verify *v)
{
	if (v->has_anchor && memcmp(v->anchor_id, v->log_id, LM_LOG_ID_BYTES) != 0) {
		v->has_anchor = false;
		lm_verify_tell(v, LM_VERDICT_MIXED, &(struct lm_place){ .file = LM_LOG_KEY_NAME },
			"the key is that of another log");
	}
	v->sure_leaves = v->sure_signed = 0;
	for (size_t i = 0; i < v->outside_count; i++) {
		struct lm_outside *outside = &v->outside[i];
		uint64_t sure = outside->checkpoint.size, covered = sure;

		if (!outside->usable)
			continue;
		if (memcmp(outside->checkpoint.log_id, v->log_id, LM_LOG_ID_BYTES) != 0) {
			outside->usable = false;
			lm_verify_tell(v, LM_VERDICT_MIXED,
				&(struct lm_place){ .file = outside->name,
					.end = outside->bytes.len },
				"the checkpoint is of another log");
			continue;
		}
		if (outside->checkpoint.state == LM_CHECKPOINT_END)
			sure = covered = UINT64_MAX;
		else if (outside->checkpoint.state == LM_CHECKPOINT_SEGMENT_END)
			sure++; /* the end frame that holds it */
		if (sure > v->sure_leaves)
			v->sure_leaves = sure;
		if (covered > v->sure_signed)
			v->sure_signed = covered;
	}
	/* A log of several segments has been on the disk for long. */
	if (!v->has_checkpoint_file && (!v->report.sealed || v->file_count > 1))
		v->sure_leaves = v->sure_signed = UINT64_MAX;
}

static const char not_signed[] = "the checkpoint is not what was signed";
static const char other_key[] = "the checkpoint is signed with a key that had not to sign it";

/* What it takes to believe the note. @return 0; what lm_note_check() says; 1: no key is known */
static int check_signature(const struct lm_outside *outside)
{
	return outside->key_known ? lm_note_check(&outside->note, &outside->key) : 1;
}

static void tell_unreached(struct lm_verify *v, const struct lm_outside *outside,
	struct lm_place *place, uint64_t leaves)
{
	int r = check_signature(outside);

	place->begin_ns = v->last_ns;
	place->end_ns = outside->checkpoint.boot_ns;
	if (r == -LM_E_WRONG_KEY)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place, "%s", other_key);
	else if (r == -LM_E_DAMAGED)
		lm_verify_tell(v, LM_VERDICT_ALTERED, place, "%s", not_signed);
	else if (outside->checkpoint.size > leaves)
		lm_verify_tell(v, LM_VERDICT_CUT_END, place,
			"the log has %" PRIu64 " leaves, and had %" PRIu64
			" when this checkpoint was made", leaves, outside->checkpoint.size);
	else
		lm_verify_tell(v, LM_VERDICT_NOTE, place,
			"with what is wrong in the log, this checkpoint cannot be held against it");
}

static void tell_differs(struct lm_verify *v, const struct lm_outside *outside,
	const struct lm_place *place)
{
	int r = check_signature(outside);

	if (r == -LM_E_DAMAGED)
		lm_verify_tell(v, LM_VERDICT_ALTERED, place, "%s", not_signed);
	else if (outside->own && r == -LM_E_WRONG_KEY)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place, "%s", other_key);
	else if (outside->own && r == 1)
		lm_verify_tell(v, LM_VERDICT_ALTERED, place,
			"the checkpoint is not one that this log had");
	else if (!outside->covered && r == 0)
		lm_verify_tell(v, LM_VERDICT_ALTERED, place,
			"leaves %" PRIu64 " to %" PRIu64 " are not those that were signed",
			v->report.signed_leaves, outside->checkpoint.size - 1);
	else
		lm_verify_tell(v, LM_VERDICT_FORKED, place,
			"when this checkpoint was made, the first %" PRIu64
			" leaves were others%s", outside->checkpoint.size,
			r == 0 ? "" : " (its signature is not of this log's keys)");
}

static void tell_fits(struct lm_verify *v, const struct lm_outside *outside,
	const struct lm_place *place, bool chain_known)
{
	int r = check_signature(outside);

	if (r == -LM_E_DAMAGED)
		lm_verify_tell(v, LM_VERDICT_ALTERED, place, "%s", not_signed);
	else if (r == -LM_E_WRONG_KEY || (r == 1 && chain_known))
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place, "%s", other_key);
	else if (r == 1)
		lm_verify_tell(v, LM_VERDICT_NOTE, place,
			"with what is wrong in the log, nothing says whose key had to sign this");
	else if (!outside->covered && outside->checkpoint.size > v->report.signed_leaves) {
		v->report.signed_leaves = outside->checkpoint.size;
		v->report.signed_boot_ns = outside->checkpoint.boot_ns;
		v->report.signed_wall_ns = outside->checkpoint.wall_ns;
	}
}

/* A checkpoint at an end is in the end frame, which was on the disk before the file. */
static void tell_end(struct lm_verify *v, const struct lm_outside *outside,
	const struct lm_place *place, uint64_t leaves)
{
	const struct lm_checkpoint *checkpoint = &outside->checkpoint;

	bool there = checkpoint->state == LM_CHECKPOINT_END ? v->log_ended :
		checkpoint->state == LM_CHECKPOINT_OPEN || leaves > checkpoint->size;

	if (v->report.sound && !there)
		lm_verify_tell(v, LM_VERDICT_CUT_END, place,
			"the end frame that this checkpoint was made for is not there");
}

void lm_verify_judge_outside(struct lm_verify *v, uint64_t leaves)
{
	bool chain_known = v->report.sound;

	for (size_t i = 0; i < v->outside_count; i++) {
		const struct lm_outside *outside = &v->outside[i];
		struct lm_place place = { .file = outside->name, .end = outside->bytes.len,
			.segment = outside->checkpoint.segment };

		if (!outside->usable)
			continue;
		if (!outside->reached)
			tell_unreached(v, outside, &place, leaves);
		else if (!outside->fits)
			tell_differs(v, outside, &place);
		else
			tell_fits(v, outside, &place, chain_known);
		tell_end(v, outside, &place, leaves);
	}
}
