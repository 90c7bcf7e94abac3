/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_internal.h"
#include "lemona/base/error.h"
#include "lemona/base/hash.h"

/*
 * Names over time: the bounds of a name or a file, from the look-ups of all parts, each in its
 * newest version.
 */

/* How far back a binding is looked for among those that began earlier. */
#define LOOK_BACK_MAX 64

void lm_catalog_bounds_release(struct lm_catalog_bounds *bounds)
{
	free(bounds->at);
	*bounds = (struct lm_catalog_bounds)LM_CATALOG_BOUNDS_INIT;
}

static int reserve_bounds(struct lm_catalog_bounds *bounds, size_t need)
{
	size_t bigger = bounds->capacity ? bounds->capacity : 4;
	struct lm_catalog_bound *moved;

	if (need <= bounds->capacity)
		return 0;
	while (bigger < need)
		bigger *= 2;
	moved = reallocarray(bounds->at, bigger, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	bounds->at = moved;
	bounds->capacity = bigger;
	return 0;
}

bool catalog_bound(struct lm_catalog *catalog, uint64_t serial, struct cells *ret_cells)
{
	for (size_t i = catalog->count; i > 0; i--)
		if (serial < catalog->parts[i - 1]->meta.next_serial &&
		    part_cells(catalog, catalog->parts[i - 1], TABLE_BOUNDS, serial, ret_cells))
			return true;
	return false;
}

static struct lm_catalog_bound bound_of_cells(const struct cells *cells)
{
	const uint64_t *at = cells->at;
	bool open = at[BOUND_FLAGS] & BOUND_OPEN;

	return (struct lm_catalog_bound){
		.name = (lm_object_id)at[BOUND_NAME], .file = (lm_object_id)at[BOUND_FILE],
		.begin_ns = at[BOUND_BEGIN],
		.end_ns = open ? UINT64_MAX : at[BOUND_BEGIN] + at[BOUND_LENGTH],
		.event = at[BOUND_EVENT], .claimed = at[BOUND_FLAGS] & BOUND_CLAIMED,
	};
}

/* What is known of a name in the end decides whether it was only claimed. */
static bool name_is_claimed(struct lm_catalog *catalog, lm_object_id name)
{
	const struct object_row *row = catalog_row(catalog, name);

	return row && row->flags & LM_OBJECT_CLAIMED;
}

/* In order of begin, then of end, then as they were made. */
static int compare_bounds(const void *a, const void *b)
{
	const struct lm_catalog_bound *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->end_ns < y->end_ns ? -1 : x->end_ns > y->end_ns;
}

static void sort_bounds(struct lm_catalog_bound *at, size_t count)
{
	/* As a rule there is one, or they come in order; equal ones stay as they are. */
	for (size_t i = 1; i < count; i++) {
		if (compare_bounds(&at[i - 1], &at[i]) <= 0)
			continue;
		qsort(at, count, sizeof(*at), compare_bounds);
		return;
	}
}

static int append_bounds(struct lm_catalog *catalog, uint64_t id, bool of_file,
			 const struct values *serials, struct lm_catalog_bounds *out)
{
	size_t start = out->count;
	struct cells cells;

	if (reserve_bounds(out, out->count + serials->count) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < serials->count; i++) {
		if (!catalog_bound(catalog, serials->at[i], &cells) ||
		    cells.at[of_file ? BOUND_FILE : BOUND_NAME] != id)
			continue;
		out->at[out->count++] = bound_of_cells(&cells);
	}
	for (size_t i = start; i < out->count; i++)
		if (!out->at[i].claimed)
			out->at[i].claimed = name_is_claimed(catalog, out->at[i].name);
	if (out->count > start + 1)
		sort_bounds(out->at + start, out->count - start);
	return 0;
}

static int read_bounds(struct lm_catalog *catalog, uint64_t id, bool of_file,
		       struct lm_catalog_bounds *out)
{
	struct values serials LM_CLEANUP(values_release) = { .at = NULL };
	int r = catalog_values(catalog, of_file ? LOOKUP_BOUND_OF_FILE : LOOKUP_BOUND_OF_NAME, id,
			       id, &serials);

	return r < 0 ? r : append_bounds(catalog, id, of_file, &serials, out);
}

/* What was asked lately is kept. NULL: no memory. */
static const struct lm_catalog_bounds *find_bounds(struct lm_catalog *catalog, lm_object_id id,
						   bool of_file)
{
	uint64_t hash = lm_hash_mix((uint64_t)id << 1 | of_file);
	struct run_memo *memo = &catalog->runs[hash % RUN_SLOTS];

	if (memo->id == id && memo->of_file == of_file && id)
		return &memo->bounds;
	memo->id = 0;
	memo->bounds.count = 0;
	if (id && read_bounds(catalog, id, of_file, &memo->bounds) < 0)
		return NULL;
	memo->id = id;
	memo->of_file = of_file;
	return &memo->bounds;
}

static int copy_bounds(struct lm_catalog *catalog, lm_object_id id, bool of_file,
		       struct lm_catalog_bounds *out)
{
	const struct lm_catalog_bounds *found = find_bounds(catalog, id, of_file);

	if (!found || reserve_bounds(out, out->count + found->count) < 0)
		return -ENOMEM;
	if (found->count > 0)
		memcpy(out->at + out->count, found->at, found->count * sizeof(*found->at));
	out->count += found->count;
	return 0;
}

int lm_catalog_bounds_of_name(struct lm_catalog *catalog, lm_object_id name,
			      struct lm_catalog_bounds *out)
{
	return copy_bounds(catalog, name, false, out);
}

int lm_catalog_bounds_of_file(struct lm_catalog *catalog, lm_object_id file,
			      struct lm_catalog_bounds *out)
{
	return copy_bounds(catalog, file, true, out);
}

static int rank_bound(const struct lm_catalog_bound *bound, uint64_t t_ns)
{
	return (bound->end_ns > t_ns ? 2 : 0) + (bound->claimed ? 0 : 1);
}

static const struct lm_catalog_bound *bound_at(const struct lm_catalog_bounds *bounds,
					       uint64_t t_ns)
{
	const struct lm_catalog_bound *best = NULL;
	size_t low = 0, high = bounds->count, looked = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bounds->at[middle].begin_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && looked < LOOK_BACK_MAX; i--, looked++) {
		const struct lm_catalog_bound *bound = &bounds->at[i - 1];
		int rank = rank_bound(bound, t_ns);

		if (!best || rank > rank_bound(best, t_ns) ||
		    (rank == rank_bound(best, t_ns) && bound->end_ns > best->end_ns))
			best = bound;
	}
	return best ? best : &bounds->at[0];
}

static int find_at(struct lm_catalog *catalog, lm_object_id id, bool of_file, uint64_t t_ns,
		   struct lm_catalog_bound *ret_bound)
{
	const struct lm_catalog_bounds *found = find_bounds(catalog, id, of_file);

	if (!found)
		return -ENOMEM;
	if (found->count == 0)
		return -ENOENT;
	*ret_bound = *bound_at(found, t_ns);
	return 0;
}

int lm_catalog_bound_of_name_at(struct lm_catalog *catalog, lm_object_id name, uint64_t t_ns,
				struct lm_catalog_bound *ret_bound)
{
	return find_at(catalog, name, false, t_ns, ret_bound);
}

int lm_catalog_bound_of_file_at(struct lm_catalog *catalog, lm_object_id file, uint64_t t_ns,
				struct lm_catalog_bound *ret_bound)
{
	return find_at(catalog, file, true, t_ns, ret_bound);
}
