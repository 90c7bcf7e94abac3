/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lemona/base/time.h"

/*
 * Names as the kernel reports them, kept until the call that caused them comes
 * by. A call's claim is confirmed by the report of the same thread, and
 * corrected by it: the claim is what user memory held when the call ended, the
 * report is what the kernel did.
 *
 * The kernel merges reports of one thread about one name, so a report can
 * stand for several calls: it is kept for a while and confirms equal claims.
 * Reports are found by thread and (old) name.
 */
#define KEEP_NS (200 * LM_NS_PER_MS)

struct name_report {
	struct name_report *next; /* of the same slot, in the order of arrival */
	uint64_t arrived_ns;
	uint64_t number;          /* in the order of arrival */
	uint32_t tid;
	uint32_t changes;
	uint32_t open;            /* changes that no call has taken yet */
	struct lm_name_place at, to;
	struct lm_raw_inode target;
	char text[];              /* both names */
};

static struct report_queue *queue_of(struct lm_identify *id, uint32_t tid, struct lm_str name)
{
	return &id->reports[hash_bytes(name.data, name.len, tid) % REPORT_QUEUES];
}

/* Open reports of a thread, and of others whose number falls into the same place. */
static uint32_t *open_of(struct lm_identify *id, uint32_t tid)
{
	return &id->open_reports[tid % REPORT_QUEUES];
}

/* Take the report behind `before` (NULL: the first) out of its queue. */
static void drop_report(struct lm_identify *id, struct report_queue *queue,
	struct name_report *before, struct name_report *report)
{
	if (before)
		before->next = report->next;
	else
		queue->first = report->next;
	if (queue->last == report)
		queue->last = before;
	*open_of(id, report->tid) -= report->open != 0;
	free(report);
}

/* A queue is in the order of arrival: what is too old stands in front. */
static void drop_old(struct lm_identify *id, struct report_queue *queue, uint64_t now_ns)
{
	while (queue->first && now_ns - queue->first->arrived_ns > KEEP_NS)
		drop_report(id, queue, NULL, queue->first);
}

void free_reports(struct lm_identify *id)
{
	for (int i = 0; i < REPORT_QUEUES; i++) {
		while (id->reports[i].first) {
			struct name_report *report = id->reports[i].first;

			id->reports[i].first = report->next;
			free(report);
		}
	}
}

int lm_identify_name(struct lm_identify *id, const struct lm_name_event *event)
{
	struct report_queue *queue = queue_of(id, event->tid, event->at.name);
	size_t text = (size_t)event->at.name.len + event->to.name.len;
	struct name_report *report;

	if (event->tid == id->self_tgid)
		return 0;
	report = malloc(sizeof(*report) + text);
	if (!report)
		return -ENOMEM;
	*report = (struct name_report){
		.arrived_ns = lm_time_boot_ns(),
		.tid = event->tid,
		.changes = event->changes,
		.open = event->changes & LM_NAME_CHANGES,
		.number = id->report_count++,
		.at = event->at,
		.to = event->to,
		.target = event->target,
	};
	if (event->at.name.len)
		memcpy(report->text, event->at.name.data, event->at.name.len);
	if (event->to.name.len)
		memcpy(report->text + event->at.name.len, event->to.name.data, event->to.name.len);
	report->at.name.data = report->text;
	report->to.name.data = report->text + event->at.name.len;
	drop_old(id, queue, report->arrived_ns);
	if (queue->last)
		queue->last->next = report;
	else
		queue->first = report;
	queue->last = report;
	*open_of(id, report->tid) += report->open != 0;
	return 0;
}

/* The component that a claimed name ends in. */
static struct lm_str last_component(struct lm_identify *id, lm_object_id name)
{
	const struct name_entry *entry = name_of(id, name);
	struct lm_str text = LM_STR_NONE;
	const char *slash;

	if (!entry)
		return text;
	text = (struct lm_str){ (const char *)id->texts.data + entry->text, entry->len };
	slash = memrchr(text.data, '/', text.len);
	if (slash) {
		text.len -= (uint32_t)(slash + 1 - text.data);
		text.data = slash + 1;
	}
	return text;
}

/* What a call claims to have done, in the words of a report of it. */
struct claim {
	struct lm_str at, to;
};

