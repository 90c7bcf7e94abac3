/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/event/reduce.h"
#include "lemona/event/same.h"
#include "lemona/graph/trace.h"
#include "lemona/log/reader.h"

/*
 * Holds three tellings of one stretch of time against each other: a log, its
 * twin that lm_reducer derives, and a log that was recorded at level reduced
 * beside it. From random objects at random times each must lead back and
 * forward to the same objects.
 *
 * The two recorders number objects and take the time each for itself. Objects
 * are matched by what the kernel calls them; those that only one of the two was
 * there for are left out and counted. Only what one process and its descendants do
 * is compared: each recorder sees the other and not itself, and of what older processes had
 * mapped, and when they last did anything, only one of them knows. Left out is also the
 * file behind a path that was looked at, which one of them may have known before.
 *
 * usage: compare-levels LOG REDUCED POINTS SEED PID
 * PID: started after both recorders.
 * Prints one JSON object; exit code 1 where answers differ, each in a line on
 * standard error.
 */
struct telling {
	struct lm_index *index;
	uint64_t last_ns;
	lm_object_id *other;        /* by object number: the same in the other log, or 0 */
};

struct events {
	struct lm_event *at;
	size_t count, capacity;
};

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * UINT64_C(2685821657736338717) >> 11) % below;
}

#define MUST(expression)                                                                           \
	do {                                                                                       \
		if (!(expression)) {                                                               \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);           \
			exit(2);                                                                   \
		}                                                                                  \
	} while (0)

/* The process whose doing is compared, and when the later recorder started. */
static uint32_t first_tgid;
static uint64_t both_since_ns;

/* Whether an item is an event of somebody else. `ours` holds the processes compared. */
static bool is_foreign(struct lm_map *ours, const struct lm_item *item)
{
	const struct lm_process *p = &item->object.process;

	if (item->kind == LM_ITEM_OBJECT && item->object.kind == LM_OBJECT_KIND_PROCESS &&
		p->start_ns > both_since_ns &&
		(p->tgid == first_tgid || lm_map_get(ours, p->parent)))
		MUST(lm_map_put(ours, item->object.id, 1) == 0);
	return item->kind == LM_ITEM_EVENT && !lm_map_get(ours, item->event.actor);
}

/*
 * What a foreign event tells of names is kept: one recorder may have learned from it what the
 * other one was told by the kernel's walk.
 */
static bool keep_name(struct lm_item *item)
{
	struct lm_event event = item->event;

	if (event.op != LM_OP_OPEN || !event.object || !event.name || lm_event_failed(&event))
		return false;
	*item = (struct lm_item){
		.kind = LM_ITEM_BINDING,
		.binding = { .time_ns = event.end_ns, .file = event.object, .name = event.name },
	};
	return true;
}

/* A look at a path is one at its name. */
static void forget_file(struct lm_item *item)
{
	if (item->kind == LM_ITEM_EVENT && item->event.op == LM_OP_STAT && item->event.name)
		item->event.object = LM_OBJECT_NONE;
}

static int add_to_index(void *data, const struct lm_item *item)
{
	return lm_index_add(data, item);
}

static struct lm_log *open_log(const char *path)
{
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_log *log = NULL;

