/* SPDX-License-Identifier: MIT */
#include "open_code.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/identify.h"

/*
 * To open is to act: a watchdog starts, a tape rewinds. What stands in the place of a file now may
 * be anything, so it is looked at first, and only the file itself is opened. The access time of
 * evidence is evidence.
 */
#define LOOK_FLAGS (O_PATH | O_CLOEXEC)
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOATIME | O_NONBLOCK | O_NOCTTY)

static uint64_t read_field(int fd, const char *name)
{
	char path[64], line[128];
	FILE *file LM_FCLOSE = NULL;
	size_t len = strlen(name);

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, len) == 0)
			return strtoull(line + len, NULL, 10);
	return 0;
}

/*
 * Where file systems are stacked (overlay, btrfs), stat(2) tells another device
 * than the kernel's own. The process's list of mounts has the right one.
 */
static bool is_on_device(uint32_t tgid, int fd, uint32_t dev)
{
	uint64_t mount = read_field(fd, "mnt_id:");
	char path[64], *line LM_FREE = NULL;
	FILE *file LM_FCLOSE = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%u/mountinfo", tgid);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0) {
		char *at = line;

		/* mount, parent, major:minor */
		if (strtoull(at, &at, 10) != mount)
			continue;
		strtoull(at, &at, 10);
		uint64_t major = strtoull(at, &at, 10);

		return *at == ':' && (major << 20 | strtoull(at + 1, NULL, 10)) == dev;
	}
	return false;
}

static bool is_wanted(uint32_t tgid, int fd, const struct lm_raw_inode *inode)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino != inode->inode)
		return false;
	return lm_identify_kernel_dev(st.st_dev) == inode->dev ||
		is_on_device(tgid, fd, inode->dev);
}

static int look_at_exe(uint32_t tgid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/exe", tgid);
	return open(path, LOOK_FLAGS);
}

/* A library: by the mapping that still holds it. */
static int look_at_mapping(uint32_t tgid, const struct lm_raw_inode *inode)
{
	char path[96], *line LM_FREE = NULL;
	FILE *file LM_FCLOSE = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	file = fopen(path, "re");
	while (file && getline(&line, &size, file) > 0) {
		uint64_t start, end, major, minor;
		char *at = line;

		/* start-end perms offset major:minor inode path */
		start = strtoull(at, &at, 16);
		end = *at == '-' ? strtoull(at + 1, &at, 16) : 0;
		if (strlen(at) < 6)
			continue;
		strtoull(at + 6, &at, 16);
		major = strtoull(at, &at, 16);
		minor = *at == ':' ? strtoull(at + 1, &at, 16) : 0;
		if ((major << 20 | minor) != inode->dev || strtoull(at, NULL, 10) != inode->inode)
			continue;
		snprintf(path, sizeof(path), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, tgid, start,
			end);
		return open(path, LOOK_FLAGS);
	}
	return -1;
}

/* By name. The file it leads to now may be another one: that is for the caller to find out. */
static int look_at_path(uint32_t tgid, const char *path)
{
	struct open_how how = {
		.flags = LOOK_FLAGS, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root LM_CLOSE = -1;
	char text[32];

	snprintf(text, sizeof(text), "/proc/%u/root", tgid);
	root = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* @return the file opened; -1: the node is not what is wanted, or does not let itself be read */
static int open_if_wanted(uint32_t tgid, int taken_node, const struct lm_raw_inode *inode)
{
	int node LM_CLOSE = taken_node;
	char path[32];

	if (node < 0 || !is_wanted(tgid, node, inode))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", node);
	return open(path, OPEN_FLAGS);
}

int open_code(uint32_t tgid, uint32_t parent_tgid, const char *path,
	const struct lm_raw_inode *inode)
{
	const uint32_t viewers[] = { tgid, parent_tgid, (uint32_t)getpid() };
	int fd = open_if_wanted(tgid, look_at_exe(tgid), inode);

	if (fd < 0)
		fd = open_if_wanted(tgid, look_at_mapping(tgid, inode), inode);
	for (size_t i = 0; fd < 0 && path && i < LM_ARRAY_SIZE(viewers); i++)
		if (viewers[i])
			fd = open_if_wanted(viewers[i], look_at_path(viewers[i], path), inode);
	return fd < 0 ? -ENOENT : fd;
}
