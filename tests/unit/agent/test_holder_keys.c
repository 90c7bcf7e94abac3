/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "holder_keys.h"
#include "lemona/base/error.h"
#include "lemona/crypto/host.h"

static const uint8_t log_id[LM_LOG_ID_BYTES] = { 0xab, 0xcd };
static const struct lm_seed first = { { 9 } };
static const struct lm_seed host = { { 8 } };
static const struct lm_seed none;

static struct lm_str str(const struct lm_buffer *buf)
{
	return (struct lm_str){ (const char *)buf->data, (uint32_t)buf->len };
}

static struct lm_checkpoint at(uint32_t segment, uint64_t size, enum lm_checkpoint_state state)
{
	return (struct lm_checkpoint){
		.segment = segment, .size = size, .root = { { (uint8_t)size } }, .state = state
	};
}

static int sign(struct holder_keys *keys, const struct lm_checkpoint *checkpoint)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	int r = holder_keys_checkpoint(keys, checkpoint, &out);

	assert_int_equal(r == 0, out.len > 0);
	return r;
}

static int sign_at(
	struct holder_keys *keys, uint32_t segment, uint64_t size, enum lm_checkpoint_state state)
{
	struct lm_checkpoint checkpoint = at(segment, size, state);

	return sign(keys, &checkpoint);
}

static int begin(struct holder_keys *keys, uint32_t segment)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	int r = holder_keys_segment(keys, segment, &out);

	assert_int_equal(r == 0, out.len > 0);
	return r;
}

/* Whoever knows the first key can check each note with the keys that those before it name. */
static void test_two_chains(void **state)
{
	struct holder_keys keys;
	struct lm_public_key segment_key, checkpoint_key;

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(lm_sign_public(&first, &segment_key), 0);
	for (uint32_t segment = 1; segment <= 3; segment++) {
		LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
		struct lm_segment_key key;
		struct lm_note note;

		assert_int_equal(holder_keys_segment(&keys, segment, &out), 0);
		assert_int_equal(lm_segment_key_parse(str(&out), &key, &note), 0);
		assert_int_equal(lm_note_check(&note, &segment_key), 0);
		assert_memory_equal(key.log_id, log_id, sizeof(log_id));
		assert_int_equal(key.segment, segment);
		segment_key = key.next_segment_key;
		checkpoint_key = key.checkpoint_key;
		for (uint64_t number = 1; number <= 4; number++) {
			struct lm_checkpoint got,
				asked = at(segment, 10 * segment + number,
					number < 4     ? LM_CHECKPOINT_OPEN
					: segment == 3 ? LM_CHECKPOINT_END
						       : LM_CHECKPOINT_SEGMENT_END);

			asked.boot_ns = 5;
			asked.wall_ns = 6;
			asked.number = 77; /* not the asker's to say */
			lm_buffer_reset(&out);
			assert_int_equal(holder_keys_checkpoint(&keys, &asked, &out), 0);
			assert_int_equal(lm_checkpoint_parse(str(&out), &got, &note), 0);
			assert_int_equal(lm_note_check(&note, &checkpoint_key), 0);
			assert_memory_equal(got.log_id, log_id, sizeof(log_id));
			assert_int_equal(got.number, number);
			assert_int_equal(got.size, asked.size);
			assert_memory_equal(&got.root, &asked.root, sizeof(got.root));
			assert_int_equal(got.state, asked.state);
			checkpoint_key = got.next_key;
		}
	}
}

/* The seed that has signed is in the structure no more, and follows from no other there. */
static void test_seeds_go(void **state)
{
	struct holder_keys keys;
	struct lm_seed used, next;

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(begin(&keys, 1), 0);
	assert_int_equal(lm_seed_next(&first, &next), 0);
	assert_memory_equal(&keys.segment_seed, &next, sizeof(next));
	used = keys.checkpoint_seed;
	assert_memory_not_equal(&used, &none, sizeof(used));
	assert_int_equal(sign_at(&keys, 1, 1, LM_CHECKPOINT_OPEN), 0);
	assert_int_equal(lm_seed_next(&used, &next), 0);
	assert_memory_equal(&keys.checkpoint_seed, &next, sizeof(next));
	assert_int_equal(sign_at(&keys, 1, 2, LM_CHECKPOINT_SEGMENT_END), 0);
	assert_memory_equal(&keys.checkpoint_seed, &none, sizeof(none));
	holder_keys_release(&keys);
	assert_memory_equal(&keys.segment_seed, &none, sizeof(none));
}

static void test_segments_follow(void **state)
{
	struct holder_keys keys;

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(begin(&keys, 0), -EINVAL);
	assert_int_equal(begin(&keys, 2), -EINVAL);
	assert_int_equal(sign_at(&keys, 0, 1, LM_CHECKPOINT_OPEN), -EINVAL);
	assert_int_equal(begin(&keys, 1), 0);
	assert_int_equal(begin(&keys, 1), -EINVAL);
	assert_int_equal(begin(&keys, 2), -EINVAL); /* not before the first has ended */
	assert_int_equal(sign_at(&keys, 2, 1, LM_CHECKPOINT_OPEN), -EINVAL);
	assert_int_equal(sign_at(&keys, 1, 1, LM_CHECKPOINT_SEGMENT_END), 0);
	assert_int_equal(sign_at(&keys, 1, 2, LM_CHECKPOINT_OPEN), -EINVAL);
	assert_int_equal(begin(&keys, 3), -EINVAL);
	assert_int_equal(begin(&keys, 1), -EINVAL);
	assert_int_equal(begin(&keys, 2), 0);
	assert_int_equal(sign_at(&keys, 1, 2, LM_CHECKPOINT_OPEN), -EINVAL);
	assert_int_equal(sign_at(&keys, 2, 2, LM_CHECKPOINT_END), 0);
	assert_int_equal(begin(&keys, 3), -EINVAL);
}

