/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/diag.h"

/*
 * Times of events are nanoseconds since boot (CLOCK_BOOTTIME), which nobody
 * can step. Wall times are nanoseconds since 1970 and are named wall_.
 */
#define LM_NS_PER_SEC UINT64_C(1000000000)
#define LM_NS_PER_MS UINT64_C(1000000)

uint64_t lm_time_boot_ns(void);
uint64_t lm_time_wall_ns(void);

/** Sleep, less long if a signal comes. */
void lm_time_pause(uint64_t ns);

/** CLOCK_REALTIME minus CLOCK_BOOTTIME, read back to back. */
int64_t lm_time_wall_minus_boot_ns(void);

#define LM_TIME_TEXT_BYTES 40

/** RFC 3339 in UTC with nine decimals: 2026-01-02T03:04:05.678901234Z. */
void lm_time_format(uint64_t wall_ns, char out[LM_TIME_TEXT_BYTES]);

/** "5m": a number with a unit of ns, us, ms, s, m, h or d. @return false: it is none */
bool lm_time_parse_span(const char *text, uint64_t *ret_ns);

/**
 * Read RFC 3339 (fraction and offset optional; a missing offset is UTC), or a
 * span before `now`: "-5m" with a unit of ns, us, ms, s, m, h or d.
 *
 * @param now_wall_ns  what "-5m" counts back from
 * @param ret_wall_ns  untouched on failure
 * @return 0; -EINVAL with a sentence in diag
 */
int lm_time_parse(const char *text, uint64_t now_wall_ns, uint64_t *ret_wall_ns,
		  struct lm_diag *diag);
