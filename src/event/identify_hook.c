/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


/*
 * What hooks in the middle of calls on paths tell: the kernel's own objects,
 * before it is known whether the call will succeed. It is kept by thread until
 * the record of the call comes by, which the same thread writes at its end.
 *
 * Of several tries of one call the last counts. A stacked file system makes the
 * calls that have no hook of their own again, for the layer below: there the
 * first counts, and what comes after it from another file system is not meant.
 */
#define NR_io_uring_enter 426

struct hooked {
	struct hooked *next;
	uint32_t tid;
	uint16_t call;
	struct lm_raw_inode made; /* inode 0: not told */
	struct lm_raw_name raw;   /* whole, with its names */
};

static struct hooked **slot_of(struct lm_identify *id, uint32_t tid)
{
	return &id->hooked[tid % HOOKED_SLOTS];
}

static struct hooked **find_hooked(struct lm_identify *id, uint32_t tid)
{
	struct hooked **at = slot_of(id, tid);

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

void forget_hooked(struct lm_identify *id, uint32_t tid)
{
	struct hooked **at = find_hooked(id, tid), *gone = *at;

	if (!gone)
		return;
	*at = gone->next;
	free(gone);
}

void free_hooked(struct lm_identify *id)
{
	for (int i = 0; i < HOOKED_SLOTS; i++)
		while (id->hooked[i])
			forget_hooked(id, id->hooked[i]->tid);
}

static struct lm_str name_text(const struct lm_raw_name *raw)
{
	return (struct lm_str){ raw->names, raw->name_len };
}

static struct lm_str name2_text(const struct lm_raw_name *raw)
{
	return (struct lm_str){ raw->names + raw->name_len, raw->name2_len };
}

static bool same_place(const struct lm_raw_name *a, const struct lm_raw_name *b)
{
	return a->dir_inode == b->dir_inode && a->dir_dev == b->dir_dev &&
		lm_str_equal(name_text(a), name_text(b));
}

/* The operation that a hook belongs to: others on the way of a call are the kernel's own. */
static bool fits(uint8_t change, uint16_t op)
{
	switch (op) {
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
	case LM_OP_SYMLINK:
		return change == LM_RAW_CREATES;
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		return change == LM_RAW_REMOVES;
	case LM_OP_LINK:
		return change == LM_RAW_LINKS;
	case LM_OP_RENAME:
		return change == LM_RAW_RENAMES;
	case LM_OP_CHMOD:
	case LM_OP_CHOWN:
	case LM_OP_TRUNCATE:
		return change == LM_RAW_CHANGES;
	case LM_OP_UTIMES:
		return change == LM_RAW_TIMES;
	case LM_OP_SETXATTR:
		return change == LM_RAW_XATTRS;
	}
	return false;
}

static bool is_layer_below(const struct hooked *first, const struct lm_raw_name *raw)
{
	return (raw->change == LM_RAW_TIMES || raw->change == LM_RAW_XATTRS) &&
		first->call == raw->raw.call && first->raw.losses == raw->losses &&
		first->raw.target.dev != raw->target.dev;
}

/* io_uring tells no end by thread: a report, much as the kernel's name events are. */
static int report(struct lm_identify *id, const struct lm_raw_name *raw)
{
	struct lm_name_event event = {
		.tid = raw->raw.tid,
		.at = { raw->dir_inode, raw->dir_dev, name_text(raw) },
		.target = raw->target,
		.of_request = true, .arrived_ns = raw->raw.time_ns,
	};

	switch (raw->change) {
	case LM_RAW_MADE:
		event.changes = LM_NAME_CREATED;
		break;
	case LM_RAW_REMOVES:
		event.changes = LM_NAME_DELETED;
		break;
	case LM_RAW_LINKS:
		event.changes = LM_NAME_CREATED;
		event.at = (struct lm_name_place){
			raw->dir2_inode, raw->dir2_dev, name2_text(raw),
		};
		break;
	case LM_RAW_RENAMES:
		event.changes = LM_NAME_RENAMED;
		event.to = (struct lm_name_place){
			raw->dir2_inode, raw->dir2_dev, name2_text(raw),
		};
		break;
	default:
		return 0;
	}
	return lm_identify_name(id, &event);
}

static int keep(struct lm_identify *id, const struct lm_raw_name *raw)
{
	struct hooked *kept = malloc(offsetof(struct hooked, raw) + raw->raw.len);
	struct hooked **slot = slot_of(id, raw->raw.tid);

	if (!kept)
		return -ENOMEM;
	forget_hooked(id, raw->raw.tid);
	*kept = (struct hooked){ .next = *slot, .tid = raw->raw.tid, .call = raw->raw.call };
	memcpy(&kept->raw, raw, raw->raw.len);
	*slot = kept;
	return 0;
}

int take_name(struct lm_identify *id, const struct lm_raw_name *raw)
{
	struct hooked *kept;

	if ((uint32_t)raw->name_len + raw->name2_len > raw->raw.len - sizeof(*raw) ||
		raw->name_len > LM_RAW_NAME_BYTES || raw->name2_len > LM_RAW_PATH_BYTES ||
		raw->change > LM_RAW_CHANGE_MAX)
		return -LM_E_FORMAT;
	if (raw->raw.call == NR_io_uring_enter)
		return report(id, raw);
	kept = *find_hooked(id, raw->raw.tid);
	if (raw->change == LM_RAW_MADE) {
		if (kept && kept->call == raw->raw.call && kept->raw.losses == raw->losses &&
			same_place(&kept->raw, raw))
			kept->made = raw->target;
		return 0;
	}
	if (!fits(raw->change, op_of(raw->raw.call)) || (kept && is_layer_below(kept, raw)))
		return 0;
	return keep(id, raw);
}

/* The name of a place; 0 where it is the top of a mount, which has its name elsewhere. */
static int place_name(struct lm_identify *id, uint64_t time_ns, uint64_t dir_inode,
	uint32_t dir_dev, struct lm_str text, lm_object_id *ret_name)
{
	lm_object_id dir;
	int r;

	*ret_name = LM_OBJECT_NONE;
	if (!dir_inode || !text.len)
		return 0;
	r = find_inode(id, time_ns, dir_inode, dir_dev, S_IFDIR, &dir);
	return r < 0 ? r : find_name(id, time_ns, dir, text, 0, ret_name);
}

/* The second name: a place, or the text of a symbolic link. */
static int second_name(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_name *raw,
	lm_object_id *ret_name)
{
	if (raw->change == LM_RAW_CREATES && raw->name2_len)
		return find_name(id, time_ns, LM_OBJECT_NONE, name2_text(raw), LM_OBJECT_CLAIMED,
			ret_name);
	return place_name(id, time_ns, raw->dir2_inode, raw->dir2_dev, name2_text(raw), ret_name);
}

/* What the names stood for before the call. */
static int bind_before(struct lm_identify *id, uint64_t time_ns, const struct lm_raw_name *raw,
	const struct lm_event *event)
{
	lm_object_id replaced;
	int r;

	if (event->object && raw->change != LM_RAW_CREATES)
		bind_name(id, event->name, event->object);
	if (raw->change != LM_RAW_RENAMES)
		return 0;
	r = describe_inode(id, time_ns, &raw->target2, 0, &replaced);
	if (r == 0 && bound_file(id, event->name2) != replaced)
		bind_name(id, event->name2, replaced);
	return r;
}

/*
 * Hooks without a mount tell no names of directories. Where none is known yet the claim has to be
 * walked first: on the way the running system is asked for them.
 */
static bool has_no_mount(const struct hooked *kept)
{
	return kept->raw.change == LM_RAW_TIMES || kept->raw.change == LM_RAW_XATTRS;
}

static bool needs_walk(struct lm_identify *id, const struct hooked *kept)
{
	const struct inode_entry *dir;
	lm_object_id object;

	if (!has_no_mount(kept))
		return false;
	object = known_inode(id, kept->raw.dir_dev, kept->raw.dir_inode);
	dir = object ? inode_of(id, object) : NULL;
	return !dir || (!dir->name && !dir->is_root);
}

static int fill_event(struct lm_identify *id, uint64_t time_ns, const struct hooked *kept,
	struct lm_event *event)
{
	const struct lm_raw_name *raw = &kept->raw;
	lm_object_id claimed = event->name;
	int r = place_name(id, time_ns, raw->dir_inode, raw->dir_dev, name_text(raw), &event->name);

