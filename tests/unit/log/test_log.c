/* SPDX-License-Identifier: MIT */
#include "make_log.h"

#define MANY 30000u

static void test_all_comes_back(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	struct lm_log *log;

	write_stream(writer, MANY);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	log = open_log(folder->log);
	read_stream(log, MANY);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

static void test_segments_are_one_log(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 64 << 10);
	struct lm_log_counts written, read;
	struct lm_log *log;
	char path[128];

	write_stream(writer, MANY);
	assert_int_equal(lm_log_flush(writer), 0);
	lm_log_counts(writer, &written);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	segment_path(folder, 3, path);
	assert_true(file_size(path) > 0);

	log = open_log(folder->log);
	read_stream(log, MANY);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_read_counts(log, &read);
	assert_int_equal(read.events, written.events);
	assert_int_equal(read.events, MANY);
	assert_int_equal(read.objects, written.objects);
	assert_int_equal(read.lost, written.lost);
	assert_int_equal(read.frames, written.frames + 1); /* the end mark */
	assert_int_equal(read.bytes, written.bytes + 96);
	lm_log_free(log);
}

static void test_one_segment_alone(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 64 << 10);
	struct lm_log *log;
	struct lm_item item;
	char path[128];
	uint64_t first = 0, last = 0;
	int r;

	write_stream(writer, MANY);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	segment_path(folder, 2, path);
	log = open_log(path);
	while ((r = lm_log_next(log, &item)) == 1) {
		assert_int_not_equal(
			item.kind == LM_ITEM_GAP ? item.gap.reason : 0, LM_GAP_DAMAGED);
		if (item.kind != LM_ITEM_EVENT)
			continue;
		first = first ? first : item.event.id;
		last = item.event.id;
	}
	assert_int_equal(r, 0);
	assert_true(first > 1 && last > first && last < MANY);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	assert_string_equal(lm_log_meta(log)->host, "victim");
	lm_log_free(log);
}

static void test_meta_and_modes(void **state)
{
	struct folder *folder = *state;
	struct lm_log_meta made = make_meta();
	struct stat status;
	struct lm_log *log;
	char path[128];

	make_log(folder, 1);
	assert_int_equal(stat(folder->log, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	segment_path(folder, 1, path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	log = open_log(folder->log);
	assert_memory_equal(lm_log_meta(log), &made, sizeof(made));
	lm_log_free(log);
}

static void test_create_refuses(void **state)
{
	struct folder *folder = *state;
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct lm_diag diag = LM_DIAG_INIT;
	char inside[128];

	make_log(folder, 1);
	assert_int_equal(lm_log_create(folder->log, &meta, NULL, &writer, &diag), -EEXIST);
	assert_non_null(strstr(diag.text, "already holds something"));
	snprintf(inside, sizeof(inside), "%s/none/log", folder->path);
	assert_int_equal(lm_log_create(inside, &meta, NULL, &writer, NULL), -ENOENT);
	assert_null(writer);
}

static void test_an_empty_directory_is_taken(void **state)
{
	struct folder *folder = *state;

	assert_int_equal(mkdir(folder->log, 0755), 0);
	make_log(folder, 1);
	lm_log_free(open_log(folder->log));
}

/* Events of a frame come sorted by time, and equal times of one thread in the order they were
 * added. */
static void test_order_inside_a_frame(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	static const uint64_t times[] = { 50, 20, 20, 40, 10, 20, 60, 5 };
	static const int64_t sorted[] = { 7, 4, 1, 2, 5, 3, 0, 6 };
	struct lm_log *log;
	struct lm_item item;

	for (uint32_t i = 0; i < 8; i++) {
		struct lm_item added = { .kind = LM_ITEM_EVENT, .event = { .op = LM_OP_READ,
			.actor = 2, .tid = 9, .end_ns = times[i], .result = i } };

		assert_int_equal(lm_log_add(writer, &added), 0);
	}
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	log = open_log(folder->log);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(lm_log_next(log, &item), 1);
		assert_int_equal(item.event.id, i + 1);
		assert_int_equal(item.event.result, sorted[i]);
	}
	assert_int_equal(lm_log_next(log, &item), 0);
	lm_log_free(log);
}

static void add_step(struct lm_log_writer *writer, uint16_t op, lm_object_id actor, uint32_t tid,
	uint64_t end_ns, int64_t result)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT, .event = { .op = op, .actor = actor,
		.tid = tid, .end_ns = end_ns, .result = result } };

	assert_int_equal(lm_log_add(writer, &item), 0);
}

