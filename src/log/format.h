/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/buffer.h"
#include "lemona/crypto/note.h"
#include "lemona/event/codec.h"
#include "lemona/log/writer.h"

/* Headers of docs/formats/log.md, as they are in memory and as they are on disk. */
#define LM_LOG_VERSION              1u
#define LM_SEGMENT_HEADER_BYTES     96u
#define LM_SEGMENT_META_MAX_BYTES   4096u
#define LM_SEGMENT_NAME_BYTES       13u /* 00000001.lms and NUL */
#define LM_SEGMENT_NUMBER_MAX       99999999u
#define LM_FRAME_HEADER_BYTES       96u
#define LM_FRAME_PAYLOAD_MAX_BYTES  LM_BATCH_MAX_BYTES
#define LM_FRAME_GAPS_MANY         65535u /* or more */
#define LM_LOG_LOCK_NAME            "lock"
#define LM_LOG_KEY_NAME             "key"
#define LM_LOG_CHECKPOINT_NAME      "checkpoint"

extern const uint8_t lm_frame_magic[4];

enum lm_frame_type {
	LM_FRAME_BATCH = 1,
	LM_FRAME_END = 2,
	LM_FRAME_SEGMENT_END = 3,
	/* These have the flag SKIPPABLE, and are no reader's business who wants events only. */
	LM_FRAME_KEY = 4,
	LM_FRAME_CHECKPOINT = 5,
	LM_FRAME_INDEX = 6,
	LM_FRAME_TOMBSTONE = 7,
};

enum lm_frame_flag {
	LM_FRAME_ZSTD = 1u << 0,
	LM_FRAME_SKIPPABLE = 1u << 1,
	LM_FRAME_FLAGS_KNOWN = LM_FRAME_ZSTD | LM_FRAME_SKIPPABLE,
};

struct lm_segment_header {
	uint32_t number;
	uint64_t first_sequence, first_event;
	uint8_t log_id[LM_LOG_ID_BYTES];
	uint64_t created_ns;
	int64_t wall_minus_boot_ns;
	struct lm_log_meta meta;
};

struct lm_frame_header {
	uint16_t type, flags;
	uint16_t gap_count; /* of a batch, at most LM_FRAME_GAPS_MANY; else 0 */
	uint32_t stored_bytes, raw_bytes, event_count;
	uint64_t sequence, first_event;
	uint64_t base_ns, min_ns, max_ns;
	int64_t wall_minus_boot_ns;
	uint64_t log_mark; /* lm_log_mark() of the log that it belongs to */
};

/** The first bytes of a log's identity, which each of its frames repeats. */
uint64_t lm_log_mark(const uint8_t log_id[LM_LOG_ID_BYTES]);

/** Append header and meta. @return 0; -ENOMEM */
int lm_segment_header_encode(const struct lm_segment_header *header, struct lm_buffer *out);

/**
 * @param len  what the file holds, at least; more than header and meta is fine
 * @param ret_bytes  where the first frame begins
 * @return 0; -LM_E_FORMAT; -LM_E_TRUNCATED; -LM_E_DAMAGED; -LM_E_VERSION
 */
int lm_segment_header_decode(const uint8_t *data, size_t len, struct lm_segment_header *ret_header,
	size_t *ret_bytes);

/** The payload is needed for its checksum. */
void lm_frame_header_encode(const struct lm_frame_header *header, const uint8_t *stored,
	uint8_t out[LM_FRAME_HEADER_BYTES]);

/** Magic and the header's own checksum: is this the start of a frame? */
bool lm_frame_header_is_sound(const uint8_t data[LM_FRAME_HEADER_BYTES]);

/**
 * Of a sound header.
 *
 * @param ret_header  filled for 0 and -LM_E_VERSION
 * @return 0; -LM_E_DAMAGED (sizes, gaps where there are none); -LM_E_VERSION (unknown flags, or a
 *         type that may not be skipped)
 */
int lm_frame_header_decode(const uint8_t data[LM_FRAME_HEADER_BYTES],
	struct lm_frame_header *ret_header);

/** Do header and payload belong together, unaltered? */
bool lm_frame_is_sound(const uint8_t data[LM_FRAME_HEADER_BYTES], const uint8_t *stored,
	size_t stored_bytes);

/** "00000001.lms" */
void lm_segment_name(uint32_t number, char out[LM_SEGMENT_NAME_BYTES]);
/** "00000001.lmt": what is left of a segment that was deleted. */
void lm_deleted_name(uint32_t number, char out[LM_SEGMENT_NAME_BYTES]);
/** The number in a segment's file name; 0 when the name is none. */
uint32_t lm_segment_number(const char *name);
/** The same of a deleted segment's. */
uint32_t lm_deleted_number(const char *name);
