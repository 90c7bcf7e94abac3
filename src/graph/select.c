/* SPDX-License-Identifier: MIT */
#include "lemona/graph/select.h"

#include "index-private.h"
#include "lemona/event/codec.h"

/*
 * Part by part: the rows of the pages that may hold something of what is asked for, in the order of
 * their numbers. Where a row stands for several events, those of its frame are looked at.
 */
struct lm_select_cursor {
	const struct lm_index *index;
	struct lm_select select;
	bool some_ops;
	size_t part;                 /* the next one */
	TABLE(struct lm_row, rows);  /* of the present part, by number */
	size_t at;
	struct lm_event *frame;      /* events of a frame that is being handed out: a copy, since
				      * the store is asked other things meanwhile */
	size_t frame_capacity;
	uint32_t frame_at, frame_count;
	size_t frame_rows;           /* the first of its rows */
	struct lm_row *page;
};

struct lm_select_cursor *lm_select_close(struct lm_select_cursor *cursor)
{
	if (!cursor)
		return NULL;
	free(cursor->rows.at);
	free(cursor->page);
	free(cursor->frame);
	free(cursor);
	return NULL;
}

int lm_select_open(const struct lm_index *index, const struct lm_select *select,
		   struct lm_select_cursor **ret_cursor)
{
	struct lm_select_cursor *cursor = calloc(1, sizeof(*cursor));

	if (cursor)
		cursor->page = malloc(LM_ROWS_PAGE_MAX * sizeof(*cursor->page));
	if (!cursor || !cursor->page) {
		lm_select_close(cursor);
		return -ENOMEM;
	}
	cursor->index = index;
	cursor->select = *select;
	cursor->some_ops = select->ops[0] || select->ops[1];
	*ret_cursor = cursor;
	return 0;
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

	if (event->end_ns < select->since_ns || event->end_ns > select->until_ns ||
	    event->id < select->first_event || event->id > select->last_event)
		return false;
	if (cursor->some_ops && !(select->ops[event->op / 64 % 2] >> (event->op % 64) & 1))
		return false;
	if (select->actors && !holds(select->actors, select->actor_count, event->actor))
		return false;
	return touches(select, event);
}

/* Whether some event of a row may fit. */
static bool may_fit(const struct lm_select_cursor *cursor, const struct lm_row *row)
{
	const struct lm_select *select = &cursor->select;
	struct lm_event event = lm_row_event(row);

	if (row->event > select->last_event || row->end_ns < select->since_ns ||
	    row->begin_ns > select->until_ns)
		return false;
	/* Its events end, and are numbered, anywhere between: the rest is what fits() asks. */
	event.end_ns = select->since_ns;
	if (event.id < select->first_event)
		event.id = select->first_event;
	return fits(cursor, &event);
}

static bool page_may_fit(const struct lm_select *select, const struct lm_rows_page *page)
{
	/* A row's events lie in one frame, and so not far behind its first one. */
	return page->rows > 0 && page->first_event <= select->last_event &&
	       page->last_event + LM_BATCH_MAX_EVENTS >= select->first_event &&
	       page->begin_ns <= select->until_ns && page->until_ns >= select->since_ns;
}

static int add_rows(struct lm_select_cursor *cursor, struct lm_rows *part, uint32_t page)
{
	int count = lm_rows_read(part, page, cursor->page);

	for (int i = 0; i < count; i++) {
		if (!may_fit(cursor, &cursor->page[i]))
			continue;
		if (lm_array_reserve(cursor->rows.at, cursor->rows.capacity,
				     cursor->rows.count + 1) < 0)
			return -ENOMEM;
		cursor->rows.at[cursor->rows.count++] = cursor->page[i];
	}
	return count < 0 ? count : 0;
}

