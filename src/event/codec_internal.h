/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/event/codec.h"

/* What the two halves of the codec share. Numbers are those of docs/formats/log.md. */

enum column {
	COLUMN_OBJECT_KIND,
	COLUMN_OBJECT_FLAGS,
	COLUMN_OBJECT_NUMBER,
	COLUMN_OBJECT_MASK,
	COLUMN_STRING_SIZE,
	COLUMN_OBJECT_MOMENT,
	COLUMN_OBJECT_TIME,
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
	COLUMN_SPAN,
	COLUMN_CALL_MASK,
	COLUMN_CALL_ARGS, /* LM_EVENT_ARGS of them */
	COLUMN_CONTENT_OFFSET = COLUMN_CALL_ARGS + LM_EVENT_ARGS,
	COLUMN_CONTENT_SIZE,
	COLUMN_CONTENT_TERMINAL,
	COLUMN_NUMBERS_END = COLUMN_CONTENT_TERMINAL,
	COLUMN_STRING,   /* these stand behind the fields of objects */
	COLUMN_CONTENT,
	COLUMN_TIME_LOW,
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

/* What the arguments of a kind of LM_OP_CALL last were. */
struct call_memory {
	uint64_t args[LM_EVENT_ARGS];
};

/* Fields of objects: one table drives both directions. */
#define OBJECT_SCALARS_MAX 44u
#define OBJECT_STRINGS_MAX 2u
#define FIELDS_OF_A_KIND   64u /* number of a field's column: 64 * kind + field */
#define VARINT_MAX_BYTES   10u

struct object_scalar {
	uint16_t offset; /* in struct lm_object */
	uint8_t size;
	uint64_t max;
};

struct object_string {
	uint16_t offset;
	uint32_t max_bytes;
};

struct object_layout {
	const struct object_scalar *scalars;
	const struct object_string *strings;
	uint8_t scalar_count, string_count;
};

extern const struct object_layout lm_object_layouts[LM_OBJECT_KIND_MAX + 1];

/* A scalar field of a kind has a column of its own. */
#define FIELD_COLUMN_COUNT ((LM_OBJECT_KIND_MAX + 1) * OBJECT_SCALARS_MAX)

static inline uint32_t field_column(unsigned int kind, unsigned int scalar)
{
	return kind * OBJECT_SCALARS_MAX + scalar;
}

/* What the objects before this one held. Zeroed at the start of a payload. */
struct object_memory {
	lm_object_id id;
	uint64_t scalars[FIELD_COLUMN_COUNT];
};

/**
 * Append all of an object but its time.
 *
 * @param columns  COLUMN_OBJECT_* and COLUMN_STRING*; @param fields  FIELD_COLUMN_COUNT
 * @param ret_bytes  how much the columns have grown
 * @return 0; -EMSGSIZE (string above its maximum); -EINVAL (kind, number); -ENOMEM: all is then
 *         as it was
 */
int lm_object_append(struct lm_buffer *columns, struct lm_buffer *fields,
	struct object_memory *memory, const struct lm_object *object, size_t *ret_bytes);
/** All of an object but its time. @return 0; -LM_E_DAMAGED */
int lm_object_take(struct lm_bytes *columns, struct lm_bytes *fields, struct object_memory *memory,
	struct lm_object *ret_object);

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
