/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "codec_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

struct kind_row {
	uint16_t op, call, flags;
	struct kind_memory memory;
};

struct shape_row {
	uint16_t kind;
	uint32_t states;
};

enum stage { STAGE_OBJECTS, STAGE_BINDINGS, STAGE_GAPS, STAGE_EVENTS };

struct lm_batch_reader {
	struct lm_bytes columns[COLUMN_COUNT];
	struct lm_bytes fields[FIELD_COLUMN_COUNT];
	uint32_t object_count, binding_count, gap_count, event_count;
	uint32_t thread_count, kind_count, shape_count;
	uint64_t first_event;

	enum stage stage;
	uint32_t done; /* items of this stage handed out */
	struct object_memory objects;
	uint32_t moment;  /* event at whose time an object was defined last */
	uint64_t time_ns; /* the last that an object had of its own */
	struct lm_binding last_binding;

	lm_object_id last_id;
	struct kind_row kinds[LM_BATCH_MAX_EVENTS];
	struct shape_row shapes[LM_BATCH_MAX_EVENTS];
	struct lm_event events[LM_BATCH_MAX_EVENTS]; /* thread by thread */
	struct call_memory calls[LM_BATCH_MAX_EVENTS]; /* last of each kind */
	uint64_t args[LM_BATCH_MAX_EVENTS][LM_EVENT_ARGS]; /* of calls, as they come */
	struct lm_event_content contents[LM_BATCH_MAX_EVENTS];
	uint32_t call_count, content_count;
	struct sort_entry order[LM_BATCH_MAX_EVENTS], spare[LM_BATCH_MAX_EVENTS];
	uint32_t runs[LM_BATCH_MAX_EVENTS + 1];
};

/* One-byte values are nearly all there are. */
static inline uint64_t take_varint(struct lm_bytes *in)
{
	if (!in->bad && in->pos < in->end && *in->pos < 0x80)
		return *in->pos++;
	return lm_bytes_varint(in);
}

static inline uint8_t take_byte(struct lm_bytes *in)
{
	if (!in->bad && in->pos < in->end)
		return *in->pos++;
	in->bad = true;
	return 0;
}

