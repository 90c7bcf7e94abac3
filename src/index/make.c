/* SPDX-License-Identifier: MIT */
#include "lemona/index/make.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/base/time.h"
#include "lemona/event/same.h"
#include "lemona/index/build.h"

#define SUMMARY_NAME "summary.lmx"
#define NEW_SUMMARY_NAME "summary.new"

/* How often the recorded wall clock is sampled: steps of it shorter than this are not seen. */
#define OFFSET_EVERY_NS LM_NS_PER_SEC

void lm_parts_release(struct lm_parts *parts)
{
	lm_summary_release(&parts->summary);
	lm_store_free(parts->store);
	lm_catalog_free(parts->catalog);
	lm_same_free(parts->same);
	*parts = (struct lm_parts)LM_PARTS_INIT;
}

static void free_indexer(struct lm_indexer **indexer)
{
	lm_indexer_free(*indexer);
}

static uint64_t time_of_item(const struct lm_item *item)
{
	switch (item->kind) {
	case LM_ITEM_EVENT:
		return item->event.end_ns;
	case LM_ITEM_OBJECT:
		return item->object.time_ns;
	default:
		return 0;
	}
}

static int add_item(struct lm_parts *parts, struct lm_indexer *indexer, const struct lm_item *item,
		    const struct lm_log_place *place)
{
	if (item->kind == LM_ITEM_GAP)
		return lm_summary_gap(&parts->summary, &item->gap);
	if (item->kind == LM_ITEM_EVENT) {
		lm_summary_event(&parts->summary, &item->event);
		/* What stands beside the actions influences nothing. */
		if (lm_op_is_aside(item->event.op))
			return 0;
	}
	return lm_indexer_add(indexer, item, place);
}

static int read_items(struct lm_log *log, struct lm_parts *parts, struct lm_indexer *indexer)
{
	uint64_t sampled_ns = lm_log_meta(log)->start_ns;
	struct lm_summary *summary = &parts->summary;
	struct lm_log_place place;
	struct lm_item item;
	int r = lm_summary_offset(summary, 0, lm_log_wall_offset_ns(log, sampled_ns));

	while (r == 0 && (r = lm_log_next(log, &item)) > 0) {
		uint64_t time_ns = time_of_item(&item);

		r = lm_same_apply(parts->same, &item);
		lm_log_place(log, &place);
		if (r > 0)
			r = add_item(parts, indexer, &item, &place);
		if (r == 0 && time_ns > sampled_ns && time_ns - sampled_ns >= OFFSET_EVERY_NS) {
			sampled_ns = time_ns;
			r = lm_summary_offset(summary, time_ns,
					      lm_log_wall_offset_ns(log, time_ns));
		}
	}
	return r;
}

/* Where rows do not tell all, the log's own frames do. */
static int read_events_from(const struct lm_log *log, struct lm_parts *parts)
{
	struct lm_log_events *events = NULL;
	int r = lm_log_events_new(log, &events);

	if (r < 0)
		return r;
	lm_store_set_events(parts->store, events);
	lm_store_set_same(parts->store, parts->same);
	return 0;
}

static void note_end(const struct lm_log *log, struct lm_summary *summary)
{
	const char *damage = lm_log_damage(log);

	summary->cut = lm_log_state(log) == LM_LOG_CUT;
	if (damage)
		snprintf(summary->damage, sizeof(summary->damage), "%s", damage);
}

/* @param ret_indexer  finished; knows what was written */
static int make_parts(struct lm_log *log, int dir_fd, struct lm_parts *parts,
		      struct lm_indexer **ret_indexer)
{
	LM_CLEANUP(free_indexer) struct lm_indexer *indexer = NULL;
	int r = lm_same_new(&parts->same);

	if (r == 0)
		r = lm_indexer_new(dir_fd, lm_log_identity(log), &indexer);
	if (r == 0)
		r = read_items(log, parts, indexer);
	if (r == 0)
		r = lm_indexer_finish(indexer, &parts->store, &parts->catalog);
	if (r == 0)
		r = read_events_from(log, parts);
	if (r < 0)
		return r;
	note_end(log, &parts->summary);
	*ret_indexer = lm_take_ptr(indexer);
	return 0;
}

int lm_parts_make(struct lm_log *log, struct lm_parts *ret_parts, struct lm_diag *diag)
{
	struct lm_parts parts LM_CLEANUP(lm_parts_release) = LM_PARTS_INIT;
	LM_CLEANUP(free_indexer) struct lm_indexer *indexer = NULL;
	int r = make_parts(log, -1, &parts, &indexer);

	if (r < 0)
		return lm_diag_errno(diag, r, "The log could not be indexed");
	*ret_parts = parts;
	parts = (struct lm_parts)LM_PARTS_INIT;
	return 0;
}

/* By the later number, so that the same log makes the same file. */
static int compare_aliases(const void *a, const void *b)
{
	const struct lm_summary_alias *x = a, *y = b;

	return x->later < y->later ? -1 : x->later > y->later;
}

