/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/base/base64.h"
#include "lemona/base/error.h"
#include "lemona/crypto/note.h"

#define NAME   "lemona/000102030405060708090a0b0c0d0e0f"
#define ZERO32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SIGNED "\n\xe2\x80\x94 " NAME " " SIGNATURE "\n"
#define SIGNATURE                                                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                                       \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

#define CHECKPOINT NAME "\n12\n" ZERO32 "\nsegment 3\nnumber 4\nboot 5\ntime 6\n"
#define OPEN       CHECKPOINT "state open\nnext-key " ZERO32 "\n"
#define KEY_NOTE   NAME "\nkey\nsegment 3\nnext-segment-key " ZERO32 "\ncheckpoint-key " ZERO32 "\n"

static struct lm_str str(const struct lm_buffer *buf)
{
	return (struct lm_str){ (const char *)buf->data, (uint32_t)buf->len };
}

static const struct lm_seed seed = { { 7 } };

static struct lm_checkpoint make_checkpoint(enum lm_checkpoint_state state)
{
	struct lm_checkpoint checkpoint = { .size = UINT64_MAX,
		.segment = UINT32_MAX,
		.number = 1,
		.boot_ns = 0,
		.wall_ns = 1792000000123456789,
		.state = state };

	for (uint8_t i = 0; i < 32; i++) {
		checkpoint.log_id[i % 16] = i;
		checkpoint.root.bytes[i] = (uint8_t)(255 - i);
		if (state == LM_CHECKPOINT_OPEN)
			checkpoint.next_key.bytes[i] = (uint8_t)(3 * i);
	}
	return checkpoint;
}

static void test_checkpoint_and_back(void **state)
{
	struct lm_public_key key;

	assert_int_equal(lm_sign_public(&seed, &key), 0);
	for (enum lm_checkpoint_state i = LM_CHECKPOINT_OPEN; i <= LM_CHECKPOINT_END; i++) {
		LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
		struct lm_checkpoint checkpoint = make_checkpoint(i), back;
		struct lm_note note;

		assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), 0);
		assert_true(out.len <= LM_NOTE_MAX_BYTES);
		assert_int_equal(lm_checkpoint_parse(str(&out), &back, &note), 0);
		assert_memory_equal(&back, &checkpoint, sizeof(back));
		assert_int_equal(note.count, 1);
		assert_int_equal(lm_note_check(&note, &key), 0);
	}
}

static void test_segment_key_and_back(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_segment_key segment_key = { .log_id = { 0xab },
		.segment = 1,
		.next_segment_key = { { 1 } },
		.checkpoint_key = { { 2 } } },
			      back;
	struct lm_public_key key;
	struct lm_note note;

	assert_int_equal(lm_sign_public(&seed, &key), 0);
	assert_int_equal(lm_segment_key_sign(&segment_key, &seed, &out), 0);
	assert_int_equal(lm_segment_key_parse(str(&out), &back, &note), 0);
	assert_memory_equal(&back, &segment_key, sizeof(back));
	assert_int_equal(lm_note_check(&note, &key), 0);
}

/* Notes are appended; what was in front of them is not signed. */
static void test_appended(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT, alone = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint = make_checkpoint(LM_CHECKPOINT_END);

	lm_buffer_append_text(&out, "before");
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), 0);
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &alone), 0);
	assert_int_equal(out.len, alone.len + 6);
	assert_memory_equal(out.data + 6, alone.data, alone.len);
}

static void test_not_signed(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_segment_key key = { .segment = 0 };
	struct lm_checkpoint checkpoint = make_checkpoint(LM_CHECKPOINT_OPEN);

	checkpoint.segment = 0;
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), -EINVAL);
	checkpoint = make_checkpoint(LM_CHECKPOINT_OPEN);
	checkpoint.number = 0;
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), -EINVAL);
	checkpoint = make_checkpoint(LM_CHECKPOINT_END + 1);
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), -EINVAL);
	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), -EINVAL);
	assert_int_equal(out.len, 0);
}

