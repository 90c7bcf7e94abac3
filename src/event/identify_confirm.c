/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include <errno.h>
#include <linux/fs.h>
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
 * Which report is a call's? Those of one thread and one kind of change come in the order
 * of its calls, so it is the oldest that no call has taken, whatever the call claims: the claim
 * may be that of a later one. But the kernel merges a report into an equal one that has not been
 * read yet. So a report can stand for several calls: it is kept for a while, and confirms
 * an equal claim when nothing else can be that call's. Where both can be, the claim
 * stays a claim.
 */
#define KEEP_NS (200 * LM_NS_PER_MS)
#define NAME_CALLS_MAX 8192

struct name_report {
	struct name_report *next; /* of one queue, in the order of arrival */
	struct name_report *older, *younger; /* of the same thread and change, while open */
	uint64_t arrived_ns;
	uint32_t tid;
	uint32_t change; /* one of LM_NAME_CHANGES */
	bool open;       /* no call has taken it yet */
	bool of_request; /* as the event's */
	struct lm_name_place at, to;
	struct lm_raw_inode target;
	char text[];     /* both names */
};

/* Of each change its own: they are read one change after the other. */
static struct report_queue *queue_of(struct lm_identify *id, uint32_t tid, uint32_t change,
	struct lm_str name)
{
	uint64_t whose = (uint64_t)change << 32 | tid;

	return &id->reports[hash_bytes(name.data, name.len, whose) % REPORT_QUEUES];
}

/* Several threads may share a place. */
static struct report_queue *open_of(struct lm_identify *id, uint32_t tid, uint32_t change)
{
	return &id->open_reports[(tid * (LM_NAME_CHANGES + 1) + change) % REPORT_QUEUES];
}

static void open_report(struct lm_identify *id, struct name_report *report)
{
	struct report_queue *open = open_of(id, report->tid, report->change);

	report->open = true;
	report->younger = NULL;
	report->older = open->last;
	*(open->last ? &open->last->younger : &open->first) = report;
	open->last = report;
}

/* A call has it, or none ever will. */
static void take_report(struct lm_identify *id, struct name_report *report)
{
	struct report_queue *open = open_of(id, report->tid, report->change);

	if (!report->open)
		return;
	*(report->older ? &report->older->younger : &open->first) = report->younger;
	*(report->younger ? &report->younger->older : &open->last) = report->older;
	report->open = false;
	if (report->of_request) /* nothing merges these: it says nothing of another request */
		report->change = 0;
}

/* Forget the report behind `before` (NULL: the first) of its queue. */
static void drop_report(struct lm_identify *id, struct report_queue *queue,
	struct name_report *before, struct name_report *report)
{
	if (before)
		before->next = report->next;
	else
		queue->first = report->next;
	if (queue->last == report)
		queue->last = before;
	take_report(id, report);
	free(report);
}

/*
 * Can a call still have what another one has taken? Only one that was merged into it: one that
 * ended before it was read, or was about to. The thread has ended a later one since. Requests are
 * in no order, so of a process that makes them it cannot be said.
 */
static bool is_used_up(struct lm_identify *id, const struct name_report *report)
{
	const uint64_t *last_ns = report->open ? NULL : lm_map_get(&id->name_calls, report->tid);
	const struct process *process;

	if (!last_ns || *last_ns <= report->arrived_ns)
		return false;
	process = process_by_tid(id, report->tid);
	return process && !process->has_rings;
}

/* A queue is in the order of arrival: what is too old stands in front. */
static void drop_old(struct lm_identify *id, struct report_queue *queue, uint64_t now_ns)
{
	while (queue->first && (now_ns - queue->first->arrived_ns > KEEP_NS ||
				is_used_up(id, queue->first)))
		drop_report(id, queue, NULL, queue->first);
}

void free_reports(struct lm_identify *id)
{
	for (int i = 0; i < REPORT_QUEUES; i++)
		while (id->reports[i].first)
			drop_report(id, &id->reports[i], NULL, id->reports[i].first);
}