static void add_repeats(struct lm_log_writer *writer, uint16_t op, lm_object_id actor, uint32_t tid,
	uint64_t end_ns, uint64_t count)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT, .event = { .op = op, .actor = actor,
		.tid = tid, .end_ns = end_ns, .arg = count, .flags = LM_EVENT_FOLDED } };

	assert_int_equal(lm_log_add(writer, &item), 0);
}

static void add_process(struct lm_log_writer *writer, lm_object_id id, lm_object_id previous,
	uint64_t start_ns)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = { .id = id,
		.kind = LM_OBJECT_KIND_PROCESS,
		.process = { .tgid = 100, .start_ns = start_ns, .previous = previous } } };

	assert_int_equal(lm_log_add(writer, &item), 0);
}

static void test_begin_is_bounded_by_the_thread(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	/* begin of each event below, in time order */
	static const uint64_t begins[] = { 1000, 2000, 2100, 2150, 2150, 2300, 3000, 0, 2400 };
	struct lm_log *log;
	struct lm_item item;
	uint32_t n = 0;

	add_process(writer, 1, 0, 1000);
	add_process(writer, 2, 1, 1000); /* the same process after exec */
	add_process(writer, 3, 0, 3000); /* another one, with a tid used again */
	add_step(writer, LM_OP_READ, 1, 100, 2000, 1);   /* first: since the process began */
	add_step(writer, LM_OP_EXEC, 1, 100, 2100, 0);   /* since the read */
	add_step(writer, LM_OP_READ, 2, 100, 2150, 1);   /* across exec: since the exec */
	add_step(writer, LM_OP_THREAD, 2, 100, 2200, 101);
	add_step(writer, LM_OP_READ, 2, 101, 2300, 1); /* new thread: since the call that made it */
	add_step(writer, LM_OP_READ, 2, 101, 2400, 1);
	add_step(writer, LM_OP_READ, 3, 100, 3100, 1);   /* tid used again: since its own start */
	add_step(writer, LM_OP_READ, 77, 100, 3200, 1);  /* never defined: nothing is known */
	assert_int_equal(lm_log_flush(writer), 0);
	add_step(writer, LM_OP_READ, 2, 101, 2500, 1);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);

	log = open_log(folder->log);
	while (lm_log_next(log, &item) == 1) {
		if (item.kind != LM_ITEM_EVENT)
			continue;
		assert_int_equal(item.event.begin_ns, begins[n]);
		n++;
	}
	assert_int_equal(n, LM_ARRAY_SIZE(begins));
	lm_log_free(log);
}

/* Repeats of both ways lie side by side, from the last event that was kept to the last of each. */
static void test_begin_of_folded_events(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	static const uint64_t begins[] = { 1000, 2000, 2000, 2900, 3000 };
	struct lm_log_counts counts;
	struct lm_log *log;
	struct lm_item item;
	uint32_t n = 0;

	add_process(writer, 1, 0, 1000);
	add_step(writer, LM_OP_READ, 1, 100, 2000, 1);
	add_repeats(writer, LM_OP_READ, 1, 100, 2800, 7);
	add_repeats(writer, LM_OP_WRITE, 1, 100, 2900, 5);
	add_step(writer, LM_OP_READ, 1, 100, 3000, 1);
	add_repeats(writer, LM_OP_READ, 1, 100, 3100, 2);
	assert_int_equal(lm_log_close(writer, &counts, NULL), 0);
	assert_int_equal(counts.events, 5);
	assert_int_equal(counts.folded, 6 + 4 + 1);

	log = open_log(folder->log);
	while (lm_log_next(log, &item) == 1) {
		if (item.kind == LM_ITEM_EVENT)
			assert_int_equal(item.event.begin_ns, begins[n++]);
	}
	assert_int_equal(n, LM_ARRAY_SIZE(begins));
	lm_log_read_counts(log, &counts);
	assert_int_equal(counts.folded, 6 + 4 + 1);
	lm_log_free(log);
}

