/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/sensor/sensor.h"
#include "sensor.skel.h"

/** Tell the programs, before they are loaded, whose bytes to keep, and what is a terminal. */
void lm_content_choose(struct sensor_bpf *bpf, const struct lm_sensor_options *options);
