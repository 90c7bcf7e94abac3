/* SPDX-License-Identifier: MIT */
#include "codec_batch.h"

#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

/* Bytes that one event can take at worst, its rows in the three tables included. */
#define EVENT_WORST_BYTES   114u
/* What one takes before compression in practice: only a guide to when a frame is full. */
#define EVENT_TYPICAL_BYTES 7u
/* The same for what a system call has besides. */
#define CALL_WORST_BYTES    (1u + LM_EVENT_ARGS * VARINT_MAX_BYTES)
#define CALL_TYPICAL_BYTES  10u
/* And content, beside its bytes. */
#define CONTENT_WORST_BYTES (2u * VARINT_MAX_BYTES + 5u)
/* What an object takes beside its fields: the moment. */
#define OBJECT_TIME_BYTES   13u
/* Counts, sizes of columns, and a row for each field that can have a column. */
#define HEADER_MAX_BYTES    1024u

/* Worst case per event of each column that events write to. */
static const uint8_t column_worst[COLUMN_COUNT] = {
	[COLUMN_SHAPE] = 1,
	[COLUMN_WIDE_SHAPE] = 3,
	[COLUMN_NEAR] = 4,
	[COLUMN_FAR] = 4 * 5,
	[COLUMN_ARG] = 10,
	[COLUMN_RESULT] = 10,
	[COLUMN_CPU] = 3,
	[COLUMN_TIME_HIGH] = 8,
	[COLUMN_TIME_LOW] = 1,
	[COLUMN_SPAN] = 10,
	[COLUMN_CALL_MASK] = 1,
	[COLUMN_CALL_ARGS ... COLUMN_CONTENT_OFFSET - 1] = VARINT_MAX_BYTES,
	[COLUMN_CONTENT_OFFSET] = VARINT_MAX_BYTES,
	[COLUMN_CONTENT_SIZE] = 3,
	[COLUMN_CONTENT_TERMINAL] = 5,
};

int lm_batch_new(struct lm_batch **ret_batch)
{
	struct lm_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	batch->events = malloc(LM_BATCH_MAX_EVENTS * sizeof(*batch->events));
	batch->args = malloc(LM_BATCH_MAX_EVENTS * sizeof(*batch->args));
	batch->contents = malloc(LM_BATCH_MAX_EVENTS * sizeof(*batch->contents));
	if (!batch->events || !batch->args || !batch->contents ||
		lm_buffer_reserve(&batch->bytes, LM_BATCH_MAX_BYTES) < 0)
		goto fail;
	/* Reserved once for the worst case: encoding then never allocates. */
	for (unsigned int i = 0; i < COLUMN_COUNT; i++)
		if (lm_buffer_reserve(&batch->columns[i],
			    (size_t)column_worst[i] * LM_BATCH_MAX_EVENTS) < 0)
			goto fail;
	*ret_batch = batch;
	return 0;
fail:
	lm_batch_free(batch);
	return -ENOMEM;
}

struct lm_batch *lm_batch_free(struct lm_batch *batch)
{
	if (!batch)
		return NULL;
	for (unsigned int i = 0; i < COLUMN_COUNT; i++)
		lm_buffer_release(&batch->columns[i]);
	for (unsigned int i = 0; i < FIELD_COLUMN_COUNT; i++)
		lm_buffer_release(&batch->fields[i]);
	free(batch->events);
	free(batch->args);
	free(batch->contents);
	lm_buffer_release(&batch->bytes);
	free(batch);
	return NULL;
}

void lm_batch_reset(struct lm_batch *batch)
{
	lm_batch_drop_events(batch);
	batch->object_count = 0;
	batch->binding_count = batch->gap_count = 0;
	if (batch->object_bytes > 0) {
		memset(&batch->objects, 0, sizeof(batch->objects));
		for (unsigned int i = 0; i < FIELD_COLUMN_COUNT; i++)
			lm_buffer_reset(&batch->fields[i]);
	}
	batch->object_bytes = 0;
	batch->last_binding = (struct lm_binding){ 0 };
	for (unsigned int i = 0; i < COLUMN_COUNT; i++)
		lm_buffer_reset(&batch->columns[i]);
}

void lm_batch_drop_events(struct lm_batch *batch)
{
	batch->event_count = batch->call_count = batch->content_count = 0;
	lm_buffer_reset(&batch->bytes);
}

static size_t row_bytes(const struct lm_batch *batch)
{
	return batch->object_bytes + (size_t)batch->object_count * OBJECT_TIME_BYTES +
		batch->columns[COLUMN_BINDINGS].len + batch->columns[COLUMN_GAPS].len;
}

size_t lm_batch_bytes(const struct lm_batch *batch)
{
	return row_bytes(batch) + (size_t)batch->event_count * EVENT_TYPICAL_BYTES +
		(size_t)batch->call_count * CALL_TYPICAL_BYTES + batch->bytes.len;
}

