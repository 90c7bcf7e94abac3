/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/log/writer.h"

/*
 * Reading a log, live or finished. Every byte is hostile.
 */
enum lm_log_state {
	LM_LOG_ENDED = 1,   /* has its end frame */
	LM_LOG_LIVE = 2,    /* a writer holds its lock */
	LM_LOG_CUT = 3,     /* no end frame and nobody writes: recorder killed, power lost, cut */
};

struct lm_log;

/**
 * @param path  a log directory, or one segment file of one
 * @return 0; -ENOENT; -EACCES; -LM_E_FORMAT (not a Lemona log); -LM_E_EMPTY; -LM_E_VERSION;
 *         -LM_E_DAMAGED (first header); -ENOMEM. A sentence is in diag.
 */
int lm_log_open(const char *path, struct lm_log **ret_log, struct lm_diag *diag);
struct lm_log *lm_log_free(struct lm_log *log);

const struct lm_log_meta *lm_log_meta(const struct lm_log *log);

/**
 * The next item, in stored order. Events are in frame order, sorted by end_ns inside one frame;
 * between frames they may overlap by a few milliseconds. Definitions precede use. event.begin_ns is
 * the end_ns of the same thread's previous event (the thread's start when it is the first), never
 * later than end_ns: sound for backtracking, because the action cannot have begun earlier. Events
 * with LM_EVENT_TIMED hold their own begin_ns and are nobody's previous event.
 * Strings in the item live until the next call.
 *
 * Damage: a frame that does not check is skipped, and an LM_ITEM_GAP (LM_GAP_DAMAGED or
 * LM_GAP_CUT) is returned in its place; lm_log_damage() then has a sentence. A cut log ends with an
 * LM_GAP_CUT gap, once.
 *
 * @return 1 with an item; 0 at the end (of a live log: so far, call again later); -EIO; -ENOMEM
 *         (and so for all later calls)
 */
int lm_log_next(struct lm_log *log, struct lm_item *ret_item);

/** Valid once lm_log_next() returned 0. */
enum lm_log_state lm_log_state(const struct lm_log *log);

/** NULL, or one sentence about the first damage met so far (torn or altered frame). */
const char *lm_log_damage(const struct lm_log *log);

/** CLOCK_REALTIME minus CLOCK_BOOTTIME as recorded nearest before boot time t. */
int64_t lm_log_wall_offset_ns(const struct lm_log *log, uint64_t t_ns);

/** Totals so far; bytes from the files' sizes. */
void lm_log_read_counts(const struct lm_log *log, struct lm_log_counts *ret_counts);

#define LM_LOG_IDENTITY_BYTES 16u
/** The log's own number, the same in all of its segments. */
const uint8_t *lm_log_identity(const struct lm_log *log);

/** The log's directory, borrowed; -1 when one segment was opened. */
int lm_log_directory(const struct lm_log *log);

struct lm_log_segment {
	uint64_t bytes;
	uint32_t number;
};

/**
 * The segments that there are now, by number: a log that is the same has the same.
 *
 * @param ret_segments  freed by the caller
 * @return 0; -ENOTDIR (one segment was opened); -EIO; -ENOMEM
 */
int lm_log_segments(const struct lm_log *log, struct lm_log_segment **ret_segments,
		    size_t *ret_count);

/* Where the events of one frame are. */
struct lm_log_place {
	uint32_t segment;     /* its number */
	uint32_t events;
	uint64_t offset;      /* of the frame's header in the segment's file */
	uint64_t first_event;
};

/** The frame that the last item came from; of a gap, the one behind it. */
void lm_log_place(const struct lm_log *log, struct lm_log_place *ret_place);

/*
 * Single frames of a log, in any order.
 */
struct lm_log_events;

/** @param log  may be gone afterwards. @return 0; -ENOMEM; -EMFILE */
int lm_log_events_new(const struct lm_log *log, struct lm_log_events **ret_events);
struct lm_log_events *lm_log_events_free(struct lm_log_events *events);

/**
 * Read one frame's events. event.begin_ns is the end of what its thread did before in this frame;
 * of the first one of each thread 0, since that stands elsewhere.
 *
 * @param ret_at  in order of their numbers, borrowed with what they point to until the next call;
 *                may be altered
 * @return 0; -LM_E_DAMAGED (there is no such frame there, or it does not check); -ENOENT (its
 *         segment is gone); -EIO; -ENOMEM
 */
int lm_log_events_read(struct lm_log_events *events, const struct lm_log_place *place,
		       struct lm_event **ret_at);
