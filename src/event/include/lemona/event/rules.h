/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/abi/raw.h"
#include "lemona/event/event.h"

/*
 * What is done with each system call: how the kernel side reads it, and which
 * event it becomes. One table for both.
 */
struct lm_call_mapping {
	struct lm_call_rule rule; /* for the kernel side */
	uint8_t op;               /* enum lm_op */
};

/** LM_CALL_COUNT entries, indexed by x86-64 system call number. Static. */
const struct lm_call_mapping *lm_call_mappings(void);
