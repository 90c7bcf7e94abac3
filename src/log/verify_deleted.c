/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "lemona/base/error.h"
#include "rest.h"
#include "verify_internal.h"

/* The key note in it is a link of the chain as any other. @return 1; 0: not sound; -EIO; -ENOMEM */
static int take_key(struct lm_verify *v, const struct lm_segment_file *file, struct lm_str bytes,
	const struct lm_place *place)
{
	struct lm_segment_key key;
	struct lm_note note;
	int r = lm_segment_key_parse(bytes, &key, &note);

	if (r == 0 && (key.segment != file->number ||
			      memcmp(key.log_id, v->log_id, LM_LOG_ID_BYTES) != 0))
		r = -LM_E_DAMAGED;
	if (r == 0 && v->key_known)
		r = lm_note_check(&note, &v->key);
	if (r == -LM_E_WRONG_KEY)
		lm_verify_tell(v, LM_VERDICT_WRONG_KEY, place,
			"the key note is signed with another key than the one that had to sign it");
	else if (r < 0)
		return r == -LM_E_DAMAGED ? 0 : r;
	r = lm_verify_host(v, &key, &note, place);
	if (r < 0)
		return r;
	v->key = key.next_segment_key;
	v->key_known = true;
	v->key_frames++;
	return 1;
}

/* The tree at the end of the segment. @return 1; 0: the file is not sound; -EIO */
static int take_tree(struct lm_verify *v, const struct lm_rest *rest)
{
	struct lm_merkle_tree tree = rest->tree;
	struct lm_str payload = rest->end.payload;
	struct lm_checkpoint checkpoint;
	struct lm_digest root, leaf;
	struct lm_note note;
	struct lm_end end;
	int r;

	if (lm_end_decode((const uint8_t *)payload.data, payload.len, &end) < 0 ||
		lm_checkpoint_parse(end.note, &checkpoint, &note) < 0)
		return 0;
	r = lm_merkle_root(v->hash, &tree, &root);
	if (r < 0)
		return r;
	if (checkpoint.size != tree.size || memcmp(&root, &checkpoint.root, sizeof(root)) != 0)
		return 0;
	r = lm_seal_stored_leaf(v->hash, rest->end.bytes, payload.data, payload.len, &leaf);
	if (r == 0)
		r = lm_merkle_add(v->hash, &tree, &leaf);
	if (r < 0)
		return r == -EOVERFLOW ? 0 : r;
	r = lm_verify_keep_root(v, &root);
	if (r < 0)
		return r;
	v->tree = tree;
	v->tree_known = true;
	v->leaves = tree.size;
	return 1;
}

/* @return 1; 0: the file is not sound; -EIO; -ENOMEM */
static int read_deleted(struct lm_verify *v, const struct lm_segment_file *file,
	const struct lm_place *place, struct lm_digest *ret_before)
{
	const struct lm_frame_header *end;
	struct lm_rest rest;
	int r;

	if (lm_rest_decode(v->raw.data, v->raw.len, &rest) < 0 ||
		rest.end.header.log_mark != v->mark)
		return 0;
	r = take_key(v, file, rest.key.payload, place);
	if (r > 0)
		r = take_tree(v, &rest);
	if (r <= 0)
		return r;
	end = &rest.end.header;
	if (v->tree.size != lm_seal_frame_index(file->number, end->sequence) + 1)
		return 0;
	*ret_before = rest.before;
	v->next_sequence = end->sequence + 1;
	v->next_event = end->first_event;
	v->whole = true;
	v->last_ns = end->base_ns;
	return 1;
}

int lm_verify_deleted(struct lm_verify *v, const struct lm_segment_file *file)
{
	char name[LM_SEGMENT_NAME_BYTES];
	struct lm_place place = { .file = name, .segment = file->number, .end = file->size };
	struct lm_deleted *moved =
		reallocarray(v->deleted, v->deleted_count + 1, sizeof(*moved));
	struct lm_deleted *deleted;
	int64_t n;
	int r;

	if (!moved)
		return -ENOMEM;
	v->deleted = moved;
	deleted = &moved[v->deleted_count++];
	*deleted = (struct lm_deleted){ .segment = file->number };
	lm_deleted_name(file->number, name);
	n = lm_file_load(v->dir_fd, name, LM_REST_MAX_BYTES, &v->raw);
	if (n < 0 && n != -EFBIG)
		return lm_diag_errno(v->diag, (int)n, "cannot read %s", name);
	r = n < 0 ? 0 : lm_seal_digest(v->hash, v->raw.data, v->raw.len, &deleted->rest);
	if (r == 0 && n >= 0 && file->status == 0)
		r = read_deleted(v, file, &place, &deleted->before);
	v->report.deleted_segments++;
	if (r != 0)
		return r < 0 ? r : 0;
	lm_verify_tell(v, LM_VERDICT_ALTERED, &place,
		"the file that stands for the deleted segment is not as it was written");
	deleted->told = true;
	v->tree_known = v->key_known = v->whole = false;
	return 0;
}

void lm_verify_tombstone(struct lm_verify *v, const struct lm_verify_segment *segment,
	const struct lm_found *frame)
{
	struct lm_place place = { segment->name, segment->file->number, frame->sequence,
		frame->sequence, frame->offset, frame->offset + frame->bytes, frame->base_ns,
		frame->base_ns };
	struct lm_tombstone tombstone;

	if (lm_tombstone_decode(v->raw.data, v->raw.len, &tombstone) < 0) {
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the frame holds no tombstone");
		return;
	}
	for (size_t i = 0; i < v->deleted_count; i++) {
		struct lm_deleted *deleted = &v->deleted[i];

		if (deleted->segment != tombstone.segment ||
			memcmp(&deleted->rest, &tombstone.rest, sizeof(deleted->rest)) != 0)
			continue;
		deleted->named = true;
		deleted->leaf = lm_seal_frame_index(segment->file->number, frame->sequence);
	}
}

/*
 * Is it vouched for? By a tombstone frame that is signed, or by the file of the segment behind it.
 * Where that one is not as it was written nothing can be said, and something was.
 */
static bool is_vouched(const struct lm_verify *v, const struct lm_deleted *deleted,
	const struct lm_deleted *next)
{
	if (deleted->told || (deleted->named && deleted->leaf < v->report.signed_leaves))
		return true;
	if (!next || next->segment != deleted->segment + 1)
		return false;
	return next->told || (next->vouched &&
		memcmp(&next->before, &deleted->rest, sizeof(next->before)) == 0);
}

void lm_verify_judge_deleted(struct lm_verify *v)
{
	char name[LM_SEGMENT_NAME_BYTES];

	for (size_t i = v->deleted_count; i-- > 0;)
		v->deleted[i].vouched = is_vouched(v, &v->deleted[i],
			i + 1 < v->deleted_count ? &v->deleted[i + 1] : NULL);
	for (size_t i = 0; i < v->deleted_count; i++) {
		const struct lm_deleted *deleted = &v->deleted[i];
		struct lm_place place = { .file = name, .segment = deleted->segment };

		if (deleted->vouched)
			continue;
		lm_deleted_name(deleted->segment, name);
		lm_verify_tell(v, LM_VERDICT_CUT_START, &place,
			"no signed tombstone says that the segment was deleted on purpose");
	}
}
