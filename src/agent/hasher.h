/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "lemona/event/identify.h"

/*
 * Hashes what is executed, in a thread of its own that runs when nothing else
 * wants the CPU. A file is read again only when its size or change time is
 * another one than before.
 */
struct hasher;

/** Start the thread. @return 0; -ENOMEM; -EAGAIN; what lm_sha256_new() returns */
int hasher_new(struct hasher **ret_hasher);
/** What is still being read is given up. */
struct hasher *hasher_free(struct hasher *hasher);

/**
 * Have a file hashed. Asked again within a second, it is looked at once more
 * when the second is over.
 *
 * @param code  copied
 * @return 0; -ENOBUFS (too much is waiting); -ENOMEM
 */
int hasher_ask(struct hasher *hasher, const struct lm_code *code);

/**
 * Take one result: a content that has not been told before, or that there is none to be had.
 * @return false: none yet
 */
bool hasher_take(struct hasher *hasher, struct lm_content *ret_content);

/**
 * Wait for what was asked, but not for what ran before the start, and no longer
 * than this; the rest then counts as not done in time. No more can be asked.
 */
void hasher_finish(struct hasher *hasher, uint64_t limit_ns);
