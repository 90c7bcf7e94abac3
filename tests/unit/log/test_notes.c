/* SPDX-License-Identifier: MIT */
#include "check_sealed.h"
#include "lemona/log/notes.h"
#include "test_signer.h"

#define PER_FRAME 10u

static struct lm_log_writer *create_sealed(const struct folder *folder,
	struct test_signer *signer, size_t segment_bytes)
{
	const struct lm_log_options options = { .segment_bytes = segment_bytes,
		.signer = &signer->signer, .log_id = signer->log_id, .checkpoint_ns = 1 };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;

	assert_int_equal(test_signer_init(signer), 0);
	assert_int_equal(lm_log_create(folder->log, &meta, &options, &writer, NULL), 0);
	return writer;
}

static struct lm_checkpoint newest_of(const char *path)
{
	LM_BUFFER struct lm_buffer note = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint = { 0 }, again;
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_note parsed;

	if (lm_log_newest_checkpoint(path, &note, &checkpoint, &diag) < 0)
		fail_msg("%s", diag.text);
	assert_int_equal(lm_checkpoint_parse((struct lm_str){ (char *)note.data, note.len },
		&again, &parsed), 0);
	assert_memory_equal(&again, &checkpoint, sizeof(again));
	return checkpoint;
}

static void file_path(const struct folder *folder, const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", folder->log, name);
}

static void write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

/* At every moment of a log, over its segments, whatever became of the file. */
static void test_newest_of_a_growing_log(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer = create_sealed(folder, &signer, 4096);
	uint32_t segments = 0, fresh = 0;
	struct sealed *sealed;
	uint64_t before = 0;
	char path[128];

	file_path(folder, "checkpoint", path);
	for (uint32_t i = 0; i < 200; i++) {
		struct lm_checkpoint newest;

		add_events(writer, i * PER_FRAME, PER_FRAME, PER_FRAME);
		if (i % 3 == 0)
			unlink(path);
		if (signer.signed_count < 3)
			continue;
		newest = newest_of(folder->log);
		assert_true(newest.size > before || (newest.size == before && i < 3));
		before = newest.size;
		fresh += segments != newest.segment;
		segments = newest.segment;
	}
	assert_true(fresh > 5);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	sealed = check_sealed(folder->log);
	unlink(path);
	assert_int_equal(newest_of(folder->log).size, sealed->last.size);
	assert_int_equal(newest_of(folder->log).state, LM_CHECKPOINT_END);
	free(sealed);
	test_signer_release(&signer);
}

/* A file that says more than the segments do, and files that are none. */
static void test_the_file(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer = create_sealed(folder, &signer, 0);
	struct lm_checkpoint whole;
	char path[128], segment[128];
	static char zeroes[LM_NOTE_MAX_BYTES + 1];

	add_events(writer, 0, 200, PER_FRAME);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	whole = newest_of(folder->log);
	segment_path(folder, 1, segment);
	assert_int_equal(truncate(segment, (off_t)file_size(segment) / 2), 0);
	assert_int_equal(newest_of(folder->log).size, whole.size);
	file_path(folder, "checkpoint", path);
	write_file(path, zeroes, sizeof(zeroes));
	assert_true(newest_of(folder->log).size < whole.size);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(newest_of(folder->log).size < whole.size);
	rmdir(path);
	test_signer_release(&signer);
}

static void test_key(void **state)
{
	struct folder *folder = *state;
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT, expected = LM_BUFFER_INIT;
	struct lm_diag diag = LM_DIAG_INIT;
	struct test_signer signer;
	char path[128];

	assert_int_equal(lm_log_close(create_sealed(folder, &signer, 0), NULL, NULL), 0);
	assert_int_equal(lm_log_key(folder->log, &text, NULL), 0);
	assert_int_equal(lm_verifier_key_encode(signer.log_id, &signer.first, &expected), 0);
	assert_int_equal(text.len, expected.len);
	assert_memory_equal(text.data, expected.data, text.len);
	file_path(folder, "key", path);
	write_file(path, "lemona/0", 8);
	assert_int_equal(lm_log_key(folder->log, &text, &diag), -LM_E_DAMAGED);
	assert_non_null(strstr(diag.text, "damaged"));
	assert_int_equal(text.len, expected.len);
	test_signer_release(&signer);
}

static void test_not_sealed(void **state)
{
	struct folder *folder = *state;
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	struct lm_diag diag = LM_DIAG_INIT, other = LM_DIAG_INIT;
	struct lm_checkpoint checkpoint;

	make_log(folder, 3);
	assert_int_equal(lm_log_key(folder->log, &text, &diag), -ENODATA);
	assert_non_null(strstr(diag.text, "is not sealed"));
	assert_int_equal(lm_log_newest_checkpoint(folder->log, &text, &checkpoint, &other),
		-ENODATA);
	assert_non_null(strstr(other.text, "no checkpoint"));
	assert_int_equal(lm_log_key("/nonexistent", &text, NULL), -ENOENT);
	assert_int_equal(text.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_newest_of_a_growing_log),
		TEST(test_the_file),
		TEST(test_key),
		TEST(test_not_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
