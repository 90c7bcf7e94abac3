/* SPDX-License-Identifier: MIT */
#include "lemona/graph/select.h"

#include "index-private.h"

/* Frames may overlap by some milliseconds, so that times do not rise with numbers everywhere. */
#define DISORDER_NS UINT64_C(1000000000)

struct lm_select_cursor {
	const struct lm_index *index;
	struct lm_select select;
	bool some_ops;
	size_t at, end; /* positions that are left */
};

/* The first position with a number of at least `id`. */
static size_t position_of(const struct lm_index *index, uint64_t id)
{
	size_t low = 0, high = index->events.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->events.at[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int lm_select_open(const struct lm_index *index, const struct lm_select *select,
		   struct lm_select_cursor **ret_cursor)
{
	struct lm_select_cursor *cursor = calloc(1, sizeof(*cursor));

	if (!cursor)
		return -ENOMEM;
	cursor->index = index;
	cursor->select = *select;
	cursor->some_ops = select->ops[0] || select->ops[1];
	cursor->at = position_of(index, select->first_event);
	cursor->end = select->last_event == UINT64_MAX ? index->events.count :
							 position_of(index, select->last_event + 1);
	*ret_cursor = cursor;
	return 0;
}

struct lm_select_cursor *lm_select_close(struct lm_select_cursor *cursor)
{
	free(cursor);
	return NULL;
}

static bool holds(const lm_object_id *sorted, size_t count, lm_object_id id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sorted[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && sorted[low] == id && id != LM_OBJECT_NONE;
}

static bool touches(const struct lm_select *select, const struct lm_event *event)
{
	const lm_object_id *set = select->touching;
	size_t count = select->touching_count;

	return !set || holds(set, count, event->object) || holds(set, count, event->object2) ||
	       holds(set, count, event->name) || holds(set, count, event->name2);
}

static bool fits(const struct lm_select_cursor *cursor, const struct lm_event *event)
{
	const struct lm_select *select = &cursor->select;

	if (event->end_ns < select->since_ns || event->end_ns > select->until_ns)
		return false;
	if (cursor->some_ops && !(select->ops[event->op / 64 % 2] >> (event->op % 64) & 1))
		return false;
	if (select->actors && !holds(select->actors, select->actor_count, event->actor))
		return false;
	return touches(select, event);
}

int lm_select_next(struct lm_select_cursor *cursor, struct lm_event *ret_event)
{
	const uint64_t until_ns = cursor->select.until_ns;

	while (cursor->at < cursor->end) {
		const struct lm_event *event = &cursor->index->events.at[cursor->at++];

		if (event->end_ns > until_ns && event->end_ns - until_ns > DISORDER_NS) {
			cursor->at = cursor->end;
			return 0;
		}
		if (!fits(cursor, event))
			continue;
		*ret_event = *event;
		ret_event->args = NULL;
		ret_event->content = NULL;
		return 1;
	}
	return 0;
}

/* A wall time on one stretch of the clock; 0 and UINT64_MAX: before and after all that it has. */
static uint64_t boot_time(uint64_t wall_ns, int64_t offset_ns)
{
	uint64_t boot_ns = 0;

	if (!__builtin_sub_overflow(wall_ns, offset_ns, &boot_ns))
		return boot_ns;
	return offset_ns > 0 ? 0 : UINT64_MAX;
}

static bool is_before_boot(uint64_t wall_ns, int64_t offset_ns)
{
	return offset_ns > 0 && wall_ns < (uint64_t)offset_ns;
}

bool lm_index_boot_window(const struct lm_index *index, uint64_t since_wall_ns,
			  uint64_t until_wall_ns, uint64_t *ret_since_ns, uint64_t *ret_until_ns)
{
	uint64_t since_ns = UINT64_MAX, until_ns = 0;

	for (size_t i = 0; i < index->offsets.count || i == 0; i++) {
		bool last = i + 1 >= index->offsets.count;
		int64_t offset = index->offsets.count ? index->offsets.at[i].offset_ns : 0;
		uint64_t from_ns = i > 0 ? index->offsets.at[i].from_ns : 0;
		uint64_t to_ns = last ? UINT64_MAX : index->offsets.at[i + 1].from_ns;
		uint64_t begin_ns = boot_time(since_wall_ns, offset);
		uint64_t end_ns = until_wall_ns == UINT64_MAX ?
			UINT64_MAX : boot_time(until_wall_ns, offset);

		begin_ns = begin_ns > from_ns ? begin_ns : from_ns;
		end_ns = end_ns < to_ns ? end_ns : to_ns;
		if (begin_ns > end_ns || is_before_boot(until_wall_ns, offset))
			continue;
		since_ns = begin_ns < since_ns ? begin_ns : since_ns;
		until_ns = end_ns > until_ns ? end_ns : until_ns;
	}
	if (since_ns > until_ns)
		return false;
	*ret_since_ns = since_ns;
	*ret_until_ns = until_ns;
	return true;
}
