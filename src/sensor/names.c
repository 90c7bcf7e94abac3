/* SPDX-License-Identifier: MIT */
#include "lemona/sensor/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

/*
 * A queue for each change. The kernel merges an event into an equal one that is still in the queue:
 * in one queue for all, what is deleted would stand where it was created, before what
 * the same thread did in between.
 */
static const uint64_t watched_changes[] = { FAN_CREATE, FAN_DELETE, FAN_RENAME };

#define QUEUES LM_ARRAY_SIZE(watched_changes)
#define READ_BYTES 65536
/* More than any event has: three handles, two names. What was read with more room left was all. */
#define EVENT_MAX_BYTES 2048

/* Types of file handles: include/linux/exportfs.h. */
#define FILEID_INO32_GEN 1

struct watched {
	__kernel_fsid_t fsid;
	uint32_t dev; /* kernel encoding */
};

struct lm_names {
	int fds[QUEUES];
	struct watched *watched;
	uint32_t count, capacity;
	char *buffer;
};

static const struct watched *watched_by_dev(const struct lm_names *names, uint32_t dev)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (names->watched[i].dev == dev)
			return &names->watched[i];
	return NULL;
}

static const struct watched *watched_by_fsid(const struct lm_names *names,
	const __kernel_fsid_t *fsid)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (memcmp(&names->watched[i].fsid, fsid, sizeof(*fsid)) == 0)
			return &names->watched[i];
	return NULL;
}

/* A file system that cannot report names (procfs, ...) is left out: its names stay claimed. */
static void watch(struct lm_names *names, const char *path)
{
	struct watched one;
	struct statfs fs;
	struct stat st;

	if (stat(path, &st) < 0 || statfs(path, &fs) < 0)
		return;
	one.dev = major(st.st_dev) << 20 | minor(st.st_dev);
	memcpy(&one.fsid, &fs.f_fsid, sizeof(one.fsid));
	if (watched_by_dev(names, one.dev))
		return;
	if (names->count == names->capacity) {
		uint32_t capacity = names->capacity ? names->capacity * 2 : 32;
		void *bigger = reallocarray(names->watched, capacity, sizeof(*names->watched));

		if (!bigger)
			return;
		names->watched = bigger;
		names->capacity = capacity;
	}
	for (size_t i = 0; i < QUEUES; i++)
		if (fanotify_mark(names->fds[i], FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
			    watched_changes[i] | FAN_ONDIR, AT_FDCWD, path) < 0)
			return;
	names->watched[names->count++] = one;
}

/* Octal escapes of mountinfo: "\040" for a space. */
static void unescape(char *path)
{
	char *out = path;

	for (; *path; path++) {
		if (path[0] == '\\' && path[1] && path[2] && path[3]) {
			*out++ = (char)((path[1] - '0') << 6 | (path[2] - '0') << 3 |
				(path[3] - '0'));
			path += 3;
		} else {
			*out++ = *path;
		}
	}
	*out = '\0';
}

/* Cut off the field in front. @return it, NUL-terminated; NULL at the end of the line */
static char *next_field(char **line)
{
	char *field = *line, *end;

	if (!field)
		return NULL;
	end = strchr(field, ' ');
	*line = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	return field;
}

/* File systems that a user or a peer serves: to ask them may hang, and they report no names. */
static bool is_served_elsewhere(const char *type)
{
	static const char *const served[] = {
		"fuse", "nfs", "cifs", "smb", "ceph", "9p", "autofs",
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(served); i++)
		if (strncmp(type, served[i], strlen(served[i])) == 0)
			return true;
	return false;
}

/* One line: id parent major:minor root mount-point options ... - type source options */
static void watch_mount(struct lm_names *names, uint32_t tgid, char *line)
{
	char path[4200], *type = strstr(line, " - "), *rest = line;
	char *dev, *point, *colon;

	next_field(&rest);
	next_field(&rest);
	dev = next_field(&rest);
	next_field(&rest);
	point = next_field(&rest);
	colon = dev ? strchr(dev, ':') : NULL;
	if (!point || !colon || !type || is_served_elsewhere(type + 3))
		return;
	if (watched_by_dev(names,
		    (uint32_t)(strtoul(dev, NULL, 10) << 20 | strtoul(colon + 1, NULL, 10))))
		return;
	unescape(point);
	snprintf(path, sizeof(path), "/proc/%u/root%s", tgid, point);
	watch(names, path);
}

void lm_names_watch_process(struct lm_names *names, uint32_t tgid)
{
	char info[64], *line LM_FREE = NULL;
	FILE *file LM_FCLOSE = NULL;
	size_t size = 0;

	snprintf(info, sizeof(info), "/proc/%u/mountinfo", tgid);
	file = fopen(info, "re");
	while (file && getline(&line, &size, file) > 0)
		watch_mount(names, tgid, line);
}

static int open_queues(struct lm_names *names)
{
	unsigned int flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
		FAN_UNLIMITED_MARKS | FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_TID;

	for (size_t i = 0; i < QUEUES; i++) {
		names->fds[i] = fanotify_init(flags, O_RDONLY | O_CLOEXEC);
		if (names->fds[i] < 0)
			return errno == EINVAL ? -ENOSYS : -errno;
	}
	return 0;
}

int lm_names_open(struct lm_names **ret_names, struct lm_diag *diag)
{
	struct lm_names *names = calloc(1, sizeof(*names));
	int r;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < QUEUES; i++)
		names->fds[i] = -1;
	names->buffer = malloc(READ_BYTES);
	r = names->buffer ? open_queues(names) : -ENOMEM;
	if (r < 0) {
		lm_names_close(names);
		return lm_diag_errno(diag, r, "the kernel does not report names of files");
	}
	lm_names_watch_process(names, (uint32_t)getpid());
	*ret_names = names;
	return 0;
}

