/* SPDX-License-Identifier: MIT */
#include "memo.h"

/*
 * Frames and segments of a sealed log that stand elsewhere, twice, or in another log, and logs that
 * were written anew by somebody else.
 */
static const uint8_t *data_of(const struct image *image, const struct frame *frame)
{
	return image->segments[frame->segment].data + frame->offset;
}

/* The segment with other bytes in place of [begin, end). */
static void replace(const struct image *image, uint32_t segment, size_t begin, size_t end,
	const void *data, size_t len)
{
	const struct lm_buffer *bytes = &image->segments[segment];
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;

	lm_buffer_append(&out, bytes->data, begin);
	lm_buffer_append(&out, data, len);
	lm_buffer_append(&out, bytes->data + end, bytes->len - end);
	store_segment(image, segment, &out);
}

static void restore(const struct image *image, uint32_t segment)
{
	store_segment(image, segment, &image->segments[segment]);
}

/* Frames i and k of one segment change places, i before k. */
static void swap(const struct image *image, const struct frame *i, const struct frame *k)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	const uint8_t *between = data_of(image, i) + i->bytes;

	lm_buffer_append(&out, data_of(image, k), k->bytes);
	lm_buffer_append(&out, between, (size_t)(data_of(image, k) - between));
	lm_buffer_append(&out, data_of(image, i), i->bytes);
	replace(image, i->segment, i->offset, k->offset + k->bytes, out.data, out.len);
}

static void test_swaps(void **state)
{
	struct image *image = make_image(*state, 1, 1);

	for (size_t i = 0; i < image->frame_count; i++) {
		const struct frame *a = &image->frames[i];

		for (size_t k = i + 1; k < image->frame_count; k++) {
			const struct frame *b = &image->frames[k];

			if (a->segment == b->segment) {
				swap(image, a, b);
			} else {
				replace(image, a->segment, a->offset, a->offset + a->bytes,
					data_of(image, b), b->bytes);
				replace(image, b->segment, b->offset, b->offset + b->bytes,
					data_of(image, a), a->bytes);
			}
			expect_words(image, REORDERED, "swapped with a later one, frame",
				a->sequence * 1000 + b->sequence);
			restore(image, b->segment);
		}
		restore(image, a->segment);
	}
	free_image(image);
}

/* A copy of each frame before each other one, and in the place of each other one. */
static void test_replays(void **state)
{
	struct image *image = make_image(*state, 1, 1);

	for (size_t i = 0; i < image->frame_count; i++) {
		const struct frame *a = &image->frames[i];

		for (size_t k = 0; k < image->frame_count; k++) {
			const struct frame *b = &image->frames[k];

			replace(image, b->segment, b->offset, b->offset, data_of(image, a),
				a->bytes);
			expect_words(image, DUPLICATED, "a copy before another, frame",
				a->sequence * 1000 + b->sequence);
			replace(image, b->segment, b->offset, b->offset + b->bytes,
				data_of(image, a), a->bytes);
			if (i != k)
				expect_words(image, DUPLICATED | (k + 1 == image->frame_count ?
					CUT_END : CUT_MIDDLE),
					"a copy in place of another, frame",
					a->sequence * 1000 + b->sequence);
			restore(image, b->segment);
		}
	}
	free_image(image);
}

static struct folder *other_folder(const struct folder *folder)
{
	struct folder *other = calloc(1, sizeof(*other));

	assert_non_null(other);
	snprintf(other->path, sizeof(other->path), "%.40s/other", folder->path);
	mkdir(other->path, 0700);
	return other;
}

static void free_other(struct folder *folder, struct image *image)
{
	remove_files(image->log);
	rmdir(folder->path);
	free_image(image);
	free(folder);
}

