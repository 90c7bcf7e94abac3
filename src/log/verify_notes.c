/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/error.h"
#include "verify_internal.h"

/* What has been learnt of a segment's notes so far. */
struct notes {
	struct lm_verify *v;
	struct lm_verify_segment *segment;
	bool key_known;              /* key: of the next checkpoint */
	struct lm_public_key key;
	uint64_t number, size;       /* of the last checkpoint */
	uint64_t index_offset;       /* of the last index frame */
	const struct lm_found *last; /* frame whose note fitted last */
};

static uint64_t header_index(const struct lm_verify_segment *segment)
{
	return lm_seal_header_index(segment->file->number, segment->first_sequence);
}

static uint64_t index_of(const struct lm_verify_segment *segment, const struct lm_found *frame)
{
	return lm_seal_frame_index(segment->file->number, frame->sequence);
}

static struct lm_place place_of(const struct lm_verify_segment *segment,
	const struct lm_found *frame)
{
	return (struct lm_place){
		.file = segment->name,
		.segment = segment->file->number,
		.first_frame = frame->sequence,
		.last_frame = frame->sequence,
		.begin = frame->offset,
		.end = frame->offset + frame->bytes,
		.begin_ns = frame->min_ns ? frame->min_ns : frame->base_ns,
		.end_ns = frame->max_ns ? frame->max_ns : frame->base_ns,
	};
}

static const struct lm_found *frame_at(const struct lm_verify_segment *segment, uint64_t sequence)
{
	uint64_t guess = sequence - segment->first_sequence;
	size_t low = 0, high = segment->placed_count;

	if (guess < high && segment->placed[guess]->sequence == sequence)
		return segment->placed[guess];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (segment->placed[middle]->sequence < sequence)
			low = middle + 1;
		else
			high = middle;
	}
	return low < segment->placed_count && segment->placed[low]->sequence == sequence ?
		segment->placed[low] : NULL;
}

static const struct lm_digest *row_leaf(const struct lm_verify_segment *segment, uint64_t index)
{
	uint64_t row = index - header_index(segment);

	return row < segment->row_count && (row == 0 || segment->row_offsets[row] != 0) ?
		&segment->rows[row] : NULL;
}

static const struct lm_digest *own_leaf(const struct lm_verify_segment *segment, uint64_t index)
{
	const struct lm_found *frame;

	if (index == header_index(segment))
		return segment->file->status == 0 ? &segment->file->leaf : NULL;
	frame = frame_at(segment, index - header_index(segment) - 1 + segment->first_sequence);
	return frame ? &frame->leaf : NULL;
}

/* @param by_rows  which one counts where frame and index differ */
static const struct lm_digest *leaf_at(const struct lm_verify_segment *segment, uint64_t index,
	bool by_rows)
{
	const struct lm_digest *own = own_leaf(segment, index), *row = row_leaf(segment, index);

	return by_rows ? (row ? row : own) : (own ? own : row);
}

/* Let the tree grow to `size` leaves. @return 1; 0: a leaf is not known; -EIO */
static int grow(const struct notes *notes, struct lm_merkle_tree *tree, uint64_t size, bool by_rows)
{
	int r = 0;

	while (r == 0 && tree->size < size) {
		const struct lm_digest *leaf = leaf_at(notes->segment, tree->size, by_rows);

		if (!leaf)
			return 0;
		r = lm_merkle_add(notes->v->hash, tree, leaf);
	}
	return r < 0 ? r : 1;
}

/* @return 1: the first `size` leaves have that root; 0: not, or not all are known; -EIO */
static int has_root(const struct notes *notes, uint64_t size, const struct lm_digest *root,
	bool by_rows, struct lm_merkle_tree *ret_tree)
{
	struct lm_merkle_tree tree = notes->v->tree;
	struct lm_digest is;
	int r = grow(notes, &tree, size, by_rows);

	if (r <= 0)
		return r;
	r = lm_merkle_root(notes->v->hash, &tree, &is);
	if (r < 0)
		return r;
	*ret_tree = tree;
	return memcmp(&is, root, sizeof(is)) == 0;
}

