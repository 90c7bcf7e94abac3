/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "sync.h"
#include "writer_internal.h"

#define FRAME_GOAL_BYTES (64u << 10)

struct lm_log_writer *lm_log_abandon(struct lm_log_writer *writer)
{
	if (!writer)
		return NULL;
	lm_retainer_free(writer->retainer);
	lm_syncer_free(writer->syncer, false);
	lm_segment_release(&writer->segment);
	lm_segment_release(&writer->next_segment);
	lm_sealer_free(writer->sealer);
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
	free(writer->path);
	free(writer);
	return NULL;
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
		r = lm_writer_put_batch(writer, &header, writer->raw.data, &parts);
	if (r == 0 && header.event_count > 0)
		writer->counts.folded += writer->folded;
	return r;
}

/* What was added, and what that entails; but for the next checkpoint. */
static int flush_batch(struct lm_log_writer *writer)
{
	int r;

	r = lm_writer_settle(writer);
	if (r == 0)
		r = lm_writer_pay(writer);
	if (r == 0)
		r = write_batch(writer);
	if (r < 0)
		lm_writer_keep_batch(writer);
	lm_batch_reset(writer->batch);
	lm_writer_put_index_if_due(writer);
	if (r == 0 && writer->segment.end >= writer->segment_bytes)
		lm_writer_rotate(writer);
	if (r == 0)
		lm_writer_retain(writer);
	return r;
}

int lm_log_flush(struct lm_log_writer *writer)
{
	int r = flush_batch(writer), sealed = lm_writer_checkpoint(writer);

	return r < 0 ? r : sealed;
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
			lm_writer_owe_gap(writer, item->event.end_ns, item->event.end_ns,
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

	for (uint32_t n = writer->first_segment; n <= writer->header.number && r == 0; n++)
		r = lm_sync_segment(writer->dir_fd, n);
	return r < 0 ? r : lm_sync_directory(writer->dir_fd);
}

uint32_t lm_log_segment(const struct lm_log_writer *writer)
{
	return writer->header.number;
}

int lm_log_sealing(const struct lm_log_writer *writer)
{
	return writer->sealer ? writer->sealer->stopped : 0;
}

/* The last checkpoint on the disk, and in the file that says so. */
static int finish_syncer(struct lm_log_writer *writer)
{
	struct lm_syncer *syncer = writer->syncer;

	writer->syncer = NULL;
	return lm_syncer_free(syncer, true);
}

int lm_log_close(struct lm_log_writer *writer, struct lm_log_counts *ret_counts,
		 struct lm_diag *diag)
{
	int r = flush_batch(writer), synced, stopped;

	/* With a debt open, the mark would say that all is there: the log stays cut. */
	if (r == 0)
		r = lm_writer_end(writer);
	lm_writer_end_retention(writer);
	synced = finish_syncer(writer);
	if (synced == 0)
		synced = sync_all(writer);
	if (r == 0)
		r = synced;
	stopped = lm_log_sealing(writer);
	if (ret_counts)
		lm_log_counts(writer, ret_counts);
	lm_log_abandon(writer);
	if (r < 0)
		return lm_diag_errno(diag, r, "the log could not be finished");
	if (stopped < 0)
		return lm_diag_set(diag, -LM_E_UNSIGNED,
			"the log is whole, but its later part is not signed: %s",
			lm_strerror(stopped));
	return 0;
}
