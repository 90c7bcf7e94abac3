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
	index->parts = (struct lm_parts)LM_PARTS_INIT;
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
	lm_parts_release(&index->parts);
	free(index);
	return NULL;
}

static void free_index(struct lm_index **index)
{
	lm_index_free(*index);
}

static int begin(struct lm_index *index)
{
	return index->indexer ? 0 : lm_indexer_new(-1, no_log, &index->indexer);
}

int lm_index_add(struct lm_index *index, const struct lm_item *item)
{
	struct lm_summary *summary = &index->parts.summary;
	struct lm_log_place place = { .events = 1 };
	struct lm_item copy = *item;
	struct lm_event *event = &copy.event;
	int r;

	if (index->finished)
		return -EBUSY;
	if (item->kind < LM_ITEM_OBJECT || item->kind > LM_ITEM_GAP)
		return -LM_E_DAMAGED;
	if (item->kind == LM_ITEM_GAP)
		return lm_summary_gap(summary, &item->gap);
	r = begin(index);
	if (r < 0 || item->kind != LM_ITEM_EVENT)
		return r < 0 ? r : lm_indexer_add(index->indexer, item, &place);
	if (event->begin_ns > event->end_ns)
		event->begin_ns = event->end_ns;
	if (event->id == 0)
		event->id = summary->event_count + 1;
	place.first_event = event->id;
	lm_summary_event(summary, event);
	/* What stands beside the actions influences nothing. */
	return lm_op_is_aside(event->op) ? 0 : lm_indexer_add(index->indexer, &copy, &place);
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

int lm_index_add_wall_offset(struct lm_index *index, uint64_t from_ns, int64_t offset_ns)
{
	return lm_summary_offset(&index->parts.summary, from_ns, offset_ns);
}

int lm_index_finish(struct lm_index *index)
{
	int r;

	if (index->finished)
		return -EBUSY;
	index->finished = true;
	r = begin(index);
	if (r == 0)
		r = lm_indexer_finish(index->indexer, &index->parts.store, &index->parts.catalog);
	index->indexer = lm_indexer_free(index->indexer);
	return r;
}

int lm_index_load(struct lm_log *log, struct lm_index **ret_index, struct lm_diag *diag)
{
	struct lm_index *index LM_CLEANUP(free_index) = NULL;
	int r = lm_index_new(&index);

	if (r < 0)
		return lm_diag_errno(diag, r, "The log could not be read");
	index->finished = true;
	lm_index_set_host(index, lm_log_meta(log)->host);
	if (strcmp(lm_log_meta(log)->attach, "imported") == 0)
		lm_index_set_imported(index, lm_log_meta(log)->recorder);
	r = lm_parts_open(log, &index->parts, diag);
	if (r == 0)
		r = lm_parts_make(log, &index->parts, diag);
	if (r < 0)
		return r;
	*ret_index = lm_take_ptr(index);
	return 0;
}
