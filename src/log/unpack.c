/* SPDX-License-Identifier: MIT */
#include "unpack.h"

#include <errno.h>

#include "lemona/base/error.h"

int lm_frame_unpack(ZSTD_DCtx *decompressor, const struct lm_frame_header *header,
	const uint8_t *stored, struct lm_buffer *ret_raw)
{
	size_t n = header->stored_bytes;

	lm_buffer_reset(ret_raw);
	if (!(header->flags & LM_FRAME_ZSTD)) {
		lm_buffer_append(ret_raw, stored, n);
		if (lm_buffer_status(ret_raw) < 0)
			return -ENOMEM;
		return n == header->raw_bytes ? 0 : -LM_E_DAMAGED;
	}
	if (lm_buffer_reserve(ret_raw, header->raw_bytes) < 0)
		return -ENOMEM;
	n = ZSTD_decompressDCtx(
		decompressor, ret_raw->data, header->raw_bytes, stored, header->stored_bytes);
	if (ZSTD_isError(n) || n != header->raw_bytes)
		return -LM_E_DAMAGED;
	ret_raw->len = n;
	return 0;
}

int lm_payload_gaps(const uint8_t *raw, size_t len, uint64_t *ret_gaps)
{
	struct lm_bytes in = lm_bytes_from(raw, len);
	uint64_t gaps;

	lm_bytes_varint(&in); /* objects */
	lm_bytes_varint(&in); /* bindings */
	gaps = lm_bytes_varint(&in);
	if (in.bad)
		return -LM_E_DAMAGED;
	*ret_gaps = gaps;
	return 0;
}