	if (lm_log_open(path, &log, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		exit(2);
	}
	return log;
}

static int compare_end(const void *a, const void *b)
{
	const struct lm_event *x = a, *y = b;

	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* One log as it is, and as the rule would have had it. */
static void load_both(const char *path, struct telling *full, struct telling *twin,
	struct events *events)
{
	struct lm_log *log = open_log(path);
	struct lm_reducer *reducer = NULL;
	struct lm_same *same = NULL;
	struct lm_map ours LM_MAP = LM_MAP_INIT;
	struct lm_item item;
	int r;

	MUST(lm_index_new(&full->index) == 0 && lm_index_new(&twin->index) == 0);
	MUST(lm_same_new(&same) == 0);
	MUST(lm_reducer_new(add_to_index, twin->index, &reducer) == 0);
	while ((r = lm_log_next(log, &item)) == 1) {
		MUST((r = lm_same_apply(same, &item)) >= 0);
		if (r == 0 || (is_foreign(&ours, &item) && !keep_name(&item)))
			continue;
		forget_file(&item);
		MUST(lm_index_add(full->index, &item) == 0);
		if (item.kind != LM_ITEM_EVENT) {
			MUST(lm_reducer_add(reducer, &item) == 0);
			continue;
		}
		if (events->count == events->capacity) {
			events->capacity = events->capacity ? 2 * events->capacity : 4096;
			events->at = reallocarray(events->at, events->capacity,
				sizeof(*events->at));
			MUST(events->at);
		}
		events->at[events->count++] = item.event;
	}
	MUST(r == 0);
	lm_same_free(same);
	lm_log_free(log);
	qsort(events->at, events->count, sizeof(*events->at), compare_end);
	for (size_t i = 0; i < events->count; i++) {
		item = (struct lm_item){ .kind = LM_ITEM_EVENT, .event = events->at[i] };
		MUST(lm_reducer_add(reducer, &item) == 0);
	}
	MUST(lm_reducer_finish(reducer) == 0);
	lm_reducer_free(reducer);
	MUST(lm_index_finish(full->index) == 0 && lm_index_finish(twin->index) == 0);
	MUST(events->count > 0);
	full->last_ns = events->at[events->count - 1].end_ns;
}

static void load(const char *path, struct telling *telling)
{
	struct lm_log *log = open_log(path);
	struct lm_map ours LM_MAP = LM_MAP_INIT;
	struct lm_same *same = NULL;
	struct lm_item item;
	uint64_t first_ns;
	int r;

	MUST(lm_same_new(&same) == 0);
	MUST(lm_index_new(&telling->index) == 0);
	while ((r = lm_log_next(log, &item)) == 1) {
		MUST((r = lm_same_apply(same, &item)) >= 0);
		if (r == 0 || (is_foreign(&ours, &item) && !keep_name(&item)))
			continue;
		forget_file(&item);
		MUST(lm_index_add(telling->index, &item) == 0);
	}
	MUST(r == 0 && lm_index_finish(telling->index) == 0);
	lm_index_span(telling->index, &first_ns, &telling->last_ns);
	lm_same_free(same);
	lm_log_free(log);
}

static uint64_t start_of(const char *path)
{
	struct lm_log *log = open_log(path);
	uint64_t start_ns = lm_log_meta(log)->start_ns;

	lm_log_free(log);
	return start_ns;
}

/* What the kernel calls an object, hashed; 0: nothing that could be found again. */
static uint64_t identity(const struct lm_index *index, lm_object_id id)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	struct lm_object o;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (lm_index_object(index, id, &o) < 0)
		return 0;
	switch ((enum lm_object_kind)o.kind) {
	case LM_OBJECT_KIND_KERNEL:
		break;
	case LM_OBJECT_KIND_PROCESS:
		lm_buffer_printf(&text, "%u %" PRIu64 " %u", o.process.tgid, o.process.start_ns,
			o.process.version);
		break;
	case LM_OBJECT_KIND_FILE:
		lm_buffer_printf(&text, "%u %" PRIu64 " %u", o.file.dev, o.file.inode,
			o.file.generation);
		break;
	case LM_OBJECT_KIND_NAME:
		lm_buffer_printf(&text, "%" PRIx64 "/",
			o.name.dir ? identity(index, o.name.dir) : 0);
		lm_buffer_append_str(&text, o.name.component);
		break;
	case LM_OBJECT_KIND_SOCKET:
		lm_buffer_printf(&text, "%" PRIu64, o.socket.inode);
		break;
	case LM_OBJECT_KIND_PIPE:
		lm_buffer_printf(&text, "%" PRIu64, o.pipe.inode);
		break;
	case LM_OBJECT_KIND_MEMORY:
		lm_buffer_printf(&text, "%u %u %" PRIu64, o.memory.type, o.memory.dev,
			o.memory.inode);
		break;
	default: /* leads nowhere */
		return 0;
	}
	MUST(lm_buffer_status(&text) == 0);
	hash ^= o.kind;
	for (size_t i = 0; i < text.len; i++) /* FNV-1a */
		hash = (hash ^ text.data[i]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

/* Numbers by identity; UINT32_MAX where several have the same. */
static void collect(const struct lm_index *index, struct lm_map *ret_ids)
{
	for (lm_object_id id = 1; id <= lm_index_object_count(index); id++) {
		uint64_t key = identity(index, id);

		if (key)
			MUST(lm_map_put(ret_ids, key,
				     lm_map_get(ret_ids, key) ? UINT32_MAX : id) == 0);
	}
}

static void match(struct telling *a, struct telling *b)
{
	struct lm_map ids_a LM_MAP = LM_MAP_INIT, ids_b LM_MAP = LM_MAP_INIT;

	collect(a->index, &ids_a);
	collect(b->index, &ids_b);
	a->other = calloc(lm_index_object_count(a->index) + 1, sizeof(*a->other));
	b->other = calloc(lm_index_object_count(b->index) + 1, sizeof(*b->other));
	MUST(a->other && b->other);
	for (size_t i = 0; ids_a.slots && i <= ids_a.mask; i++) {
		uint64_t key, id;
		const uint64_t *same;

		if (!lm_map_at(&ids_a, i, &key, &id) || id == UINT32_MAX)
			continue;
		same = lm_map_get(&ids_b, key);
		if (!same || *same == UINT32_MAX)
			continue;
		a->other[id] = (lm_object_id)*same;
		b->other[*same] = (lm_object_id)id;
	}
}

struct question {
	enum lm_direction direction;
	uint32_t filters;
	lm_object_id from;
	uint64_t t_ns, since_ns, until_ns;
	uint64_t twin_t_ns; /* the twin has the very times of its log: it is asked at any */
};

/* marks[id] |= bit for each object of the answer. */
static void ask(const struct telling *telling, const struct question *q, uint8_t *marks,
	uint8_t bit)
{
	struct lm_detections from LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_trace_options options = {
		.direction = q->direction, .filters = q->filters, .from = &from,
		.since_ns = q->since_ns, .until_ns = q->until_ns,
	};
	struct lm_answer *answer = NULL;
	struct lm_answer_view view;

	MUST(lm_detections_add(&from,
		     (struct lm_detection){ q->from, q->t_ns, q->t_ns }) == 0);
	MUST(lm_trace(telling->index, &options, &answer, NULL) == 0);
	view = lm_answer_view(answer);
	for (uint32_t i = 0; i < view.node_count; i++) {
		if (view.nodes[i].object)
			marks[view.nodes[i].object] |= bit;
	}
	lm_answer_free(answer);
}

static struct {
	size_t points, questions, objects, unmatched, twin_differs, reduced_differs;
} counts;

static void report(const struct telling *full, const struct question *q, const char *who,
	lm_object_id id, bool more)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	(void)lm_index_path_at(full->index, id, UINT64_MAX - 1, 0, &path);
	fprintf(stderr, "%s has %s object %u (%s %.*s): %s from %u at %" PRIu64 ", filters %x\n",
		who, more ? "more," : "less,", id,
		lm_object_kind_name(lm_index_kind(full->index, id)), (int)path.len,
		path.len ? (const char *)path.data : "",
		q->direction == LM_BACKWARD ? "back" : "forward", q->from, q->t_ns, q->filters);
}

#define IN_FULL 1
#define IN_TWIN 2
#define IN_REDUCED 4

static void compare_twin(const struct telling *full, const struct telling *twin,
	struct question q)
{
	uint32_t count = lm_index_object_count(full->index);
	uint8_t *marks LM_FREE = calloc(count + 1, 1);

	MUST(marks);
	q.t_ns = q.twin_t_ns;
	ask(full, &q, marks, IN_FULL);
	ask(twin, &q, marks, IN_TWIN);
	for (lm_object_id id = 1; id <= count; id++) {
		if (marks[id] == 0 || marks[id] == (IN_FULL | IN_TWIN))
			continue;
		counts.twin_differs++;
		report(full, &q, "twin", id, marks[id] & IN_TWIN);
	}
}

static void compare_reduced(const struct telling *full, const struct telling *reduced,
	const struct question *q)
{
	uint32_t count = lm_index_object_count(full->index);
	uint32_t reduced_count = lm_index_object_count(reduced->index);
	uint8_t *marks LM_FREE = calloc(count + 1, 1);
	uint8_t *others LM_FREE = calloc(reduced_count + 1, 1);
	struct question elsewhere = *q;

	MUST(marks && others);
	elsewhere.from = full->other[q->from];
	ask(full, q, marks, IN_FULL);
	ask(reduced, &elsewhere, others, IN_REDUCED);
	for (lm_object_id id = 1; id <= reduced_count; id++) {
		if (!others[id])
			continue;
		if (reduced->other[id])
			marks[reduced->other[id]] |= IN_REDUCED;
		else
			counts.unmatched++;
	}
	for (lm_object_id id = 1; id <= count; id++) {
		bool in_full = marks[id] & IN_FULL, in_reduced = marks[id] & IN_REDUCED;

		counts.objects += in_full;
		if (!full->other[id]) {
			counts.unmatched += in_full;
		} else if (in_full != in_reduced) {
			counts.reduced_differs++;
			report(full, q, "reduced", id, in_reduced);
		}
	}
	counts.questions++;
}

/*
 * The two recorders note the end of a call one after the other. A time between
 * the two is before that call for the one and after it for the other.
 */
#define QUIET_NS 50000

static bool is_quiet(const struct events *events, uint64_t t_ns)
{
	size_t low = 0, high = events->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (events->at[middle].end_ns + QUIET_NS < t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low == events->count || events->at[low].end_ns > t_ns + QUIET_NS;
}

/* An object that came to be in sight of both, and a time within both logs. */
static bool draw_point(const struct telling *full, const struct events *events,
	struct question *ret_question)
{
	const struct lm_event *event = &events->at[draw(events->count)];
	const lm_object_id candidates[] = { event->actor, event->object, event->name };
	lm_object_id id = candidates[draw(LM_ARRAY_SIZE(candidates))];
	struct lm_object object;

	if (event->end_ns < ret_question->since_ns || event->end_ns > ret_question->until_ns ||
	    !id || !full->other[id] || lm_index_object(full->index, id, &object) < 0 ||
	    object.time_ns <= both_since_ns)
		return false;
	ret_question->from = id;
	ret_question->t_ns = ret_question->since_ns +
		draw(ret_question->until_ns - ret_question->since_ns);
	ret_question->twin_t_ns = event->end_ns + draw(3) - 1;
	return is_quiet(events, ret_question->t_ns);
}

int main(int argc, char **argv)
{
	/* These two look at edges, of which a run of calls may show one more than the calls do. */
	static const uint32_t filters[] = {
		LM_FILTERS_ALL & ~(1u << LM_FILTER_CLUSTERS | 1u << LM_FILTER_NO_EXIT),
		LM_FILTERS_NONE,
	};
	struct telling full = { NULL }, twin = { NULL }, reduced = { NULL };
	struct events events = { NULL };
	struct question q = { .filters = 0 };
	size_t points;

	if (argc != 6)
		return 2;
	first_tgid = (uint32_t)strtoul(argv[5], NULL, 10);
	points = strtoul(argv[3], NULL, 10);
	seed = strtoull(argv[4], NULL, 10) | 1;
	both_since_ns = start_of(argv[1]);
	if (both_since_ns < start_of(argv[2]))
		both_since_ns = start_of(argv[2]);
	load_both(argv[1], &full, &twin, &events);
	load(argv[2], &reduced);
	match(&full, &reduced);
	q.since_ns = both_since_ns;
	q.until_ns = full.last_ns < reduced.last_ns ? full.last_ns : reduced.last_ns;
	MUST(q.until_ns > q.since_ns);
	while (counts.points < points) {
		if (!draw_point(&full, &events, &q))
			continue;
		counts.points++;
		for (size_t i = 0; i < 2 * LM_ARRAY_SIZE(filters); i++) {
			q.direction = i & 1 ? LM_FORWARD : LM_BACKWARD;
			q.filters = filters[i >> 1];
			compare_twin(&full, &twin, q);
			compare_reduced(&full, &reduced, &q);
		}
	}
	printf("{\"points\":%zu,\"questions\":%zu,\"objects\":%zu,\"unmatched\":%zu,"
	       "\"events\":%" PRIu64 ",\"twin_events\":%" PRIu64 ",\"reduced_events\":%" PRIu64
	       ",\"twin_differs\":%zu,\"reduced_differs\":%zu}\n",
		counts.points, counts.questions, counts.objects, counts.unmatched,
		lm_index_event_count(full.index), lm_index_event_count(twin.index),
		lm_index_event_count(reduced.index), counts.twin_differs, counts.reduced_differs);
	lm_index_free(full.index);
	lm_index_free(twin.index);
	lm_index_free(reduced.index);
	free(full.other);
	free(reduced.other);
	free(events.at);
	return counts.twin_differs || counts.reduced_differs;
}
