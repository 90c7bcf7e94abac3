/* SPDX-License-Identifier: MIT */
#pragma once

#include <errno.h>

/*
 * Every fallible function returns 0 (or a count) or a negative code: an errno
 * value, or one of the codes below where an errno value would lie. Corruption
 * and I/O failure never share a code.
 */
enum {
	LM_E_BASE = 4096, /* above every errno the kernel uses */
	LM_E_FORMAT,      /* not in the format it claims, or not ours at all */
	LM_E_DAMAGED,     /* ours, but a checksum or a structure is wrong */
	LM_E_TRUNCATED,   /* ours, but it ends in the middle of something */
	LM_E_VERSION,     /* written by a newer, incompatible version */
	LM_E_EMPTY,       /* sound, but holds nothing */
	LM_E_NOMATCH,     /* a specification that matches no object */
	LM_E_POISONED,    /* an earlier failure left this object unusable */
	LM_E_UNSIGNED,    /* whole, but not signed to its end */
	LM_E_WRONG_KEY,   /* signed, but not with the key that had to sign it */
};

/* Exit codes of every program (design: trust and failure). */
enum lm_exit {
	LM_EXIT_OK = 0,
	LM_EXIT_FINDINGS = 1,
	LM_EXIT_USAGE = 2,
	LM_EXIT_FAILURE = 3,
	LM_EXIT_DAMAGED = 4,
};

/** Short text for a negative code of either kind. Never NULL; static storage. */
const char *lm_strerror(int code);

/** The exit code that a negative code maps to; LM_EXIT_OK for 0 and above. */
enum lm_exit lm_exit_code(int code);
