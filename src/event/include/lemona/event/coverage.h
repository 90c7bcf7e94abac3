/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"

/**
 * Write docs/coverage.md: every system call that is known, what it becomes in a
 * log, or why it becomes nothing. Made of lm_call_mappings() and nothing else
 * than words about it.
 *
 * @param out  appended to; its status tells whether memory was enough
 */
void lm_coverage_write(struct lm_buffer *out);
