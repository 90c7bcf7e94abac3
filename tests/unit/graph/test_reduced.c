/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <errno.h>
#include <sys/stat.h>

#include "lemona/event/reduce.h"

/*
 * A log and its reduced twin give the same answers: on random small logs, from
 * every object at every time that lies at, just before or just after an event.
 *
 * As long as it is known that calls did not overlap, the answers are the same.
 * Where they may have, nobody knows which came first, and a run that changes
 * between reading and writing may show an influence one call early: more is
 * allowed, less never. Runs of one way are exact whatever overlaps.
 */
#define EVENTS 48
#define PROCESSES 3
#define FILES 3
#define OBJECTS (2 + PROCESSES + FILES)

static uint64_t seed;

/* xorshift64*: the same logs on every machine. */
static uint32_t draw(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* How the calls of a log lie to each other. */
enum timing {
	ONE_BY_ONE,  /* a thread that takes its turn does something else first */
	OVERLAPPING, /* a thread may have begun when it last did anything */
};

struct trial {
	struct scene full, reduced;
	struct lm_event events[EVENTS];
	lm_object_id processes[PROCESSES], files[FILES];
	size_t count, folded;
	uint64_t now;
	uint64_t thread_end[2 * PROCESSES];
};

static void add_event(struct trial *trial, uint32_t process, uint32_t thread, struct lm_event event)
{
	uint64_t *last = &trial->thread_end[2 * process + thread];

	event.actor = trial->processes[process];
	event.tid = 100 + 10 * process + thread;
	if (trial->count == EVENTS)
		return;
	/* As in a log: a call's begin is bounded by what its thread did before. */
	event.begin_ns = *last;
	trial->now += 2 + draw(6);
	event.end_ns = *last = trial->now;
	trial->events[trial->count++] = event;
}

static void add_other(struct trial *trial, enum timing timing)
{
	static const enum lm_op ops[] = { LM_OP_SIGNAL, LM_OP_VMWRITE, LM_OP_MMAP, LM_OP_CLOSE,
					  LM_OP_CHMOD };
	enum lm_op op = ops[draw(LM_ARRAY_SIZE(ops))];
	uint32_t process = draw(PROCESSES);
	bool to_process = op == LM_OP_SIGNAL || op == LM_OP_VMWRITE;
	struct lm_event event = {
		.op = (uint16_t)op,
		.object = to_process ? trial->processes[draw(PROCESSES)] :
				       trial->files[draw(FILES)],
		.arg = op == LM_OP_MMAP ? 3 | UINT64_C(1) << 32 : 0,
	};

	if (timing == ONE_BY_ONE)
		add_event(trial, process, 0, (struct lm_event){ .op = LM_OP_CLOSE });
	add_event(trial, process, 0, event);
}

/* What loops do: the same file again and again, one way or both. */
static void add_burst(struct trial *trial, enum timing timing, bool both_ways)
{
	uint32_t process = draw(PROCESSES), thread = process == 0 ? draw(2) : 0;
	uint32_t file = draw(FILES), length = 1 + draw(10);
	bool writes = both_ways ? draw(2) : (process + file) % 2;

	if (timing == ONE_BY_ONE)
		add_event(trial, process, thread, (struct lm_event){ .op = LM_OP_CLOSE });
	while (length-- > 0) {
		struct lm_event event = {
			.op = writes ? LM_OP_WRITE : LM_OP_READ, .object = trial->files[file],
			.result = draw(12) ? (int64_t)draw(3) : -EAGAIN,
		};

		add_event(trial, process, thread, event);
		/* Others come in between. */
		if (draw(8) == 0)
			add_burst(trial, timing, both_ways);
		if (draw(20) == 0)
			add_other(trial, timing);
		if (both_ways)
			writes ^= draw(3) > 0;
	}
}

static int take_item(void *data, const struct lm_item *item)
{
	struct trial *trial = data;
	struct lm_event event = item->event;

	if (item->kind != LM_ITEM_EVENT)
		return 0;
	trial->folded += lm_event_count(&event) - 1;
	scene_event_full(&trial->reduced, event);
	return 0;
}

static void make_objects(struct trial *trial, struct scene *scene)
{
	scene_begin(scene);
	for (int i = 0; i < PROCESSES; i++)
		trial->processes[i] = scene_process(scene, (uint32_t)(100 + 10 * i), 0, "p");
	for (int i = 0; i < FILES; i++)
		trial->files[i] = scene_file(scene, S_IFREG);
}

static void feed_objects(struct trial *trial, struct lm_reducer *reducer)
{
	for (lm_object_id id = 1; id <= OBJECTS; id++) {
		struct lm_item item = { .kind = LM_ITEM_OBJECT,
					.object = trial->full.defined[id] };

		assert_int_equal(lm_reducer_add(reducer, &item), 0);
	}
}

static void make_trial(struct trial *trial, enum timing timing, bool both_ways)
{
	struct lm_reducer *reducer = NULL;

	*trial = (struct trial){ .now = 1000 };
	make_objects(trial, &trial->full);
	make_objects(trial, &trial->reduced);
	add_event(trial, 0, 0, (struct lm_event){ .op = LM_OP_THREAD, .result = 101 });
	while (trial->count < EVENTS) {
		add_burst(trial, timing, both_ways);
		if (draw(3) == 0)
			add_other(trial, timing);
	}
	assert_int_equal(lm_reducer_new(take_item, trial, &reducer), 0);
	feed_objects(trial, reducer);
	for (size_t i = 0; i < trial->count; i++) {
		struct lm_item item = { .kind = LM_ITEM_EVENT, .event = trial->events[i] };

		scene_event_full(&trial->full, trial->events[i]);
		assert_int_equal(lm_reducer_add(reducer, &item), 0);
	}
	assert_int_equal(lm_reducer_finish(reducer), 0);
	lm_reducer_free(reducer);
	scene_finish(&trial->full);
	scene_finish(&trial->reduced);
}

static void print_trial(const struct trial *trial, const struct scene *scene)
{
	uint64_t count = lm_index_event_count(scene->index);

	print_message("%s:\n", scene == &trial->full ? "full" : "reduced");
	for (uint32_t i = 0; i < count; i++) {
		struct lm_event e;

		assert_int_equal(lm_index_event(scene->index, i + 1, &e), 0);
		print_message("  [%llu, %llu] %u/%u %s %u = %lld%s\n",
			(unsigned long long)e.begin_ns, (unsigned long long)e.end_ns, e.actor,
			e.tid, lm_op_name(e.op), e.object, (long long)e.result,
			e.flags & LM_EVENT_FOLDED ? " folded" : "");
	}
}

static void compare(const struct trial *trial, enum lm_direction direction, uint32_t filters,
	lm_object_id from, uint64_t t, bool more_allowed)
{
	struct lm_answer *full ANSWER =
		scene_trace_at(&trial->full, direction, filters, from, t);
	struct lm_answer *reduced ANSWER =
		scene_trace_at(&trial->reduced, direction, filters, from, t);

	for (lm_object_id id = 1; id <= OBJECTS; id++) {
		bool wanted = answer_has(full, id), is = answer_has(reduced, id);

		if (is == wanted || (is && more_allowed))
			continue;
		print_trial(trial, &trial->full);
		print_trial(trial, &trial->reduced);
		fail_msg("%u from %u at %llu, direction %d, filters %x: in full %d, reduced %d",
			id, from, (unsigned long long)t, direction, filters, wanted, is);
	}
}

static void compare_everywhere(const struct trial *trial, uint32_t filters, bool more_allowed)
{
	for (size_t i = 0; i < trial->count; i++) {
		lm_object_id from = 3 + draw(PROCESSES + FILES);
		uint64_t t = (draw(2) ? trial->events[i].begin_ns : trial->events[i].end_ns) +
			draw(3) - 1;

		compare(trial, LM_BACKWARD, filters, from, t, more_allowed);
		compare(trial, LM_FORWARD, filters, from, t, more_allowed);
	}
}

/*
 * These two look at edges, and of two objects that are in both answers anyway, the twin's
 * may have one call's edge more: a run of calls is one, from the first's begin on.
 */
#define FILTERS (LM_FILTERS_ALL & ~(1u << LM_FILTER_CLUSTERS | 1u << LM_FILTER_NO_EXIT))

static size_t run_trials(enum timing timing, bool both_ways, bool more_allowed)
{
	size_t folded = 0;

	seed = UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < 400; i++) {
		struct trial trial;

		make_trial(&trial, timing, both_ways);
		compare_everywhere(&trial, LM_FILTERS_NONE, more_allowed);
		if (!more_allowed)
			compare_everywhere(&trial, FILTERS, false);
		folded += trial.folded;
		scene_end(&trial.full);
		scene_end(&trial.reduced);
	}
	return folded;
}

static void test_both_ways_one_by_one(void **state)
{
	assert_true(run_trials(ONE_BY_ONE, true, false) > 400);
}

static void test_one_way_overlapping(void **state)
{
	assert_true(run_trials(OVERLAPPING, false, false) > 400);
}

static void test_both_ways_overlapping_never_less(void **state)
{
	assert_true(run_trials(OVERLAPPING, true, true) > 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways_one_by_one),
		cmocka_unit_test(test_one_way_overlapping),
		cmocka_unit_test(test_both_ways_overlapping_never_less),
	};

	return cmocka_run_group_tests_name("graph reduced", tests, NULL, NULL);
}
