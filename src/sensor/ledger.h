/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lemona/sensor/sensor.h"
#include "rings.h"

/* What the files of the sensor share: its rings, and the ledger of what they lost. */


struct lm_sensor {
	struct sensor_bpf *bpf;
	struct ring *rings;  /* one per CPU, then the iterators' */
	struct ring **order; /* room for merging them */
	uint32_t ring_count;
	uint64_t ring_bytes;
	void *controls, *data; /* mappings */
	size_t controls_bytes, data_bytes;
	struct ring_buffer *bell;
	uint64_t missed_told;
	uint64_t snapshot_ns; /* 0: none since the last drain */
	uint64_t opened_ns;
	uint64_t checked_ns; /* when nested and missed were last looked at */
	struct lm_sensor_features features;
	bool attached;
};

typedef int (*lm_take_record)(void *data, const struct lm_raw *record);

/**
 * Tell the losses that no ring could be told about, as far as they are new: interrupted probes, and
 * those that the kernel skipped.
 *
 * @param now_ns  end of the gaps; they begin where the last look was
 * @return 0; what take returned
 */
int lm_ledger_check(struct lm_sensor *sensor, uint64_t now_ns, lm_take_record take, void *data);

/**
 * Close the books: tell the losses that still wait for room, and numbers that were neither handed
 * out nor counted. After detaching, and after all rings have been emptied.
 *
 * @return 0; what take returned
 */
int lm_ledger_close(struct lm_sensor *sensor, lm_take_record take, void *data);
