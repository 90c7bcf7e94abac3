/* SPDX-License-Identifier: MIT */
#include "index-private.h"

#include "lemona/base/error.h"

/*
 * Influences out of a store: the rows of one object are read when it is first asked about, and
 * kept in both orders of questions.
 */

/* Influences into an object, or out of it. */
struct links_list {
	struct lm_link *at;
	size_t count, capacity;
};

/* Rows of several events, which a moment may cut in two. */
struct links_cache {
	struct lm_map lists; /* object << 1 | into -> place */
	TABLE(struct links_list *, all);
	TABLE(struct lm_row, runs); /* [0] is none */
};

struct links_cache *links_cache_free(struct links_cache *cache)
{
	if (!cache)
		return NULL;
	for (size_t i = 0; i < cache->all.count; i++) {
		free(cache->all.at[i]->at);
		free(cache->all.at[i]);
	}
	free(cache->all.at);
	free(cache->runs.at);
	lm_map_release(&cache->lists);
	free(cache);
	return NULL;
}

static struct lm_link make_link(const struct lm_row *row, const struct lm_dependency *d,
				uint8_t ordinal, uint64_t until_ns)
{
	const struct lm_event event = lm_row_event(row);

	return (struct lm_link){
		.begin_ns = row->begin_ns,
		.end_ns = d->flags & LM_DEPENDENCY_OPEN_ENDED ? until_ns : row->end_ns,
		.source = d->source, .sink = d->sink, .event = row->event,
		.bytes = lm_op_moves_bytes(row->op) && row->result > 0 ? (uint64_t)row->result : 0,
		.error = lm_event_failed(&event) ? (uint16_t)-row->result : 0,
		.count = row->count, .op = row->op, .event_flags = row->flags,
		.control = d->control, .flags = d->flags, .key = row->event << 3 | ordinal,
	};
}

static int keep_run(struct links_cache *cache, const struct lm_row *row, uint32_t *ret_run)
{
	size_t count = cache->runs.count;

	if (count >= UINT32_MAX ||
	    lm_array_reserve(cache->runs.at, cache->runs.capacity, count + 1) < 0)
		return -ENOMEM;
	cache->runs.at[count] = *row;
	cache->runs.count = count + 1;
	*ret_run = (uint32_t)count;
	return 0;
}

static int add_row(const struct lm_index *index, struct links_list *list,
		   const struct lm_row *row, lm_object_id id, bool into, uint32_t part)
{
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];
	struct lm_event event = lm_row_event(row);
	int count = lm_event_dependencies(&event, dependencies);
	uint32_t run = 0;

	for (int i = 0; i < count; i++) {
		const struct lm_dependency *d = &dependencies[i];

		if ((into ? d->sink : d->source) != id || d->source == d->sink || !d->source ||
		    !d->sink || lm_store_is_sink(index->parts.store, d->source) ||
		    lm_store_is_sink(index->parts.store, d->sink))
			continue;
		if (lm_array_reserve(list->at, list->capacity, list->count + 1) < 0 ||
		    (row->count > 1 && !run && keep_run(index->cache, row, &run) < 0))
			return -ENOMEM;
		list->at[list->count] = make_link(row, d, (uint8_t)i,
			d->flags & LM_DEPENDENCY_OPEN_ENDED ?
				lm_store_until(index->parts.store, part, row) : 0);
		list->at[list->count++].run = run;
	}
	return 0;
}

static bool may_concern(const struct lm_row *row, lm_object_id id)
{
	return row->actor == id || row->object == id || row->object2 == id || row->name == id ||
	       row->name2 == id || id == LM_OBJECT_KERNEL;
}

static int read_rows(const struct lm_index *index, struct links_list *list, lm_object_id id,
		     bool into)
{
	struct lm_store_cursor cursor LM_CLEANUP(lm_store_cursor_release);
	const struct lm_row *rows;
	uint8_t role = into ? 1u << LM_ROWS_INTO : 1u << LM_ROWS_OUT_OF;
	int r = lm_store_find(index->parts.store, id, role, 0, UINT64_MAX, &cursor);

	while (r == 0 && (r = lm_store_next(&cursor, &rows)) > 0) {
		int count = r;

		r = 0;
		for (int i = 0; i < count && r == 0; i++) {
			if (may_concern(&rows[i], id))
				r = add_row(index, list, &rows[i], id, into, cursor.part);
		}
	}
	return r;
}

static int compare_keys(const struct lm_link *x, const struct lm_link *y)
{
	return x->key < y->key ? -1 : x->key > y->key;
}

static int compare_begin(const void *a, const void *b)
{
	const struct lm_link *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return compare_keys(x, y);
}

static int compare_end(const void *a, const void *b)
{
	const struct lm_link *x = a, *y = b;

	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return compare_keys(x, y);
}

