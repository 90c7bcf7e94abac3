/* SPDX-License-Identifier: MIT */
#include "sort.h"

#include <string.h>

#define DIGIT_BITS 11u
#define DIGITS     (1u << DIGIT_BITS)

/* One pass of a radix sort; nothing is moved when all have the same digit. */
static struct lm_sorted *sort_digit(struct lm_sorted *at, struct lm_sorted *spare, size_t count,
				    unsigned int shift)
{
	size_t start[DIGITS];

	memset(start, 0, sizeof(start));
	for (size_t i = 0; i < count; i++)
		start[at[i].key >> shift & (DIGITS - 1)]++;
	if (count == 0 || start[at[0].key >> shift & (DIGITS - 1)] == count)
		return at;
	for (size_t digit = 0, sum = 0; digit < DIGITS; digit++) {
		size_t here = start[digit];

		start[digit] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		spare[start[at[i].key >> shift & (DIGITS - 1)]++] = at[i];
	return spare;
}

struct lm_sorted *lm_sort(struct lm_sorted *at, struct lm_sorted *spare, size_t count)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < count; i++)
		highest |= at[i].key;
	for (unsigned int shift = 0; shift < 64 && highest >> shift; shift += DIGIT_BITS) {
		struct lm_sorted *sorted = sort_digit(at, spare, count, shift);

		if (sorted != at) {
			spare = at;
			at = sorted;
		}
	}
	return at;
}
