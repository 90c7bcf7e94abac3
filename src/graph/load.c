/* SPDX-License-Identifier: MIT */
#include "index-private.h"

#include <string.h>

#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "lemona/event/same.h"
#include "lemona/index/build.h"
#include "lemona/log/reader.h"

/* How often the recorded wall clock is sampled: steps of it shorter than this are not seen. */
#define OFFSET_EVERY_NS LM_NS_PER_SEC

static void free_index(struct lm_index **index)
{
	lm_index_free(*index);
}

static void free_indexer(struct lm_indexer **indexer)
{
	lm_indexer_free(*indexer);
}

/* The index answers from the store from now on. */
static int finish_store(struct lm_log *log, struct lm_index *index, struct lm_indexer *indexer)
{
	struct lm_log_events *events = NULL;
	struct lm_store *store = NULL;
	int r = lm_indexer_finish(indexer, &store);

	if (r < 0)
		return r;
	index->store = store;
	r = lm_log_events_new(log, &events);
	if (r < 0)
		return r;
	lm_store_set_events(store, events);
	lm_store_set_same(store, index->same);
	return 0;
}

static uint64_t time_of_item(const struct lm_item *item)
{
	switch (item->kind) {
	case LM_ITEM_EVENT:
		return item->event.end_ns;
	case LM_ITEM_OBJECT:
		return item->object.time_ns;
	default:
		return 0;
	}
}

/* To the index, and what it says of influences to the store. */
static int take_item(struct lm_log *log, struct lm_index *index, struct lm_indexer *indexer,
		     const struct lm_item *item)
{
	struct lm_log_place place;
	int r = lm_index_add(index, item);

	lm_log_place(log, &place);
	return r < 0 ? r : lm_indexer_add(indexer, item, &place);
}

static int read_items(struct lm_log *log, struct lm_index *index, struct lm_indexer *indexer,
		      struct lm_diag *diag)
{
	uint64_t sampled_ns = lm_log_meta(log)->start_ns;
	struct lm_item item;
	int r = lm_same_new(&index->same);

	if (r == 0)
		r = lm_index_add_wall_offset(index, 0, lm_log_wall_offset_ns(log, sampled_ns));
	while (r == 0 && (r = lm_log_next(log, &item)) > 0) {
		uint64_t time_ns = time_of_item(&item);

		r = lm_same_apply(index->same, &item);
		if (r > 0)
			r = take_item(log, index, indexer, &item);
		if (r == 0 && time_ns > sampled_ns && time_ns - sampled_ns >= OFFSET_EVERY_NS) {
			sampled_ns = time_ns;
			r = lm_index_add_wall_offset(index, time_ns,
						     lm_log_wall_offset_ns(log, time_ns));
		}
	}
	return r < 0 ? lm_diag_errno(diag, r, "The log could not be read into memory") : 0;
}

int lm_index_load(struct lm_log *log, struct lm_index **ret_index, struct lm_diag *diag)
{
	struct lm_index *index LM_CLEANUP(free_index) = NULL;
	struct lm_indexer *indexer LM_CLEANUP(free_indexer) = NULL;
	int r = lm_index_new(&index);

	if (r == 0)
		r = lm_indexer_new(-1, lm_log_identity(log), &indexer);
	if (r < 0)
		return lm_diag_errno(diag, r, "The log could not be read into memory");
	lm_index_set_host(index, lm_log_meta(log)->host);
	if (strcmp(lm_log_meta(log)->attach, "imported") == 0)
		lm_index_set_imported(index, lm_log_meta(log)->recorder);
	r = read_items(log, index, indexer, diag);
	if (r < 0)
		return r;
	if (lm_index_event_count(index) == 0)
		return lm_diag_set(diag, -LM_E_EMPTY,
				   "The log holds no events yet, so there is nothing to trace");
	if (lm_log_state(log) == LM_LOG_CUT)
		lm_index_set_cut(index);
	r = finish_store(log, index, indexer);
	if (r == 0)
		r = lm_index_finish(index);
	if (r < 0)
		return lm_diag_errno(diag, r, "The log could not be indexed");
	*ret_index = lm_take_ptr(index);
	return 0;
}
