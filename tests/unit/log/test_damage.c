/* SPDX-License-Identifier: MIT */
#include "make_log.h"

#define FRAMES      12u
#define PER_FRAME   10u
#define HEADER_SIZE 96u

/* What one reading found. */
struct seen {
	uint32_t events, damaged_gaps, cut_gaps;
	uint64_t lost;
	enum lm_log_state state;
	bool damage;
	char text[400];
};

static struct seen read_all(const char *path)
{
	struct lm_log *log = open_log(path);
	struct seen seen = { 0 };
	struct lm_item item;
	int r;

	while ((r = lm_log_next(log, &item)) == 1) {
		if (item.kind == LM_ITEM_EVENT) {
			struct lm_event made = make_event((uint32_t)item.event.id - 1);

			assert_event_same(&item.event, &made);
			seen.events++;
		} else if (item.kind == LM_ITEM_GAP) {
			seen.damaged_gaps += item.gap.reason == LM_GAP_DAMAGED;
			seen.cut_gaps += item.gap.reason == LM_GAP_CUT;
			seen.lost += item.gap.count;
			assert_true(item.gap.begin_ns <= item.gap.end_ns);
		}
	}
	assert_int_equal(r, 0);
	/* Once it is over, it stays over. */
	assert_int_equal(lm_log_next(log, &item), 0);
	seen.state = lm_log_state(log);
	seen.damage = lm_log_damage(log);
	if (seen.damage)
		snprintf(seen.text, sizeof(seen.text), "%s", lm_log_damage(log));
	lm_log_free(log);
	return seen;
}

/* A segment's bytes, to alter. */
struct image {
	uint8_t *data;
	size_t len;
	char path[128];
};

static struct image load_image(const struct folder *folder, uint32_t segment)
{
	struct image image = { 0 };
	int fd;

	segment_path(folder, segment, image.path);
	image.len = (size_t)file_size(image.path);
	image.data = malloc(image.len);
	fd = open(image.path, O_RDONLY);
	assert_int_equal(read(fd, image.data, image.len), image.len);
	close(fd);
	return image;
}

/*
 * In place: a file that was emptied first is brought to the disk when it is closed (ext4's
 * auto_da_alloc), and here that would be a wait for every single byte.
 */
static void store_image(const struct image *image, size_t len)
{
	int fd = open(image->path, O_WRONLY);

	assert_int_equal(write(fd, image->data, len), len);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	close(fd);
}

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Where frame number n (from 0) begins, or the file's end. */
static size_t frame_offset(const struct image *image, uint32_t n)
{
	size_t offset = HEADER_SIZE + get_u32(image->data + 20);

	for (; n > 0 && offset < image->len; n--)
		offset += HEADER_SIZE + get_u32(image->data + offset + 12);
	return offset;
}

static void test_every_flipped_bit_is_found(void **state)
{
	struct folder *folder = *state;
	struct image image;

	make_log(folder, FRAMES);
	image = load_image(folder, 1);
	for (size_t i = 0; i < image.len; i++) {
		struct lm_log *log = NULL;
		struct seen seen;

		image.data[i] ^= (uint8_t)(1u << i % 8);
		store_image(&image, image.len);
		if (i < frame_offset(&image, 0) && i < HEADER_SIZE + 4096) {
			/* The header: refused, or read with a complaint. */
			if (lm_log_open(folder->log, &log, NULL) < 0) {
				image.data[i] ^= (uint8_t)(1u << i % 8);
				continue;
			}
			lm_log_free(log);
		}
		seen = read_all(folder->log);
		if (!seen.damage)
			fail_msg("byte %zu, bit %zu", i, i % 8);
		/* Never more than the frame it is in, and what is missing is counted. */
		assert_true(seen.events >= (FRAMES - 1) * PER_FRAME);
		if (seen.damaged_gaps)
			assert_int_equal(seen.events + seen.lost, FRAMES * PER_FRAME);
		image.data[i] ^= (uint8_t)(1u << i % 8);
	}
	free(image.data);
}

static void test_every_cut(void **state)
{
	struct folder *folder = *state;
	struct image image;
	uint32_t whole = 0;
	size_t first;

	make_log(folder, FRAMES);
	image = load_image(folder, 1);
	first = frame_offset(&image, 0);
	for (size_t len = 0; len < image.len; len++) {
		struct lm_log *log = NULL;
		struct lm_diag diag = LM_DIAG_INIT;
		struct seen seen;

		store_image(&image, len);
		if (len < first) {
			int r = lm_log_open(folder->log, &log, &diag);

			assert_true(r == -LM_E_EMPTY || r == -LM_E_DAMAGED || r == -LM_E_FORMAT);
			assert_int_equal(lm_exit_code(r), LM_EXIT_DAMAGED);
			assert_true(diag.text[0] != '\0');
			assert_null(log);
			continue;
		}
		while (frame_offset(&image, whole + 1) <= len)
			whole++;
		seen = read_all(folder->log);
		assert_int_equal(seen.state, LM_LOG_CUT);
		assert_int_equal(seen.cut_gaps, 1);
		assert_int_equal(seen.damaged_gaps, 0);
		assert_int_equal(seen.events, (whole < FRAMES ? whole : FRAMES) * PER_FRAME);
		assert_int_equal(seen.damage, frame_offset(&image, whole) != len);
	}
	free(image.data);
}

