/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "check_sealed.h"
#include "test_signer.h"

#define PER_FRAME 10u

/* Every frame wants a checkpoint; so its answer is written behind the frame after it. */
#define EAGER_NS  1u

static struct lm_log_writer *create_sealed(const struct folder *folder,
	struct test_signer *signer, size_t segment_bytes, uint64_t checkpoint_ns)
{
	const struct lm_log_options options = { .segment_bytes = segment_bytes,
		.signer = &signer->signer, .log_id = signer->log_id,
		.checkpoint_ns = checkpoint_ns };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct lm_diag diag = LM_DIAG_INIT;

	if (lm_log_create(folder->log, &meta, &options, &writer, &diag) < 0)
		fail_msg("%s", diag.text);
	return writer;
}

/* The events and nothing else, in order. */
static void read_events(const struct folder *folder, uint32_t events)
{
	struct lm_log *log = open_log(folder->log);
	struct lm_item item;
	uint32_t n = 0;

	while (lm_log_next(log, &item) == 1) {
		struct lm_event made = make_event(n++);

		assert_int_equal(item.kind, LM_ITEM_EVENT);
		assert_event_same(&item.event, &made);
	}
	assert_int_equal(n, events);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
}

static void test_one_segment(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer;
	struct sealed *sealed;

	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 0, 0);
	add_events(writer, 0, 500, PER_FRAME);
	assert_int_equal(lm_log_sealing(writer), 0);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	sealed = check_sealed(folder->log);
	assert_int_equal(sealed->keys, 1);
	assert_int_equal(sealed->checkpoints, 2);
	assert_int_equal(sealed->indexes, 1);
	assert_int_equal(sealed->last.state, LM_CHECKPOINT_END);
	/* Header, key, first checkpoint, 50 frames, index. */
	assert_int_equal(sealed->last.size, 54);
	free(sealed);
	read_events(folder, 500);
	test_signer_release(&signer);
}

/* A reader who follows, and one who takes a segment by itself, pass over what seals. */
static void test_live_and_single(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer;
	struct lm_log *log;
	struct lm_item item;
	char path[128];
	uint32_t n = 0;

	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 4096, EAGER_NS);
	log = open_log(folder->log);
	for (uint32_t i = 0; i < 60; i++) {
		add_events(writer, i * PER_FRAME, PER_FRAME, PER_FRAME);
		while (lm_log_next(log, &item) == 1)
			n++;
		assert_int_equal(n, (i + 1) * PER_FRAME);
		assert_int_equal(lm_log_state(log), LM_LOG_LIVE);
	}
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	assert_int_equal(lm_log_next(log, &item), 0);
	assert_int_equal(lm_log_state(log), LM_LOG_ENDED);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
	segment_path(folder, 2, path);
	log = open_log(path);
	for (n = 0; lm_log_next(log, &item) == 1; n++)
		;
	assert_true(n > 0 && n < 600);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
	test_signer_release(&signer);
}

static void test_many_segments(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;

	/* With answers at once and with late ones, which a segment's end has to wait for. */
	for (uint32_t late = 0; late < 4; late++) {
		struct lm_log_writer *writer;
		struct sealed *sealed;

		assert_int_equal(test_signer_init(&signer), 0);
		signer.late = late;
		writer = create_sealed(folder, &signer, 4096, EAGER_NS);
		add_events(writer, 0, 3000, PER_FRAME);
		assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
		sealed = check_sealed(folder->log);
		assert_true(sealed->keys > 5);
		assert_int_equal(sealed->ends, sealed->keys);
		assert_int_equal(sealed->keys + sealed->checkpoints, signer.signed_count);
		/* About every second, third, ... frame. */
		assert_true(sealed->checkpoints > 250 / (late + 2));
		assert_false(sealed->unsealed);
		free(sealed);
		read_events(folder, 3000);
		remove_files(folder->log);
		test_signer_release(&signer);
	}
}

