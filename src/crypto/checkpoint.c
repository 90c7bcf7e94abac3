/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "lemona/base/base64.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/crypto/host.h"
#include "note_key.h"

/* The two notes of a log. Each is written and read line by line, in one order. */

static const char *const states[] = {
	[LM_CHECKPOINT_OPEN] = "open",
	[LM_CHECKPOINT_SEGMENT_END] = "segment-end",
	[LM_CHECKPOINT_END] = "end",
};

static void append_key(struct lm_buffer *out, const char *word, const struct lm_public_key *key)
{
	lm_buffer_append_text(out, word);
	lm_buffer_append_base64(out, key->bytes, sizeof(key->bytes));
	lm_buffer_append_byte(out, '\n');
}

/* Sign the text that begins at `start`; leave the buffer as it was if that fails. */
static int finish_note(
	struct lm_buffer *out, size_t start, struct lm_str name, const struct lm_seed *signer)
{
	int r = lm_note_append_signature(out, start, name, signer);

	if (r < 0)
		out->len = start;
	return r;
}

int lm_checkpoint_sign(
	const struct lm_checkpoint *checkpoint, const struct lm_seed *signer, struct lm_buffer *out)
{
	char name_bytes[LM_LOG_NAME_BYTES];
	struct lm_str name = { name_bytes, sizeof(name_bytes) };
	size_t start = out->len;

	if (checkpoint->segment == 0 || checkpoint->number == 0 ||
		checkpoint->state < LM_CHECKPOINT_OPEN || checkpoint->state > LM_CHECKPOINT_END)
		return -EINVAL;
	lm_log_name(checkpoint->log_id, name_bytes);
	lm_buffer_append_str(out, name);
	lm_buffer_printf(out, "\n%" PRIu64 "\n", checkpoint->size);
	lm_buffer_append_base64(out, checkpoint->root.bytes, sizeof(checkpoint->root.bytes));
	lm_buffer_printf(out,
		"\nsegment %" PRIu32 "\nnumber %" PRIu64 "\nboot %" PRIu64 "\ntime %" PRIu64
		"\nstate %s\n",
		checkpoint->segment, checkpoint->number, checkpoint->boot_ns, checkpoint->wall_ns,
		states[checkpoint->state]);
	if (checkpoint->state == LM_CHECKPOINT_OPEN)
		append_key(out, "next-key ", &checkpoint->next_key);
	return finish_note(out, start, name, signer);
}

int lm_segment_key_sign(
	const struct lm_segment_key *key, const struct lm_seed *signer, struct lm_buffer *out)
{
	char name_bytes[LM_LOG_NAME_BYTES];
	struct lm_str name = { name_bytes, sizeof(name_bytes) };
	size_t start = out->len;

	if (key->segment == 0 || (key->host != LM_HOST_NONE && key->segment != 1) ||
		(key->host > LM_HOST_SIGNED && !lm_host_reason(key->host)))
		return -EINVAL;
	lm_log_name(key->log_id, name_bytes);
	lm_buffer_append_str(out, name);
	lm_buffer_printf(out, "\nkey\nsegment %" PRIu32 "\n", key->segment);
	append_key(out, "next-segment-key ", &key->next_segment_key);
	append_key(out, "checkpoint-key ", &key->checkpoint_key);
	if (key->host == LM_HOST_SIGNED)
		append_key(out, "host-key ", &key->host_key);
	else if (key->host != LM_HOST_NONE)
		lm_buffer_printf(out, "no-host-key %s\n", lm_host_reason(key->host));
	return finish_note(out, start, name, signer);
}

/* What of the text was not read yet. Once something was wrong, everything is. */
struct lines {
	struct lm_str left;
	bool bad;
};

/* What stands behind the word on the next line. */
static struct lm_str take_line(struct lines *lines, const char *word)
{
	struct lm_str prefix = lm_str_from(word);
	struct lm_str line = lines->left;
	const char *end = line.len > 0 ? memchr(line.data, '\n', line.len) : NULL;

	if (end)
		line.len = (uint32_t)(end - line.data);
	if (lines->bad || !end || line.len < prefix.len ||
		memcmp(line.data, prefix.data, prefix.len) != 0) {
		lines->bad = true;
		return LM_STR_NONE;
	}
	lines->left.data += line.len + 1;
	lines->left.len -= line.len + 1;
	return (struct lm_str){ line.data + prefix.len, line.len - prefix.len };
}

