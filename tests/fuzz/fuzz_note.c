/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lemona/base/error.h"
#include "lemona/crypto/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct lm_seed seed = { { 1 } };

/* There is one text for what was read: written again it is the same. */
static void expect_text(const struct lm_buffer *again, struct lm_str text)
{
	struct lm_note note;
	struct lm_str bytes = { (const char *)again->data, (uint32_t)again->len };

	if (lm_note_parse(bytes, &note) < 0 || !lm_str_equal(note.text, text))
		abort();
}

static void check_lines(const struct lm_note *note)
{
	struct lm_public_key key;

	/* Nobody has signed with this key here, unless the corpus says so. */
	if (lm_sign_public(&seed, &key) < 0)
		abort();
	lm_note_check(note, &key);
	lm_host_check(note, &key);
	for (uint32_t i = 0; i < note->count; i++)
		lm_note_check_name(note, note->lines[i].name, &key);
}

static void read_notes(struct lm_str bytes)
{
	LM_BUFFER struct lm_buffer again = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint;
	struct lm_segment_key key;
	struct lm_note note;

	if (lm_checkpoint_parse(bytes, &checkpoint, &note) == 0) {
		if (lm_checkpoint_sign(&checkpoint, &seed, &again) < 0)
			abort();
		expect_text(&again, note.text);
	} else if (lm_segment_key_parse(bytes, &key, &note) == 0) {
		if (lm_segment_key_sign(&key, &seed, &again) < 0)
			abort();
		expect_text(&again, note.text);
	}
	if (lm_note_parse(bytes, &note) == 0)
		check_lines(&note);
}

/* There is one way to write a key. */
static void expect_key(const struct lm_buffer *again, struct lm_str text)
{
	if (again->len < text.len - 1 || memcmp(again->data, text.data, again->len) != 0)
		abort();
}

/* A note of either kind, of anybody, or a verifier key of a log or a host. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	LM_BUFFER struct lm_buffer again = LM_BUFFER_INIT;
	struct lm_str bytes = { (const char *)data, (uint32_t)len };
	uint8_t log_id[LM_LOG_ID_BYTES];
	struct lm_public_key key;

	read_notes(bytes);
	if (lm_verifier_key_parse(bytes, log_id, &key) == 0) {
		if (lm_verifier_key_encode(log_id, &key, &again) < 0)
			abort();
		expect_key(&again, bytes);
	} else if (lm_host_key_parse(bytes, &key) == 0) {
		if (lm_host_key_encode(&key, &again) < 0)
			abort();
		expect_key(&again, bytes);
	}
	return 0;
}
