/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NR_fchmodat2 452 /* newer than the headers of Debian 12 */

lm_object_id bound_file(struct lm_identify *id, lm_object_id name)
{
	const struct name_entry *entry = name_of(id, name);

	return entry ? entry->file : LM_OBJECT_NONE;
}

/* Does the call act on what a link at the end of its path points to, and is that worth a look? */
static bool follows(const struct lm_raw_path *raw, uint16_t op)
{
	if (raw->result < 0)
		return false;
	switch (lm_call_native(raw->raw.call)) {
	case SYS_lchown:
	case SYS_lsetxattr:
	case SYS_lremovexattr:
		return false;
	case SYS_fchownat:
		return !(raw->arg4 & AT_SYMLINK_NOFOLLOW);
	case SYS_utimensat:
	case NR_fchmodat2:
		return !(raw->arg3 & AT_SYMLINK_NOFOLLOW);
	case SYS_linkat:
		return raw->arg4 & AT_SYMLINK_FOLLOW;
	}
	switch (op) {
	case LM_OP_TRUNCATE:
	case LM_OP_CHMOD:
	case LM_OP_CHOWN:
	case LM_OP_UTIMES:
	case LM_OP_SETXATTR:
	case LM_OP_MOUNT:
	case LM_OP_KERNEL:
	case LM_OP_OPEN: /* uselib: no descriptor is left */
		return true;
	case LM_OP_SETFLAGS:
		return !(raw->arg4 & AT_SYMLINK_NOFOLLOW);
	}
	return false;
}

/* Two names change places, with all that is known of them. */
static void exchange(struct lm_identify *id, lm_object_id a, lm_object_id b)
{
	struct name_entry *x = name_of(id, a), *y = name_of(id, b);
	struct name_entry kept = *x;

	x->link = y->link; /* and its owner */
	x->link_len = y->link_len;
	x->made_directory = y->made_directory;
	x->of_directory = y->of_directory;
	bind_name(id, a, y->file);
	y->link = kept.link;
	y->link_len = kept.link_len;
	y->made_directory = kept.made_directory;
	y->of_directory = kept.of_directory;
	bind_name(id, b, kept.file);
}

static void clear(struct lm_identify *id, lm_object_id name)
{
	struct name_entry *entry = name_of(id, name);

	drop_link(entry);
	entry->made_directory = false;
	bind_name(id, name, LM_OBJECT_NONE);
}

static bool is_unknown(const struct name_entry *entry)
{
	return !entry->file && !entry->link_len;
}

/* A name of it is gone: its number may now be given to another. */
static void end_file(struct lm_identify *id, lm_object_id object)
{
	struct inode_entry *file = inode_of(id, object);

	if (!file)
		return;
	file->created = true;
	file->chances = 0;
}

/* One of two names was forgotten within this very record: of the other it is no longer known. */
static void lose_track(struct lm_identify *id, const struct lm_event *event)
{
	if (event->op != LM_OP_RENAME && event->op != LM_OP_LINK)
		return;
	if (name_of(id, event->name) && event->op == LM_OP_RENAME)
		clear(id, event->name);
	if (name_of(id, event->name2))
		clear(id, event->name2);
}

int apply_names(struct lm_identify *id, const struct lm_event *event, struct lm_str target)
{
	struct name_entry *old = name_of(id, event->name);
	struct inode_entry *file;

	if (event->op == LM_OP_LINK && event->object) {
		bind_name(id, event->name2, event->object);
		return 0;
	}
	if (!old || (event->name2 && !name_of(id, event->name2))) {
		lose_track(id, event);
		return 0;
	}
	switch (event->op) {
	case LM_OP_RENAME:
		if (!event->name2)
			return 0;
		/* Two names of one file: the kernel leaves both where they are. */
		if (event->name == event->name2 ||
			(old->file && old->file == bound_file(id, event->name2)))
			return 0;
		/* An unknown file may be a directory: what is below it has new paths. */
		if ((is_unknown(old) || (event->arg & RENAME_EXCHANGE &&
					is_unknown(name_of(id, event->name2)))) &&
			id->sink.forget_directories)
			id->sink.forget_directories(id->sink.data);
		exchange(id, event->name, event->name2);
		if (!(event->arg & RENAME_EXCHANGE))
			clear(id, event->name);
		file = inode_of(id, bound_file(id, event->name2));
		if (file)
			file->name = event->name2;
		return 0;
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		end_file(id, event->object ? event->object : old->file);
		clear(id, event->name);
		return 0;
	case LM_OP_MKNOD:
		clear(id, event->name);
		return 0;
	case LM_OP_MKDIR:
		clear(id, event->name);
		old->made_directory = true;
		if (event->object && !(event->flags & LM_EVENT_DERIVED))
			bind_name(id, event->name, event->object);
		return 0;
	case LM_OP_SYMLINK:
		clear(id, event->name);
		return take_link(old, target);
	}
	return 0;
}

/*
 * What is mounted has changed, and so may have what directories are called. Numbers of mounts and
 * of file systems are given again: what has been told of one may be true of another no more.
 */
static void note_mounts(struct lm_identify *id, const struct lm_event *event)
{
	if ((event->op == LM_OP_MOUNT || event->op == LM_OP_UMOUNT) && id->sink.forget_directories)
		id->sink.forget_directories(id->sink.data);
}

