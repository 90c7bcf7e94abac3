/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "lemona/base/time.h"
#include "unpack.h"
#include "writer_internal.h"

#define BLOCK_HEADER_BYTES 3u

/* One zstd frame, with a block of its own, and so statistics of its own, for each part. */
static size_t compress(ZSTD_CCtx *compressor, const uint8_t *raw,
	const struct lm_batch_parts *parts, void *to, size_t room)
{
	ZSTD_outBuffer out = { .dst = to, .size = room };
	size_t len = 0, r = 0;

	for (unsigned int i = 0; i < LM_BATCH_PART_COUNT; i++)
		len += parts->bytes[i];
	ZSTD_CCtx_reset(compressor, ZSTD_reset_session_only);
	r = ZSTD_CCtx_setPledgedSrcSize(compressor, len);
	for (unsigned int i = 0; i < LM_BATCH_PART_COUNT && !ZSTD_isError(r); i++) {
		bool last = i + 1 == LM_BATCH_PART_COUNT;
		ZSTD_inBuffer in = { .src = raw, .size = parts->bytes[i] };

		if (in.size == 0 && !last)
			continue;
		r = ZSTD_compressStream2(compressor, &out, &in, last ? ZSTD_e_end : ZSTD_e_flush);
		raw += parts->bytes[i];
	}
	/* With room for the worst case all of it goes in at once. */
	return ZSTD_isError(r) || r > 0 ? SIZE_MAX : out.pos;
}

/* Put a batch behind the header's place, compressed if that helps. */
static int store_batch(struct lm_log_writer *writer, const uint8_t *raw,
	const struct lm_batch_parts *parts, struct lm_frame_header *header)
{
	struct lm_buffer *stored = &writer->stored;
	size_t len = 0, bound, n;

	for (unsigned int i = 0; i < LM_BATCH_PART_COUNT; i++)
		len += parts->bytes[i];
	bound = ZSTD_compressBound(len) + LM_BATCH_PART_COUNT * BLOCK_HEADER_BYTES;
	lm_buffer_reset(stored);
	if (lm_buffer_reserve(stored, LM_FRAME_HEADER_BYTES + bound) < 0)
		return -ENOMEM;
	n = len == 0 ? SIZE_MAX : compress(writer->compressor, raw, parts,
		stored->data + LM_FRAME_HEADER_BYTES, bound);
	if (n < len) {
		header->flags = LM_FRAME_ZSTD;
	} else {
		n = len;
		if (len > 0)
			memcpy(stored->data + LM_FRAME_HEADER_BYTES, raw, len);
	}
	stored->len = LM_FRAME_HEADER_BYTES + n;
	header->raw_bytes = (uint32_t)len;
	header->stored_bytes = (uint32_t)n;
	return 0;
}

/*
 * Write the frame that stands in writer->stored, once its header is filled in. Numbers are used up,
 * and leaves added, only by a frame that is on the disk.
 */
static int append_stored(struct lm_log_writer *writer, struct lm_frame_header *header)
{
	struct lm_buffer *stored = &writer->stored;
	uint64_t offset = writer->segment.end;
	struct lm_digest leaf;
	bool hashed = false;
	int r;

	header->sequence = writer->next_sequence;
	header->first_event = writer->next_event;
	header->log_mark = lm_log_mark(writer->header.log_id);
	lm_frame_header_encode(header, stored->data + LM_FRAME_HEADER_BYTES, stored->data);
	if (lm_sealer_is_signing(writer->sealer))
		hashed = lm_sealer_hash(writer->sealer, stored->data, stored->len, &leaf);
	r = lm_segment_append(&writer->segment, stored->data, stored->len);
	if (r < 0)
		return r;
	writer->next_sequence++;
	writer->next_event += header->event_count;
	writer->counts.events += header->event_count;
	writer->counts.frames++;
	if (header->event_count > 0 && (writer->segment_min_ns == 0 ||
			header->min_ns < writer->segment_min_ns))
		writer->segment_min_ns = header->min_ns;
	if (header->event_count > 0 && header->max_ns > writer->segment_max_ns)
		writer->segment_max_ns = header->max_ns;
	if (hashed)
		lm_sealer_add_frame(writer->sealer, header, offset, &leaf);
	return 0;
}

int lm_writer_put_batch(struct lm_log_writer *writer, struct lm_frame_header *header,
	const uint8_t *raw, const struct lm_batch_parts *parts)
{
	int r = store_batch(writer, raw, parts, header);
	uint64_t gaps = 0;

	if (r == 0)
		r = lm_payload_gaps(raw, header->raw_bytes, &gaps);
	if (r < 0)
		return r;
	header->gap_count = lm_frame_gaps(gaps);
	header->wall_minus_boot_ns = lm_writer_offset_ns(writer);
	if (header->event_count == 0)
		header->base_ns = lm_writer_now_ns(writer);
	return append_stored(writer, header);
}

int lm_writer_put(struct lm_log_writer *writer, struct lm_frame_header *header,
	struct lm_str payload)
{
	struct lm_buffer *stored = &writer->stored;

	if (payload.len > LM_FRAME_PAYLOAD_MAX_BYTES)
		return -EMSGSIZE;
	lm_buffer_reset(stored);
	if (lm_buffer_reserve(stored, LM_FRAME_HEADER_BYTES + payload.len) < 0)
		return -ENOMEM;
	stored->len = LM_FRAME_HEADER_BYTES;
	lm_buffer_append_str(stored, payload);
	header->raw_bytes = header->stored_bytes = (uint32_t)payload.len;
	/* An end frame repeats the times of its note. */
	if (header->base_ns == 0) {
		header->base_ns = lm_writer_now_ns(writer);
		header->wall_minus_boot_ns = lm_writer_offset_ns(writer);
	}
	return append_stored(writer, header);
}