/* Frames that differ from what the index, which is signed, says of them. */
static void tell_differing(const struct notes *notes, uint64_t begin, uint64_t end)
{
	struct lm_verify_segment *segment = notes->segment;

	for (uint64_t i = begin; i < end; i++) {
		const struct lm_digest *own = own_leaf(segment, i), *row = row_leaf(segment, i);
		const struct lm_found *frame;

		if (!own || !row || memcmp(own, row, sizeof(*own)) == 0)
			continue;
		frame = frame_at(segment, i - header_index(segment) - 1 + segment->first_sequence);
		if (i == header_index(segment) || !frame) {
			lm_verify_tell(notes->v, LM_VERDICT_ALTERED,
				&(struct lm_place){ segment->name, segment->file->number, 0, 0, 0,
					segment->file->header_bytes, 0, 0 },
				"the segment's header is not the one that was signed, "
				"though its checksum fits");
			continue;
		}
		struct lm_place place = place_of(segment, frame);

		lm_verify_tell_frames(notes->v, LM_VERDICT_ALTERED, &place,
			"the frame is not the one that was signed, though its checksums fit");
	}
}

/* Checkpoints in files that lie between the tree so far and one that fits. */
static int reach_outside(const struct notes *notes, uint64_t size, bool by_rows, bool covered)
{
	struct lm_merkle_tree tree;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < notes->v->outside_count; i++) {
		struct lm_outside *outside = &notes->v->outside[i];

		if (!outside->usable || outside->reached || outside->checkpoint.size > size ||
			outside->checkpoint.size < notes->v->tree.size)
			continue;
		r = has_root(notes, outside->checkpoint.size, &outside->checkpoint.root, by_rows,
			&tree);
		outside->reached = r >= 0;
		outside->fits = r == 1;
		outside->covered = covered;
	}
	return r < 0 ? r : 0;
}

/* All up to that many leaves is as it was signed. */
static int cover(struct notes *notes, const struct lm_checkpoint *checkpoint,
	const struct lm_merkle_tree *tree, bool by_rows)
{
	struct lm_verify *v = notes->v;
	struct lm_verify_report *report = &v->report;
	const struct lm_found *frame = NULL;
	int r = reach_outside(notes, checkpoint->size, by_rows, true);

	if (r < 0)
		return r;
	if (by_rows)
		tell_differing(notes, v->tree.size, checkpoint->size);
	v->tree = *tree;
	report->signed_leaves = checkpoint->size;
	report->signed_boot_ns = checkpoint->boot_ns;
	report->signed_wall_ns = checkpoint->wall_ns;
	if (checkpoint->size > header_index(notes->segment) + 1)
		frame = frame_at(notes->segment, checkpoint->size - 1 -
			header_index(notes->segment) - 1 + notes->segment->first_sequence);
	if (frame) {
		v->signed_frame = frame->sequence;
		report->signed_event = frame->first_event + frame->events - 1;
	}
	return 0;
}

/* Is anything of the segment not where it should be? That is told already. */
static bool has_hole(const struct lm_verify_segment *segment)
{
	size_t count = segment->placed_count;

	return segment->region_count > 0 || count < segment->found_count ||
		segment->file->status < 0 || count == 0 ||
		segment->placed[count - 1]->sequence != segment->first_sequence + count - 1;
}

/*
 * Hold a root against the leaves.
 *
 * @param place  where the checkpoint is
 * @return 1: it fits; 0: not, and was told; -EIO
 */
