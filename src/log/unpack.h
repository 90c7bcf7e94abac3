/* SPDX-License-Identifier: MIT */
#pragma once

#include <zstd.h>

#include "format.h"
#include "lemona/base/buffer.h"

/**
 * The raw payload of a frame, which must be as long as its header says.
 *
 * @param ret_raw  what it held is gone, whatever is returned
 * @return 0; -LM_E_DAMAGED; -ENOMEM
 */
int lm_frame_unpack(ZSTD_DCtx *decompressor, const struct lm_frame_header *header,
	const uint8_t *stored, struct lm_buffer *ret_raw);

/** How many gaps the raw payload of a batch says that it has. @return 0; -LM_E_DAMAGED */
int lm_payload_gaps(const uint8_t *raw, size_t len, uint64_t *ret_gaps);

/** The same, as a frame's header has it. */
static inline uint16_t lm_frame_gaps(uint64_t gaps)
{
	return (uint16_t)(gaps < LM_FRAME_GAPS_MANY ? gaps : LM_FRAME_GAPS_MANY);
}
