/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "lemona/abi/raw.h"

/**
 * Open the very file that a process executed or mapped: by the kernel's own
 * links below /proc/PID, else by the name it had, as the process, its parent
 * and we ourselves see it. Whichever way: device and inode number of what was
 * opened are those that the kernel told of it, or it is not taken. What is another file is not
 * opened, whatever stands under its name.
 *
 * @param path  as the process saw it, absolute; NULL where no name is known
 * @return a descriptor for reading; -ENOENT (there is no way to it any more)
 */
int open_code(uint32_t tgid, uint32_t parent_tgid, const char *path,
	      const struct lm_raw_inode *inode);
