/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/event/dependency.h"
#include "lemona/event/event.h"

/*
 * A row: one event, or a run of events of one thread inside one frame that differ in nothing but
 * their times and how many bytes they moved. What an index holds of events; the frame has the rest.
 */
struct lm_row {
	uint64_t event;    /* number of the first */
	uint64_t begin_ns; /* of the first */
	uint64_t end_ns;   /* of the last */
	uint64_t until_ns; /* end of its influence: end_ns, but of what lasts (a mapping) until that
			    * is undone; UINT64_MAX: not known in this part */
	uint64_t arg;      /* of all of them; of LM_OP_WRITE: of the first */
	int64_t result;    /* of all of them; where bytes were moved: the sum of those */
	lm_object_id actor, object, object2, name, name2;
	uint32_t tid;
	uint32_t count;    /* actions: lm_event_count() of its events, added up */
	uint16_t op, call, flags;
	uint16_t cpu;      /* of the first */
};

/** The first event of a row, as far as the row knows it: result as it is in the row. */
struct lm_event lm_row_event(const struct lm_row *row);

/** The influences of a row; those of one object on itself are left out. @return how many */
int lm_row_dependencies(const struct lm_row *row, struct lm_dependency out[LM_DEPENDENCIES_MAX]);
