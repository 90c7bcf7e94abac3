/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lemona/base/time.h"
#include "writer_internal.h"

/* Definitions that wait for room on the disk. Later frames refer to them, so they are dear. */
#define KEPT_MAX_BYTES (16u << 20)

/* The payloads that an earlier failure left behind, oldest first. */
static int write_kept(struct lm_log_writer *writer)
{
	struct lm_bytes in = lm_bytes_from(writer->kept.data, writer->kept.len);
	int r = 0;

	while (r == 0 && lm_bytes_left(&in) > 0) {
		struct lm_bytes before = in;
		struct lm_str payload = lm_bytes_str(&in, lm_bytes_u32(&in));
		struct lm_frame_header header = { .type = LM_FRAME_BATCH };
		struct lm_batch_parts whole = { { payload.len } };

		r = lm_writer_put_batch(writer, &header, (const uint8_t *)payload.data, &whole);
		if (r < 0)
			in = before;
	}
	writer->kept.len = lm_bytes_left(&in);
	if (writer->kept.len > 0)
		memmove(writer->kept.data, in.pos, writer->kept.len);
	return r;
}

/* The gap that an earlier failure left behind, in a frame of its own: all of it or nothing. */
static int write_owed_gap(struct lm_log_writer *writer)
{
	struct lm_frame_header header = { .type = LM_FRAME_BATCH };
	struct lm_batch_parts parts;
	int r;

	if (!writer->gap_owed)
		return 0;
	lm_batch_reset(writer->repair);
	lm_buffer_reset(&writer->raw);
	r = lm_batch_add_gap(writer->repair, &writer->gap);
	if (r == 0 && writer->definitions_lost) {
		struct lm_gap lost = writer->gap;

		lost.reason = LM_GAP_STATE;
		lost.count = 0;
		r = lm_batch_add_gap(writer->repair, &lost);
	}
	if (r == 0)
		r = lm_batch_encode(writer->repair, 0, &writer->raw, &parts);
	if (r == 0)
		r = lm_writer_put_batch(writer, &header, writer->raw.data, &parts);
	if (r < 0)
		return r;
	writer->gap_owed = writer->definitions_lost = false;
	return 0;
}

void lm_writer_owe_gap(struct lm_log_writer *writer, uint64_t begin_ns, uint64_t end_ns,
	uint64_t count)
{
	struct lm_gap *gap = &writer->gap;

	if (!writer->gap_owed) {
		*gap = (struct lm_gap){
			.begin_ns = begin_ns,
			.end_ns = end_ns,
			.cpu = LM_GAP_CPU_NONE,
			.reason = LM_GAP_WRITE,
		};
		writer->gap_owed = true;
	}
	if (begin_ns < gap->begin_ns)
		gap->begin_ns = begin_ns;
	if (end_ns > gap->end_ns)
		gap->end_ns = end_ns;
	gap->count += count;
	writer->counts.lost += count;
}

/* Definitions did not get to the disk and there is no room to keep them either. */
static void lose_definitions(struct lm_log_writer *writer)
{
	uint64_t now_ns = lm_writer_now_ns(writer);
	uint64_t begin_ns = writer->since_1970 ? now_ns : writer->oldest_ns;

	writer->definitions_lost = true;
	lm_writer_owe_gap(writer, begin_ns, now_ns, 0);
}

void lm_writer_keep_batch(struct lm_log_writer *writer)
{
	size_t len = writer->kept.len;
	struct lm_batch_parts parts;

	if (lm_batch_events(writer->batch) > 0)
		lm_writer_owe_gap(writer, writer->min_ns, writer->max_ns,
			lm_batch_events(writer->batch) + writer->folded);
	lm_batch_drop_events(writer->batch);
	if (lm_batch_is_empty(writer->batch))
		return;
	lm_buffer_reset(&writer->raw);
	if (lm_batch_encode(writer->batch, 0, &writer->raw, &parts) < 0 ||
		len + writer->raw.len > KEPT_MAX_BYTES) {
		lose_definitions(writer);
		return;
	}
	lm_buffer_append_u32(&writer->kept, (uint32_t)writer->raw.len);
	lm_buffer_append(&writer->kept, writer->raw.data, writer->raw.len);
	if (lm_buffer_status(&writer->kept) < 0) {
		writer->kept.len = len;
		writer->kept.failed = false;
		lose_definitions(writer);
	}
}

int lm_writer_pay(struct lm_log_writer *writer)
{
	int r = write_kept(writer);

	return r < 0 ? r : write_owed_gap(writer);
}