static inline int64_t unzigzag(uint64_t v)
{
	return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

/* A varint of at most `max`; marks the cursor otherwise. */
static uint64_t take_bounded(struct lm_bytes *in, uint64_t max)
{
	uint64_t v = take_varint(in);

	if (v > max) {
		in->bad = true;
		return 0;
	}
	return v;
}

static struct lm_bytes take_column(struct lm_bytes *in, uint64_t size)
{
	struct lm_str bytes = lm_bytes_str(in, (size_t)size);

	return lm_bytes_from(bytes.data, bytes.len);
}

/* Columns of objects' fields: those that there are say which they are. */
static int take_field_sizes(struct lm_bytes *in, uint64_t sizes[FIELD_COLUMN_COUNT])
{
	uint64_t count = take_bounded(in, FIELD_COLUMN_COUNT), number = 0;

	memset(sizes, 0, FIELD_COLUMN_COUNT * sizeof(*sizes));
	for (uint64_t i = 0; i < count; i++) {
		uint64_t more = take_bounded(in, UINT16_MAX);

		number += more;
		if (more == 0 || number / FIELDS_OF_A_KIND > LM_OBJECT_KIND_MAX ||
			number % FIELDS_OF_A_KIND >= OBJECT_SCALARS_MAX)
			return -LM_E_DAMAGED;
		sizes[field_column((unsigned int)(number / FIELDS_OF_A_KIND),
			number % FIELDS_OF_A_KIND)] = take_bounded(in, LM_BATCH_MAX_BYTES);
	}
	return 0;
}

static int take_header(struct lm_batch_reader *reader, struct lm_bytes *in)
{
	uint64_t sizes[COLUMN_COUNT], field_sizes[FIELD_COLUMN_COUNT];

	reader->object_count = (uint32_t)take_bounded(in, LM_BATCH_MAX_OBJECTS);
	reader->binding_count = (uint32_t)take_bounded(in, LM_BATCH_MAX_BYTES);
	reader->gap_count = (uint32_t)take_bounded(in, LM_BATCH_MAX_BYTES);
	reader->event_count = (uint32_t)take_bounded(in, LM_BATCH_MAX_EVENTS);
	reader->thread_count = (uint32_t)take_bounded(in, reader->event_count);
	reader->kind_count = (uint32_t)take_bounded(in, reader->event_count);
	reader->shape_count = (uint32_t)take_bounded(in, reader->event_count);
	for (unsigned int i = 0; i < COLUMN_COUNT; i++)
		sizes[i] = take_bounded(in, LM_BATCH_MAX_BYTES);
	if (take_field_sizes(in, field_sizes) < 0)
		return -LM_E_DAMAGED;
	for (unsigned int i = 0; i <= COLUMN_NUMBERS_END; i++)
		reader->columns[i] = take_column(in, sizes[i]);
	for (unsigned int i = 0; i < FIELD_COLUMN_COUNT; i++)
		reader->fields[i] = take_column(in, field_sizes[i]);
	for (unsigned int i = COLUMN_STRING; i < COLUMN_COUNT; i++)
		reader->columns[i] = take_column(in, sizes[i]);
	return in->bad || lm_bytes_left(in) != 0 ? -LM_E_DAMAGED : 0;
}

static bool is_used_up(const struct lm_bytes *column)
{
	return !column->bad && lm_bytes_left(column) == 0;
}

static int take_tables(struct lm_batch_reader *reader)
{
	struct lm_bytes *in = &reader->columns[COLUMN_KINDS];

	for (uint32_t i = 0; i < reader->kind_count; i++) {
		struct kind_row *kind = &reader->kinds[i];

		*kind = (struct kind_row){ 0 };
		kind->op = (uint16_t)take_bounded(in, LM_OP_MAX);
		kind->call = (uint16_t)take_bounded(in, UINT16_MAX);
		kind->flags = (uint16_t)take_bounded(in, UINT16_MAX);
		if (kind->op == LM_OP_CALL)
			reader->calls[i] = (struct call_memory){ 0 };
	}
	in = &reader->columns[COLUMN_SHAPES];
	for (uint32_t i = 0; i < reader->shape_count; i++) {
		struct shape_row *shape = &reader->shapes[i];

		shape->kind = (uint16_t)take_bounded(in, LM_BATCH_MAX_EVENTS - 1);
		shape->states = (uint32_t)take_bounded(in, (1u << STATE_BITS) - 1);
		if (shape->kind >= reader->kind_count)
			in->bad = true;
	}
	if (!is_used_up(&reader->columns[COLUMN_KINDS]) || !is_used_up(in))
		return -LM_E_DAMAGED;
	return 0;
}

/* `thread_last` and `kind_last` are where put_id() of the writing side had them. */
static inline lm_object_id take_id(struct lm_batch_reader *reader, uint32_t state,
	lm_object_id *thread_last, lm_object_id *kind_last)
{
	struct lm_bytes *near = &reader->columns[COLUMN_NEAR];
	uint64_t id;

	switch (state & STATE_ID_MASK) {
	case STATE_NONE:
		return LM_OBJECT_NONE;
	case STATE_THREAD:
		id = *thread_last;
		break;
	case STATE_KIND:
		id = *kind_last;
		break;
	case STATE_NEAR:
		id = reader->last_id + (uint64_t)unzigzag(take_varint(near));
		break;
	case STATE_FAR:
		id = take_varint(&reader->columns[COLUMN_FAR]);
		break;
	default:
		near->bad = true;
		return LM_OBJECT_NONE;
	}
	if (id == LM_OBJECT_NONE || id > UINT32_MAX) {
		near->bad = true;
		return LM_OBJECT_NONE;
	}
	if ((state & STATE_ID_MASK) >= STATE_NEAR)
		reader->last_id = (lm_object_id)id;
	*thread_last = (lm_object_id)id;
	*kind_last = (lm_object_id)id;
	return (lm_object_id)id;
}

static inline uint64_t take_arg(struct lm_batch_reader *reader, uint32_t state, uint64_t *kind_last)
{
	struct lm_bytes *in = &reader->columns[COLUMN_ARG];

	switch (state & STATE_VALUE_MASK) {
	case STATE_NONE:
		*kind_last = 0;
		break;
	case STATE_SAME:
		break;
	case STATE_VALUE:
		*kind_last = take_varint(in);
		break;
	default:
		in->bad = true;
	}
	return *kind_last;
}

static inline int64_t take_result(struct lm_batch_reader *reader, uint32_t state,
	int64_t *kind_last)
{
	struct lm_bytes *in = &reader->columns[COLUMN_RESULT];

	switch (state & STATE_VALUE_MASK) {
	case STATE_NONE:
		*kind_last = 0;
		break;
	case STATE_SAME:
		break;
	case STATE_VALUE:
		*kind_last = unzigzag(take_varint(in));
		break;
	case STATE_DELTA:
		*kind_last = (int64_t)((uint64_t)*kind_last + (uint64_t)unzigzag(take_varint(in)));
		break;
	}
	return *kind_last;
}

static inline const struct shape_row *take_shape(struct lm_batch_reader *reader)
{
	uint64_t shape = take_byte(&reader->columns[COLUMN_SHAPE]);

	if (shape == SHAPE_WIDE)
		shape = take_varint(&reader->columns[COLUMN_WIDE_SHAPE]);
	return shape < reader->shape_count ? &reader->shapes[shape] : NULL;
}

static const uint64_t *take_args(struct lm_batch_reader *reader, struct call_memory *last)
{
	struct lm_bytes *mask_in = &reader->columns[COLUMN_CALL_MASK];
	uint64_t *args = reader->args[reader->call_count++];
	uint8_t mask = take_byte(mask_in);

	if (mask >> LM_EVENT_ARGS)
		mask_in->bad = true;
	for (unsigned int i = 0; i < LM_EVENT_ARGS; i++) {
		if (mask >> i & 1)
			last->args[i] += (uint64_t)unzigzag(
				take_varint(&reader->columns[COLUMN_CALL_ARGS + i]));
		args[i] = last->args[i];
	}
	return args;
}

/* @return NULL: damaged */
static const struct lm_event_content *take_content(struct lm_batch_reader *reader)
{
	struct lm_event_content *content = &reader->contents[reader->content_count++];
	struct lm_bytes *size = &reader->columns[COLUMN_CONTENT_SIZE];
	struct lm_bytes *terminal = &reader->columns[COLUMN_CONTENT_TERMINAL];
	struct lm_str bytes;

	content->offset = take_varint(&reader->columns[COLUMN_CONTENT_OFFSET]);
	content->len = (uint32_t)take_bounded(size, LM_CONTENT_MAX_BYTES);
	content->terminal = (uint32_t)take_bounded(terminal, UINT32_MAX);
	bytes = lm_bytes_str(&reader->columns[COLUMN_CONTENT], content->len);
	content->bytes = (const uint8_t *)bytes.data;
	return content->len > 0 && bytes.len == content->len ? content : NULL;
}

/* What the events of one thread before this one had. */
struct thread_memory {
	lm_object_id actor, object, name;
	uint32_t tid;
	uint16_t cpu;
	uint64_t end_ns;
};

static int take_event(struct lm_batch_reader *reader, struct thread_memory *thread,
	struct lm_event *ev)
{
	const struct shape_row *shape = take_shape(reader);
	struct kind_memory *memory;
	uint32_t states;

	if (!shape)
		return -LM_E_DAMAGED;
	states = shape->states;
	memory = &reader->kinds[shape->kind].memory;
	*ev = (struct lm_event){
		.end_ns = thread->end_ns,
		.actor = thread->actor,
		.tid = thread->tid,
		.op = reader->kinds[shape->kind].op,
		.call = reader->kinds[shape->kind].call,
		.flags = reader->kinds[shape->kind].flags,
	};
	ev->name = take_id(reader, states >> STATE_NAME_SHIFT, &thread->name, &memory->name);
	ev->name2 = take_id(reader, states >> STATE_NAME2_SHIFT, &thread->name, &memory->name2);
	ev->object = take_id(reader, states >> STATE_OBJECT_SHIFT, &thread->object,
		&memory->object);
	ev->object2 = take_id(reader, states >> STATE_OBJECT2_SHIFT, &thread->object,
		&memory->object2);
	ev->arg = take_arg(reader, states >> STATE_ARG_SHIFT, &memory->arg);
	ev->result = take_result(reader, states >> STATE_RESULT_SHIFT, &memory->result);
	if (states >> STATE_CPU_SHIFT & 1) {
		struct lm_bytes *in = &reader->columns[COLUMN_CPU];
		int64_t cpu = (int64_t)(thread->cpu + (uint64_t)unzigzag(take_varint(in)));

		if (cpu < 0 || cpu > UINT16_MAX)
			return -LM_E_DAMAGED;
		thread->cpu = (uint16_t)cpu;
	}
	ev->cpu = thread->cpu;
	if (ev->flags & LM_EVENT_TIMED) {
		uint64_t span_ns = take_varint(&reader->columns[COLUMN_SPAN]);

		if (span_ns > ev->end_ns)
			return -LM_E_DAMAGED;
		ev->begin_ns = ev->end_ns - span_ns;
	}
	if (ev->op == LM_OP_CALL)
		ev->args = take_args(reader, &reader->calls[shape->kind]);
	if (ev->flags & LM_EVENT_CONTENT) {
		ev->content = take_content(reader);
		if (!ev->content)
			return -LM_E_DAMAGED;
	}
	return 0;
}

/* One thread's row and its events, from events[at]. */
static int take_group(struct lm_batch_reader *reader, uint64_t base_ns,
	struct thread_memory *thread, uint32_t at, uint32_t *ret_count)
{
	struct lm_bytes *in = &reader->columns[COLUMN_THREADS];
	uint64_t actor = thread->actor + (uint64_t)lm_bytes_svarint(in);
	uint64_t tid = thread->tid + (uint64_t)lm_bytes_svarint(in);
	uint32_t count = (uint32_t)take_bounded(in, reader->event_count - at);
	uint16_t cpu = (uint16_t)take_bounded(in, UINT16_MAX);
	uint64_t end_ns = base_ns + (uint64_t)lm_bytes_svarint(in);

	if (in->bad || actor > UINT32_MAX || tid > UINT32_MAX || count == 0)
		return -LM_E_DAMAGED;
	*thread = (struct thread_memory){ (lm_object_id)actor, 0, 0, (uint32_t)tid, cpu, end_ns };
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0) {
			uint64_t high = take_varint(&reader->columns[COLUMN_TIME_HIGH]);

			thread->end_ns += high << 8 | take_byte(&reader->columns[COLUMN_TIME_LOW]);
		}
		if (take_event(reader, thread, &reader->events[at + i]) < 0)
			return -LM_E_DAMAGED;
		reader->order[at + i] = (struct sort_entry){ thread->end_ns, at + i };
	}
	*ret_count = count;
	return 0;
}

