/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A hash map from 64-bit numbers to 64-bit numbers: open addressing, linear
 * probing, grows by doubling, never shrinks.
 *
 * Keys may come from hostile files. The hash is seeded per map, so that nobody
 * can prepare keys that all collide.
 */
struct lm_map {
	struct lm_map_slot *slots;
	size_t mask;  /* slots - 1; meaningless while slots is NULL */
	size_t count; /* keys held */
	uint64_t seed;
};

#define LM_MAP_INIT { .slots = NULL }

void lm_map_release(struct lm_map *map);
#define LM_MAP LM_CLEANUP(lm_map_release)

/** Value of `key`, or NULL. Valid until the next lm_map_put() or lm_map_remove(). */
uint64_t *lm_map_get(const struct lm_map *map, uint64_t key);

/** Set or replace. @return 0; -ENOMEM (the map is as it was) */
int lm_map_put(struct lm_map *map, uint64_t key, uint64_t value);

/** Forget a key; one that is not held is no error. */
void lm_map_remove(struct lm_map *map, uint64_t key);

/**
 * Walk all keys: slots 0..map->mask while map->slots is set, in no order.
 * @return true with a key and its value; false for an empty slot
 */
bool lm_map_at(const struct lm_map *map, size_t slot, uint64_t *ret_key, uint64_t *ret_value);
