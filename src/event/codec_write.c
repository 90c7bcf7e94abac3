/* SPDX-License-Identifier: MIT */
#include "codec_batch.h"

#include <string.h>

#include "lemona/base/error.h"

/* Columns that events write to have room for the worst case, so these need not check. */
static inline void put_byte(struct lm_buffer *column, uint8_t byte)
{
	column->data[column->len++] = byte;
}

static inline void put_varint(struct lm_buffer *column, uint64_t v)
{
	uint8_t *p = column->data + column->len;

	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	column->len = (size_t)(p - column->data);
}

static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static uint64_t thread_key(const struct lm_event *ev)
{
	return (uint64_t)ev->actor << 32 | ev->tid;
}

/* Events are gathered by thread: what a thread does repeats, what a CPU does does not. */
static void group_by_thread(struct lm_batch *batch)
{
	uint64_t last_key = 0;
	uint32_t last = UINT32_MAX, start = 0;

	for (uint32_t i = 0; i < batch->event_count; i++) {
		const struct lm_event *ev = &batch->events[i];
		uint64_t key = thread_key(ev);
		uint32_t before = batch->threads.count;

		if (last == UINT32_MAX || key != last_key) {
			last = dictionary_number(&batch->threads, key);
			last_key = key;
			if (batch->threads.count != before)
				batch->groups[last] = (struct thread_group){ 0 };
		}
		batch->groups[last].count++;
		batch->thread_of[i] = (uint16_t)last;
	}
	for (uint32_t t = 0; t < batch->threads.count; t++) {
		batch->groups[t].start = start;
		start += batch->groups[t].count;
		batch->groups[t].count = 0;
	}
	for (uint32_t i = 0; i < batch->event_count; i++) {
		struct thread_group *group = &batch->groups[batch->thread_of[i]];

		batch->order[group->start + group->count++] = i;
	}
}

static void sort_group(struct lm_batch *batch, const struct thread_group *group)
{
	uint32_t *order = &batch->order[group->start];
	bool sorted = true;

	for (uint32_t i = 1; i < group->count && sorted; i++)
		sorted = batch->events[order[i - 1]].end_ns <= batch->events[order[i]].end_ns;
	if (sorted)
		return;
	for (uint32_t i = 0; i < group->count; i++)
		batch->entries[i] = (struct sort_entry){ batch->events[order[i]].end_ns, order[i] };
	lm_codec_sort(batch->entries, batch->spare, batch->runs, group->count);
	for (uint32_t i = 0; i < group->count; i++)
		order[i] = batch->entries[i].index;
}

/* Find where a reader can get an object number from; write it where it cannot. */
static inline uint32_t put_id(struct lm_batch *batch, lm_object_id id, lm_object_id *thread_last,
	lm_object_id *kind_last)
{
	uint32_t state;
	uint64_t near;

	if (id == LM_OBJECT_NONE)
		return STATE_NONE;
	if (id == *thread_last) {
		state = STATE_THREAD;
	} else if (id == *kind_last) {
		state = STATE_KIND;
	} else {
		near = zigzag((int64_t)id - (int64_t)batch->last_id);
		state = near < 0x80 ? STATE_NEAR : STATE_FAR;
		if (state == STATE_NEAR)
			put_byte(&batch->columns[COLUMN_NEAR], (uint8_t)near);
		else
			put_varint(&batch->columns[COLUMN_FAR], id);
		batch->last_id = id;
	}
	*thread_last = id;
	*kind_last = id;
	return state;
}

static inline uint32_t put_arg(struct lm_batch *batch, uint64_t arg, uint64_t *kind_last)
{
	uint64_t last = *kind_last;

	*kind_last = arg;
	if (arg == 0)
		return STATE_NONE;
	if (arg == last)
		return STATE_SAME;
	put_varint(&batch->columns[COLUMN_ARG], arg);
	return STATE_VALUE;
}

