/* SPDX-License-Identifier: MIT */
#include "holder_keys.h"

#include <string.h>

#include "lemona/crypto/host.h"

void holder_keys_init(struct holder_keys *keys, const uint8_t log_id[LM_LOG_ID_BYTES],
	const struct lm_seed *first)
{
	*keys = (struct holder_keys){ .segment_seed = *first };
	memcpy(keys->log_id, log_id, sizeof(keys->log_id));
}

void holder_keys_release(struct holder_keys *keys)
{
	lm_seed_wipe(&keys->segment_seed);
	lm_seed_wipe(&keys->checkpoint_seed);
	lm_seed_wipe(&keys->host_seed);
}

int holder_keys_host(
	struct holder_keys *keys, enum lm_host_state state, const struct lm_seed *seed)
{
	if (keys->segment != 0 || (state != LM_HOST_SIGNED && !lm_host_reason(state)))
		return -EINVAL;
	lm_seed_wipe(&keys->host_seed);
	keys->host = state;
	if (state == LM_HOST_SIGNED)
		keys->host_seed = *seed;
	return 0;
}

/* The note of the first segment, with what the host has to do with it. */
static int sign_first(const struct holder_keys *keys, struct lm_segment_key *note,
	struct lm_buffer *out)
{
	size_t start = out->len;
	int r = 0;

	note->host = keys->host;
	if (keys->host == LM_HOST_SIGNED)
		r = lm_sign_public(&keys->host_seed, &note->host_key);
	if (r == 0)
		r = lm_segment_key_sign(note, &keys->segment_seed, out);
	if (r == 0 && keys->host == LM_HOST_SIGNED)
		r = lm_host_sign(out, start, &keys->host_seed);
	if (r < 0)
		out->len = start;
	return r;
}

/* The seeds that a segment begins with, and the note that says so. */
static int make_segment(const struct holder_keys *keys, uint32_t segment, struct lm_buffer *out,
	struct lm_seed *ret_next, struct lm_seed *ret_checkpoint)
{
	struct lm_segment_key note = { .segment = segment };
	int r = lm_seed_next(&keys->segment_seed, ret_next);

	if (r == 0)
		r = lm_seed_new(ret_checkpoint);
	if (r == 0)
		r = lm_sign_public(ret_next, &note.next_segment_key);
	if (r == 0)
		r = lm_sign_public(ret_checkpoint, &note.checkpoint_key);
	if (r < 0)
		return r;
	memcpy(note.log_id, keys->log_id, sizeof(note.log_id));
	return segment == 1 ? sign_first(keys, &note, out) :
			      lm_segment_key_sign(&note, &keys->segment_seed, out);
}

int holder_keys_segment(struct holder_keys *keys, uint32_t segment, struct lm_buffer *out)
{
	LM_CLEANUP(lm_seed_wipe) struct lm_seed next = { { 0 } };
	LM_CLEANUP(lm_seed_wipe) struct lm_seed checkpoint = { { 0 } };
	int r;

	if (keys->open || keys->ended || segment == 0 || segment - 1 != keys->segment)
		return -EINVAL;
	r = make_segment(keys, segment, out, &next, &checkpoint);
	if (r < 0)
		return r;
	lm_seed_wipe(&keys->host_seed);
	keys->segment_seed = next;
	keys->checkpoint_seed = checkpoint;
	keys->segment = segment;
	keys->number = 0;
	keys->open = true;
	return 0;
}

/* Does it follow from what was signed? */
static bool follows(const struct holder_keys *keys, const struct lm_checkpoint *checkpoint)
{
	return keys->open && checkpoint->segment == keys->segment &&
	       checkpoint->state >= LM_CHECKPOINT_OPEN && checkpoint->state <= LM_CHECKPOINT_END &&
	       checkpoint->size >= keys->size &&
	       (checkpoint->size > keys->size || keys->size == 0 ||
		       memcmp(&checkpoint->root, &keys->root, sizeof(keys->root)) == 0);
}

int holder_keys_checkpoint(
	struct holder_keys *keys, const struct lm_checkpoint *checkpoint, struct lm_buffer *out)
{
	LM_CLEANUP(lm_seed_wipe) struct lm_seed next = { { 0 } };
	struct lm_checkpoint signed_one = *checkpoint;
	bool open = checkpoint->state == LM_CHECKPOINT_OPEN;
	int r = 0;

	if (!follows(keys, checkpoint))
		return -EINVAL;
	memcpy(signed_one.log_id, keys->log_id, sizeof(signed_one.log_id));
	signed_one.number = keys->number + 1;
	signed_one.next_key = (struct lm_public_key){ { 0 } };
	if (open)
		r = lm_seed_next(&keys->checkpoint_seed, &next);
	if (r == 0 && open)
		r = lm_sign_public(&next, &signed_one.next_key);
	if (r == 0)
		r = lm_checkpoint_sign(&signed_one, &keys->checkpoint_seed, out);
	if (r < 0)
		return r;
	keys->checkpoint_seed = next; /* after the last one: zeroes */
	keys->number = signed_one.number;
	keys->open = open;
	keys->ended = checkpoint->state == LM_CHECKPOINT_END;
	keys->size = checkpoint->size;
	keys->root = checkpoint->root;
	return 0;
}
