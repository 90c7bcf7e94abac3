/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/view.h"
#include "lemona/log/reader.h"

/* Waiting for a log that is being written to grow. */
struct lm_follow {
	int inotify_fd;     /* -1: the system has no room for one more, or knows no changes here */
	bool same_boot;     /* the log tells of this boot: the follower may be in it */
	uint32_t pid;       /* the follower's own number, in */
	uint32_t ns_pid;    /* this pid namespace */
	uint64_t start_ticks, tick_ns; /* when it started, as the kernel rounds that */
};

#define LM_FOLLOW_INIT { .inotify_fd = -1 }

/**
 * Watch a log, and take SIGINT and SIGTERM as the wish to end (a second one ends at once).
 *
 * @param path  as lm_log_open() took it
 * @return 0; -errno with a sentence in diag
 */
int lm_follow_start(struct lm_follow *follow, const char *path, const struct lm_log *log,
		    struct lm_diag *diag);
void lm_follow_release(struct lm_follow *follow);

/** Set when a signal asked for the end. */
const volatile sig_atomic_t *lm_follow_stop(void);

/**
 * Did the follower do this itself? A list of what it did to make the list would never end.
 */
bool lm_follow_is_own(const struct lm_follow *follow, const struct lm_event_view *view);

/**
 * Sleep until the log may have grown, not for longer than a fraction of a second.
 *
 * @return 1: look again; 0: asked to end, or nobody reads standard output any more
 */
int lm_follow_wait(const struct lm_follow *follow);
