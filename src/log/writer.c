/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "sync.h"
#include "writer_internal.h"

#define FRAME_GOAL_BYTES (64u << 10)
#define BLOCK_HEADER_BYTES 3u
/* Definitions that wait for room on the disk. Later frames refer to them, so they are dear. */
#define KEPT_MAX_BYTES   (16u << 20)

struct lm_log_writer *lm_log_abandon(struct lm_log_writer *writer)
{
	if (!writer)
		return NULL;
	lm_segment_release(&writer->segment);
	if (writer->lock_fd >= 0)
		close(writer->lock_fd);
	if (writer->dir_fd >= 0)
		close(writer->dir_fd);
	lm_batch_free(writer->batch);
	lm_batch_free(writer->repair);
	lm_buffer_release(&writer->kept);
	lm_buffer_release(&writer->raw);
	lm_buffer_release(&writer->stored);
	ZSTD_freeCCtx(writer->compressor);
	free(writer);
	return NULL;
}

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

/* Put the payload behind the header's place, compressed if that helps. */
static int store_payload(struct lm_log_writer *writer, const uint8_t *raw,
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

/* Numbers are used up only by a frame that is on the disk. */
static int write_frame(struct lm_log_writer *writer, struct lm_frame_header *header,
	const uint8_t *raw, const struct lm_batch_parts *parts)
{
	struct lm_buffer *stored = &writer->stored;
	int r;

	r = store_payload(writer, raw, parts, header);
	if (r < 0)
		return r;
	header->sequence = writer->next_sequence;
	header->first_event = writer->next_event;
	header->wall_minus_boot_ns = lm_time_wall_minus_boot_ns();
	header->log_mark = lm_log_mark(writer->header.log_id);
	if (header->event_count == 0)
		header->base_ns = lm_time_boot_ns();
	lm_frame_header_encode(header, stored->data + LM_FRAME_HEADER_BYTES, stored->data);
	r = lm_segment_append(&writer->segment, stored->data, stored->len);
	if (r < 0)
		return r;
	writer->next_sequence++;
	writer->next_event += header->event_count;
	writer->counts.events += header->event_count;
	writer->counts.frames++;
	return 0;
}

static int write_mark(struct lm_log_writer *writer, enum lm_frame_type type)
{
	struct lm_frame_header header = { .type = (uint16_t)type };
	struct lm_batch_parts none = { { 0 } };

	return write_frame(writer, &header, NULL, &none);
}

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

		r = write_frame(writer, &header, (const uint8_t *)payload.data, &whole);
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
		r = write_frame(writer, &header, writer->raw.data, &parts);
	if (r < 0)
		return r;
	writer->gap_owed = writer->definitions_lost = false;
	return 0;
}

static int write_batch(struct lm_log_writer *writer)
{
	struct lm_frame_header header = {
		.type = LM_FRAME_BATCH,
		.event_count = lm_batch_events(writer->batch),
	};
	struct lm_batch_parts parts;
	int r;

	if (lm_batch_is_empty(writer->batch))
		return 0;
	if (header.event_count > 0) {
		header.base_ns = header.min_ns = writer->min_ns;
		header.max_ns = writer->max_ns;
	}
	lm_buffer_reset(&writer->raw);
	r = lm_batch_encode(writer->batch, header.base_ns, &writer->raw, &parts);
	if (r == 0)
		r = write_frame(writer, &header, writer->raw.data, &parts);
	if (r == 0 && header.event_count > 0)
		writer->counts.folded += writer->folded;
	return r;
}

/* Count events that will not be written. */
static void owe_gap(struct lm_log_writer *writer, uint64_t begin_ns, uint64_t end_ns,
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
	uint64_t now_ns = lm_time_boot_ns();

	writer->definitions_lost = true;
	owe_gap(writer, writer->oldest_ns, now_ns, 0);
}

