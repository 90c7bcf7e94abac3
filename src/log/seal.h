/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "format.h"
#include "lemona/base/buffer.h"
#include "lemona/crypto/merkle.h"
#include "lemona/crypto/note.h"

/*
 * What sealing adds to a log (docs/formats/log.md, "Sealing"): leaves, and the payloads of index,
 * end and tombstone frames. Decoding takes any bytes.
 */
#define LM_INDEX_HEAD_BYTES     24u
#define LM_INDEX_ROW_BYTES      64u
#define LM_INDEX_ROWS_MAX       16000u
#define LM_END_TAIL_BYTES       20u
#define LM_TOMBSTONE_BYTES      96u

/** Where the leaf of a frame stands in the tree; both numbers count from 1. */
static inline uint64_t lm_seal_frame_index(uint32_t segment, uint64_t sequence)
{
	return sequence - 1 + segment;
}

/** Where the leaf of a segment's header stands: before that of its first frame. */
static inline uint64_t lm_seal_header_index(uint32_t segment, uint64_t first_sequence)
{
	return first_sequence - 1 + segment - 1;
}

/** SHA-256 of bytes: a frame's stored payload, a file. @return 0; -EIO */
int lm_seal_digest(struct lm_sha256 *hash, const void *data, size_t len,
	struct lm_digest *ret_digest);

/** The leaf of a segment's header: fixed part and meta, as stored. @return 0; -EIO */
int lm_seal_header_leaf(struct lm_sha256 *hash, const void *header, size_t len,
	struct lm_digest *ret_leaf);

/**
 * The leaf of a frame.
 *
 * @param payload  lm_seal_digest() of its stored payload
 * @return 0; -EIO
 */
int lm_seal_frame_leaf(struct lm_sha256 *hash, const uint8_t header[LM_FRAME_HEADER_BYTES],
	const struct lm_digest *payload, struct lm_digest *ret_leaf);

/** The same, of the stored payload itself. @return 0; -EIO */
int lm_seal_stored_leaf(struct lm_sha256 *hash, const uint8_t header[LM_FRAME_HEADER_BYTES],
	const void *stored, size_t stored_bytes, struct lm_digest *ret_leaf);

struct lm_index_row {
	struct lm_digest leaf;
	uint64_t offset;         /* in the segment's file, of header or frame */
	uint64_t first_event;    /* as in the header */
	uint64_t min_ns, max_ns; /* of its events; 0 without */
};

struct lm_index {
	uint64_t previous;   /* offset of the index frame before, 0: none in this segment */
	uint64_t first_leaf; /* index of the first row's leaf; the rows follow it without holes */
	uint32_t count;
	const uint8_t *rows; /* in the payload */
};

/** Append a row; lm_index_head() goes in front of them. */
void lm_index_append_row(struct lm_buffer *rows, const struct lm_index_row *row);
void lm_index_append_head(struct lm_buffer *out, uint64_t previous, uint64_t first_leaf,
	uint32_t count);
/** @return 0; -LM_E_DAMAGED (sizes, no rows or too many, leaves beyond 2^64) */
int lm_index_decode(const uint8_t *payload, size_t len, struct lm_index *ret_index);
/** @param row  below index->count */
void lm_index_row_at(const struct lm_index *index, uint32_t row, struct lm_index_row *ret_row);

struct lm_end {
	struct lm_str note;    /* empty where nobody signed any more; in the payload */
	uint64_t index_offset; /* of the last index frame of the segment */
};

/** Append an end frame's payload. */
void lm_end_append(struct lm_buffer *out, const struct lm_end *end);
/**
 * @param payload  of an end or segment end frame of a sealed log; that of one that is not sealed is
 *                 empty, and not to be asked about
 * @return 0; -LM_E_DAMAGED
 */
int lm_end_decode(const uint8_t *payload, size_t len, struct lm_end *ret_end);
/**
 * From the last bytes of a segment's file.
 *
 * @param ret_frame_bytes  what the end frame takes there, header included
 * @return 0; -LM_E_DAMAGED (no end of a sealed segment)
 */
int lm_end_tail_decode(const uint8_t tail[LM_END_TAIL_BYTES], uint64_t *ret_index_offset,
	uint32_t *ret_frame_bytes);

/* A segment that was deleted on purpose. */
struct lm_tombstone {
	uint32_t segment;
	uint64_t first_leaf, leaf_count;   /* its header and all of its frames */
	uint64_t first_event, event_count;
	uint64_t min_ns, max_ns;           /* of its events; 0 without */
	uint64_t bytes;                    /* of its file */
	struct lm_digest rest;             /* SHA-256 of the .lmt file that stands for it */
};

void lm_tombstone_append(struct lm_buffer *out, const struct lm_tombstone *tombstone);
/** @return 0; -LM_E_DAMAGED */
int lm_tombstone_decode(const uint8_t *payload, size_t len, struct lm_tombstone *ret_tombstone);
