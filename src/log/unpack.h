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
