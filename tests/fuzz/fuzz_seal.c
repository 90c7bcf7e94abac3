/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rest.h"
#include "seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was encoded is what was decoded: nothing in a payload is passed over. */
static void expect_same(const struct lm_buffer *out, const uint8_t *data, size_t len)
{
	if (lm_buffer_status(out) == 0 && (out->len != len || memcmp(out->data, data, len) != 0))
		abort();
}

static void read_index(const uint8_t *data, size_t len)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_index_row row;
	struct lm_index index;

	if (lm_index_decode(data, len, &index) < 0)
		return;
	lm_index_append_head(&out, index.previous, index.first_leaf, index.count);
	for (uint32_t i = 0; i < index.count; i++) {
		lm_index_row_at(&index, i, &row);
		lm_index_append_row(&out, &row);
	}
	expect_same(&out, data, len);
}

static void read_end(const uint8_t *data, size_t len)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	uint32_t frame_bytes = 0;
	uint64_t offset = 0;
	struct lm_end end;

	if (lm_end_decode(data, len, &end) < 0)
		return;
	if (lm_end_tail_decode(data + len - LM_END_TAIL_BYTES, &offset, &frame_bytes) < 0 ||
		offset != end.index_offset || frame_bytes != LM_FRAME_HEADER_BYTES + len)
		abort();
	lm_end_append(&out, &end);
	expect_same(&out, data, len);
}

static void read_tombstone(const uint8_t *data, size_t len)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_tombstone tombstone;

	if (lm_tombstone_decode(data, len, &tombstone) < 0)
		return;
	lm_tombstone_append(&out, &tombstone);
	expect_same(&out, data, len);
}

static void read_rest(const uint8_t *data, size_t len)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_str start = { (const char *)data, 0 }, end;
	struct lm_rest rest;

	if (lm_rest_decode(data, len, &rest) < 0)
		return;
	start.len = (uint32_t)(rest.end.bytes - data);
	end = (struct lm_str){ (const char *)rest.end.bytes,
		LM_FRAME_HEADER_BYTES + rest.end.payload.len };
	lm_rest_append(&out, start, end, &rest.tree, &rest.before);
	expect_same(&out, data, len);
}

/* Payloads of index, end and tombstone frames; what stays of deleted segments. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	read_index(data, len);
	read_end(data, len);
	read_tombstone(data, len);
	read_rest(data, len);
	return 0;
}
