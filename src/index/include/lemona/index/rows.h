/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/part.h"
#include "lemona/index/row.h"

/*
 * Row parts: what happened, in pages by actor, and for every object the pages in which something
 * influences it, is influenced by it, or otherwise concerns it (docs/formats/index.md).
 */

/* Where a frame of the log is: what a row does not know stands there. */
struct lm_row_frame {
	uint64_t first_event;
	uint64_t offset;  /* in the segment's file */
	uint32_t segment; /* number of the segment */
	uint32_t events;
};

struct lm_rows_builder;

int lm_rows_builder_new(struct lm_rows_builder **ret_builder);
/** NULL allowed; returns NULL. */
struct lm_rows_builder *lm_rows_builder_free(struct lm_rows_builder *builder);

/** A frame with events begins: they come next. @return 0; -ENOMEM */
int lm_rows_builder_frame(struct lm_rows_builder *builder, const struct lm_row_frame *frame);

/** Learn of an object: some carry no influence (lm_file_is_sink()). @return 0; -ENOMEM */
int lm_rows_builder_object(struct lm_rows_builder *builder, const struct lm_object *object);

/** In the order of their numbers, each with its begin. @return 0; -ENOMEM */
int lm_rows_builder_event(struct lm_rows_builder *builder, const struct lm_event *event);

/** Whether a part should be written now, before the next frame begins. */
bool lm_rows_builder_is_full(const struct lm_rows_builder *builder);
/** Whether there is anything to write. */
bool lm_rows_builder_is_empty(const struct lm_rows_builder *builder);

/**
 * Write all since the last part into a new one, and go on. What lasts (mappings) is remembered.
 *
 * @param fd      new, empty file
 * @param log_id  identity of the log
 * @return 0; -ENOMEM; -ENOSPC, -EIO, ...: the builder has let go of what was to be written
 */
int lm_rows_builder_write(struct lm_rows_builder *builder, int fd,
			  const uint8_t log_id[LM_PART_IDENTITY_BYTES]);

/* How a row concerns an object: by an influence into it, out of it, or neither. */
enum lm_rows_role { LM_ROWS_INTO = 0, LM_ROWS_OUT_OF = 1, LM_ROWS_BESIDE = 2 };

/* One part, for readers. */
struct lm_rows;

#define LM_ROWS_PAGE_MAX 512u

/** @param part  of kind rows; the reader's from now on, whatever is returned
 *  @return 0; -LM_E_DAMAGED; -ENOMEM */
int lm_rows_open(struct lm_part *part, struct lm_rows **ret_rows);
/** NULL allowed; returns NULL. */
struct lm_rows *lm_rows_free(struct lm_rows *rows);

const struct lm_part_info *lm_rows_info(const struct lm_rows *rows);

/**
 * The pages with rows that concern an object.
 *
 * @param roles  bits 1 << enum lm_rows_role: one of these
 * @param out    u32 of each page are appended, rising
 * @return 0; -ENOMEM
 */
int lm_rows_find(const struct lm_rows *rows, lm_object_id object, uint8_t roles,
		 struct lm_buffer *out);

/* What is known of a page without reading it. */
struct lm_rows_page {
	uint64_t begin_ns, until_ns; /* earliest begin and latest end of influence */
	uint64_t first_event, last_event; /* numbers of the rows' first events */
	uint32_t rows;
};

uint32_t lm_rows_page_count(const struct lm_rows *rows);
/** Of a page that is not there: of no rows. */
struct lm_rows_page lm_rows_page(const struct lm_rows *rows, uint32_t page);

/**
 * The rows of a page, by actor and thread, each thread's in the order of their numbers.
 *
 * @param ret_rows  room for LM_ROWS_PAGE_MAX
 * @return how many; -LM_E_DAMAGED; -ENOMEM
 */
int lm_rows_read(struct lm_rows *rows, uint32_t page, struct lm_row *ret_rows);

/** The frame that an event is in. @return 0; -ENOENT (not in this part, or damaged) */
int lm_rows_frame(const struct lm_rows *rows, uint64_t event, struct lm_row_frame *ret_frame);

/** When what actor did to object in earlier parts, and lasted, ended here first.
 *  @return whether it did */
bool lm_rows_end(const struct lm_rows *rows, lm_object_id actor, lm_object_id object,
		 uint64_t *ret_time_ns);

/** Objects that pass nothing on. @return how many; *ret_sinks: u32 little endian, borrowed */
size_t lm_rows_sinks(const struct lm_rows *rows, const uint8_t **ret_sinks);