uint32_t lm_batch_events(const struct lm_batch *batch)
{
	return batch->event_count;
}

bool lm_batch_is_empty(const struct lm_batch *batch)
{
	return batch->event_count == 0 && row_bytes(batch) == 0;
}

/* Whatever is added, the payload must stay below what readers take. */
static bool has_room(const struct lm_batch *batch, size_t more)
{
	size_t worst = HEADER_MAX_BYTES + row_bytes(batch) +
		(size_t)batch->event_count * EVENT_WORST_BYTES +
		(size_t)batch->call_count * CALL_WORST_BYTES +
		(size_t)batch->content_count * CONTENT_WORST_BYTES + batch->bytes.len;

	return worst + more <= LM_BATCH_MAX_BYTES;
}

/* Undo a row that did not fit in memory or in the payload. */
static int cut_row(struct lm_buffer *column, size_t len, int code)
{
	column->len = len;
	column->failed = false;
	return code;
}

int lm_batch_add_object(struct lm_batch *batch, const struct lm_object *object)
{
	size_t bytes = 0;
	int r;

	if (batch->object_count >= LM_BATCH_MAX_OBJECTS ||
		!has_room(batch, LM_BATCH_OBJECT_MAX_BYTES))
		return -EMSGSIZE;
	r = lm_object_append(batch->columns, batch->fields, &batch->objects, object, &bytes);
	if (r < 0)
		return r;
	batch->object_bytes += bytes;
	batch->object_times[batch->object_count++] = object->time_ns;
	return 0;
}

int lm_batch_add_binding(struct lm_batch *batch, const struct lm_binding *binding)
{
	struct lm_buffer *column = &batch->columns[COLUMN_BINDINGS];
	const struct lm_binding *last = &batch->last_binding;
	size_t len = column->len;

	if (!has_room(batch, HEADER_MAX_BYTES))
		return -EMSGSIZE;
	lm_buffer_append_svarint(column, (int64_t)(binding->time_ns - last->time_ns));
	lm_buffer_append_svarint(column, (int64_t)binding->file - (int64_t)last->file);
	lm_buffer_append_svarint(column, (int64_t)binding->name - (int64_t)last->name);
	lm_buffer_append_byte(column, binding->flags);
	if (lm_buffer_status(column) < 0)
		return cut_row(column, len, -ENOMEM);
	batch->last_binding = *binding;
	batch->binding_count++;
	return 0;
}

int lm_batch_add_gap(struct lm_batch *batch, const struct lm_gap *gap)
{
	struct lm_buffer *column = &batch->columns[COLUMN_GAPS];
	size_t len = column->len;

	if (!has_room(batch, HEADER_MAX_BYTES))
		return -EMSGSIZE;
	lm_buffer_append_varint(column, gap->begin_ns);
	lm_buffer_append_svarint(column, (int64_t)(gap->end_ns - gap->begin_ns));
	lm_buffer_append_varint(column, gap->count);
	lm_buffer_append_varint(column, gap->kinds);
	lm_buffer_append_varint(column, gap->tgid);
	lm_buffer_append_varint(column, gap->cpu);
	lm_buffer_append_varint(column, gap->reason);
	if (lm_buffer_status(column) < 0)
		return cut_row(column, len, -ENOMEM);
	batch->gap_count++;
	return 0;
}

static bool is_content_sound(const struct lm_event *event)
{
	const struct lm_event_content *content = event->content;

	if (!(event->flags & LM_EVENT_CONTENT))
		return !content;
	return content && content->len > 0 && content->len <= LM_CONTENT_MAX_BYTES;
}

/* The bytes have room for a whole payload, and so are never moved. */
static const struct lm_event_content *keep_content(struct lm_batch *batch,
	const struct lm_event_content *content)
{
	struct lm_event_content *kept = &batch->contents[batch->content_count++];

	*kept = *content;
	kept->bytes = batch->bytes.data + batch->bytes.len;
	lm_buffer_append(&batch->bytes, content->bytes, content->len);
	return kept;
}

int lm_batch_add_event(struct lm_batch *batch, const struct lm_event *event)
{
	struct lm_event *kept = &batch->events[batch->event_count];

	size_t more = EVENT_WORST_BYTES + CALL_WORST_BYTES + CONTENT_WORST_BYTES;

	if (event->op > LM_OP_MAX || (event->op == LM_OP_CALL) != (event->args != NULL) ||
		!is_content_sound(event))
		return -EINVAL;
	if (event->content)
		more += event->content->len;
	if (batch->event_count >= LM_BATCH_MAX_EVENTS || !has_room(batch, more))
		return -EMSGSIZE;
	*kept = *event;
	if (event->args)
		kept->args = memcpy(batch->args[batch->call_count++], event->args,
			sizeof(*batch->args));
	if (event->content)
		kept->content = keep_content(batch, event->content);
	batch->event_count++;
	return 0;
}