/* More rows than one index frame takes. */
static void test_long_segment(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer;
	struct sealed *sealed;

	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 0, 0);
	add_events(writer, 0, 5000, 1);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	sealed = check_sealed(folder->log);
	assert_int_equal(sealed->indexes, 3);
	free(sealed);
	read_events(folder, 5000);
	test_signer_release(&signer);
}

/* A log that nothing happens in gets no checkpoint for its checkpoints. */
static void test_no_news(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer;
	struct lm_log_counts counts;
	struct sealed *sealed;

	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 0, EAGER_NS);
	for (int i = 0; i < 50; i++)
		assert_int_equal(lm_log_flush(writer), 0);
	lm_log_counts(writer, &counts);
	assert_int_equal(counts.frames, 2); /* the key, and what covers it */
	add_events(writer, 0, PER_FRAME, PER_FRAME);
	for (int i = 0; i < 50; i++)
		assert_int_equal(lm_log_flush(writer), 0);
	lm_log_counts(writer, &counts);
	assert_int_equal(counts.frames, 4);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	sealed = check_sealed(folder->log);
	assert_int_equal(sealed->checkpoints, 3);
	free(sealed);
	test_signer_release(&signer);
}

/* Before whichever note the signer dies: the log goes on, and what is signed is sound. */
static void test_signer_dies_before_each_note(void **state)
{
	struct folder *folder = *state;
	struct lm_log_counts counts;
	struct test_signer signer;

	for (uint32_t left = 2; left < 40; left++) {
		struct lm_diag diag = LM_DIAG_INIT;
		struct lm_log_writer *writer;
		struct sealed *sealed;

		assert_int_equal(test_signer_init(&signer), 0);
		signer.left = left;
		writer = create_sealed(folder, &signer, 4096, EAGER_NS);
		add_events(writer, 0, 600, PER_FRAME);
		assert_int_equal(lm_log_sealing(writer), -EPIPE);
		assert_int_equal(lm_log_close(writer, &counts, &diag), -LM_E_UNSIGNED);
		assert_non_null(strstr(diag.text, "not signed"));
		assert_int_equal(counts.lost, 0);
		sealed = check_sealed(folder->log);
		assert_int_equal(sealed->keys + sealed->checkpoints, left);
		assert_true(sealed->unsealed);
		free(sealed);
		read_events(folder, 600);
		remove_files(folder->log);
		test_signer_release(&signer);
	}
}

static void test_signer_without_a_first_key(void **state)
{
	struct folder *folder = *state;
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct lm_log_options options = { 0 };
	struct test_signer signer;

	assert_int_equal(test_signer_init(&signer), 0);
	signer.left = 0;
	options.signer = &signer.signer;
	options.log_id = signer.log_id;
	assert_int_equal(lm_log_create(folder->log, &meta, &options, &writer, NULL), -EPIPE);
	assert_null(writer);
	assert_int_equal(access(folder->log, F_OK), -1);
	test_signer_release(&signer);
}

static void limit_file_size(uint64_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Nothing is lost then, and yet whoever records has to hear of it. */
static void test_refused_checkpoint_is_told(void **state)
{
	struct folder *folder = *state;
	struct lm_item item = make_event_item(1);
	struct lm_log_writer *writer;
	struct lm_log_counts counts;
	struct test_signer signer;
	int refused = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(test_signer_init(&signer), 0);
	signer.late = 1;
	writer = create_sealed(folder, &signer, 1 << 20, EAGER_NS);
	assert_int_equal(lm_log_add(writer, &item), 0);
	assert_int_equal(lm_log_flush(writer), 0);
	lm_log_counts(writer, &counts);
	limit_file_size(counts.bytes);
	for (int i = 0; i < 5; i++)
		refused += lm_log_flush(writer) < 0;
	assert_true(refused > 1);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(lm_log_flush(writer), 0);
	lm_log_counts(writer, &counts);
	assert_int_equal(counts.lost, 0);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	free(check_sealed(folder->log));
	test_signer_release(&signer);
}

/* A disk that takes a part of it leaves no part of it. */
static void test_key_is_restored_whole(void **state)
{
	struct folder *folder = *state;
	struct lm_log_writer *writer;
	struct test_signer signer;
	struct sealed *sealed;
	char path[128];

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 1 << 20, EAGER_NS);
	snprintf(path, sizeof(path), "%s/key", folder->log);
	assert_int_equal(unlink(path), 0);
	limit_file_size(10);
	assert_true(lm_log_restore(writer) < 0);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(lm_log_restore(writer), 1);
	assert_int_equal(lm_log_restore(writer), 0);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	sealed = check_sealed(folder->log);
	free(sealed);
	test_signer_release(&signer);
}

