/* SPDX-License-Identifier: MIT */
#include "make_log.h"
#include "test_signer.h"

#include "lemona/log/verify.h"

/* The signature of the host: asked for or not, there or not, of this host or of another one. */
static const struct lm_seed host = { { 1 } }, other = { { 2 } }, nobody;

struct made {
	enum lm_host_state state;
	struct lm_seed named, signing, besides;
	bool unsealed;
};

static struct lm_verify_report verify(const struct made *made, const struct lm_seed *given)
{
	struct test_signer signer;
	struct lm_public_key key;
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct lm_verify_options options = { .host_key = given ? &key : NULL };
	struct lm_log_options log = { .log_id = signer.log_id };
	struct lm_verify_report report;
	char path[] = "/tmp/lemona-host-XXXXXX", command[64];

	assert_non_null(mkdtemp(path));
	assert_int_equal(test_signer_init(&signer), 0);
	signer.host = made->state;
	signer.host_named = made->named;
	signer.host_signing = made->signing;
	signer.besides = made->besides;
	log.signer = made->unsealed ? NULL : &signer.signer;
	assert_int_equal(lm_log_create(path, &meta, &log, &writer, NULL), 0);
	write_stream(writer, 100);
	assert_int_equal(lm_log_close(writer, NULL, NULL), 0);
	test_signer_release(&signer);
	if (given)
		assert_int_equal(lm_sign_public(given, &key), 0);
	assert_int_equal(lm_verify(path, &options, &report, NULL), 0);
	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(system(command), 0);
	return report;
}

static void expect_sound(const struct made *made, const struct lm_seed *given)
{
	struct lm_verify_report report = verify(made, given);

	assert_true(report.sound);
	assert_int_equal(report.count, 0);
	assert_int_equal(report.host, made->state);
	assert_int_equal(report.host_signed, made->state == LM_HOST_SIGNED);
	lm_verify_report_release(&report);
}

/* One finding, of that word and with that in its sentence. */
static void expect(const struct made *made, const struct lm_seed *given, enum lm_verdict verdict,
	const char *text)
{
	struct lm_verify_report report = verify(made, given);

	assert_false(report.sound);
	assert_int_equal(report.count, 1);
	assert_int_equal(report.findings[0].verdict, verdict);
	if (!strstr(report.findings[0].text, text))
		fail_msg("%s", report.findings[0].text);
	lm_verify_report_release(&report);
}

static void test_signed(void **state)
{
	const struct made made = { .state = LM_HOST_SIGNED, .named = host, .signing = host };

	expect_sound(&made, &host);
	expect_sound(&made, NULL);
	expect(&made, &other, LM_VERDICT_WRONG_KEY,
		"signed by another host than the one given: lemona-host/");
}

/* The note, which the log's own key has signed, names the host. */
static void test_stripped(void **state)
{
	const struct made made = { .state = LM_HOST_SIGNED, .named = host, .signing = nobody };

	expect(&made, NULL, LM_VERDICT_WRONG_KEY, "is not there");
	expect(&made, &host, LM_VERDICT_WRONG_KEY, "is not there");
}

static void test_signed_by_another(void **state)
{
	const struct made made = { .state = LM_HOST_SIGNED, .named = host, .signing = other };

	expect(&made, NULL, LM_VERDICT_WRONG_KEY, "is not there");
	expect(&made, &host, LM_VERDICT_WRONG_KEY, "is not there");
}

static void test_not_signed(void **state)
{
	struct made made = { .state = LM_HOST_NONE };

	expect_sound(&made, NULL);
	expect(&made, &host, LM_VERDICT_WRONG_KEY, "the log is signed by no host");
	made.state = LM_HOST_OTHER_TPM;
	expect_sound(&made, NULL);
	expect(&made, &host, LM_VERDICT_WRONG_KEY, "its key could not be used (other-tpm)");
	made = (struct made){ .unsealed = true };
	expect_sound(&made, NULL);
	expect(&made, &host, LM_VERDICT_WRONG_KEY, "the log is not sealed");
}

/* What only some of the notes cover, or none: lines of others could come and go unseen. */
static void test_lines_of_others(void **state)
{
	static const struct {
		struct made made;
		const char *text;
	} cases[] = {
		{ { .state = LM_HOST_NONE, .signing = other }, "holds no key note" },
		{ { .state = LM_HOST_LOCKED, .signing = other }, "holds no key note" },
		{ { .state = LM_HOST_NONE, .besides = other }, "holds no checkpoint" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lm_verify_report report = verify(&cases[i].made, NULL);

		assert_false(report.sound);
		assert_int_equal(report.findings[0].verdict, LM_VERDICT_ALTERED);
		if (!strstr(report.findings[0].text, cases[i].text))
			fail_msg("%s", report.findings[0].text);
		lm_verify_report_release(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_signed_by_another),
		cmocka_unit_test(test_not_signed),
		cmocka_unit_test(test_lines_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
