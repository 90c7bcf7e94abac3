/* SPDX-License-Identifier: MIT */
#include "heard.h"

static struct heard *free_heard(struct heard *heard)
{
	if (!heard)
		return NULL;
	free(heard->runs);
	free(heard->by_channel);
	lm_map_release(&heard->opened);
	free(heard);
	return NULL;
}

static void drop_heard(struct heard **heard)
{
	free_heard(*heard);
}

void heard_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->heard.count; i++)
		free_heard(walk->heard.at[i]);
	free(walk->heard.at);
	lm_map_release(&walk->heard_of);
}

static int add_input(struct heard *heard, const struct lm_link *link, uint32_t position)
{
	struct heard_run *last = heard->count ? &heard->runs[heard->count - 1] : NULL;

	if (last && last->channel == link->source) {
		last->last = position;
		return 0;
	}
	if (lm_array_reserve(heard->runs, heard->capacity, heard->count + 1) < 0)
		return -ENOMEM;
	heard->runs[heard->count++] = (struct heard_run){
		.channel = link->source, .first = position, .last = position,
		.begin_ns = link->begin_ns,
	};
	return 0;
}

static int compare_runs(const void *a, const void *b, void *data)
{
	const struct heard *heard = data;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	lm_object_id x = heard->runs[i].channel, y = heard->runs[j].channel;

	if (x != y)
		return x < y ? -1 : 1;
	return i < j ? -1 : i > j;
}

static int order_by_channel(struct heard *heard)
{
	heard->by_channel = lm_array_new(heard->count, sizeof(*heard->by_channel));
	if (!heard->by_channel)
		return -ENOMEM;
	for (uint32_t i = 0; i < heard->count; i++)
		heard->by_channel[i] = i;
	if (heard->count > 1)
		qsort_r(heard->by_channel, heard->count, sizeof(*heard->by_channel), compare_runs,
			heard);
	return 0;
}

static int read_inputs(struct walk *walk, lm_object_id server, struct heard *heard)
{
	struct lm_links links = lm_index_incoming(walk->index, server, UINT64_MAX);
	bool low = !walk_filters(walk, LM_FILTER_LOW_CONTROL);
	int r = 0;

	for (uint32_t i = 0; i < links.count && r == 0; i++) {
		const struct lm_link link = lm_links_get(&links, i);

		if (!inputs_is_channel(walk, link.source))
			continue;
		/* That somebody listens is all that a connect tells: it is no input. */
		if (link.op == LM_OP_CONNECT)
			r = lm_map_put(&heard->opened, link.source, 1);
		if (r == 0 && (link.control == LM_CONTROL_HIGH || low))
			r = add_input(heard, &link, i);
	}
	return r < 0 ? r : order_by_channel(heard);
}

const struct heard *heard_by(struct walk *walk, lm_object_id server)
{
	const uint64_t *place = lm_map_get(&walk->heard_of, server);
	struct heard *heard LM_CLEANUP(drop_heard) = NULL;
	size_t count = walk->heard.count;

	if (place)
		return walk->heard.at[*place];
	heard = calloc(1, sizeof(*heard));
	if (!heard || read_inputs(walk, server, heard) < 0 ||
	    lm_array_reserve(walk->heard.at, walk->heard.capacity, count + 1) < 0 ||
	    lm_map_put(&walk->heard_of, server, count) < 0)
		return NULL;
	walk->heard.count = count + 1;
	walk->heard.at[count] = lm_take_ptr(heard);
	return walk->heard.at[count];
}

size_t heard_before(const struct heard *heard, uint32_t position)
{
	size_t low = 0, high = heard->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (heard->runs[middle].first < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t heard_from(const struct heard *heard, lm_object_id channel, size_t count)
{
	size_t low = 0, high = heard->count;

	/* The first place of a run of this channel that is not among them. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t run = heard->by_channel[middle];
		lm_object_id of = heard->runs[run].channel;

		if (of < channel || (of == channel && run < count))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || heard->runs[heard->by_channel[low - 1]].channel != channel)
		return 0;
	return heard->by_channel[low - 1] + 1;
}
