/* SPDX-License-Identifier: MIT */
#include "lemona/event/reduce.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lemona/base/map.h"
#include "lemona/event/rules.h"

enum lm_way lm_op_way(enum lm_op op)
{
	switch (op) {
	case LM_OP_READ:
		return LM_WAY_READ;
	case LM_OP_WRITE:
		return LM_WAY_WRITE;
	case LM_OP_READDIR:
		return LM_WAY_LIST;
	/* Neither a file that can have been read or written before, nor another process. */
	case LM_OP_CLOSE:
	case LM_OP_DUP:
	case LM_OP_MUNMAP:
	case LM_OP_SOCKET:
	case LM_OP_SOCKETPAIR:
	case LM_OP_BIND:
	case LM_OP_LISTEN:
	case LM_OP_CONNECT:
	case LM_OP_ACCEPT:
	case LM_OP_SEND:
	case LM_OP_RECV:
	case LM_OP_SHUTDOWN:
	case LM_OP_PIPE:
	case LM_OP_MEMFD:
	case LM_OP_SETCRED:
	case LM_OP_CHDIR:
	case LM_OP_CHROOT:
	case LM_OP_SETNS:
		return LM_WAY_NONE;
	default:
		return LM_WAY_DISTURB;
	}
}

void lm_reduce_fill_ways(uint8_t ret_ways[LM_CALL_COUNT])
{
	for (int i = 0; i < LM_CALL_COUNT; i++) {
		const struct lm_call_mapping *mapping = &lm_call_mappings()[i];
		enum lm_way way = lm_op_way(mapping->op);
		bool repeats = way == LM_WAY_READ || way == LM_WAY_WRITE || way == LM_WAY_LIST;

		/* Moving pages into a pipe is a write that is recorded in another way. */
		ret_ways[i] = repeats && mapping->rule.class != LM_CALL_IO ? LM_WAY_DISTURB : way;
	}
}

/* What one thread has been at. */
struct thread_run {
	struct lm_run run;
	struct lm_event kept;      /* the last record: repeats look like it */
	struct lm_event folds[2];  /* of its own way, of the other one; arg: how many */
	bool joined;               /* nothing else came since */
};

struct lm_reducer {
	lm_reducer_take take;
	void *data;
	struct lm_map places;  /* actor, tid: place in runs, from 1 */
	struct lm_map users;   /* file: tid that used it last */
	struct lm_map mapped;  /* file: somebody had it mapped */
	struct lm_map threads; /* process version: its thread, or SEVERAL */
	struct lm_map regular; /* file: regular */
	struct lm_map channels;/* object: nothing that can be read or written again */
	struct thread_run *runs;
	size_t count, capacity;
	uint64_t disturbances;
};

#define SEVERAL UINT64_MAX

int lm_reducer_new(lm_reducer_take take, void *data, struct lm_reducer **ret_reducer)
{
	struct lm_reducer *reducer = calloc(1, sizeof(*reducer));

	if (!reducer)
		return -ENOMEM;
	reducer->take = take;
	reducer->data = data;
	*ret_reducer = reducer;
	return 0;
}

struct lm_reducer *lm_reducer_free(struct lm_reducer *reducer)
{
	if (!reducer)
		return NULL;
	lm_map_release(&reducer->places);
	lm_map_release(&reducer->users);
	lm_map_release(&reducer->mapped);
	lm_map_release(&reducer->threads);
	lm_map_release(&reducer->regular);
	lm_map_release(&reducer->channels);
	free(reducer->runs);
	free(reducer);
	return NULL;
}

static int find_run(struct lm_reducer *reducer, const struct lm_event *event,
	struct thread_run **ret_run)
{
	uint64_t key = (uint64_t)event->actor << 32 | event->tid;
	const uint64_t *place = lm_map_get(&reducer->places, key);

	if (place) {
		*ret_run = &reducer->runs[*place - 1];
		return 0;
	}
	if (reducer->count == reducer->capacity) {
		size_t bigger = reducer->capacity ? 2 * reducer->capacity : 64;
		struct thread_run *moved =
			reallocarray(reducer->runs, bigger, sizeof(*reducer->runs));

		if (!moved)
			return -ENOMEM;
		reducer->runs = moved;
		reducer->capacity = bigger;
	}
	if (lm_map_put(&reducer->places, key, reducer->count + 1) < 0)
		return -ENOMEM;
	*ret_run = &reducer->runs[reducer->count++];
	**ret_run = (struct thread_run){ .joined = false };
	return 0;
}

static int hand_out(struct lm_reducer *reducer, const struct lm_event *event)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT, .event = *event };

	return reducer->take(reducer->data, &item);
}

static int hand_out_folds(struct lm_reducer *reducer, struct thread_run *run)
{
	bool swapped = run->folds[1].arg && run->folds[1].end_ns < run->folds[0].end_ns;
	int r = 0;

	for (int i = 0; i < 2 && r == 0; i++) {
		struct lm_event *fold = &run->folds[i ^ swapped];

		if (fold->arg)
			r = hand_out(reducer, fold);
		*fold = (struct lm_event){ .arg = 0 };
	}
	return r;
}