static void test_a_removed_frame_is_counted(void **state)
{
	struct folder *folder = *state;
	struct image image;
	size_t from, to;
	struct seen seen;

	make_log(folder, FRAMES);
	image = load_image(folder, 1);
	from = frame_offset(&image, 4);
	to = frame_offset(&image, 7);
	memmove(image.data + from, image.data + to, image.len - to);
	store_image(&image, image.len - (to - from));
	seen = read_all(folder->log);
	assert_int_equal(seen.events, (FRAMES - 3) * PER_FRAME);
	assert_int_equal(seen.damaged_gaps, 1);
	assert_int_equal(seen.lost, 3 * PER_FRAME);
	assert_string_equal(seen.text, "frames 5 to 7 are missing");
	assert_int_equal(seen.state, LM_LOG_ENDED);
	free(image.data);
}

static void test_a_repeated_frame_is_not_taken_twice(void **state)
{
	struct folder *folder = *state;
	struct image image;
	size_t from, to;
	struct seen seen;

	make_log(folder, FRAMES);
	image = load_image(folder, 1);
	from = frame_offset(&image, 4);
	to = frame_offset(&image, 5);
	image.data = realloc(image.data, image.len + (to - from));
	memmove(image.data + to, image.data + from, image.len - from);
	store_image(&image, image.len + (to - from));
	seen = read_all(folder->log);
	assert_int_equal(seen.events, FRAMES * PER_FRAME);
	assert_true(seen.damage);
	assert_int_equal(seen.lost, 0);
	free(image.data);
}

static void test_garbage_between_frames_is_passed(void **state)
{
	struct folder *folder = *state;
	struct image image;
	size_t at, more = 200000;
	struct seen seen;

	make_log(folder, FRAMES);
	image = load_image(folder, 1);
	at = frame_offset(&image, 6);
	image.data = realloc(image.data, image.len + more);
	memmove(image.data + at + more, image.data + at, image.len - at);
	for (size_t i = 0; i < more; i++)
		image.data[at + i] = (uint8_t)"LMFR"[i % 4];
	store_image(&image, image.len + more);
	seen = read_all(folder->log);
	assert_int_equal(seen.events, FRAMES * PER_FRAME);
	assert_int_equal(seen.damaged_gaps, 1);
	assert_non_null(strstr(seen.text, "200000 bytes"));
	free(image.data);
}

static void test_bytes_behind_the_end(void **state)
{
	struct folder *folder = *state;
	struct image image;
	struct seen seen;

	make_log(folder, 2);
	image = load_image(folder, 1);
	image.data = realloc(image.data, image.len + 1);
	image.data[image.len] = 0;
	store_image(&image, image.len + 1);
	seen = read_all(folder->log);
	assert_int_equal(seen.events, 2 * PER_FRAME);
	assert_int_equal(seen.state, LM_LOG_ENDED);
	assert_non_null(strstr(seen.text, "behind the end mark"));
	free(image.data);
}

/* Frames of ten in segments of a few KiB. */
static uint32_t make_segments(const struct folder *folder)
{
	struct lm_log_writer *writer = create_log(folder, 4096);
	uint32_t count = 0;
	char path[128];

	add_events(writer, 0, 1000, PER_FRAME);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	do
		segment_path(folder, ++count + 1, path);
	while (access(path, F_OK) == 0);
	assert_true(count > 4);
	return count;
}

static void test_a_missing_segment_is_counted(void **state)
{
	struct folder *folder = *state;
	char path[128];
	struct seen seen;

	make_segments(folder);
	segment_path(folder, 2, path);
	assert_int_equal(unlink(path), 0);
	seen = read_all(folder->log);
	assert_int_equal(seen.damaged_gaps, 1);
	assert_true(seen.lost > 0);
	assert_int_equal(seen.events + seen.lost, 1000);
	assert_non_null(strstr(seen.text, "are missing"));

	segment_path(folder, 1, path);
	assert_int_equal(unlink(path), 0);
	seen = read_all(folder->log);
	assert_int_equal(seen.damaged_gaps, 1);
	assert_int_equal(seen.events + seen.lost, 1000);
}

/* Numbers, checksums, all is right but the log. */
static void test_a_frame_of_another_log_is_no_frame_of_this_one(void **state)
{
	struct folder *folder = *state;
	struct image other, image;
	size_t from, at, len;
	struct seen seen;

	make_log(folder, FRAMES);
	other = load_image(folder, 1);
	remove_files(folder->log);
	make_log(folder, FRAMES);
	image = load_image(folder, 1);
	from = frame_offset(&other, 4);
	at = frame_offset(&image, 4);
	len = frame_offset(&image, 5) - at;
	/* Payloads depend on the events alone. */
	assert_int_equal(frame_offset(&other, 5) - from, len);
	memcpy(image.data + at, other.data + from, len);
	store_image(&image, image.len);
	seen = read_all(folder->log);
	assert_int_equal(seen.events, (FRAMES - 1) * PER_FRAME);
	assert_int_equal(seen.lost, PER_FRAME);
	assert_non_null(strstr(seen.text, "belongs to another log"));
	free(other.data);
	free(image.data);
}

