/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/event/codec.h"

/* That all comes back is tested through a whole log (tests/unit/log). Here: the edges. */

static int open_batch(void **state)
{
	struct lm_batch *batch = NULL;

	if (lm_batch_new(&batch) < 0)
		return -1;
	*state = batch;
	return 0;
}

static int close_batch(void **state)
{
	lm_batch_free(*state);
	return 0;
}

static struct lm_batch_reader *read_batch(const struct lm_buffer *payload)
{
	struct lm_batch_reader *reader = NULL;

	assert_int_equal(lm_batch_reader_new(payload->data, payload->len, 0, 1, &reader), 0);
	return reader;
}

static void test_an_empty_batch(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	struct lm_batch_reader *reader;
	struct lm_item item;

	assert_true(lm_batch_is_empty(batch));
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	reader = read_batch(&payload);
	assert_int_equal(lm_batch_reader_next(reader, &item), 0);
	lm_batch_reader_free(reader);
}

static void test_extremes(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	const struct lm_event extremes[] = {
		{ .op = LM_OP_READ, .end_ns = 0, .result = INT64_MIN },
		{ .op = LM_OP_READ, .end_ns = 0, .result = INT64_MAX, .arg = UINT64_MAX },
		{ .op = LM_OP_MAX, .end_ns = UINT64_MAX, .actor = UINT32_MAX, .tid = UINT32_MAX,
			.flags = UINT16_MAX & ~LM_EVENT_CONTENT, .call = UINT16_MAX,
			.cpu = UINT16_MAX, .result = -1,
			.object = UINT32_MAX, .object2 = 1, .name = UINT32_MAX, .name2 = 1 },
	};
	struct lm_batch_reader *reader;
	struct lm_item item;

	for (size_t i = 0; i < LM_ARRAY_SIZE(extremes); i++)
		assert_int_equal(lm_batch_add_event(batch, &extremes[i]), 0);
	assert_int_equal(lm_batch_encode(batch, UINT64_MAX / 2, &payload, &parts), 0);
	assert_int_equal(lm_batch_reader_new(payload.data, payload.len, UINT64_MAX / 2, 7, &reader),
		0);
	for (size_t i = 0; i < LM_ARRAY_SIZE(extremes); i++) {
		struct lm_event want = extremes[i];

		want.id = 7 + i;
		assert_int_equal(lm_batch_reader_next(reader, &item), 1);
		assert_memory_equal(&item.event, &want, sizeof(want));
	}
	assert_int_equal(lm_batch_reader_next(reader, &item), 0);
	lm_batch_reader_free(reader);
}

static void test_what_a_reader_would_refuse(void **state)
{
	struct lm_batch *batch = *state;
	static char text[LM_NAME_MAX_BYTES + 1];
	struct lm_object object = { .id = 1, .kind = LM_OBJECT_KIND_NAME,
		.name = { .component = { text, sizeof(text) } } };
	struct lm_event event = { .op = LM_OP_MAX + 1 };

	assert_int_equal(lm_batch_add_object(batch, &object), -EMSGSIZE);
	object.name.component.len--;
	object.id = LM_OBJECT_NONE;
	assert_int_equal(lm_batch_add_object(batch, &object), -EINVAL);
	object.id = 1;
	object.kind = LM_OBJECT_KIND_MAX + 1;
	assert_int_equal(lm_batch_add_object(batch, &object), -EINVAL);
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	event.op = LM_OP_CALL; /* without arguments */
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	event = (struct lm_event){ .op = LM_OP_READ, .args = (const uint64_t[LM_EVENT_ARGS]){ 1 } };
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	event = (struct lm_event){ .op = LM_OP_READ, .flags = LM_EVENT_CONTENT };
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	event.content = &(struct lm_event_content){ .bytes = (const uint8_t *)"", .len = 0 };
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	event.content = &(struct lm_event_content){ .bytes = (const uint8_t *)text,
		.len = LM_CONTENT_MAX_BYTES + 1 };
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	event.flags = 0;
	assert_int_equal(lm_batch_add_event(batch, &event), -EINVAL);
	assert_true(lm_batch_is_empty(batch));
	object.kind = LM_OBJECT_KIND_NAME;
	assert_int_equal(lm_batch_add_object(batch, &object), 0);
}

#define CALLS 3000

/* Calls that repeat, with arguments that repeat in part, cost next to nothing. */
static void test_arguments_of_calls(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	struct lm_batch_reader *reader;
	struct lm_item item;

	for (uint64_t i = 0; i < CALLS; i++) {
		const uint64_t args[LM_EVENT_ARGS] = { i % 2, UINT64_MAX, i == 7 ? i : 0 };
		struct lm_event event = { .op = LM_OP_CALL, .call = i % 2, .end_ns = i * 2,
			.begin_ns = i, .flags = LM_EVENT_TIMED, .args = args };

		assert_int_equal(lm_batch_add_event(batch, &event), 0);
	}
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	/* Shape, two of time, mask, and a span of at most two bytes; arguments are not stored. */
	assert_true(payload.len < CALLS * 6 + 200);
	reader = read_batch(&payload);
	for (uint64_t i = 0; i < CALLS; i++) {
		const uint64_t args[LM_EVENT_ARGS] = { i % 2, UINT64_MAX, i == 7 ? i : 0 };

		assert_int_equal(lm_batch_reader_next(reader, &item), 1);
		assert_int_equal(item.event.begin_ns, i);
		assert_non_null(item.event.args);
		assert_memory_equal(item.event.args, args, sizeof(args));
	}
	assert_int_equal(lm_batch_reader_next(reader, &item), 0);
	lm_batch_reader_free(reader);
}

