/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/rows.h"
#include "lemona/log/reader.h"

/*
 * A store: the row parts of one log, in the order of their events, and the log itself for what they
 * leave out. Questions cost what is read for their answers; what was read is kept for a while.
 */
struct lm_store;

int lm_store_new(struct lm_store **ret_store);
/** NULL allowed; returns NULL. */
struct lm_store *lm_store_free(struct lm_store *store);

/**
 * @param part  of kind rows, of events behind those of all parts so far; the store's from now on,
 *              whatever is returned
 * @return 0; -LM_E_DAMAGED (another kind, or not behind); -ENOMEM
 */
int lm_store_add(struct lm_store *store, struct lm_part *part);

/*
 * Spans say which parts know an object (span.h); those that no span covers are all looked into.
 */
/** Whether there are parts enough without one. */
bool lm_store_span_due(const struct lm_store *store);
/** Write it. @return as lm_span_write() */
int lm_store_write_span(const struct lm_store *store, int fd);
/** @param part  of kind span, behind those that are there; the store's, whatever is returned
 *  @return 0; -LM_E_DAMAGED (another kind, or not behind); -ENOMEM */
int lm_store_add_span(struct lm_store *store, struct lm_part *part);

/** Where events are read that rows do not tell whole; the store's from now on. NULL: nowhere. */
void lm_store_set_events(struct lm_store *store, struct lm_log_events *events);

struct lm_same;
/** What gives events of the log the numbers that rows have; borrowed for as long as the store
 *  lives. NULL: they have them. */
void lm_store_set_same(struct lm_store *store, struct lm_same *same);

/** Objects through which nothing flows. */
bool lm_store_is_sink(const struct lm_store *store, lm_object_id id);

/*
 * Pages in which an object is concerned, from the first part to the last, or backward.
 */
struct lm_store_cursor {
	const struct lm_store *store;
	lm_object_id object;
	uint8_t roles;             /* bits 1 << enum lm_rows_role */
	bool backward;             /* may be set before the first page is asked for */
	uint64_t begin_ns, end_ns; /* pages with nothing in this time are passed over */
	uint32_t part;             /* of the present page */
	uint32_t place;
	struct lm_buffer pages;    /* of the present part: u32 each */
	struct lm_buffer parts;    /* those that know the object: u32 each */
	uint32_t part_place;
};

/** @return 0; -ENOMEM */
int lm_store_find(const struct lm_store *store, lm_object_id object, uint8_t roles,
		  uint64_t begin_ns, uint64_t end_ns, struct lm_store_cursor *ret_cursor);
void lm_store_cursor_release(struct lm_store_cursor *cursor);

/**
 * The next page. Rows in it concern other objects too.
 *
 * @param ret_rows  borrowed until the store is asked for a page again
 * @return how many rows; 0 at the end; -LM_E_DAMAGED; -ENOMEM
 */
int lm_store_next(struct lm_store_cursor *cursor, const struct lm_row **ret_rows);

/*
 * All of it, part by part.
 */
size_t lm_store_part_count(const struct lm_store *store);
/** Borrowed. */
struct lm_rows *lm_store_part(const struct lm_store *store, size_t i);

/**
 * The events of the frame that an event is in. The begin of each thread's first one is 0.
 *
 * @param ret_events  in the order of their numbers; borrowed until the store is asked for another
 * @return 0; -ENOENT (no such event); what lm_log_events_read() returns
 */
int lm_store_frame(const struct lm_store *store, uint64_t number,
		   const struct lm_event **ret_events, uint32_t *ret_count);

/** Until when a row's influence lasted: row->until_ns, or what later parts say. */
uint64_t lm_store_until(const struct lm_store *store, uint32_t part, const struct lm_row *row);

/**
 * One event, whole, by number. Its begin is that of its row where it is the row's first.
 *
 * @param ret_event  what it points to is borrowed until the next call
 * @return 0; -ENOENT (no such event); what lm_log_events_read() returns; -ENOMEM
 */
int lm_store_event(const struct lm_store *store, uint64_t number, struct lm_event *ret_event);

/**
 * The part of a row's run that begins before, or ends after, a moment.
 *
 * @param before_ns  events that begin before this; UINT64_MAX: all
 * @param after_ns   events that end after this; 0: all
 * @param ret_row    the same with times, count and result of those alone; count 0 when there are
 *                   none
 * @return 0; as lm_log_events_read()
 */
int lm_store_clip(const struct lm_store *store, const struct lm_row *row, uint64_t before_ns,
		  uint64_t after_ns, struct lm_row *ret_row);