/* Every bit of a note: its shape breaks, or its signature, or its key is another. */
static void check_flips(struct lm_buffer *out, bool is_checkpoint)
{
	struct lm_public_key key;

	assert_int_equal(lm_sign_public(&seed, &key), 0);
	for (size_t bit = 0; bit < 8 * out->len; bit++) {
		struct lm_segment_key segment_key;
		struct lm_checkpoint checkpoint;
		struct lm_note note;
		int r;

		out->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		r = is_checkpoint ? lm_checkpoint_parse(str(out), &checkpoint, &note)
				  : lm_segment_key_parse(str(out), &segment_key, &note);
		if (r == 0)
			r = lm_note_check(&note, &key);
		assert_true(r == -LM_E_DAMAGED || r == -LM_E_WRONG_KEY);
		out->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_every_bit(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint = make_checkpoint(LM_CHECKPOINT_OPEN);
	struct lm_segment_key key = { .segment = 1 };

	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), 0);
	check_flips(&out, true);
	lm_buffer_reset(&out);
	assert_int_equal(lm_segment_key_sign(&key, &seed, &out), 0);
	check_flips(&out, false);
}

static void test_cut_anywhere(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint = make_checkpoint(LM_CHECKPOINT_OPEN), back;
	struct lm_note note;

	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), 0);
	for (uint32_t len = 0; len < out.len; len++)
		assert_int_equal(
			lm_checkpoint_parse((struct lm_str){ (char *)out.data, len }, &back, &note),
			-LM_E_DAMAGED);
	lm_buffer_append_byte(&out, '\n');
	assert_int_equal(lm_checkpoint_parse(str(&out), &back, &note), -LM_E_DAMAGED);
}

static const char *const bad_checkpoints[] = {
	CHECKPOINT "state open\n",
	CHECKPOINT "state end\nnext-key " ZERO32 "\n",
	CHECKPOINT "state ended\n",
	CHECKPOINT "state end\nmore\n",
	CHECKPOINT "state end\nstate end\n",
	CHECKPOINT " state end\n",
	CHECKPOINT "state end\r\n",
	CHECKPOINT "state  end\n",
	NAME "\n012\n" ZERO32 "\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "\n+12\n" ZERO32 "\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "\n\n" ZERO32 "\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "\n18446744073709551616\n" ZERO32 "\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "\n12\n" ZERO32 "\nsegment 4294967296\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "\n12\n" ZERO32 "\nsegment 0\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "\n12\n" ZERO32 "\nsegment 3\nnumber 0\nboot 5\ntime 6\nstate end\n",
	NAME "\n12\n" ZERO32 "\nnumber 4\nsegment 3\nboot 5\ntime 6\nstate end\n",
	NAME "\n12\n" ZERO32 "\nsegment 3\nnumber 4\ntime 6\nboot 5\nstate end\n",
	NAME "\n12\nAAAA\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	NAME "0\n12\n" ZERO32 "\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	"lemona/000102030405060708090A0B0C0D0E0F\n12\n" ZERO32
	"\nsegment 3\nnumber 4\nboot 5\ntime 6\nstate end\n",
	"example.com/x\n12\n" ZERO32 "\n",
	KEY_NOTE,
	"",
};

static const char *const bad_keys[] = {
	NAME "\nkey \nsegment 3\nnext-segment-key " ZERO32 "\ncheckpoint-key " ZERO32 "\n",
	NAME "\nkey\nsegment 0\nnext-segment-key " ZERO32 "\ncheckpoint-key " ZERO32 "\n",
	NAME "\nkey\nsegment 3\ncheckpoint-key " ZERO32 "\nnext-segment-key " ZERO32 "\n",
	NAME "\nkey\nsegment 3\nnext-segment-key " ZERO32 "\n",
	KEY_NOTE "more\n",
	OPEN,
};

static void append_signed(struct lm_buffer *out, const char *text)
{
	lm_buffer_reset(out);
	lm_buffer_append_text(out, text);
	lm_buffer_append_text(out, SIGNED);
}

