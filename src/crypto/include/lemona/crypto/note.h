/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/base/buffer.h"
#include "lemona/crypto/merkle.h"
#include "lemona/crypto/sign.h"

/*
 * What a log signs (docs/formats/checkpoint.md): signed notes in the form of C2SP signed-note, of
 * which there are two kinds, checkpoints (C2SP tlog-checkpoint, with extension lines) and key
 * notes. There is one text for each of them: whatever could be left out, doubled, put into
 * another order or written in another way is refused.
 */

#define LM_LOG_ID_BYTES           16
#define LM_NOTE_MAX_BYTES         4096   /* of a note in a log: it has one signature, or two */
#define LM_NOTE_OUTSIDE_MAX_BYTES 131072 /* of a note from outside, with those of witnesses */
#define LM_NOTE_LINES             16     /* signatures */

struct lm_note_line {
	struct lm_str name; /* of the key */
	uint32_t key_id;
	uint32_t signature_bytes;              /* as long as an algorithm makes them */
	uint8_t signature[LM_SIGNATURE_BYTES]; /* zero unless it is as long as this */
};

/** A note that was taken apart; points into its bytes. */
struct lm_note {
	struct lm_str text; /* what is signed, its last newline with it */
	uint32_t count;     /* 1..16 */
	struct lm_note_line lines[LM_NOTE_LINES];
};

/**
 * Take a note of anybody apart: the whole of `bytes` must be one.
 *
 * @return 0; -LM_E_DAMAGED (it is none, or has more than 16 signatures)
 */
int lm_note_parse(struct lm_str bytes, struct lm_note *ret_note);

/**
 * Is the note signed with that key, under the name that its first line says? Lines of other keys
 * count for nothing. If several are of this key each must fit.
 *
 * @return 0; -LM_E_WRONG_KEY (no line is of that key); -LM_E_DAMAGED (it is not what was signed);
 *         -EIO; -ENOMEM
 */
int lm_note_check(const struct lm_note *note, const struct lm_public_key *key);

/** As above, for a key with a name of its own: a witness's. */
int lm_note_check_name(
	const struct lm_note *note, struct lm_str name, const struct lm_public_key *key);

enum lm_checkpoint_state {
	LM_CHECKPOINT_OPEN = 1,
	LM_CHECKPOINT_SEGMENT_END,
	LM_CHECKPOINT_END,
};

/** The first `size` leaves of a log have this root. */
struct lm_checkpoint {
	uint8_t log_id[LM_LOG_ID_BYTES];
	uint64_t size; /* leaves */
	struct lm_digest root;
	uint32_t segment; /* from 1 */
	uint64_t number;  /* in its segment, from 1 */
	uint64_t boot_ns; /* since boot, when it was signed */
	uint64_t wall_ns; /* since 1970-01-01 */
	enum lm_checkpoint_state state;
	struct lm_public_key
		next_key; /* signs the next checkpoint; zero unless the state is open */
};

/* Does the key of the host sign as well (lemona/crypto/host.h)? Said in segment 1 only. */
enum lm_host_state {
	LM_HOST_NONE = 0, /* nobody asked for that */
	LM_HOST_SIGNED,
	/* It was asked for, and the key could not be used: */
	LM_HOST_MISSING,
	LM_HOST_DAMAGED,
	LM_HOST_OTHER_TPM, /* sealed by another one, or this one was cleared since */
	LM_HOST_PCRS,      /* they are not what it was sealed for */
	LM_HOST_PASSWORD,  /* the TPM's owner has one, and it was not given */
	LM_HOST_LOCKED,    /* the TPM, for some time */
	LM_HOST_FAILED,
};

/** The keys of a segment, signed with the key that the one before has named. */
struct lm_segment_key {
	uint8_t log_id[LM_LOG_ID_BYTES];
	uint32_t segment;                      /* from 1 */
	struct lm_public_key next_segment_key; /* signs the key note of the next segment */
	struct lm_public_key checkpoint_key;   /* signs the first checkpoint of this one */
	enum lm_host_state host;
	struct lm_public_key host_key; /* zero unless the state is signed */
};

/**
 * Append the note, with one signature. On failure the buffer is as long as before, or marked.
 *
 * @return 0; -EINVAL (segment or number 0, no such state, a host in a later segment); -EIO; -ENOMEM
 */
int lm_checkpoint_sign(const struct lm_checkpoint *checkpoint, const struct lm_seed *signer,
	struct lm_buffer *out);
int lm_segment_key_sign(
	const struct lm_segment_key *key, const struct lm_seed *signer, struct lm_buffer *out);

/**
 * Read the whole of `bytes` as such a note. Says nothing of signatures: see lm_note_check().
 *
 * @param ret_note  points into `bytes`
 * @return 0; -LM_E_DAMAGED, both untouched
 */
int lm_checkpoint_parse(
	struct lm_str bytes, struct lm_checkpoint *ret_checkpoint, struct lm_note *ret_note);
int lm_segment_key_parse(
	struct lm_str bytes, struct lm_segment_key *ret_key, struct lm_note *ret_note);

/**
 * Append NAME+KEYID+KEY, without a newline: the form in which C2SP gives keys to others.
 *
 * @return 0; -EIO; -ENOMEM
 */
int lm_verifier_key_encode(const uint8_t log_id[LM_LOG_ID_BYTES], const struct lm_public_key *key,
	struct lm_buffer *out);

/**
 * One newline may follow it.
 *
 * @return 0; -LM_E_DAMAGED (it is not the key of a log); -EIO; -ENOMEM
 */
int lm_verifier_key_parse(
	struct lm_str text, uint8_t ret_log_id[LM_LOG_ID_BYTES], struct lm_public_key *ret_key);
