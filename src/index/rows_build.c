/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lemona/base/hash.h"
#include "rows_build.h"

/*
 * From events to rows: like events of one frame share a row.
 */
#define EVENTS_A_PART (1u << 20)
#define ROWS_A_PART   (1u << 18)
/* A frame has no more events than this; twice the room keeps probing short. */
#define SLOTS (2u * 16384u)

int lm_rows_builder_new(struct lm_rows_builder **ret_builder)
{
	struct lm_rows_builder *builder = calloc(1, sizeof(*builder));

	if (builder)
		builder->slots = calloc(SLOTS, sizeof(*builder->slots));
	if (!builder || !builder->slots) {
		lm_rows_builder_free(builder);
		return -ENOMEM;
	}
	builder->generation = 1;
	*ret_builder = builder;
	return 0;
}

struct lm_rows_builder *lm_rows_builder_free(struct lm_rows_builder *builder)
{
	if (!builder)
		return NULL;
	free(builder->slots);
	free(builder->rows.at);
	free(builder->frames.at);
	free(builder->sinks.at);
	lm_map_release(&builder->is_sink);
	lm_map_release(&builder->is_channel);
	lm_map_release(&builder->heard);
	lasting_release(&builder->lasting);
	free(builder);
	return NULL;
}

int lm_rows_builder_frame(struct lm_rows_builder *builder, const struct lm_row_frame *frame)
{
	size_t count = builder->frames.count;

	if (lm_array_reserve(builder->frames.at, builder->frames.capacity, count + 1) < 0)
		return -ENOMEM;
	builder->frames.at[count] = *frame;
	builder->frames.count = count + 1;
	builder->generation++;
	builder->slots_used = 0;
	return 0;
}

int lm_rows_builder_object(struct lm_rows_builder *builder, const struct lm_object *object)
{
	size_t count = builder->sinks.count;

	if (object->kind == LM_OBJECT_KIND_SOCKET || object->kind == LM_OBJECT_KIND_PIPE)
		return lm_map_put(&builder->is_channel, object->id, 1);
	if (object->kind != LM_OBJECT_KIND_FILE || !lm_file_is_sink(&object->file) ||
	    lm_map_get(&builder->is_sink, object->id))
		return 0;
	if (lm_map_put(&builder->is_sink, object->id, 1) < 0 ||
	    lm_array_reserve(builder->sinks.at, builder->sinks.capacity, count + 1) < 0)
		return -ENOMEM;
	builder->sinks.at[count] = object->id;
	builder->sinks.count = count + 1;
	return 0;
}

static bool has_result_of_its_own(const struct lm_event *event)
{
	return !lm_op_moves_bytes(event->op) || event->result < 0;
}

static uint64_t hash_of(const struct lm_event *event)
{
	uint64_t hash = lm_hash_mix((uint64_t)event->actor << 32 | event->tid);

	hash = lm_hash_mix(hash ^ ((uint64_t)event->object << 32 | event->name));
	hash = lm_hash_mix(hash ^ ((uint64_t)event->object2 << 32 | event->name2));
	return lm_hash_mix(hash ^ ((uint64_t)event->op << 32 | (uint32_t)event->flags << 16 |
				   event->call));
}

static bool is_like(const struct lm_row *row, const struct lm_event *event)
{
	return row->actor == event->actor && row->tid == event->tid && row->op == event->op &&
	       row->call == event->call && row->flags == event->flags &&
	       row->object == event->object && row->name == event->name &&
	       row->object2 == event->object2 && row->name2 == event->name2 &&
	       (event->op == LM_OP_WRITE || row->arg == event->arg) &&
	       (has_result_of_its_own(event) ? row->result == event->result : row->result >= 0);
}

/* What lasts has an end of its own, and what stands beside the actions is told one by one. */
static bool may_share(const struct lm_event *event)
{
	return event->op != LM_OP_MMAP && event->op != LM_OP_MPROTECT && event->op != LM_OP_FORK &&
	       event->op != LM_OP_CALL && event->op != LM_OP_RUN;
}

/*
 * Which of its inputs a process heard last decides what it did next: a run of reads ends when it
 * reads from another socket or pipe. @return 0; -ENOMEM
 */
static int find_turn(struct lm_rows_builder *builder, const struct lm_event *event,
		     uint32_t *ret_turn)
{
	uint64_t *heard;
	uint32_t turn = 1;

	*ret_turn = 0;
	if ((event->op != LM_OP_READ && event->op != LM_OP_RECV) ||
	    !lm_map_get(&builder->is_channel, event->object))
		return 0;
	heard = lm_map_get(&builder->heard, event->actor);
	if (heard)
		turn = (uint32_t)*heard + (*heard >> 32 != event->object);
	*ret_turn = turn;
	return lm_map_put(&builder->heard, event->actor, (uint64_t)event->object << 32 | turn);
}

