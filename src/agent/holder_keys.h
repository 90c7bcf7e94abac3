/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "lemona/crypto/note.h"

/*
 * The keys of a log and what each may still sign (docs/formats/checkpoint.md). A seed is wiped as
 * soon as it has signed what it is there for. What was signed is never contradicted: segments
 * follow each other, and the tree only grows.
 */
struct holder_keys {
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_seed segment_seed;    /* signs the key note of the next segment */
	struct lm_seed checkpoint_seed; /* signs the next checkpoint; zero unless open */
	uint32_t segment;               /* the one whose key note was signed last; 0: none */
	bool open;                      /* it has not got its last checkpoint */
	bool ended;                     /* the log has */
	uint64_t number;                /* of the segment's last checkpoint; 0: none */
	uint64_t size;                  /* of the last checkpoint of all */
	struct lm_digest root;
	enum lm_host_state host;        /* what the first key note is to say */
	struct lm_seed host_seed;       /* signs it too; zero unless the state is signed */
};

void holder_keys_init(struct holder_keys *keys, const uint8_t log_id[LM_LOG_ID_BYTES],
	const struct lm_seed *first);
/** Wipes all of it. */
void holder_keys_release(struct holder_keys *keys);

/**
 * Have the key of the host sign the first key note too, or have that say why not. What was said
 * last counts.
 *
 * @param seed  copied when the state is signed
 * @return 0; -EINVAL (no such state; the first key note is signed already)
 */
int holder_keys_host(
	struct holder_keys *keys, enum lm_host_state state, const struct lm_seed *seed);

/**
 * Append the key note of a segment, and have it ready for checkpoints.
 *
 * @return 0; -EINVAL (not that segment's turn); -EIO; -ENOMEM; keys and buffer are as they were
 */
int holder_keys_segment(struct holder_keys *keys, uint32_t segment, struct lm_buffer *out);

/**
 * Append a checkpoint. Log identity, number and next key are filled in here.
 *
 * @return 0; -EINVAL (no such state; another segment; a tree that shrank, or has as many leaves
 *         and another root); -EIO; -ENOMEM; keys and buffer are as they were
 */
int holder_keys_checkpoint(
	struct holder_keys *keys, const struct lm_checkpoint *checkpoint, struct lm_buffer *out);
