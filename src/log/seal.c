/* SPDX-License-Identifier: MIT */
#include "seal.h"

#include <string.h>

#include "lemona/base/error.h"

static const uint8_t tail_magic[4] = { 'L', 'M', 'S', 'E' };

int lm_seal_digest(struct lm_sha256 *hash, const void *data, size_t len,
	struct lm_digest *ret_digest)
{
	int r = lm_sha256_begin(hash);

	if (r == 0 && len > 0)
		r = lm_sha256_add(hash, data, len);
	return r < 0 ? r : lm_sha256_end(hash, ret_digest->bytes);
}

int lm_seal_header_leaf(struct lm_sha256 *hash, const void *header, size_t len,
	struct lm_digest *ret_leaf)
{
	return lm_merkle_leaf(hash, header, len, ret_leaf);
}

int lm_seal_frame_leaf(struct lm_sha256 *hash, const uint8_t header[LM_FRAME_HEADER_BYTES],
	const struct lm_digest *payload, struct lm_digest *ret_leaf)
{
	uint8_t leaf[LM_FRAME_HEADER_BYTES + LM_SHA256_BYTES];

	memcpy(leaf, header, LM_FRAME_HEADER_BYTES);
	memcpy(leaf + LM_FRAME_HEADER_BYTES, payload->bytes, LM_SHA256_BYTES);
	return lm_merkle_leaf(hash, leaf, sizeof(leaf), ret_leaf);
}

int lm_seal_stored_leaf(struct lm_sha256 *hash, const uint8_t header[LM_FRAME_HEADER_BYTES],
	const void *stored, size_t stored_bytes, struct lm_digest *ret_leaf)
{
	struct lm_digest payload;
	int r = lm_seal_digest(hash, stored, stored_bytes, &payload);

	return r < 0 ? r : lm_seal_frame_leaf(hash, header, &payload, ret_leaf);
}

void lm_index_append_row(struct lm_buffer *rows, const struct lm_index_row *row)
{
	lm_buffer_append(rows, row->leaf.bytes, LM_SHA256_BYTES);
	lm_buffer_append_u64(rows, row->offset);
	lm_buffer_append_u64(rows, row->first_event);
	lm_buffer_append_u64(rows, row->min_ns);
	lm_buffer_append_u64(rows, row->max_ns);
}

void lm_index_append_head(struct lm_buffer *out, uint64_t previous, uint64_t first_leaf,
	uint32_t count)
{
	lm_buffer_append_u64(out, previous);
	lm_buffer_append_u64(out, first_leaf);
	lm_buffer_append_u32(out, count);
	lm_buffer_append_u32(out, LM_INDEX_ROW_BYTES);
}

int lm_index_decode(const uint8_t *payload, size_t len, struct lm_index *ret_index)
{
	struct lm_bytes in = lm_bytes_from(payload, len);
	struct lm_index index;
	uint32_t row_bytes;

	index.previous = lm_bytes_u64(&in);
	index.first_leaf = lm_bytes_u64(&in);
	index.count = lm_bytes_u32(&in);
	row_bytes = lm_bytes_u32(&in);
	index.rows = in.pos;
	if (in.bad || row_bytes != LM_INDEX_ROW_BYTES || index.count == 0 ||
		index.count > LM_INDEX_ROWS_MAX || index.first_leaf > UINT64_MAX - index.count ||
		lm_bytes_left(&in) != (size_t)index.count * LM_INDEX_ROW_BYTES)
		return -LM_E_DAMAGED;
	*ret_index = index;
	return 0;
}

static void take_digest(struct lm_bytes *in, struct lm_digest *digest)
{
	struct lm_str bytes = lm_bytes_str(in, LM_SHA256_BYTES);

	if (bytes.len == LM_SHA256_BYTES)
		memcpy(digest->bytes, bytes.data, LM_SHA256_BYTES);
}

void lm_index_row_at(const struct lm_index *index, uint32_t row, struct lm_index_row *ret_row)
{
	struct lm_bytes in = lm_bytes_from(
		index->rows + (size_t)row * LM_INDEX_ROW_BYTES, LM_INDEX_ROW_BYTES);

	take_digest(&in, &ret_row->leaf);
	ret_row->offset = lm_bytes_u64(&in);
	ret_row->first_event = lm_bytes_u64(&in);
	ret_row->min_ns = lm_bytes_u64(&in);
	ret_row->max_ns = lm_bytes_u64(&in);
}

