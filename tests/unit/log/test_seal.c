/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lemona/base/error.h"
#include "rest.h"
#include "seal.h"

#define ROWS 3u

/* Bytes to write over a payload, that make it none. */
struct patch {
	size_t offset, len;
	uint8_t bytes[8];
};

typedef int (*decoder)(const uint8_t *payload, size_t len);

static void expect_refused(const struct lm_buffer *good, decoder decode,
	const struct patch *patches, size_t count)
{
	uint8_t *copy = malloc(good->len + 1);

	assert_non_null(copy);
	copy[good->len] = 0;
	memcpy(copy, good->data, good->len);
	assert_int_equal(decode(copy, good->len), 0);
	for (size_t len = 0; len <= good->len + 1; len++)
		if (len != good->len)
			assert_int_equal(decode(copy, len), -LM_E_DAMAGED);
	for (size_t i = 0; i < count; i++) {
		memcpy(copy, good->data, good->len);
		memcpy(copy + patches[i].offset, patches[i].bytes, patches[i].len);
		assert_int_equal(decode(copy, good->len), -LM_E_DAMAGED);
	}
	free(copy);
}

static int decode_index(const uint8_t *payload, size_t len)
{
	struct lm_index index;

	return lm_index_decode(payload, len, &index);
}

static struct lm_index_row make_row(uint32_t i)
{
	struct lm_index_row row = { .offset = 96 + i, .first_event = 7 * i + 1,
		.min_ns = UINT64_MAX - i, .max_ns = i };

	memset(row.leaf.bytes, (int)(i + 1), sizeof(row.leaf.bytes));
	return row;
}

static void test_index(void **state)
{
	static const struct patch bad[] = {
		{ 8, 8, { 255, 255, 255, 255, 255, 255, 255, 255 } }, /* leaves */
		{ 16, 4, { 2 } },                                     /* rows */
		{ 16, 4, { 3, 0, 0, 4 } }, /* times 64 is 192 in 32 bits */
		{ 20, 4, { 63 } },
	};
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_index index;

	lm_index_append_head(&payload, 4711, 99, ROWS);
	for (uint32_t i = 0; i < ROWS; i++) {
		struct lm_index_row row = make_row(i);

		lm_index_append_row(&payload, &row);
	}
	assert_int_equal(payload.len, LM_INDEX_HEAD_BYTES + ROWS * LM_INDEX_ROW_BYTES);
	assert_int_equal(lm_index_decode(payload.data, payload.len, &index), 0);
	assert_int_equal(index.previous, 4711);
	assert_int_equal(index.first_leaf, 99);
	assert_int_equal(index.count, ROWS);
	for (uint32_t i = 0; i < ROWS; i++) {
		struct lm_index_row made = make_row(i), row;

		lm_index_row_at(&index, i, &row);
		assert_memory_equal(&row, &made, sizeof(row));
	}
	expect_refused(&payload, decode_index, bad, LM_ARRAY_SIZE(bad));
}

static void test_index_without_rows(void **state)
{
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;

	lm_index_append_head(&payload, 0, 0, 0);
	assert_int_equal(decode_index(payload.data, payload.len), -LM_E_DAMAGED);
}

static int decode_end(const uint8_t *payload, size_t len)
{
	struct lm_end end;

	return lm_end_decode(payload, len, &end);
}

static void test_end(void **state)
{
	static const struct patch bad[] = {
		{ 4, 8, { 95 } },      /* the index cannot be inside the header */
		{ 12, 4, { 3 } },      /* note */
		{ 16, 4, { 119 } },    /* frame */
		{ 20, 4, "LMSF" },
	};
	const struct lm_end made = { .note = LM_STR("note"), .index_offset = 1234567890123 };
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	uint32_t frame_bytes = 0;
	uint64_t offset = 0;
	struct lm_end end;

	lm_end_append(&payload, &made);
	assert_int_equal(payload.len, 4 + LM_END_TAIL_BYTES);
	assert_int_equal(lm_end_decode(payload.data, payload.len, &end), 0);
	assert_true(lm_str_equal(end.note, made.note));
	assert_true(end.index_offset == made.index_offset);
	assert_int_equal(lm_end_tail_decode(payload.data + 4, &offset, &frame_bytes), 0);
	assert_true(offset == made.index_offset);
	assert_int_equal(frame_bytes, LM_FRAME_HEADER_BYTES + payload.len);
	expect_refused(&payload, decode_end, bad, LM_ARRAY_SIZE(bad));
}

static int decode_tombstone(const uint8_t *payload, size_t len)
{
	struct lm_tombstone tombstone;

	return lm_tombstone_decode(payload, len, &tombstone);
}

static void test_tombstone(void **state)
{
	static const struct patch bad[] = {
		{ 0, 4, { 0 } },                                       /* segment */
		{ 0, 4, { 0, 225, 245, 5 } },                          /* 100000000 */
		{ 4, 4, { 1 } },                                       /* reserved */
		{ 8, 8, { 255, 255, 255, 255, 255, 255, 255, 255 } },  /* leaves */
		{ 16, 8, { 0 } },
		{ 24, 8, { 0 } },                                      /* events */
		{ 32, 8, { 255, 255, 255, 255, 255, 255, 255, 255 } },
	};
	const struct lm_tombstone made = { .segment = 3, .first_leaf = 40, .leaf_count = 8,
		.first_event = 500, .event_count = 77, .min_ns = 5, .max_ns = 6, .bytes = 99,
		.rest = { { [31] = 9 } } };
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT, again = LM_BUFFER_INIT;
	struct lm_tombstone tombstone;

	lm_tombstone_append(&payload, &made);
	assert_int_equal(payload.len, LM_TOMBSTONE_BYTES);
	assert_int_equal(lm_tombstone_decode(payload.data, payload.len, &tombstone), 0);
	lm_tombstone_append(&again, &tombstone);
	assert_int_equal(again.len, payload.len);
	assert_memory_equal(again.data, payload.data, payload.len);
	assert_int_equal(tombstone.segment, 3);
	assert_int_equal(tombstone.rest.bytes[31], 9);
	expect_refused(&payload, decode_tombstone, bad, LM_ARRAY_SIZE(bad));
}

