/* SPDX-License-Identifier: MIT */
#include "lemona/graph/index.h"

/*
 * Which of the bounds of a name, or of a file, counts at a time.
 */

/* How far back a binding is looked for among those that began earlier. */
#define LOOK_BACK_MAX 64

/* Covering beats not covering, the kernel's word beats a claim, later beats earlier. */
static int rank_bound(const struct lm_bound *bound, uint64_t t_ns)
{
	return (bound->end_ns > t_ns ? 2 : 0) + (bound->claimed ? 0 : 1);
}

static const struct lm_bound *bound_at(const struct lm_bound *bounds, uint32_t count, uint64_t t_ns)
{
	const struct lm_bound *best = NULL;
	uint32_t low = 0, high = count, looked = 0;

	if (count == 0)
		return NULL;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (bounds[middle].begin_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low; i > 0 && looked < LOOK_BACK_MAX; i--, looked++) {
		const struct lm_bound *bound = &bounds[i - 1];

		if (!best || rank_bound(bound, t_ns) > rank_bound(best, t_ns) ||
			(rank_bound(bound, t_ns) == rank_bound(best, t_ns) &&
				bound->end_ns > best->end_ns))
			best = bound;
	}
	return best ? best : &bounds[0];
}

const struct lm_bound *lm_index_bound_of_name_at(const struct lm_index *index, lm_object_id name,
						 uint64_t t_ns)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_name(index, name, &bounds);

	return bound_at(bounds, count, t_ns);
}

const struct lm_bound *lm_index_bound_of_file_at(const struct lm_index *index, lm_object_id file,
						 uint64_t t_ns)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_file(index, file, &bounds);

	return bound_at(bounds, count, t_ns);
}
