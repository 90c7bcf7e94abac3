/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define AT_REMOVEDIR 0x200
#define RENAME_EXCHANGE (1 << 1)
#define LINKS_MAX 64 /* components that go up or down before a path is left as claimed */

/* The directory above, by the name the directory is known under. */
static lm_object_id parent_of(struct lm_identify *id, lm_object_id dir, lm_object_id root)
{
	const struct inode_entry *inode = inode_of(id, dir);
	const struct name_entry *name;

	if (dir == root)
		return dir;
	name = inode ? name_of(id, inode->name) : NULL;
	return name ? name->dir : LM_OBJECT_NONE;
}

static lm_object_id child_of(struct lm_identify *id, lm_object_id dir, struct lm_str component)
{
	const struct name_entry *name = name_of(id, look_up_name(id, dir, component));

	return name ? name->file : LM_OBJECT_NONE;
}

static struct lm_str without_slashes(struct lm_str path)
{
	while (path.len && *path.data == '/') {
		path.data++;
		path.len--;
	}
	return path;
}

static struct lm_str next_component(struct lm_str *path)
{
	struct lm_str component;
	const char *slash;

	*path = without_slashes(*path);
	slash = memchr(path->data, '/', path->len);
	component = (struct lm_str){ path->data, slash ? (uint32_t)(slash - path->data) : path->len };
	path->data += component.len;
	path->len -= component.len;
	return component;
}

static bool is_dots(struct lm_str component, uint32_t dots)
{
	return component.len == dots && memcmp(component.data, "..", dots) == 0;
}

static bool only_slashes(struct lm_str path)
{
	for (uint32_t i = 0; i < path.len; i++)
		if (path.data[i] != '/')
			return false;
	return true;
}

/*
 * The name object that a claimed path means: directories are walked through
 * the names the log knows; from the first unknown one on, the rest stays as it
 * was claimed. Symbolic links that have not been seen are part of that rest.
 *
 * ret_object: the object itself where the path ends in one that has no last
 * name here ("", "/", "."), and then ret_name is 0.
 */
static int resolve(struct lm_identify *id, uint64_t time_ns, const struct process *process,
	lm_object_id start, struct lm_str path, lm_object_id *ret_name, lm_object_id *ret_object)
{
	lm_object_id dir = start;

	*ret_name = *ret_object = LM_OBJECT_NONE;
	if (path.len && *path.data == '/')
		dir = process->attributes.root;
	for (int i = 0; i < LINKS_MAX; i++) {
		struct lm_str rest = path, component;
		lm_object_id next;

		component = next_component(&path);
		if (!component.len) {
			*ret_object = dir;
			return 0;
		}
		if (is_dots(component, 1))
			continue;
		next = is_dots(component, 2) ? parent_of(id, dir, process->attributes.root) :
			child_of(id, dir, component);
		if (only_slashes(path) && !is_dots(component, 2))
			return find_name(id, time_ns, dir, component, 0, ret_name);
		if (!dir || !next || !inode_of(id, next) ||
			(inode_of(id, next)->mode & S_IFMT) == S_IFLNK)
			return find_name(id, time_ns, dir, without_slashes(rest),
				LM_OBJECT_CLAIMED, ret_name);
		dir = next;
	}
	return find_name(id, time_ns, dir, path, LM_OBJECT_CLAIMED, ret_name);
}

static lm_object_id bound_file(struct lm_identify *id, lm_object_id name)
{
	const struct name_entry *entry = name_of(id, name);

	return entry ? entry->file : LM_OBJECT_NONE;
}

static bool is_directory(struct lm_identify *id, lm_object_id object)
{
	const struct inode_entry *inode = inode_of(id, object);

	return inode && (inode->mode & S_IFMT) == S_IFDIR;
}

/* Keep the names as the call has left them. */
static void apply(struct lm_identify *id, struct lm_event *event)
{
	lm_object_id file = bound_file(id, event->name), other;

	switch (event->op) {
	case LM_OP_RENAME:
		other = bound_file(id, event->name2);
		bind_name(id, event->name2, file);
		bind_name(id, event->name, event->arg & RENAME_EXCHANGE ? other : LM_OBJECT_NONE);
		if (file)
			inode_of(id, file)->name = event->name2;
		/* An unknown file may be a directory: what is below it has new paths. */
		if (!file && id->sink.forget_directories)
			id->sink.forget_directories(id->sink.data);
		break;
	case LM_OP_LINK:
		if (file)
			bind_name(id, event->name2, file);
		break;
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		bind_name(id, event->name, LM_OBJECT_NONE);
		break;
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
	case LM_OP_SYMLINK:
		/* A new object, not known until it is opened; an old one of that name is gone. */
		bind_name(id, event->name, LM_OBJECT_NONE);
		break;
	}
}

int take_path(struct lm_identify *id, const struct lm_raw_path *raw)
{
	struct lm_str path = { raw->paths, raw->path_len };
	struct lm_str path2 = { raw->paths + raw->path_len, raw->path2_len };
	lm_object_id start, start2, object2;
	uint64_t now = raw->raw.time_ns;
	struct process *process;
	struct lm_event event;
	int r;

	if ((uint32_t)raw->path_len + raw->path2_len > raw->raw.len - sizeof(*raw))
		return -LM_E_FORMAT;
	r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);
	if (r < 0)
		return r;
	event.result = raw->result;
	/* Only the *at2 form of a two-path call has a fifth argument. */
	if (!raw->path2_len || raw->raw.call == SYS_renameat2 || raw->raw.call == SYS_linkat)
		event.arg = raw->arg;
	event.flags |= LM_EVENT_CLAIMED;
	r = find_inode(id, now, raw->start_inode, raw->start_dev, raw->start_mode, &start);
	if (r == 0)
		r = resolve(id, now, process, start, path, &event.name, &event.object);
	if (r < 0)
		return r;
	if (event.op == LM_OP_SYMLINK && raw->path2_len) {
		/* The target is text, not a place. */
		r = find_name(id, now, LM_OBJECT_NONE, path2, LM_OBJECT_CLAIMED, &event.name2);
	} else if (raw->path2_len) {
		r = find_inode(id, now, raw->start2_inode, raw->start2_dev, S_IFDIR, &start2);
		if (r == 0)
			r = resolve(id, now, process, start2, path2, &event.name2, &object2);
	}
	if (r < 0)
		return r;
	if (event.op == LM_OP_UNLINK && raw->arg & AT_REMOVEDIR)
		event.op = LM_OP_RMDIR;
	if (event.op == LM_OP_OPEN && event.result >= 0)
		event.flags |= LM_EVENT_PARTIAL; /* open, but already closed by another thread */
	if (!event.object)
		event.object = bound_file(id, event.name);
	if (event.object)
		event.flags |= LM_EVENT_DERIVED;
	if (event.object && !path.len)
		event.flags &= (uint16_t)~(LM_EVENT_CLAIMED | LM_EVENT_DERIVED);
	if (event.result >= 0)
		apply(id, &event);
	if (lm_event_failed(&event) && !is_directory(id, event.object))
		event.object = LM_OBJECT_NONE;
	return emit_event(id, &event);
}
