/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/event/codec.h"

/* What the two halves of the codec share. Numbers are those of docs/formats/log.md. */

enum column {
	COLUMN_OBJECTS,
	COLUMN_BINDINGS,
	COLUMN_GAPS,
	COLUMN_THREADS,
	COLUMN_KINDS,
	COLUMN_SHAPES,
	COLUMN_SHAPE,
	COLUMN_WIDE_SHAPE,
	COLUMN_NEAR,
	COLUMN_FAR,
	COLUMN_ARG,
	COLUMN_RESULT,
	COLUMN_CPU,
	COLUMN_TIME_HIGH,
	COLUMN_TIME_LOW,
	COLUMN_SPAN,
	COLUMN_COUNT,
};

/* How a shape says where a field's value is found. */
enum state {
	STATE_NONE = 0,
	STATE_THREAD = 1,
	STATE_KIND = 2,
	STATE_NEAR = 3,
	STATE_FAR = 4,
	STATE_SAME = 1,
	STATE_VALUE = 2,
	STATE_DELTA = 3,
};

#define STATE_OBJECT_SHIFT  0
#define STATE_OBJECT2_SHIFT 3
#define STATE_NAME_SHIFT    6
#define STATE_NAME2_SHIFT   9
#define STATE_ARG_SHIFT     12
#define STATE_RESULT_SHIFT  14
#define STATE_CPU_SHIFT     16
#define STATE_BITS          17
#define STATE_ID_MASK       7u
#define STATE_VALUE_MASK    3u

#define SHAPE_WIDE 255u /* the shape's number is in COLUMN_WIDE_SHAPE */

/* What a kind (op, call, flags) last had, to predict from. */
struct kind_memory {
	lm_object_id object, object2, name, name2;
	uint64_t arg;
	int64_t result;
};

/* Rows of objects: one table drives both directions. */
#define ROW_SCALARS_MAX 44u
#define ROW_STRINGS_MAX 2u

struct row_scalar {
	uint16_t offset; /* in struct lm_object */
	uint8_t size;
	uint64_t max;
};

struct row_string {
	uint16_t offset;
	uint32_t max_bytes;
};

struct row_layout {
	const struct row_scalar *scalars;
	const struct row_string *strings;
	uint8_t scalar_count, string_count;
};

extern const struct row_layout lm_row_layouts[LM_OBJECT_KIND_MAX + 1];

/* What the rows before this one held. Zeroed at the start of a payload. */
struct row_memory {
	lm_object_id id;
	uint64_t time_ns;
	uint64_t scalars[LM_OBJECT_KIND_MAX + 1][ROW_SCALARS_MAX];
};

/** @return 0; -EMSGSIZE (string above its maximum); -EINVAL (kind); memory is then untouched */
int lm_row_append_object(struct lm_buffer *out, struct row_memory *memory,
	const struct lm_object *object);
/** @return 0; -LM_E_DAMAGED */
int lm_row_take_object(
	struct lm_bytes *in, struct row_memory *memory, struct lm_object *ret_object);

/* Sorting that costs little where the input is a few sorted runs. Stable. */
struct sort_entry {
	uint64_t end_ns;
	uint32_t index;
};

/** @param entries  result is here; @param spare, runs  room for count and count + 1 */
void lm_codec_sort(struct sort_entry *entries, struct sort_entry *spare, uint32_t *runs,
	uint32_t count);

/* Numbers keys in order of first appearance. */
#define DICTIONARY_SLOTS 32768u /* power of two, twice the most keys that a batch can have */
_Static_assert(DICTIONARY_SLOTS >= 2 * LM_BATCH_MAX_EVENTS, "probes stay short");

struct dictionary {
	uint16_t slots[DICTIONARY_SLOTS]; /* number + 1; 0 is free */
	uint64_t keys[LM_BATCH_MAX_EVENTS];
	uint32_t count;
};

static inline uint32_t dictionary_slot(uint64_t key)
{
	/* Fibonacci hashing (Knuth 6.4): the top 15 bits depend on all of the key's. */
	return (uint32_t)(((key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15)) >> 49);
}

/** The caller adds at most LM_BATCH_MAX_EVENTS different keys. */
static inline uint32_t dictionary_number(struct dictionary *dictionary, uint64_t key)
{
	uint32_t slot = dictionary_slot(key);

	while (dictionary->slots[slot] != 0) {
		uint32_t number = dictionary->slots[slot] - 1u;

		if (dictionary->keys[number] == key)
			return number;
		slot = (slot + 1) & (DICTIONARY_SLOTS - 1);
	}
	dictionary->keys[dictionary->count] = key;
	dictionary->slots[slot] = (uint16_t)++dictionary->count;
	return dictionary->count - 1;
}

/** Costs what is in it, not what it could hold. */
void lm_dictionary_reset(struct dictionary *dictionary);
