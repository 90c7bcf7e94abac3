/* SPDX-License-Identifier: MIT */
#include "make_log.h"
#include "test_signer.h"

#include "lemona/base/time.h"
#include "lemona/log/verify.h"
#include "unpack.h"
#include "writer_internal.h"

/*
 * What verify decodes: all that nothing signed; of what is signed only what has gaps, and the rest
 * when asked. A log whose writer signed nonsense tells the difference.
 */
#define EVENTS 2000u

struct made {
	struct test_signer signer;
	struct lm_log_writer *writer;
	char path[64];
};

static void begin_log(struct made *made, bool sealed)
{
	struct lm_log_options options = { .checkpoint_ns = LM_NS_PER_SEC * 1000 };
	struct lm_log_meta meta = make_meta();

	snprintf(made->path, sizeof(made->path), "/tmp/lemona-deep-XXXXXX");
	assert_non_null(mkdtemp(made->path));
	assert_int_equal(test_signer_init(&made->signer), 0);
	options.log_id = made->signer.log_id;
	options.signer = sealed ? &made->signer.signer : NULL;
	assert_int_equal(lm_log_create(made->path, &meta, &options, &made->writer, NULL), 0);
	write_stream(made->writer, EVENTS);
}

/* A batch that is none, and that says so of its gaps alone. */
static void add_nonsense(struct made *made)
{
	struct lm_frame_header header = { .type = LM_FRAME_BATCH };

	assert_int_equal(lm_log_flush(made->writer), 0);
	assert_int_equal(lm_writer_put(made->writer, &header, LM_STR("\1\2\5\3 none")), 0);
}

static void end_log(struct made *made)
{
	assert_int_equal(lm_log_close(made->writer, NULL, NULL), 0);
	made->writer = NULL;
}

static struct lm_verify_report verify(const struct made *made, bool deep)
{
	const struct lm_verify_options options = { .deep = deep };
	struct lm_verify_report report;

	assert_int_equal(lm_verify(made->path, &options, &report, NULL), 0);
	return report;
}

static void expect(const struct made *made, bool deep, bool sound)
{
	struct lm_verify_report report = verify(made, deep);

	assert_int_equal(report.sound, sound);
	if (!sound)
		assert_int_equal(report.findings[0].verdict, LM_VERDICT_ALTERED);
	lm_verify_report_release(&report);
}

static void release(struct made *made)
{
	char command[128];

	made->writer = lm_log_abandon(made->writer);
	test_signer_release(&made->signer);
	snprintf(command, sizeof(command), "rm -r %s", made->path);
	assert_int_equal(system(command), 0);
}

static void test_gaps_are_counted_either_way(void **state)
{
	struct lm_verify_report some, all;
	struct made made;

	(void)state;
	begin_log(&made, true);
	end_log(&made);
	some = verify(&made, false);
	all = verify(&made, true);
	assert_true(some.sound && all.sound);
	assert_true(all.gaps > 0 && all.lost > 0);
	assert_int_equal(some.gaps, all.gaps);
	assert_int_equal(some.lost, all.lost);
	assert_int_equal(some.raw_bytes, all.raw_bytes);
	lm_verify_report_release(&some);
	lm_verify_report_release(&all);
	release(&made);
}

static void test_signed_nonsense(void **state)
{
	struct made made;

	(void)state;
	begin_log(&made, true);
	add_nonsense(&made);
	end_log(&made);
	expect(&made, false, true);
	expect(&made, true, false);
	release(&made);
}

static void test_nonsense_that_nothing_signed(void **state)
{
	struct made made;

	(void)state;
	begin_log(&made, false);
	add_nonsense(&made);
	end_log(&made);
	expect(&made, false, false);
	release(&made);

	begin_log(&made, true);
	add_nonsense(&made);
	made.writer = lm_log_abandon(made.writer);
	expect(&made, false, false);
	release(&made);
}

/* The number in the header is what verify relies on. */
static void test_gaps_in_headers(void **state)
{
	struct lm_frame_header header = { .type = LM_FRAME_BATCH, .sequence = 1, .first_event = 1,
		.gap_count = 7 }, is;
	uint8_t data[LM_FRAME_HEADER_BYTES];
	uint64_t gaps = 0;

	(void)state;
	lm_frame_header_encode(&header, NULL, data);
	assert_int_equal(lm_frame_header_decode(data, &is), 0);
	assert_int_equal(is.gap_count, 7);
	header.type = LM_FRAME_END;
	lm_frame_header_encode(&header, NULL, data);
	assert_int_equal(lm_frame_header_decode(data, &is), -LM_E_DAMAGED);
	assert_int_equal(lm_frame_gaps(LM_FRAME_GAPS_MANY - 1), LM_FRAME_GAPS_MANY - 1);
	assert_int_equal(lm_frame_gaps(UINT64_MAX), LM_FRAME_GAPS_MANY);
	assert_int_equal(lm_payload_gaps((const uint8_t *)"\1\2\3", 3, &gaps), 0);
	assert_int_equal(gaps, 3);
	assert_int_equal(lm_payload_gaps((const uint8_t *)"\1\2", 2, &gaps), -LM_E_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps_are_counted_either_way),
		cmocka_unit_test(test_signed_nonsense),
		cmocka_unit_test(test_nonsense_that_nothing_signed),
		cmocka_unit_test(test_gaps_in_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
