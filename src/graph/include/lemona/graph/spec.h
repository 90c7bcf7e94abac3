/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/cleanup.h"
#include "lemona/graph/index.h"

/*
 * Detection points: the objects an investigator starts from, each over the
 * time in which it matters. Backtracking starts at the end of that time,
 * forward tracing at its begin.
 */
struct lm_detection {
	lm_object_id object;
	uint64_t begin_ns, end_ns; /* boot time; 0 and UINT64_MAX: the whole log */
};

struct lm_detections {
	struct lm_detection *at;
	size_t count, capacity;
};

#define LM_DETECTIONS_INIT { .at = NULL }
void lm_detections_release(struct lm_detections *detections);
#define LM_DETECTIONS LM_CLEANUP(lm_detections_release)

/** @return 0; -ENOMEM. The same object twice is one detection over both times. */
int lm_detections_add(struct lm_detections *detections, struct lm_detection detection);

/**
 * Find what a SPEC names and add all of it to `detections`.
 *
 *   file:PATH[@TIME]   whatever had that path, under any root, at any time or at TIME
 *   proc:PID[@TIME]    every process with that number (initial pid namespace), all its versions, or
 *                      the version that lived at TIME
 *   exe:PATH           every process that ran that program
 *   sock:ADDR[:PORT]   connections with that far end; when there are none, with that near end.
 *                      ADDR: IPv4, [IPv6] (brackets may go when there is no port), a unix path,
 *                      @abstract
 *   event:ID           what that event influenced, at its time
 *   object:ID          that object
 *   alert:ID           no log has alerts yet: always an error
 *
 * TIME is RFC 3339 or "-5m" (lm_time_parse()).
 *
 * @param now_wall_ns  what "-5m" counts back from
 * @return 0; -EINVAL (not a SPEC); -LM_E_NOMATCH (the sentence names the nearest ones); -ENOMEM.
 *         `detections` is unchanged on failure
 */
int lm_spec_resolve(const struct lm_index *index, const char *text, uint64_t now_wall_ns,
		    struct lm_detections *detections, struct lm_diag *diag);
