/* SPDX-License-Identifier: MIT */
#pragma once

#include "../unit/log/make_log.h"
#include "../unit/log/test_signer.h"
#include "format.h"
#include "lemona/log/verify.h"
#include "seal.h"

/* All of it, or, where sanitizers make each trial dear, one of so many. */
#ifdef __SANITIZE_ADDRESS__
#define ONE_OF 8u
#else
#define ONE_OF 1u
#endif

/*
 * A sealed log of three small segments, in memory and on tmpfs, that is altered and verified
 * thousands of times. What verify has to say of it is told as a set of words.
 */
#define WORD(verdict)   (1u << (verdict))
#define ALTERED         WORD(LM_VERDICT_ALTERED)
#define CUT_START       WORD(LM_VERDICT_CUT_START)
#define CUT_MIDDLE      WORD(LM_VERDICT_CUT_MIDDLE)
#define CUT_END         WORD(LM_VERDICT_CUT_END)
#define REORDERED       WORD(LM_VERDICT_REORDERED)
#define DUPLICATED      WORD(LM_VERDICT_DUPLICATED)
#define MIXED           WORD(LM_VERDICT_MIXED)
#define WRONG_KEY       WORD(LM_VERDICT_WRONG_KEY)
#define FORKED          WORD(LM_VERDICT_FORKED)

#define SEGMENTS        3u
#define FRAMES_MAX      256u
#define EVENTS_A_FRAME  3u

struct frame {
	uint32_t segment;
	uint64_t sequence;
	size_t offset, bytes;
	uint16_t type;
};

struct image {
	struct folder *folder;
	char log[80];
	struct lm_buffer segments[SEGMENTS + 1]; /* from 1 */
	struct lm_buffer key, checkpoint;
	size_t header_bytes;
	struct frame frames[FRAMES_MAX];
	size_t frame_count;
	struct test_signer signer;
};

static inline void load_file(const char *log, const char *name, struct lm_buffer *out)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", log, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	lm_buffer_reset(out);
	assert_int_equal(lm_buffer_reserve(out, file_size(path)), 0);
	out->len = (size_t)read(fd, out->data, (size_t)file_size(path));
	close(fd);
}

static inline void store_file(const char *log, const char *name, const void *data, size_t len)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", log, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static inline void store_segment(const struct image *image, uint32_t segment,
	const struct lm_buffer *bytes)
{
	char name[LM_SEGMENT_NAME_BYTES];

	lm_segment_name(segment, name);
	store_file(image->log, name, bytes->data, bytes->len);
}

/* As it was. */
static inline void store_image(const struct image *image)
{
	remove_files(image->log);
	assert_int_equal(mkdir(image->log, 0700), 0);
	for (uint32_t i = 1; i <= SEGMENTS; i++)
		store_segment(image, i, &image->segments[i]);
	store_file(image->log, LM_LOG_KEY_NAME, image->key.data, image->key.len);
	store_file(image->log, LM_LOG_CHECKPOINT_NAME, image->checkpoint.data,
		image->checkpoint.len);
}

static inline void list_frames(struct image *image, uint32_t segment)
{
	const struct lm_buffer *bytes = &image->segments[segment];
	struct lm_segment_header header;
	struct lm_frame_header frame;
	size_t offset = 0;

	assert_int_equal(lm_segment_header_decode(bytes->data, bytes->len, &header, &offset), 0);
	image->header_bytes = offset;
	while (offset < bytes->len) {
		assert_true(image->frame_count < FRAMES_MAX);
		assert_int_equal(lm_frame_header_decode(bytes->data + offset, &frame), 0);
		image->frames[image->frame_count++] = (struct frame){ segment, frame.sequence,
			offset, LM_FRAME_HEADER_BYTES + frame.stored_bytes, frame.type };
		offset += LM_FRAME_HEADER_BYTES + frame.stored_bytes;
	}
	assert_int_equal(offset, bytes->len);
}

/* With a checkpoint after each frame or so, and two or three of them in each segment. */
static inline struct image *make_image(struct folder *folder, uint8_t id, uint64_t checkpoint_ns)
{
	struct image *image = calloc(1, sizeof(*image));
	struct lm_log_options options = { .segment_bytes = 1800, .checkpoint_ns = checkpoint_ns };
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	char name[LM_SEGMENT_NAME_BYTES], last[160];
	uint32_t events = 0;

	assert_non_null(image);
	image->folder = folder;
	snprintf(image->log, sizeof(image->log), "%s/log", folder->path);
	remove_files(image->log);
	assert_int_equal(test_signer_init(&image->signer), 0);
	image->signer.log_id[0] = id;
	options.signer = &image->signer.signer;
	options.log_id = image->signer.log_id;
	lm_segment_name(SEGMENTS, name);
	snprintf(last, sizeof(last), "%s/%s", image->log, name);
	assert_int_equal(lm_log_create(image->log, &meta, &options, &writer, NULL), 0);
	while (access(last, F_OK) < 0 || file_size(last) < 1200) {
		add_events(writer, events, EVENTS_A_FRAME, EVENTS_A_FRAME);
		events += EVENTS_A_FRAME;
	}
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	for (uint32_t i = 1; i <= SEGMENTS; i++) {
		lm_segment_name(i, name);
		load_file(image->log, name, &image->segments[i]);
		list_frames(image, i);
	}
	load_file(image->log, LM_LOG_KEY_NAME, &image->key);
	load_file(image->log, LM_LOG_CHECKPOINT_NAME, &image->checkpoint);
	return image;
}

static inline void free_image(struct image *image)
{
	for (uint32_t i = 1; i <= SEGMENTS; i++)
		lm_buffer_release(&image->segments[i]);
	lm_buffer_release(&image->key);
	lm_buffer_release(&image->checkpoint);
	test_signer_release(&image->signer);
	free(image);
}

static inline void print_findings(const struct lm_verify_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct lm_finding *finding = &report->findings[i];

		print_message("  %s: %s segment %u frames %ju-%ju bytes %ju-%ju: %s\n",
			lm_verdict_word(finding->verdict), finding->file, finding->segment,
			(uintmax_t)finding->first_frame, (uintmax_t)finding->last_frame,
			(uintmax_t)finding->begin_byte, (uintmax_t)finding->end_byte,
			finding->text);
	}
}

/* The words that verify has for the log; 0 of a sound one. */
static inline unsigned int verify_words(const char *log, const struct lm_verify_options *options,
	bool print)
{
	struct lm_verify_report report = { 0 };
	struct lm_diag diag = LM_DIAG_INIT;
	unsigned int words = 0;
	int r = lm_verify(log, options, &report, &diag);

	if (r < 0)
		fail_msg("verify failed: %s", diag.text);
	for (size_t i = 0; i < report.count; i++)
		if (report.findings[i].verdict != LM_VERDICT_NOTE)
			words |= WORD(report.findings[i].verdict);
	assert_int_equal(report.sound, words == 0);
	if (print)
		print_findings(&report);
	lm_verify_report_release(&report);
	return words;
}

static inline void expect_words(const struct image *image, unsigned int wanted, const char *what,
	size_t where)
{
	unsigned int words = verify_words(image->log, NULL, false);

	if (words == wanted)
		return;
	verify_words(image->log, NULL, true);
	fail_msg("%s %zu: words %#x, wanted %#x", what, where, words, wanted);
}
