/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/index/part.h"
#include "rows_internal.h"

/*
 * Lists of places by object and role (docs/formats/index.md, "What was touched"): which pages of a
 * row part concern an object, or which parts of a span.
 */
struct touched_list {
	struct lm_sorted *at; /* key: object << 32 | place; value: role */
	size_t count, capacity;
};

#define TOUCHED_LIST_INIT { .at = NULL }
void touched_release(struct touched_list *list);

/** The same again is no error. @return 0; -ENOMEM */
int touched_add(struct touched_list *list, lm_object_id object, uint32_t place,
		enum lm_rows_role role);

/** Two sections. @return as lm_part_put() */
int touched_write(struct touched_list *list, struct lm_part_writer *writer, uint32_t section,
		  uint32_t directory_section);

/* The same object by object. Each: @return as lm_part_put() */
struct touched_writer {
	struct lm_part_writer *part;
	struct lm_buffer directory, block;
	uint32_t objects;
	lm_object_id before;
};

void touched_writer_release(struct touched_writer *writer);
int touched_writer_begin(struct touched_writer *writer, struct lm_part_writer *part,
			 uint32_t section);
/** @param list  varints of (place - place before) << 3 | roles. Objects rise */
int touched_writer_add(struct touched_writer *writer, lm_object_id object,
		       const struct lm_buffer *list);
int touched_writer_finish(struct touched_writer *writer, uint32_t directory_section);

/* Reading. */
struct touched {
	struct lm_bytes blocks;
	const uint8_t *directory;
	uint32_t block_count;
};

void touched_open(struct touched *touched, const struct lm_part *part, uint32_t section,
		  uint32_t directory_section);

/* Places of one object, in rising order, each with its roles. */
struct touched_cursor {
	struct lm_bytes left;
	uint32_t place;
	bool begun;
};

/** Find an object. @return whether it is there; a damaged block has nothing */
bool touched_find(const struct touched *touched, lm_object_id object,
		  struct touched_cursor *ret_cursor);
/** @return whether there was another place, behind the one before; *ret_roles: bits
 *  1 << enum lm_rows_role */
bool touched_next(struct touched_cursor *cursor, uint32_t *ret_place, uint8_t *ret_roles);

/** Every object in turn: *block and the cursor begin at 0. @return whether there was another */
bool touched_walk(const struct touched *touched, uint32_t *block, struct lm_bytes *rest,
		  lm_object_id *object, struct touched_cursor *ret_cursor);
