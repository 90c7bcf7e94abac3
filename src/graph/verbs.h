/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* What a process did, by enum lm_op: taking from an object, and giving to one. */
const char *verb_in(uint16_t op);
const char *verb_out(uint16_t op);
