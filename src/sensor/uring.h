/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct btf;
struct sensor_bpf;

/**
 * Choose, before loading, the programs that fit this kernel's tracepoints of io_uring, by the
 * arguments that its BTF says they have. The others are not loaded.
 *
 * @param btf  the running kernel's; NULL: it has none
 * @return true: requests will be told one by one; false: this kernel has no tracepoints that fit,
 * and none of the programs is loaded
 */
bool lm_uring_choose(struct sensor_bpf *bpf, const struct btf *btf);
