/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/index/rows.h"
#include "sort.h"

/* Sections of a row part (docs/formats/index.md, "Rows"). */
enum rows_section {
	ROWS_SECTION_PAGES = 1,      /* pages, back to back */
	ROWS_SECTION_DIRECTORY = 2,  /* an entry for each page */
	ROWS_SECTION_FRAMES = 3,
	ROWS_SECTION_ENDS = 4,       /* what ended here and began in an earlier part */
	ROWS_SECTION_SINKS = 5,      /* objects that pass nothing on */
	ROWS_SECTION_TOUCHED = 6,    /* by object: blocks */
	ROWS_SECTION_TOUCHED_DIRECTORY = 7,
};

/* A row that began in an earlier part, and whose influence ended in this one. */
struct row_end {
	lm_object_id actor, object;
	uint64_t time_ns;
};

/* Mappings and shared memory of living processes (lasting.c). */
struct lasting {
	struct lm_map by_pair;   /* actor << 32 | object -> place, from 1 */
	struct lm_map by_actor;  /* process -> first place of those that end with it */
	struct lasting_entry *at;
	size_t count, capacity;
	uint32_t unused;         /* chain of places that are free; 0: none */
	struct lasting_row *rows; /* of the part that is being built */
	size_t row_count, row_capacity;
	struct row_end *ends;    /* for the part that is being built */
	size_t end_count, end_capacity;
};

void lasting_release(struct lasting *lasting);
/**
 * Follow an event.
 *
 * @param rows      of this part
 * @param position  of the event's own row, if it has influences that last
 * @return 0; -ENOMEM
 */
int lasting_follow(struct lasting *lasting, const struct lm_event *event, bool lasts,
		   struct lm_row *rows, uint32_t position);
/** The rows so far are written: what goes on is in an earlier part from now on. */
void lasting_cut(struct lasting *lasting);

/** Does the row have an influence that lasts beyond the event? */
bool row_lasts(const struct lm_row *row);

struct touched;
/** The lists of a part that is open (rows_read.c). */
const struct touched *rows_touched(const struct lm_rows *rows);

/* Pages (rows_page.c). */
struct rows_page_info {
	uint64_t offset;               /* in the section of pages */
	uint32_t bytes, raw_bytes;     /* as stored; as it was */
	uint32_t rows;
	lm_object_id first_actor, last_actor;
	uint64_t begin_ns, until_ns;   /* earliest begin, latest end of influence */
	uint64_t first_event, last_event;
};
#define ROWS_PAGE_INFO_BYTES 64u

/** Append a page's bytes. `order`: positions of its rows, by actor and thread. */
void rows_page_encode(const struct lm_row *rows, const struct lm_sorted *order, uint32_t count,
		      struct lm_buffer *out, struct rows_page_info *ret_info);
/** @param bytes  of the page as it was. @param ret_rows  room for LM_ROWS_PAGE_MAX
 *  @return 0; -LM_E_DAMAGED */
int rows_page_decode(struct lm_bytes bytes, const struct rows_page_info *info,
		     struct lm_row *ret_rows);