static int take_events(struct lm_batch_reader *reader, uint64_t base_ns)
{
	struct thread_memory thread = { 0 };
	uint32_t at = 0;

	reader->last_id = LM_OBJECT_NONE;
	reader->call_count = reader->content_count = 0;
	for (uint32_t t = 0; t < reader->thread_count; t++) {
		uint32_t count = 0;

		if (take_group(reader, base_ns, &thread, at, &count) < 0)
			return -LM_E_DAMAGED;
		at += count;
	}
	if (at != reader->event_count)
		return -LM_E_DAMAGED;
	for (unsigned int i = COLUMN_THREADS; i < COLUMN_COUNT; i++)
		if (i != COLUMN_STRING && !is_used_up(&reader->columns[i]))
			return -LM_E_DAMAGED;
	lm_codec_sort(reader->order, reader->spare, reader->runs, reader->event_count);
	return 0;
}

int lm_batch_reader_load(struct lm_batch_reader *reader, const void *payload, size_t len,
	uint64_t base_ns, uint64_t first_event)
{
	struct lm_bytes in = lm_bytes_from(payload, len);
	int r;

	reader->first_event = first_event;
	reader->stage = STAGE_OBJECTS;
	reader->done = 0;
	memset(&reader->objects, 0, sizeof(reader->objects));
	reader->moment = 0;
	reader->time_ns = 0;
	reader->last_binding = (struct lm_binding){ 0 };
	r = len > LM_BATCH_MAX_BYTES ? -LM_E_DAMAGED : take_header(reader, &in);
	if (r == 0)
		r = take_tables(reader);
	if (r == 0)
		r = take_events(reader, base_ns);
	if (r < 0) {
		/* Nothing of it may be handed out. */
		reader->stage = STAGE_EVENTS;
		reader->event_count = 0;
	}
	return r;
}

