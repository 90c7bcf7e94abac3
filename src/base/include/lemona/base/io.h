/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * Write all of the bytes at the given place of a file; interrupted and short writes go on.
 * @return 0; -ENOSPC, -EIO, ...: any of them may be there
 */
int lm_write_at(int fd, const void *data, size_t len, uint64_t offset);
