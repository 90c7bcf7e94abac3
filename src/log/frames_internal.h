/* SPDX-License-Identifier: MIT */
#pragma once

#include "frames.h"

/* Segments as files, shared by opening and walking. */

/** The lowest segment number above `number` in the directory; 0 when there is none. */
uint32_t lm_frames_following(int dir_fd, uint32_t number);

/**
 * The current segment begins as its header says, and what should stand before it was deleted on
 * purpose: numbers go on from the header. Whether it was, is for those to find who verify the log.
 *
 * @return whether something was deleted
 */
bool lm_frames_pass_deleted(struct lm_frames *frames, const struct lm_segment_header *header);

/** Make that segment the current one, at its start. @return 0; -errno */
int lm_frames_enter(struct lm_frames *frames, uint32_t number);

/**
 * The same with the lowest segment above `number`, whichever that is by then: segments may be
 * deleted while they are looked for.
 *
 * @return 1; 0 there is none; -errno
 */
int lm_frames_enter_following(struct lm_frames *frames, uint32_t number);

/** @return 0; -LM_E_EMPTY; what lm_segment_header_decode() returns; -EIO */
int lm_frames_read_header(struct lm_frames *frames, struct lm_segment_header *ret_header,
	uint64_t *ret_bytes);