static void append_frame(struct lm_buffer *out, enum lm_frame_type type, uint64_t sequence,
	struct lm_str payload)
{
	const struct lm_frame_header header = { .type = (uint16_t)type,
		.flags = type > LM_FRAME_SEGMENT_END ? LM_FRAME_SKIPPABLE : 0,
		.stored_bytes = payload.len,
		.raw_bytes = payload.len, .sequence = sequence, .first_event = 9 };
	uint8_t data[LM_FRAME_HEADER_BYTES];

	lm_frame_header_encode(&header, (const uint8_t *)payload.data, data);
	lm_buffer_append(out, data, sizeof(data));
	lm_buffer_append_str(out, payload);
}

static struct lm_str str_of(const struct lm_buffer *bytes)
{
	return (struct lm_str){ (const char *)bytes->data, (uint32_t)bytes->len };
}

static void make_rest(struct lm_buffer *out, enum lm_frame_type first, enum lm_frame_type last,
	uint64_t first_sequence)
{
	LM_BUFFER struct lm_buffer start = LM_BUFFER_INIT, end = LM_BUFFER_INIT;
	const struct lm_segment_header header = { .number = 2, .first_sequence = 7,
		.first_event = 9 };
	const struct lm_merkle_tree tree = { .size = 5, .full = { { { 1 } }, { { 2 } } } };
	const struct lm_digest before = { { [31] = 3 } };

	assert_int_equal(lm_segment_header_encode(&header, &start), 0);
	append_frame(&start, first, first_sequence, LM_STR("key note"));
	append_frame(&end, last, 30, LM_STR("end"));
	lm_rest_append(out, str_of(&start), str_of(&end), &tree, &before);
	assert_int_equal(lm_buffer_status(out), 0);
}

static void test_rest(void **state)
{
	LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT, other = LM_BUFFER_INIT;
	struct lm_rest rest;

	(void)state;
	make_rest(&bytes, LM_FRAME_KEY, LM_FRAME_SEGMENT_END, 7);
	assert_int_equal(lm_rest_decode(bytes.data, bytes.len, &rest), 0);
	assert_true(lm_str_equal(rest.key.payload, LM_STR("key note")));
	assert_true(lm_str_equal(rest.end.payload, LM_STR("end")));
	assert_int_equal(rest.end.header.sequence, 30);
	assert_int_equal(rest.tree.size, 5);
	assert_int_equal(rest.tree.full[1].bytes[0], 2);
	assert_int_equal(rest.before.bytes[31], 3);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(lm_rest_decode(bytes.data, len, &rest), -LM_E_DAMAGED);
	make_rest(&other, LM_FRAME_CHECKPOINT, LM_FRAME_SEGMENT_END, 7);
	assert_int_equal(lm_rest_decode(other.data, other.len, &rest), -LM_E_DAMAGED);
	lm_buffer_reset(&other);
	make_rest(&other, LM_FRAME_KEY, LM_FRAME_END, 7);
	assert_int_equal(lm_rest_decode(other.data, other.len, &rest), -LM_E_DAMAGED);
	lm_buffer_reset(&other);
	make_rest(&other, LM_FRAME_KEY, LM_FRAME_SEGMENT_END, 8);
	assert_int_equal(lm_rest_decode(other.data, other.len, &rest), -LM_E_DAMAGED);
	lm_buffer_append_byte(&bytes, 0);
	assert_int_equal(lm_rest_decode(bytes.data, bytes.len, &rest), -LM_E_DAMAGED);
}

/* Leaves of two segments, five frames in the first: header, frames, header, frames. */
static void test_leaf_numbers(void **state)
{
	assert_int_equal(lm_seal_header_index(1, 1), 0);
	for (uint64_t s = 1; s <= 5; s++)
		assert_int_equal(lm_seal_frame_index(1, s), s);
	assert_int_equal(lm_seal_header_index(2, 6), 6);
	assert_int_equal(lm_seal_frame_index(2, 6), 7);
}

/* As sha256sum has it: of 96 bytes "h" behind a zero byte, and SHA-256 of "payload". */
static void test_frame_leaf(void **state)
{
	static const uint8_t expected[LM_SHA256_BYTES] = {
		0x8e, 0xaa, 0xb0, 0xcb, 0xc3, 0x6a, 0x28, 0x54,
		0x46, 0xe6, 0xd4, 0x7e, 0xdd, 0x14, 0x9e, 0xfe,
		0xb5, 0x27, 0x4d, 0x8e, 0x1b, 0x27, 0x8b, 0x54,
		0xc1, 0x25, 0x54, 0xcf, 0x07, 0x4e, 0x30, 0xf3,
	};
	uint8_t header[LM_FRAME_HEADER_BYTES];
	struct lm_digest payload, leaf;
	struct lm_sha256 *hash = NULL;

	memset(header, 'h', sizeof(header));
	assert_int_equal(lm_sha256_new(&hash), 0);
	assert_int_equal(lm_seal_digest(hash, "payload", 7, &payload), 0);
	assert_int_equal(lm_seal_frame_leaf(hash, header, &payload, &leaf), 0);
	assert_memory_equal(leaf.bytes, expected, sizeof(expected));
	lm_sha256_free(hash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_index_without_rows),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_tombstone),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_leaf_numbers),
		cmocka_unit_test(test_frame_leaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
