/* SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>

/**
 * Start a thread that no signal interrupts: they are for the thread that knows what they mean.
 *
 * @return 0; -EAGAIN
 */
int lm_thread_start(pthread_t *ret_thread, void *(*run)(void *data), void *data);