int lm_identify_name(struct lm_identify *id, const struct lm_name_event *event)
{
	uint32_t change = event->changes & LM_NAME_CHANGES;
	struct report_queue *queue = queue_of(id, event->tid, change, event->at.name);
	size_t text = (size_t)event->at.name.len + event->to.name.len;
	struct name_report *report;

	if (event->tid == id->self_tgid)
		return 0;
	if (!change || change & (change - 1))
		return -LM_E_FORMAT;
	report = malloc(sizeof(*report) + text);
	if (!report)
		return -ENOMEM;
	*report = (struct name_report){
		.arrived_ns = event->arrived_ns,
		.of_request = event->of_request,
		.tid = event->tid,
		.change = change,
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
	open_report(id, report);
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
	text = text_of(entry);
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
		(report->change != LM_NAME_RENAMED || lm_str_equal(claim->to, report->to.name));
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

	return event->end_ns <= report->arrived_ns || !before_ns ||
		report->arrived_ns > *before_ns;
}

/* The directory of what a call claims to have made or changed; NULL: not known. */
static const struct inode_entry *claimed_dir(struct lm_identify *id, const struct lm_event *event)
{
	const struct name_entry *entry =
		name_of(id, event->op == LM_OP_LINK ? event->name2 : event->name);

	return entry ? inode_of(id, entry->dir) : NULL;
}

/* The oldest report of that thread which no call has taken, on the claimed file system. */
static struct name_report *oldest_open(struct lm_identify *id, const struct lm_event *event,
	uint32_t change)
{
	struct name_report *report = open_of(id, event->tid, change)->first;
	const struct inode_entry *dir = claimed_dir(id, event);
	bool claims = event->name != LM_OBJECT_NONE;

	for (; report; report = report->younger)
		if (report->tid == event->tid && report->change == change &&
			!report->of_request && in_time(id, report, event) && report->at.dir_dev &&
			(!claims || (dir && dir->dev == report->at.dir_dev)))
			return report;
	return NULL;
}

/* A report that agrees with the claim of a call, as far as either knows its place. */
static struct name_report *find_equal(struct lm_identify *id, const struct lm_event *event,
	const struct claim *claim, uint32_t change)
{
	const struct inode_entry *dir = claimed_dir(id, event);
	struct name_report *report = queue_of(id, event->tid, change, claim->at)->first;
	struct name_report *used = NULL;

	for (; report; report = report->next) {
		if (report->tid != event->tid || report->change != change || report->of_request ||
			!in_time(id, report, event) || !agrees(report, claim) ||
			(dir && report->at.dir_dev && (dir->dev != report->at.dir_dev ||
				dir->inode != report->at.dir_inode)))
			continue;
		if (report->open)
			return report;
		used = report;
	}
	return used;
}

/* Those that are taken say no more than a new one of the same names: or they would pile up. */
static void drop_repeats(struct lm_identify *id, const struct name_report *report)
{
	const struct claim same = { .at = report->at.name, .to = report->to.name };
	struct report_queue *queue = queue_of(id, report->tid, report->change, report->at.name);
	struct name_report *before = NULL, *next;

	for (struct name_report *old = queue->first; old != report; old = next) {
		next = old->next;
		if (!old->open && old->tid == report->tid && old->change == report->change &&
			agrees(old, &same))
			drop_report(id, queue, before, old);
		else
			before = old;
	}
}

/* The report of a call; NULL: none, or it cannot be told which. */
static struct name_report *find_report(struct lm_identify *id, const struct lm_event *event,
	uint32_t change)
{
	const struct claim claim = claim_of(id, event);
	struct name_report *first = oldest_open(id, event, change), *equal;

	if (first && agrees(first, &claim)) {
		drop_repeats(id, first);
		return first;
	}
	equal = find_equal(id, event, &claim, change);
	if (!first)
		return equal;
	/* Merged into that one, or rewritten under the call to look so. */
	return equal && !equal->open ? NULL : first;
}

/* Could the report be of this request: of a thread of its process, since it was submitted? */
static bool may_be_of_request(struct lm_identify *id, const struct name_report *report,
	const struct lm_event *event, const struct claim *claim, uint32_t change)
{
	return report->change == change && report->arrived_ns >= event->begin_ns &&
		process_by_tid(id, report->tid) == process_by_tid(id, event->tid) &&
		agrees(report, claim);
}

static struct name_report *find_in_queue(struct lm_identify *id, const struct report_queue *queue,
	const struct lm_event *event, const struct claim *claim, uint32_t change)
{
	struct name_report *used = NULL;

	for (struct name_report *report = queue->first; report; report = report->next) {
		if (!may_be_of_request(id, report, event, claim, change))
			continue;
		if (report->open)
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
	struct report_queue *queue = queue_of(id, id->under_way->worker, change, claim.at);
	struct name_report *report = find_in_queue(id, queue, event, &claim, change);

	for (int i = 0; !report && i < REPORT_QUEUES; i++)
		report = find_in_queue(id, &id->reports[i], event, &claim, change);
	return report;
}

/* The name object of a reported place; the claim's own directory where the handle says nothing. */
static int reported_name(struct lm_identify *id, uint64_t time_ns,
	const struct lm_name_place *place, lm_object_id *name)
{
	const struct name_entry *claimed = name_of(id, *name);
	lm_object_id dir = claimed ? claimed->dir : LM_OBJECT_NONE;
	bool whole = claimed && !memchr(claimed->text, '/', claimed->len);
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
	const struct name_report *report, const struct lm_event *event, lm_object_id *ret_target)
{
	struct lm_raw_inode inode = report->target;

	if (event->op == LM_OP_MKDIR)
		inode.mode = S_IFDIR;
	else if (event->op == LM_OP_SYMLINK)
		inode.mode = S_IFLNK;
	else if (event->op == LM_OP_MKNOD && !inode.mode)
		inode.mode = event->arg & S_IFMT ? event->arg & S_IFMT : S_IFREG;
	else if (inode.mode && event->op != LM_OP_MKNOD) /* of a hook */
		return describe_inode(id, time_ns, &inode, 0, ret_target);
	else if (!inode.mode)
		return find_inode(id, time_ns, inode.inode, inode.dev, 0, ret_target);
	return create_inode(id, time_ns, &inode, ret_target);
}

/* Both places that two names change in: a report for each way. */
static void take_way_back(struct lm_identify *id, const struct lm_event *event,
	const struct name_report *report)
{
	const struct claim back = { .at = report->to.name, .to = report->at.name };
	struct name_report *second;

	if (event->op != LM_OP_RENAME || !(event->arg & RENAME_EXCHANGE))
		return;
	second = open_of(id, report->tid, report->change)->first;
	while (second && (second->tid != report->tid || !agrees(second, &back)))
		second = second->younger;
	if (second)
		take_report(id, second);
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
	if (!report)
		return 0;
	take_report(id, report);
	take_way_back(id, event, report);
	r = reported_name(id, time_ns, &report->at, made);
	if (r == 0 && change == LM_NAME_RENAMED)
		r = reported_name(id, time_ns, &report->to, &event->name2);
	if (r == 0 && report->target.inode)
		r = reported_target(id, time_ns, report, event, &target);
	if (r < 0)
		return r;
	if (target)
		event->object = target;
	/* Of a link only the new name is reported: the old one is still a claim. So is a
	 * directory that the report does not tell. */
	if (event->op != LM_OP_LINK && report->at.dir_inode)
		event->flags &= (uint16_t)~LM_EVENT_CLAIMED;
	event->flags |= LM_EVENT_CONFIRMED;
	if (target)
		event->flags &= (uint16_t)~LM_EVENT_DERIVED;
	return 0;
}

/*
 * When a thread's last call ended only matters to reports that had come by then: there are none
 * that are older than what is kept. Threads that are gone make room for those to come.
 */
static void forget_calls(struct lm_identify *id, uint64_t now_ns)
{
	if (id->name_calls.count < NAME_CALLS_MAX || now_ns - id->calls_forgotten_ns < KEEP_NS)
		return;
	id->calls_forgotten_ns = now_ns;
	for (int i = 0; i < REPORT_QUEUES; i++)
		drop_old(id, &id->reports[i], now_ns);
	for (size_t i = 0; i <= id->name_calls.mask;) {
		uint64_t tid, end_ns;

		/* Another one may have come into the place of one that was removed. */
		if (lm_map_at(&id->name_calls, i, &tid, &end_ns) && end_ns + KEEP_NS < now_ns)
			lm_map_remove(&id->name_calls, tid);
		else
			i++;
	}
}

int confirm_names(struct lm_identify *id, uint64_t time_ns, struct lm_event *event)
{
	int r = confirm(id, time_ns, event);

	/* What a request did, it did not do as the thread's last call. */
	if (r < 0 || id->under_way)
		return r;
	forget_calls(id, event->end_ns);
	return lm_map_put(&id->name_calls, event->tid, event->end_ns);
}

void forget_request_names(struct lm_identify *id, const struct lm_event *event)
{
	uint32_t change = change_of(event->op);
	struct name_report *report = change ? find_request_report(id, event, change) : NULL;

	if (report && report->of_request)
		take_report(id, report);
}

void take_created_report(struct lm_identify *id, const struct lm_event *event)
{
	const struct claim made = claim_of(id, event);
	struct name_report *report = id->under_way ?
		find_request_report(id, event, LM_NAME_CREATED) :
		find_equal(id, event, &made, LM_NAME_CREATED);

	if (!report)
		return;
	drop_repeats(id, report);
	take_report(id, report);
}

void lm_identify_lost_names(struct lm_identify *id)
{
	settle_reports(id, 0);
}

void end_thread_names(struct lm_identify *id, uint32_t tid, uint64_t time_ns)
{
	uint64_t *before_ns = lm_map_get(&id->name_calls, tid);

	if (before_ns)
		*before_ns = time_ns;
}

void settle_reports(struct lm_identify *id, uint32_t tgid)
{
	const struct process *process;

	for (int i = 0; i < REPORT_QUEUES; i++) {
		struct name_report *report = id->open_reports[i].first, *next;

		for (; report; report = next) {
			next = report->younger;
			process = process_by_tid(id, report->tid);
			if (!tgid || !process || process->tgid == tgid)
				take_report(id, report);
		}
	}
}
