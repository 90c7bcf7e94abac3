/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/abi/raw.h"

/** Where the bytes are that a call moves: enum lm_content_shape, by x86-64 number. */
void lm_content_fill_shapes(uint8_t shapes[LM_CALL_COUNT]);