static int check_root(struct notes *notes, const struct lm_checkpoint *checkpoint,
	const struct lm_found *frame)
{
	struct lm_verify *v = notes->v;
	struct lm_verify_segment *segment = notes->segment;
	struct lm_merkle_tree tree;
	struct lm_place place = place_of(segment, frame);
	bool by_rows = false;
	int r;

	if (!v->tree_known)
		return 1;
	if (checkpoint->size < v->tree.size)
		return 0;
	r = has_root(notes, checkpoint->size, &checkpoint->root, false, &tree);
	if (r == 0 && segment->row_count > 0) {
		by_rows = true;
		r = has_root(notes, checkpoint->size, &checkpoint->root, true, &tree);
	}
	if (r < 0)
		return r;
	if (r == 1) {
		r = cover(notes, checkpoint, &tree, by_rows);
		return r < 0 ? r : 1;
	}
	v->tree_known = false;
	v->unfit = true;
	place.first_frame = notes->last ? notes->last->sequence : segment->first_sequence;
	place.begin = notes->last ? notes->last->offset : 0;
	place.begin_ns = notes->last ? notes->last->base_ns : v->report.signed_boot_ns;
	if (has_hole(segment) || !v->whole)
		lm_verify_tell(v, LM_VERDICT_NOTE, &place,
			"with what is wrong here, no later root can be held against the frames");
	else
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"leaves before number %" PRIu64 " are not those that were signed here",
			checkpoint->size);
	return 0;
}

/* The keys of the checkpoints in files become known where the log says them. */
static void learn_outside_key(const struct notes *notes)
{
	for (size_t i = 0; notes->key_known && i < notes->v->outside_count; i++) {
		struct lm_outside *outside = &notes->v->outside[i];

		if (outside->usable && !outside->key_known &&
			outside->checkpoint.segment == notes->segment->file->number &&
			outside->checkpoint.number == notes->number + 1) {
			outside->key = notes->key;
			outside->key_known = true;
		}
	}
}

/* @return 1: it must be signed by that key and is, or nobody can say; 0: told; -EIO, -ENOMEM */
static int check_signature(struct notes *notes, const struct lm_note *note, bool known,
	const struct lm_public_key *key, const struct lm_place *place)
{
	int r = known ? lm_note_check(note, key) : 0;

	if (r == -LM_E_WRONG_KEY)
		lm_verify_tell_frames(notes->v, LM_VERDICT_WRONG_KEY, place,
			"the note is signed with another key than the one that had to sign it");
	else if (r == -LM_E_DAMAGED)
		lm_verify_tell_frames(notes->v, LM_VERDICT_ALTERED, place,
			"the note is not what was signed");
	else if (r < 0)
		return r;
	return r == 0;
}

static struct lm_str payload_of(const struct lm_verify *v)
{
	return (struct lm_str){ (const char *)v->raw.data, (uint32_t)v->raw.len };
}

/* Nobody vouches for lines of others: a note in a log has none. */
static bool has_more_lines(const struct lm_note *note, enum lm_host_state host)
{
	return note->count > (host == LM_HOST_SIGNED ? 2 : 1);
}

/* The first frame of a segment: who signs what in it. */
static int take_key(struct notes *notes, const struct lm_found *frame)
{
	struct lm_verify *v = notes->v;
	struct lm_place place = place_of(notes->segment, frame);
	struct lm_segment_key key;
	struct lm_note note;
	int r = lm_segment_key_parse(payload_of(v), &key, &note);

	if (r == -LM_E_DAMAGED || frame->sequence != notes->segment->first_sequence ||
		(r == 0 && (key.segment != notes->segment->file->number ||
				   has_more_lines(&note, key.host) ||
				   memcmp(key.log_id, v->log_id, LM_LOG_ID_BYTES) != 0))) {
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the frame holds no key note of this segment");
		return 0;
	}
	if (r < 0)
		return r;
	v->key_frames++;
	r = check_signature(notes, &note, v->key_known, &v->key, &place);
	if (r >= 0)
		r = lm_verify_host(v, &key, &note, &place);
	if (r < 0)
		return r;
	/* Of a note by a wrong key the rest is held against what it says itself. */
	v->key = key.next_segment_key;
	v->key_known = true;
	notes->key = key.checkpoint_key;
	notes->key_known = true;
	learn_outside_key(notes);
	return 0;
}

