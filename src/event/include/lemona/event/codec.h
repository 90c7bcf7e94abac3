/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/event/event.h"

/*
 * The payload of one frame: a batch of definitions, bindings, events and gaps
 * in columns (docs/formats/log.md, "Payload"). The log module compresses and
 * frames what is made here.
 */
#define LM_BATCH_MAX_EVENTS 16384u
#define LM_BATCH_MAX_OBJECTS 16384u
#define LM_BATCH_MAX_BYTES (1u << 20) /* decoded payload: a reader refuses more */
#define LM_BATCH_OBJECT_MAX_BYTES (16u << 10) /* no definition takes more */

/** Collects one frame. Strings are copied in. */
struct lm_batch;

int lm_batch_new(struct lm_batch **ret_batch);
struct lm_batch *lm_batch_free(struct lm_batch *batch);
void lm_batch_reset(struct lm_batch *batch);
/** Forget the events, keep objects, bindings and gaps (a writer whose frame was refused). */
void lm_batch_drop_events(struct lm_batch *batch);

/** Approximate size of the payload so far, bytes; events so far. */
size_t lm_batch_bytes(const struct lm_batch *batch);
uint32_t lm_batch_events(const struct lm_batch *batch);
bool lm_batch_is_empty(const struct lm_batch *batch);

/**
 * @return 0; -ENOMEM; -EMSGSIZE (a string above its maximum, or the batch is full: encode first);
 *         -EINVAL (a number that a reader would refuse: kind, op, object 0). The batch is then
 *         as it was.
 */
int lm_batch_add_object(struct lm_batch *batch, const struct lm_object *object);
int lm_batch_add_binding(struct lm_batch *batch, const struct lm_binding *binding);
int lm_batch_add_event(struct lm_batch *batch, const struct lm_event *event);
int lm_batch_add_gap(struct lm_batch *batch, const struct lm_gap *gap);

/*
 * A payload has three parts, in this order, of bytes that differ in how they are distributed: a
 * compressor that is told where each ends does better.
 */
enum lm_batch_part { LM_BATCH_NUMBERS, LM_BATCH_TEXT, LM_BATCH_NOISE, LM_BATCH_PART_COUNT };

struct lm_batch_parts {
	size_t bytes[LM_BATCH_PART_COUNT];
};

/**
 * Write the payload.
 * @param base_ns  time that the columns count from (frame header)
 * @param ret_parts  sizes; they add up to what was appended to out
 * @return 0; -ENOMEM
 */
int lm_batch_encode(struct lm_batch *batch, uint64_t base_ns, struct lm_buffer *out,
	struct lm_batch_parts *ret_parts);

/** Walks one decoded payload in stored order: objects, bindings, gaps, events. */
struct lm_batch_reader;

/**
 * @param payload  borrowed until _free; strings of items point into it
 * @return 0; -LM_E_DAMAGED; -ENOMEM
 */
int lm_batch_reader_new(const void *payload, size_t len, uint64_t base_ns, uint64_t first_event,
			struct lm_batch_reader **ret_reader);
struct lm_batch_reader *lm_batch_reader_free(struct lm_batch_reader *reader);
/** Walk another payload with a reader's memory. On failure the reader has nothing to hand out. */
int lm_batch_reader_load(struct lm_batch_reader *reader, const void *payload, size_t len,
			 uint64_t base_ns, uint64_t first_event);
/** Number of events in the payload. */
uint32_t lm_batch_reader_events(const struct lm_batch_reader *reader);
/** @return 1 with an item; 0 at the end; -LM_E_DAMAGED. event.begin_ns is set
 * of LM_EVENT_TIMED events only. */
int lm_batch_reader_next(struct lm_batch_reader *reader, struct lm_item *ret_item);
