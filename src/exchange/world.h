/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lemona/base/map.h"
#include "lemona/event/event.h"

/*
 * The world that a foreign log tells of: its objects, what names are bound to, processes with
 * their versions and descriptors. Importers say what happened; the world says what that means, and
 * hands on the items of an ordinary log. Times are nanoseconds since 1970.
 *
 * Functions that give an object give 0 when memory ran out or the sink failed: world_status() then
 * says why, and nothing more is handed on. So it need only be asked once an event.
 */
struct world;

struct world_sink {
	/** Takes one item; its strings are borrowed. @return 0, or a negative code that stops. */
	int (*item)(void *data, const struct lm_item *item);
	void *data;
};

int world_new(const struct world_sink *sink, struct world **ret_world);
struct world *world_free(struct world *world);
/** @return 0; -ENOMEM; -EOVERFLOW (all object numbers are used); what the sink returned */
int world_status(const struct world *world);

/* Times of the items so far: an event before the last one's time is told at that time. */
uint64_t world_now(const struct world *world);

/** What is defined, bound or found from here on is so at this time; no time goes back. */
void world_set_now(struct world *world, uint64_t time_ns);

/** Hand on an event. Its end is raised to the world's time where it lies before. */
void world_event(struct world *world, struct lm_event *event);
void world_gap(struct world *world, const struct lm_gap *gap);

/* Objects. */

/** Define an object: number 0 gets the next one. The number is returned, 0 on failure. */
lm_object_id world_define(struct world *world, struct lm_object *object);

/** How many numbers have been given: for what has none of its own. */
lm_object_id world_numbers(const struct world *world);

/* What a source says of a file. dev and inode 0: not known. */
struct world_file {
	uint32_t dev; /* kernel encoding: major << 20 | minor */
	uint64_t inode;
	uint32_t mode, rdev; /* mode 0: not known */
};

/**
 * The file with this device and inode, defined where it is new.
 *
 * @param created  the number was given anew: it is another file than any before
 */
lm_object_id world_file(struct world *world, const struct world_file *file, bool created);
/** A file of which nothing but a name is known. */
lm_object_id world_unknown_file(struct world *world, uint32_t mode);
/** The same, of a device perhaps: `is` has mode and rdev, as far as they are known. */
lm_object_id world_unknown_device(struct world *world, const struct world_file *is);
/** Fill in what a source says of a file, where that was not known. Same file, or the one with that
 * device and inode. */
lm_object_id world_identify(struct world *world, lm_object_id file, const struct world_file *is);
/** What is known of a file; NULL: the object is none. Valid until the next file is defined. */
const struct world_file *world_known_file(const struct world *world, lm_object_id file);
/** Is all that is known of the file its name? */
bool world_is_unknown(const struct world *world, lm_object_id file);

/* Names. */
lm_object_id world_name(struct world *world, lm_object_id dir, struct lm_str component);
/** What the name is bound to, or 0. */
lm_object_id world_bound(const struct world *world, lm_object_id name);
/** Is it known to mean nothing: removed, or looked up in vain? */
bool world_is_absent(const struct world *world, lm_object_id name);
/** It was seen that this name means this file: said in the log, unless that is known. 0: nothing */
void world_bind(struct world *world, lm_object_id name, lm_object_id file);
/**
 * Is this the file's own name, by way of a directory that is a link? So it seems where the same
 * component in another directory is bound to the file, and nothing to this name.
 */
bool world_is_alias(const struct world *world, lm_object_id name, lm_object_id file);
/** The name that a file was bound to last, as far as that still holds; or 0. */
lm_object_id world_name_of(const struct world *world, lm_object_id file);
/** As world_bind(), where an event of the log itself says so. */
void world_rebind(struct world *world, lm_object_id name, lm_object_id file);

struct world_place {
	lm_object_id name; /* 0: the path ends in a directory without a name ("/", "..") */
	lm_object_id dir;  /* that the name is in */
	lm_object_id file; /* what it is bound to as far as known, or 0 */
};

/**
 * Walk a path, by text: links are not known here. Directories on the way that have never been
 * seen are taken to be there.
 *
 * @param root   what "/" and the ".." above it mean
 * @param start  where a relative path begins; 0: not known, the name is one of an unknown directory
 */