static bool names_this(const struct notes *notes, const struct lm_checkpoint *checkpoint,
	const struct lm_found *frame, enum lm_checkpoint_state state)
{
	return checkpoint->segment == notes->segment->file->number &&
		checkpoint->state == state && checkpoint->number > notes->number &&
		checkpoint->size >= notes->size &&
		checkpoint->size <= index_of(notes->segment, frame) &&
		memcmp(checkpoint->log_id, notes->v->log_id, LM_LOG_ID_BYTES) == 0;
}

/* A checkpoint in the log. @return 1: it fits; 0: told; -EIO; -ENOMEM */
static int take_checkpoint(struct notes *notes, const struct lm_found *frame, struct lm_str bytes,
	enum lm_checkpoint_state state, struct lm_checkpoint *ret_checkpoint)
{
	struct lm_verify *v = notes->v;
	struct lm_place place = place_of(notes->segment, frame);
	struct lm_checkpoint checkpoint;
	struct lm_note note;
	int r = lm_checkpoint_parse(bytes, &checkpoint, &note), fits;

	if (r == -LM_E_DAMAGED || (r == 0 && (has_more_lines(&note, LM_HOST_NONE) ||
			!names_this(notes, &checkpoint, frame, state)))) {
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the frame holds no checkpoint that can stand here");
		return 0;
	}
	if (r < 0)
		return r;
	v->checkpoint_frames++;
	if (checkpoint.number != notes->number + 1) {
		/* Those in between are missing, and with them the key. */
		if (!has_hole(notes->segment) && v->missing_count + v->stray_count == 0)
			lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
				"checkpoint %" PRIu64 " stands where %" PRIu64 " belongs",
				checkpoint.number, notes->number + 1);
		notes->key_known = false;
	}
	notes->number = checkpoint.number - 1;
	learn_outside_key(notes);
	if (!notes->key_known && v->report.sound && !has_hole(notes->segment) &&
		v->missing_count + v->stray_count == 0)
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"nothing in the log says whose key had to sign this checkpoint");
	r = check_signature(notes, &note, notes->key_known, &notes->key, &place);
	if (r <= 0) {
		notes->key_known = false;
		notes->number++;
		return r;
	}
	fits = check_root(notes, &checkpoint, frame);
	if (fits < 0)
		return fits;
	notes->number = checkpoint.number;
	notes->size = checkpoint.size;
	notes->key = checkpoint.next_key;
	notes->key_known = checkpoint.state == LM_CHECKPOINT_OPEN;
	learn_outside_key(notes);
	if (fits) {
		v->report.checkpoints += v->tree_known;
		notes->last = frame;
	}
	*ret_checkpoint = checkpoint;
	return fits;
}

/*
 * Nothing may hang on the header of an end frame, since no note of its segment covers it: all of
 * it follows from what stands before it and from its note.
 */
static void check_end_header(struct notes *notes, struct lm_found *frame,
	const struct lm_checkpoint *checkpoint)
{
	struct lm_verify *v = notes->v;
	struct lm_place place = place_of(notes->segment, frame);
	const struct lm_frame_header header = {
		.type = frame->type,
		.stored_bytes = frame->bytes - LM_FRAME_HEADER_BYTES,
		.raw_bytes = frame->bytes - LM_FRAME_HEADER_BYTES,
		.sequence = frame->sequence,
		.first_event = frame->first_event,
		.base_ns = checkpoint->boot_ns,
		.wall_minus_boot_ns = (int64_t)(checkpoint->wall_ns - checkpoint->boot_ns),
		.log_mark = v->mark,
	};
	uint8_t bytes[LM_FRAME_HEADER_BYTES];
	struct lm_digest leaf;

	lm_frame_header_encode(&header, v->raw.data, bytes);
	if (lm_seal_stored_leaf(v->hash, bytes, v->raw.data, v->raw.len, &leaf) < 0)
		return;
	if (memcmp(&leaf, &frame->leaf, sizeof(leaf)) == 0)
		return;
	lm_verify_tell(v, LM_VERDICT_ALTERED, &place,
		"the header of the end frame says other things than the note in it");
	frame->leaf = leaf;
}

