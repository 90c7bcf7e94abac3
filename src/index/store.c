/* SPDX-License-Identifier: MIT */
#include "lemona/index/store.h"

#include <errno.h>

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/map.h"
#include "lemona/event/same.h"
#include "lemona/index/span.h"
#include "load.h"

#define PAGES_KEPT 64u /* a power of two */

/* A page as it was read. */
struct kept_page {
	uint64_t key; /* part << 32 | page, plus 1; 0: none */
	int count;
	struct lm_row *rows;
};

struct lm_store {
	struct { struct lm_rows **at; size_t count, capacity; } parts;
	struct { struct lm_span **at; size_t count, capacity; } spans; /* of the first parts */
	struct lm_map sinks;
	struct lm_log_events *events;
	/* What only speeds up questions: */
	struct kept_page *pages;
	struct lm_log_place place; /* of the frame in `frame` */
	struct lm_event *frame;
	struct lm_same *same;
};

int lm_store_new(struct lm_store **ret_store)
{
	struct lm_store *store = calloc(1, sizeof(*store));

	if (store)
		store->pages = calloc(PAGES_KEPT, sizeof(*store->pages));
	if (!store || !store->pages) {
		free(store);
		return -ENOMEM;
	}
	*ret_store = store;
	return 0;
}

struct lm_store *lm_store_free(struct lm_store *store)
{
	if (!store)
		return NULL;
	for (size_t i = 0; i < store->parts.count; i++)
		lm_rows_free(store->parts.at[i]);
	for (size_t i = 0; i < PAGES_KEPT; i++)
		free(store->pages[i].rows);
	for (size_t i = 0; i < store->spans.count; i++)
		lm_span_free(store->spans.at[i]);
	free(store->pages);
	free(store->parts.at);
	free(store->spans.at);
	lm_map_release(&store->sinks);
	lm_log_events_free(store->events);
	free(store);
	return NULL;
}

