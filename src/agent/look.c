/* SPDX-License-Identifier: MIT */
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/identify.h"

#define PROC_ROOT_INODE 1 /* fs/proc/internal.h: PROC_ROOT_INO */

static int open_root(uint32_t tgid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/root", tgid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int look_at_entry(uint32_t tgid, const char *path, struct lm_raw_inode *ret_inode, char *ret_link,
	size_t link_size)
{
	/* The path is made of real names: a link in the middle means that things have changed. */
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root LM_CLOSE = open_root(tgid);
	int fd LM_CLOSE = -1;
	struct statfs fs;
	struct stat st;
	ssize_t n;

	if (root < 0)
		return -ESRCH; /* gone already */
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	/* "self" is another for everybody who looks; where it is mounted is not. */
	if (fs.f_type == PROC_SUPER_MAGIC && st.st_ino != PROC_ROOT_INODE)
		return -EOPNOTSUPP;
	ret_link[0] = '\0';
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(fd, "", ret_link, link_size - 1);
		if (n <= 0)
			return n < 0 ? -errno : -ENOENT;
		ret_link[n] = '\0';
	}
	*ret_inode = (struct lm_raw_inode){
		.inode = st.st_ino,
		.dev = lm_identify_kernel_dev(st.st_dev),
		.mode = st.st_mode,
		.rdev = lm_identify_kernel_dev(st.st_rdev),
	};
	return 0;
}
