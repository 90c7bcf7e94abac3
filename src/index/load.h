/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* Little-endian integers in mapped bytes whose bounds were checked. */
static inline uint32_t load_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static inline uint64_t load_u64(const uint8_t *at)
{
	return load_u32(at) | (uint64_t)load_u32(at + 4) << 32;
}
