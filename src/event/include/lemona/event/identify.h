/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/abi/raw.h"
#include "lemona/event/event.h"
#include "lemona/event/name_event.h"

/*
 * Identification: raw records in, objects, bindings, events and gaps out.
 *
 * Keeps what the log has been told so far: live processes and threads, and as many
 * files, names and sockets as memory was given for, with what each name is bound to. Records
 * must come in the order of their times, as lm_sensor_drain() gives them; the
 * state found at the start may come late.
 */
struct lm_identify;

/** A file whose content runs: executed, or mapped so that it can be. */
struct lm_code {
	lm_object_id file;
	struct lm_raw_inode inode;
	uint32_t tgid, parent_tgid; /* who runs it, and who started that one (or 0) */
	struct lm_str path;         /* as tgid sees it, borrowed; empty: no name is known */
	bool found;                 /* ran before the start */
};

struct lm_identify_sink {
	/** Takes one item; its strings are borrowed. @return 0, or a negative code that stops. */
	int (*item)(void *data, const struct lm_item *item);
	/** Have every directory told again: what it is now called has become unknown. May be NULL.
	 */
	void (*forget_directories)(void *data);
	/** A regular file runs; its content may be told by lm_identify_content(). May be NULL. */
	void (*code)(void *data, const struct lm_code *code);
	/** A file system has come into sight, through this process. May be NULL. */
	void (*new_file_system)(void *data, uint32_t tgid);
	/**
	 * Look at one directory entry now, as a process sees it. May be NULL.
	 *
	 * @param path      absolute, from the process's own root
	 * @param ret_link  where it is a symbolic link: its target, NUL-terminated
	 * @return 0; -ENOENT and other codes: nothing could be learned
	 */
	int (*look)(void *data, uint32_t tgid, const char *path, struct lm_raw_inode *ret_inode,
		    char *ret_link, size_t link_size);
	void *data;
};

/**
 * Device numbers of the kernel's internal file systems, which no open tells
 * (kernel encoding: major << 20 | minor). 0 where not known.
 */
struct lm_identify_devices {
	uint32_t sockfs, pipefs, anon_inode;
};

/** Ask the running kernel, with descriptors of our own. @return 0; -errno */
int lm_identify_find_devices(struct lm_identify_devices *ret_devices);

/** @return 0; -ENOMEM; what the sink returned (the kernel object is defined at once) */
int lm_identify_new(const struct lm_identify_sink *sink, const struct lm_identify_devices *devices,
		    struct lm_identify **ret_identify);
struct lm_identify *lm_identify_free(struct lm_identify *identify);

/** What lm_identify_new() sets: 262,144 files and as many names. */
#define LM_IDENTIFY_MEMORY_BYTES (UINT64_C(64) << 20)

/**
 * Bound what is remembered of files, names, sockets and control groups: about this much, 256 bytes
 * for a file and its name. What was not used for the longest is forgotten first; what comes back is
 * defined under a new number, with the flag LM_OBJECT_AGAIN. Before the first record; a value too
 * small to work with counts as 64 KiB.
 */
void lm_identify_set_memory(struct lm_identify *identify, uint64_t bytes);

/**
 * For a log whose oldest segments are deleted: have each segment define what it uses. Keeps the
 * last definition of what is still referred to. Before the first record.
 *
 * @return 0; -ENOMEM
 */
int lm_identify_set_repeating(struct lm_identify *identify);
/**
 * A segment has begun: what was told before is told again when it is used, with the flag
 * LM_OBJECT_REPEATED. May be called while the sink takes an item: then what that one refers to is
 * told after it, and has to come into the same frame.
 *
 * @return 0; what the sink returned
 */
int lm_identify_begin_segment(struct lm_identify *identify);

/**
 * Take one raw record.
 *
 * @param record  borrowed; record->len bytes, checked against its kind
 * @return 0; -LM_E_FORMAT (a record that its kind cannot have); -ENOMEM; -EOVERFLOW (all 2^32
 *         object numbers of a log are used up); what the sink returned
 */
int lm_identify_record(struct lm_identify *identify, const struct lm_raw *record);

/** All that was there before the start has been told: tie up what came in no order. */
int lm_identify_found_all(struct lm_identify *identify);

/**
 * Take one of the kernel's name events. Must come before the record of the call
 * that caused it, as lm_sensor_snapshot() makes possible.
 *
 * @return 0; -LM_E_FORMAT (no change, or several); -ENOMEM
 */
int lm_identify_name(struct lm_identify *identify, const struct lm_name_event *event);

/** Name events were lost: those that were taken so far are not matched by their order any more. */
void lm_identify_lost_names(struct lm_identify *identify);

/**
 * Tell the log what a file held.
 *
 * @param content  of a file that sink.code has named
 * @return 0; -LM_E_FORMAT (no such file); -ENOMEM; what the sink returned
 */
int lm_identify_content(struct lm_identify *identify, const struct lm_content *content);

/** Mark a process as the recorder's own. */
void lm_identify_set_self(struct lm_identify *identify, uint32_t tgid);

/** dev_t of stat(2) in the kernel's own encoding. */
uint32_t lm_identify_kernel_dev(uint64_t user_dev);
