/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "call.h"
#include "lemona/abi/calls.h"
#include "lemona/event/rules.h"

static bool is_told(const struct world_file *file)
{
	return file->dev || file->inode;
}

struct world_place call_resolve(struct world *world, const struct world_process *process,
	const struct call *call, const struct call_path *path, int64_t dirfd)
{
	lm_object_id start = process->is.cwd, dir;
	struct world_place place = { 0 };

	if (dirfd != CALL_AT_FDCWD)
		start = dirfd >= 0 ? world_fd(process, (uint64_t)dirfd) : LM_OBJECT_NONE;
	if (!path->known)
		return place;
	place = world_walk(world, process->is.root, start, path->text);
	if (!is_told(&path->dir) || !place.name)
		return place;
	dir = place.dir ? world_identify(world, place.dir, &path->dir) :
		world_file(world, &path->dir, false);
	return world_move_place(world, &place, dir);
}

/*
 * The same file by its number, on another device: overlayfs has a device of its own for what is on
 * that of its layers, and either may be told.
 */
static bool is_layer(const struct world *world, const struct world_place *place,
	const struct world_file *is)
{
	const struct world_file *known = world_known_file(world, place->file);

	return known && known->inode && known->inode == is->inode && known->dev != is->dev &&
		(known->mode & S_IFMT) == (is->mode & S_IFMT);
}

/* What stands at a place, by all that is known; a file is made up where only the name is known. */
static lm_object_id find_object(struct world *world, const struct world_place *place,
	const struct call_path *path, uint32_t mode)
{
	if (!is_told(&path->is)) {
		if (path->created && place->name)
			return world_unknown_file(world, mode);
		return place->file || !place->name ? place->file : world_unknown_file(world, mode);
	}
	if (!path->created && is_layer(world, place, &path->is))
		return place->file;
	if (!path->created && world_is_unknown(world, place->file))
		return world_identify(world, place->file, &path->is);
	return world_file(world, &path->is, path->created);
}

/* The event has seen its object under its name. */
static void bind_seen(struct world *world, struct lm_event *event)
{
	if (!event->object || !event->name)
		return;
	if (world_is_alias(world, event->name, event->object))
		event->flags |= LM_EVENT_CLAIMED;
	else
		world_bind(world, event->name, event->object);
}

lm_object_id call_file(struct world *world, const struct world_process *process,
	const struct call *call, const struct call_path *path, int64_t dirfd,
	struct world_place *ret_place)
{
	lm_object_id object;

	*ret_place = call_resolve(world, process, call, path, dirfd);
	if (!path->known)
		return LM_OBJECT_NONE;
	object = find_object(world, ret_place, path, 0);
	if (object && ret_place->name && !world_is_alias(world, ret_place->name, object))
		world_bind(world, ret_place->name, object);
	return object;
}

static void note_failure(struct world *world, const struct call *call, struct lm_event *event)
{
	event->flags |= LM_EVENT_CLAIMED;
	if (call->result == -ENOENT && event->name && !world_bound(world, event->name))
		world_rebind(world, event->name, LM_OBJECT_NONE);
	world_event(world, event);
}

static uint64_t open_flags(const struct call *call, const struct lm_call_rule *rule)
{
	if (call->native == SYS_creat)
		return O_CREAT | O_WRONLY | O_TRUNC;
	return call_argument(call, rule->c) & UINT32_MAX;
}

/* Has the open made the file, as far as that can be known? */
static bool has_created(const struct world *world, const struct call *call, uint64_t flags,
	const struct world_place *place)
{
	if (call->path.created)
		return true;
	if (call->trust == CALL_KERNEL || !(flags & O_CREAT))
		return false;
	return flags & O_EXCL || world_is_absent(world, place->name);
}

void call_open(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	const struct lm_call_rule *rule = &lm_call_mappings()[call->native].rule;
	int64_t dirfd = rule->b ? call_descriptor(call, rule->b - 1u) : CALL_AT_FDCWD;
	struct world_place place = call_resolve(world, process, call, &call->path, dirfd);
	struct call_path path = call->path;

	event->arg = open_flags(call, rule);
	event->name = place.name;
	if (call->result < 0) {
		note_failure(world, call, event);
		return;
	}
	path.created = has_created(world, call, event->arg, &place);
	event->object = call->returned;
	if (!event->object)
		event->object = find_object(world, &place, &path,
			event->arg & O_DIRECTORY ? S_IFDIR : 0);
	if (path.created) {
		event->flags |= LM_EVENT_CREATED;
		world_rebind(world, event->name, event->object);
	} else {
		bind_seen(world, event);
	}
	world_event(world, event);
	world_set_fd(world, process, (uint64_t)call->result, event->object,
		event->arg & O_CLOEXEC);
}

/* A call on one path that makes or removes its name. */
static void change_name(struct world *world, const struct call *call,
	const struct world_place *place, struct lm_event *event)
{
	struct call_path path = call->path;

	switch (event->op) {
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		event->object = place->file;
		if (is_told(&path.is))
			event->object = find_object(world, place, &path, 0);
		if (event->object)
			world_bind(world, event->name, event->object);
		world_rebind(world, event->name, LM_OBJECT_NONE);
		return;
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
		path.created = true;
		event->object = find_object(world, place, &path,
			event->op == LM_OP_MKDIR ? S_IFDIR : (uint32_t)event->arg);
		world_rebind(world, event->name, event->object);
		return;
	}
	event->object = find_object(world, place, &path, 0);
	bind_seen(world, event);
}

