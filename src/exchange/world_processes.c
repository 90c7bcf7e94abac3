/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world_fds.h"
#include "world_internal.h"

#define NOT_SET UINT32_MAX /* loginuid, session */

static void free_process(struct world_process *process)
{
	fds_release(process->fds);
	free((char *)process->is.argv.data);
	free((char *)process->is.comm.data);
	free(process);
}

static void cleanup_process(struct world_process **process)
{
	if (*process)
		free_process(*process);
}

struct world_process *world_process(const struct world *world, uint32_t tid)
{
	const uint64_t *found = lm_map_get(&world->threads, tid);

	return found ? (struct world_process *)(uintptr_t)*found : NULL;
}

void world_end_thread(struct world *world, uint32_t tid)
{
	struct world_process *process = world_process(world, tid);

	if (!process)
		return;
	lm_map_remove(&world->threads, tid);
	if (--process->threads == 0)
		free_process(process);
}

void world_end_process(struct world *world, struct world_process *process)
{
	uint32_t left = process->threads;

	if (left == 1 && world_process(world, process->is.tgid) == process) {
		world_end_thread(world, process->is.tgid);
		return;
	}
	/* Few processes have several threads: all numbers are looked at for theirs. */
	for (size_t slot = 0; left && slot <= world->threads.mask;) {
		uint64_t tid, value;

		if (lm_map_at(&world->threads, slot, &tid, &value) &&
			(const struct world_process *)(uintptr_t)value == process) {
			/* What stands behind it may move into its place. */
			world_end_thread(world, (uint32_t)tid);
			left--;
		} else {
			slot++;
		}
	}
}

void world_free_processes(struct world *world)
{
	for (size_t slot = 0; world->threads.slots && slot <= world->threads.mask; slot++) {
		struct world_process *process;
		uint64_t tid, value;

		if (!lm_map_at(&world->threads, slot, &tid, &value))
			continue;
		process = (struct world_process *)(uintptr_t)value;
		if (--process->threads == 0)
			free_process(process);
	}
}

void world_end_processes(struct world *world)
{
	world_free_processes(world);
	lm_map_release(&world->threads);
	world->threads = (struct lm_map)LM_MAP_INIT;
}

void world_add_thread(struct world *world, struct world_process *process, uint32_t tid)
{
	if (world_process(world, tid) == process)
		return;
	world_end_thread(world, tid);
	if (lm_map_put(&world->threads, tid, (uint64_t)(uintptr_t)process) < 0)
		world_fail(world, -ENOMEM);
	else
		process->threads++;
}

static lm_object_id define_process(struct world *world, const struct world_process *process,
	lm_object_id id)
{
	struct lm_object object = {
		.id = id, .kind = LM_OBJECT_KIND_PROCESS,
		.flags = (process->found ? LM_OBJECT_FOUND : 0) |
			(process->unseen ? LM_OBJECT_PARTIAL : 0),
		.process = process->is,
	};

	return world_define(world, &object);
}

void world_redefine(struct world *world, struct world_process *process)
{
	process->unseen = false;
	define_process(world, process, process->object);
}

/* @return whether it is another one now */
static bool set_text(struct world *world, struct lm_str *text, struct lm_str value, uint32_t most)
{
	char *copy;

	if (value.len > most)
		value.len = most;
	if (lm_str_equal(*text, value))
		return false;
	copy = malloc(value.len ? value.len : 1);
	if (!copy) {
		world_fail(world, -ENOMEM);
		return false;
	}
	if (value.len)
		memcpy(copy, value.data, value.len);
	free((char *)text->data);
	*text = (struct lm_str){ copy, value.len };
	return true;
}

bool world_set_argv(struct world *world, struct world_process *process, struct lm_str argv)
{
	if (!set_text(world, &process->is.argv, argv, LM_PROCESS_ARGV_MAX_BYTES))
		return false;
	process->is.argv_cut = argv.len > LM_PROCESS_ARGV_MAX_BYTES;
	return true;
}

bool world_set_comm(struct world *world, struct world_process *process, struct lm_str comm)
{
	return set_text(world, &process->is.comm, comm, 64);
}

