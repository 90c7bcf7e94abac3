/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/event.h"

/*
 * Dependencies: the directed influence that an event implies (BackTracker,
 * SOSP 2003, section 3.2). One table for every reader of a log.
 */
enum lm_control { LM_CONTROL_LOW = 0, LM_CONTROL_HIGH = 1 };

enum lm_dependency_flag {
	/* Holds until the actor unmaps the object, executes, or exits: the end time of the event
	 * is only when it began. The reader of the log closes it. */
	LM_DEPENDENCY_OPEN_ENDED = 1u << 0,
};

struct lm_dependency {
	lm_object_id source, sink;
	uint8_t control; /* enum lm_control */
	uint8_t flags;   /* enum lm_dependency_flag */
};

#define LM_DEPENDENCIES_MAX 6

/**
 * The influences of one event. Times are the event's own.
 *
 * Failed calls influence nothing, but a look-up that failed lets the absent
 * name influence the actor (low). Objects that carry nothing (reads of
 * /dev/zero, writes to /dev/null) are not known here: see lm_file_is_sink().
 *
 * @return number of entries written to out, 0..LM_DEPENDENCIES_MAX
 */
int lm_event_dependencies(const struct lm_event *ev, struct lm_dependency out[LM_DEPENDENCIES_MAX]);

/** Devices through which nothing flows from writer to reader: null, zero, full, (u)random. */
bool lm_file_is_sink(const struct lm_file *file);
