/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lemona/event/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The payload of a frame, as it is after decompression. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lm_batch_reader *reader = NULL;
	struct lm_item item;
	uint64_t bytes = 0;

	if (lm_batch_reader_new(data, len, 1000, 1, &reader) < 0)
		return 0;
	/* Strings are borrowed: touch them, so that a wrong bound is seen. */
	while (lm_batch_reader_next(reader, &item) == 1)
		if (item.kind == LM_ITEM_OBJECT && item.object.kind == LM_OBJECT_KIND_NAME)
			for (uint32_t i = 0; i < item.object.name.component.len; i++)
				bytes += (uint8_t)item.object.name.component.data[i];
	lm_batch_reader_free(reader);
	return bytes == UINT64_MAX;
}