/* One that is like its parent, under a number of its own, and not defined yet. */
static struct world_process *make_process(struct world *world, uint32_t tgid,
	const struct world_process *parent, bool shares_fds)
{
	LM_CLEANUP(cleanup_process) struct world_process *process = calloc(1, sizeof(*process));
	struct lm_str argv = LM_STR_NONE, comm = LM_STR_NONE;

	if (!process) {
		world_fail(world, -ENOMEM);
		return NULL;
	}
	if (parent) {
		process->is = parent->is;
		argv = parent->is.argv;
		comm = parent->is.comm;
		process->is.argv = process->is.comm = LM_STR_NONE;
		process->is.parent = parent->object;
	} else {
		process->is.root = world_root(world);
		process->is.loginuid = process->is.session = NOT_SET;
	}
	process->is.tgid = process->is.ns_tgid = tgid;
	process->is.start_ns = world->now_ns;
	process->is.version = 0;
	process->is.previous = LM_OBJECT_NONE;
	world_set_argv(world, process, argv);
	world_set_comm(world, process, comm);
	process->fds = parent && shares_fds ? fds_share(parent->fds) :
		fds_copy(parent ? parent->fds : NULL);
	if (!process->fds)
		world_fail(world, -ENOMEM);
	world_add_thread(world, process, tgid);
	return process->threads ? lm_take_ptr(process) : NULL;
}

void world_expect_child(struct world *world, struct world_process *parent, uint32_t child,
	const struct lm_event *event)
{
	const struct world_process *known = world_process(world, child);

	if (known && known != parent && known->ppid == parent->is.tgid && known->sighted) {
		if (parent->quick)
			parent->quick--;
		return;
	}
	/* A number of another pid namespace: the child is one that was seen already, if any. */
	if (parent->quick) {
		parent->quick--;
		return;
	}
	if (parent->waiting == WORLD_FORKS_MAX) {
		memmove(parent->forks, parent->forks + 1,
			(WORLD_FORKS_MAX - 1) * sizeof(parent->forks[0]));
		parent->waiting--;
	}
	parent->forks[parent->waiting++] = *event;
}

/* That a process was forked is told when it is seen: until then nobody knows its number. */
static void tell_fork(struct world *world, struct world_process *parent,
	const struct world_process *child)
{
	struct lm_event event = {
		.begin_ns = world->now_ns, .op = LM_OP_FORK, .actor = parent->object,
		.tid = parent->is.tgid, .call = LM_CALL_NONE, .result = child->is.tgid,
	};

	if (parent->waiting) {
		event = parent->forks[0];
		memmove(parent->forks, parent->forks + 1,
			--parent->waiting * sizeof(parent->forks[0]));
	} else {
		parent->quick++;
	}
	event.end_ns = world->now_ns;
	event.object = child->object;
	event.flags |= LM_EVENT_TIMED | LM_EVENT_DERIVED;
	world_event(world, &event);
}

struct world_process *world_find_process(struct world *world, uint32_t tgid, uint32_t ppid)
{
	struct world_process *parent = ppid && ppid != tgid ? world_process(world, ppid) : NULL;
	bool was_seen = parent && !parent->unseen;
	struct world_process *process;

	if (!parent && ppid && ppid != tgid) {
		parent = make_process(world, ppid, NULL, false);
		if (!parent)
			return NULL;
		parent->found = parent->unseen = true;
		parent->object = parent->first = define_process(world, parent, LM_OBJECT_NONE);
	}
	process = make_process(world, tgid, parent, false);
	if (!process)
		return NULL;
	process->found = !was_seen;
	process->sighted = true;
	process->ppid = ppid;
	process->object = process->first = define_process(world, process, LM_OBJECT_NONE);
	if (was_seen)
		tell_fork(world, parent, process);
	return process;
}

struct world_process *world_fork(struct world *world, struct world_process *parent, uint32_t child,
	uint32_t shared, struct lm_event *event)
{
	struct world_process *process = world_process(world, child);

	if (shared & WORLD_SHARED_MEMORY)
		event->flags |= LM_EVENT_VM_SHARED;
	if (process == parent) {
		/* Nobody is his own child: a number that is wrong. */
		world_event(world, event);
		return NULL;
	}
	world_end_thread(world, child);
	process = make_process(world, child, parent, shared & WORLD_SHARED_FILES);
	if (!process)
		return NULL;
	process->ppid = parent->is.tgid;
	process->object = process->first = define_process(world, process, LM_OBJECT_NONE);
	event->object = process->object;
	world_event(world, event);
	return process;
}

lm_object_id world_new_version(struct world *world, struct world_process *process)
{
	lm_object_id before = process->object;

	process->is.version++;
	process->is.previous = before;
	process->fds = fds_after_exec(process->fds);
	if (!process->fds)
		world_fail(world, -ENOMEM);
	process->object = define_process(world, process, LM_OBJECT_NONE);
	return before;
}
