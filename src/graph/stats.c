/* SPDX-License-Identifier: MIT */
#include "lemona/graph/stats.h"

#include "lemona/base/hash.h"

#define SLOTS (2 * LM_STATS_MAX) /* never more than half full */
#define LOOKS_PER_NAME 16

/* Different keys, as far as LM_STATS_MAX. 0 is no key. */
struct distinct {
	uint64_t slots[SLOTS];
	uint32_t count;
};

static void add_key(struct distinct *distinct, uint64_t key)
{
	uint32_t at = (uint32_t)(lm_hash_mix(key) % SLOTS);

	if (key == 0 || distinct->count == LM_STATS_MAX)
		return;
	while (distinct->slots[at] != 0) {
		if (distinct->slots[at] == key)
			return;
		at = (at + 1) % SLOTS;
	}
	distinct->slots[at] = key;
	distinct->count++;
}

/* Processes of programs that nobody saw start are told apart by what they call themselves. */
static uint64_t program_of(const struct lm_index *index, lm_object_id id)
{
	struct lm_object object;
	uint64_t hash = 1;

	if (lm_index_object(index, id, &object) < 0 || object.kind != LM_OBJECT_KIND_PROCESS)
		return 0;
	if (object.process.exe)
		return object.process.exe;
	for (uint32_t i = 0; i < object.process.comm.len; i++)
		hash = lm_hash_mix(hash + (uint8_t)object.process.comm.data[i]);
	return hash | UINT64_C(1) << 63;
}

static void add_end(const struct lm_index *index, lm_object_id id, struct distinct *objects,
		    struct distinct *programs)
{
	add_key(objects, id);
	add_key(programs, program_of(index, id));
}

/* Outgoing links are taken from the first on, incoming ones too: any sample will do. */
static void count_links(const struct lm_index *index, const struct lm_links *links, bool incoming,
			uint32_t looks, struct distinct *objects, struct distinct *programs)
{
	for (uint32_t i = 0; i < links->count && i < looks && objects->count < LM_STATS_MAX; i++) {
		const struct lm_link link = lm_links_get(links, i);

		if (link.control == LM_CONTROL_HIGH)
			add_end(index, incoming ? link.source : link.sink, objects, programs);
	}
}

struct lm_stats lm_stats_sources(const struct lm_index *index, lm_object_id id)
{
	struct lm_links links = lm_index_incoming(index, id, UINT64_MAX);
	struct distinct objects = { .count = 0 }, programs = { .count = 0 };

	count_links(index, &links, true, LM_STATS_LOOKS_MAX, &objects, &programs);
	return (struct lm_stats){ .objects = objects.count, .programs = programs.count };
}

struct lm_stats lm_stats_sinks(const struct lm_index *index, lm_object_id id)
{
	struct lm_links links = lm_index_outgoing(index, id, 0);
	struct distinct objects = { .count = 0 }, programs = { .count = 0 };

	count_links(index, &links, false, LM_STATS_LOOKS_MAX, &objects, &programs);
	return (struct lm_stats){ .objects = objects.count, .programs = programs.count };
}

uint32_t lm_stats_runs(const struct lm_index *index, lm_object_id exe)
{
	struct lm_links links = lm_index_outgoing(index, exe, 0);
	struct distinct processes = { .count = 0 };

	for (uint32_t i = 0; i < links.count && i < LM_STATS_LOOKS_MAX; i++) {
		const struct lm_link link = lm_links_get(&links, i);

		if (link.op == LM_OP_EXEC)
			add_key(&processes, link.sink);
	}
	return processes.count;
}

uint32_t lm_stats_directory(const struct lm_index *index, lm_object_id dir)
{
	const lm_object_id *names = NULL;
	uint32_t count = lm_index_names_in(index, dir, &names);
	struct distinct programs = { .count = 0 };

	for (uint32_t i = 0; i < count && i < LM_STATS_MAX; i++) {
		struct lm_links in = lm_index_incoming(index, names[i], UINT64_MAX);
		struct lm_links out = lm_index_outgoing(index, names[i], 0);
		struct distinct objects = { .count = 0 };

		count_links(index, &in, true, LOOKS_PER_NAME, &objects, &programs);
		count_links(index, &out, false, LOOKS_PER_NAME, &objects, &programs);
	}
	return programs.count;
}