/* Arguments that only one call of a family has. */
static void set_argument(const struct lm_raw_path *raw, struct lm_event *event)
{
	uint16_t call = lm_call_native(raw->raw.call);

	event->arg = raw->path2_len ? 0 : raw->arg;
	if (call == SYS_renameat2 || call == SYS_linkat)
		event->arg = raw->arg4;
	if (event->op == LM_OP_UNLINK && raw->arg & AT_REMOVEDIR) {
		event->op = LM_OP_RMDIR;
		event->arg = 0;
	}
}

static void set_object(struct lm_identify *id, const struct lm_raw_path *raw, struct place place,
	struct lm_event *event)
{
	event->name = place.name;
	event->object = place.object;
	if (!raw->path_len && place.object)
		return; /* AT_EMPTY_PATH: the descriptor itself, no claim */
	event->flags |= LM_EVENT_CLAIMED;
	if (event->result < 0) {
		event->object = LM_OBJECT_NONE;
		return;
	}
	if (!event->object)
		event->object = bound_file(id, event->name);
	if (event->object)
		event->flags |= LM_EVENT_DERIVED;
}

/*
 * Of a link only the new name is reported, and its file: the old name counts if it is that file's,
 * as far as can be known.
 */
static int judge_old_name(struct lm_identify *id, uint64_t time_ns, const struct process *process,
	struct lm_event *event)
{
	const struct name_entry *old;
	int r;

	if (event->op != LM_OP_LINK || !event->name || !event->object ||
		event->flags & LM_EVENT_DERIVED)
		return 0;
	r = look_at_name(id, time_ns, process, event->name);
	if (r < 0)
		return r;
	old = name_of(id, event->name);
	if (!old || !inode_of(id, old->file))
		return 0;
	if (old->file != event->object)
		event->name = LM_OBJECT_NONE;
	event->flags &= (uint16_t)~LM_EVENT_CLAIMED;
	return 0;
}

/* No path could be read, by us or by the kernel: only the kernel's own word can tell it. */
static int tell_unread(struct lm_identify *id, const struct lm_raw_path *raw,
	struct lm_event *event)
{
	int r = take_hooked(id, raw, true, event);

	if (r == 0 && event->result >= 0) {
		r = confirm_names(id, raw->raw.time_ns, event);
		if (r == 0 && event->flags & LM_EVENT_CONFIRMED)
			r = apply_names(id, event, LM_STR_NONE);
	}
	return r < 0 ? r : emit_event(id, event);
}

int take_path(struct lm_identify *id, const struct lm_raw_path *raw)
{
	struct lm_str path = { raw->paths, raw->path_len };
	struct lm_str path2 = { raw->paths + raw->path_len, raw->path2_len };
	uint64_t now = raw->raw.time_ns;
	struct place place, place2 = { 0 };
	lm_object_id start, start2;
	struct process *process;
	struct lm_event event;
	int r;

	if ((uint32_t)raw->path_len + raw->path2_len > raw->raw.len - sizeof(*raw) ||
		raw->path_len > LM_RAW_PATH_BYTES || raw->path2_len > LM_RAW_PATH_BYTES)
		return -LM_E_FORMAT;
	r = begin_event(id, &raw->raw, op_of(raw->raw.call), &process, &event);
	if (r < 0)
		return r;
	event.result = raw->result;
	set_argument(raw, &event);
	r = take_hooked(id, raw, false, &event);
	if (r != 0)
		return r < 0 ? r : emit_event(id, &event);
	if (!raw->path_len && raw->raw.flags & LM_RAW_PARTIAL)
		return tell_unread(id, raw, &event);
	r = recall_directories(id, now, process);
	if (r == 0)
		r = find_inode(id, now, raw->start_inode, raw->start_dev, raw->start_mode, &start);
	if (r == 0)
		r = resolve(id, now, process, start, path, follows(raw, event.op), &place);
	if (r < 0)
		return r;
	if (event.op == LM_OP_SYMLINK && raw->path2_len) {
		/* The target is text, not a place. */
		r = find_name(id, now, LM_OBJECT_NONE, path2, LM_OBJECT_CLAIMED, &place2.name);
	} else if (raw->path2_len && event.op != LM_OP_MOUNT) {
		r = find_inode(id, now, raw->start2_inode, raw->start2_dev, S_IFDIR, &start2);
		if (r == 0)
			r = resolve(id, now, process, start2, path2, false, &place2);
	}
	if (r < 0)
		return r;
	event.name2 = place2.name;
	set_object(id, raw, place, &event);
	if (event.op == LM_OP_MOUNT)
		r = set_mount_source(id, raw, process, path2, &event);
	if (r < 0)
		return r;
	if (event.op == LM_OP_KERNEL && !raw->path_len)
		event.object = LM_OBJECT_NONE; /* no path at all: accounting ends */
	turn_to_kernel(&event);
	r = take_hooked(id, raw, true, &event);
	if (r != 0)
		return r < 0 ? r : emit_event(id, &event);
	if (event.op == LM_OP_OPEN && event.result >= 0)
		event.flags |= LM_EVENT_PARTIAL; /* closed again before it could be read */
	if (event.result >= 0) {
		note_mounts(id, &event);
		r = confirm_names(id, now, &event);
		if (r == 0)
			r = judge_old_name(id, now, process, &event);
		if (r == 0)
			r = apply_names(id, &event, path2);
	} else if (id->under_way) {
		forget_request_names(id, &event);
	}
	return r < 0 ? r : emit_event(id, &event);
}
