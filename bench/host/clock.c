/* SPDX-License-Identifier: MIT */
#include "host.h"

#include <errno.h>
#include <stdlib.h>

#include "lemona/base/error.h"

void host_must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "make-host: %s: %s\n", what, lm_strerror(r));
	exit(lm_exit_code(r));
}

void *host_allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);

	host_must(memory ? 0 : -ENOMEM, "memory");
	return memory;
}

/* SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): enough for a bench, the same on every machine. */
uint64_t host_hash(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

uint64_t host_random(struct world *w)
{
	uint64_t n = host_hash(w->rng);

	w->rng += UINT64_C(0x9e3779b97f4a7c15);
	return n;
}

uint32_t host_below(struct world *w, uint32_t n)
{
	return (uint32_t)((host_random(w) >> 32) * n >> 32);
}

uint64_t host_between(struct world *w, uint64_t low, uint64_t high)
{
	return low + host_random(w) % (high - low + 1);
}

bool host_chance(struct world *w, uint32_t percent)
{
	return host_below(w, 100) < percent;
}

/* Uniform in the logarithm, which is Zipf's law with exponent 1. */
uint32_t host_zipf(struct world *w, uint32_t n)
{
	uint32_t bits = 32 - (uint32_t)__builtin_clz(n), rank;

	do {
		uint32_t octave = host_below(w, bits);

		rank = (1u << octave) - 1 + host_below(w, 1u << octave);
	} while (rank >= n);
	return rank;
}

/*
 * Quantiles of the time between two events of one thread, as recorded on a real host under the
 * workloads of the bench: ns at 0, 5, 25, 50, 75, 90, 95, 99 %.
 */
uint64_t host_think_ns(struct world *w)
{
	static const uint32_t percent[] = { 0, 5, 25, 50, 75, 90, 95, 100 };
	static const uint32_t at_ns[] = { 300, 581, 1603, 3435, 7020, 38217, 126789, 400000 };
	uint32_t u = host_below(w, 10000), i = 1;

	while (u >= percent[i] * 100)
		i++;
	return at_ns[i - 1] + (uint64_t)(at_ns[i] - at_ns[i - 1]) * (u - percent[i - 1] * 100) /
				      ((percent[i] - percent[i - 1]) * 100);
}

static bool goes_first(const struct proc *a, const struct proc *b)
{
	return a->now_ns != b->now_ns ? a->now_ns < b->now_ns : a->serial < b->serial;
}

static void push(struct world *w, struct proc *p)
{
	size_t i = w->heap_count++;

	if (w->heap_count > w->heap_capacity) {
		w->heap_capacity = w->heap_capacity ? 2 * w->heap_capacity : 256;
		w->heap = realloc(w->heap, w->heap_capacity * sizeof(struct proc *));
		host_must(w->heap ? 0 : -ENOMEM, "memory");
	}
	p->serial = ++w->serial;
	for (; i > 0 && goes_first(p, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = p;
	if (p->now_ns + HOST_QUANTUM_NS < w->horizon_ns)
		w->horizon_ns = p->now_ns + HOST_QUANTUM_NS;
}

static struct proc *pop(struct world *w)
{
	struct proc *top = w->heap[0], *last = w->heap[--w->heap_count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < w->heap_count; i = child) {
		if (child + 1 < w->heap_count && goes_first(w->heap[child + 1], w->heap[child]))
			child++;
		if (!goes_first(w->heap[child], last))
			break;
		w->heap[i] = w->heap[child];
	}
	w->heap[i] = last;
	return top;
}

static void switch_back(struct proc *p)
{
	if (swapcontext(&p->context, &p->world->scheduler) < 0)
		host_must(-errno, "coroutine");
}

void host_sleep_until(struct proc *p, uint64_t t_ns)
{
	if (t_ns > p->now_ns)
		p->now_ns = t_ns;
	push(p->world, p);
	switch_back(p);
}

void host_sleep(struct proc *p, uint64_t ns)
{
	host_sleep_until(p, p->now_ns + ns);
}

void host_block(struct proc *p)
{
	p->idle = true;
	switch_back(p);
}

void host_wake(struct proc *p, uint64_t t_ns)
{
	if (!p->idle)
		return;
	p->idle = false;
	if (t_ns > p->now_ns)
		p->now_ns = t_ns;
	push(p->world, p);
}

/* A coroutine begins here, and ends by giving its place back. makecontext() hands over ints. */
static void begin(unsigned int high, unsigned int low)
{
	struct proc *p = (struct proc *)((uintptr_t)high << 32 | low);

	p->run(p, &p->task);
	p->run = NULL;
	p->birth = 0;
	switch_back(p);
}

static struct proc *take_slot(struct world *w)
{
	struct proc *p;
	void *stack;

	if (w->free_count > 0) {
		p = w->slots[w->free_slots[--w->free_count]];
		stack = p->stack;
		*p = (struct proc){ .slot = p->slot, .stack = stack };
		return p;
	}
	if (w->slot_count == w->slot_capacity) {
		w->slot_capacity = w->slot_capacity ? 2 * w->slot_capacity : 256;
		w->slots = realloc(w->slots, w->slot_capacity * sizeof(struct proc *));
		w->free_slots = realloc(w->free_slots, w->slot_capacity * sizeof(uint32_t));
		host_must(w->slots && w->free_slots ? 0 : -ENOMEM, "memory");
	}
	p = host_allocate(sizeof(*p));
	p->slot = (uint32_t)w->slot_count;
	p->stack = host_allocate(HOST_STACK_BYTES);
	w->slots[w->slot_count++] = p;
	return p;
}

static void prepare(struct proc *p)
{
	if (getcontext(&p->context) < 0)
		host_must(-errno, "coroutine");
	p->context.uc_stack.ss_sp = p->stack;
	p->context.uc_stack.ss_size = HOST_STACK_BYTES;
	makecontext(&p->context, (void (*)(void))begin, 2, (unsigned int)((uintptr_t)p >> 32),
		(unsigned int)(uintptr_t)p);
}

struct proc *host_coroutine(struct world *w, uint64_t t_ns, script run, const struct task *task)
{
	struct proc *p = take_slot(w);

	prepare(p);
	p->world = w;
	p->now_ns = t_ns;
	p->birth = ++w->births;
	p->run = run;
	if (task)
		p->task = *task;
	push(w, p);
	return p;
}

static void run_one(struct world *w, struct proc *p)
{
	w->horizon_ns = w->frame_end_ns;
	if (w->heap_count > 0 && w->heap[0]->now_ns + HOST_QUANTUM_NS < w->horizon_ns)
		w->horizon_ns = w->heap[0]->now_ns + HOST_QUANTUM_NS;
	w->running = p;
	if (swapcontext(&w->scheduler, &p->context) < 0)
		host_must(-errno, "coroutine");
	if (!p->run)
		w->free_slots[w->free_count++] = p->slot;
}

void host_run(struct world *w)
{
	while (w->heap_count > 0 && w->heap[0]->now_ns < w->end_ns) {
		uint64_t next_ns = w->heap[0]->now_ns;

		if (next_ns >= w->frame_end_ns) {
			host_flush(w, w->frame_end_ns);
			w->frame_end_ns = next_ns - next_ns % HOST_FRAME_NS + HOST_FRAME_NS;
		}
		run_one(w, pop(w));
	}
	host_flush(w, UINT64_MAX);
}