/* Frames of another log before, and in place of, each frame, and its rest from there on. */
static void test_splices(void **state)
{
	struct folder *folder = other_folder(*state);
	struct image *image = make_image(*state, 1, 1), *other = make_image(folder, 2, 1);
	LM_BUFFER struct lm_buffer rest = LM_BUFFER_INIT;

	for (size_t i = 0; i < image->frame_count && i < other->frame_count; i++) {
		const struct frame *a = &image->frames[i], *b = &other->frames[i];
		const struct lm_buffer *from = &other->segments[b->segment];

		replace(image, a->segment, a->offset, a->offset, data_of(other, b), b->bytes);
		expect_words(image, MIXED, "a foreign frame before frame", a->sequence);
		replace(image, a->segment, a->offset, a->offset + a->bytes, data_of(other, b),
			b->bytes);
		expect_words(image, MIXED, "a foreign frame in place of frame", a->sequence);
		lm_buffer_reset(&rest);
		lm_buffer_append(&rest, image->segments[a->segment].data, a->offset);
		lm_buffer_append(&rest, from->data + b->offset, from->len - b->offset);
		store_segment(image, a->segment, &rest);
		/* Of the last one the end that was there is missing as well. */
		if (a->segment < SEGMENTS ||
			verify_words(image->log, NULL, false) != (MIXED | CUT_END))
			expect_words(image, MIXED, "the rest of another segment from frame",
				a->sequence);
		restore(image, a->segment);
	}
	free_other(folder, other);
	free_image(image);
}

static void test_segments(void **state)
{
	struct folder *folder = other_folder(*state);
	struct image *image = make_image(*state, 1, 1), *other = make_image(folder, 2, 1);

	for (uint32_t i = 1; i <= SEGMENTS; i++) {
		for (uint32_t k = 1; k <= SEGMENTS; k++) {
			if (i == k)
				continue;
			store_segment(image, k, &image->segments[i]);
			expect_words(image, DUPLICATED | (k == 1 ? CUT_START :
				k == SEGMENTS ? CUT_END : CUT_MIDDLE), "a copy of segment", i);
			store_segment(image, i, &image->segments[k]);
			expect_words(image, REORDERED, "swapped segment", i);
			store_image(image);
		}
		store_segment(image, SEGMENTS + 1, &image->segments[i]);
		expect_words(image, DUPLICATED, "replayed segment", i);
		store_image(image);
		store_segment(image, i, &other->segments[i]);
		expect_words(image, MIXED | (i == 1 ? CUT_START :
			i == SEGMENTS ? CUT_END : CUT_MIDDLE), "foreign segment", i);
		store_image(image);
	}
	store_file(image->log, LM_LOG_KEY_NAME, other->key.data, other->key.len);
	expect_words(image, MIXED, "the key of another log", 0);
	store_image(image);
	store_file(image->log, LM_LOG_CHECKPOINT_NAME, other->checkpoint.data,
		other->checkpoint.len);
	expect_words(image, MIXED, "the checkpoint of another log", 0);
	free_other(folder, other);
	free_image(image);
}

/* Somebody writes the log anew, with the same identity and keys of his own. */
static void test_written_anew(void **state)
{
	struct folder *folder = other_folder(*state);
	struct image *image = make_image(*state, 1, 1), *other = make_image(folder, 1, 1);
	char path[160];
	const char *paths[] = { path };
	const struct lm_verify_options with_checkpoint = { .checkpoints = paths,
		.checkpoint_count = 1 };
	const struct lm_verify_options with_key = {
		.key = { (const char *)image->key.data, (uint32_t)image->key.len } };

	snprintf(path, sizeof(path), "%s/checkpoint", image->log);
	assert_int_equal(verify_words(other->log, NULL, false), 0);
	assert_int_equal(verify_words(other->log, &with_key, false), WRONG_KEY);
	assert_int_equal(verify_words(image->log, &with_key, false), 0);
	assert_int_equal(verify_words(image->log, &with_checkpoint, false), 0);
	assert_int_equal(verify_words(other->log, &with_checkpoint, false) &
		~(CUT_END | WRONG_KEY), FORKED);
	/* The key alone is exchanged. */
	store_file(image->log, LM_LOG_KEY_NAME, other->key.data, other->key.len);
	expect_words(image, WRONG_KEY, "another key", 0);
	free_other(folder, other);
	free_image(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_swaps, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_replays, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_splices, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_segments, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_written_anew, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