static int make_list(const struct lm_index *index, lm_object_id id, bool into, uint64_t key)
{
	struct links_cache *cache = index->cache;
	struct links_list *list;
	size_t place = cache->all.count;
	int r;

	if (lm_array_reserve(cache->all.at, cache->all.capacity, place + 1) < 0)
		return -ENOMEM;
	list = calloc(1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	cache->all.at[cache->all.count++] = list;
	r = read_rows(index, list, id, into);
	if (list->count > 1)
		qsort(list->at, list->count, sizeof(*list->at),
		      into ? compare_begin : compare_end);
	/* What could be read is better than nothing, and the index says that it is not all. */
	if (r < 0)
		index_fail(index, r);
	return lm_map_put(&cache->lists, key, place);
}

static const struct links_list *find_list(const struct lm_index *index, lm_object_id id, bool into)
{
	struct lm_index *mutable = (struct lm_index *)(uintptr_t)index;
	uint64_t key = (uint64_t)id << 1 | into;
	const uint64_t *place;

	if (!index->cache) {
		mutable->cache = calloc(1, sizeof(*index->cache));
		if (!index->cache ||
		    lm_array_reserve(index->cache->runs.at, index->cache->runs.capacity, 1) < 0) {
			index_fail(index, -ENOMEM);
			return NULL;
		}
		index->cache->runs.count = 1;
	}
	place = lm_map_get(&index->cache->lists, key);
	if (!place && make_list(index, id, into, key) < 0) {
		index_fail(index, -ENOMEM);
		return NULL;
	}
	place = lm_map_get(&index->cache->lists, key);
	return place ? index->cache->all.at[*place] : NULL;
}

struct lm_links links_of_store(const struct lm_index *index, lm_object_id id, bool into,
			       uint64_t before_ns, uint64_t after_ns)
{
	const struct links_list *list = id ? find_list(index, id, into) : NULL;
	uint32_t low = 0, high;

	if (!list)
		return (struct lm_links){ .index = index };
	high = (uint32_t)list->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct lm_link *link = &list->at[middle];

		if (into ? link->begin_ns < before_ns : link->end_ns <= after_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return (struct lm_links){
		.index = index, .before_ns = before_ns, .after_ns = after_ns,
		.at = into ? list->at : list->at + low,
		.count = into ? low : (uint32_t)list->count - low,
	};
}

struct lm_link link_of_store(const struct lm_links *links, uint32_t i)
{
	struct lm_link link = ((const struct lm_link *)links->at)[i];
	const struct lm_index *index = links->index;
	struct lm_row clipped;
	int r;

	if (!link.run || link.flags & LM_DEPENDENCY_OPEN_ENDED ||
	    (link.end_ns <= links->before_ns && link.begin_ns >= links->after_ns))
		return link;
	r = lm_store_clip(index->parts.store, &index->cache->runs.at[link.run], links->before_ns,
			  links->after_ns, &clipped);
	if (r < 0) {
		/* The run as a whole: too early or too late by a few milliseconds, never missed. */
		index_fail(index, r);
		return link;
	}
	if (clipped.count == 0)
		return link;
	link.begin_ns = clipped.begin_ns;
	link.end_ns = clipped.end_ns;
	link.event = clipped.event;
	link.count = clipped.count;
	link.bytes = lm_op_moves_bytes(clipped.op) && clipped.result > 0 ?
			     (uint64_t)clipped.result : 0;
	return link;
}

#define LAST_PAGES_MAX 4 /* where to look for the last one that is a process */

/* The latest row of a page that begins before a moment and whose other end is a process. */
static lm_object_id last_of_page(const struct lm_index *index, const struct lm_row *rows, int count,
				 lm_object_id id, bool into, uint64_t t_ns)
{
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];
	lm_object_id found = LM_OBJECT_NONE;
	uint64_t latest = 0;

	for (int i = 0; i < count; i++) {
		int n;

		if (rows[i].begin_ns >= t_ns || rows[i].begin_ns < latest ||
		    !may_concern(&rows[i], id))
			continue;
		n = lm_row_dependencies(&rows[i], dependencies);
		for (int k = 0; k < n; k++) {
			const struct lm_dependency *d = &dependencies[k];
			lm_object_id other = into ? d->source : d->sink;

			if ((into ? d->sink : d->source) != id || !index_process(index, other))
				continue;
			found = other;
			latest = rows[i].begin_ns;
		}
	}
	return found;
}

static lm_object_id find_last(const struct lm_index *index, lm_object_id id, bool into,
			      uint64_t t_ns)
{
	struct lm_store_cursor cursor LM_CLEANUP(lm_store_cursor_release);
	const struct lm_row *rows;
	lm_object_id found = LM_OBJECT_NONE;
	uint8_t role = into ? 1u << LM_ROWS_INTO : 1u << LM_ROWS_OUT_OF;
	int r = lm_store_find(index->parts.store, id, role, 0, t_ns, &cursor);

	cursor.backward = true;
	for (int i = 0; r == 0 && i < LAST_PAGES_MAX && !found; i++) {
		int count = lm_store_next(&cursor, &rows);

		if (count < 0)
			index_fail(index, count);
		if (count <= 0)
			break;
		found = last_of_page(index, rows, count, id, into, t_ns);
	}
	return found;
}

lm_object_id last_source_of_store(const struct lm_index *index, lm_object_id id, uint64_t t_ns)
{
	return find_last(index, id, true, t_ns);
}

lm_object_id last_sink_of_store(const struct lm_index *index, lm_object_id id, uint64_t t_ns)
{
	return find_last(index, id, false, t_ns);
}
