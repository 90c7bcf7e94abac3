/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Growing arrays of plain elements: {at, count, capacity} in the owner, doubled here. */

/** Room for `need` elements in *at. New ones are zero. @return 0; -ENOMEM (array as it was) */
static inline int lm_array_reserve_(void **at, size_t *capacity, size_t need, size_t size)
{
	size_t grown = *capacity ? *capacity : 16, bytes;
	void *data;

	if (need <= *capacity)
		return 0;
	while (grown < need) {
		if (__builtin_mul_overflow(grown, (size_t)2, &grown))
			return -ENOMEM;
	}
	if (__builtin_mul_overflow(grown, size, &bytes))
		return -ENOMEM;
	data = realloc(*at, bytes);
	if (!data)
		return -ENOMEM;
	memset((char *)data + *capacity * size, 0, (grown - *capacity) * size);
	*at = data;
	*capacity = grown;
	return 0;
}

#define lm_array_reserve(at, capacity, need)                                                       \
	({                                                                                         \
		void *lm_data_ = (at);                                                             \
		int lm_code_ = lm_array_reserve_(&lm_data_, &(capacity), (need), sizeof(*(at)));   \
		(at) = lm_data_;                                                                   \
		lm_code_;                                                                          \
	})

/** A zeroed array that is never of no size. NULL when there is no memory. */
static inline void *lm_array_new(size_t count, size_t size)
{
	return calloc(count ? count : 1, size);
}
