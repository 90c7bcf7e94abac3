/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lemona/base/diag.h"

/* What this host lets the sensor do, found by trying, never by kernel version. */
enum lm_check_result { LM_CHECK_OK = 0, LM_CHECK_DEGRADED = 1, LM_CHECK_MISSING = 2 };

struct lm_check {
	const char *name;      /* "btf", "raw-tracepoints", "trampolines", ... static */
	enum lm_check_result result;
	char found[160];       /* what was seen, one line */
	const char *meaning;   /* what it means for the evidence; static, "" when OK */
	const char *fix;       /* what a person can do about it; static, "" when nothing */
};

#define LM_DOCTOR_CHECKS_MAX 32

/**
 * Try everything the sensor needs or would like.
 *
 * @param ret_checks  room for LM_DOCTOR_CHECKS_MAX
 * @param ret_usable  whether recording works here at all
 * @return number of checks; -EPERM with a sentence (nothing can be tried without root)
 */
int lm_doctor_run(struct lm_check ret_checks[LM_DOCTOR_CHECKS_MAX], bool *ret_usable,
		  struct lm_diag *diag);
