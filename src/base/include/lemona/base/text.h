/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"

/*
 * Foreign bytes on their way to a person. A file name may hold terminal escape
 * sequences; printed as it is, it could rewrite the very report that names it.
 */

/**
 * Append `s` so that it is valid UTF-8 without control characters: C escapes
 * (\n, \t, \\), \xHH for other control bytes and for what is not UTF-8.
 * Code points that reorder or hide text (C1, bidi controls, zero width) are
 * written as \u{HHHH}.
 */
void lm_text_escape(struct lm_buffer *buf, struct lm_str s);
