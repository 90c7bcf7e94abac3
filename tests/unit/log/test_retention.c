/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "check_sealed.h"
#include "test_signer.h"

/* Old segments are deleted, and the log says so. */
#define PER_FRAME     10u
#define EVENTS        3000u
#define SEGMENT_BYTES 4096u

static struct lm_log_writer *create_retaining(const struct folder *folder,
	struct test_signer *signer, uint64_t keep_bytes, uint64_t keep_ns)
{
	const struct lm_log_options options = { .segment_bytes = SEGMENT_BYTES,
		.checkpoint_ns = 1, .signer = &signer->signer, .log_id = signer->log_id,
		.keep_bytes = keep_bytes, .keep_ns = keep_ns };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;

	assert_int_equal(test_signer_init(signer), 0);
	assert_int_equal(lm_log_create(folder->log, &meta, &options, &writer, NULL), 0);
	return writer;
}

/* Files of a name that ends so; the lowest number in `ret_first`. */
static uint32_t count_files(const struct folder *folder, const char *suffix, uint32_t *ret_first)
{
	DIR *dir = opendir(folder->log);
	struct dirent *entry;
	uint32_t count = 0;

	*ret_first = UINT32_MAX;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		uint32_t number = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (strlen(entry->d_name) != 12 || strcmp(entry->d_name + 8, suffix) != 0)
			continue;
		count++;
		*ret_first = number < *ret_first ? number : *ret_first;
	}
	closedir(dir);
	return count;
}

/* Nothing new is recorded: what is on its way out goes. */
static void settle(struct lm_log_writer *writer)
{
	const struct timespec wait = { 0, 1000000 };
	struct lm_log_counts before, after = { 0 };
	int calm = 0;

	while (calm < 50) {
		before = after;
		assert_int_equal(lm_log_flush(writer), 0);
		nanosleep(&wait, NULL);
		lm_log_counts(writer, &after);
		calm = after.bytes == before.bytes ? calm + 1 : 0;
	}
}

/* A gap for what was deleted, and then everything. How many events that was. */
static uint64_t check_events(const struct folder *folder, enum lm_log_state state)
{
	struct lm_log *log = open_log(folder->log);
	uint64_t lost = 0, event = 0;
	struct lm_item item;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		struct lm_event made;

		if (item.kind == LM_ITEM_GAP) {
			if (item.gap.reason == LM_GAP_CUT)
				continue;
			assert_int_equal(item.gap.reason, LM_GAP_RETENTION);
			assert_int_equal(event, 0);
			assert_true(item.gap.end_ns > item.gap.begin_ns);
			lost = event = item.gap.count;
			continue;
		}
		made = make_event((uint32_t)event++);
		assert_event_same(&item.event, &made);
		assert_int_equal(item.event.id, event);
	}
	assert_int_equal(r, 0);
	assert_int_equal(event, EVENTS);
	assert_int_equal(lm_log_state(log), state);
	assert_null(lm_log_damage(log));
	lm_log_free(log);
	return lost;
}

static struct lm_buffer read_whole(const struct folder *folder, const char *name)
{
	struct lm_buffer bytes = LM_BUFFER_INIT;
	char path[128];
	uint8_t room[8192];
	LM_CLOSE int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", folder->log, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	while ((n = read(fd, room, sizeof(room))) > 0)
		lm_buffer_append(&bytes, room, (size_t)n);
	assert_int_equal(n, 0);
	return bytes;
}

/* The .lmt file of that segment is as its tombstone frame says. */
static void check_rest(const struct folder *folder, const struct lm_tombstone *tombstone,
	struct lm_sha256 *hash)
{
	char name[LM_SEGMENT_NAME_BYTES];
	LM_BUFFER struct lm_buffer rest = LM_BUFFER_INIT;
	struct lm_segment_header header;
	struct lm_digest digest;
	size_t bytes = 0;

	lm_deleted_name(tombstone->segment, name);
	rest = read_whole(folder, name);
	assert_int_equal(lm_seal_digest(hash, rest.data, rest.len, &digest), 0);
	assert_memory_equal(&digest, &tombstone->rest, sizeof(digest));
	assert_int_equal(lm_segment_header_decode(rest.data, rest.len, &header, &bytes), 0);
	assert_int_equal(header.number, tombstone->segment);
	assert_int_equal(header.first_event, tombstone->first_event);
	assert_int_equal(lm_seal_header_index(header.number, header.first_sequence),
		tombstone->first_leaf);
	assert_int_equal(tombstone->min_ns,
		make_event((uint32_t)tombstone->first_event - 1).end_ns);
	assert_int_equal(tombstone->max_ns, make_event((uint32_t)(tombstone->first_event +
		tombstone->event_count - 2)).end_ns);
}