static int note_sinks(struct lm_store *store, const struct lm_rows *rows)
{
	const uint8_t *sinks;
	size_t count = lm_rows_sinks(rows, &sinks);

	for (size_t i = 0; i < count; i++) {
		if (lm_map_put(&store->sinks, load_u32(sinks + i * sizeof(uint32_t)), 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void free_rows(struct lm_rows **rows)
{
	lm_rows_free(*rows);
}

int lm_store_add(struct lm_store *store, struct lm_part *part)
{
	struct lm_rows *rows LM_CLEANUP(free_rows) = NULL;
	size_t count = store->parts.count;
	int r = lm_rows_open(part, &rows);

	if (r < 0)
		return r;
	if (count > 0 && lm_rows_info(rows)->first_event <
				 lm_rows_info(store->parts.at[count - 1])->end_event)
		return -LM_E_DAMAGED;
	if (lm_array_reserve(store->parts.at, store->parts.capacity, count + 1) < 0 ||
	    note_sinks(store, rows) < 0)
		return -ENOMEM;
	store->parts.at[count] = lm_take_ptr(rows);
	store->parts.count = count + 1;
	return 0;
}

void lm_store_set_events(struct lm_store *store, struct lm_log_events *events)
{
	lm_log_events_free(store->events);
	store->events = events;
}

void lm_store_set_same(struct lm_store *store, struct lm_same *same)
{
	store->same = same;
}

bool lm_store_is_sink(const struct lm_store *store, lm_object_id id)
{
	return lm_map_get(&store->sinks, id) != NULL;
}

/* The rows of a page, from memory if it was read a short while ago. */
static int read_page(const struct lm_store *store, uint32_t part, uint32_t page,
		     const struct lm_row **ret_rows)
{
	uint64_t key = ((uint64_t)part << 32 | page) + 1;
	struct kept_page *kept = &store->pages[(page ^ part * 7) & (PAGES_KEPT - 1)];

	if (kept->key != key) {
		if (!kept->rows)
			kept->rows = malloc(LM_ROWS_PAGE_MAX * sizeof(*kept->rows));
		if (!kept->rows)
			return -ENOMEM;
		kept->key = 0;
		kept->count = lm_rows_read(store->parts.at[part], page, kept->rows);
		if (kept->count < 0)
			return kept->count;
		kept->key = key;
	}
	*ret_rows = kept->rows;
	return kept->count;
}

/* How many parts the spans cover. */
static uint32_t spanned_parts(const struct lm_store *store)
{
	uint32_t first, count;

	if (store->spans.count == 0)
		return 0;
	lm_span_range(store->spans.at[store->spans.count - 1], &first, &count);
	return first + count;
}

int lm_store_add_span(struct lm_store *store, struct lm_part *part)
{
	struct lm_span *span = NULL;
	size_t count = store->spans.count;
	uint32_t first, parts;
	int r = lm_span_open(part, &span);

	if (r < 0)
		return r;
	lm_span_range(span, &first, &parts);
	if (first != spanned_parts(store) || parts == 0 || parts > store->parts.count - first)
		r = -LM_E_DAMAGED;
	else if (lm_array_reserve(store->spans.at, store->spans.capacity, count + 1) < 0)
		r = -ENOMEM;
	if (r < 0) {
		lm_span_free(span);
		return r;
	}
	store->spans.at[count] = span;
	store->spans.count = count + 1;
	return 0;
}

bool lm_store_span_due(const struct lm_store *store)
{
	return store->parts.count - spanned_parts(store) >= LM_SPAN_FAN_OUT;
}

int lm_store_write_span(const struct lm_store *store, int fd)
{
	uint32_t first = spanned_parts(store);

	return lm_span_write(store->parts.at + first, LM_SPAN_FAN_OUT, first, fd);
}

int lm_store_find(const struct lm_store *store, lm_object_id object, uint8_t roles,
		  uint64_t begin_ns, uint64_t end_ns, struct lm_store_cursor *ret_cursor)
{
	*ret_cursor = (struct lm_store_cursor){
		.store = store, .object = object, .roles = roles, .begin_ns = begin_ns,
		.end_ns = end_ns,
	};
	for (size_t i = 0; i < store->spans.count; i++) {
		if (lm_span_find(store->spans.at[i], object, roles, &ret_cursor->parts) < 0)
			return -ENOMEM;
	}
	for (uint32_t i = spanned_parts(store); i < store->parts.count; i++)
		lm_buffer_append(&ret_cursor->parts, &i, sizeof(i));
	return lm_buffer_status(&ret_cursor->parts);
}

void lm_store_cursor_release(struct lm_store_cursor *cursor)
{
	lm_buffer_release(&cursor->pages);
	lm_buffer_release(&cursor->parts);
}

/* The i-th number, from either end. */
static uint32_t get_u32(const struct lm_buffer *buf, uint32_t i, bool backward)
{
	uint32_t value;

	if (backward)
		i = (uint32_t)(buf->len / sizeof(value)) - 1 - i;
	memcpy(&value, buf->data + i * sizeof(value), sizeof(value));
	return value;
}

/* @return 1 when there is another part; 0; -ENOMEM */
static int next_part(struct lm_store_cursor *cursor)
{
	if (cursor->part_place == cursor->parts.len / sizeof(uint32_t))
		return 0;
	cursor->part = get_u32(&cursor->parts, cursor->part_place++, cursor->backward);
	cursor->place = 0;
	lm_buffer_reset(&cursor->pages);
	return lm_rows_find(cursor->store->parts.at[cursor->part], cursor->object, cursor->roles,
			    &cursor->pages) < 0 ? -ENOMEM : 1;
}

int lm_store_next(struct lm_store_cursor *cursor, const struct lm_row **ret_rows)
{
	for (;;) {
		while (cursor->place < cursor->pages.len / sizeof(uint32_t)) {
			uint32_t page = get_u32(&cursor->pages, cursor->place++,
						cursor->backward);
			const struct lm_rows *rows = cursor->store->parts.at[cursor->part];
			struct lm_rows_page info = lm_rows_page(rows, page);

			if (info.begin_ns >= cursor->end_ns || info.until_ns <= cursor->begin_ns)
				continue;
			return read_page(cursor->store, cursor->part, page, ret_rows);
		}
		int r = next_part(cursor);

		if (r <= 0)
			return r;
	}
}

uint64_t lm_store_until(const struct lm_store *store, uint32_t part, const struct lm_row *row)
{
	uint64_t time_ns;

	for (size_t i = part + 1; row->until_ns == UINT64_MAX && i < store->parts.count; i++) {
		if (lm_rows_end(store->parts.at[i], row->actor, row->object, &time_ns))
			return time_ns > row->end_ns ? time_ns : row->end_ns;
	}
	return row->until_ns;
}

/* The part that covers an event. */
static struct lm_rows *part_of(const struct lm_store *store, uint64_t event)
{
	size_t low = 0, high = store->parts.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lm_rows_info(store->parts.at[middle])->end_event <= event)
			low = middle + 1;
		else
			high = middle;
	}
	return low < store->parts.count ? store->parts.at[low] : NULL;
}

static int rename_objects(struct lm_same *same, struct lm_event *events, uint32_t count)
{
	int r = 0;

	for (uint32_t i = 0; i < count && same && r >= 0; i++) {
		struct lm_item item = { .kind = LM_ITEM_EVENT, .event = events[i] };

		r = lm_same_apply(same, &item);
		events[i] = item.event;
	}
	return r < 0 ? r : 0;
}

/* Whole: what an index says of a frame need not hold together. */
static bool is_kept_frame(const struct lm_store *store, const struct lm_row_frame *frame)
{
	const struct lm_log_place *place = &store->place;

	return store->frame && place->first_event == frame->first_event &&
	       place->events == frame->events && place->segment == frame->segment &&
	       place->offset == frame->offset;
}

int lm_store_frame(const struct lm_store *store, uint64_t number,
		   const struct lm_event **ret_events, uint32_t *ret_count)
{
	struct lm_store *kept = (struct lm_store *)(uintptr_t)store;
	const struct lm_rows *rows = part_of(store, number);
	struct lm_row_frame frame;
	int r = rows && store->events ? lm_rows_frame(rows, number, &frame) : -ENOENT;

	if (r < 0)
		return r;
	if (!is_kept_frame(store, &frame)) {
		kept->place = (struct lm_log_place){
			.segment = frame.segment, .events = frame.events,
			.offset = frame.offset, .first_event = frame.first_event,
		};
		kept->frame = NULL;
		r = lm_log_events_read(store->events, &store->place, &kept->frame);
		if (r == 0)
			r = rename_objects(store->same, store->frame, frame.events);
		if (r < 0)
			kept->frame = NULL;
	}
	*ret_events = store->frame;
	*ret_count = frame.events;
	return r;
}

static bool is_of_row(const struct lm_row *row, const struct lm_event *event)
{
	return event->id >= row->event && event->actor == row->actor && event->tid == row->tid &&
	       event->op == row->op && event->call == row->call && event->flags == row->flags &&
	       event->object == row->object && event->object2 == row->object2 &&
	       event->name == row->name && event->name2 == row->name2 &&
	       (event->op == LM_OP_WRITE || event->arg == row->arg) &&
	       (lm_op_moves_bytes(event->op) && event->result >= 0 ?
			row->result >= 0 : event->result == row->result);
}

/* The row that an event belongs to. @return 0; -ENOENT */
static int find_row(const struct lm_store *store, const struct lm_event *event,
		    struct lm_row *ret_row)
{
	struct lm_store_cursor cursor LM_CLEANUP(lm_store_cursor_release);
	const struct lm_row *rows;
	int r = lm_store_find(store, event->actor, UINT8_MAX, 0, UINT64_MAX, &cursor);

	while (r == 0 && (r = lm_store_next(&cursor, &rows)) > 0) {
		for (int i = 0; i < r; i++) {
			if (rows[i].event == event->id && is_of_row(&rows[i], event)) {
				*ret_row = rows[i];
				return 0;
			}
		}
		r = 0;
	}
	return r < 0 ? r : -ENOENT;
}

size_t lm_store_part_count(const struct lm_store *store)
{
	return store->parts.count;
}

struct lm_rows *lm_store_part(const struct lm_store *store, size_t i)
{
	return store->parts.at[i];
}

/* Of a store without a log: its rows are all there is. */
static int event_of_rows(const struct lm_store *store, uint64_t number, struct lm_event *ret_event)
{
	struct lm_rows *rows = part_of(store, number);
	struct lm_row *page LM_FREE = rows ? malloc(LM_ROWS_PAGE_MAX * sizeof(*page)) : NULL;

	if (!page)
		return rows ? -ENOMEM : -ENOENT;
	for (uint32_t i = 0; i < lm_rows_page_count(rows); i++) {
		struct lm_rows_page info = lm_rows_page(rows, i);
		int count;

		if (number < info.first_event || number > info.last_event)
			continue;
		count = lm_rows_read(rows, i, page);
		for (int k = 0; k < count; k++) {
			if (page[k].event != number)
				continue;
			*ret_event = lm_row_event(&page[k]);
			return 0;
		}
		if (count < 0)
			return count;
	}
	return -ENOENT;
}

int lm_store_event(const struct lm_store *store, uint64_t number, struct lm_event *ret_event)
{
	const struct lm_event *events;
	struct lm_row row;
	uint32_t count;
	int r;

	if (!store->events)
		return event_of_rows(store, number, ret_event);
	r = lm_store_frame(store, number, &events, &count);
	if (r < 0)
		return r;
	*ret_event = events[number - store->place.first_event];
	if (ret_event->begin_ns > 0 || ret_event->flags & LM_EVENT_TIMED)
		return 0;
	/* Its thread's first in the frame: then it is the first of its row as well. */
	r = find_row(store, ret_event, &row);
	if (r == 0)
		ret_event->begin_ns = row.begin_ns;
	return r == -ENOENT ? 0 : r;
}

static void add_to_clipped(struct lm_row *clipped, const struct lm_event *event, uint64_t begin_ns)
{
	if (clipped->count == 0 || begin_ns < clipped->begin_ns)
		clipped->begin_ns = begin_ns;
	if (clipped->count == 0)
		clipped->event = event->id;
	if (event->end_ns > clipped->end_ns)
		clipped->end_ns = event->end_ns;
	clipped->until_ns = clipped->end_ns;
	if (__builtin_add_overflow(clipped->count, lm_event_count(event), &clipped->count))
		clipped->count = UINT32_MAX;
	if (lm_op_moves_bytes(event->op) && event->result > 0 &&
	    __builtin_add_overflow(clipped->result, event->result, &clipped->result))
		clipped->result = INT64_MAX;
}

int lm_store_clip(const struct lm_store *store, const struct lm_row *row, uint64_t before_ns,
		  uint64_t after_ns, struct lm_row *ret_row)
{
	const struct lm_event *events;
	uint32_t count;
	int r;

	*ret_row = *row;
	if (row->begin_ns >= before_ns || row->until_ns <= after_ns) {
		ret_row->count = 0;
		return 0;
	}
	/*
	 * Only a run that the moment cuts in two needs a look at its events; without a log a row
	 * is one event, if of several calls.
	 */
	if (!store->events || row->count == 1 || row->until_ns != row->end_ns ||
	    (row->end_ns <= before_ns && row->begin_ns >= after_ns))
		return 0;
	r = lm_store_frame(store, row->event, &events, &count);
	if (r < 0)
		return r;
	ret_row->count = 0;
	ret_row->end_ns = 0;
	if (lm_op_moves_bytes(row->op) && row->result >= 0)
		ret_row->result = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct lm_event *event = &events[i];
		uint64_t begin_ns = event->begin_ns;

		if (!is_of_row(row, event))
			continue;
		if (begin_ns == 0 && event->id == row->event)
			begin_ns = row->begin_ns;
		if (begin_ns < before_ns && event->end_ns > after_ns)
			add_to_clipped(ret_row, event, begin_ns);
	}
	return 0;
}
