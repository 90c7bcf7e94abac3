/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "lemona/base/error.h"
#include "lemona/crypto/host.h"

static const struct lm_seed seed = { { 7 } }, host = { { 8 } }, other = { { 9 } };

static struct lm_str str(const struct lm_buffer *buf)
{
	return (struct lm_str){ (const char *)buf->data, (uint32_t)buf->len };
}

static struct lm_public_key public_of(const struct lm_seed *of)
{
	struct lm_public_key key;

	assert_int_equal(lm_sign_public(of, &key), 0);
	return key;
}

static struct lm_segment_key make_key(enum lm_host_state state)
{
	struct lm_segment_key key = { .log_id = { 0xab }, .segment = 1, .host = state };

	if (state == LM_HOST_SIGNED)
		key.host_key = public_of(&host);
	return key;
}

/* All that the first key note can say of the host is read as it was written. */
static void test_states_and_back(void **state)
{
	for (enum lm_host_state i = LM_HOST_NONE; i <= LM_HOST_FAILED; i++) {
		LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
		struct lm_segment_key key = make_key(i), back;
		struct lm_note note;

		assert_int_equal(lm_segment_key_sign(&key, &seed, &out), 0);
		assert_int_equal(lm_segment_key_parse(str(&out), &back, &note), 0);
		assert_memory_equal(&back, &key, sizeof(back));
		assert_int_equal(lm_host_reason(i) != NULL, i > LM_HOST_SIGNED);
	}
	assert_null(lm_host_reason(LM_HOST_FAILED + 1));
}

static void test_first_segment_only(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_segment_key key = make_key(LM_HOST_LOCKED);

	key.segment = 2;
	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), -EINVAL);
	key = make_key(LM_HOST_FAILED + 1);
	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), -EINVAL);
	assert_int_equal(out.len, 0);
}

/* Texts that are none, made of one that is. */
static void refuse(const char *what, const char *instead)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT, bent = LM_BUFFER_INIT;
	struct lm_segment_key key = make_key(LM_HOST_LOCKED), back;
	struct lm_note note;
	const char *at;

	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), 0);
	lm_buffer_append_byte(&out, 0);
	at = strstr((const char *)out.data, what);
	assert_non_null(at);
	lm_buffer_append(&bent, out.data, (size_t)(at - (const char *)out.data));
	lm_buffer_append_text(&bent, instead);
	lm_buffer_append_text(&bent, at + strlen(what));
	assert_int_equal(lm_segment_key_parse(str(&bent), &back, &note), -LM_E_DAMAGED);
}

static void test_refused_texts(void **state)
{
	refuse("no-host-key locked\n", "no-host-key\n");
	refuse("no-host-key locked\n", "no-host-key Locked\n");
	refuse("no-host-key locked\n", "no-host-key \n");
	refuse("no-host-key locked\n", "no-host-key locked\nno-host-key locked\n");
	refuse("no-host-key locked\n", "host-key locked\n");
	refuse("no-host-key locked\n", "host-key AAAA\n");
	refuse("segment 1\n", "segment 2\n");
}

static void test_two_signatures(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_segment_key key = make_key(LM_HOST_SIGNED), back;
	struct lm_public_key log = public_of(&seed), is = public_of(&host), not = public_of(&other);
	struct lm_note note;
	size_t before;

	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), 0);
	before = out.len;
	assert_int_equal(lm_segment_key_parse(str(&out), &back, &note), 0);
	assert_int_equal(lm_host_check(&note, &is), -LM_E_WRONG_KEY);
	assert_int_equal(lm_host_sign(&out, 0, &host), 0);
	assert_true(out.len > before && out.len <= 1024);
	assert_int_equal(lm_segment_key_parse(str(&out), &back, &note), 0);
	assert_memory_equal(&back, &key, sizeof(back));
	assert_int_equal(note.count, 2);
	assert_int_equal(lm_note_check(&note, &log), 0);
	assert_int_equal(lm_host_check(&note, &is), 0);
	assert_int_equal(lm_host_check(&note, &not), -LM_E_WRONG_KEY);
	note.lines[1].signature[0] ^= 1;
	assert_int_equal(lm_host_check(&note, &is), -LM_E_DAMAGED);
	assert_int_equal(lm_note_check(&note, &log), 0);
}

/* The host's signature is one of the text: none of it can be had for another one. */
static void test_other_text(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_segment_key key = make_key(LM_HOST_SIGNED), back;
	struct lm_public_key is = public_of(&host);
	struct lm_note note;

	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), 0);
	assert_int_equal(lm_host_sign(&out, 0, &host), 0);
	out.data[8] ^= 1; /* of the log identity: a to c */
	assert_int_equal(lm_segment_key_parse(str(&out), &back, &note), 0);
	assert_int_equal(lm_host_check(&note, &is), -LM_E_DAMAGED);
}

static void test_only_notes(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;

	lm_buffer_append_text(&out, "anything\n");
	assert_int_equal(lm_host_sign(&out, 0, &host), -EINVAL);
	assert_int_equal(out.len, 9);
}

static void test_key_and_back(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_public_key key = public_of(&host), back;

	assert_int_equal(lm_host_key_encode(&key, &out), 0);
	assert_memory_equal(out.data, "lemona-host/", 12);
	lm_buffer_append_byte(&out, '\n');
	assert_int_equal(lm_host_key_parse(str(&out), &back), 0);
	assert_memory_equal(&back, &key, sizeof(back));
	/* Every bit of it matters, but those that the bytes of text do not have. */
	for (size_t i = 0; i < out.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			out.data[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(lm_host_key_parse(str(&out), &back), -LM_E_DAMAGED);
			out.data[i] ^= (uint8_t)(1 << bit);
		}
	for (uint32_t len = 0; len + 1 < out.len; len++)
		assert_int_equal(
			lm_host_key_parse((struct lm_str){ (char *)out.data, len }, &back),
			-LM_E_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_and_back),
		cmocka_unit_test(test_first_segment_only),
		cmocka_unit_test(test_refused_texts),
		cmocka_unit_test(test_two_signatures),
		cmocka_unit_test(test_other_text),
		cmocka_unit_test(test_only_notes),
		cmocka_unit_test(test_key_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
