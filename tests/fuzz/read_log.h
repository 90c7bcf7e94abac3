/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lemona/log/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Read bytes as one segment file, to the end. Every item takes bytes, so that must come. */
static inline void read_as_segment(const void *data, size_t len)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);
	struct lm_log_counts counts;
	struct lm_log *log = NULL;
	struct lm_item item;
	char path[64];

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (lm_log_open(path, &log, NULL) == 0) {
		while (lm_log_next(log, &item) == 1)
			;
		if (lm_log_state(log) == LM_LOG_LIVE)
			abort();
		lm_log_read_counts(log, &counts);
		lm_log_free(log);
	}
	close(fd);
}