static inline uint32_t put_result(struct lm_batch *batch, int64_t result, int64_t *kind_last)
{
	uint64_t value = zigzag(result);
	uint64_t delta = zigzag((int64_t)((uint64_t)result - (uint64_t)*kind_last));
	bool same = result == *kind_last;

	*kind_last = result;
	if (result == 0)
		return STATE_NONE;
	if (same)
		return STATE_SAME;
	/* Addresses of mappings: the distance is much shorter. Small numbers repeat better as
	 * they are. */
	if (value >> 21 && delta < value) {
		put_varint(&batch->columns[COLUMN_RESULT], delta);
		return STATE_DELTA;
	}
	put_varint(&batch->columns[COLUMN_RESULT], value);
	return STATE_VALUE;
}

/* Most arguments of a call are what they were the last time. */
static void put_args(struct lm_batch *batch, const uint64_t *args, struct call_memory *last)
{
	uint8_t mask = 0;

	for (unsigned int i = 0; i < LM_EVENT_ARGS; i++) {
		if (args[i] == last->args[i])
			continue;
		mask |= (uint8_t)(1u << i);
		put_varint(&batch->columns[COLUMN_CALL_ARGS + i],
			zigzag((int64_t)(args[i] - last->args[i])));
		last->args[i] = args[i];
	}
	put_byte(&batch->columns[COLUMN_CALL_MASK], mask);
}

static void put_content(struct lm_batch *batch, const struct lm_event_content *content)
{
	put_varint(&batch->columns[COLUMN_CONTENT_OFFSET], content->offset);
	put_varint(&batch->columns[COLUMN_CONTENT_SIZE], content->len);
	put_varint(&batch->columns[COLUMN_CONTENT_TERMINAL], content->terminal);
	lm_buffer_append(&batch->columns[COLUMN_CONTENT], content->bytes, content->len);
}

static void put_shape(struct lm_batch *batch, uint32_t kind, uint32_t states)
{
	uint32_t shape = dictionary_number(&batch->shapes, (uint64_t)kind << STATE_BITS | states);

	if (shape < SHAPE_WIDE) {
		put_byte(&batch->columns[COLUMN_SHAPE], (uint8_t)shape);
		return;
	}
	put_byte(&batch->columns[COLUMN_SHAPE], SHAPE_WIDE);
	put_varint(&batch->columns[COLUMN_WIDE_SHAPE], shape);
}

/* What the events of one thread before this one had. */
struct thread_memory {
	lm_object_id object, name;
	uint16_t cpu;
	uint64_t end_ns;
};

static void put_event(struct lm_batch *batch, const struct lm_event *ev,
	struct thread_memory *thread)
{
	uint64_t key = (uint64_t)ev->op << 32 | (uint64_t)ev->call << 16 | ev->flags;
	uint32_t kinds = batch->kinds.count;
	uint32_t kind = dictionary_number(&batch->kinds, key);
	struct kind_memory *memory = &batch->memories[kind];
	uint32_t states;

	if (batch->kinds.count != kinds) {
		*memory = (struct kind_memory){ 0 };
		if (ev->args)
			batch->calls[kind] = (struct call_memory){ 0 };
	}
	states = put_id(batch, ev->name, &thread->name, &memory->name) << STATE_NAME_SHIFT;
	states |= put_id(batch, ev->name2, &thread->name, &memory->name2) << STATE_NAME2_SHIFT;
	states |= put_id(batch, ev->object, &thread->object, &memory->object)
		<< STATE_OBJECT_SHIFT;
	states |= put_id(batch, ev->object2, &thread->object, &memory->object2)
		<< STATE_OBJECT2_SHIFT;
	states |= put_arg(batch, ev->arg, &memory->arg) << STATE_ARG_SHIFT;
	states |= put_result(batch, ev->result, &memory->result) << STATE_RESULT_SHIFT;
	if (ev->cpu != thread->cpu) {
		states |= 1u << STATE_CPU_SHIFT;
		put_varint(&batch->columns[COLUMN_CPU], zigzag((int64_t)ev->cpu - thread->cpu));
		thread->cpu = ev->cpu;
	}
	if (ev->flags & LM_EVENT_TIMED)
		put_varint(&batch->columns[COLUMN_SPAN],
			ev->begin_ns < ev->end_ns ? ev->end_ns - ev->begin_ns : 0);
	if (ev->args)
		put_args(batch, ev->args, &batch->calls[kind]);
	if (ev->content)
		put_content(batch, ev->content);
	put_shape(batch, kind, states);
}