/* The disk refused the batch: its events become a gap, all else waits. */
static void keep_batch(struct lm_log_writer *writer)
{
	size_t len = writer->kept.len;
	struct lm_batch_parts parts;

	if (lm_batch_events(writer->batch) > 0)
		owe_gap(writer, writer->min_ns, writer->max_ns,
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

/*
 * Go on in a new segment. The new file is there before the old one points to it, so
 * that a reader who follows never finds nothing. If the new one cannot be made, the old
 * one goes on and grows beyond its size: tried again after the next frame.
 */
static void rotate(struct lm_log_writer *writer)
{
	struct lm_segment_header header = writer->header;
	struct lm_segment next = LM_SEGMENT_INIT;
	char name[LM_SEGMENT_NAME_BYTES];

	if (header.number == LM_SEGMENT_NUMBER_MAX)
		return;
	header.number++;
	header.first_sequence = writer->next_sequence + 1; /* after the mark below */
	header.first_event = writer->next_event;
	header.created_ns = lm_time_boot_ns();
	header.wall_minus_boot_ns = lm_time_wall_minus_boot_ns();
	if (lm_segment_create(writer->dir_fd, &header, &next) < 0)
		return;
	if (write_mark(writer, LM_FRAME_SEGMENT_END) < 0) {
		lm_segment_name(header.number, name);
		unlinkat(writer->dir_fd, name, 0);
		lm_segment_release(&next);
		return;
	}
	writer->finished_bytes += writer->segment.end;
	lm_segment_release(&writer->segment);
	writer->segment = next;
	writer->header = header;
}

int lm_log_flush(struct lm_log_writer *writer)
{
	int r;

	r = write_kept(writer);
	if (r == 0)
		r = write_owed_gap(writer);
	if (r == 0)
		r = write_batch(writer);
	if (r < 0)
		keep_batch(writer);
	lm_batch_reset(writer->batch);
	if (r == 0 && writer->segment.end >= writer->segment_bytes)
		rotate(writer);
	return r;
}

static int add_item(struct lm_batch *batch, const struct lm_item *item)
{
	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		return lm_batch_add_object(batch, &item->object);
	case LM_ITEM_BINDING:
		return lm_batch_add_binding(batch, &item->binding);
	case LM_ITEM_EVENT:
		return lm_batch_add_event(batch, &item->event);
	case LM_ITEM_GAP:
		return lm_batch_add_gap(batch, &item->gap);
	}
	return -EINVAL;
}

/* What the frame and the totals have to know of an item that was taken. */
static void note_item(struct lm_log_writer *writer, const struct lm_item *item, bool first)
{
	if (first)
		writer->oldest_ns = lm_time_boot_ns();
	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		if (item->object.id > writer->counts.objects)
			writer->counts.objects = item->object.id;
		break;
	case LM_ITEM_GAP:
		writer->counts.lost += item->gap.count;
		break;
	case LM_ITEM_EVENT:
		if (lm_batch_events(writer->batch) == 1) {
			writer->min_ns = writer->max_ns = item->event.end_ns;
			writer->folded = 0;
		}
		writer->folded += lm_event_count(&item->event) - 1;
		if (item->event.end_ns < writer->min_ns)
			writer->min_ns = item->event.end_ns;
		if (item->event.end_ns > writer->max_ns)
			writer->max_ns = item->event.end_ns;
		break;
	case LM_ITEM_BINDING:
		break;
	}
}

int lm_log_add(struct lm_log_writer *writer, const struct lm_item *item)
{
	bool first = lm_batch_is_empty(writer->batch);
	int flushed = 0, r;

	r = add_item(writer->batch, item);
	if (r == -EMSGSIZE && !first) {
		flushed = lm_log_flush(writer);
		first = true;
		r = add_item(writer->batch, item);
	}
	if (r < 0) {
		if (item->kind == LM_ITEM_EVENT)
			owe_gap(writer, item->event.end_ns, item->event.end_ns,
				lm_event_count(&item->event));
		return r;
	}
	note_item(writer, item, first);
	if (lm_batch_bytes(writer->batch) >= FRAME_GOAL_BYTES)
		return lm_log_flush(writer);
	return flushed;
}

uint64_t lm_log_pending_ns(const struct lm_log_writer *writer)
{
	uint64_t now_ns;

	if (lm_batch_is_empty(writer->batch))
		return 0;
	now_ns = lm_time_boot_ns();
	return now_ns > writer->oldest_ns ? now_ns - writer->oldest_ns : 0;
}

void lm_log_counts(const struct lm_log_writer *writer, struct lm_log_counts *ret_counts)
{
	*ret_counts = writer->counts;
	ret_counts->bytes = writer->finished_bytes + writer->segment.end;
}

/* All of the log on the disk, its names last: whoever finds one finds what belongs to it. */
static int sync_all(const struct lm_log_writer *writer)
{
	int r = 0;

	for (uint32_t number = 1; number <= writer->header.number && r == 0; number++)
		r = lm_sync_segment(writer->dir_fd, number);
	return r < 0 ? r : lm_sync_directory(writer->dir_fd);
}

int lm_log_close(struct lm_log_writer *writer, struct lm_log_counts *ret_counts,
		 struct lm_diag *diag)
{
	int r = lm_log_flush(writer), synced;

	/* With a debt open, the mark would say that all is there: the log stays cut. */
	if (r == 0)
		r = write_mark(writer, LM_FRAME_END);
	synced = sync_all(writer);
	if (r == 0)
		r = synced;
	if (ret_counts)
		lm_log_counts(writer, ret_counts);
	lm_log_abandon(writer);
	if (r < 0)
		lm_diag_errno(diag, r, "the log could not be finished");
	return r;
}
