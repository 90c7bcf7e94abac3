/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/*
 * The walk against brute force: on random small logs, with every filter off,
 * both reach exactly the same objects. Brute force applies every dependency
 * again and again until no object's time changes any more.
 */
#define LOGS 1000
#define PROCESSES 6
#define FILES 6
#define EVENTS 30
#define OBJECTS (PROCESSES + FILES + 3)

static uint64_t seed;

/* xorshift64*: the same logs on every machine. */
static uint32_t draw(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

struct deed {
	lm_object_id source, sink;
	uint64_t begin, end;
};

struct trial {
	struct scene scene;
	struct deed deeds[EVENTS];
	lm_object_id processes[PROCESSES], files[FILES];
};

static void make_deed(struct trial *trial, struct deed *deed)
{
	static const enum lm_op ops[] = { LM_OP_READ, LM_OP_WRITE, LM_OP_FORK, LM_OP_VMWRITE };
	enum lm_op op = ops[draw(4)];
	lm_object_id actor = trial->processes[draw(PROCESSES)];
	lm_object_id object = op == LM_OP_READ || op == LM_OP_WRITE ?
				      trial->files[draw(FILES)] : trial->processes[draw(PROCESSES)];
	bool in = op == LM_OP_READ;

	deed->begin = 1 + draw(60);
	deed->end = deed->begin + draw(12);
	deed->source = in ? object : actor;
	deed->sink = in ? actor : object;
	scene_event_full(&trial->scene, (struct lm_event){ .op = op,
						.actor = actor,
						.object = object,
						.begin_ns = deed->begin,
						.end_ns = deed->end });
}

static void make_trial(struct trial *trial)
{
	scene_begin(&trial->scene);
	for (int i = 0; i < PROCESSES; i++)
		trial->processes[i] = scene_process(&trial->scene, (uint32_t)(100 + i), 0, "p");
	for (int i = 0; i < FILES; i++)
		trial->files[i] = scene_file(&trial->scene, S_IFREG);
	for (int i = 0; i < EVENTS; i++)
		make_deed(trial, &trial->deeds[i]);
	scene_finish(&trial->scene);
}

/* times[o]: up to when o matters; 0: not at all. */
static void brute_backward(const struct trial *trial, lm_object_id from, uint64_t t,
			   uint64_t times[OBJECTS])
{
	bool changed = true;

	memset(times, 0, OBJECTS * sizeof(*times));
	times[from] = t + 1;
	while (changed) {
		changed = false;
		for (int i = 0; i < EVENTS; i++) {
			const struct deed *d = &trial->deeds[i];
			uint64_t until = d->end < times[d->sink] ? d->end : times[d->sink];

			if (d->source == d->sink || d->begin >= times[d->sink] ||
			    until <= times[d->source])
				continue;
			times[d->source] = until;
			changed = true;
		}
	}
}

/* times[o]: tainted after; UINT64_MAX: never. */
static void brute_forward(const struct trial *trial, lm_object_id from, uint64_t t,
			  uint64_t times[OBJECTS])
{
	bool changed = true;

	for (int i = 0; i < OBJECTS; i++)
		times[i] = UINT64_MAX;
	times[from] = t - 1;
	while (changed) {
		changed = false;
		for (int i = 0; i < EVENTS; i++) {
			const struct deed *d = &trial->deeds[i];
			uint64_t since;

			if (d->source == d->sink || times[d->source] == UINT64_MAX ||
			    d->end <= times[d->source])
				continue;
			since = d->begin > times[d->source] ? d->begin : times[d->source];
			if (since >= times[d->sink])
				continue;
			times[d->sink] = since;
			changed = true;
		}
	}
}

static void compare(const struct trial *trial, enum lm_direction direction, lm_object_id from,
		    uint64_t t)
{
	uint64_t times[OBJECTS];
	struct lm_answer *answer ANSWER =
		scene_trace_at(&trial->scene, direction, LM_FILTERS_NONE, from, t);

	if (direction == LM_BACKWARD)
		brute_backward(trial, from, t, times);
	else
		brute_forward(trial, from, t, times);
	for (lm_object_id id = 1; id < OBJECTS; id++) {
		bool reached = direction == LM_BACKWARD ? times[id] > 0 : times[id] != UINT64_MAX;

		if (answer_has(answer, id) != reached)
			fail_msg("object %u from %u at %llu, direction %d: brute force says %d", id,
				from, (unsigned long long)t, direction, reached);
	}
}

static void test_walk_equals_brute_force(void **state)
{
	seed = UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < LOGS; i++) {
		struct trial trial;
		lm_object_id from;
		uint64_t t;

		make_trial(&trial);
		from = draw(2) ? trial.files[draw(FILES)] : trial.processes[draw(PROCESSES)];
		t = 1 + draw(70);
		compare(&trial, LM_BACKWARD, from, t);
		compare(&trial, LM_FORWARD, from, t);
		scene_end(&trial.scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_equals_brute_force),
	};

	return cmocka_run_group_tests_name("graph property", tests, NULL, NULL);
}
