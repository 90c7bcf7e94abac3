/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/abi/raw.h"
#include "lemona/base/str.h"

/*
 * What the kernel's own name events (fanotify) say about a change of a
 * directory. They carry no time and come beside the raw records, but always
 * before the end of the call that caused them has been handed out.
 */
enum lm_name_change {
	LM_NAME_CREATED = 1u << 0,
	LM_NAME_DELETED = 1u << 1,
	LM_NAME_RENAMED = 1u << 2,
	LM_NAME_DIRECTORY = 1u << 3, /* what was created, deleted or renamed is one */
	LM_NAME_CHANGES = LM_NAME_CREATED | LM_NAME_DELETED | LM_NAME_RENAMED,
};

struct lm_name_place {
	uint64_t dir_inode; /* 0: this file system's handles cannot be read */
	uint32_t dir_dev;
	struct lm_str name;
};

struct lm_name_event {
	/* Told by a hook in the middle of a request of io_uring, which may fail yet: of no call. */
	bool of_request;
	uint64_t arrived_ns; /* when it had been read: after what it tells had been done */
	uint32_t tid;     /* who did it, initial pid namespace */
	/*
	 * enum lm_name_change: one change, and whether of a directory. Events of one thread and one
	 * change come in the order of its calls; one that is equal to an earlier one, target
	 * included, may be missing (the kernel merges them).
	 */
	uint32_t changes;
	struct lm_name_place at;  /* RENAMED: the old name */
	struct lm_name_place to;  /* RENAMED: the new name */
	struct lm_raw_inode target; /* inode 0: not known; mode is never known */
};
