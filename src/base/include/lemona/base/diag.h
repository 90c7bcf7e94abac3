/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * A diagnosis: one sentence a person can act on, collected where the failure
 * is understood and printed by the program, never by a library.
 * Callers that do not care pass NULL.
 */
#define LM_DIAG_MAX_BYTES 512

struct lm_diag {
	char text[LM_DIAG_MAX_BYTES]; /* NUL-terminated; empty when nothing was said */
};

#define LM_DIAG_INIT { .text = "" }

/**
 * Say what went wrong. The first sentence wins: the innermost caller knows most.
 *
 * @param diag  may be NULL
 * @param code  negative code
 * @return code, so that `return lm_diag_set(diag, -ENOSPC, "...")` reads well
 */
int lm_diag_set(struct lm_diag *diag, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Like lm_diag_set(), adding ": <strerror>" of the code. */
int lm_diag_errno(struct lm_diag *diag, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