/* All tombstone frames of the segments that are left, in order and without holes. */
static void check_tombstones(const struct folder *folder, uint32_t first, uint32_t last,
	uint32_t deleted)
{
	struct lm_sha256 *hash = NULL;
	struct lm_tombstone before = { 0 };
	char name[LM_SEGMENT_NAME_BYTES];

	assert_int_equal(lm_sha256_new(&hash), 0);
	for (uint32_t number = first; number <= last; number++) {
		LM_BUFFER struct lm_buffer bytes = LM_BUFFER_INIT;
		struct lm_segment_header segment;
		struct lm_frame_header frame;
		size_t at = 0;

		lm_segment_name(number, name);
		bytes = read_whole(folder, name);
		assert_int_equal(lm_segment_header_decode(bytes.data, bytes.len, &segment, &at), 0);
		for (; at < bytes.len; at += LM_FRAME_HEADER_BYTES + frame.stored_bytes) {
			struct lm_tombstone tombstone;

			assert_int_equal(lm_frame_header_decode(bytes.data + at, &frame), 0);
			if (frame.type != LM_FRAME_TOMBSTONE)
				continue;
			assert_int_equal(lm_tombstone_decode(
				bytes.data + at + LM_FRAME_HEADER_BYTES,
				frame.stored_bytes, &tombstone), 0);
			assert_true(before.segment == 0 ||
				tombstone.segment == before.segment + 1);
			assert_true(before.segment == 0 || tombstone.first_leaf ==
				before.first_leaf + before.leaf_count);
			check_rest(folder, &tombstone, hash);
			before = tombstone;
		}
	}
	assert_int_equal(before.segment, deleted);
	lm_sha256_free(hash);
}

static void test_by_size(void **state)
{
	const uint64_t keep_bytes = 24000;
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer = create_retaining(folder, &signer, keep_bytes, 0);
	struct lm_log_counts counts;
	uint32_t segments, deleted, first, first_deleted;
	uint64_t lost;

	add_events(writer, 0, EVENTS, PER_FRAME);
	settle(writer);
	lm_log_counts(writer, &counts);
	assert_true(counts.bytes <= keep_bytes);
	assert_true(counts.bytes > keep_bytes - 3 * SEGMENT_BYTES);
	lost = check_events(folder, LM_LOG_LIVE);
	assert_int_equal(lm_log_close(writer, &counts, NULL), 0);
	assert_int_equal(check_events(folder, LM_LOG_ENDED), lost);
	assert_true(lost > 0);
	segments = count_files(folder, ".lms", &first);
	deleted = count_files(folder, ".lmt", &first_deleted);
	assert_int_equal(first_deleted, 1);
	assert_int_equal(first, deleted + 1);
	check_tombstones(folder, first, first + segments - 1, deleted);
	test_signer_release(&signer);
}

static void test_by_age(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer = create_retaining(folder, &signer, 0, 20000000);
	uint32_t first;

	add_events(writer, 0, EVENTS, PER_FRAME);
	settle(writer);
	/* The current one stays, however old. */
	assert_int_equal(count_files(folder, ".lms", &first), 1);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	assert_true(check_events(folder, LM_LOG_ENDED) > 0);
	test_signer_release(&signer);
}

/* The log ends while segments are on their way out, each at another step. */
static void test_ends_meanwhile(void **state)
{
	struct folder *folder = *state;

	for (uint32_t i = 0; i < 30; i++) {
		struct test_signer signer;
		struct lm_log_writer *writer = create_retaining(folder, &signer, 1 + i * 500, 0);

		add_events(writer, 0, EVENTS, PER_FRAME);
		assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
		check_events(folder, LM_LOG_ENDED);
		remove_files(folder->log);
		test_signer_release(&signer);
	}
}

/* What nobody vouches for any more stays. */
static void test_nobody_signs(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer = create_retaining(folder, &signer, 1, 0);
	uint32_t first;

	signer.left = 8;
	add_events(writer, 0, EVENTS, PER_FRAME);
	settle(writer);
	assert_true(count_files(folder, ".lms", &first) > 10);
	assert_int_equal(lm_log_close(writer, NULL, NULL), -LM_E_UNSIGNED);
	check_events(folder, LM_LOG_ENDED);
	test_signer_release(&signer);
}

static void test_needs_a_signer(void **state)
{
	struct folder *folder = *state;
	const struct lm_log_options options = { .keep_bytes = 1 };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;

	assert_int_equal(lm_log_create(folder->log, &meta, &options, &writer, NULL), -EINVAL);
	assert_int_equal(access(folder->log, F_OK), -1);
}

/* With an empty .lmt or none: what is missing is damage, unless something stands for it. */
static void test_missing_without_a_word(void **state)
{
	struct folder *folder = *state;
	struct test_signer signer;
	struct lm_log_writer *writer = create_retaining(folder, &signer, 24000, 0);
	struct lm_log *log;
	struct lm_item item;
	char path[128];
	uint32_t first;

	add_events(writer, 0, EVENTS, PER_FRAME);
	settle(writer);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	count_files(folder, ".lms", &first);
	snprintf(path, sizeof(path), "%s/%08u.lmt", folder->log, first - 1);
	assert_int_equal(unlink(path), 0);
	log = open_log(folder->log);
	assert_int_equal(lm_log_next(log, &item), 1);
	assert_int_equal(item.kind, LM_ITEM_GAP);
	assert_int_equal(item.gap.reason, LM_GAP_DAMAGED);
	assert_non_null(lm_log_damage(log));
	lm_log_free(log);
	test_signer_release(&signer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_by_size),
		TEST(test_by_age),
		TEST(test_ends_meanwhile),
		TEST(test_nobody_signs),
		TEST(test_needs_a_signer),
		TEST(test_missing_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
