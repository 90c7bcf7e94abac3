/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include <errno.h>
#include <stdlib.h>

/* Beyond these a log is not one of a host: what is over is bounded by its process, or by 0. */
#define LIVES_MAX (1u << 26)
#define MARKS_MAX (1u << 26)

/* A process from fork to exit: all its versions share one. */
struct lm_thread_life {
	lm_object_id first; /* version that was seen first */
	uint64_t start_ns;
};

struct lm_thread_mark {
	uint64_t last_ns;   /* end of the thread's latest event */
	uint64_t before_ns; /* end of the one before that */
	uint64_t kept_ns;   /* end of the latest one that is not folded */
};

void lm_threads_release(struct lm_threads *threads)
{
	lm_map_release(&threads->processes);
	lm_map_release(&threads->threads);
	free(threads->lives);
	free(threads->marks);
	*threads = (struct lm_threads)LM_THREADS_INIT;
}

/* Room for one more element. */
static int reserve(void **array, size_t count, size_t *capacity, size_t size)
{
	size_t bigger = *capacity ? *capacity * 2 : 64;
	void *moved;

	if (count < *capacity)
		return 0;
	moved = reallocarray(*array, bigger, size);
	if (!moved)
		return -ENOMEM;
	*array = moved;
	*capacity = bigger;
	return 0;
}

int lm_threads_define(struct lm_threads *threads, const struct lm_object *object)
{
	const struct lm_process *process = &object->process;
	const uint64_t *earlier;
	uint64_t life;
	int r;

	if (object->kind != LM_OBJECT_KIND_PROCESS || lm_map_get(&threads->processes, object->id))
		return 0;
	earlier = process->previous ? lm_map_get(&threads->processes, process->previous) : NULL;
	if (earlier) {
		life = *earlier;
		return lm_map_put(&threads->processes, object->id, life);
	}
	if (threads->life_count >= LIVES_MAX)
		return 0;
	r = reserve((void **)&threads->lives, threads->life_count, &threads->life_capacity,
		sizeof(*threads->lives));
	if (r < 0)
		return r;
	life = threads->life_count;
	r = lm_map_put(&threads->processes, object->id, life);
	if (r < 0)
		return r;
	threads->lives[threads->life_count++] =
		(struct lm_thread_life){ .first = object->id, .start_ns = process->start_ns };
	return 0;
}

/* What identifies a thread: the number of its life's first version, and its tid. */
static uint64_t thread_key(lm_object_id first, uint32_t tid)
{
	return (uint64_t)first << 32 | tid;
}

/* @param ret_mark  NULL when there are too many */
static int find_mark(struct lm_threads *threads, uint64_t key, uint64_t start_ns,
	struct lm_thread_mark **ret_mark)
{
	const uint64_t *place = lm_map_get(&threads->threads, key);
	int r;

	*ret_mark = NULL;
	if (place) {
		*ret_mark = &threads->marks[*place];
		return 0;
	}
	if (threads->mark_count >= MARKS_MAX)
		return 0;
	r = reserve((void **)&threads->marks, threads->mark_count, &threads->mark_capacity,
		sizeof(*threads->marks));
	if (r == 0)
		r = lm_map_put(&threads->threads, key, threads->mark_count);
	if (r < 0)
		return r;
	threads->marks[threads->mark_count] = (struct lm_thread_mark){
		.last_ns = start_ns, .before_ns = start_ns, .kept_ns = start_ns,
	};
	*ret_mark = &threads->marks[threads->mark_count++];
	return 0;
}

/* Repeats of both ways lie side by side, from the last event that was kept on. */
static uint64_t advance_folded(struct lm_thread_mark *mark, uint64_t end_ns)
{
	if (end_ns > mark->last_ns)
		mark->last_ns = end_ns;
	return mark->kept_ns < end_ns ? mark->kept_ns : end_ns;
}

/*
 * Frames overlap a little, so a thread that moved between CPUs may be read out of order: an
 * event older than the latest is bounded by the one before that, never by what came after it.
 */
static uint64_t advance(struct lm_thread_mark *mark, uint64_t end_ns)
{
	if (end_ns < mark->last_ns)
		return mark->before_ns < end_ns ? mark->before_ns : end_ns;
	mark->before_ns = mark->last_ns;
	mark->last_ns = mark->kept_ns = end_ns;
	return mark->before_ns;
}

int lm_threads_bound(struct lm_threads *threads, struct lm_event *event)
{
	const uint64_t *place = lm_map_get(&threads->processes, event->actor);
	const struct lm_thread_life *life = place ? &threads->lives[*place] : NULL;
	lm_object_id first = life ? life->first : event->actor;
	uint64_t start_ns = life ? life->start_ns : 0;
	struct lm_thread_mark *mark;
	int r;

	/* It ran beside what its thread did meanwhile, and so bounds nothing of that. */
	if (event->flags & LM_EVENT_TIMED)
		return 0;
	/* It stands beside what its thread did: nobody knows when it began. */
	if (lm_op_is_aside(event->op)) {
		event->begin_ns = start_ns < event->end_ns ? start_ns : event->end_ns;
		return 0;
	}
	r = find_mark(threads, thread_key(first, event->tid), start_ns, &mark);
	if (r < 0)
		return r;
	if (mark && event->flags & LM_EVENT_FOLDED)
		event->begin_ns = advance_folded(mark, event->end_ns);
	else if (mark)
		event->begin_ns = advance(mark, event->end_ns);
	else
		event->begin_ns = start_ns < event->end_ns ? start_ns : event->end_ns;
	/*
	 * A thread begins no earlier than the call that made it. That call may return after
	 * the thread's own first events: a mark that is there is left alone.
	 */
	if (event->op == LM_OP_THREAD && event->result > 0 && event->result <= UINT32_MAX)
		return find_mark(threads, thread_key(first, (uint32_t)event->result),
			event->begin_ns, &mark);
	return 0;
}
