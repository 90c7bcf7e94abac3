/* SPDX-License-Identifier: MIT */
#include "index-private.h"

/*
 * From events to influences: the dependency table applied to every event,
 * mappings closed where they end, and both adjacencies built.
 */

/* A mapping made or undone, to be put in order per process and object. */
struct mark {
	lm_object_id actor, object;
	uint64_t time_ns;
	uint32_t first_link, link_count; /* none: an unmapping */
	bool counts;                     /* adds a mapping of its own (an mprotect does not) */
};

struct marks {
	struct mark *at;
	size_t count, capacity;
};

static void release_marks(struct marks *marks)
{
	free(marks->at);
}

static bool conducts_nothing(const struct lm_index *index, lm_object_id id)
{
	const struct lm_file *file = index_file(index, id);

	return file && lm_file_is_sink(file);
}

static int add_link(struct lm_index *index, const struct kept_link *link)
{
	if (index->links.count >= UINT32_MAX - 1)
		return -ENOMEM;
	if (lm_array_reserve(index->links.at, index->links.capacity, index->links.count + 1) < 0)
		return -ENOMEM;
	index->links.at[index->links.count++] = *link;
	if (link->begin_ns < index->first_ns)
		index->first_ns = link->begin_ns;
	return 0;
}

static int add_mark(struct marks *marks, const struct mark *mark)
{
	if (lm_array_reserve(marks->at, marks->capacity, marks->count + 1) < 0)
		return -ENOMEM;
	marks->at[marks->count++] = *mark;
	return 0;
}

/* The links of one event; *ret_open: how many of them have no end yet. */
static int add_event_links(struct lm_index *index, uint32_t position, uint32_t *ret_open)
{
	const struct lm_event *event = &index->events.at[position];
	struct lm_dependency dependencies[LM_DEPENDENCIES_MAX];
	int count = lm_event_dependencies(event, dependencies);
	uint32_t open = 0;

	for (int i = 0; i < count; i++) {
		const struct lm_dependency *d = &dependencies[i];
		struct kept_link link = {
			.begin_ns = event->begin_ns, .end_ns = event->end_ns,
			.source = d->source, .sink = d->sink,
			.event = position, .op = event->op,
			.control = d->control, .flags = d->flags, .ordinal = (uint8_t)i,
		};
		int r;

		if (!d->source || !d->sink || d->source == d->sink)
			continue;
		if (conducts_nothing(index, d->source) || conducts_nothing(index, d->sink))
			continue;
		r = add_link(index, &link);
		if (r < 0)
			return r;
		open += (d->flags & LM_DEPENDENCY_OPEN_ENDED) != 0;
	}
	*ret_open = open;
	return 0;
}

