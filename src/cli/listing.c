/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <inttypes.h>
#include <stdio.h>

void lm_listing_release(struct lm_listing *listing)
{
	listing->log = lm_log_free(listing->log);
	listing->same = lm_same_free(listing->same);
	listing->labels = lm_labels_free(listing->labels);
}

int lm_listing_open(struct lm_listing *listing, const char *path, struct lm_diag *diag)
{
	int r = lm_log_open(path, &listing->log, diag);

	if (r == 0)
		r = lm_same_new(&listing->same);
	return r < 0 ? r : lm_labels_new(&listing->labels);
}

static int take_event(struct lm_listing *listing, const struct lm_listing_sink *sink,
	const struct lm_event *event)
{
	const struct lm_event_view view = {
		.event = event,
		.labels = listing->labels,
		.wall_begin_ns = lm_cli_wall_ns(listing->log, event->begin_ns),
		.wall_end_ns = lm_cli_wall_ns(listing->log, event->end_ns),
	};
	int r = lm_labels_advance(listing->labels, event->end_ns);

	if (r == 0)
		r = lm_event_filter_match(&listing->filter, &view);
	if (r > 0)
		r = sink->event(sink->data, &view);
	if (r > 0)
		listing->events++;
	return r < 0 ? r : lm_labels_apply(listing->labels, event);
}

/* What only another process has lost is missing in no list of these ones. */
static bool touches(const struct lm_event_filter *filter, const struct lm_gap *gap)
{
	for (uint32_t i = 0; i < filter->pids.count; i++)
		if (filter->pids.at[i] == gap->tgid)
			return true;
	return !filter->pids.count || !gap->tgid;
}

static int take_gap(struct lm_listing *listing, const struct lm_listing_sink *sink,
	const struct lm_gap *gap)
{
	const struct lm_gap_view view = {
		.gap = gap,
		.wall_begin_ns = lm_cli_wall_ns(listing->log, gap->begin_ns),
		.wall_end_ns = gap->end_ns == UINT64_MAX ? 0 :
			lm_cli_wall_ns(listing->log, gap->end_ns),
	};
	int r;

	if (!lm_event_filter_match_gap(&listing->filter, &view))
		return 0;
	r = sink->gap(sink->data, &view);
	if (r > 0 && touches(&listing->filter, gap)) {
		listing->gaps++;
		listing->lost += gap->count;
	}
	return r;
}

static int take_content(struct lm_listing *listing, const struct lm_listing_sink *sink,
	const struct lm_object *object)
{
	const struct lm_event_filter *filter = &listing->filter;
	const struct lm_content *content = &object->content;
	const struct lm_content_view view = {
		.content = content,
		.labels = listing->labels,
		.wall_ns = lm_cli_wall_ns(listing->log, object->time_ns),
		.wall_changed_ns = content->changed_ns ?
			lm_cli_wall_ns(listing->log, content->changed_ns) : 0,
	};

	if (lm_event_filter_is_narrow(filter) || view.wall_ns > filter->until_wall_ns ||
		view.wall_ns < filter->since_wall_ns)
		return 0;
	return sink->content(sink->data, &view);
}

static int take_item(struct lm_listing *listing, const struct lm_listing_sink *sink,
	const struct lm_item *item)
{
	int r;

	switch (item->kind) {
	case LM_ITEM_EVENT:
		return take_event(listing, sink, &item->event);
	case LM_ITEM_GAP:
		return take_gap(listing, sink, &item->gap);
	default:
		r = lm_labels_add(listing->labels, item);
		if (r == 0 && item->kind == LM_ITEM_OBJECT &&
			item->object.kind == LM_OBJECT_KIND_CONTENT)
			r = take_content(listing, sink, &item->object);
		return r;
	}
}

static bool is_over(const struct lm_listing *listing)
{
	return (listing->limit && listing->events >= listing->limit) ||
	       (listing->stop && *listing->stop);
}

int lm_listing_walk(struct lm_listing *listing, const struct lm_listing_sink *sink)
{
	struct lm_item item;
	int r;

	while (!is_over(listing)) {
		r = lm_log_next(listing->log, &item);
		if (r <= 0)
			return r;
		r = lm_same_apply(listing->same, &item);
		if (r > 0)
			r = take_item(listing, sink, &item);
		if (r < 0)
			return r;
	}
	return 1;
}

int lm_listing_report(const struct lm_listing *listing)
{
	const char *damage = lm_log_damage(listing->log);
	const bool one = listing->gaps == 1;
	char missing[64] = "an unknown number of events is missing";
	char gaps[160] = "";

	if (listing->lost)
		snprintf(missing, sizeof(missing), "at least %" PRIu64 " events are missing",
			listing->lost);
	if (listing->gaps)
		snprintf(gaps, sizeof(gaps), "%" PRIu64 " gap%s touch%s what was listed: %s",
			listing->gaps, one ? "" : "s", one ? "es" : "", missing);
	if (damage || gaps[0])
		lm_cli_say("%s%s%s", damage ? damage : "", damage && gaps[0] ? "; " : "", gaps);
	return damage ? LM_EXIT_DAMAGED : LM_EXIT_OK;
}
