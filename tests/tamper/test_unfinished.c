/* SPDX-License-Identifier: MIT */
#include "memo.h"

/*
 * Logs that were not ended: behind the checkpoint that is known to be on the disk a power cut may
 * leave anything, and up to there nothing.
 */
static const struct frame *find_checkpoint(const struct image *image, uint32_t segment)
{
	for (size_t i = 0; i < image->frame_count; i++)
		if (image->frames[i].segment == segment &&
			image->frames[i].type == LM_FRAME_CHECKPOINT)
			return &image->frames[i];
	fail_msg("segment %u has no checkpoint", segment);
	return NULL;
}

/* Back to when a checkpoint of the second segment was the newest on the disk. @return its leaves */
static uint64_t put_back(const struct image *image)
{
	const struct frame *frame = find_checkpoint(image, 2);
	const uint8_t *data = image->segments[2].data + frame->offset + LM_FRAME_HEADER_BYTES;
	size_t len = frame->bytes - LM_FRAME_HEADER_BYTES;
	struct lm_checkpoint checkpoint;
	struct lm_note note;
	char path[160];

	assert_int_equal(lm_checkpoint_parse((struct lm_str){ (const char *)data, (uint32_t)len },
		&checkpoint, &note), 0);
	store_file(image->log, LM_LOG_CHECKPOINT_NAME, data, len);
	snprintf(path, sizeof(path), "%s/00000003.lms", image->log);
	unlink(path);
	return checkpoint.size;
}

/* Is the byte one that the first `size` leaves stand for? */
static bool is_covered(const struct image *image, uint32_t segment, size_t byte, uint64_t size)
{
	for (size_t i = 0; i < image->frame_count; i++) {
		const struct frame *frame = &image->frames[i];

		if (frame->segment == segment && byte >= frame->offset &&
			byte < frame->offset + frame->bytes)
			return lm_seal_frame_index(segment, frame->sequence) < size;
	}
	return true; /* the header: some frames behind it are covered as well */
}

static void test_flips_behind(void **state)
{
	struct image *image = make_image(*state, 1, 1);
	uint64_t size = put_back(image);
	size_t found = 0, behind = 0;

	expect_words(image, 0, "put back", 0);
	for (uint32_t segment = 1; segment <= 2; segment++) {
		const struct lm_buffer *bytes = &image->segments[segment];

		for (size_t byte = 0; byte < bytes->len; byte++) {
			bool covered = is_covered(image, segment, byte, size);

			bytes->data[byte] ^= 4;
			store_segment(image, segment, bytes);
			bytes->data[byte] ^= 4;
			assert_int_equal(verify_words(image->log, NULL, false) != 0, covered);
			found += covered;
			behind += !covered;
		}
		store_segment(image, segment, bytes);
	}
	assert_true(found > 1000 && behind > 500);
	free_image(image);
}

/* Each length that the second segment can be left with, and with zeros up to its size. */
static void test_tails_behind(void **state)
{
	struct image *image = make_image(*state, 1, 1);
	uint64_t size = put_back(image);
	const struct lm_buffer *bytes = &image->segments[2];
	LM_BUFFER struct lm_buffer rest = LM_BUFFER_INIT;

	for (size_t len = image->header_bytes; len < bytes->len; len++) {
		unsigned int wanted = is_covered(image, 2, len, size) ? CUT_END : 0;

		lm_buffer_reset(&rest);
		lm_buffer_append(&rest, bytes->data, len);
		store_segment(image, 2, &rest);
		expect_words(image, wanted, "cut to", len);
		while (rest.len < bytes->len)
			lm_buffer_append_byte(&rest, 0);
		store_segment(image, 2, &rest);
		if (!wanted)
			expect_words(image, 0, "zeros from", len);
		else
			assert_int_not_equal(verify_words(image->log, NULL, false), 0);
	}
	free_image(image);
}

/* Whoever kept the later checkpoint knows that the end is missing. */
static void test_kept_elsewhere(void **state)
{
	struct image *image = make_image(*state, 1, 1);
	char path[160];
	const char *paths[] = { path };
	const struct lm_verify_options options = { .checkpoints = paths, .checkpoint_count = 1 };

	put_back(image);
	store_file(image->folder->path, "kept", image->checkpoint.data, image->checkpoint.len);
	snprintf(path, sizeof(path), "%s/kept", image->folder->path);
	assert_int_equal(verify_words(image->log, NULL, false), 0);
	assert_int_equal(verify_words(image->log, &options, false), CUT_END);
	free_image(image);
}

/* When the signer is gone the log goes on without, and verify says from where on. */
static void test_signer_gone(void **state)
{
	struct folder *folder = *state;
	const struct lm_log_meta meta = make_meta();

	for (uint32_t left = 2; left < 12; left++) {
		struct lm_log_options options = { .segment_bytes = 1800, .checkpoint_ns = 1 };
		struct lm_verify_report report = { 0 };
		struct lm_log_writer *writer = NULL;
		struct test_signer signer;

		assert_int_equal(test_signer_init(&signer), 0);
		signer.left = left;
		options.signer = &signer.signer;
		options.log_id = signer.log_id;
		assert_int_equal(lm_log_create(folder->log, &meta, &options, &writer, NULL), 0);
		add_events(writer, 0, 60, 3);
		assert_int_equal(lm_log_close(writer, NULL, NULL), -LM_E_UNSIGNED);
		assert_int_equal(lm_verify(folder->log, NULL, &report, NULL), 0);
		print_findings(&report);
		assert_true(report.sound && report.sealed);
		assert_int_equal(report.state, LM_VERIFY_ENDED);
		assert_true(report.checkpoints > 0 && report.checkpoints < left);
		assert_true(report.unsigned_frames > 1);
		assert_int_equal(report.events, 60);
		lm_verify_report_release(&report);
		test_signer_release(&signer);
		remove_files(folder->log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flips_behind, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_tails_behind, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_kept_elsewhere, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_signer_gone, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