/* A thread that changed its CPU may be read out of order between frames. */
static void test_begin_is_not_taken_from_the_future(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer = create_log(folder, 0);
	struct lm_log *log;
	struct lm_item item;

	add_step(writer, LM_OP_READ, 5, 7, 100, 1);
	add_step(writer, LM_OP_READ, 5, 7, 300, 1);
	assert_int_equal(lm_log_flush(writer), 0);
	add_step(writer, LM_OP_READ, 5, 7, 200, 1);
	add_step(writer, LM_OP_READ, 5, 7, 400, 1);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	log = open_log(folder->log);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.begin_ns, 100);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.end_ns, 200);
	assert_int_equal(item.event.begin_ns, 100);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.begin_ns, 300);
	lm_log_free(log);
}

/* A log: a thread's reads end at 100 and 400, and an item stands between; read up to that. */
static struct lm_log *open_log_between(const struct folder *folder, const struct lm_item *between)
{
	struct lm_log_writer *writer = create_log(folder, 0);
	struct lm_log *log;
	struct lm_item item;

	add_step(writer, LM_OP_READ, 5, 7, 100, 1);
	assert_int_equal(lm_log_add(writer, between), 0);
	add_step(writer, LM_OP_READ, 5, 7, 400, 1);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	log = open_log(folder->log);
	assert_int_equal(lm_log_next(log, &item), 1);
	return log;
}

/* What a ring did has its own begin, and bounds nothing of what its thread did beside it. */
static void test_timed_event_begins_by_itself(void **state)
{
	struct lm_item timed = { .kind = LM_ITEM_EVENT,
		.event = { .op = LM_OP_WRITE, .actor = 5, .tid = 7, .flags = LM_EVENT_TIMED,
			.begin_ns = 50, .end_ns = 300 } };
	struct lm_log *log = open_log_between(*state, &timed);
	struct lm_item item;

	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.begin_ns, 50);
	assert_int_equal(item.event.end_ns, 300);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.begin_ns, 100);
	lm_log_free(log);
}

/* A system call as such says when it began, or nobody knows: no action's begin depends on it. */
static void test_calls_bound_nothing(void **state)
{
	static const uint64_t args[LM_EVENT_ARGS];
	struct lm_item call = { .kind = LM_ITEM_EVENT,
		.event = { .op = LM_OP_CALL, .actor = 5, .tid = 7, .args = args, .end_ns = 300 } };
	struct lm_log *log = open_log_between(*state, &call);
	struct lm_item item;

	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.op, LM_OP_CALL);
	assert_int_equal(item.event.begin_ns, 0);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.event.begin_ns, 100);
	lm_log_free(log);
}

static void test_wall_offset(void **state)
{
	struct folder *folder = *state;
	struct lm_log *log;
	struct lm_item item;
	int64_t offset;

	make_log(folder, 3);
	log = open_log(folder->log);
	while (lm_log_next(log, &item) == 1)
		;
	offset = lm_log_wall_offset_ns(log, MAKE_TIME_BASE_NS);
	/* Since 2023, and the same before and after within a second. */
	assert_true(offset > INT64_C(1600000000000000000));
	assert_true(llabs(offset - lm_log_wall_offset_ns(log, 0)) < 1000000000);
	lm_log_free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_comes_back, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_segments_are_one_log, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_one_segment_alone, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_meta_and_modes, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_create_refuses, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_an_empty_directory_is_taken, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_order_inside_a_frame, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_begin_is_bounded_by_the_thread, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_begin_of_folded_events, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_begin_is_not_taken_from_the_future, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_timed_event_begins_by_itself, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_calls_bound_nothing, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(test_wall_offset, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