struct lm_names *lm_names_close(struct lm_names *names)
{
	if (!names)
		return NULL;
	for (size_t i = 0; i < QUEUES; i++)
		if (names->fds[i] >= 0)
			close(names->fds[i]);
	free(names->watched);
	free(names->buffer);
	free(names);
	return NULL;
}

/*
 * Inode and generation out of a handle. ext4, xfs and others: 32-bit number and
 * generation; tmpfs: generation, then a 64-bit number (shmem_encode_fh()).
 * Other layouts are not ours to guess.
 */
static bool read_handle(const struct file_handle *handle, uint32_t dev, struct lm_raw_inode *out)
{
	uint32_t words[3];

	if (handle->handle_type != FILEID_INO32_GEN)
		return false;
	if (handle->handle_bytes == 8) {
		memcpy(words, handle->f_handle, 8);
		*out = (struct lm_raw_inode){
			.inode = words[0], .dev = dev, .generation = words[1],
		};
		return true;
	}
	if (handle->handle_bytes == 12) {
		memcpy(words, handle->f_handle, 12);
		*out = (struct lm_raw_inode){
			.inode = words[1] | (uint64_t)words[2] << 32, .dev = dev,
			.generation = words[0],
		};
		return true;
	}
	return false;
}

/* One information record; `len` bytes of it are there. */
static void take_info(const struct lm_names *names, const struct fanotify_event_info_fid *info,
	size_t len, struct lm_name_event *event)
{
	const struct file_handle *handle = (const void *)info->handle;
	size_t fixed = sizeof(*info) + sizeof(*handle);
	const struct watched *fs = watched_by_fsid(names, &info->fsid);
	struct lm_raw_inode inode = { 0 };
	struct lm_name_place *place;
	const char *name;

	if (len < fixed || handle->handle_bytes > len - fixed)
		return;
	if (fs)
		read_handle(handle, fs->dev, &inode);
	switch (info->hdr.info_type) {
	case FAN_EVENT_INFO_TYPE_FID:
		event->target = inode;
		return;
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		place = &event->at;
		break;
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		place = &event->to;
		break;
	default:
		return;
	}
	name = (const char *)handle->f_handle + handle->handle_bytes;
	place->dir_inode = inode.inode;
	place->dir_dev = inode.inode ? inode.dev : 0;
	place->name = (struct lm_str){
		name, (uint32_t)strnlen(name, len - fixed - handle->handle_bytes),
	};
}

static void take_metadata(const struct lm_names *names,
	const struct fanotify_event_metadata *meta,
	const char *bytes, struct lm_name_event *event)
{
	const char *at = bytes + meta->metadata_len;
	const char *end = bytes + meta->event_len;

	*event = (struct lm_name_event){ .tid = (uint32_t)meta->pid };
	event->changes = (meta->mask & FAN_CREATE ? LM_NAME_CREATED : 0) |
		(meta->mask & FAN_DELETE ? LM_NAME_DELETED : 0) |
		(meta->mask & FAN_RENAME ? LM_NAME_RENAMED : 0) |
		(meta->mask & FAN_ONDIR ? LM_NAME_DIRECTORY : 0);
	while (end - at >= (ptrdiff_t)sizeof(struct fanotify_event_info_fid)) {
		const struct fanotify_event_info_fid *info = (const void *)at;

		if (info->hdr.len < sizeof(*info) || info->hdr.len > end - at)
			break;
		take_info(names, info, info->hdr.len, event);
		at += info->hdr.len;
	}
}

/* All events of one read(2). They follow each other at multiples of four bytes, not of eight. */
static int take_events(const struct lm_names *names, size_t len,
	int (*take)(void *data, const struct lm_name_event *event), void *data, bool *ret_overflow)
{
	uint64_t arrived_ns = lm_time_boot_ns();
	struct fanotify_event_metadata meta;
	struct lm_name_event event;
	int r;

	for (size_t at = 0; len - at >= sizeof(meta); at += meta.event_len) {
		memcpy(&meta, names->buffer + at, sizeof(meta));
		if (meta.event_len < sizeof(meta) || meta.event_len > len - at ||
			meta.metadata_len > meta.event_len)
			return -EIO; /* the kernel never writes that */
		if (meta.fd >= 0)
			close(meta.fd);
		if (meta.mask & FAN_Q_OVERFLOW) {
			*ret_overflow = true;
			continue;
		}
		take_metadata(names, &meta, names->buffer + at, &event);
		event.arrived_ns = arrived_ns;
		r = take(data, &event);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_queue(const struct lm_names *names, int fd,
	int (*take)(void *data, const struct lm_name_event *event), void *data, bool *ret_overflow)
{
	ssize_t n;

	do {
		int r;

		n = read(fd, names->buffer, READ_BYTES);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		r = take_events(names, (size_t)n, take, data, ret_overflow);
		if (r < 0)
			return r;
	} while (READ_BYTES - (size_t)n < EVENT_MAX_BYTES);
	return 0;
}

int lm_names_read(struct lm_names *names,
	int (*take)(void *data, const struct lm_name_event *event), void *data, bool *ret_overflow)
{
	int r = 0;

	for (size_t i = 0; i < QUEUES && r == 0; i++)
		r = read_queue(names, names->fds[i], take, data, ret_overflow);
	return r;
}
