/* SPDX-License-Identifier: MIT */
#include "lemona/index/rows.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/index/span.h"

/*
 * Random events in random frames, cut into parts at random: what the parts say of every object is
 * what a look at every event says.
 */
#define EVENTS  20000u
#define OBJECTS 60u
#define ACTORS  12u
#define SINK    33u

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static const uint16_t ops[] = {
	LM_OP_READ, LM_OP_WRITE, LM_OP_OPEN, LM_OP_CLOSE, LM_OP_RENAME, LM_OP_EXEC, LM_OP_FORK,
	LM_OP_MMAP, LM_OP_MUNMAP, LM_OP_EXIT, LM_OP_UNLINK, LM_OP_COPY, LM_OP_STAT, LM_OP_DUP,
};

static struct lm_event draw_event(uint64_t id)
{
	uint16_t op = ops[draw(LM_ARRAY_SIZE(ops))];
	uint64_t end_ns = 1000 * id;
	struct lm_event event = {
		.id = id, .begin_ns = end_ns - draw(1000), .end_ns = end_ns,
		.actor = 1 + draw(ACTORS), .tid = 100 + draw(2), .op = op, .call = op,
		.object = 1 + draw(OBJECTS), .result = draw(4) ? (int64_t)draw(3) : -2,
	};

	if (op == LM_OP_OPEN || op == LM_OP_RENAME || op == LM_OP_UNLINK || op == LM_OP_EXEC)
		event.name = 1 + draw(OBJECTS);
	if (op == LM_OP_RENAME)
		event.name2 = 1 + draw(OBJECTS);
	if (op == LM_OP_EXEC || op == LM_OP_COPY)
		event.object2 = 1 + draw(OBJECTS);
	if (op == LM_OP_MMAP)
		event.arg = 3 | (uint64_t)(1 + draw(2)) << 32;
	if (op == LM_OP_FORK && draw(2))
		event.flags = LM_EVENT_VM_SHARED;
	return event;
}

struct made {
	struct lm_event *events; /* [1..EVENTS] */
	struct lm_rows *parts[64];
	uint32_t count;
};

static void release_made(struct made *made)
{
	free(made->events);
	for (uint32_t i = 0; i < made->count; i++)
		lm_rows_free(made->parts[i]);
}

static void free_builder(struct lm_rows_builder **builder)
{
	lm_rows_builder_free(*builder);
}

static const uint8_t log_id[LM_PART_IDENTITY_BYTES] = "a log";

static void write_part(struct made *made, struct lm_rows_builder *builder)
{
	int fd LM_CLOSE = memfd_create("rows", MFD_CLOEXEC);
	struct lm_part *part;

	assert_int_equal(lm_rows_builder_write(builder, fd, log_id), 0);
	assert_int_equal(lm_part_open(fd, &part, NULL), 0);
	assert_true(made->count < LM_ARRAY_SIZE(made->parts));
	assert_int_equal(lm_rows_open(part, &made->parts[made->count++]), 0);
}

static void make(struct made *made)
{
	struct lm_rows_builder *builder LM_CLEANUP(free_builder) = NULL;
	struct lm_object sink = { .id = SINK, .kind = LM_OBJECT_KIND_FILE,
				  .file = { .mode = S_IFCHR | 0666, .rdev = 1u << 20 | 3 } };
	uint64_t frame_end = 0;

	made->events = calloc(EVENTS + 1, sizeof(*made->events));
	assert_int_equal(lm_rows_builder_new(&builder), 0);
	assert_int_equal(lm_rows_builder_object(builder, &sink), 0);
	for (uint64_t id = 1; id <= EVENTS; id++) {
		if (id > frame_end) {
			struct lm_row_frame frame = { .first_event = id, .offset = id * 10,
						      .segment = 3, .events = 1 + draw(200) };

			if (id > 1 && draw(20) == 0)
				write_part(made, builder);
			if (id + frame.events > EVENTS)
				frame.events = (uint32_t)(EVENTS - id + 1);
			frame_end = id + frame.events - 1;
			assert_int_equal(lm_rows_builder_frame(builder, &frame), 0);
		}
		made->events[id] = draw_event(id);
		assert_int_equal(lm_rows_builder_event(builder, &made->events[id]), 0);
	}
	write_part(made, builder);
}