static int add_all_links(struct lm_index *index, struct marks *marks)
{
	for (uint32_t i = 0; i < index->events.count; i++) {
		const struct lm_event *event = &index->events.at[i];
		uint32_t first = (uint32_t)index->links.count, open;
		int r = add_event_links(index, i, &open);
		struct mark mark = {
			.actor = event->actor, .object = event->object,
			.time_ns = event->end_ns, .first_link = first,
			.link_count = (uint32_t)index->links.count - first,
			.counts = event->op == LM_OP_MMAP,
		};

		if (r < 0)
			return r;
		if (event->op == LM_OP_MUNMAP && !lm_event_failed(event))
			mark.link_count = 0;
		else if (open == 0)
			continue;
		r = add_mark(marks, &mark);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_marks(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->actor != y->actor)
		return x->actor < y->actor ? -1 : 1;
	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->first_link < y->first_link ? -1 : x->first_link > y->first_link;
}

/* When each process version executed something else or exited; UINT64_MAX: never in sight. */
static uint64_t *find_version_ends(const struct lm_index *index)
{
	uint64_t *ends = lm_array_new(index->objects.count, sizeof(*ends));

	if (!ends)
		return NULL;
	for (size_t i = 0; i < index->objects.count; i++)
		ends[i] = UINT64_MAX;
	for (size_t i = 0; i < index->events.count; i++) {
		const struct lm_event *event = &index->events.at[i];
		bool is_end =
			event->op == LM_OP_EXIT ||
			(event->op == LM_OP_EXEC && event->object2 && !lm_event_failed(event));

		if (is_end && event->end_ns < ends[event->actor])
			ends[event->actor] = event->end_ns;
	}
	return ends;
}

static void close_links(struct lm_index *index, const struct mark *mark, uint64_t end_ns)
{
	for (uint32_t i = mark->first_link; i < mark->first_link + mark->link_count; i++) {
		struct kept_link *link = &index->links.at[i];

		if ((link->flags & LM_DEPENDENCY_OPEN_ENDED) && link->end_ns < end_ns)
			link->end_ns = end_ns;
	}
}

/*
 * Mappings of one object in one process. Which of several an unmapping undid is
 * not known, so all of them last until as many were undone as were made.
 */
static void close_run(struct lm_index *index, const struct mark *run, size_t count, uint64_t end_ns)
{
	size_t oldest = 0, live = 0;

	for (size_t i = 0; i < count; i++) {
		if (run[i].link_count > 0) {
			live += run[i].counts;
			continue;
		}
		if (live > 0 && --live > 0)
			continue;
		for (; oldest < i; oldest++)
			close_links(index, &run[oldest], run[i].time_ns);
	}
	for (; oldest < count; oldest++)
		close_links(index, &run[oldest], end_ns);
}

static int close_open_links(struct lm_index *index, struct marks *marks)
{
	uint64_t *ends LM_FREE = find_version_ends(index);

	if (!ends)
		return -ENOMEM;
	if (marks->count > 0)
		qsort(marks->at, marks->count, sizeof(*marks->at), compare_marks);
	for (size_t i = 0, next; i < marks->count; i = next) {
		const struct mark *first = &marks->at[i];
		uint64_t end_ns = ends[first->actor];

		next = i + 1;
		while (next < marks->count && marks->at[next].actor == first->actor &&
		       marks->at[next].object == first->object)
			next++;
		/* Memory shared with a child: until either of the two leaves it. */
		if (lm_index_kind(index, first->object) == LM_OBJECT_KIND_PROCESS &&
		    ends[first->object] < end_ns)
			end_ns = ends[first->object];
		close_run(index, first, next - i, end_ns);
	}
	return 0;
}

static lm_object_id sink_of(const struct lm_index *index, size_t i)
{
	return index->links.at[i].sink;
}

static lm_object_id source_of(const struct lm_index *index, size_t i)
{
	return index->links.at[i].source;
}

static int compare_begin(const void *a, const void *b, void *data)
{
	const struct lm_index *index = data;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	uint64_t x = index->links.at[i].begin_ns, y = index->links.at[j].begin_ns;

	if (x != y)
		return x < y ? -1 : 1;
	return i < j ? -1 : i > j;
}

static int compare_end(const void *a, const void *b, void *data)
{
	const struct lm_index *index = data;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	uint64_t x = index->links.at[i].end_ns, y = index->links.at[j].end_ns;

	if (x != y)
		return x < y ? -1 : 1;
	return i < j ? -1 : i > j;
}

/* Events come nearly in order, so most rows are sorted already. */
static void sort_rows(struct lm_index *index, struct rows *rows,
		      int (*compare)(const void *, const void *, void *))
{
	for (size_t row = 1; row < index->objects.count; row++) {
		uint32_t *at = rows->at + rows->start[row];
		uint32_t count = rows->start[row + 1] - rows->start[row];
		uint32_t i = 1;

		while (i < count && compare(&at[i - 1], &at[i], index) <= 0)
			i++;
		if (i < count)
			qsort_r(at, count, sizeof(*at), compare, index);
	}
}

int index_build_links(struct lm_index *index)
{
	struct marks marks LM_CLEANUP(release_marks) = { .at = NULL };
	int r = add_all_links(index, &marks);

	if (r == 0)
		r = close_open_links(index, &marks);
	if (r == 0)
		r = rows_build(&index->incoming, index->objects.count, index->links.count, sink_of,
			       index);
	if (r == 0)
		r = rows_build(&index->outgoing, index->objects.count, index->links.count,
			source_of, index);
	if (r < 0)
		return r;
	sort_rows(index, &index->incoming, compare_begin);
	sort_rows(index, &index->outgoing, compare_end);
	return 0;
}
