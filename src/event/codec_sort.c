/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "codec_internal.h"

/* Starts of the ascending runs, then count. */
static uint32_t find_runs(const struct sort_entry *entries, uint32_t count, uint32_t *runs)
{
	uint32_t n = 0;

	runs[n++] = 0;
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].end_ns < entries[i - 1].end_ns)
			runs[n++] = i;
	runs[n] = count;
	return n;
}

/* At equal times the left run goes first: the merge is stable. */
static void merge(const struct sort_entry *from, struct sort_entry *to, uint32_t left,
	uint32_t middle, uint32_t right)
{
	uint32_t a = left, b = middle;

	for (uint32_t i = left; i < right; i++) {
		if (b >= right || (a < middle && from[a].end_ns <= from[b].end_ns))
			to[i] = from[a++];
		else
			to[i] = from[b++];
	}
}

/*
 * Natural merge sort (Knuth 5.2.4). One pass when the input is sorted, which a
 * thread's events nearly always are; log2(runs) passes at worst.
 */
void lm_codec_sort(struct sort_entry *entries, struct sort_entry *spare, uint32_t *runs,
	uint32_t count)
{
	struct sort_entry *from = entries, *to = spare;
	uint32_t n;

	if (count < 2)
		return;
	n = find_runs(entries, count, runs);
	while (n > 1) {
		struct sort_entry *swap = from;
		uint32_t merged = 0;

		for (uint32_t i = 0; i < n; i += 2) {
			uint32_t middle = i + 1 < n ? runs[i + 1] : count;
			uint32_t right = i + 2 <= n ? runs[i + 2] : count;

			merge(from, to, runs[i], middle, right);
			runs[merged++] = runs[i];
		}
		runs[merged] = count;
		n = merged;
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, count * sizeof(*entries));
}

void lm_dictionary_reset(struct dictionary *dictionary)
{
	for (uint32_t i = 0; i < dictionary->count; i++) {
		uint32_t slot = dictionary_slot(dictionary->keys[i]);

		/* Whatever else is on the probe path goes too: all of it is being emptied. */
		while (dictionary->slots[slot] != 0) {
			dictionary->slots[slot] = 0;
			slot = (slot + 1) & (DICTIONARY_SLOTS - 1);
		}
	}
	dictionary->count = 0;
}