static uint8_t role_of(const struct lm_event *event, lm_object_id object)
{
	struct lm_dependency d[LM_DEPENDENCIES_MAX];
	int count = lm_event_dependencies(event, d);
	uint8_t roles = 0;

	for (int i = 0; i < count; i++) {
		if (!d[i].source || !d[i].sink || d[i].source == d[i].sink ||
		    d[i].source == SINK || d[i].sink == SINK)
			continue;
		roles |= d[i].source == object ? 1u << LM_ROWS_OUT_OF : 0;
		roles |= d[i].sink == object ? 1u << LM_ROWS_INTO : 0;
	}
	if (!roles && (event->actor == object || event->object == object ||
		       event->object2 == object || event->name == object || event->name2 == object))
		roles = 1u << LM_ROWS_BESIDE;
	return roles;
}

static bool is_of_row(const struct lm_row *row, const struct lm_event *event)
{
	return row->actor == event->actor && row->tid == event->tid && row->op == event->op &&
	       row->object == event->object && row->object2 == event->object2 &&
	       row->name == event->name && row->name2 == event->name2 &&
	       (row->result < 0) == (event->result < 0);
}

/* Every row is made of events of its frame; together they are all events, each once. */
static void test_rows_are_the_events(void **state)
{
	struct made made LM_CLEANUP(release_made) = { .count = 0 };
	struct lm_row rows[LM_ROWS_PAGE_MAX];
	uint64_t actions = 0, row_count = 0;

	seed = 7;
	make(&made);
	assert_true(made.count > 3);
	for (uint32_t p = 0; p < made.count; p++) {
		for (uint32_t page = 0; page < lm_rows_page_count(made.parts[p]); page++) {
			int count = lm_rows_read(made.parts[p], page, rows);

			assert_true(count > 0);
			for (int i = 0; i < count; i++) {
				const struct lm_event *first = &made.events[rows[i].event];
				struct lm_row_frame frame;
				uint64_t seen = 0, end_ns = 0;
				int64_t moved = 0;

				assert_int_equal(
					lm_rows_frame(made.parts[p], rows[i].event, &frame), 0);
				for (uint64_t id = frame.first_event;
				     id < frame.first_event + frame.events; id++) {
					const struct lm_event *event = &made.events[id];

					if (!is_of_row(&rows[i], event) ||
					    (event->arg != rows[i].arg) ||
					    event->flags != rows[i].flags ||
					    (!lm_op_moves_bytes(event->op) &&
					     event->result != rows[i].result))
						continue;
					if (rows[i].op == LM_OP_MMAP || rows[i].op == LM_OP_FORK)
						if (id != rows[i].event)
							continue;
					seen++;
					moved += event->result;
					end_ns = event->end_ns;
				}
				assert_int_equal(rows[i].count, seen);
				assert_int_equal(rows[i].end_ns, end_ns);
				assert_true(rows[i].begin_ns <= first->begin_ns);
				if (lm_op_moves_bytes(rows[i].op) && rows[i].result >= 0)
					assert_int_equal(rows[i].result, moved);
				actions += seen;
				row_count++;
			}
		}
	}
	assert_int_equal(actions, EVENTS);
	assert_true(row_count < EVENTS);
}

/* By object and role: the pages that are named hold every event that has it, and no page is named
 * in vain. */
static void test_find(void **state)
{
	struct made made LM_CLEANUP(release_made) = { .count = 0 };
	struct lm_row rows[LM_ROWS_PAGE_MAX];

	seed = 11;
	make(&made);
	for (lm_object_id object = 1; object <= OBJECTS; object++) {
		for (uint8_t role = 0; role < 3; role++) {
			uint64_t expected = 0, found = 0;

			for (uint64_t id = 1; id <= EVENTS; id++)
				expected += (role_of(&made.events[id], object) >> role) & 1;
			for (uint32_t p = 0; p < made.count; p++) {
				struct lm_buffer pages LM_BUFFER = LM_BUFFER_INIT;

				assert_int_equal(lm_rows_find(made.parts[p], object,
							      (uint8_t)(1u << role), &pages), 0);
				for (size_t k = 0; k < pages.len / 4; k++) {
					int count = lm_rows_read(made.parts[p],
							((uint32_t *)pages.data)[k], rows);
					uint64_t here = 0;

					assert_true(count > 0);
					for (int i = 0; i < count; i++) {
						struct lm_event event = lm_row_event(&rows[i]);

						if (role_of(&event, object) >> role & 1)
							here += rows[i].count;
					}
					assert_true(here > 0);
					found += here;
				}
			}
			assert_int_equal(found, expected);
		}
	}
}

