/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lemona/abi/raw.h"

/**
 * What a directory entry is now, as a running process sees it.
 *
 * @param path      absolute, from the process's root; its last component is not followed
 * @param ret_link  target when it is a symbolic link, else empty; untouched on failure
 * @return 0; -EOPNOTSUPP (procfs, whose links differ for each who looks); -ENOENT, -EACCES, ...;
 * -ESRCH when the process is gone
 */
int look_at_entry(uint32_t tgid, const char *path, struct lm_raw_inode *ret_inode, char *ret_link,
		  size_t link_size);