/* Killed on its way to the next segment: before, while and after that one got its header. */
static void test_a_segment_without_frames_is_a_cut(void **state)
{
	struct folder *folder = *state;
	uint32_t count = make_segments(folder);
	struct image image = load_image(folder, count - 1), last = load_image(folder, count);
	struct seen seen;

	/* The mark at its end, which has no payload. */
	store_image(&image, image.len - HEADER_SIZE);
	for (size_t size = 0; size <= frame_offset(&last, 0); size++) {
		store_image(&last, size);
		seen = read_all(folder->log);
		assert_int_equal(seen.state, LM_LOG_CUT);
		assert_int_equal(seen.cut_gaps, 1);
		assert_false(seen.damage);
	}
	/* With a frame in it the mark is missing. */
	store_image(&last, frame_offset(&last, 1));
	seen = read_all(folder->log);
	assert_non_null(strstr(seen.text, "without its end mark"));
	free(image.data);
	free(last.data);
}

static void test_a_missing_last_segment_is_a_cut(void **state)
{
	struct folder *folder = *state;
	char path[128];
	struct seen seen;

	segment_path(folder, make_segments(folder), path);
	assert_int_equal(unlink(path), 0);
	seen = read_all(folder->log);
	assert_int_equal(seen.state, LM_LOG_CUT);
	assert_int_equal(seen.cut_gaps, 1);
	assert_non_null(strstr(seen.text, "next segment is missing"));
}

static void test_a_cut_segment_in_the_middle(void **state)
{
	struct folder *folder = *state;
	char path[128];
	struct seen seen;

	make_segments(folder);
	segment_path(folder, 2, path);
	assert_int_equal(truncate(path, (off_t)file_size(path) - 1000), 0);
	seen = read_all(folder->log);
	assert_int_equal(seen.damaged_gaps, 1);
	assert_int_equal(seen.cut_gaps, 0);
	assert_int_equal(seen.state, LM_LOG_ENDED);
	assert_int_equal(seen.events + seen.lost, 1000);
}

static void test_a_damaged_segment_header(void **state)
{
	struct folder *folder = *state;
	char path[128];
	struct seen seen;
	int fd;

	make_segments(folder);
	segment_path(folder, 3, path);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 40), 1);
	close(fd);
	seen = read_all(folder->log);
	assert_int_equal(seen.events, 1000);
	assert_non_null(strstr(seen.text, "its header"));
}

static void expect_open(const char *path, int code, const char *words)
{
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_log *log = NULL;

	assert_int_equal(lm_log_open(path, &log, &diag), code);
	assert_null(log);
	if (!strstr(diag.text, words))
		fail_msg("'%s' does not say '%s'", diag.text, words);
}

static void test_what_is_no_log(void **state)
{
	struct folder *folder = *state;
	char path[128];
	FILE *file;

	expect_open(folder->log, -ENOENT, "No such file");
	assert_int_equal(mkdir(folder->log, 0700), 0);
	expect_open(folder->log, -LM_E_EMPTY, "is empty");
	segment_path(folder, 1, path);
	file = fopen(path, "w");
	expect_open(path, -LM_E_EMPTY, "is empty");
	fputs("this is a text, and no log at all", file);
	fclose(file);
	expect_open(path, -LM_E_FORMAT, "is not a Lemona log");
	expect_open(folder->log, -LM_E_FORMAT, "is not a Lemona log");
	expect_open("/dev/null", -LM_E_FORMAT, "is not a Lemona log");
}

static void test_a_newer_version_is_refused(void **state)
{
	struct folder *folder = *state;
	struct image image;

	make_log(folder, 1);
	image = load_image(folder, 1);
	image.data[8] = 2;
	store_image(&image, image.len);
	expect_open(folder->log, -LM_E_VERSION, "newer version");
	free(image.data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_flipped_bit_is_found),
		TEST(test_every_cut),
		TEST(test_a_removed_frame_is_counted),
		TEST(test_a_repeated_frame_is_not_taken_twice),
		TEST(test_garbage_between_frames_is_passed),
		TEST(test_bytes_behind_the_end),
		TEST(test_a_missing_segment_is_counted),
		TEST(test_a_frame_of_another_log_is_no_frame_of_this_one),
		TEST(test_a_segment_without_frames_is_a_cut),
		TEST(test_a_missing_last_segment_is_a_cut),
		TEST(test_a_cut_segment_in_the_middle),
		TEST(test_a_damaged_segment_header),
		TEST(test_what_is_no_log),
		TEST(test_a_newer_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
