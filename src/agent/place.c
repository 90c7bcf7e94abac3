/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <unistd.h>

/* Of records between two looks, a few milliseconds: less is no work worth moving for. */
#define BUSY_BYTES 16384u
/* A calm CPU makes less than this part of what the busiest one makes. */
#define CALM_PART 4u
/* So many looks without a calm one, and the recorder may run anywhere again. */
#define CROWDED_MAX 16u

void place_init(struct placement *place)
{
	*place = (struct placement){ 0 };
	place->fixed = sched_getaffinity(0, sizeof(place->allowed), &place->allowed) < 0 ||
		CPU_COUNT(&place->allowed) < 2;
	place->used = place->allowed;
}

bool place_choose(const uint64_t *bytes, uint32_t cpus, const cpu_set_t *allowed,
	cpu_set_t *ret_calm)
{
	uint64_t most = 0;

	CPU_ZERO(ret_calm);
	for (uint32_t i = 0; i < cpus; i++)
		if (bytes[i] > most)
			most = bytes[i];
	if (most < BUSY_BYTES)
		return false;
	for (uint32_t i = 0; i < cpus; i++)
		if (CPU_ISSET(i, allowed) && bytes[i] < most / CALM_PART)
			CPU_SET(i, ret_calm);
	return CPU_COUNT(ret_calm) > 0 && !CPU_EQUAL(ret_calm, allowed);
}

static void move_to(struct placement *place, const cpu_set_t *cpus)
{
	if (CPU_EQUAL(cpus, &place->used))
		return;
	place->used = *cpus;
	/* Whoever has changed what we may use meanwhile knows better. */
	place->fixed = sched_setaffinity(0, sizeof(*cpus), cpus) < 0;
}

void place_update(struct placement *place, const struct lm_sensor *sensor)
{
	uint64_t bytes[CPU_SETSIZE];
	uint32_t cpus = lm_sensor_cpus(sensor);
	cpu_set_t calm, common;

	if (place->fixed || cpus > CPU_SETSIZE)
		return;
	for (uint32_t i = 0; i < cpus; i++) {
		uint64_t made_bytes = lm_sensor_made_bytes(sensor, i);

		bytes[i] = made_bytes - place->made_bytes[i];
		place->made_bytes[i] = made_bytes;
	}
	if (!place_choose(bytes, cpus, &place->allowed, &calm)) {
		if (++place->crowded >= CROWDED_MAX)
			move_to(place, &place->allowed);
		return;
	}
	place->crowded = 0;
	CPU_AND(&common, &calm, &place->used);
	if (!CPU_EQUAL(&common, &place->used))
		move_to(place, &calm);
}