/* Calls on the descriptor itself: an empty path. */
static bool is_descriptor(const struct call *call, int64_t dirfd)
{
	return dirfd >= 0 && call->path.known && !call->path.text.len;
}

void call_path(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	const struct lm_call_rule *rule = &lm_call_mappings()[call->native].rule;
	bool by_fd = rule->b && rule->b != LM_CALL_DIR_MQUEUE;
	int64_t dirfd = by_fd ? call_descriptor(call, rule->b - 1u) : CALL_AT_FDCWD;
	struct world_place place = call_resolve(world, process, call, &call->path, dirfd);

	event->arg = call_argument(call, rule->c);
	event->name = place.name;
	if (event->op == LM_OP_UNLINK && event->arg & AT_REMOVEDIR) {
		event->op = LM_OP_RMDIR;
		event->arg = 0;
	}
	if (call->trust == CALL_CLAIMED)
		event->flags |= LM_EVENT_CLAIMED;
	if (call->result < 0) {
		note_failure(world, call, event);
		return;
	}
	if (is_descriptor(call, dirfd)) {
		event->object = world_fd(process, (uint64_t)dirfd);
		event->flags = LM_EVENT_DERIVED;
	} else if (place.name || is_told(&call->path.is)) {
		change_name(world, call, &place, event);
	} else {
		event->object = place.file;
	}
	if (event->op == LM_OP_KERNEL) {
		event->object2 = event->object;
		event->object = LM_OBJECT_KERNEL;
	}
	world_event(world, event);
}

/* Names change hands; what the second one had is gone, unless they were exchanged. */
static void rename_place(struct world *world, const struct call *call,
	const struct world_place *from, const struct world_place *to, struct lm_event *event)
{
	lm_object_id before = to->file;

	event->object = find_object(world, from, &call->path, 0);
	if (event->object)
		world_bind(world, from->name, event->object);
	world_rebind(world, to->name, event->object);
	world_rebind(world, from->name,
		event->arg & RENAME_EXCHANGE ? before : LM_OBJECT_NONE);
}

static void link_place(struct world *world, const struct call *call,
	const struct world_place *from, const struct world_place *to, struct lm_event *event)
{
	event->object = find_object(world, from, &call->path, 0);
	if (event->object)
		world_bind(world, from->name, event->object);
	world_rebind(world, to->name, event->object);
}

static void link_symbolically(struct world *world, struct world_process *process,
	const struct call *call, int64_t dirfd, struct lm_event *event)
{
	struct world_place place = call_resolve(world, process, call, &call->path, dirfd);
	struct call_path path = call->path;

	event->name = place.name;
	/* The target is text, not a place. */
	if (call->path2.known)
		event->name2 = world_name(world, LM_OBJECT_NONE, call->path2.text);
	if (call->result < 0 || !place.name)
		return;
	path.created = true;
	event->object = find_object(world, &place, &path, S_IFLNK);
	world_rebind(world, place.name, event->object);
}

static void mount_place(struct world *world, const struct call *call,
	const struct world_place *on, const struct world_place *what, struct lm_event *event)
{
	/* What is mounted need not be a path. */
	if (call->path2.text.len && *call->path2.text.data == '/') {
		event->name2 = what->name;
		event->object2 = what->file;
	}
	/* What stands there now is another root, of which nothing is known yet. */
	if (call->result >= 0 && on->name)
		world_rebind(world, on->name, LM_OBJECT_NONE);
}

void call_two_paths(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	const struct lm_call_rule *rule = &lm_call_mappings()[call->native].rule;
	int64_t dirfd = rule->b ? call_descriptor(call, rule->b - 1u) : CALL_AT_FDCWD;
	int64_t dirfd2 = rule->c >> 4 ? call_descriptor(call, (rule->c >> 4) - 1u) : CALL_AT_FDCWD;
	struct world_place place, place2;

	if (call->trust == CALL_CLAIMED || call->result < 0)
		event->flags |= LM_EVENT_CLAIMED;
	if (event->op == LM_OP_SYMLINK) {
		link_symbolically(world, process, call, dirfd, event);
		world_event(world, event);
		return;
	}
	if (call->native == SYS_renameat2 || call->native == SYS_linkat)
		event->arg = call->args[4] & UINT32_MAX;
	place = call_resolve(world, process, call, &call->path, dirfd);
	place2 = call_resolve(world, process, call, &call->path2, dirfd2);
	event->name = place.name;
	event->name2 = place2.name;
	if (event->op == LM_OP_MOUNT)
		mount_place(world, call, &place, &place2, event);
	else if (call->result >= 0 && place.name && place2.name && event->op == LM_OP_RENAME)
		rename_place(world, call, &place, &place2, event);
	else if (call->result >= 0 && place.name && place2.name && event->op == LM_OP_LINK)
		link_place(world, call, &place, &place2, event);
	world_event(world, event);
}
