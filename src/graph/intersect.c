/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * What is common to several detection points: each gets a walk of its own, as
 * if nobody had asked for the others, and an object counts that all of them
 * reached. Of the walk that began at all of them, these stay, and what lies on
 * the ways from there.
 */

static uint64_t key_of(const struct vertex *v)
{
	return v->object | (uint64_t)v->role << 32;
}

/* reached[object and role]: how many walks got there, as long as none before this one failed to */
static int count_reached(const struct walk *walk, size_t before, struct lm_map *reached)
{
	for (uint32_t i = 1; i < walk->vertices.count; i++) {
		const struct vertex *v = &walk->vertices.at[i];
		const uint64_t *known = lm_map_get(reached, key_of(v));

		if (v->object == VERTEX_GROUP || (known ? *known : 0) != before)
			continue;
		if (lm_map_put(reached, key_of(v), before + 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int walk_alone(struct walk *walk, size_t number, struct lm_map *reached)
{
	struct walk alone LM_CLEANUP(walk_release) = { .index = walk->index };
	struct lm_trace_options options = walk->options;
	int r;

	options.from = &walk->options.common[number];
	r = walk_run(&alone, walk->index, &options);
	walk->limited |= alone.limited;
	return r < 0 ? r : count_reached(&alone, number, reached);
}

int filter_intersect(struct walk *walk, bool *ret_nothing_common)
{
	struct lm_map reached LM_MAP = LM_MAP_INIT;
	struct between_start *starts LM_FREE = NULL;
	size_t wanted = walk->options.common_count, count = 0;
	int r = 0;

	if (wanted < 2)
		return 0;
	for (size_t i = 0; i < wanted && r == 0; i++)
		r = walk_alone(walk, i, &reached);
	if (r < 0)
		return r;
	starts = lm_array_new(walk->vertices.count, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	for (uint32_t v = 1; v < walk->vertices.count; v++) {
		const uint64_t *known = lm_map_get(&reached, key_of(&walk->vertices.at[v]));

		/* At any time: 0 is the beginning in either direction. */
		if (walk->vertices.at[v].object != VERTEX_GROUP && known && *known == wanted)
			starts[count++] = (struct between_start){ v, 0 };
	}
	*ret_nothing_common = count == 0;
	return walk_keep_between(walk, starts, count, NULL);
}
