/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Ownership of locals. Every owning local has one of these attributes and an
 * initial value; ownership leaves a function only through lm_take_ptr() and
 * lm_take_fd(), so one function can be checked for leaks without its callees.
 */
static inline void lm_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void lm_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void lm_cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define LM_CLEANUP(func) __attribute__((cleanup(func)))
#define LM_FREE LM_CLEANUP(lm_cleanup_free)
#define LM_CLOSE LM_CLEANUP(lm_cleanup_close)
#define LM_FCLOSE LM_CLEANUP(lm_cleanup_fclose)

#define lm_take_ptr(p) ({ __typeof__(p) lm_taken_ = (p); (p) = NULL; lm_taken_; })
#define lm_take_fd(fd) ({ int lm_taken_ = (fd); (fd) = -1; lm_taken_; })

#define LM_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