static void put_group(struct lm_batch *batch, const struct thread_group *group)
{
	const struct lm_event *first = &batch->events[batch->order[group->start]];
	struct thread_memory thread = { .cpu = first->cpu, .end_ns = first->end_ns };

	put_event(batch, first, &thread);
	for (uint32_t i = 1; i < group->count; i++) {
		const struct lm_event *ev = &batch->events[batch->order[group->start + i]];
		uint64_t delta = ev->end_ns - thread.end_ns;

		put_varint(&batch->columns[COLUMN_TIME_HIGH], delta >> 8);
		put_byte(&batch->columns[COLUMN_TIME_LOW], (uint8_t)delta);
		thread.end_ns = ev->end_ns;
		put_event(batch, ev, &thread);
	}
}

static void append_thread_rows(struct lm_batch *batch, uint64_t base_ns)
{
	struct lm_buffer *column = &batch->columns[COLUMN_THREADS];
	const struct lm_event *last = NULL;

	for (uint32_t t = 0; t < batch->threads.count; t++) {
		const struct thread_group *group = &batch->groups[t];
		const struct lm_event *ev = &batch->events[batch->order[group->start]];

		lm_buffer_append_svarint(column,
			(int64_t)ev->actor - (last ? (int64_t)last->actor : 0));
		lm_buffer_append_svarint(
			column, (int64_t)ev->tid - (last ? (int64_t)last->tid : 0));
		lm_buffer_append_varint(column, group->count);
		lm_buffer_append_varint(column, ev->cpu);
		lm_buffer_append_svarint(column, (int64_t)(ev->end_ns - base_ns));
		last = ev;
	}
}

static void append_table_rows(struct lm_batch *batch)
{
	for (uint32_t i = 0; i < batch->kinds.count; i++) {
		uint64_t key = batch->kinds.keys[i];

		lm_buffer_append_varint(&batch->columns[COLUMN_KINDS], key >> 32);
		lm_buffer_append_varint(&batch->columns[COLUMN_KINDS], key >> 16 & UINT16_MAX);
		lm_buffer_append_varint(&batch->columns[COLUMN_KINDS], key & UINT16_MAX);
	}
	for (uint32_t i = 0; i < batch->shapes.count; i++) {
		uint64_t key = batch->shapes.keys[i];

		lm_buffer_append_varint(&batch->columns[COLUMN_SHAPES], key >> STATE_BITS);
		lm_buffer_append_varint(&batch->columns[COLUMN_SHAPES],
			key & ((1u << STATE_BITS) - 1));
	}
}

/* All events in the order in which a reader numbers them, in batch->entries. */
static void merge_threads(struct lm_batch *batch)
{
	for (uint32_t i = 0; i < batch->event_count; i++)
		batch->entries[i].end_ns = batch->events[batch->order[i]].end_ns;
	lm_codec_sort(batch->entries, batch->spare, batch->runs, batch->event_count);
}