static void test_bad_shapes(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_segment_key key;
	struct lm_checkpoint checkpoint;
	struct lm_note note;

	append_signed(&out, OPEN);
	assert_int_equal(lm_checkpoint_parse(str(&out), &checkpoint, &note), 0);
	append_signed(&out, CHECKPOINT "state segment-end\n");
	assert_int_equal(lm_checkpoint_parse(str(&out), &checkpoint, &note), 0);
	for (size_t i = 0; i < LM_ARRAY_SIZE(bad_checkpoints); i++) {
		append_signed(&out, bad_checkpoints[i]);
		assert_int_equal(lm_checkpoint_parse(str(&out), &checkpoint, &note), -LM_E_DAMAGED);
	}
	append_signed(&out, KEY_NOTE);
	assert_int_equal(lm_segment_key_parse(str(&out), &key, &note), 0);
	for (size_t i = 0; i < LM_ARRAY_SIZE(bad_keys); i++) {
		append_signed(&out, bad_keys[i]);
		assert_int_equal(lm_segment_key_parse(str(&out), &key, &note), -LM_E_DAMAGED);
	}
}

/* An example of golang.org/x/mod/sumdb/note, which others test against too. */
#define PROBLEM                                                                                    \
	"If you think cryptography is the answer to your problem,\n"                               \
	"then you don't know what your problem is.\n\n\xe2\x80\x94 PeterNeumann "                  \
	"x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn"                                             \
	"NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"

static void test_note_of_others(void **state)
{
	uint8_t bytes[33];
	struct lm_public_key key;
	struct lm_note note;
	size_t len = 0;

	assert_int_equal(lm_base64_decode(LM_STR("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
				 bytes, sizeof(bytes), &len),
		0);
	memcpy(key.bytes, bytes + 1, sizeof(key.bytes));
	assert_int_equal(lm_note_parse(LM_STR(PROBLEM), &note), 0);
	assert_int_equal(note.lines[0].key_id, 0xc74f20a3);
	assert_int_equal(lm_note_check_name(&note, LM_STR("PeterNeumann"), &key), 0);
	assert_int_equal(lm_note_check_name(&note, LM_STR("PeterNewmann"), &key), -LM_E_WRONG_KEY);
	assert_int_equal(lm_note_check(&note, &key), -LM_E_WRONG_KEY);
	/* Its text may have empty lines: the last one parts it from the signatures. */
	assert_int_equal(lm_note_parse(LM_STR("a\n\nb\n\n\xe2\x80\x94 x AAAAAAA=\n"), &note), 0);
	assert_int_equal(note.text.len, 5);
	assert_int_equal(note.lines[0].signature_bytes, 1);
}

/* The example of docs/formats/checkpoint.md. */
#define PAGE_KEY NAME "+d7f68f7a+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
#define PAGE_KEY_NOTE                                                                              \
	NAME "\n"                                                                                  \
	     "key\n"                                                                               \
	     "segment 1\n"                                                                         \
	     "next-segment-key K1u8M1+jYo4V8hyWiQxpxZ42czskIWEspl2ZfJDEx04=\n"                     \
	     "checkpoint-key Kay64UG8yvCyLhqU000LxzYeUm0L/hLIl5S8kyKWbdc=\n"                       \
	     "\n"                                                                                  \
	     "\xe2\x80\x94 " NAME " "                                                              \
	     "1/"                                                                                  \
	     "aPeq8X2vRcuww36BC41DHua5Oicjgk8hk4ujtnsnp9hi8Gl0GuNS3RboHNTSmsl4E63SWOJQ2vD+"        \
	     "j7AXHs4Y6Onw8=\n"
#define PAGE_CHECKPOINT                                                                            \
	NAME "\n"                                                                                  \
	     "3\n"                                                                                 \
	     "Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n"                                      \
	     "segment 1\n"                                                                         \
	     "number 1\n"                                                                          \
	     "boot 81000000000\n"                                                                  \
	     "time 1800000000000000000\n"                                                          \
	     "state open\n"                                                                        \
	     "next-key disdnh0pRZsWA0tWXUIvcOS3EVuqFzvKg+QkOdwQsD0=\n"                             \
	     "\n"                                                                                  \
	     "\xe2\x80\x94 " NAME " "                                                              \
	     "8TbptGxsLSesHCoBXmRE+NlIiG/Z/nigHZrcqohyL60oeQcm3bNboTo9f0f4JyNIOgLurl9zE/"          \
	     "MvaeCvoBI/ZmXlRQE=\n"

static struct lm_seed seed_from(uint8_t begin)
{
	struct lm_seed s;

	for (size_t i = 0; i < sizeof(s.bytes); i++)
		s.bytes[i] = (uint8_t)(begin + i);
	return s;
}

static void expect_text(const struct lm_buffer *got, const char *want)
{
	assert_int_equal(got->len, strlen(want));
	assert_memory_equal(got->data, want, got->len);
}

static void test_page(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	const struct lm_seed first = seed_from(0), checkpoint_seed = seed_from(32);
	struct lm_segment_key segment_key = { .segment = 1 };
	struct lm_checkpoint checkpoint = { .size = 3,
		.segment = 1,
		.number = 1,
		.boot_ns = 81000000000,
		.wall_ns = 1800000000000000000,
		.state = LM_CHECKPOINT_OPEN };
	struct lm_public_key key;
	struct lm_seed next;
	struct lm_note note;
	size_t len;

	assert_int_equal(lm_sign_public(&first, &key), 0);
	memcpy(segment_key.log_id, seed_from(0).bytes, sizeof(segment_key.log_id));
	assert_int_equal(lm_verifier_key_encode(segment_key.log_id, &key, &out), 0);
	expect_text(&out, PAGE_KEY);

	assert_int_equal(lm_seed_next(&first, &next), 0);
	assert_int_equal(lm_sign_public(&next, &segment_key.next_segment_key), 0);
	assert_int_equal(lm_sign_public(&checkpoint_seed, &segment_key.checkpoint_key), 0);
	lm_buffer_reset(&out);
	assert_int_equal(lm_segment_key_sign(&segment_key, &first, &out), 0);
	expect_text(&out, PAGE_KEY_NOTE);

	memcpy(checkpoint.log_id, segment_key.log_id, sizeof(checkpoint.log_id));
	assert_int_equal(lm_base64_decode(LM_STR("Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk="),
				 checkpoint.root.bytes, sizeof(checkpoint.root.bytes), &len),
		0);
	assert_int_equal(lm_seed_next(&checkpoint_seed, &next), 0);
	assert_int_equal(lm_sign_public(&next, &checkpoint.next_key), 0);
	lm_buffer_reset(&out);
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &checkpoint_seed, &out), 0);
	expect_text(&out, PAGE_CHECKPOINT);
	assert_int_equal(lm_checkpoint_parse(str(&out), &checkpoint, &note), 0);
}

