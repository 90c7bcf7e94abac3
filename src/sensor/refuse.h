/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lemona/base/diag.h"
#include "lemona/sensor/sensor.h"

/**
 * Say why opening, loading or attaching the programs failed.
 *
 * @param r           negative errno of libbpf
 * @param ring_bytes  what was asked for
 * @return what lm_sensor_open() returns for it; -E2BIG without a sentence: this kernel has no rings
 * of that size
 */
int explain_load(int r, uint64_t ring_bytes, struct lm_diag *diag);

/** What can be refused before anything is loaded. @return 0; -EINVAL; -EPERM */
int check_options(const struct lm_sensor_options *options, struct lm_diag *diag);

/** No program may read the kernel's memory, whoever loads it: lockdown=confidentiality. */
bool hides_memory(void);

/**
 * Names of the capabilities that recording wants and this process has not, with commas.
 *
 * @param ret_names  empty: none is missing
 * @return whether recording is impossible without one of them
 */
bool find_missing_capabilities(char *ret_names, size_t size);