static struct claim claim_of(struct lm_identify *id, const struct lm_event *event)
{
	return (struct claim){
		.at = last_component(id, event->op == LM_OP_LINK ? event->name2 : event->name),
		.to = last_component(id, event->name2),
	};
}

static bool agrees(const struct name_report *report, const struct claim *claim)
{
	return lm_str_equal(claim->at, report->at.name) &&
		(!(report->changes & LM_NAME_RENAMED) || lm_str_equal(claim->to, report->to.name));
}

/*
 * A report is read after its call has changed the name: when the call has ended,
 * or while it is about to. What was there when the thread's call before this
 * one ended belongs to a call that is not here.
 */
static bool in_time(struct lm_identify *id, const struct name_report *report,
	const struct lm_event *event)
{
	const uint64_t *before_ns = lm_map_get(&id->name_calls, event->tid);

	return event->end_ns <= report->arrived_ns ||
		(before_ns && report->arrived_ns > *before_ns);
}

/* The claimed directory, as far as it is known, is on the file system that reports. */
static bool may_be_there(struct lm_identify *id, const struct name_report *report,
	const struct lm_event *event)
{
	lm_object_id name = event->op == LM_OP_LINK ? event->name2 : event->name;
	const struct name_entry *entry = name_of(id, name);
	const struct inode_entry *dir = entry ? inode_of(id, entry->dir) : NULL;

	return dir && report->at.dir_dev && dir->dev == report->at.dir_dev;
}

/* The oldest report of that thread which no call has taken. */
static struct name_report *oldest_open(struct lm_identify *id, const struct lm_event *event,
	uint32_t change)
{
	struct name_report *oldest = NULL;

	for (int i = 0; i < REPORT_QUEUES; i++) {
		struct name_report *report = id->reports[i].first;

		for (; report; report = report->next)
			if (report->tid == event->tid && report->open & change &&
				in_time(id, report, event) && may_be_there(id, report, event) &&
				(!oldest || report->number < oldest->number))
				oldest = report;
	}
	return oldest;
}

/* The report that agrees with the claim of a call; NULL: none. */
static struct name_report *find_report(struct lm_identify *id, const struct lm_event *event,
	uint32_t change)
{
	struct claim claim = claim_of(id, event);
	struct report_queue *queue = queue_of(id, event->tid, claim.at);
	struct name_report *before = NULL, *next, *used = NULL, *before_used = NULL;

	for (struct name_report *report = queue->first; report; report = next) {
		next = report->next;
		if (report->tid == event->tid && report->changes & change &&
			in_time(id, report, event) && agrees(report, &claim)) {
			/* One that is taken says no more than this one: or they would pile up. */
			if (used && !used->open) {
				if (before == used)
					before = before_used;
				drop_report(id, queue, before_used, used);
			}
			if (report->open & change)
				return report;
			used = report;
			before_used = before;
		}
		before = report;
	}
	return used;
}

/* Could the report be of this request: of a thread of its process, since it was submitted? */
static bool may_be_of_request(struct lm_identify *id, const struct name_report *report,
	const struct lm_event *event, const struct claim *claim, uint32_t change)
{
	return report->changes & change && report->arrived_ns >= event->begin_ns &&
		process_by_tid(id, report->tid) == process_of_object(id, event->actor) &&
		agrees(report, claim);
}

static struct name_report *find_in_queue(struct lm_identify *id, const struct report_queue *queue,
	const struct lm_event *event, const struct claim *claim, uint32_t change)
{
	struct name_report *used = NULL;

	for (struct name_report *report = queue->first; report; report = report->next) {
		if (!may_be_of_request(id, report, event, claim, change))
			continue;
		if (report->open & change)
			return report;
		used = report;
	}
	return used;
}

/*
 * The report of a request of io_uring: changes of names are made by worker threads,
 * and not always by the one that told the end. Its path is the kernel's own
 * copy: a report that does not agree is never the request's.
 */
static struct name_report *find_request_report(struct lm_identify *id,
	const struct lm_event *event, uint32_t change)
{
	struct claim claim = claim_of(id, event);
	struct report_queue *queue = queue_of(id, id->under_way->worker, claim.at);
	struct name_report *report = find_in_queue(id, queue, event, &claim, change);

	for (int i = 0; !report && i < REPORT_QUEUES; i++)
		report = find_in_queue(id, &id->reports[i], event, &claim, change);
	return report;
}

