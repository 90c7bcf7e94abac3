/* SPDX-License-Identifier: MIT */
#include "index-private.h"

#include "lemona/base/error.h"

/* Items of a log that somebody makes by hand have no place in a file: each event is a frame. */
static const uint8_t no_log[LM_PART_IDENTITY_BYTES];

int lm_index_new(struct lm_index **ret_index)
{
	struct lm_index *index = calloc(1, sizeof(*index));

	if (!index)
		return -ENOMEM;
	index->first_ns = UINT64_MAX;
	*ret_index = index;
	return 0;
}

struct lm_index *lm_index_free(struct lm_index *index)
{
	if (!index)
		return NULL;
	known_release(index);
	links_cache_free(index->cache);
	lm_indexer_free(index->indexer);
	lm_store_free(index->store);
	lm_catalog_free(index->catalog);
	lm_same_free(index->same);
	free(index->gaps.at);
	free(index->offsets.at);
	free(index);
	return NULL;
}

/* Some tens of MiB each. */
#define LINKS_KEPT   500000u
#define OBJECTS_KEPT 100000u

void lm_index_trim(struct lm_index *index)
{
	if (links_cache_size(index->cache) > LINKS_KEPT)
		index->cache = links_cache_free(index->cache);
	if (known_size(index) > OBJECTS_KEPT)
		known_release(index);
}

int index_begin(struct lm_index *index, const uint8_t log_id[LM_PART_IDENTITY_BYTES])
{
	return lm_indexer_new(-1, log_id, &index->indexer);
}

static void widen_span(struct lm_index *index, uint64_t begin_ns, uint64_t end_ns)
{
	if (begin_ns < index->first_ns)
		index->first_ns = begin_ns;
	if (end_ns > index->last_ns)
		index->last_ns = end_ns;
}

/* A log begins with the first thing that may have influenced something. */
static void note_event(struct lm_index *index, const struct lm_event *event)
{
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];

	widen_span(index, event->end_ns, event->end_ns);
	if (lm_op_is_aside(event->op))
		return;
	index->event_count++;
	if (event->begin_ns < index->first_ns && lm_event_dependencies(event, dependencies) > 0)
		index->first_ns = event->begin_ns;
}

static int add_gap(struct lm_index *index, const struct lm_gap *gap)
{
	if (lm_array_reserve(index->gaps.at, index->gaps.capacity, index->gaps.count + 1) < 0)
		return -ENOMEM;
	index->gaps.at[index->gaps.count++] = *gap;
	return 0;
}

int index_add_at(struct lm_index *index, const struct lm_item *item,
		 const struct lm_log_place *place)
{
	if (item->kind == LM_ITEM_GAP)
		return add_gap(index, &item->gap);
	if (item->kind == LM_ITEM_EVENT) {
		note_event(index, &item->event);
		/* What stands beside the actions influences nothing. */
		if (lm_op_is_aside(item->event.op))
			return 0;
	}
	return lm_indexer_add(index->indexer, item, place);
}

int lm_index_add(struct lm_index *index, const struct lm_item *item)
{
	struct lm_log_place place = { .events = 1 };
	struct lm_item copy = *item;
	int r = 0;

	if (index->finished)
		return -EBUSY;
	if (item->kind < LM_ITEM_OBJECT || item->kind > LM_ITEM_GAP)
		return -LM_E_DAMAGED;
	if (!index->indexer)
		r = index_begin(index, no_log);
	if (item->kind == LM_ITEM_EVENT && copy.event.begin_ns > copy.event.end_ns)
		copy.event.begin_ns = copy.event.end_ns;
	if (item->kind == LM_ITEM_EVENT && copy.event.id == 0)
		copy.event.id = index->event_count + 1;
	place.first_event = item->kind == LM_ITEM_EVENT ? copy.event.id : 0;
	return r < 0 ? r : index_add_at(index, &copy, &place);
}

void lm_index_set_host(struct lm_index *index, const char *host)
{
	size_t len = strnlen(host, sizeof(index->host) - 1);

	memcpy(index->host, host, len);
	index->host[len] = '\0';
}

void lm_index_set_imported(struct lm_index *index, const char *tool)
{
	size_t len = strnlen(tool, sizeof(index->imported) - 1);

	memcpy(index->imported, tool, len);
	index->imported[len] = '\0';
}

void lm_index_set_cut(struct lm_index *index)
{
	index->cut = true;
}

int lm_index_add_wall_offset(struct lm_index *index, uint64_t from_ns, int64_t offset_ns)
{
	size_t count = index->offsets.count;

	if (count > 0 && index->offsets.at[count - 1].offset_ns == offset_ns)
		return 0;
	if (lm_array_reserve(index->offsets.at, index->offsets.capacity, count + 1) < 0)
		return -ENOMEM;
	index->offsets.at[index->offsets.count++] = (struct wall_offset){ from_ns, offset_ns };
	return 0;
}

int lm_index_finish(struct lm_index *index)
{
	int r = 0;

	if (index->finished)
		return -EBUSY;
	index->finished = true;
	if (index->first_ns == UINT64_MAX)
		index->first_ns = 0;
	if (!index->indexer)
		r = index_begin(index, no_log);
	if (r == 0)
		r = lm_indexer_finish(index->indexer, &index->store, &index->catalog);
	index->indexer = lm_indexer_free(index->indexer);
	return r;
}