/*
 * The disk takes every number of bytes more and then nothing, in the middle of any frame that there
 * is; once it takes all again, tree and frames agree.
 */
static void test_full_at_any_byte(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	uint32_t refused = 0;

	signal(SIGXFSZ, SIG_IGN);
	for (uint64_t limit = 700; limit < 7000; limit += 13) {
		struct lm_log_writer *writer;
		struct sealed *sealed;

		assert_int_equal(test_signer_init(&signer), 0);
		signer.late = limit % 3;
		writer = create_sealed(folder, &signer, 4096, EAGER_NS);
		limit_file_size(limit);
		for (uint32_t i = 0; i < 400; i++) {
			struct lm_item item = make_event_item(i);

			if (i == 200)
				limit_file_size(RLIM_INFINITY);
			assert_int_equal(lm_log_add(writer, &item), 0);
			if (i % PER_FRAME == 9)
				refused += lm_log_flush(writer) < 0;
		}
		assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
		sealed = check_sealed(folder->log);
		assert_int_equal(sealed->keys + sealed->checkpoints, signer.signed_count);
		assert_false(sealed->unsealed);
		free(sealed);
		remove_files(folder->log);
		test_signer_release(&signer);
	}
	assert_true(refused > 1000);
}

/* The file `checkpoint` comes without waiting for the end. */
static void test_checkpoint_file_of_a_live_log(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer;
	char path[128];

	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 0, EAGER_NS);
	add_events(writer, 0, 50, PER_FRAME);
	snprintf(path, sizeof(path), "%s/checkpoint", folder->log);
	for (int i = 0; i < 5000 && access(path, F_OK) < 0; i++)
		usleep(1000);
	assert_int_equal(access(path, F_OK), 0);
	lm_log_abandon(writer);
	test_signer_release(&signer);
}

/* lm_log_discard() leaves nothing. */
static void test_discard(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer;

	assert_int_equal(test_signer_init(&signer), 0);
	writer = create_sealed(folder, &signer, 4096, EAGER_NS);
	add_events(writer, 0, 500, PER_FRAME);
	lm_log_discard(writer, folder->log);
	assert_int_equal(access(folder->log, F_OK), -1);
	test_signer_release(&signer);
}

/* Of every released version the seal can be checked forever. GOLDEN_DIR comes from the build. */
static void test_golden(void **state)
{
	struct sealed *sealed = check_sealed(GOLDEN_DIR "/v1-sealed");

	assert_int_equal(sealed->keys, 3);
	assert_int_equal(sealed->ends, 3);
	assert_false(sealed->unsealed);
	free(sealed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_segment),
		TEST(test_live_and_single),
		TEST(test_many_segments),
		TEST(test_long_segment),
		TEST(test_no_news),
		TEST(test_signer_dies_before_each_note),
		TEST(test_signer_without_a_first_key),
		TEST(test_refused_checkpoint_is_told),
		TEST(test_key_is_restored_whole),
		TEST(test_full_at_any_byte),
		TEST(test_checkpoint_file_of_a_live_log),
		TEST(test_discard),
		cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
