/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "format.h"
#include "lemona/base/cleanup.h"
#include "read_log.h"

#define FRAMES_MAX 8u

/* Frames whose checksums are right and whose contents are anything. */
static void append_frame(struct lm_buffer *file, struct lm_bytes *in, uint64_t sequence)
{
	struct lm_frame_header header = { .type = lm_bytes_u8(in) % 9 };
	uint8_t bytes[LM_FRAME_HEADER_BYTES];
	struct lm_str payload;
	size_t want;

	header.flags = lm_bytes_u8(in) % 8;
	header.raw_bytes = lm_bytes_u16(in);
	header.event_count = lm_bytes_u8(in);
	header.first_event = lm_bytes_u8(in);
	header.min_ns = lm_bytes_u8(in);
	header.max_ns = lm_bytes_u8(in);
	header.sequence = sequence + lm_bytes_u8(in) % 4;
	want = lm_bytes_u16(in);
	payload = lm_bytes_str(in, want < lm_bytes_left(in) ? want : lm_bytes_left(in));
	header.stored_bytes = payload.len;
	lm_frame_header_encode(&header, (const uint8_t *)payload.data, bytes);
	lm_buffer_append(file, bytes, sizeof(bytes));
	lm_buffer_append_str(file, payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	LM_BUFFER struct lm_buffer file = LM_BUFFER_INIT;
	struct lm_segment_header header = { .number = 1, .first_sequence = 1, .first_event = 1 };
	struct lm_bytes in = lm_bytes_from(data, len);

	if (lm_segment_header_encode(&header, &file) < 0)
		return 0;
	for (uint64_t i = 1; i <= FRAMES_MAX && lm_bytes_left(&in) > 0 && !in.bad; i++)
		append_frame(&file, &in, i);
	read_as_segment(file.data, file.len);
	return 0;
}
