/* SPDX-License-Identifier: MIT */
#include "lemona/index/summary.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

#define MANY 300u

static const uint8_t log_id[LM_PART_IDENTITY_BYTES] = "identity of log";

static void free_part(struct lm_part **part)
{
	lm_part_free(*part);
}

static void fill(struct lm_summary *summary)
{
	*summary = (struct lm_summary)LM_SUMMARY_INIT;
	summary->event_count = UINT64_C(1) << 40;
	summary->first_ns = 5;
	summary->last_ns = UINT64_MAX - 1;
	summary->cut = true;
	snprintf(summary->damage, sizeof(summary->damage), "segment 7 is not what it was");
	for (uint32_t i = 0; i < MANY; i++) {
		const struct lm_gap gap = {
			.begin_ns = i, .end_ns = i ? i + 9 : UINT64_MAX, .count = 7 * i,
			.kinds = UINT64_MAX - i, .tgid = i, .cpu = (uint16_t)(65535 - i),
			.reason = (uint16_t)(i + 1),
		};

		assert_int_equal(lm_summary_gap(summary, &gap), 0);
		assert_int_equal(lm_summary_offset(summary, 10 * i, -(int64_t)i), 0);
		assert_int_equal(lm_summary_segment(summary, i + 1, UINT64_MAX - i), 0);
	}
	assert_int_equal(lm_array_reserve(summary->parts.at, summary->parts.capacity, MANY), 0);
	assert_int_equal(lm_array_reserve(summary->aliases.at, summary->aliases.capacity, MANY), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		summary->parts.at[i] = (struct lm_summary_part){
			i + 1, (uint16_t)(LM_PART_ROWS + i % 3) };
		summary->aliases.at[i] = (struct lm_summary_alias){ UINT32_MAX - i, i };
	}
	summary->parts.count = summary->aliases.count = MANY;
}

static int write_filled(void)
{
	struct lm_summary summary LM_CLEANUP(lm_summary_release);
	int fd = memfd_create("summary", MFD_CLOEXEC);

	fill(&summary);
	assert_int_equal(lm_summary_write(&summary, log_id, 77, fd), 0);
	return fd;
}

static int read_from(int fd, struct lm_summary *ret_summary)
{
	struct lm_part *part LM_CLEANUP(free_part) = NULL;
	int r = lm_part_open(fd, &part, NULL);

	*ret_summary = (struct lm_summary)LM_SUMMARY_INIT;
	return r < 0 ? r : lm_summary_read(part, ret_summary);
}

#define assert_same_list(a, b, list)                                                     \
	do {                                                                             \
		assert_int_equal((a).list.count, (b).list.count);                        \
		assert_memory_equal((a).list.at, (b).list.at,                            \
				    (b).list.count * sizeof(*(b).list.at));              \
	} while (0)

static void test_round_trip(void **state)
{
	struct lm_summary summary LM_CLEANUP(lm_summary_release);
	struct lm_summary filled LM_CLEANUP(lm_summary_release);
	int fd LM_CLOSE = write_filled();

	fill(&filled);
	assert_int_equal(read_from(fd, &summary), 0);
	assert_true(summary.event_count == filled.event_count && summary.first_ns == 5);
	assert_true(summary.last_ns == filled.last_ns && summary.cut);
	assert_string_equal(summary.damage, filled.damage);
	assert_same_list(summary, filled, gaps);
	assert_same_list(summary, filled, offsets);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_true(summary.segments.at[i].bytes == UINT64_MAX - i);
		assert_int_equal(summary.segments.at[i].number, i + 1);
		assert_int_equal(summary.parts.at[i].number, i + 1);
		assert_int_equal(summary.parts.at[i].kind, LM_PART_ROWS + i % 3);
	}
	assert_same_list(summary, filled, aliases);
}

static void test_empty(void **state)
{
	struct lm_summary summary LM_CLEANUP(lm_summary_release) = LM_SUMMARY_INIT;
	struct lm_summary again LM_CLEANUP(lm_summary_release) = LM_SUMMARY_INIT;
	int fd LM_CLOSE = memfd_create("summary", MFD_CLOEXEC);

	assert_int_equal(lm_summary_write(&summary, log_id, 1, fd), 0);
	assert_int_equal(read_from(fd, &again), 0);
	assert_true(again.first_ns == UINT64_MAX && again.gaps.count == 0 && !again.damage[0]);
}

/* Every byte altered in turn, and every length: told or harmless. */
static void test_damage(void **state)
{
	int fd LM_CLOSE = write_filled();
	struct stat status;
	int refused = 0;

	assert_int_equal(fstat(fd, &status), 0);
	for (off_t at = 0; at < status.st_size; at++) {
		struct lm_summary summary LM_CLEANUP(lm_summary_release);
		uint8_t byte, flipped;
		int r;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = byte ^ 0xff;
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		r = read_from(fd, &summary);
		assert_true(r == 0 || r == -LM_E_DAMAGED || r == -LM_E_FORMAT ||
			    r == -LM_E_VERSION);
		refused += r < 0;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_true(refused > 100);
	for (off_t len = status.st_size - 1; len >= 0; len -= 97) {
		struct lm_summary summary LM_CLEANUP(lm_summary_release);

		assert_int_equal(ftruncate(fd, len), 0);
		assert_true(read_from(fd, &summary) < 0);
	}
}

static void test_events(void **state)
{
	struct lm_summary summary LM_CLEANUP(lm_summary_release) = LM_SUMMARY_INIT;
	struct lm_event write = { .op = LM_OP_WRITE, .actor = 1, .object = 2, .result = 1,
				  .begin_ns = 10, .end_ns = 20 };
	struct lm_event call = { .op = LM_OP_CALL, .actor = 1, .begin_ns = 1, .end_ns = 30 };

	lm_summary_event(&summary, &write);
	assert_true(summary.event_count == 1 && summary.first_ns == 10 && summary.last_ns == 20);
	lm_summary_event(&summary, &call);
	assert_true(summary.event_count == 1 && summary.first_ns == 10 && summary.last_ns == 30);
}

static void test_same_offset(void **state)
{
	struct lm_summary summary LM_CLEANUP(lm_summary_release) = LM_SUMMARY_INIT;

	assert_int_equal(lm_summary_offset(&summary, 0, 5), 0);
	assert_int_equal(lm_summary_offset(&summary, 7, 5), 0);
	assert_int_equal(summary.offsets.count, 1);
	assert_int_equal(lm_summary_offset(&summary, 9, 6), 0);
	assert_int_equal(summary.offsets.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_events),
		cmocka_unit_test(test_same_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