static void add_to_fold(struct thread_run *run, const struct lm_event *event, bool other)
{
	struct lm_event *fold = &run->folds[other];
	int64_t bytes = fold->result + (event->result > 0 ? event->result : 0);

	if (!fold->arg) {
		*fold = *event;
		fold->begin_ns = run->kept.end_ns;
		fold->call = LM_CALL_NONE;
		fold->flags |= LM_EVENT_FOLDED;
		fold->arg = 0;
		bytes = event->result;
	}
	fold->end_ns = event->end_ns;
	fold->result = bytes;
	fold->arg++;
}

/* Whether nobody else has used the file since this thread did; noted either way. */
static int take_file(struct lm_reducer *reducer, const struct lm_event *event, bool *ret_alone)
{
	const uint64_t *user = lm_map_get(&reducer->users, event->object);

	*ret_alone = user && *user == event->tid && lm_map_get(&reducer->regular, event->object);
	return lm_map_put(&reducer->users, event->object, event->tid);
}

static bool is_secluded(const struct lm_reducer *reducer, const struct lm_event *event)
{
	const uint64_t *thread = lm_map_get(&reducer->threads, event->actor);

	return thread && *thread == event->tid && !lm_map_get(&reducer->mapped, event->object);
}

static int take_repeatable(struct lm_reducer *reducer, struct thread_run *run,
	const struct lm_event *event, enum lm_way way)
{
	struct lm_run_call call = {
		.time_ns = event->end_ns, .object = event->object, .tid = event->tid,
		.disturbances = reducer->disturbances, .way = (uint8_t)way,
		.failure = lm_event_failed(event) ? (int32_t)event->result : 0,
		.joined = run->joined,
	};
	enum lm_run_verdict verdict;
	bool alone, continues;
	int r = take_file(reducer, event, &alone);

	if (r < 0)
		return r;
	call.alone = alone;
	continues = lm_run_continues(&run->run, &call);
	verdict = lm_run_judge(&run->run, &call, continues);
	if (verdict == LM_RUN_COUNT_OTHER && lm_run_needs_facts(&run->run, &call) &&
	    !is_secluded(reducer, event))
		verdict = LM_RUN_KEEP;
	run->joined = true;
	if (verdict != LM_RUN_KEEP) {
		lm_run_count(&run->run, &call, verdict);
		add_to_fold(run, event, verdict == LM_RUN_COUNT_OTHER);
		return 0;
	}
	r = hand_out_folds(reducer, run);
	if (r < 0)
		return r;
	lm_run_keep(&run->run, &call, continues);
	run->kept = *event;
	return hand_out(reducer, event);
}

/* What the rule wants to know about processes and mappings. */
static int note_facts(struct lm_reducer *reducer, const struct lm_event *event)
{
	const uint64_t *thread = lm_map_get(&reducer->threads, event->actor);
	bool shares = event->op == LM_OP_THREAD || event->flags & LM_EVENT_VM_SHARED;
	bool several = shares || (thread && *thread != event->tid);
	int r = lm_map_put(&reducer->threads, event->actor, several ? SEVERAL : event->tid);

	if (r == 0 && event->flags & LM_EVENT_VM_SHARED)
		r = lm_map_put(&reducer->threads, event->object, SEVERAL);
	if (r == 0 && (event->op == LM_OP_MMAP || event->op == LM_OP_EXEC))
		r = lm_map_put(&reducer->mapped, event->object, 1);
	return r;
}

static int take_event(struct lm_reducer *reducer, const struct lm_event *event)
{
	enum lm_way way = lm_op_way(event->op);
	struct thread_run *run = NULL;
	int r = note_facts(reducer, event);

	if (r == 0)
		r = find_run(reducer, event, &run);
	if (r < 0)
		return r;
	if (way != LM_WAY_NONE && way != LM_WAY_DISTURB && event->object &&
	    event->call != LM_CALL_NONE && !(event->flags & LM_EVENT_MASTER) &&
	    !lm_map_get(&reducer->channels, event->object))
		return take_repeatable(reducer, run, event, way);
	reducer->disturbances += way == LM_WAY_DISTURB;
	run->joined = false;
	r = hand_out_folds(reducer, run);
	return r < 0 ? r : hand_out(reducer, event);
}

/* Regular files, directories and devices keep what they hold; nothing else does. */
static int note_object(struct lm_reducer *reducer, const struct lm_object *object)
{
	mode_t mode = object->kind == LM_OBJECT_KIND_FILE ? object->file.mode : 0;

	if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISCHR(mode) && !S_ISBLK(mode))
		return lm_map_put(&reducer->channels, object->id, 1);
	return S_ISREG(mode) ? lm_map_put(&reducer->regular, object->id, 1) : 0;
}

int lm_reducer_add(struct lm_reducer *reducer, const struct lm_item *item)
{
	int r = 0;

	if (item->kind == LM_ITEM_EVENT && !lm_op_is_aside(item->event.op))
		return take_event(reducer, &item->event);
	if (item->kind == LM_ITEM_OBJECT)
		r = note_object(reducer, &item->object);
	return r < 0 ? r : reducer->take(reducer->data, item);
}

int lm_reducer_finish(struct lm_reducer *reducer)
{
	int r = 0;

	for (size_t i = 0; i < reducer->count && r == 0; i++)
		r = hand_out_folds(reducer, &reducer->runs[i]);
	return r;
}
