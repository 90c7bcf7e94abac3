/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lemona/base/buffer.h"
#include "lemona/base/diag.h"

/*
 * Parts: the files of a log's index (docs/formats/index.md). A part covers the events of a range of
 * numbers, is written once, and holds numbered sections, which readers map. Everything in it
 * follows from the log's frames and can be made anew; what the sections hold is the business of
 * those who write them.
 */
enum lm_part_kind {
	LM_PART_ROWS = 1,    /* what happened, by actor, and what was touched by whom */
	LM_PART_SPAN = 2,    /* which of many row parts know an object */
	LM_PART_CATALOG = 3, /* objects, names over time, look-ups */
	LM_PART_SUMMARY = 4, /* what is said once for the log, and which parts there are */
};

#define LM_PART_SECTIONS_MAX 64u
#define LM_PART_IDENTITY_BYTES 16u

/* What a part says of itself. */
struct lm_part_info {
	uint16_t kind;        /* enum lm_part_kind */
	uint16_t level;       /* how often its content was merged; 0: made from the log itself */
	uint64_t first_event; /* number of the first event it covers */
	uint64_t end_event;   /* one past the last one */
	uint8_t log_id[LM_PART_IDENTITY_BYTES]; /* of the log that it belongs to */
};

/*
 * Writing: one section after the other, each begun, appended to, and ended by the next.
 */
struct lm_part_writer;

/**
 * @param fd  a new, empty file, open for writing; borrowed until the writer is gone
 * @return 0; -ENOMEM
 */
int lm_part_writer_new(int fd, const struct lm_part_info *info,
		       struct lm_part_writer **ret_writer);

/** Begin a section. Numbers from 1 rise, each comes once. @return 0; -EINVAL */
int lm_part_begin(struct lm_part_writer *writer, uint32_t section);
/** Append to the section that was begun. @return 0; -ENOSPC, -EIO, ...: so does every later call */
int lm_part_append(struct lm_part_writer *writer, const void *data, size_t len);
/** Bytes in the section that was begun. */
uint64_t lm_part_position(const struct lm_part_writer *writer);
/** A whole section. */
int lm_part_put(struct lm_part_writer *writer, uint32_t section, const void *data, size_t len);

/**
 * Write what is left, and the header last: without it, the file is no part.
 * @return 0; what lm_part_append() returned
 */
int lm_part_finish(struct lm_part_writer *writer);
/** NULL allowed; returns NULL. What was not finished is no part. */
struct lm_part_writer *lm_part_writer_free(struct lm_part_writer *writer);

/*
 * Reading. Every byte is hostile: whoever reads a section checks what it holds.
 */
struct lm_part;

/**
 * Map a part.
 *
 * @param fd  borrowed for the call
 * @return 0; -LM_E_FORMAT (no part); -LM_E_VERSION; -LM_E_DAMAGED; -EIO; -ENOMEM. A sentence is in
 *         diag.
 */
int lm_part_open(int fd, struct lm_part **ret_part, struct lm_diag *diag);
struct lm_part *lm_part_free(struct lm_part *part);

const struct lm_part_info *lm_part_info(const struct lm_part *part);

/** A section's bytes, 8-byte aligned, mapped until the part goes. NULL and 0 when it has none. */
const uint8_t *lm_part_section(const struct lm_part *part, uint32_t section, size_t *ret_len);
/** The same as a cursor. */
struct lm_bytes lm_part_bytes(const struct lm_part *part, uint32_t section);
