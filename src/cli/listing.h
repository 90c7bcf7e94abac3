/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>

#include "cli.h"
#include "lemona/event/filter.h"
#include "lemona/event/same.h"

/* Where what is listed goes. Each returns 1 when it was shown, 0 when it was left out, or a
 * negative code that ends the walk. */
struct lm_listing_sink {
	int (*event)(void *data, const struct lm_event_view *view);
	int (*gap)(void *data, const struct lm_gap_view *view);
	int (*content)(void *data, const struct lm_content_view *view);
	void *data;
};

/* A log, read from its start, and what of it passes a filter. */
struct lm_listing {
	struct lm_event_filter filter;
	uint64_t limit;                     /* stop after so many events; 0: none */
	const volatile sig_atomic_t *stop;  /* stop when this is set; NULL: nothing sets it */

	struct lm_log *log;
	struct lm_same *same;
	struct lm_labels *labels;
	uint64_t events;                    /* shown */
	uint64_t gaps, lost;                /* that touch them, and what they say is missing */
};

#define LM_LISTING_INIT { .filter = LM_EVENT_FILTER_INIT }

void lm_listing_release(struct lm_listing *listing);

/** @return as lm_log_open() */
int lm_listing_open(struct lm_listing *listing, const char *path, struct lm_diag *diag);

/**
 * Hand on what there is up to the log's present end; may be called again when it has grown.
 * Contents belong to no event: they are left out where anything but times limits the filter.
 *
 * @return 1: the limit is reached, or it was stopped; 0: the end; what lm_log_next() or the sink
 *         returned
 */
int lm_listing_walk(struct lm_listing *listing, const struct lm_listing_sink *sink);

/**
 * Say in one line on stderr what is damaged, and what is missing in what was listed, if anything
 * is. @return LM_EXIT_OK, or LM_EXIT_DAMAGED
 */
int lm_listing_report(const struct lm_listing *listing);