static void test_trees_only_grow(void **state)
{
	struct holder_keys keys, before;
	struct lm_checkpoint other = at(2, 8, LM_CHECKPOINT_OPEN);

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(begin(&keys, 1), 0);
	assert_int_equal(sign_at(&keys, 1, 8, LM_CHECKPOINT_OPEN), 0);
	assert_int_equal(sign_at(&keys, 1, 7, LM_CHECKPOINT_OPEN), -EINVAL);
	assert_int_equal(sign_at(&keys, 1, 8, LM_CHECKPOINT_SEGMENT_END), 0);
	/* Over segments too. */
	assert_int_equal(begin(&keys, 2), 0);
	assert_int_equal(sign_at(&keys, 2, 7, LM_CHECKPOINT_OPEN), -EINVAL);
	before = keys;
	other.root.bytes[31] = 1;
	assert_int_equal(sign(&keys, &other), -EINVAL);
	assert_memory_equal(&keys, &before, sizeof(keys));
	assert_int_equal(sign_at(&keys, 2, 8, LM_CHECKPOINT_OPEN), 0);
	assert_int_equal(sign_at(&keys, 2, 9, 0), -EINVAL);
	assert_int_equal(sign_at(&keys, 2, 9, LM_CHECKPOINT_END + 1), -EINVAL);
	assert_int_equal(sign_at(&keys, 2, 9, LM_CHECKPOINT_OPEN), 0);
}

/* What the key note of a segment says of the host; it must be one whose signatures all fit. */
static enum lm_host_state begin_with_host(struct holder_keys *keys, uint32_t segment)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_public_key is;
	struct lm_segment_key key;
	struct lm_note note;

	lm_buffer_append_text(&out, "before");
	assert_int_equal(holder_keys_segment(keys, segment, &out), 0);
	assert_int_equal(
		lm_segment_key_parse((struct lm_str){ (char *)out.data + 6, (uint32_t)out.len - 6 },
			&key, &note),
		0);
	assert_int_equal(note.count, key.host == LM_HOST_SIGNED ? 2 : 1);
	if (key.host == LM_HOST_SIGNED) {
		assert_int_equal(lm_sign_public(&host, &is), 0);
		assert_memory_equal(&key.host_key, &is, sizeof(is));
		assert_int_equal(lm_host_check(&note, &is), 0);
	}
	return key.host;
}

static void test_host_signs_once(void **state)
{
	struct holder_keys keys;

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(holder_keys_host(&keys, LM_HOST_SIGNED, &host), 0);
	assert_memory_equal(&keys.host_seed, &host, sizeof(host));
	assert_int_equal(begin_with_host(&keys, 1), LM_HOST_SIGNED);
	assert_memory_equal(&keys.host_seed, &none, sizeof(none));
	assert_int_equal(holder_keys_host(&keys, LM_HOST_SIGNED, &host), -EINVAL);
	assert_memory_equal(&keys.host_seed, &none, sizeof(none));
	assert_int_equal(sign_at(&keys, 1, 1, LM_CHECKPOINT_SEGMENT_END), 0);
	assert_int_equal(begin_with_host(&keys, 2), LM_HOST_NONE);
	holder_keys_release(&keys);
}

static void test_host_that_does_not_sign(void **state)
{
	struct holder_keys keys;

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(begin_with_host(&keys, 1), LM_HOST_NONE);

	/* What was said last counts, and leaves no seed behind. */
	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(holder_keys_host(&keys, LM_HOST_SIGNED, &host), 0);
	assert_int_equal(holder_keys_host(&keys, LM_HOST_LOCKED, &host), 0);
	assert_memory_equal(&keys.host_seed, &none, sizeof(none));
	assert_int_equal(holder_keys_host(&keys, LM_HOST_NONE, NULL), -EINVAL);
	assert_int_equal(holder_keys_host(&keys, LM_HOST_FAILED + 1, NULL), -EINVAL);
	assert_int_equal(begin_with_host(&keys, 1), LM_HOST_LOCKED);

	holder_keys_init(&keys, log_id, &first);
	assert_int_equal(holder_keys_host(&keys, LM_HOST_SIGNED, &host), 0);
	holder_keys_release(&keys);
	assert_memory_equal(&keys.host_seed, &none, sizeof(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_chains),
		cmocka_unit_test(test_seeds_go),
		cmocka_unit_test(test_segments_follow),
		cmocka_unit_test(test_trees_only_grow),
		cmocka_unit_test(test_host_signs_once),
		cmocka_unit_test(test_host_that_does_not_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
