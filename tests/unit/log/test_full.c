/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "make_log.h"

/* A disk that refuses: what could not be written is a gap, definitions are not lost. */

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* One object and ten events, numbered on; then flushed. */
static int add_frame(struct lm_log_writer *writer, uint32_t n)
{
	struct lm_item item = make_object_item(n);

	assert_int_equal(lm_log_add(writer, &item), 0);
	for (uint32_t i = n * 10; i < n * 10 + 10; i++) {
		item = make_event_item(i);
		assert_int_equal(lm_log_add(writer, &item), 0);
	}
	return lm_log_flush(writer);
}

/*
 * All objects from 0 on in order, each before the events of later frames; the events of
 * frames from..to-1 missing, and told by WRITE gaps with their times and number: by more than
 * one where definitions and a gap still found room, and events did not.
 */
static void check_log(const char *path, uint32_t frames, uint32_t from, uint32_t to)
{
	struct lm_log *log = open_log(path);
	uint32_t objects = 0, event = 0;
	uint64_t lost = 0, lost_to_ns = 0;
	uint64_t id = 0;
	struct lm_item item;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		struct lm_object object;
		struct lm_event made;

		switch ((enum lm_item_kind)item.kind) {
		case LM_ITEM_OBJECT:
			object = make_object(objects++);
			assert_object_same(&item.object, &object);
			break;
		case LM_ITEM_GAP:
			assert_int_equal(item.gap.reason, LM_GAP_WRITE);
			assert_true(item.gap.begin_ns ==
				make_event(from * 10 + (uint32_t)lost).end_ns);
			lost += item.gap.count;
			lost_to_ns = item.gap.end_ns;
			break;
		case LM_ITEM_EVENT:
			if (event == from * 10)
				event = to * 10;
			assert_true(objects > event / 10);
			made = make_event(event++);
			assert_event_same(&item.event, &made);
			assert_int_equal(item.event.id, ++id);
			break;
		default:
			fail();
		}
	}
	assert_int_equal(r, 0);
	assert_int_equal(objects, frames);
	assert_int_equal(event, frames * 10);
	assert_int_equal(lost, (to - from) * 10);
	assert_true(lost == 0 || lost_to_ns == make_event(to * 10 - 1).end_ns);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

/* The file may not grow, by any number of bytes that lets part of a frame get through. */
static void test_every_length_of_a_refused_frame(void **state)
{
	struct folder *folder = *state;
	char path[128];

	signal(SIGXFSZ, SIG_IGN);
	segment_path(folder, 1, path);
	for (uint32_t more = 0; more < 250; more += 3) {
		struct lm_log_writer *writer = create_log(folder, 0);
		struct lm_log_counts counts;
		uint64_t size;
		uint32_t refused = 0;

		assert_int_equal(add_frame(writer, 0), 0);
		size = file_size(path);
		limit_file_size(size + more);
		while (refused < 3) {
			assert_int_equal(add_frame(writer, 1 + refused), -EFBIG);
			/* What got through of it was taken back. Definitions alone may fit, later.
			 */
			if (refused++ == 0)
				assert_int_equal(file_size(path), size);
		}
		limit_file_size(RLIM_INFINITY);
		assert_int_equal(add_frame(writer, 4), 0);
		assert_int_equal(add_frame(writer, 5), 0);
		lm_log_counts(writer, &counts);
		assert_int_equal(counts.lost, 30);
		assert_int_equal(counts.events, 30);
		assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
		check_log(folder->log, 6, 1, 4);
		remove_files(folder->log);
	}
}

/* A log that could not be finished must not look finished. */
static void test_close_with_a_debt(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_log *log;
	struct lm_item item;
	char path[128];
	int r;

	signal(SIGXFSZ, SIG_IGN);
	segment_path(folder, 1, path);
	assert_int_equal(add_frame(writer, 0), 0);
	limit_file_size(file_size(path) + 120);
	assert_int_equal(add_frame(writer, 1), -EFBIG);
	assert_int_equal(lm_log_close(writer, NULL, &diag), -EFBIG);
	limit_file_size(RLIM_INFINITY);
	assert_non_null(strstr(diag.text, "could not be finished"));
	log = open_log(folder->log);
	while ((r = lm_log_next(log, &item)) == 1)
		;
	assert_int_equal(r, 0);
	assert_int_equal(lm_log_state(log), LM_LOG_CUT);
	lm_log_free(log);
}

/* Definitions wait in memory up to a bound; beyond it their loss is told. */
static void test_definitions_are_bounded(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	static char argv[LM_PROCESS_ARGV_MAX_BYTES];
	uint32_t state_gaps = 0, objects = 0, refused = 0, n = 0;
	struct lm_log *log;
	struct lm_item item;
	char path[128];

	signal(SIGXFSZ, SIG_IGN);
	segment_path(folder, 1, path);
	limit_file_size(file_size(path));
	for (; n < 6000; n++) {
		struct lm_item process = { .kind = LM_ITEM_OBJECT, .object = { .id = n + 1,
			.kind = LM_OBJECT_KIND_PROCESS,
			.process = { .argv = { argv, sizeof(argv) } } } };

		for (size_t i = 0; i < sizeof(argv); i++)
			argv[i] = (char)(n * 31 + i * i);
		refused += lm_log_add(writer, &process) < 0;
	}
	assert_true(refused > 0);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	log = open_log(folder->log);
	while (lm_log_next(log, &item) == 1) {
		objects += item.kind == LM_ITEM_OBJECT;
		state_gaps += item.kind == LM_ITEM_GAP && item.gap.reason == LM_GAP_STATE;
	}
	assert_int_equal(state_gaps, 1);
	assert_true(objects > 3800 && objects < 6000);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

/* In the child: fill a small file system, free it, go on. The status says what happened. */
static int record_on_full_disk(const char *path)
{
	const struct lm_log_options options = { .segment_bytes = 4096 };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	char log_path[128], ballast[128];
	static char zeroes[4096];
	uint32_t n = 0;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", path, "tmpfs", 0, "size=128k") < 0)
		return 77;
	snprintf(log_path, sizeof(log_path), "%s/log", path);
	snprintf(ballast, sizeof(ballast), "%s/ballast", path);
	if (lm_log_create(log_path, &meta, &options, &writer, NULL) < 0)
		return 1;
	for (; n < 30; n++)
		if (add_frame(writer, n) < 0)
			return 2;
	fd = open(ballast, O_CREAT | O_WRONLY, 0600);
	while (write(fd, zeroes, sizeof(zeroes)) > 0)
		;
	close(fd);
	while (n < 1000 && add_frame(writer, n) == 0)
		n++;
	if (n == 1000)
		return 3;
	for (uint32_t i = 1; i < 20; i++)
		if (add_frame(writer, n + i) != -ENOSPC)
			return 4;
	unlink(ballast);
	for (uint32_t i = 20; i < 40; i++)
		if (add_frame(writer, n + i) < 0)
			return 5;
	if (lm_log_close(writer, NULL, NULL) < 0)
		return 6;
	check_log(log_path, n + 40, n, n + 20);
	return 0;
}

static void test_full_disk(void **state)
{
	struct folder *folder = *state;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(record_on_full_disk(folder->path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* not allowed to mount */
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_length_of_a_refused_frame),
		TEST(test_close_with_a_debt),
		TEST(test_definitions_are_bounded),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