static void append_witness(struct lm_buffer *out, const char *name)
{
	lm_buffer_printf(out, "\xe2\x80\x94 %s %s\n", name, "AAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

static void test_witnesses(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint = make_checkpoint(LM_CHECKPOINT_END), back;
	struct lm_public_key key;
	struct lm_note note;

	assert_int_equal(lm_sign_public(&seed, &key), 0);
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), 0);
	for (uint32_t i = 2; i <= LM_NOTE_LINES; i++) {
		append_witness(&out, "witness.example/\xc3\xa9");
		assert_int_equal(lm_checkpoint_parse(str(&out), &back, &note), 0);
		assert_int_equal(note.count, i);
		assert_int_equal(note.lines[i - 1].signature_bytes, 20);
		assert_int_equal(lm_note_check(&note, &key), 0);
	}
	append_witness(&out, "one.more");
	assert_int_equal(lm_checkpoint_parse(str(&out), &back, &note), -LM_E_DAMAGED);
}

/* The key's own second line that does not fit spoils the note; another name's does not. */
static void test_two_lines_of_a_key(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT, copy = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint = make_checkpoint(LM_CHECKPOINT_END), back;
	struct lm_public_key key;
	struct lm_note note;
	uint32_t line;

	assert_int_equal(lm_sign_public(&seed, &key), 0);
	assert_int_equal(lm_checkpoint_sign(&checkpoint, &seed, &out), 0);
	assert_int_equal(lm_checkpoint_parse(str(&out), &back, &note), 0);
	line = note.text.len + 1;
	lm_buffer_append(&copy, out.data, out.len);
	lm_buffer_append(&copy, out.data + line, out.len - line);
	assert_int_equal(lm_checkpoint_parse(str(&copy), &back, &note), 0);
	assert_int_equal(note.count, 2);
	assert_int_equal(lm_note_check(&note, &key), 0);
	note.lines[1].signature[0] ^= 1;
	assert_int_equal(lm_note_check(&note, &key), -LM_E_DAMAGED);
	note.lines[1].signature[0] ^= 1;
	note.lines[1].signature_bytes = 65;
	assert_int_equal(lm_note_check(&note, &key), -LM_E_DAMAGED);
	note.lines[1].name = LM_STR("x");
	assert_int_equal(lm_note_check(&note, &key), 0);
}

