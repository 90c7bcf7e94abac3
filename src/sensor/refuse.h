/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/diag.h"
#include "lemona/sensor/sensor.h"

/**
 * Say why opening, loading or attaching the programs failed.
 *
 * @param r  negative errno of libbpf
 * @return what lm_sensor_open() returns for it; -E2BIG without a sentence: too large a ring
 */
int explain_load(int r, struct lm_diag *diag);

/** What can be refused before anything is loaded. @return 0; -EINVAL; -EPERM */
int check_options(const struct lm_sensor_options *options, struct lm_diag *diag);
