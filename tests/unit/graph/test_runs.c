/* SPDX-License-Identifier: MIT */
#include "lemona/graph/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/log/reader.h"

/*
 * A log in which one process reads a file ten times and writes another one in between. The reads
 * are one run in the index: what came before the write is told from the frame.
 */
enum { PROCESS = 2, READ_FILE = 3, WRITTEN_FILE = 4 };

#define READS        10u
#define READS_BEFORE 6u
#define BASE_NS      UINT64_C(5000000000)

struct made {
	char folder[32], log[40];
	struct lm_index *index;
};

static void must_add(struct lm_log_writer *writer, const struct lm_item *item)
{
	assert_int_equal(lm_log_add(writer, item), 0);
}

static void add_objects(struct lm_log_writer *writer)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = LM_OBJECT_KERNEL, .kind = LM_OBJECT_KIND_KERNEL } };

	must_add(writer, &item);
	item.object = (struct lm_object){ .id = PROCESS, .kind = LM_OBJECT_KIND_PROCESS,
		.time_ns = BASE_NS, .process = { .tgid = 7, .start_ns = BASE_NS } };
	must_add(writer, &item);
	for (lm_object_id id = READ_FILE; id <= WRITTEN_FILE; id++) {
		item.object = (struct lm_object){ .id = id, .kind = LM_OBJECT_KIND_FILE,
			.time_ns = BASE_NS, .file = { .dev = 1, .inode = id, .mode = 0100644 } };
		must_add(writer, &item);
	}
}

static void add_events(struct lm_log_writer *writer)
{
	for (uint32_t i = 0; i <= READS; i++) {
		bool write = i == READS_BEFORE;
		struct lm_item item = { .kind = LM_ITEM_EVENT, .event = {
			.end_ns = BASE_NS + 1000 * (i + 1), .actor = PROCESS, .tid = 7,
			.op = write ? LM_OP_WRITE : LM_OP_READ, .call = write,
			.object = write ? WRITTEN_FILE : READ_FILE, .result = 100 } };

		must_add(writer, &item);
	}
}

static int make(void **state)
{
	struct made *made = calloc(1, sizeof(*made));
	struct lm_log_meta meta = { .host = "victim", .start_ns = BASE_NS };
	struct lm_log_options options = { .segment_bytes = 0 };
	struct lm_log_writer *writer;
	struct lm_log *log;

	assert_non_null(made);
	snprintf(made->folder, sizeof(made->folder), "/tmp/lemona-runs-XXXXXX");
	assert_non_null(mkdtemp(made->folder));
	snprintf(made->log, sizeof(made->log), "%s/log", made->folder);
	assert_int_equal(lm_log_create(made->log, &meta, &options, &writer, NULL), 0);
	add_objects(writer);
	add_events(writer);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	assert_int_equal(lm_log_open(made->log, &log, NULL), 0);
	assert_int_equal(lm_index_load(log, &made->index, NULL), 0);
	lm_log_free(log);
	*state = made;
	return 0;
}

static void remove_file(const struct made *made, const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/%s", made->log, name);
	unlink(path);
}

static int unmake(void **state)
{
	struct made *made = *state;

	lm_index_free(made->index);
	remove_file(made, "00000001.lms");
	remove_file(made, "lock");
	rmdir(made->log);
	rmdir(made->folder);
	free(made);
	return 0;
}

static int trace_back(const struct made *made, struct lm_answer **ret_answer, struct lm_diag *diag)
{
	struct lm_detections from LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_trace_options options = { .direction = LM_BACKWARD, .from = &from };

	assert_int_equal(lm_detections_add(&from,
		(struct lm_detection){ WRITTEN_FILE, 0, UINT64_MAX }), 0);
	return lm_trace(made->index, &options, ret_answer, diag);
}

static void test_the_reads_before_the_write(void **state)
{
	struct lm_answer *answer = NULL;
	struct lm_answer_view view;
	uint64_t reads = 0, bytes = 0;

	assert_int_equal(trace_back(*state, &answer, NULL), 0);
	view = lm_answer_view(answer);
	for (uint32_t i = 0; i < view.edge_count; i++) {
		if (view.edges[i].op != LM_OP_READ)
			continue;
		reads += view.edges[i].count;
		bytes += view.edges[i].bytes;
		assert_int_equal(view.edges[i].end_ns, BASE_NS + 1000 * READS_BEFORE);
	}
	assert_int_equal(reads, READS_BEFORE);
	assert_int_equal(bytes, 100 * READS_BEFORE);
	lm_answer_free(answer);
}

static void test_no_answer_from_what_cannot_be_read(void **state)
{
	const struct made *made = *state;
	struct lm_answer *answer = NULL;
	struct lm_diag diag = LM_DIAG_INIT;

	remove_file(made, "00000001.lms");
	assert_true(trace_back(made, &answer, &diag) < 0);
	assert_null(answer);
	assert_true(diag.text[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_reads_before_the_write, make, unmake),
		cmocka_unit_test_setup_teardown(test_no_answer_from_what_cannot_be_read, make,
						unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