/* The row of this frame that the event belongs to, or the slot where its own goes. */
static struct row_slot *find_slot(struct lm_rows_builder *builder, const struct lm_event *event,
				  uint32_t turn)
{
	size_t i = hash_of(event) & (SLOTS - 1);

	for (;; i = (i + 1) & (SLOTS - 1)) {
		struct row_slot *slot = &builder->slots[i];

		if (slot->generation != builder->generation ||
		    (slot->turn == turn && is_like(&builder->rows.at[slot->row], event)))
			return slot;
	}
}

/* A log may claim any number of repeats: where the sum has no room, it is the most there can be. */
static uint32_t add_count(uint32_t count, uint64_t more)
{
	return more < UINT32_MAX - count ? count + (uint32_t)more : UINT32_MAX;
}

static void extend_row(struct lm_row *row, const struct lm_event *event)
{
	if (event->end_ns > row->end_ns)
		row->end_ns = event->end_ns;
	if (event->begin_ns < row->begin_ns)
		row->begin_ns = event->begin_ns;
	row->until_ns = row->end_ns;
	row->count = add_count(row->count, lm_event_count(event));
	if (!has_result_of_its_own(event) &&
	    __builtin_add_overflow(row->result, event->result, &row->result))
		row->result = INT64_MAX;
}

static int add_row(struct lm_rows_builder *builder, const struct lm_event *event)
{
	size_t count = builder->rows.count;

	if (lm_array_reserve(builder->rows.at, builder->rows.capacity, count + 1) < 0)
		return -ENOMEM;
	builder->rows.at[count] = (struct lm_row){
		.event = event->id, .begin_ns = event->begin_ns, .end_ns = event->end_ns,
		.until_ns = event->end_ns, .arg = event->arg, .result = event->result,
		.actor = event->actor, .object = event->object, .object2 = event->object2,
		.name = event->name, .name2 = event->name2, .tid = event->tid,
		.count = add_count(0, lm_event_count(event)),
		.op = event->op, .call = event->call, .flags = event->flags,
		.cpu = event->cpu,
	};
	builder->rows.count = count + 1;
	return 0;
}

int lm_rows_builder_event(struct lm_rows_builder *builder, const struct lm_event *event)
{
	struct row_slot *slot = NULL;
	uint32_t turn;
	bool lasts;
	int r = find_turn(builder, event, &turn);

	if (r < 0)
		return r;

	builder->events++;
	builder->last_event = event->id;
	if (builder->first_event == 0)
		builder->first_event = event->id;
	/* A hostile frame may have more events than a table has room for: those share nothing. */
	if (may_share(event) && builder->slots_used < SLOTS / 2) {
		slot = find_slot(builder, event, turn);
		if (slot->generation == builder->generation) {
			extend_row(&builder->rows.at[slot->row], event);
			return lasting_follow(&builder->lasting, event, false, builder->rows.at,
					      slot->row);
		}
	}
	r = add_row(builder, event);
	if (r < 0)
		return r;
	if (slot) {
		*slot = (struct row_slot){
			builder->generation, (uint32_t)builder->rows.count - 1, turn,
		};
		builder->slots_used++;
	}
	lasts = row_lasts(&builder->rows.at[builder->rows.count - 1]);
	if (lasts)
		builder->rows.at[builder->rows.count - 1].until_ns = UINT64_MAX;
	return lasting_follow(&builder->lasting, event, lasts, builder->rows.at,
			      (uint32_t)builder->rows.count - 1);
}

bool lm_rows_builder_is_full(const struct lm_rows_builder *builder)
{
	return builder->events >= EVENTS_A_PART || builder->rows.count >= ROWS_A_PART;
}

bool lm_rows_builder_is_empty(const struct lm_rows_builder *builder)
{
	return builder->rows.count == 0;
}

int lm_rows_builder_write(struct lm_rows_builder *builder, int fd,
			  const uint8_t log_id[LM_PART_IDENTITY_BYTES])
{
	int r = rows_write(builder, fd, log_id);

	lasting_cut(&builder->lasting);
	builder->rows.count = 0;
	builder->frames.count = 0;
	builder->events = 0;
	builder->first_event = 0;
	builder->generation++;
	builder->slots_used = 0;
	return r;
}
