/* SPDX-License-Identifier: MIT */
#include "lemona/log/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "leaves.h"
#include "files.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/log/notes.h"
#include "seal.h"
#include "unpack.h"
#include "verify_internal.h"

_Static_assert(LM_PROOF_HEADER_BYTES == LM_FRAME_HEADER_BYTES, "a proof holds a frame's header");

void lm_proof_release(struct lm_proof *proof)
{
	lm_buffer_release(&proof->payload);
	lm_buffer_release(&proof->raw);
	lm_buffer_release(&proof->note);
	lm_buffer_release(&proof->anchor);
	*proof = (struct lm_proof){ 0 };
}

static struct lm_str text_of(const struct lm_buffer *buffer)
{
	return (struct lm_str){ (const char *)buffer->data, (uint32_t)buffer->len };
}

/* The checkpoint that the proof is for. */
static int read_note(const char *path, const char *file, struct lm_proof *proof,
	struct lm_diag *diag)
{
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_public_key first;
	struct lm_note note;
	int64_t n;
	int r = lm_log_key(path, &proof->anchor, diag);

	if (r < 0)
		return r;
	if (!file)
		return lm_log_newest_checkpoint(path, &proof->note, &proof->checkpoint, diag);
	n = lm_file_load(AT_FDCWD, file, LM_NOTE_OUTSIDE_MAX_BYTES, &proof->note);
	if (n < 0 && n != -EFBIG)
		return lm_diag_errno(diag, (int)n, "cannot read %s", file);
	r = n < 0 ? -LM_E_DAMAGED :
		    lm_checkpoint_parse(text_of(&proof->note), &proof->checkpoint, &note);
	if (r == 0)
		r = lm_verifier_key_parse(text_of(&proof->anchor), log_id, &first);
	if (r < 0)
		return lm_diag_set(diag, r, "%s is no checkpoint", file);
	if (memcmp(log_id, proof->checkpoint.log_id, sizeof(log_id)) != 0)
		return lm_diag_set(diag, -LM_E_DAMAGED, "%s is a checkpoint of another log", file);
	return 0;
}

/* The last leaf of the segment in memory whose first event is not behind that one. */
static size_t find_leaf(const struct lm_leaves *leaves, uint64_t event)
{
	size_t found = 0;

	for (size_t i = 1; i < leaves->count; i++)
		if (leaves->leaves[i].known && leaves->leaves[i].first_event <= event)
			found = i;
	return found;
}

static void free_decompressor(ZSTD_DCtx **decompressor)
{
	ZSTD_freeDCtx(*decompressor);
}

/* Find the frame, and its leaf as it stands. */
static int find_frame(struct lm_leaves *leaves, uint64_t event, struct lm_proof *proof,
	struct lm_diag *diag)
{
	LM_CLEANUP(free_decompressor) ZSTD_DCtx *decompressor = NULL;
	struct lm_frame_header header;
	size_t segment = 0, leaf;
	int r;

	for (size_t i = 0; i < leaves->segment_count; i++)
		if (leaves->segments[i].first_event <= event)
			segment = i;
	if (event == 0 || leaves->segments[segment].first_event > event)
		return lm_diag_set(diag, -ENOENT, "the log has no event %" PRIu64
			", or what held it was deleted", event);
	r = lm_leaves_load(leaves, segment);
	leaf = r == 0 ? find_leaf(leaves, event) : 0;
	if (r == 0 && leaf > 0)
		r = lm_leaves_frame(leaves, leaves->leaves[leaf].offset, proof->header, &header,
			&proof->payload);
	if (r == 0 && (leaf == 0 || header.type != LM_FRAME_BATCH ||
			      event < header.first_event ||
			      event - header.first_event >= header.event_count))
		return lm_diag_set(diag, -ENOENT, "the log has no event %" PRIu64, event);
	if (r == 0)
		r = lm_seal_digest(leaves->hash, proof->payload.data, proof->payload.len,
			&proof->payload_hash);
	if (r < 0)
		return r;
	proof->segment = leaves->segments[segment].number;
	proof->leaf = leaves->segments[segment].first_leaf + leaf;
	proof->sequence = header.sequence;
	proof->first_event = header.first_event;
	proof->event_count = header.event_count;
	proof->base_ns = header.base_ns;
	proof->min_ns = header.min_ns;
	proof->max_ns = header.max_ns;
	proof->wall_minus_boot_ns = header.wall_minus_boot_ns;
	decompressor = ZSTD_createDCtx();
	if (!decompressor)
		return -ENOMEM;
	return lm_frame_unpack(decompressor, &header, proof->payload.data, &proof->raw);
}

/* What lies beside the way from the leaf up to the root, from below. */
static int find_path(struct lm_leaves *leaves, struct lm_proof *proof)
{
	struct { uint64_t start, end; } beside[LM_MERKLE_LEVELS];
	uint64_t start = 0, end = proof->size;
	uint32_t count = 0;
	int r = 0;

	while (end - start > 1) {
		uint64_t middle = start + (UINT64_C(1) << (63 - __builtin_clzll(end - start - 1)));

		if (proof->leaf < middle) {
			beside[count].start = middle;
			beside[count++].end = end;
			end = middle;
		} else {
			beside[count].start = start;
			beside[count++].end = middle;
			start = middle;
		}
	}
	for (uint32_t i = count; r == 0 && i > 0; i--)
		r = lm_leaves_root(leaves, beside[i - 1].start, beside[i - 1].end,
			&proof->path.hashes[proof->path.count++]);
	return r;
}

