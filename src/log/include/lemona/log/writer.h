/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "lemona/base/diag.h"
#include "lemona/event/event.h"
#include "lemona/log/signer.h"

/*
 * The log: a directory of append-only segment files, each a sequence of
 * checksummed, numbered, compressed frames (docs/formats/log.md).
 */
struct lm_log_meta {
	char host[256];        /* node name */
	char boot_id[37];      /* /proc/sys/kernel/random/boot_id */
	char machine_id[33];   /* /etc/machine-id, or empty */
	char kernel[256];      /* uname release and version */
	char recorder[64];     /* "lemona 0.1.0" */
	char attach[32];       /* "tracepoint", "trampoline", "imported" */
	char level[16];        /* "provenance" */
	uint64_t start_ns;     /* boot time of the start */
	uint64_t start_wall_ns;
};

struct lm_log_options {
	size_t segment_bytes; /* rotate above this; 0: 64 MiB */
	int compression;      /* zstd level; 0: 1 */
	/* Times of items, and of the log itself, count from 1970 and not from the boot: what
	 * happened was recorded elsewhere, and none of this host's clocks has measured it. */
	bool since_1970;
	/* Who signs for the log; NULL: it is not sealed. Borrowed until the writer is gone. */
	const struct lm_signer *signer;
	uint64_t checkpoint_ns; /* how often, while there is something new; 0: a second */
	const uint8_t *log_id; /* its identity, 16 random bytes; NULL: the writer makes one */
	/*
	 * Retention: finished segments are deleted, the oldest first, while the log is larger
	 * than this, and once they were finished so long ago. 0: none is. Needs a signer, who
	 * vouches that they were deleted on purpose.
	 */
	uint64_t keep_bytes, keep_ns;
};

struct lm_log_writer;

/**
 * Make a new log directory (mode 0700) with its first segment, and lock it.
 * Parent directories must exist. An existing, empty directory is taken.
 *
 * A sealed log begins with the note of its first key, and that key is in the file `key`. A thread
 * brings it to the disk after each checkpoint.
 *
 * @return 0; -EEXIST (holds something already); -ENOENT; -EACCES; -ENOSPC; -EIO; -ENOMEM; -EPIPE,
 *         -ETIMEDOUT (the signer gave no key); -EINVAL (retention without a signer)
 */
int lm_log_create(const char *path, const struct lm_log_meta *meta,
		  const struct lm_log_options *options, struct lm_log_writer **ret_writer,
		  struct lm_diag *diag);

/**
 * Add one item to the frame being built. Borrowed: strings are copied.
 * Definitions must come before what uses them. event.id is assigned here;
 * event.begin_ns is stored of LM_EVENT_TIMED events only (the reader bounds it, see reader.h).
 * A full frame is written out; see lm_log_flush() for what that can return.
 *
 * @return 0; -ENOMEM; -ENOSPC, -EIO, ... (this frame's events are kept as a WRITE gap, which is
 *         written as soon as writing works again: call on, nothing is lost silently)
 */
int lm_log_add(struct lm_log_writer *writer, const struct lm_item *item);

/**
 * End the frame being built, if it holds anything, and write(2) it: readers then see it. A sealed
 * log also wants this called every few milliseconds when there is nothing new: it is when a
 * checkpoint is asked for, once a second while there is news, and written as soon as it is there.
 *
 * @return as lm_log_add(); a checkpoint that could not be written is tried again by the next call
 */
int lm_log_flush(struct lm_log_writer *writer);

/** Time since the oldest item in the unwritten frame was added, ns; 0 when empty. */
uint64_t lm_log_pending_ns(const struct lm_log_writer *writer);

struct lm_log_counts {
	uint64_t events, objects, lost; /* lost: sum over gap items */
	uint64_t folded; /* actions that share an event: those that happened are events + folded */
	uint64_t bytes;                 /* on disk */
	uint64_t frames;
};
void lm_log_counts(const struct lm_log_writer *writer, struct lm_log_counts *ret_counts);

/** Number of the segment that the next frame goes into: from 1. */
uint32_t lm_log_segment(const struct lm_log_writer *writer);

/** Is the log sealed as it should be? @return 0; the error since which nothing is signed */
int lm_log_sealing(const struct lm_log_writer *writer);

/**
 * See whether the log is still where it was made and, where somebody removed it, make it anew:
 * directories, the lock, and the current segment with all that was in it. Segments before it are
 * gone; their events count as lost from then on. Costs a few stat(2) while nothing is wrong.
 *
 * @return 0; 1 it was removed and is there again; -EEXIST (something else is in its place),
 *         -ENOSPC, -EIO, ...: what is written is seen by nobody, until a later call can make it
 *         anew
 */
int lm_log_restore(struct lm_log_writer *writer);

/**
 * Flush, write the end frame, fsync, unlock. The writer is gone whatever is returned; its last
 * counts, the end frame included, are in ret_counts unless that is NULL.
 *
 * @return 0; what lm_log_flush() returns; -EIO, ... (it is not all on the disk); -LM_E_UNSIGNED
 *         (all of that went well, but lm_log_sealing())
 */
int lm_log_close(struct lm_log_writer *writer, struct lm_log_counts *ret_counts,
		 struct lm_diag *diag);
/** Let go without an end frame (tests of crashes, error paths). NULL allowed; returns NULL. */
struct lm_log_writer *lm_log_abandon(struct lm_log_writer *writer);
/**
 * Undo lm_log_create(): nothing was recorded that anybody asked for. A directory that was there
 * before stays, empty.
 *
 * @param path  as given to lm_log_create()
 * @return NULL
 */
struct lm_log_writer *lm_log_discard(struct lm_log_writer *writer, const char *path);
