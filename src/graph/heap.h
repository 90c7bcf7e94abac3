/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/array.h"

/* A binary heap: what has the smallest key comes out first. */

struct heap_entry {
	uint64_t key;
	uint32_t value;
};

struct min_heap {
	struct heap_entry *at;
	size_t count, capacity;
};

#define MIN_HEAP_INIT { .at = NULL }

static inline void min_heap_release(struct min_heap *heap)
{
	free(heap->at);
}

/** @return 0; -ENOMEM */
static inline int min_heap_push(struct min_heap *heap, uint64_t key, uint32_t value)
{
	size_t i = heap->count;

	if (lm_array_reserve(heap->at, heap->capacity, i + 1) < 0)
		return -ENOMEM;
	heap->count++;
	for (; i > 0 && heap->at[(i - 1) / 2].key > key; i = (i - 1) / 2)
		heap->at[i] = heap->at[(i - 1) / 2];
	heap->at[i] = (struct heap_entry){ key, value };
	return 0;
}

/** The heap is not empty. */
static inline struct heap_entry min_heap_pop(struct min_heap *heap)
{
	struct heap_entry *at = heap->at, top = at[0];
	size_t count = --heap->count, i = 0;
	struct heap_entry last = at[count];

	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		if (child + 1 < count && at[child + 1].key < at[child].key)
			child++;
		if (at[child].key >= last.key)
			break;
		at[i] = at[child];
	}
	at[i] = last;
	return top;
}
