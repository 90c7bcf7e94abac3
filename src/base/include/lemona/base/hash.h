/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches all. */
static inline uint64_t lm_hash_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}
