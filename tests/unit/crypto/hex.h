/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes from hex digits, at most `room`; returns how many. */
static inline size_t read_hex(const char *digits, uint8_t *ret, size_t room)
{
	size_t len = strlen(digits) / 2;

	for (size_t i = 0; i < len && i < room; i++) {
		uint8_t byte = 0;

		for (size_t j = 0; j < 2; j++) {
			char c = digits[2 * i + j];

			byte = (uint8_t)(byte << 4 | (c <= '9' ? c - '0' : c - 'a' + 10));
		}
		ret[i] = byte;
	}
	return len;
}
