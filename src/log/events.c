/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <zstd.h>

#include "files.h"
#include "format.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/log/reader.h"
#include "threads.h"
#include "unpack.h"

/*
 * Frames in any order: for whoever knows from an index where they are.
 */
struct lm_log_events {
	int dir_fd;
	uint64_t log_mark;
	int fd;             /* of the segment that was read last */
	uint32_t segment;
	ZSTD_DCtx *decompressor;
	struct lm_buffer stored, raw;
	struct lm_batch_reader *batch;
	struct lm_event *at; /* LM_BATCH_MAX_EVENTS */
	struct lm_event_content *contents;
	uint64_t (*args)[LM_EVENT_ARGS];
};

struct lm_log_events *lm_log_events_free(struct lm_log_events *events)
{
	if (!events)
		return NULL;
	lm_cleanup_close(&events->dir_fd);
	lm_cleanup_close(&events->fd);
	ZSTD_freeDCtx(events->decompressor);
	lm_buffer_release(&events->stored);
	lm_buffer_release(&events->raw);
	lm_batch_reader_free(events->batch);
	free(events->at);
	free(events->contents);
	free(events->args);
	free(events);
	return NULL;
}

static void free_events(struct lm_log_events **events)
{
	lm_log_events_free(*events);
}

int lm_log_events_make(int dir_fd, uint64_t log_mark, struct lm_log_events **ret_events)
{
	struct lm_log_events *events LM_CLEANUP(free_events) = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->fd = -1;
	events->log_mark = log_mark;
	events->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	if (events->dir_fd < 0)
		return -errno;
	events->decompressor = ZSTD_createDCtx();
	events->at = calloc(LM_BATCH_MAX_EVENTS, sizeof(*events->at));
	events->contents = calloc(LM_BATCH_MAX_EVENTS, sizeof(*events->contents));
	events->args = calloc(LM_BATCH_MAX_EVENTS, sizeof(*events->args));
	if (!events->decompressor || !events->at || !events->contents || !events->args)
		return -ENOMEM;
	*ret_events = lm_take_ptr(events);
	return 0;
}

static int open_segment(struct lm_log_events *events, uint32_t number)
{
	int fd;

	if (events->fd >= 0 && events->segment == number)
		return 0;
	fd = lm_file_open_segment(events->dir_fd, number);
	if (fd < 0)
		return fd;
	if (events->fd >= 0)
		close(events->fd);
	events->fd = fd;
	events->segment = number;
	return 0;
}

/* Header and stored payload. */
static int read_frame(struct lm_log_events *events, const struct lm_log_place *place,
		      struct lm_frame_header *ret_header)
{
	uint8_t data[LM_FRAME_HEADER_BYTES];
	struct lm_buffer *stored = &events->stored;
	int64_t n = lm_file_read(events->fd, data, sizeof(data), place->offset);

	if (n < 0)
		return (int)n;
	if (n != sizeof(data) || !lm_frame_header_is_sound(data) ||
	    lm_frame_header_decode(data, ret_header) < 0 ||
	    ret_header->type != LM_FRAME_BATCH ||
	    ret_header->first_event != place->first_event ||
	    ret_header->event_count != place->events ||
	    ret_header->log_mark != events->log_mark)
		return -LM_E_DAMAGED;
	lm_buffer_reset(stored);
	if (lm_buffer_reserve(stored, ret_header->stored_bytes) < 0)
		return -ENOMEM;
	n = lm_file_read(events->fd, stored->data, ret_header->stored_bytes,
			 place->offset + sizeof(data));
	if (n < 0)
		return (int)n;
	if (n != ret_header->stored_bytes ||
	    !lm_frame_is_sound(data, stored->data, ret_header->stored_bytes))
		return -LM_E_DAMAGED;
	return lm_frame_unpack(events->decompressor, ret_header, stored->data,
			       &events->raw);
}

/* What an event points to lives until the reader's next one only. */
static void keep_event(struct lm_log_events *events, uint32_t i, const struct lm_event *event)
{
	events->at[i] = *event;
	if (event->args) {
		memcpy(events->args[i], event->args, sizeof(events->args[i]));
		events->at[i].args = events->args[i];
	}
	if (event->content) {
		events->contents[i] = *event->content;
		events->at[i].content = &events->contents[i];
	}
}

static int read_batch(struct lm_log_events *events, const struct lm_frame_header *header)
{
	struct lm_threads threads LM_CLEANUP(lm_threads_release) = LM_THREADS_INIT;
	const struct lm_buffer *raw = &events->raw;
	struct lm_item item;
	uint32_t count = 0;
	int r = events->batch ? lm_batch_reader_load(events->batch, raw->data, raw->len,
						     header->base_ns, header->first_event) :
				lm_batch_reader_new(raw->data, raw->len, header->base_ns,
						    header->first_event, &events->batch);

	while (r >= 0 && (r = lm_batch_reader_next(events->batch, &item)) > 0) {
		if (item.kind != LM_ITEM_EVENT)
			continue;
		if (count == header->event_count)
			return -LM_E_DAMAGED;
		keep_event(events, count, &item.event);
		r = lm_threads_bound(&threads, &events->at[count++]);
	}
	if (r < 0)
		return r;
	return count == header->event_count ? 0 : -LM_E_DAMAGED;
}

int lm_log_events_read(struct lm_log_events *events, const struct lm_log_place *place,
		       struct lm_event **ret_at)
{
	struct lm_frame_header header;
	int r = open_segment(events, place->segment);

	if (r == 0)
		r = read_frame(events, place, &header);
	if (r == 0)
		r = read_batch(events, &header);
	if (r == 0)
		*ret_at = events->at;
	return r;
}
