/* SPDX-License-Identifier: MIT */
#include "memo.h"

/*
 * Bytes are taken out of a sealed log of three segments: at each place its end is cut off, and at
 * each place a stretch of the middle is taken out.
 */
static void cut_tail(const struct image *image, uint32_t segment)
{
	const struct lm_buffer *bytes = &image->segments[segment];
	char name[LM_SEGMENT_NAME_BYTES], path[160];

	lm_segment_name(segment, name);
	snprintf(path, sizeof(path), "%s/%s", image->log, name);
	for (size_t len = bytes->len - 1; len < bytes->len; len -= ONE_OF) {
		assert_int_equal(truncate(path, (off_t)len), 0);
		expect_words(image, segment == SEGMENTS ? CUT_END :
			segment == 1 && len < image->header_bytes ? CUT_START : CUT_MIDDLE,
			name, len);
	}
	store_segment(image, segment, bytes);
}

/* Each segment ends earlier; of the last one that is the end of the log. */
static void test_tails(void **state)
{
	struct image *image = make_image(*state, 1, 1);

	for (uint32_t i = SEGMENTS; i > 0; i--)
		cut_tail(image, i);
	free_image(image);
}

static void cut_out(const struct image *image, uint32_t segment, size_t len, size_t step)
{
	const struct lm_buffer *bytes = &image->segments[segment];
	LM_BUFFER struct lm_buffer rest = LM_BUFFER_INIT;

	for (size_t at = 0; at + len < bytes->len; at += step) {
		lm_buffer_reset(&rest);
		lm_buffer_append(&rest, bytes->data, at);
		lm_buffer_append(&rest, bytes->data + at + len, bytes->len - at - len);
		store_segment(image, segment, &rest);
		/* Without the last bytes that say so, it is no end any more. */
		if (segment == SEGMENTS && at + len + LM_END_TAIL_BYTES > bytes->len &&
			verify_words(image->log, NULL, false) == CUT_END)
			continue;
		expect_words(image, CUT_MIDDLE, "cut out of the middle at", at);
	}
	store_segment(image, segment, bytes);
}

static void test_middles(void **state)
{
	static const size_t lengths[] = { 1, 7, 96, 500, 1777 };
	struct image *image = make_image(*state, 1, 1);

	for (uint32_t i = 1; i <= SEGMENTS; i++)
		for (size_t k = 0; k < LM_ARRAY_SIZE(lengths); k++)
			cut_out(image, i, lengths[k], ONE_OF);
	free_image(image);
}

/* Whole frames, one after the other, and runs of them. */
static void test_frames(void **state)
{
	struct image *image = make_image(*state, 1, 1);
	LM_BUFFER struct lm_buffer rest = LM_BUFFER_INIT;

	for (size_t i = 0; i < image->frame_count; i++) {
		const struct frame *first = &image->frames[i];
		const struct lm_buffer *bytes = &image->segments[first->segment];

		for (size_t k = i; k < image->frame_count; k++) {
			const struct frame *last = &image->frames[k];
			size_t end = last->offset + last->bytes;

			if (last->segment != first->segment)
				break;
			lm_buffer_reset(&rest);
			lm_buffer_append(&rest, bytes->data, first->offset);
			lm_buffer_append(&rest, bytes->data + end, bytes->len - end);
			store_segment(image, first->segment, &rest);
			expect_words(image, first->segment == SEGMENTS && end == bytes->len ?
				CUT_END : CUT_MIDDLE, "without frames from", first->sequence);
		}
		store_segment(image, first->segment, bytes);
	}
	free_image(image);
}

static void expect_without(const struct image *image, const char *name, unsigned int words)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", image->log, name);
	assert_int_equal(unlink(path), 0);
	expect_words(image, words, name, 0);
	store_image(image);
}

static void test_files(void **state)
{
	struct image *image = make_image(*state, 1, 1);

	expect_without(image, "00000001.lms", CUT_START);
	expect_without(image, "00000002.lms", CUT_MIDDLE);
	expect_without(image, "00000003.lms", CUT_END);
	expect_without(image, "checkpoint", CUT_END);
	expect_without(image, "key", ALTERED);
	expect_words(image, 0, "as it was again", 0);
	free_image(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tails, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_middles, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_frames, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_files, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