static int list_aliases(const struct lm_same *same, struct lm_summary *summary)
{
	struct lm_summary_alias alias;
	size_t slot = 0;

	while (lm_same_next(same, &slot, &alias.later, &alias.first)) {
		if (lm_array_reserve(summary->aliases.at, summary->aliases.capacity,
				     summary->aliases.count + 1) < 0)
			return -ENOMEM;
		summary->aliases.at[summary->aliases.count++] = alias;
	}
	if (summary->aliases.count > 1)
		qsort(summary->aliases.at, summary->aliases.count, sizeof(alias), compare_aliases);
	return 0;
}

static int write_summary(struct lm_log *log, int dir_fd, const struct lm_indexer *indexer,
			 struct lm_parts *parts)
{
	LM_CLOSE int fd = -1;
	int r = lm_indexer_list(indexer, &parts->summary);

	if (r == 0)
		r = list_aliases(parts->same, &parts->summary);
	if (r < 0)
		return r;
	fd = openat(dir_fd, NEW_SUMMARY_NAME,
		    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = lm_summary_write(&parts->summary, lm_log_identity(log), lm_indexer_end(indexer), fd);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir_fd, NEW_SUMMARY_NAME, dir_fd, SUMMARY_NAME) < 0)
		r = -errno;
	if (r == 0 && fsync(dir_fd) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, NEW_SUMMARY_NAME, 0);
	return r;
}

static uint64_t size_of(int dir_fd, const char *name)
{
	struct stat status;

	return fstatat(dir_fd, name, &status, 0) < 0 ? 0 : (uint64_t)status.st_size;
}

static uint64_t count_bytes(int dir_fd, const struct lm_summary *summary)
{
	uint64_t bytes = size_of(dir_fd, SUMMARY_NAME);

	for (size_t i = 0; i < summary->parts.count; i++) {
		char name[LM_INDEXER_NAME_BYTES];

		lm_indexer_part_name(summary->parts.at[i].kind, summary->parts.at[i].number, name);
		bytes += size_of(dir_fd, name);
	}
	return bytes;
}