int lm_batch_reader_new(const void *payload, size_t len, uint64_t base_ns, uint64_t first_event,
	struct lm_batch_reader **ret_reader)
{
	struct lm_batch_reader *reader = malloc(sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	r = lm_batch_reader_load(reader, payload, len, base_ns, first_event);
	if (r < 0) {
		free(reader);
		return r;
	}
	*ret_reader = reader;
	return 0;
}

struct lm_batch_reader *lm_batch_reader_free(struct lm_batch_reader *reader)
{
	free(reader);
	return NULL;
}

uint32_t lm_batch_reader_events(const struct lm_batch_reader *reader)
{
	return reader->event_count;
}

static int take_object(struct lm_batch_reader *reader, struct lm_object *ret_object)
{
	struct lm_bytes *in = &reader->columns[COLUMN_OBJECT_MOMENT];
	struct lm_object object;
	uint64_t step = take_bounded(in, LM_BATCH_MAX_EVENTS);
	int r = lm_object_take(reader->columns, reader->fields, &reader->objects, &object);

	if (r < 0)
		return r;
	if (step > 0) {
		reader->moment += (uint32_t)step - 1;
		if (reader->moment >= reader->event_count)
			return -LM_E_DAMAGED;
		object.time_ns = reader->order[reader->moment].end_ns;
	} else {
		struct lm_bytes *time = &reader->columns[COLUMN_OBJECT_TIME];

		reader->time_ns += (uint64_t)lm_bytes_svarint(time);
		object.time_ns = reader->time_ns;
		in->bad |= time->bad;
	}
	if (in->bad)
		return -LM_E_DAMAGED;
	*ret_object = object;
	return 0;
}

static int take_binding(struct lm_batch_reader *reader, struct lm_binding *ret_binding)
{
	struct lm_bytes *in = &reader->columns[COLUMN_BINDINGS];
	struct lm_binding *last = &reader->last_binding;
	uint64_t time_ns = last->time_ns + (uint64_t)lm_bytes_svarint(in);
	uint64_t file = last->file + (uint64_t)lm_bytes_svarint(in);
	uint64_t name = last->name + (uint64_t)lm_bytes_svarint(in);
	uint8_t flags = lm_bytes_u8(in);

	if (in->bad || file > UINT32_MAX || name > UINT32_MAX)
		return -LM_E_DAMAGED;
	*last = (struct lm_binding){ time_ns, (lm_object_id)file, (lm_object_id)name, flags };
	*ret_binding = *last;
	return 0;
}

static int take_gap(struct lm_batch_reader *reader, struct lm_gap *ret_gap)
{
	struct lm_bytes *in = &reader->columns[COLUMN_GAPS];
	struct lm_gap gap = { .begin_ns = take_varint(in) };

	gap.end_ns = gap.begin_ns + (uint64_t)lm_bytes_svarint(in);
	gap.count = take_varint(in);
	gap.kinds = take_varint(in);
	gap.tgid = (uint32_t)take_bounded(in, UINT32_MAX);
	gap.cpu = (uint16_t)take_bounded(in, UINT16_MAX);
	gap.reason = (uint16_t)take_bounded(in, UINT16_MAX);
	if (in->bad)
		return -LM_E_DAMAGED;
	*ret_gap = gap;
	return 0;
}

static bool are_objects_used_up(const struct lm_batch_reader *reader)
{
	for (unsigned int i = COLUMN_OBJECT_KIND; i <= COLUMN_OBJECT_TIME; i++)
		if (!is_used_up(&reader->columns[i]))
			return false;
	for (unsigned int i = 0; i < FIELD_COLUMN_COUNT; i++)
		if (!is_used_up(&reader->fields[i]))
			return false;
	return is_used_up(&reader->columns[COLUMN_STRING]);
}

/* Go on to the next stage; the columns of this one must then be used up. */
static int end_stage(struct lm_batch_reader *reader)
{
	bool used_up = true;

	switch (reader->stage) {
	case STAGE_OBJECTS:
		used_up = are_objects_used_up(reader);
		break;
	case STAGE_BINDINGS:
		used_up = is_used_up(&reader->columns[COLUMN_BINDINGS]);
		break;
	case STAGE_GAPS:
		used_up = is_used_up(&reader->columns[COLUMN_GAPS]);
		break;
	case STAGE_EVENTS: /* checked before the first was handed out */
		break;
	}
	if (!used_up)
		return -LM_E_DAMAGED;
	reader->stage++;
	reader->done = 0;
	return 0;
}

/* @return 1 with an item; 0 when this stage has no more; -LM_E_DAMAGED */
static int take_item(struct lm_batch_reader *reader, struct lm_item *item)
{
	int r = 0;

	switch (reader->stage) {
	case STAGE_OBJECTS:
		if (reader->done == reader->object_count)
			return 0;
		item->kind = LM_ITEM_OBJECT;
		r = take_object(reader, &item->object);
		break;
	case STAGE_BINDINGS:
		if (reader->done == reader->binding_count)
			return 0;
		item->kind = LM_ITEM_BINDING;
		r = take_binding(reader, &item->binding);
		break;
	case STAGE_GAPS:
		if (reader->done == reader->gap_count)
			return 0;
		item->kind = LM_ITEM_GAP;
		r = take_gap(reader, &item->gap);
		break;
	case STAGE_EVENTS:
		if (reader->done == reader->event_count)
			return 0;
		item->kind = LM_ITEM_EVENT;
		item->event = reader->events[reader->order[reader->done].index];
		item->event.id = reader->first_event + reader->done;
		break;
	}
	reader->done++;
	return r < 0 ? r : 1;
}

int lm_batch_reader_next(struct lm_batch_reader *reader, struct lm_item *ret_item)
{
	for (;;) {
		int r = take_item(reader, ret_item);

		if (r == 0 && reader->stage == STAGE_EVENTS)
			return 0;
		if (r == 0)
			r = end_stage(reader);
		if (r < 0) {
			/* After damage nothing more comes. */
			reader->stage = STAGE_EVENTS;
			reader->event_count = reader->done = 0;
		}
		if (r != 0)
			return r;
	}
}
