/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/label.h"

/*
 * What a log holds, on its way out: to a list, to another tool's format. Everything is borrowed,
 * and holds until the next item is read.
 */

/* One event, with what its lines need. */
struct lm_event_view {
	const struct lm_event *event;
	const struct lm_labels *labels;
	uint64_t wall_begin_ns, wall_end_ns;
};

/* A gap; wall_end_ns is 0 where the end is not known. */
struct lm_gap_view {
	const struct lm_gap *gap;
	uint64_t wall_begin_ns, wall_end_ns;
};

/* A content; wall_changed_ns is 0 where the change was before the boot. */
struct lm_content_view {
	const struct lm_content *content;
	const struct lm_labels *labels;
	uint64_t wall_ns, wall_changed_ns;
};
