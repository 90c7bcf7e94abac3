/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lemona/abi/raw.h"

/*
 * What the recorder does to keep its log is left out of it: a log that grew by being written would
 * never end. The kernel side leaves out the calls of its process; here is what is left.
 */
#define OWN_THREADS_MAX 8u

struct own_threads {
	uint32_t tids[OWN_THREADS_MAX];
	uint32_t count;
};

/** The threads that this process has now: name events say which thread made a change. */
void own_threads_list(struct own_threads *threads);
bool own_threads_have(const struct own_threads *threads, uint32_t tid);

/**
 * Is this the recorder starting a thread, or the holder of its keys talking to it? All else that
 * the holder might do, and what others do to it, is recorded.
 *
 * @param holder  0: there is none
 */
bool own_is_record(const struct lm_raw *record, pid_t self, pid_t holder);
