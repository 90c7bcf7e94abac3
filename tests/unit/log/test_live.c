/* SPDX-License-Identifier: MIT */
#include "make_log.h"

/* Reads what there is; the number of events so far. */
static uint32_t read_events(struct lm_log *log, uint32_t seen)
{
	struct lm_item item;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		struct lm_event made = make_event(seen);

		assert_int_equal(item.kind, LM_ITEM_EVENT);
		assert_event_same(&item.event, &made);
		seen++;
	}
	assert_int_equal(r, 0);
	return seen;
}

static void test_reading_goes_on_where_it_was(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 4096);
	struct lm_log *log = open_log(folder->log);
	uint32_t seen = read_events(log, 0);

	assert_int_equal(seen, 0);
	assert_int_equal(lm_log_state(log), LM_LOG_LIVE);
	for (uint32_t i = 0; i < 100; i++) {
		add_events(writer, i * 10, 10, 10);
		seen = read_events(log, seen);
		assert_int_equal(seen, (i + 1) * 10);
		assert_int_equal(lm_log_state(log), LM_LOG_LIVE);
	}
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	assert_int_equal(read_events(log, seen), 1000);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

/* A frame that is only partly there is not there, byte by byte, until it is whole. */
static void test_a_growing_frame(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	uint8_t frame[8192];
	uint64_t before, after;
	struct lm_log *log;
	char path[128];
	int fd;

	add_events(writer, 0, 10, 10);
	segment_path(folder, 1, path);
	before = file_size(path);
	add_events(writer, 10, 10, 10);
	after = file_size(path);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, frame, sizeof(frame), (off_t)before), after - before);
	assert_int_equal(ftruncate(fd, (off_t)before), 0);
	log = open_log(folder->log);
	assert_int_equal(read_events(log, 0), 10);
	for (uint64_t len = before + 1; len < after; len++) {
		assert_int_equal(pwrite(fd, frame, len - before, (off_t)before), len - before);
		assert_int_equal(read_events(log, 10), 10);
		assert_int_equal(lm_log_state(log), LM_LOG_LIVE);
	}
	assert_int_equal(pwrite(fd, frame, after - before, (off_t)before), after - before);
	assert_int_equal(read_events(log, 10), 20);
	assert_null(lm_log_damage(log));
	close(fd);
	lm_log_free(log);
	lm_log_abandon(writer);
}

static void test_a_writer_that_went_away(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	struct lm_log *log = open_log(folder->log);
	struct lm_item item;

	add_events(writer, 0, 10, 10);
	assert_int_equal(read_events(log, 0), 10);
	assert_int_equal(lm_log_state(log), LM_LOG_LIVE);
	lm_log_abandon(writer);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.kind, LM_ITEM_GAP);
	assert_int_equal(item.gap.reason, LM_GAP_CUT);
	assert_true(item.gap.end_ns == UINT64_MAX);
	assert_int_equal(lm_log_next(log, &item), 0);
	assert_int_equal(lm_log_next(log, &item), 0);
	assert_int_equal(lm_log_state(log), LM_LOG_CUT);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

static void test_pending_time(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	struct lm_item item = make_event_item(0);

	assert_int_equal(lm_log_pending_ns(writer), 0);
	assert_int_equal(lm_log_add(writer, &item), 0);
	usleep(2000);
	assert_true(lm_log_pending_ns(writer) >= 2000000);
	assert_int_equal(lm_log_flush(writer), 0);
	assert_int_equal(lm_log_pending_ns(writer), 0);
	lm_log_abandon(writer);
}

/* The recorder starts the command that it records: that one must not keep the log alive. */
static void test_children_do_not_get_the_lock(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	uint32_t ours = 0;

	while ((entry = readdir(dir))) {
		char link[64], target[256];
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%.20s", entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, folder->log, strlen(folder->log)) != 0)
			continue;
		ours++;
		assert_true(fcntl(atoi(entry->d_name), F_GETFD) & FD_CLOEXEC);
	}
	closedir(dir);
	assert_int_equal(ours, 3); /* directory, lock, segment */
	lm_log_abandon(writer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reading_goes_on_where_it_was),
		TEST(test_a_growing_frame),
		TEST(test_a_writer_that_went_away),
		TEST(test_pending_time),
		TEST(test_children_do_not_get_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
