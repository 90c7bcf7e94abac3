/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/str.h"

/*
 * Brings a sealed log to the disk, in a thread of its own: what waits for a disk must not
 * hold up what records. After each checkpoint it syncs the segments up to the one that the
 * checkpoint stands in, and then replaces the file `checkpoint` of the log's directory.
 */
struct lm_syncer;

/**
 * @param dir_fd   the log's directory; a copy is taken
 * @param segment  those below it are on the disk, or gone
 * @return 0; -errno
 */
int lm_syncer_new(int dir_fd, uint32_t segment, struct lm_syncer **ret_syncer);

/**
 * A checkpoint stands in that segment. Of several that wait only the newest is seen to, so this
 * may be called at any rate. Never waits.
 *
 * @param syncer  NULL: there is none for now, and nothing happens
 * @param size  leaves that it covers
 * @param note  copied; without memory for it the next one has to do
 */
void lm_syncer_ask(struct lm_syncer *syncer, uint32_t segment, uint64_t size, struct lm_str note);

/** Until all that was asked for is seen to. @return 0; why the last of it is not on the disk */
int lm_syncer_wait(struct lm_syncer *syncer);

/** Leaves of the newest checkpoint that is on the disk with all that it covers. NULL: 0. */
uint64_t lm_syncer_size(struct lm_syncer *syncer);

/**
 * End the thread.
 *
 * @param finish  see to what was asked for first, else leave it
 * @return 0; the error because of which the newest checkpoint is not on the disk. NULL: 0
 */
int lm_syncer_free(struct lm_syncer *syncer, bool finish);