/* A decimal number of at most `max`, without leading zeros. */
static uint64_t take_number(struct lines *lines, const char *word, uint64_t max)
{
	struct lm_str s = take_line(lines, word);
	uint64_t value = 0;

	if (s.len == 0 || (s.data[0] == '0' && s.len > 1))
		lines->bad = true;
	for (uint32_t i = 0; i < s.len && !lines->bad; i++)
		if (s.data[i] < '0' || s.data[i] > '9' ||
			__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
			lines->bad = true;
	if (value > max)
		lines->bad = true;
	return lines->bad ? 0 : value;
}

/* The 32 bytes of a key or a hash. */
static void take_bytes(struct lines *lines, const char *word, uint8_t ret[LM_SHA256_BYTES])
{
	struct lm_str s = take_line(lines, word);
	size_t len = 0;

	if (lm_base64_decode(s, ret, LM_SHA256_BYTES, &len) < 0 || len != LM_SHA256_BYTES)
		lines->bad = true;
}

static enum lm_checkpoint_state take_state(struct lines *lines)
{
	struct lm_str s = take_line(lines, "state ");

	for (enum lm_checkpoint_state i = LM_CHECKPOINT_OPEN; i <= LM_CHECKPOINT_END; i++)
		if (lm_str_equal(s, lm_str_from(states[i])))
			return i;
	lines->bad = true;
	return LM_CHECKPOINT_OPEN;
}

/* Is that the word that the next line begins with? */
static bool comes_next(const struct lines *lines, const char *word)
{
	size_t len = strlen(word);

	return lines->left.len >= len && memcmp(lines->left.data, word, len) == 0;
}

/* What the first key note says of the host, if anything. */
static void take_host(struct lines *lines, struct lm_segment_key *key)
{
	struct lm_str reason;

	if (lines->bad || lines->left.len == 0 || key->segment != 1)
		return;
	if (comes_next(lines, "host-key ")) {
		take_bytes(lines, "host-key ", key->host_key.bytes);
		key->host = LM_HOST_SIGNED;
		return;
	}
	reason = take_line(lines, "no-host-key ");
	for (enum lm_host_state i = LM_HOST_MISSING; i <= LM_HOST_FAILED; i++)
		if (lm_str_equal(reason, lm_str_from(lm_host_reason(i))))
			key->host = i;
	if (key->host == LM_HOST_NONE)
		lines->bad = true;
}

/* Common beginning: takes the note apart and reads the first line. */
static int begin_note(struct lm_str bytes, struct lm_note *ret_note, struct lines *ret_lines,
	uint8_t ret_log_id[LM_LOG_ID_BYTES])
{
	int r = lm_note_parse(bytes, ret_note);

	if (r < 0)
		return r;
	*ret_lines = (struct lines){ .left = ret_note->text };
	return lm_log_name_parse(take_line(ret_lines, ""), ret_log_id);
}

int lm_checkpoint_parse(
	struct lm_str bytes, struct lm_checkpoint *ret_checkpoint, struct lm_note *ret_note)
{
	struct lm_checkpoint checkpoint = { .size = 0 };
	struct lm_note note;
	struct lines lines;

	if (begin_note(bytes, &note, &lines, checkpoint.log_id) < 0)
		return -LM_E_DAMAGED;
	checkpoint.size = take_number(&lines, "", UINT64_MAX);
	take_bytes(&lines, "", checkpoint.root.bytes);
	checkpoint.segment = (uint32_t)take_number(&lines, "segment ", UINT32_MAX);
	checkpoint.number = take_number(&lines, "number ", UINT64_MAX);
	checkpoint.boot_ns = take_number(&lines, "boot ", UINT64_MAX);
	checkpoint.wall_ns = take_number(&lines, "time ", UINT64_MAX);
	checkpoint.state = take_state(&lines);
	if (checkpoint.state == LM_CHECKPOINT_OPEN)
		take_bytes(&lines, "next-key ", checkpoint.next_key.bytes);
	if (lines.bad || lines.left.len > 0 || checkpoint.segment == 0 || checkpoint.number == 0)
		return -LM_E_DAMAGED;
	*ret_checkpoint = checkpoint;
	*ret_note = note;
	return 0;
}

int lm_segment_key_parse(
	struct lm_str bytes, struct lm_segment_key *ret_key, struct lm_note *ret_note)
{
	struct lm_segment_key key = { .segment = 0 };
	struct lm_note note;
	struct lines lines;

	if (begin_note(bytes, &note, &lines, key.log_id) < 0 || take_line(&lines, "key").len > 0)
		return -LM_E_DAMAGED;
	key.segment = (uint32_t)take_number(&lines, "segment ", UINT32_MAX);
	take_bytes(&lines, "next-segment-key ", key.next_segment_key.bytes);
	take_bytes(&lines, "checkpoint-key ", key.checkpoint_key.bytes);
	take_host(&lines, &key);
	if (lines.bad || lines.left.len > 0 || key.segment == 0)
		return -LM_E_DAMAGED;
	*ret_key = key;
	*ret_note = note;
	return 0;
}
