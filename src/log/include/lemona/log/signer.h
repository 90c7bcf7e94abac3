/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/base/buffer.h"

/*
 * Who signs for a log, as its writer sees it (docs/formats/log.md, "Sealing"). The keys
 * are no business of the writer's: it hands over numbers and gets signed notes back. One thread
 * uses a signer.
 */
struct lm_checkpoint; /* lemona/crypto/note.h */
struct lm_public_key; /* lemona/crypto/sign.h */

struct lm_signer {
	void *data;
	/* The key of the first segment, by which all others are known. Borrowed. */
	const struct lm_public_key *first_key;
	/**
	 * The key note of a segment: of 1 first, then of each next one once its predecessor has
	 * got its last checkpoint. Waits, at most a second.
	 *
	 * @param ret_note  the whole note is appended; as it was on failure
	 * @return 0; -EPIPE (the signer is gone); -ETIMEDOUT; -EINVAL (not that segment's turn);
	 *         -EIO; -ENOMEM. After a failure nothing more comes of it.
	 */
	int (*segment_key)(void *data, uint32_t segment, struct lm_buffer *ret_note);
	/**
	 * Ask for a checkpoint; does not wait. Number and next key are the signer's to fill in.
	 *
	 * @return 0; -EBUSY (one is asked for and was not taken yet); -EPIPE; -EIO
	 */
	int (*ask)(void *data, const struct lm_checkpoint *checkpoint);
	/**
	 * The note that was asked for.
	 *
	 * @param timeout_ms  how long to wait for it at most; 0: not at all
	 * @param ret_note    the whole note is appended; as it was without one
	 * @return 1; 0 (not there yet, or none was asked for); -EPIPE; -EINVAL (refused: the
	 *         numbers do not follow from those before); -EIO; -ENOMEM
	 */
	int (*take)(void *data, int timeout_ms, struct lm_buffer *ret_note);
};