void lm_end_append(struct lm_buffer *out, const struct lm_end *end)
{
	size_t bytes = LM_FRAME_HEADER_BYTES + end->note.len + LM_END_TAIL_BYTES;

	lm_buffer_append_str(out, end->note);
	lm_buffer_append_u64(out, end->index_offset);
	lm_buffer_append_u32(out, (uint32_t)end->note.len);
	lm_buffer_append_u32(out, (uint32_t)bytes);
	lm_buffer_append(out, tail_magic, sizeof(tail_magic));
}

/* @return 0; -LM_E_DAMAGED */
static int take_tail(const uint8_t tail[LM_END_TAIL_BYTES], uint64_t *ret_index_offset,
	uint32_t *ret_note_bytes)
{
	struct lm_bytes in = lm_bytes_from(tail, LM_END_TAIL_BYTES);
	uint64_t index_offset = lm_bytes_u64(&in);
	uint32_t note_bytes = lm_bytes_u32(&in);
	uint32_t frame_bytes = lm_bytes_u32(&in);

	if (memcmp(in.pos, tail_magic, sizeof(tail_magic)) != 0 ||
		note_bytes > LM_NOTE_MAX_BYTES || index_offset < LM_SEGMENT_HEADER_BYTES ||
		frame_bytes != LM_FRAME_HEADER_BYTES + note_bytes + LM_END_TAIL_BYTES)
		return -LM_E_DAMAGED;
	*ret_index_offset = index_offset;
	*ret_note_bytes = note_bytes;
	return 0;
}

int lm_end_decode(const uint8_t *payload, size_t len, struct lm_end *ret_end)
{
	uint64_t index_offset = 0;
	uint32_t note_bytes = 0;

	if (len < LM_END_TAIL_BYTES ||
		take_tail(payload + len - LM_END_TAIL_BYTES, &index_offset, &note_bytes) < 0 ||
		len != note_bytes + LM_END_TAIL_BYTES)
		return -LM_E_DAMAGED;
	ret_end->note = (struct lm_str){ (const char *)payload, note_bytes };
	ret_end->index_offset = index_offset;
	return 0;
}

int lm_end_tail_decode(const uint8_t tail[LM_END_TAIL_BYTES], uint64_t *ret_index_offset,
	uint32_t *ret_frame_bytes)
{
	uint32_t note_bytes = 0;
	int r = take_tail(tail, ret_index_offset, &note_bytes);

	if (r == 0)
		*ret_frame_bytes = LM_FRAME_HEADER_BYTES + note_bytes + LM_END_TAIL_BYTES;
	return r;
}

void lm_tombstone_append(struct lm_buffer *out, const struct lm_tombstone *tombstone)
{
	lm_buffer_append_u32(out, tombstone->segment);
	lm_buffer_append_u32(out, 0);
	lm_buffer_append_u64(out, tombstone->first_leaf);
	lm_buffer_append_u64(out, tombstone->leaf_count);
	lm_buffer_append_u64(out, tombstone->first_event);
	lm_buffer_append_u64(out, tombstone->event_count);
	lm_buffer_append_u64(out, tombstone->min_ns);
	lm_buffer_append_u64(out, tombstone->max_ns);
	lm_buffer_append_u64(out, tombstone->bytes);
	lm_buffer_append(out, tombstone->rest.bytes, LM_SHA256_BYTES);
}

int lm_tombstone_decode(const uint8_t *payload, size_t len, struct lm_tombstone *ret_tombstone)
{
	struct lm_bytes in = lm_bytes_from(payload, len);
	struct lm_tombstone tombstone;
	uint32_t reserved;

	if (len != LM_TOMBSTONE_BYTES)
		return -LM_E_DAMAGED;
	tombstone.segment = lm_bytes_u32(&in);
	reserved = lm_bytes_u32(&in);
	tombstone.first_leaf = lm_bytes_u64(&in);
	tombstone.leaf_count = lm_bytes_u64(&in);
	tombstone.first_event = lm_bytes_u64(&in);
	tombstone.event_count = lm_bytes_u64(&in);
	tombstone.min_ns = lm_bytes_u64(&in);
	tombstone.max_ns = lm_bytes_u64(&in);
	tombstone.bytes = lm_bytes_u64(&in);
	take_digest(&in, &tombstone.rest);
	if (reserved != 0 || tombstone.segment == 0 || tombstone.segment > LM_SEGMENT_NUMBER_MAX ||
		tombstone.leaf_count == 0 || tombstone.first_event == 0 ||
		tombstone.first_leaf > UINT64_MAX - tombstone.leaf_count ||
		tombstone.first_event > UINT64_MAX - tombstone.event_count)
		return -LM_E_DAMAGED;
	*ret_tombstone = tombstone;
	return 0;
}
