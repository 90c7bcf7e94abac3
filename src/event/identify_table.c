/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lemona/base/time.h"

/* 128 bits of product, folded: one multiplication mixes eight bytes. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Names and numbers come from those who are watched: a seed of our own keeps them from choosing. */
static uint64_t seed_of_run(void)
{
	static uint64_t seed;

	while (!seed)
		if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
			seed = lm_time_boot_ns();
	return seed;
}

uint32_t hash_inode(uint32_t dev, uint64_t inode)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)fold(inode ^ seed_of_run(), factor + dev * UINT64_C(2));
}

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const uint64_t factor = UINT64_C(0xbf58476d1ce4e5b9);
	const uint8_t *p = data;
	uint64_t h = lm_hash_mix(seed ^ seed_of_run());
	uint64_t word = len;

	h = fold(h ^ word, factor);
	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = fold(h ^ word, factor);
	}
	word = 0;
	if (len)
		memcpy(&word, p, len);
	return fold(h ^ word, factor);
}

static void put_slot(struct index_set *set, struct index_slot slot)
{
	uint32_t at = slot.hash & set->mask;

	while (set->slots[at].entry)
		at = (at + 1) & set->mask;
	set->slots[at] = slot;
}

void index_set_remove(struct index_set *set, uint32_t hash, uint32_t entry)
{
	uint32_t hole = hash & set->mask, at;

	if (!set->slots)
		return;
	while (set->slots[hole].entry != entry + 1) {
		if (!set->slots[hole].entry)
			return;
		hole = (hole + 1) & set->mask;
	}
	/* What stands behind moves up, unless its own place is behind the hole. */
	for (at = (hole + 1) & set->mask; set->slots[at].entry; at = (at + 1) & set->mask) {
		uint32_t home = set->slots[at].hash & set->mask;

		if (((at - home) & set->mask) < ((at - hole) & set->mask))
			continue;
		set->slots[hole] = set->slots[at];
		hole = at;
	}
	set->slots[hole].entry = 0;
	set->count--;
}

void index_set_replace(struct index_set *set, uint32_t hash, uint32_t entry, uint32_t with)
{
	uint32_t at = hash & set->mask;

	while (set->slots[at].entry != entry + 1)
		at = (at + 1) & set->mask;
	set->slots[at].entry = with + 1;
}

int index_set_add(struct index_set *set, uint32_t hash, uint32_t entry)
{
	/* At most half full: walks stay short. */
	if (!set->slots || (set->count + 1) * UINT64_C(2) > set->mask + UINT64_C(1)) {
		struct index_set bigger = { .mask = set->slots ? set->mask * 2 + 1 : 1023 };

		bigger.slots = calloc((size_t)bigger.mask + 1, sizeof(*bigger.slots));
		if (!bigger.slots)
			return -ENOMEM;
		for (uint32_t i = 0; set->slots && i <= set->mask; i++)
			if (set->slots[i].entry)
				put_slot(&bigger, set->slots[i]);
		bigger.count = set->count;
		free(set->slots);
		*set = bigger;
	}
	put_slot(set, (struct index_slot){ hash, entry + 1 });
	set->count++;
	return 0;
}

int grow(void *array_ptr, uint32_t count, uint32_t *capacity, size_t size)
{
	void **array = array_ptr;
	uint32_t wanted;
	void *bigger;

	if (count < *capacity)
		return 0;
	wanted = *capacity ? *capacity * 2 : 256;
	bigger = reallocarray(*array, wanted, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*capacity = wanted;
	return 0;
}