/* As much content as there is room for is what a reader takes, whatever its order. */
static void test_a_batch_full_of_content(void **state)
{
	static uint8_t bytes[LM_CONTENT_MAX_BYTES];
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	struct lm_batch_reader *reader;
	struct lm_item item;
	uint32_t n, r = 0;

	memset(bytes, 'c', sizeof(bytes));
	for (n = 0;; n++) {
		struct lm_event_content content = { .offset = n, .bytes = bytes, .terminal = n,
			.len = n % 2 ? LM_CONTENT_MAX_BYTES : 1 + n };
		struct lm_event event = { .op = LM_OP_WRITE, .flags = LM_EVENT_CONTENT,
			.tid = n % 3, .end_ns = n, .content = &content };

		if (lm_batch_add_event(batch, &event) == -EMSGSIZE)
			break;
	}
	assert_true(n > 20);
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	assert_true(payload.len <= LM_BATCH_MAX_BYTES);
	reader = read_batch(&payload);
	for (; lm_batch_reader_next(reader, &item) == 1; r++) {
		assert_non_null(item.event.content);
		assert_int_equal(item.event.content->offset, r);
		assert_int_equal(item.event.content->terminal, r);
		assert_int_equal(item.event.content->len, r % 2 ? LM_CONTENT_MAX_BYTES : 1 + r);
		assert_memory_equal(item.event.content->bytes, bytes, item.event.content->len);
	}
	assert_int_equal(r, n);
	lm_batch_reader_free(reader);
}

/* However unlike each other events are, a full batch is one that a reader takes. */
static void test_a_full_batch_of_the_worst(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	struct lm_batch_reader *reader;
	struct lm_item item;
	uint64_t h = 1;
	uint32_t n = 0, read = 0;
	int r;

	for (;; n++) {
		uint64_t args[LM_EVENT_ARGS] = { h, ~h, h << 1, ~h << 1, h, ~h };
		struct lm_event event;

		h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		event = (struct lm_event){ .end_ns = h,
			.actor = (uint32_t)(h >> 32),
			.tid = (uint32_t)(h >> 16),
			.op = (uint16_t)(h >> 40) % (LM_OP_MAX + 1),
			.flags = (uint16_t)(h >> 20),
			.call = (uint16_t)(h >> 24),
			.cpu = (uint16_t)(h >> 28),
			.result = (int64_t)(h | 1ull << 63),
			.object = (uint32_t)(h >> 3) | 1u << 31,
			.object2 = (uint32_t)(h >> 5) | 1u << 31,
			.name = (uint32_t)(h >> 7) | 1u << 31,
			.name2 = (uint32_t)(h >> 9) | 1u << 31,
			.arg = ~h | 1ull << 63 };
		if (event.op == LM_OP_CALL)
			event.args = args;
		event.flags &= (uint16_t)~LM_EVENT_CONTENT;
		r = lm_batch_add_event(batch, &event);
		if (r < 0)
			break;
	}
	assert_int_equal(r, -EMSGSIZE);
	assert_true(n > 8000);
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	assert_true(payload.len <= LM_BATCH_MAX_BYTES);
	reader = read_batch(&payload);
	while ((r = lm_batch_reader_next(reader, &item)) == 1)
		read++;
	assert_int_equal(r, 0);
	assert_int_equal(read, n);
	lm_batch_reader_free(reader);
}

static void fill(struct lm_batch *batch, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct lm_object object = { .id = i + 1, .kind = LM_OBJECT_KIND_NAME,
			.time_ns = i, .name = { .dir = i, .component = LM_STR("etc") } };
		struct lm_binding binding = { .time_ns = i, .file = i, .name = i };
		struct lm_gap gap = { .begin_ns = i, .end_ns = i, .reason = LM_GAP_FULL };
		struct lm_event event = { .op = LM_OP_OPEN,
			.end_ns = i * 999,
			.actor = i % 3,
			.tid = i % 4,
			.object = i + 9,
			.result = i % 7,
			.arg = i % 5,
			.cpu = i % 2 };

		assert_int_equal(lm_batch_add_object(batch, &object), 0);
		assert_int_equal(lm_batch_add_binding(batch, &binding), 0);
		assert_int_equal(lm_batch_add_gap(batch, &gap), 0);
		assert_int_equal(lm_batch_add_event(batch, &event), 0);
	}
}

