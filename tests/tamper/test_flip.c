/* SPDX-License-Identifier: MIT */
/* Inlined: the state of the streaming form is only public this way. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "memo.h"
#include "tamper.h"

/*
 * Every bit of a sealed log of three segments, of its checkpoint and of its key, is flipped in
 * turn: as it is, and with the checksums made right again, as somebody would who forges.
 */
#define ALL_BITS 8u

static void expect_found(const struct image *image, const char *name, size_t byte, unsigned int bit,
	bool forged)
{
	struct lm_verify_report report = { 0 };
	int r = lm_verify(image->log, NULL, &report, NULL);

	/* Of a log of a newer version nothing is said; it is not called sound. */
	if (r == 0 && report.sound) {
		print_findings(&report);
		fail_msg("%s: bit %u of byte %zu%s was not found", name, bit, byte,
			forged ? ", checksums forged," : "");
	}
	lm_verify_report_release(&report);
}

static void flip_file(const struct image *image, const char *name, const struct lm_buffer *bytes)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", image->log, name);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	for (size_t byte = 0; byte < bytes->len; byte++) {
		for (unsigned int bit = byte % ONE_OF; bit < ALL_BITS; bit += ONE_OF) {
			uint8_t flipped = bytes->data[byte] ^ (uint8_t)(1u << bit);

			assert_int_equal(pwrite(fd, &flipped, 1, (off_t)byte), 1);
			expect_found(image, name, byte, bit, false);
		}
		assert_int_equal(pwrite(fd, bytes->data + byte, 1, (off_t)byte), 1);
	}
	close(fd);
}

static void test_flips(void **state)
{
	struct image *image = make_image(*state, 1, 1);
	char name[LM_SEGMENT_NAME_BYTES];

	expect_words(image, 0, "as it was", 0);
	for (uint32_t i = 1; i <= SEGMENTS; i++) {
		lm_segment_name(i, name);
		flip_file(image, name, &image->segments[i]);
	}
	flip_file(image, LM_LOG_KEY_NAME, &image->key);
	flip_file(image, LM_LOG_CHECKPOINT_NAME, &image->checkpoint);
	expect_words(image, 0, "as it was again", 0);
	free_image(image);
}

static uint64_t sum_two(const void *first, size_t first_len, const void *second, size_t second_len)
{
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, first, first_len);
	XXH3_64bits_update(&state, second, second_len);
	return XXH3_64bits_digest(&state);
}

static void put_sum(uint8_t *out, uint64_t sum)
{
	for (unsigned int i = 0; i < sizeof(sum); i++)
		out[i] = (uint8_t)(sum >> 8 * i);
}

/* Make the checksums of a header, or of a frame, fit what it says now. */
static void forge_header(uint8_t *header, size_t bytes)
{
	put_sum(header + 88, sum_two(header, 88, header + 96, bytes - 96));
}

static void forge_frame(uint8_t *frame, size_t bytes)
{
	put_sum(frame + 80, sum_two(frame, 80, frame + 96, bytes - 96));
	put_sum(frame + 88, XXH3_64bits(frame, 88));
}

static void flip_forged(const struct image *image, uint32_t segment, size_t offset, size_t bytes,
	void (*forge)(uint8_t *data, size_t bytes))
{
	char name[LM_SEGMENT_NAME_BYTES], path[160];
	uint8_t *data = malloc(bytes);
	int fd;

	lm_segment_name(segment, name);
	snprintf(path, sizeof(path), "%s/%s", image->log, name);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0 && data);
	for (size_t byte = 0; byte < bytes; byte++) {
		if (byte >= 80 && byte < 96)
			continue; /* checksums */
		for (unsigned int bit = byte % ONE_OF; bit < ALL_BITS; bit += ONE_OF) {
			memcpy(data, image->segments[segment].data + offset, bytes);
			data[byte] ^= (uint8_t)(1u << bit);
			forge(data, bytes);
			assert_int_equal(pwrite(fd, data, bytes, (off_t)offset), bytes);
			expect_found(image, name, offset + byte, bit, true);
		}
	}
	pwrite(fd, image->segments[segment].data + offset, bytes, (off_t)offset);
	close(fd);
	free(data);
}

static void test_forged_flips(void **state)
{
	struct image *image = make_image(*state, 1, 1);

	for (uint32_t i = 1; i <= SEGMENTS; i++)
		flip_forged(image, i, 0, image->header_bytes, forge_header);
	for (size_t i = 0; i < image->frame_count; i++)
		flip_forged(image, image->frames[i].segment, image->frames[i].offset,
			image->frames[i].bytes, forge_frame);
	expect_words(image, 0, "as it was again", 0);
	free_image(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forged_flips, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_flips, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