	if (r == 0)
		r = second_name(id, time_ns, raw, &event->name2);
	if (r < 0)
		return r;
	if (raw->change == LM_RAW_CREATES && kept->made.inode)
		r = create_inode(id, time_ns, &kept->made, &event->object);
	else if (raw->change != LM_RAW_CREATES)
		r = describe_inode(id, time_ns, &raw->target, 0, &event->object);
	/* Of several names of one file this is the one that was used. */
	if (claimed && event->object && bound_file(id, claimed) == event->object)
		event->name = claimed;
	/* What user memory holds, and whether it could be read, does not matter. */
	event->flags &= (uint16_t)~(LM_EVENT_CLAIMED | LM_EVENT_DERIVED | LM_EVENT_PARTIAL);
	event->flags |= LM_EVENT_CONFIRMED;
	if (raw->raw.flags & LM_RAW_PARTIAL)
		event->flags |= LM_EVENT_PARTIAL;
	return r;
}

static int tell(struct lm_identify *id, uint64_t time_ns, const struct hooked *kept,
	struct lm_event *event)
{
	int r = fill_event(id, time_ns, kept, event);

	if (r == 0)
		r = bind_before(id, time_ns, &kept->raw, event);
	if (r == 0)
		r = apply_names(id, event, name2_text(&kept->raw));
	if (r == 0 && kept->raw.change == LM_RAW_CREATES && event->object)
		bind_name(id, event->name, event->object);
	return r < 0 ? r : 1;
}

int take_hooked(struct lm_identify *id, const struct lm_raw_path *raw, bool walked,
	struct lm_event *event)
{
	const struct hooked *kept = *find_hooked(id, raw->raw.tid);
	int r = 0;

	/* The thread that submitted a request may be in the middle of a call of its own. */
	if (id->under_way || !kept || (event->result >= 0 && !walked && needs_walk(id, kept)))
		return 0;
	if (event->result >= 0 && kept->call == raw->raw.call && kept->raw.losses == raw->losses)
		r = tell(id, raw->raw.time_ns, kept, event);
	forget_hooked(id, raw->raw.tid);
	return r;
}
