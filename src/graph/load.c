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

static int read_items(struct lm_log *log, struct lm_index *index, struct lm_diag *diag)
{
	uint64_t sampled_ns = lm_log_meta(log)->start_ns;
	struct lm_log_place place;
	struct lm_item item;
	int r = lm_same_new(&index->same);

	if (r == 0)
		r = lm_index_add_wall_offset(index, 0, lm_log_wall_offset_ns(log, sampled_ns));
	while (r == 0 && (r = lm_log_next(log, &item)) > 0) {
		uint64_t time_ns = time_of_item(&item);

		r = lm_same_apply(index->same, &item);
		lm_log_place(log, &place);
		if (r > 0)
			r = index_add_at(index, &item, &place);
		if (r == 0 && time_ns > sampled_ns && time_ns - sampled_ns >= OFFSET_EVERY_NS) {
			sampled_ns = time_ns;
			r = lm_index_add_wall_offset(index, time_ns,
						     lm_log_wall_offset_ns(log, time_ns));
		}
	}
	return r < 0 ? lm_diag_errno(diag, r, "The log could not be read into memory") : 0;
}

/* Where rows do not tell all, the log's own frames do. */
static int read_events_from(struct lm_log *log, struct lm_index *index)
{
	struct lm_log_events *events = NULL;
	int r = lm_log_events_new(log, &events);

	if (r < 0)
		return r;
	lm_store_set_events(index->store, events);
	lm_store_set_same(index->store, index->same);
	return 0;
}

int lm_index_load(struct lm_log *log, struct lm_index **ret_index, struct lm_diag *diag)
{
	struct lm_index *index LM_CLEANUP(free_index) = NULL;
	int r = lm_index_new(&index);

	if (r == 0)
		r = index_begin(index, lm_log_identity(log));
	if (r < 0)
		return lm_diag_errno(diag, r, "The log could not be read into memory");
	lm_index_set_host(index, lm_log_meta(log)->host);
	if (strcmp(lm_log_meta(log)->attach, "imported") == 0)
		lm_index_set_imported(index, lm_log_meta(log)->recorder);
	r = read_items(log, index, diag);
	if (r < 0)
		return r;
	if (lm_log_state(log) == LM_LOG_CUT)
		lm_index_set_cut(index);
	r = lm_index_finish(index);
	if (r == 0)
		r = read_events_from(log, index);
	if (r < 0)
		return lm_diag_errno(diag, r, "The log could not be indexed");
	*ret_index = lm_take_ptr(index);
	return 0;
}
