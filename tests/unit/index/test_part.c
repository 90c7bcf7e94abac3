/* SPDX-License-Identifier: MIT */
#include "lemona/index/part.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

#define BIG_BYTES ((size_t)3 << 20)

static void free_writer(struct lm_part_writer **writer)
{
	lm_part_writer_free(*writer);
}

static void free_part(struct lm_part **part)
{
	lm_part_free(*part);
}

static const struct lm_part_info info = {
	.kind = LM_PART_ROWS, .level = 1, .first_event = 17, .end_event = 42, .log_id = "identity",
};

static int make_part(void)
{
	struct lm_part_writer *writer LM_CLEANUP(free_writer) = NULL;
	uint8_t *big LM_FREE = malloc(BIG_BYTES);
	int fd = memfd_create("part", MFD_CLOEXEC);

	assert_non_null(big);
	for (size_t i = 0; i < BIG_BYTES; i++)
		big[i] = (uint8_t)(i * 7);
	assert_int_equal(lm_part_writer_new(fd, &info, &writer), 0);
	assert_int_equal(lm_part_put(writer, 2, "abc", 3), 0);
	assert_int_equal(lm_part_begin(writer, 5), 0);
	assert_int_equal(lm_part_append(writer, big, BIG_BYTES), 0);
	assert_int_equal(lm_part_append(writer, "end", 3), 0);
	assert_int_equal(lm_part_position(writer), BIG_BYTES + 3);
	assert_int_equal(lm_part_begin(writer, 5), -EINVAL);
	assert_int_equal(lm_part_put(writer, 9, NULL, 0), 0);
	assert_int_equal(lm_part_finish(writer), 0);
	return fd;
}

static void test_round_trip(void **state)
{
	int fd LM_CLOSE = make_part();
	struct lm_part *part LM_CLEANUP(free_part) = NULL;
	const uint8_t *data;
	size_t len;

	assert_int_equal(lm_part_open(fd, &part, NULL), 0);
	assert_memory_equal(lm_part_info(part), &info, sizeof(info));
	data = lm_part_section(part, 2, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(data, "abc", 3);
	data = lm_part_section(part, 5, &len);
	assert_int_equal(len, BIG_BYTES + 3);
	assert_int_equal((uintptr_t)data & 7, 0);
	assert_int_equal(data[BIG_BYTES - 1], (uint8_t)((BIG_BYTES - 1) * 7));
	assert_memory_equal(data + BIG_BYTES, "end", 3);
	lm_part_section(part, 9, &len);
	assert_int_equal(len, 0);
	assert_null(lm_part_section(part, 3, &len));
	assert_int_equal(lm_bytes_left(&(struct lm_bytes){ 0 }), 0);
}

static void test_unfinished_is_no_part(void **state)
{
	struct lm_part_writer *writer LM_CLEANUP(free_writer) = NULL;
	struct lm_part *part LM_CLEANUP(free_part) = NULL;
	uint8_t *big LM_FREE = calloc(1, BIG_BYTES);
	int fd LM_CLOSE = memfd_create("part", MFD_CLOEXEC);

	assert_int_equal(lm_part_writer_new(fd, &info, &writer), 0);
	assert_int_equal(lm_part_put(writer, 1, big, BIG_BYTES), 0);
	assert_int_equal(lm_part_open(fd, &part, NULL), -LM_E_FORMAT);
}

/* Whatever stands in the header: it opens with sections inside the file, or it does not open. */
static void test_hostile_header(void **state)
{
	int fd LM_CLOSE = make_part();

	for (off_t at = 0; at < 64 + 3 * 24; at++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct lm_part *part LM_CLEANUP(free_part) = NULL;
			uint8_t other = (uint8_t)(byte ^ (1u << bit));

			assert_int_equal(pwrite(fd, &other, 1, at), 1);
			if (lm_part_open(fd, &part, NULL) == 0) {
				size_t len;
				const uint8_t *data = lm_part_section(part, 5, &len);

				for (size_t i = 0; data && i < len; i += 4096)
					assert_true(data[i] <= 255);
			}
		}
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
}

static void test_cut_file(void **state)
{
	int fd LM_CLOSE = make_part();
	struct lm_part *part LM_CLEANUP(free_part) = NULL;
	struct lm_diag diag = LM_DIAG_INIT;

	assert_int_equal(ftruncate(fd, (off_t)BIG_BYTES), 0);
	assert_int_equal(lm_part_open(fd, &part, &diag), -LM_E_DAMAGED);
	assert_true(diag.text[0] != '\0');
	assert_int_equal(ftruncate(fd, 10), 0);
	assert_int_equal(lm_part_open(fd, &part, NULL), -LM_E_FORMAT);
}

static void test_disk_full(void **state)
{
	struct lm_part_writer *writer LM_CLEANUP(free_writer) = NULL;
	int fd LM_CLOSE = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(lm_part_writer_new(fd, &info, &writer), 0);
	assert_int_equal(lm_part_put(writer, 1, "x", 1), 0);
	assert_true(lm_part_finish(writer) < 0);
	assert_true(lm_part_put(writer, 2, "x", 1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unfinished_is_no_part),
		cmocka_unit_test(test_hostile_header),
		cmocka_unit_test(test_cut_file),
		cmocka_unit_test(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
