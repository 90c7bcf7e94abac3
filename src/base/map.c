/* SPDX-License-Identifier: MIT */
#include "lemona/base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lemona/base/hash.h"
#include "lemona/base/time.h"

#define MAP_FIRST_SLOTS 64u

struct lm_map_slot {
	uint64_t key, value;
	bool used;
};

void lm_map_release(struct lm_map *map)
{
	free(map->slots);
	*map = (struct lm_map)LM_MAP_INIT;
}

/* The slot that holds `key`, or the empty one where it belongs. */
static struct lm_map_slot *find_slot(const struct lm_map *map, uint64_t key)
{
	size_t i = lm_hash_mix(key ^ map->seed) & map->mask;

	while (map->slots[i].used && map->slots[i].key != key)
		i = (i + 1) & map->mask;
	return &map->slots[i];
}

static int grow(struct lm_map *map)
{
	struct lm_map bigger = { .seed = map->seed, .count = map->count };
	size_t slots = map->slots ? (map->mask + 1) * 2 : MAP_FIRST_SLOTS;

	bigger.slots = calloc(slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	bigger.mask = slots - 1;
	if (!map->slots && getrandom(&bigger.seed, sizeof(bigger.seed), GRND_NONBLOCK) < 0)
		bigger.seed = lm_time_boot_ns();
	for (size_t i = 0; map->slots && i <= map->mask; i++)
		if (map->slots[i].used)
			*find_slot(&bigger, map->slots[i].key) = map->slots[i];
	free(map->slots);
	*map = bigger;
	return 0;
}

uint64_t *lm_map_get(const struct lm_map *map, uint64_t key)
{
	struct lm_map_slot *slot;

	if (!map->slots)
		return NULL;
	slot = find_slot(map, key);
	return slot->used ? &slot->value : NULL;
}

int lm_map_put(struct lm_map *map, uint64_t key, uint64_t value)
{
	uint64_t *held = lm_map_get(map, key);

	if (held) {
		*held = value;
		return 0;
	}
	/* At most two thirds full: probes stay short. */
	if (!map->slots || (map->count + 1) * 3 > (map->mask + 1) * 2) {
		int r = grow(map);

		if (r < 0)
			return r;
	}
	*find_slot(map, key) = (struct lm_map_slot){ .key = key, .value = value, .used = true };
	map->count++;
	return 0;
}

void lm_map_remove(struct lm_map *map, uint64_t key)
{
	struct lm_map_slot *slots = map->slots;
	size_t hole, at;

	if (!slots || !find_slot(map, key)->used)
		return;
	hole = (size_t)(find_slot(map, key) - slots);
	/* What stands behind moves up, unless its own place is behind the hole. */
	for (at = (hole + 1) & map->mask; slots[at].used; at = (at + 1) & map->mask) {
		size_t home = lm_hash_mix(slots[at].key ^ map->seed) & map->mask;

		if (((at - home) & map->mask) < ((at - hole) & map->mask))
			continue;
		slots[hole] = slots[at];
		hole = at;
	}
	slots[hole].used = false;
	map->count--;
}

bool lm_map_at(const struct lm_map *map, size_t slot, uint64_t *ret_key, uint64_t *ret_value)
{
	const struct lm_map_slot *s = &map->slots[slot];

	if (!s->used)
		return false;
	*ret_key = s->key;
	*ret_value = s->value;
	return true;
}