static int take_end(struct notes *notes, struct lm_found *frame)
{
	struct lm_verify *v = notes->v;
	struct lm_place place = place_of(notes->segment, frame);
	enum lm_checkpoint_state state =
		frame->type == LM_FRAME_END ? LM_CHECKPOINT_END : LM_CHECKPOINT_SEGMENT_END;
	struct lm_checkpoint checkpoint = { 0 };
	struct lm_end end;
	int r;

	if (frame->bytes == LM_FRAME_HEADER_BYTES)
		return 0;
	if (lm_end_decode(v->raw.data, v->raw.len, &end) < 0 ||
		(end.index_offset != notes->index_offset && !has_hole(notes->segment))) {
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the payload of the end frame is not one");
		return 0;
	}
	if (end.note.len == 0)
		return 0;
	r = take_checkpoint(notes, frame, end.note, state, &checkpoint);
	if (r <= 0)
		return r;
	r = lm_verify_keep_root(v, &checkpoint.root);
	if (r < 0)
		return r;
	if (checkpoint.size != index_of(notes->segment, frame))
		lm_verify_tell_frames(v, LM_VERDICT_ALTERED, &place,
			"the note of the end frame does not cover all that stands before it");
	else
		check_end_header(notes, frame, &checkpoint);
	return 0;
}

/* @return 0; -EIO; -ENOMEM */
static int take_frame(struct notes *notes, struct lm_found *frame)
{
	struct lm_checkpoint checkpoint;
	int r;

	if (frame->type == LM_FRAME_BATCH)
		return 0;
	if (frame->type == LM_FRAME_INDEX) {
		notes->index_offset = frame->offset;
		return 0;
	}
	r = lm_verify_payload(notes->v, notes->segment, frame);
	if (r < 0)
		return r;
	switch (frame->type) {
	case LM_FRAME_KEY:
		return take_key(notes, frame);
	case LM_FRAME_CHECKPOINT:
		r = take_checkpoint(notes, frame, payload_of(notes->v), LM_CHECKPOINT_OPEN,
			&checkpoint);
		return r < 0 ? r : 0;
	case LM_FRAME_END:
	case LM_FRAME_SEGMENT_END:
		return take_end(notes, frame);
	case LM_FRAME_TOMBSTONE:
		lm_verify_tombstone(notes->v, notes->segment, frame);
		return 0;
	}
	return 0;
}

/* What no checkpoint in the log covers, one in a file may cover. */
static int check_rest(struct notes *notes)
{
	struct lm_verify *v = notes->v;
	struct lm_verify_segment *segment = notes->segment;
	const struct lm_found *last = segment->placed_count ?
		segment->placed[segment->placed_count - 1] : NULL;
	uint64_t size = last ? index_of(segment, last) + 1 : header_index(segment) + 1;
	int r;

	if (!v->tree_known)
		return 0;
	r = reach_outside(notes, size, false, false);
	if (r < 0)
		return r;
	r = grow(notes, &v->tree, size, false);
	if (r == 0)
		v->tree_known = false;
	return r < 0 ? r : 0;
}

int lm_verify_notes(struct lm_verify *v, struct lm_verify_segment *segment)
{
	struct notes notes = { .v = v, .segment = segment };
	const struct lm_found *first = segment->placed_count ? segment->placed[0] : NULL;
	int r = 0;

	/* The leaves before this segment must be known, all of them. */
	if (v->tree.size != header_index(segment))
		v->tree_known = false;
	if (!first || first->sequence != segment->first_sequence || first->type != LM_FRAME_KEY)
		v->key_known = false;
	for (size_t i = 0; r == 0 && i < segment->placed_count; i++)
		r = take_frame(&notes, segment->placed[i]);
	return r < 0 ? r : check_rest(&notes);
}