static struct lm_str digest_of(const struct lm_digest *digest)
{
	return (struct lm_str){ (const char *)digest->bytes, sizeof(digest->bytes) };
}

/* Does it lead to the root? Nothing that an index frame said was believed until here. */
static int check_path(struct lm_leaves *leaves, const struct lm_proof *proof)
{
	struct lm_str hashes[LM_MERKLE_PROOF_MAX];
	const struct lm_merkle_claim claim = { hashes, proof->path.count };
	struct lm_digest leaf;
	int r = lm_seal_frame_leaf(leaves->hash, proof->header, &proof->payload_hash, &leaf);

	for (uint32_t i = 0; i < proof->path.count; i++)
		hashes[i] = digest_of(&proof->path.hashes[i]);
	return r < 0 ? r : lm_merkle_check_inclusion(leaves->hash, proof->leaf, proof->size,
				   digest_of(&leaf), digest_of(&proof->checkpoint.root), &claim);
}

/* The key that a frame names for the checkpoint. @return 1; 0: it does not; negative */
static int key_in(struct lm_leaves *leaves, uint64_t offset, const struct lm_checkpoint *wanted,
	struct lm_public_key *ret_key)
{
	uint8_t data[LM_FRAME_HEADER_BYTES];
	struct lm_frame_header header;
	struct lm_checkpoint checkpoint;
	struct lm_segment_key key;
	struct lm_note note;
	int r = lm_leaves_frame(leaves, offset, data, &header, &leaves->payload);

	if (r < 0)
		return r;
	if (header.type == LM_FRAME_KEY && wanted->number == 1 &&
		lm_segment_key_parse(text_of(&leaves->payload), &key, &note) == 0) {
		*ret_key = key.checkpoint_key;
		return 1;
	}
	if (header.type == LM_FRAME_CHECKPOINT &&
		lm_checkpoint_parse(text_of(&leaves->payload), &checkpoint, &note) == 0 &&
		checkpoint.number + 1 == wanted->number) {
		*ret_key = checkpoint.next_key;
		return 1;
	}
	return 0;
}

/* Who had to sign the checkpoint, as the one before it says; and did they? */
static int check_signature(struct lm_leaves *leaves, struct lm_proof *proof)
{
	const struct lm_checkpoint *wanted = &proof->checkpoint;
	struct lm_checkpoint again;
	struct lm_note note;
	size_t segment = 0, last;
	int r;

	while (segment < leaves->segment_count &&
		leaves->segments[segment].number != wanted->segment)
		segment++;
	if (segment == leaves->segment_count ||
		wanted->size <= leaves->segments[segment].first_leaf)
		return -LM_E_DAMAGED;
	r = lm_leaves_load(leaves, segment);
	if (r < 0)
		return r;
	/* It was written before this one was asked for. */
	last = wanted->size - leaves->segments[segment].first_leaf;
	r = 0;
	for (size_t i = last < leaves->count ? last : leaves->count; r == 0 && i > 1; i--)
		if (leaves->leaves[i - 1].known)
			r = key_in(leaves, leaves->leaves[i - 1].offset, wanted, &proof->key);
	if (r <= 0)
		return r < 0 ? r : -LM_E_DAMAGED;
	r = lm_checkpoint_parse(text_of(&proof->note), &again, &note);
	return r < 0 ? r : lm_note_check(&note, &proof->key);
}

static int prove(struct lm_leaves *leaves, const char *path, uint64_t event,
	struct lm_proof *proof, struct lm_diag *diag)
{
	int r = lm_leaves_open(leaves, path);

	if (r < 0)
		return lm_diag_errno(diag, r, "cannot read the log %s", path);
	r = find_frame(leaves, event, proof, diag);
	if (r < 0)
		return lm_diag_errno(diag, r, "cannot read event %" PRIu64, event);
	proof->size = proof->checkpoint.size;
	if (proof->leaf >= proof->size)
		return lm_diag_set(diag, -ENODATA, "the checkpoint does not cover event %" PRIu64,
			event);
	r = find_path(leaves, proof);
	if (r == 0)
		r = check_path(leaves, proof);
	if (r == -LM_E_DAMAGED || r == -ENODATA)
		return lm_diag_set(diag, -LM_E_DAMAGED, "the log is not what the checkpoint was "
			"made of: lemona verify says what is wrong");
	if (r == 0)
		r = check_signature(leaves, proof);
	if (r == -LM_E_DAMAGED || r == -LM_E_WRONG_KEY)
		return lm_diag_set(diag, r, "the checkpoint is not signed with the key that had "
			"to sign it");
	return r < 0 ? lm_diag_errno(diag, r, "cannot prove event %" PRIu64, event) : 0;
}

int lm_prove(const char *path, uint64_t event, const char *checkpoint, struct lm_proof *ret_proof,
	struct lm_diag *diag)
{
	LM_CLEANUP(lm_leaves_release) struct lm_leaves leaves = LM_LEAVES_INIT;
	LM_CLEANUP(lm_proof_release) struct lm_proof proof = { 0 };
	int r = read_note(path, checkpoint, &proof, diag);

	if (r == 0)
		r = prove(&leaves, path, event, &proof, diag);
	if (r < 0)
		return r;
	*ret_proof = proof;
	proof = (struct lm_proof){ 0 };
	return 0;
}
