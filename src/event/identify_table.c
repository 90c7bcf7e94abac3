/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t hash_inode(uint32_t dev, uint64_t inode)
{
	return lm_hash_mix(inode ^ lm_hash_mix(dev));
}

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t h = lm_hash_mix(seed + len);
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = lm_hash_mix(h ^ word);
	}
	word = 0;
	if (len)
		memcpy(&word, p, len);
	return lm_hash_mix(h ^ word);
}

int64_t index_set_next(const struct index_set *set, uint64_t *cursor)
{
	uint32_t slot;

	if (!set->slots)
		return -1;
	slot = set->slots[*cursor & set->mask];
	*cursor = (*cursor & set->mask) + 1;
	return (int64_t)slot - 1;
}

static void put_slot(struct index_set *set, uint64_t hash, uint32_t entry)
{
	uint64_t at = hash & set->mask;

	while (set->slots[at])
		at = (at + 1) & set->mask;
	set->slots[at] = entry + 1;
}

void index_set_replace(struct index_set *set, uint64_t hash, uint32_t entry, uint32_t with)
{
	uint64_t at = hash & set->mask;

	while (set->slots[at] != entry + 1)
		at = (at + 1) & set->mask;
	set->slots[at] = with + 1;
}

int index_set_add(struct index_set *set, uint64_t hash, uint32_t entry,
	uint64_t (*hash_of)(const void *data, uint32_t entry), const void *data)
{
	if (!set->slots || (set->count + 1) * 4 > (set->mask + 1) * (uint64_t)3) {
		struct index_set bigger = { .mask = set->slots ? set->mask * 2 + 1 : 1023 };

		bigger.slots = calloc((size_t)bigger.mask + 1, sizeof(*bigger.slots));
		if (!bigger.slots)
			return -ENOMEM;
		for (uint32_t i = 0; set->slots && i <= set->mask; i++)
			if (set->slots[i])
				put_slot(&bigger, hash_of(data, set->slots[i] - 1),
					set->slots[i] - 1);
		bigger.count = set->count;
		free(set->slots);
		*set = bigger;
	}
	put_slot(set, hash, entry);
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