static void test_encoding_twice_gives_the_same(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer first = LM_BUFFER_INIT, second = LM_BUFFER_INIT;
	struct lm_batch_parts parts;

	fill(batch, 50);
	assert_int_equal(lm_batch_encode(batch, 0, &first, &parts), 0);
	assert_int_equal(lm_batch_encode(batch, 0, &second, &parts), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	lm_buffer_reset(&second);
	lm_batch_reset(batch);
	fill(batch, 50);
	assert_int_equal(lm_batch_encode(batch, 0, &second, &parts), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
}

static void test_dropping_events_keeps_the_rest(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	uint32_t kinds[LM_ITEM_GAP + 1] = { 0 };
	struct lm_batch_reader *reader;
	struct lm_item item;

	fill(batch, 20);
	lm_batch_drop_events(batch);
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	reader = read_batch(&payload);
	while (lm_batch_reader_next(reader, &item) == 1)
		kinds[item.kind]++;
	assert_int_equal(kinds[LM_ITEM_OBJECT], 20);
	assert_int_equal(kinds[LM_ITEM_BINDING], 20);
	assert_int_equal(kinds[LM_ITEM_GAP], 20);
	assert_int_equal(kinds[LM_ITEM_EVENT], 0);
	lm_batch_reader_free(reader);
}

/* Whether an object was defined for an event, between two, or later than told, its time holds. */
static void test_objects_take_the_times_of_events(void **state)
{
	static const uint64_t object_times[] = { 200, 200, 100, 250, 300, 90, 301, 300, 1 };
	static const uint64_t event_times[] = { 200, 100, 300, 200 };
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;
	struct lm_batch_reader *reader;
	struct lm_item item;

	for (uint32_t i = 0; i < LM_ARRAY_SIZE(event_times); i++) {
		struct lm_event event = { .op = LM_OP_OPEN, .tid = i % 2,
			.end_ns = event_times[i] };

		assert_int_equal(lm_batch_add_event(batch, &event), 0);
	}
	for (uint32_t i = 0; i < LM_ARRAY_SIZE(object_times); i++) {
		struct lm_object object = { .id = i + 1, .kind = LM_OBJECT_KIND_PIPE,
			.time_ns = object_times[i] };

		assert_int_equal(lm_batch_add_object(batch, &object), 0);
	}
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	assert_int_equal(parts.bytes[LM_BATCH_NUMBERS] + parts.bytes[LM_BATCH_TEXT] +
			parts.bytes[LM_BATCH_NOISE], payload.len);
	reader = read_batch(&payload);
	for (uint32_t i = 0; i < LM_ARRAY_SIZE(object_times); i++) {
		assert_int_equal(lm_batch_reader_next(reader, &item), 1);
		assert_int_equal(item.kind, LM_ITEM_OBJECT);
		assert_true(item.object.time_ns == object_times[i]);
	}
	lm_batch_reader_free(reader);
}

/* Read a copy of exactly that many bytes, so that a sanitizer sees a step too far. */
static void read_hostile(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct lm_batch_reader *reader = NULL;
	struct lm_item item;
	uint32_t items = 0;
	int r;

	memcpy(copy, data, len);
	r = lm_batch_reader_new(copy, len, 0, 1, &reader);
	assert_true(r == 0 || r == -LM_E_DAMAGED);
	while (r == 0 && (r = lm_batch_reader_next(reader, &item)) == 1) {
		assert_true(item.kind >= LM_ITEM_OBJECT && item.kind <= LM_ITEM_GAP);
		assert_true(++items <= 4 * LM_BATCH_MAX_BYTES);
		r = 0;
	}
	assert_true(r == 0 || r == -LM_E_DAMAGED);
	lm_batch_reader_free(reader);
	free(copy);
}

static void test_hostile_payloads(void **state)
{
	struct lm_batch *batch = *state;
	LM_BUFFER struct lm_buffer payload = LM_BUFFER_INIT;
	struct lm_batch_parts parts;

	fill(batch, 30);
	assert_int_equal(lm_batch_encode(batch, 0, &payload, &parts), 0);
	for (size_t len = 0; len < payload.len; len++)
		read_hostile(payload.data, len);
	for (size_t i = 0; i < payload.len; i++) {
		static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
		uint8_t before = payload.data[i];

		for (size_t k = 0; k < sizeof(values); k++) {
			payload.data[i] = values[k];
			read_hostile(payload.data, payload.len);
		}
		payload.data[i] = before;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_batch, close_batch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_empty_batch),
		TEST(test_extremes),
		TEST(test_what_a_reader_would_refuse),
		TEST(test_arguments_of_calls),
		TEST(test_a_batch_full_of_content),
		TEST(test_a_full_batch_of_the_worst),
		TEST(test_encoding_twice_gives_the_same),
		TEST(test_dropping_events_keeps_the_rest),
		TEST(test_objects_take_the_times_of_events),
		TEST(test_hostile_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