/* The first event from `from` on that does not end before. */
static uint32_t find_moment(const struct lm_batch *batch, uint32_t from, uint64_t time_ns)
{
	uint32_t to = batch->event_count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (batch->entries[middle].end_ns < time_ns)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* An object is nearly always defined for an event, at the event's own time. */
static void append_moments(struct lm_batch *batch)
{
	uint64_t last_ns = 0;
	uint32_t last = 0;

	if (batch->object_count == 0)
		return;
	merge_threads(batch);
	for (uint32_t i = 0; i < batch->object_count; i++) {
		uint64_t time_ns = batch->object_times[i];
		uint32_t at = find_moment(batch, last, time_ns);

		if (at < batch->event_count && batch->entries[at].end_ns == time_ns) {
			lm_buffer_append_varint(&batch->columns[COLUMN_OBJECT_MOMENT],
				at - last + 1);
			last = at;
			continue;
		}
		lm_buffer_append_varint(&batch->columns[COLUMN_OBJECT_MOMENT], 0);
		lm_buffer_append_svarint(&batch->columns[COLUMN_OBJECT_TIME],
			(int64_t)(time_ns - last_ns));
		last_ns = time_ns;
	}
}

/* Which fields of objects have columns, and how long those are. */
static void append_field_sizes(const struct lm_batch *batch, struct lm_buffer *out)
{
	uint32_t count = 0, last = 0;

	for (uint32_t i = 0; i < FIELD_COLUMN_COUNT; i++)
		count += batch->fields[i].len > 0;
	lm_buffer_append_varint(out, count);
	for (uint32_t i = 0; i < FIELD_COLUMN_COUNT; i++) {
		uint32_t number = i / OBJECT_SCALARS_MAX * FIELDS_OF_A_KIND +
			i % OBJECT_SCALARS_MAX;

		if (batch->fields[i].len == 0)
			continue;
		lm_buffer_append_varint(out, number - last);
		lm_buffer_append_varint(out, batch->fields[i].len);
		last = number;
	}
}

static void append_columns(const struct lm_batch *batch, enum column from, enum column to,
	struct lm_buffer *out)
{
	for (unsigned int i = from; i <= to; i++)
		lm_buffer_append(out, batch->columns[i].data, batch->columns[i].len);
}

static int append_payload(const struct lm_batch *batch, struct lm_buffer *out,
	struct lm_batch_parts *parts)
{
	size_t start = out->len;

	lm_buffer_append_varint(out, batch->object_count);
	lm_buffer_append_varint(out, batch->binding_count);
	lm_buffer_append_varint(out, batch->gap_count);
	lm_buffer_append_varint(out, batch->event_count);
	lm_buffer_append_varint(out, batch->threads.count);
	lm_buffer_append_varint(out, batch->kinds.count);
	lm_buffer_append_varint(out, batch->shapes.count);
	for (unsigned int i = 0; i < COLUMN_COUNT; i++) {
		if (lm_buffer_status(&batch->columns[i]) < 0)
			return -ENOMEM;
		lm_buffer_append_varint(out, batch->columns[i].len);
	}
	append_field_sizes(batch, out);
	append_columns(batch, 0, COLUMN_NUMBERS_END, out);
	for (uint32_t i = 0; i < FIELD_COLUMN_COUNT; i++)
		lm_buffer_append(out, batch->fields[i].data, batch->fields[i].len);
	parts->bytes[LM_BATCH_NUMBERS] = out->len - start;
	append_columns(batch, COLUMN_STRING, COLUMN_CONTENT, out);
	parts->bytes[LM_BATCH_TEXT] = batch->columns[COLUMN_STRING].len +
		batch->columns[COLUMN_CONTENT].len;
	append_columns(batch, COLUMN_TIME_LOW, COLUMN_TIME_LOW, out);
	parts->bytes[LM_BATCH_NOISE] = batch->columns[COLUMN_TIME_LOW].len;
	return lm_buffer_status(out);
}

int lm_batch_encode(struct lm_batch *batch, uint64_t base_ns, struct lm_buffer *out,
	struct lm_batch_parts *ret_parts)
{
	struct lm_batch_parts parts;
	size_t len = out->len;
	int r;

	lm_dictionary_reset(&batch->threads);
	lm_dictionary_reset(&batch->kinds);
	lm_dictionary_reset(&batch->shapes);
	lm_buffer_reset(&batch->columns[COLUMN_OBJECT_MOMENT]);
	lm_buffer_reset(&batch->columns[COLUMN_OBJECT_TIME]);
	for (unsigned int i = COLUMN_THREADS; i < COLUMN_COUNT; i++)
		if (i != COLUMN_STRING)
			lm_buffer_reset(&batch->columns[i]);
	batch->last_id = LM_OBJECT_NONE;
	group_by_thread(batch);
	for (uint32_t t = 0; t < batch->threads.count; t++) {
		sort_group(batch, &batch->groups[t]);
		put_group(batch, &batch->groups[t]);
	}
	append_thread_rows(batch, base_ns);
	append_table_rows(batch);
	append_moments(batch);
	r = append_payload(batch, out, &parts);
	if (r < 0) {
		out->len = len;
		return r;
	}
	*ret_parts = parts;
	return 0;
}