static int open_directory(int log_fd)
{
	int fd = openat(log_fd, LM_INDEX_DIRECTORY,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* The directory to write into, which nobody else writes into until it is closed. */
static int make_directory(int log_fd)
{
	LM_CLOSE int fd = -1;

	if (mkdirat(log_fd, LM_INDEX_DIRECTORY, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open_directory(log_fd);
	if (fd < 0)
		return fd == -ENOTDIR ? -EEXIST : fd; /* something else has its name */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EALREADY : -errno;
	return lm_take_fd(fd);
}

static bool is_of_index(const char *name)
{
	const char *end = strrchr(name, '.');

	return (end && strcmp(end, ".lmx") == 0) || strcmp(name, NEW_SUMMARY_NAME) == 0;
}

static void close_list(DIR **list)
{
	if (*list)
		closedir(*list);
}

/*
 * Whatever there is of an index goes, finished or not, its summary first: nobody opens half of it.
 * @return 0; -EACCES, -EROFS, -EIO, ...
 */
static int remove_parts(int dir_fd)
{
	LM_CLOSE int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list LM_CLEANUP(close_list) = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!list)
		return -errno;
	lm_take_fd(fd);
	if (unlinkat(dir_fd, SUMMARY_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	while ((entry = readdir(list))) {
		if (is_of_index(entry->d_name) && unlinkat(dir_fd, entry->d_name, 0) < 0 &&
		    errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int write_parts(struct lm_log *log, struct lm_parts *parts)
{
	LM_CLEANUP(free_indexer) struct lm_indexer *indexer = NULL;
	LM_FREE struct lm_log_segment *segments = NULL;
	LM_CLOSE int dir_fd = -1;
	size_t count;
	int r = lm_log_segments(log, &segments, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = lm_summary_segment(&parts->summary, segments[i].number, segments[i].bytes);
	if (r < 0)
		return r;
	dir_fd = make_directory(lm_log_directory(log));
	if (dir_fd < 0)
		return dir_fd;
	r = remove_parts(dir_fd);
	if (r == 0)
		r = make_parts(log, dir_fd, parts, &indexer);
	if (r == 0 && lm_log_state(log) == LM_LOG_LIVE)
		r = -EBUSY;
	if (r == 0)
		r = write_summary(log, dir_fd, indexer, parts);
	if (r < 0) {
		/* Parts that nobody will open only take up room. */
		remove_parts(dir_fd);
		return r;
	}
	parts->bytes = count_bytes(dir_fd, &parts->summary);
	return 0;
}

int lm_parts_write(struct lm_log *log, struct lm_parts *ret_parts, struct lm_diag *diag)
{
	struct lm_parts parts LM_CLEANUP(lm_parts_release) = LM_PARTS_INIT;
	int r = write_parts(log, &parts);

	if (r == -ENOTDIR)
		return lm_diag_set(diag, r, "One segment has no index: name the log's directory");
	if (r == -EBUSY)
		return lm_diag_set(diag, r, "The log is still being written: index it when it has "
				   "ended");
	if (r == -EALREADY)
		return lm_diag_set(diag, r, "Another lemona index is at work on this log");
	if (r < 0)
		return lm_diag_errno(diag, r, "The index could not be written");
	*ret_parts = parts;
	parts = (struct lm_parts)LM_PARTS_INIT;
	return 0;
}

static void free_part(struct lm_part **part)
{
	lm_part_free(*part);
}

static int open_part(const struct lm_log *log, int dir_fd, const char *name,
		     struct lm_part **ret_part)
{
	LM_CLEANUP(free_part) struct lm_part *part = NULL;
	LM_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = fd < 0 ? -errno : lm_part_open(fd, &part, NULL);

	if (r < 0)
		return r;
	/* Of another log, which was copied over this one: it has nothing to say. */
	if (memcmp(lm_part_info(part)->log_id, lm_log_identity(log), LM_PART_IDENTITY_BYTES) != 0)
		return -ENOENT;
	*ret_part = lm_take_ptr(part);
	return 0;
}

/* @return 1; 0 there is none; -LM_E_FORMAT, -LM_E_DAMAGED, -LM_E_VERSION, -ENOMEM, -EACCES, ... */
static int read_summary(const struct lm_log *log, int dir_fd, struct lm_summary *ret_summary)
{
	LM_CLEANUP(free_part) struct lm_part *part = NULL;
	int r = open_part(log, dir_fd, SUMMARY_NAME, &part);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = lm_summary_read(part, ret_summary);
	return r < 0 ? r : 1;
}

/* @return 1; 0: segments were written, deleted or added since; -EIO, -ENOMEM */
static int is_of_now(const struct lm_log *log, const struct lm_summary *summary)
{
	LM_FREE struct lm_log_segment *segments = NULL;
	size_t count;
	int r = lm_log_segments(log, &segments, &count);

	if (r < 0)
		return r;
	if (count != summary->segments.count)
		return 0;
	for (size_t i = 0; i < count; i++) {
		if (segments[i].number != summary->segments.at[i].number ||
		    segments[i].bytes != summary->segments.at[i].bytes)
			return 0;
	}
	return 1;
}

static int add_part(const struct lm_log *log, int dir_fd, const struct lm_summary_part *which,
		    struct lm_parts *parts)
{
	char name[LM_INDEXER_NAME_BYTES];
	struct lm_part *part = NULL;
	int r;

	lm_indexer_part_name(which->kind, which->number, name);
	r = open_part(log, dir_fd, name, &part);
	/* A summary names what is there. */
	if (r == -ENOENT)
		return -LM_E_DAMAGED;
	if (r < 0)
		return r;
	switch ((enum lm_part_kind)which->kind) {
	case LM_PART_ROWS:
		return lm_store_add(parts->store, part);
	case LM_PART_SPAN:
		return lm_store_add_span(parts->store, part);
	case LM_PART_CATALOG:
		r = lm_catalog_add(parts->catalog, part);
		if (r < 0)
			lm_part_free(part);
		return r;
	case LM_PART_SUMMARY:
		break;
	}
	lm_part_free(part);
	return -LM_E_DAMAGED;
}

static int open_parts(const struct lm_log *log, int dir_fd, struct lm_parts *parts)
{
	const struct lm_summary *summary = &parts->summary;
	int r = lm_store_new(&parts->store);

	if (r == 0)
		r = lm_catalog_new(&parts->catalog);
	if (r == 0)
		r = lm_same_new(&parts->same);
	for (size_t i = 0; r == 0 && i < summary->parts.count; i++)
		r = add_part(log, dir_fd, &summary->parts.at[i], parts);
	for (size_t i = 0; r == 0 && i < summary->aliases.count; i++)
		r = lm_same_put(parts->same, summary->aliases.at[i].later,
				summary->aliases.at[i].first);
	return r == 0 ? read_events_from(log, parts) : r;
}

int lm_parts_open(const struct lm_log *log, struct lm_parts *ret_parts, struct lm_diag *diag)
{
	struct lm_parts parts LM_CLEANUP(lm_parts_release) = LM_PARTS_INIT;
	int log_fd = lm_log_directory(log);
	LM_CLOSE int dir_fd = log_fd < 0 ? -ENOENT : open_directory(log_fd);
	int r = dir_fd < 0 ? dir_fd : read_summary(log, dir_fd, &parts.summary);

	if (r == -ENOENT)
		return 0;
	if (r > 0)
		r = is_of_now(log, &parts.summary);
	if (r > 0)
		r = open_parts(log, dir_fd, &parts);
	else if (r == 0)
		return 0;
	if (r == -LM_E_DAMAGED || r == -LM_E_FORMAT)
		return lm_diag_set(diag, -LM_E_DAMAGED, "The log's index is damaged: make it anew "
				   "with lemona index, or remove the directory index");
	if (r == -LM_E_VERSION)
		return lm_diag_set(diag, r, "The log's index was written by a newer version of "
				   "Lemona: make it anew with lemona index");
	if (r < 0)
		return lm_diag_errno(diag, r, "The log's index could not be opened");
	*ret_parts = parts;
	parts = (struct lm_parts)LM_PARTS_INIT;
	return 1;
}