/* When what a mapping did to `object` ended: mappings before it that are still there count too. */
static uint64_t end_of(const struct made *made, const struct lm_row *row)
{
	int live = 0;

	for (uint64_t id = 1; id <= EVENTS; id++) {
		const struct lm_event *event = &made->events[id];
		bool same = event->object == row->object && event->result >= 0;
		bool gone = event->op == LM_OP_EXIT ||
			    (event->op == LM_OP_EXEC && event->result >= 0);

		if (event->actor != row->actor)
			continue;
		if (same && event->op == LM_OP_MMAP)
			live++;
		if (same && event->op == LM_OP_MUNMAP && live > 0)
			gone = --live == 0;
		if (gone)
			live = 0;
		if (gone && id > row->event)
			return event->end_ns;
	}
	return UINT64_MAX;
}

/* What lasts ends where it was undone, in whichever part that is. */
static void test_lasting(void **state)
{
	struct made made LM_CLEANUP(release_made) = { .count = 0 };
	struct lm_row rows[LM_ROWS_PAGE_MAX];
	uint64_t in_part = 0, later = 0, never = 0;

	seed = 23;
	make(&made);
	for (uint32_t p = 0; p < made.count; p++) {
		for (uint32_t page = 0; page < lm_rows_page_count(made.parts[p]); page++) {
			int count = lm_rows_read(made.parts[p], page, rows);

			for (int i = 0; i < count; i++) {
				const struct lm_row *row = &rows[i];
				uint64_t told_ns = row->until_ns;

				if (row->op != LM_OP_MMAP || row->result < 0 ||
				    row->object == row->actor)
					continue;
				in_part += told_ns != UINT64_MAX;
				for (uint32_t q = p + 1;
				     q < made.count && told_ns == UINT64_MAX; q++)
					later += lm_rows_end(made.parts[q], row->actor,
							     row->object, &told_ns);
				never += told_ns == UINT64_MAX;
				assert_int_equal(told_ns, end_of(&made, row));
			}
		}
	}
	assert_true(in_part > 10 && later > 10);
	assert_true(never < in_part + later);
}

/* A span of two parts, of one block that begins with object 1. */
static struct lm_span *make_span(const struct lm_buffer *block)
{
	static const uint8_t range[8] = { [4] = 2 }, directory[8] = { 1 };
	const struct lm_part_info info = { .kind = LM_PART_SPAN, .first_event = 1, .end_event = 2 };
	int fd LM_CLOSE = memfd_create("span", MFD_CLOEXEC);
	struct lm_part_writer *writer;
	struct lm_part *part;
	struct lm_span *span;

	assert_int_equal(lm_part_writer_new(fd, &info, &writer), 0);
	assert_int_equal(lm_part_put(writer, 1, range, sizeof(range)), 0);
	assert_int_equal(lm_part_put(writer, 2, block->data, block->len), 0);
	assert_int_equal(lm_part_put(writer, 3, directory, sizeof(directory)), 0);
	assert_int_equal(lm_part_finish(writer), 0);
	lm_part_writer_free(writer);
	assert_int_equal(lm_part_open(fd, &part, NULL), 0);
	assert_int_equal(lm_span_open(part, &span), 0);
	return span;
}

/* How many parts have an object, by a span. */
static size_t count_parts(const struct lm_span *span, lm_object_id object)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	assert_int_equal(lm_span_find(span, object, UINT8_MAX, &out), 0);
	return out.len / sizeof(uint32_t);
}

static void free_span(struct lm_span **span)
{
	lm_span_free(*span);
}

/* Who writes the same place a thousand times has it looked into once. */
static void test_places_rise(void **state)
{
	struct lm_buffer block LM_BUFFER = LM_BUFFER_INIT;
	struct lm_span *span LM_CLEANUP(free_span) = NULL;

	lm_buffer_append_varint(&block, 0);
	lm_buffer_append_varint(&block, 1001);
	lm_buffer_append_varint(&block, 1 << 3 | 1);
	for (int i = 0; i < 1000; i++)
		lm_buffer_append_varint(&block, 1);
	span = make_span(&block);
	assert_int_equal(count_parts(span, 1), 1);
}

/* A block that goes on is not read to its end. */
static void test_blocks_are_bounded(void **state)
{
	struct lm_buffer block LM_BUFFER = LM_BUFFER_INIT;
	struct lm_span *span LM_CLEANUP(free_span) = NULL;

	for (int i = 0; i < 65; i++) {
		lm_buffer_append_varint(&block, i > 0);
		lm_buffer_append_varint(&block, 1);
		lm_buffer_append_varint(&block, 1);
	}
	span = make_span(&block);
	assert_int_equal(count_parts(span, 64), 1);
	assert_int_equal(count_parts(span, 65), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_the_events),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_lasting),
		cmocka_unit_test(test_places_rise),
		cmocka_unit_test(test_blocks_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