/*
 * Reports count while calls that change names come by: the count of open ones
 * tells whether a search through all of them can find any.
 */
static void take_report(struct lm_identify *id, struct name_report *report, uint32_t change)
{
	bool was_open = report->open;

	report->open &= ~change;
	*open_of(id, report->tid) -= was_open && !report->open;
}

/* The name object of a reported place; the claim's own directory where the handle says nothing. */
static int reported_name(struct lm_identify *id, uint64_t time_ns,
	const struct lm_name_place *place, lm_object_id *name)
{
	const struct name_entry *claimed = name_of(id, *name);
	lm_object_id dir = claimed ? claimed->dir : LM_OBJECT_NONE;
	bool whole = claimed && !memchr(id->texts.data + claimed->text, '/', claimed->len);
	int r;

	if (place->dir_inode) {
		r = find_inode(id, time_ns, place->dir_inode, place->dir_dev, S_IFDIR, &dir);
		if (r < 0)
			return r;
	} else if (!whole) {
		return 0; /* the component is right, the directory stays as claimed */
	}
	return find_name(id, time_ns, dir, place->name, 0, name);
}

static uint32_t change_of(uint16_t op)
{
	switch (op) {
	case LM_OP_RENAME:
		return LM_NAME_RENAMED;
	case LM_OP_UNLINK:
	case LM_OP_RMDIR:
		return LM_NAME_DELETED;
	case LM_OP_MKDIR:
	case LM_OP_MKNOD:
	case LM_OP_SYMLINK:
	case LM_OP_LINK:
	case LM_OP_OPEN:
	case LM_OP_BIND:
		return LM_NAME_CREATED;
	}
	return 0;
}

/* What a call made is new, whatever has had its number before. */
static int reported_target(struct lm_identify *id, uint64_t time_ns,
	const struct name_report *report, uint16_t op, lm_object_id *ret_target)
{
	struct lm_raw_inode inode = report->target;

	if (op == LM_OP_MKDIR)
		inode.mode = S_IFDIR;
	else if (op == LM_OP_SYMLINK)
		inode.mode = S_IFLNK;
	else
		return find_inode(id, time_ns, inode.inode, inode.dev, 0, ret_target);
	return create_inode(id, time_ns, &inode, ret_target);
}

static int confirm(struct lm_identify *id, uint64_t time_ns, struct lm_event *event)
{
	uint32_t change = change_of(event->op);
	struct name_report *report = NULL;
	lm_object_id *made = event->op == LM_OP_LINK ? &event->name2 : &event->name;
	lm_object_id target = LM_OBJECT_NONE;
	int r;

	if (change && id->under_way)
		report = find_request_report(id, event, change);
	else if (change)
		report = find_report(id, event, change);
	/* None agrees, but one is left over: the claim was changed under the call. */
	if (!report && change && !id->under_way && *open_of(id, event->tid))
		report = oldest_open(id, event, change);
	if (!report)
		return 0;
	take_report(id, report, change);
	r = reported_name(id, time_ns, &report->at, made);
	if (r == 0 && report->changes & LM_NAME_RENAMED)
		r = reported_name(id, time_ns, &report->to, &event->name2);
	if (r == 0 && report->target.inode)
		r = reported_target(id, time_ns, report, event->op, &target);
	if (r < 0)
		return r;
	if (target)
		event->object = target;
	/* Of a link only the new name is reported: the old one is still a claim. */
	if (event->op != LM_OP_LINK)
		event->flags &= (uint16_t)~LM_EVENT_CLAIMED;
	event->flags |= LM_EVENT_CONFIRMED;
	if (target)
		event->flags &= (uint16_t)~LM_EVENT_DERIVED;
	return 0;
}

int confirm_names(struct lm_identify *id, uint64_t time_ns, struct lm_event *event)
{
	int r = confirm(id, time_ns, event);

	/* What a request did, it did not do as the thread's last call. */
	if (r < 0 || id->under_way)
		return r;
	return lm_map_put(&id->name_calls, event->tid, event->end_ns);
}

void take_created_report(struct lm_identify *id, const struct lm_event *event)
{
	struct name_report *report = id->under_way ?
		find_request_report(id, event, LM_NAME_CREATED) :
		find_report(id, event, LM_NAME_CREATED);

	if (report)
		take_report(id, report, LM_NAME_CREATED);
}