static const char *const bad_notes[] = {
	"text\n",
	"text\n\n",
	"\n\xe2\x80\x94 x AAAAAAA=\n",
	"text\n\xe2\x80\x94 x AAAAAAA=\n",
	"text\n\n\xe2\x80\x94 x AAAAAAA=",
	"text\n\n\xe2\x80\x94 x AAAA\n",
	"text\n\n\xe2\x80\x94 x AAAAAA==\n",
	"text\n\n\xe2\x80\x94 x AAAAAAB=\n",
	"text\n\n\xe2\x80\x94 x\n",
	"text\n\n\xe2\x80\x94  AAAAAAA=\n",
	"text\n\n\xe2\x80\x94 x+y AAAAAAA=\n",
	"text\n\n\xe2\x80\x94 x\xc2\xa0y AAAAAAA=\n",
	"text\n\n\xe2\x80\x94 x\xe3\x80\x80y AAAAAAA=\n",
	"text\n\n\xe2\x80\x94 x  AAAAAAA=\n",
	"text\n\n\xe2\x80\x94x AAAAAAA=\n",
	"text\n\n\xe2\x80\x93 x AAAAAAA=\n",
	"te\txt\n\n\xe2\x80\x94 x AAAAAAA=\n",
	"te\xffxt\n\n\xe2\x80\x94 x AAAAAAA=\n",
	"text\n\n\xe2\x80\x94 x AAAAAAA=\nmore\n",
};

static void test_bad_notes(void **state)
{
	LM_BUFFER struct lm_buffer big = LM_BUFFER_INIT;
	struct lm_note note;

	assert_int_equal(lm_note_parse(LM_STR("text\n\n\xe2\x80\x94 x AAAAAAA=\n"), &note), 0);
	for (size_t i = 0; i < LM_ARRAY_SIZE(bad_notes); i++)
		assert_int_equal(lm_note_parse(lm_str_from(bad_notes[i]), &note), -LM_E_DAMAGED);
	while (big.len <= LM_NOTE_OUTSIDE_MAX_BYTES)
		lm_buffer_append_text(&big, "much text\n");
	lm_buffer_append_text(&big, "\n\xe2\x80\x94 x AAAAAAA=\n");
	assert_int_equal(lm_note_parse(str(&big), &note), -LM_E_DAMAGED);
	assert_int_equal(lm_note_parse(LM_STR_NONE, &note), -LM_E_DAMAGED);
}

static void test_verifier_key(void **state)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	uint8_t log_id[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 }, id[16];
	struct lm_public_key key, back;

	assert_int_equal(lm_sign_public(&seed, &key), 0);
	assert_int_equal(lm_verifier_key_encode(log_id, &key, &out), 0);
	assert_memory_equal(out.data, NAME "+", sizeof(NAME));
	assert_int_equal(lm_verifier_key_parse(str(&out), id, &back), 0);
	assert_memory_equal(id, log_id, sizeof(id));
	assert_memory_equal(&back, &key, sizeof(key));
	for (size_t bit = 0; bit < 8 * out.len; bit++) {
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(lm_verifier_key_parse(str(&out), id, &back), -LM_E_DAMAGED);
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	lm_buffer_append_byte(&out, '\n');
	assert_int_equal(lm_verifier_key_parse(str(&out), id, &back), 0);
	lm_buffer_append_byte(&out, '\n');
	assert_int_equal(lm_verifier_key_parse(str(&out), id, &back), -LM_E_DAMAGED);
	for (uint32_t len = 0; len < out.len - 2; len++)
		assert_int_equal(
			lm_verifier_key_parse((struct lm_str){ (char *)out.data, len }, id, &back),
			-LM_E_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checkpoint_and_back),
		cmocka_unit_test(test_segment_key_and_back),
		cmocka_unit_test(test_appended),
		cmocka_unit_test(test_not_signed),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_bad_shapes),
		cmocka_unit_test(test_note_of_others),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_witnesses),
		cmocka_unit_test(test_two_lines_of_a_key),
		cmocka_unit_test(test_bad_notes),
		cmocka_unit_test(test_verifier_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