static int compare_pages(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The pages of the objects that were asked for. */
static int add_pages_of(struct lm_select_cursor *cursor, struct lm_rows *part,
			const lm_object_id *objects, size_t count)
{
	struct lm_buffer pages LM_BUFFER = LM_BUFFER_INIT;
	const uint32_t *at;
	size_t page_count;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = lm_rows_find(part, objects[i], UINT8_MAX, &pages);
	at = (const uint32_t *)pages.data;
	page_count = pages.len / sizeof(*at);
	if (page_count > 1)
		qsort(pages.data, page_count, sizeof(*at), compare_pages);
	for (size_t i = 0; i < page_count && r == 0; i++) {
		struct lm_rows_page page = lm_rows_page(part, at[i]);

		if ((i == 0 || at[i] != at[i - 1]) && page_may_fit(&cursor->select, &page))
			r = add_rows(cursor, part, at[i]);
	}
	return r;
}

static int add_all_pages(struct lm_select_cursor *cursor, struct lm_rows *part)
{
	int r = 0;

	for (uint32_t i = 0; i < lm_rows_page_count(part) && r == 0; i++) {
		struct lm_rows_page page = lm_rows_page(part, i);

		if (page_may_fit(&cursor->select, &page))
			r = add_rows(cursor, part, i);
	}
	return r;
}

static int compare_rows(const void *a, const void *b)
{
	const struct lm_row *x = a, *y = b;

	return x->event < y->event ? -1 : x->event > y->event;
}

/* @return 1 with the rows of the next part that has any; 0; a negative code */
static int next_part(struct lm_select_cursor *cursor)
{
	const struct lm_select *select = &cursor->select;
	const struct lm_store *store = cursor->index->parts.store;

	cursor->rows.count = cursor->at = 0;
	while (cursor->part < lm_store_part_count(store) && cursor->rows.count == 0) {
		struct lm_rows *part = lm_store_part(store, cursor->part++);
		const struct lm_part_info *info = lm_rows_info(part);
		int r;

		if (info->end_event <= select->first_event ||
		    info->first_event > select->last_event)
			continue;
		if (select->actors)
			r = add_pages_of(cursor, part, select->actors, select->actor_count);
		else if (select->touching)
			r = add_pages_of(cursor, part, select->touching, select->touching_count);
		else
			r = add_all_pages(cursor, part);
		if (r < 0)
			return r;
	}
	if (cursor->rows.count > 1)
		qsort(cursor->rows.at, cursor->rows.count, sizeof(*cursor->rows.at),
		      compare_rows);
	return cursor->rows.count > 0;
}

static bool is_run(const struct lm_row *row)
{
	return row->count > 1 && !(row->flags & LM_EVENT_FOLDED);
}

/*
 * Begin a frame if one of its rows stands for several events: then its events are handed out, and
 * its rows only tell when each thread's first one began. @return 1; 0: its rows tell all
 */
static int enter_frame(struct lm_select_cursor *cursor)
{
	const struct lm_row *first = &cursor->rows.at[cursor->at];
	const struct lm_event *events;
	uint32_t count;
	size_t end = cursor->at;
	int r;

	if (!is_run(first))
		return 0;
	r = lm_store_frame(cursor->index->parts.store, first->event, &events, &count);
	if (r < 0)
		return r;
	if (lm_array_reserve(cursor->frame, cursor->frame_capacity, count) < 0)
		return -ENOMEM;
	memcpy(cursor->frame, events, count * sizeof(*events));
	while (end < cursor->rows.count && cursor->rows.at[end].event < events[0].id + count)
		end++;
	cursor->frame_count = count;
	cursor->frame_at = (uint32_t)(first->event - events[0].id);
	cursor->frame_rows = cursor->at;
	cursor->at = end;
	return 1;
}

/* When the event of a frame began, if it is the first one of a row. */
static uint64_t begin_of(const struct lm_select_cursor *cursor, const struct lm_event *event)
{
	size_t low = cursor->frame_rows, high = cursor->at;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cursor->rows.at[middle].event < event->id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < cursor->at && cursor->rows.at[low].event == event->id ?
		cursor->rows.at[low].begin_ns : event->begin_ns;
}

/* @return whether the frame has one more */
static bool next_of_frame(struct lm_select_cursor *cursor, struct lm_event *ret_event)
{
	while (cursor->frame_at < cursor->frame_count) {
		const struct lm_event *event = &cursor->frame[cursor->frame_at++];

		if (lm_op_is_aside(event->op) || !fits(cursor, event))
			continue;
		*ret_event = *event;
		ret_event->begin_ns = begin_of(cursor, event);
		return true;
	}
	cursor->frame_count = 0;
	return false;
}

static int next_event(struct lm_select_cursor *cursor, struct lm_event *ret_event)
{
	for (;;) {
		int r;

		if (cursor->frame_count > 0 && next_of_frame(cursor, ret_event))
			return 1;
		if (cursor->at == cursor->rows.count) {
			r = next_part(cursor);
			if (r <= 0)
				return r;
		}
		r = enter_frame(cursor);
		if (r < 0)
			return r;
		if (r == 0) {
			*ret_event = lm_row_event(&cursor->rows.at[cursor->at++]);
			if (fits(cursor, ret_event))
				return 1;
		}
	}
}

int lm_select_next(struct lm_select_cursor *cursor, struct lm_event *ret_event)
{
	int r = next_event(cursor, ret_event);

	ret_event->args = NULL;
	ret_event->content = NULL;
	return r;
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
	const struct lm_summary_offset *at;
	size_t count = index_offsets(index, &at);

	for (size_t i = 0; i < count; i++) {
		int64_t offset = at[i].offset_ns;
		uint64_t from_ns = i > 0 ? at[i].from_ns : 0;
		uint64_t to_ns = i + 1 < count ? at[i + 1].from_ns : UINT64_MAX;
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
