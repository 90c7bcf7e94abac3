/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/event.h"
#include "lemona/index/part.h"
#include "lemona/log/reader.h"

/*
 * What is said once for a whole log: how long and how much it is, its gaps, its wall clock, and of
 * which parts its index consists (docs/formats/index.md, "Summary").
 */
struct lm_summary_offset {
	uint64_t from_ns;  /* boot time from which on it holds */
	int64_t offset_ns; /* wall time minus boot time */
};

struct lm_summary_part {
	uint32_t number; /* in its file's name */
	uint16_t kind;   /* enum lm_part_kind */
};

struct lm_summary_alias {
	lm_object_id later, first; /* of one object */
};

#define LM_SUMMARY_DAMAGE_BYTES 320u

#define LM_SUMMARY_LIST(type) struct { type *at; size_t count, capacity; }

struct lm_summary {
	uint64_t event_count; /* of those that are rows */
	uint64_t first_ns;    /* first influence; UINT64_MAX: nothing happened */
	uint64_t last_ns;     /* latest end of an event */
	bool cut;             /* the log has no end frame */
	char damage[LM_SUMMARY_DAMAGE_BYTES]; /* first sentence about damage in it; empty: none */
	LM_SUMMARY_LIST(struct lm_gap) gaps;                   /* in stored order */
	LM_SUMMARY_LIST(struct lm_summary_offset) offsets;     /* rising; the first one from 0 */
	LM_SUMMARY_LIST(struct lm_log_segment) segments;       /* of the log, by number */
	LM_SUMMARY_LIST(struct lm_summary_part) parts;         /* by kind, oldest first */
	LM_SUMMARY_LIST(struct lm_summary_alias) aliases;      /* by the later number */
};

#define LM_SUMMARY_INIT { .first_ns = UINT64_MAX }

void lm_summary_release(struct lm_summary *summary);

/** Take an event into account. */
void lm_summary_event(struct lm_summary *summary, const struct lm_event *event);
/** @return 0; -ENOMEM */
int lm_summary_gap(struct lm_summary *summary, const struct lm_gap *gap);
/** By number. @return 0; -ENOMEM */
int lm_summary_segment(struct lm_summary *summary, uint32_t number, uint64_t bytes);
/** From a moment behind all so far on; the same once more is left out. @return 0; -ENOMEM */
int lm_summary_offset(struct lm_summary *summary, uint64_t from_ns, int64_t offset_ns);

/**
 * @param fd  new, empty file; borrowed
 * @return 0; -ENOMEM; -ENOSPC, -EIO, ...
 */
int lm_summary_write(const struct lm_summary *summary,
		     const uint8_t log_id[LM_PART_IDENTITY_BYTES], uint64_t end_event, int fd);
/**
 * @param ret_summary  released by the caller, whatever is returned
 * @return 0; -LM_E_FORMAT (a part of another kind); -LM_E_DAMAGED; -ENOMEM
 */
int lm_summary_read(const struct lm_part *part, struct lm_summary *ret_summary);
