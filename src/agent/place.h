/* SPDX-License-Identifier: MIT */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "lemona/sensor/sensor.h"

/*
 * On which CPUs the recorder runs. A thread of real-time priority stays where it is, even if what
 * it records runs there and another CPU has nothing to do: it would take from that program all the
 * time that it needs itself. So it leaves the CPUs that make the records to those who make them,
 * as long as there are others.
 */
struct placement {
	cpu_set_t allowed; /* as the recorder was started */
	cpu_set_t used;
	uint64_t made_bytes[CPU_SETSIZE]; /* by each CPU, at the last look */
	uint32_t crowded;  /* looks in a row without a CPU that is calm */
	bool fixed;        /* there is no choice, or it was refused */
};

void place_init(struct placement *place);

/** Look at what the CPUs have made since the last look, and move if that is better. */
void place_update(struct placement *place, const struct lm_sensor *sensor);

/**
 * Choose CPUs, by the bytes of records that each has made lately.
 *
 * @param ret_calm  those of `allowed` that made much less than the busiest one
 * @return true: some are calm while others are busy; false: there is nothing to choose between
 */
bool place_choose(const uint64_t *bytes, uint32_t cpus, const cpu_set_t *allowed,
	cpu_set_t *ret_calm);
