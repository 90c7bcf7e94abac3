/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/map.h"
#include "lemona/event/event.h"

/*
 * When an event can have begun at the earliest: at the end of what the same
 * thread did before, or when its process began. Logs hold end times only,
 * but of LM_EVENT_TIMED events.
 */
struct lm_threads {
	struct lm_map processes; /* process version -> place in `lives` */
	struct lm_map threads;   /* life and tid -> place in `marks` */
	struct lm_thread_life *lives;
	struct lm_thread_mark *marks;
	size_t life_count, life_capacity, mark_count, mark_capacity;
};

#define LM_THREADS_INIT { .processes = LM_MAP_INIT, .threads = LM_MAP_INIT }

void lm_threads_release(struct lm_threads *threads);

/** Learn of a process. @return 0; -ENOMEM */
int lm_threads_define(struct lm_threads *threads, const struct lm_object *object);

/**
 * Set event->begin_ns; 0 where nothing is known of the thread. A LM_EVENT_TIMED event has its own.
 *
 * @return 0; -ENOMEM
 */
int lm_threads_bound(struct lm_threads *threads, struct lm_event *event);
