/* SPDX-License-Identifier: MIT */
#include "rest.h"

#include <string.h>

#include "lemona/base/error.h"

static size_t full_bytes(uint64_t leaves)
{
	return (size_t)__builtin_popcountll(leaves) * sizeof(struct lm_digest);
}

void lm_rest_append(struct lm_buffer *out, struct lm_str start, struct lm_str end,
	const struct lm_merkle_tree *tree, const struct lm_digest *before)
{
	lm_buffer_append_str(out, start);
	lm_buffer_append_str(out, end);
	lm_buffer_append_u64(out, tree->size);
	lm_buffer_append(out, tree->full, full_bytes(tree->size));
	lm_buffer_append(out, before->bytes, sizeof(before->bytes));
}

/* The next frame. @return false: there is none of that type and log */
static bool take_frame(struct lm_bytes *in, enum lm_frame_type type, uint64_t mark,
	struct lm_rest_frame *ret)
{
	struct lm_str data = lm_bytes_str(in, LM_FRAME_HEADER_BYTES);
	const uint8_t *bytes = (const uint8_t *)data.data;

	if (in->bad || !lm_frame_header_is_sound(bytes) ||
		lm_frame_header_decode(bytes, &ret->header) < 0 || ret->header.type != type ||
		ret->header.log_mark != mark)
		return false;
	ret->bytes = bytes;
	ret->payload = lm_bytes_str(in, ret->header.stored_bytes);
	return !in->bad && lm_frame_is_sound(bytes, (const uint8_t *)ret->payload.data,
		ret->payload.len);
}

int lm_rest_decode(const uint8_t *data, size_t len, struct lm_rest *ret_rest)
{
	struct lm_bytes in = lm_bytes_from(data, len);
	struct lm_segment_header segment;
	struct lm_rest rest = { 0 };
	size_t bytes = 0;
	uint64_t mark;

	if (lm_segment_header_decode(data, len, &segment, &bytes) < 0)
		return -LM_E_DAMAGED;
	lm_bytes_str(&in, (uint32_t)bytes);
	mark = lm_log_mark(segment.log_id);
	if (!take_frame(&in, LM_FRAME_KEY, mark, &rest.key) ||
		!take_frame(&in, LM_FRAME_SEGMENT_END, mark, &rest.end) ||
		rest.key.header.sequence != segment.first_sequence)
		return -LM_E_DAMAGED;
	rest.tree.size = lm_bytes_u64(&in);
	bytes = full_bytes(rest.tree.size);
	if (in.bad || lm_bytes_left(&in) != bytes + sizeof(rest.before.bytes))
		return -LM_E_DAMAGED;
	if (bytes > 0)
		memcpy(rest.tree.full, in.pos, bytes);
	memcpy(rest.before.bytes, in.pos + bytes, sizeof(rest.before.bytes));
	*ret_rest = rest;
	return 0;
}