struct world_place world_walk(struct world *world, lm_object_id root, lm_object_id start,
	struct lm_str path);

/** The same component in another directory. */
struct world_place world_move_place(struct world *world, const struct world_place *place,
	lm_object_id dir);

/** The root directory of processes of which nothing else is known. */
lm_object_id world_root(struct world *world);
/** This directory is "/" of some process from now on. */
void world_make_root(struct world *world, lm_object_id dir);

/* Processes. */
struct world_fds;

/* Of older ones, which had threads or children that did nothing, nothing more is expected. */
#define WORLD_FORKS_MAX 8u

struct world_process {
	lm_object_id object, first; /* its present version; the one it started with */
	uint32_t ppid;       /* as its source tells; 0: it does not */
	struct lm_process is;/* what the log was told last; argv and comm are owned */
	struct world_fds *fds;
	uint32_t threads;
	bool found;          /* it was there before the log began, as far as is known */
	bool sighted;        /* its start was not seen, but itself at work */
	/* Children that are to come, and how many came before the call that made them had ended. */
	struct lm_event forks[WORLD_FORKS_MAX];
	uint32_t waiting, quick;
	bool unseen;         /* nothing but its number is known */
};

/** The process that a thread belongs to; NULL: never seen, or it has ended. */
struct world_process *world_process(const struct world *world, uint32_t tid);
/**
 * A process seen for the first time, at work already. Its descriptors are taken to be its parent's.
 * Where the parent is known, it is told to have forked it, now at the latest.
 *
 * @param ppid  0: not known. A parent that was never seen is defined too
 */
struct world_process *world_find_process(struct world *world, uint32_t tgid, uint32_t ppid);
/** A further thread. A process that had this number has ended. */
void world_add_thread(struct world *world, struct world_process *process, uint32_t tid);
/** The thread has ended; with its last one the process is gone. */
void world_end_thread(struct world *world, uint32_t tid);
/** The whole process has ended. */
void world_end_process(struct world *world, struct world_process *process);

/** All processes have ended: the host was started anew. */
void world_end_processes(struct world *world);

#define WORLD_SHARED_MEMORY 1u
#define WORLD_SHARED_FILES 2u
/**
 * A process has started another one, of this number.
 *
 * @param event  of op FORK, but for its object
 */
struct world_process *world_fork(struct world *world, struct world_process *parent, uint32_t child,
	uint32_t shared, struct lm_event *event);
/**
 * A process was started, or a thread, under a number that may be one of another pid namespace:
 * it is told when it is seen, or was told so already.
 *
 * @param event  of op FORK, but for its object
 */
void world_expect_child(struct world *world, struct world_process *parent, uint32_t child,
	const struct lm_event *event);
/**
 * Define the process's next version; the caller has changed what `is` says of its program. The
 * process runs on as that version, without the descriptors that close themselves.
 *
 * @return the version before
 */
lm_object_id world_new_version(struct world *world, struct world_process *process);
/** Tell what `is` says now. */
void world_redefine(struct world *world, struct world_process *process);
/** Replace a string of `is`; NUL-separated words. @return whether it is another one */
bool world_set_argv(struct world *world, struct world_process *process, struct lm_str argv);
bool world_set_comm(struct world *world, struct world_process *process, struct lm_str comm);

/* Descriptors. */
lm_object_id world_fd(const struct world_process *process, uint64_t fd);
void world_set_fd(struct world *world, struct world_process *process, uint64_t fd,
	lm_object_id object, bool closes_on_exec);
void world_close_fd(struct world_process *process, uint64_t fd);
void world_set_cloexec(struct world *world, struct world_process *process, uint64_t fd,
	bool closes_on_exec);
/** Close all from first to last. */
void world_close_fds(struct world *world, struct world_process *process, uint64_t first,
	uint64_t last, bool only_mark);

/** A socket's definition as it is known now. NULL: the object is no socket. */
struct lm_socket *world_socket(struct world *world, lm_object_id object);
/** A new socket; unix paths in addresses are copied. */
lm_object_id world_new_socket(struct world *world, const struct lm_socket *socket);
/** Set one end's address and tell it. */
void world_set_address(struct world *world, lm_object_id object, bool remote,
	const struct lm_address *address);
lm_object_id world_new_pipe(struct world *world, uint64_t inode);
