/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Something to be put in the order of a number. */
struct lm_sorted {
	uint64_t key;
	uint32_t value;
};

/**
 * Sort by key, keeping the order of equal ones: in time that grows with the count alone.
 *
 * @param spare  room for `count` more; both hold anything afterwards but the result
 * @return the one of the two that holds the result
 */
struct lm_sorted *lm_sort(struct lm_sorted *at, struct lm_sorted *spare, size_t count);
