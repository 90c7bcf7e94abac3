/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/file.h>

#include "make_log.h"

/* Somebody removes the log while it is written: what is still open is there anew. */
#define FRAMES 30u

/* Of events [first, last), all there, told as cut off from those before. */
static void check_rest(const struct folder *folder, uint32_t first, uint32_t last)
{
	struct lm_log *log = open_log(folder->log);
	uint32_t event = first, gaps = 0;
	struct lm_item item;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		struct lm_event made;

		if (item.kind == LM_ITEM_GAP) {
			assert_int_equal(item.gap.reason, LM_GAP_DAMAGED);
			assert_int_equal(item.gap.count, first);
			gaps++;
			continue;
		}
		made = make_event(event++);
		assert_event_same(&item.event, &made);
		assert_int_equal(item.event.id, event);
	}
	assert_int_equal(r, 0);
	assert_int_equal(event, last);
	assert_int_equal(gaps, first > 0);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	lm_log_free(log);
}

static uint32_t last_segment(const struct folder *folder)
{
	char path[128];
	uint32_t number = 1;

	for (;; number++) {
		segment_path(folder, number + 1, path);
		if (access(path, F_OK) < 0)
			return number;
	}
}

static bool is_locked(const struct folder *folder)
{
	char path[128];
	LM_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "%s/lock", folder->log);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void test_nothing_is_wrong(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 4096);

	add_events(writer, 0, FRAMES * 10, 10);
	assert_int_equal(lm_log_restore(writer), 0);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	check_rest(folder, 0, FRAMES * 10);
}

static void test_directory_is_removed(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 4096);
	struct lm_log_counts counts;

	add_events(writer, 0, FRAMES * 10, 10);
	assert_true(last_segment(folder) > 1);
	remove_files(folder->log);
	assert_int_equal(access(folder->log, F_OK), -1);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_int_equal(lm_log_restore(writer), 0);
	assert_true(is_locked(folder));
	add_events(writer, FRAMES * 10, FRAMES * 10, 10);
	assert_int_equal(lm_log_close(writer, &counts, NULL), 0);
	assert_int_equal(counts.events + counts.lost, FRAMES * 20);
	assert_true(counts.lost > 0 && counts.events > FRAMES * 10);
	check_rest(folder, (uint32_t)counts.lost, FRAMES * 20);
}

/* Nothing is lost: all that there was is in the open segment. */
static void test_everything_above_is_removed(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);

	add_events(writer, 0, 50, 10);
	remove_files(folder->log);
	remove_files(folder->path);
	assert_int_equal(access(folder->path, F_OK), -1);
	assert_int_equal(lm_log_restore(writer), 1);
	add_events(writer, 50, 50, 10);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	check_rest(folder, 0, 100);
}

static void test_files_are_removed_or_replaced(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	char segment[128], lock[128], decoy[128];

	segment_path(folder, 1, segment);
	snprintf(lock, sizeof(lock), "%s/lock", folder->log);
	snprintf(decoy, sizeof(decoy), "%s/decoy", folder->path);
	add_events(writer, 0, 50, 10);
	assert_int_equal(unlink(segment), 0);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_true(is_locked(folder));
	assert_int_equal(rename(segment, decoy), 0);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_int_equal(rename(decoy, segment), 0);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_int_equal(lm_log_restore(writer), 0);
	add_events(writer, 50, 50, 10);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	check_rest(folder, 0, 100);
}

/* Somebody else's directory is not written to; when it is gone, the log comes back. */
static void test_place_is_taken(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	char decoy[128];

	add_events(writer, 0, 50, 10);
	remove_files(folder->log);
	assert_int_equal(mkdir(folder->log, 0700), 0);
	snprintf(decoy, sizeof(decoy), "%s/decoy", folder->log);
	close(open(decoy, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(lm_log_restore(writer), -EEXIST);
	add_events(writer, 50, 50, 10);
	remove_files(folder->log);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	check_rest(folder, 0, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_wrong),
		TEST(test_directory_is_removed),
		TEST(test_everything_above_is_removed),
		TEST(test_files_are_removed_or_replaced),
		TEST(test_place_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
