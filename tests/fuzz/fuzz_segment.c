/* SPDX-License-Identifier: MIT */
#include "read_log.h"

/* A whole segment file: header, frames, checksums and all. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	read_as_segment(data, len);
	return 0;
}
