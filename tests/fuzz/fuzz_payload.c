/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lemona/event/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is borrowed: touched, so that a wrong bound is seen. */
static uint64_t touch(const struct lm_item *item)
{
	uint64_t sum = 0;

	if (item->kind == LM_ITEM_OBJECT && item->object.kind == LM_OBJECT_KIND_NAME)
		for (uint32_t i = 0; i < item->object.name.component.len; i++)
			sum += (uint8_t)item->object.name.component.data[i];
	if (item->kind != LM_ITEM_EVENT)
		return sum;
	for (uint32_t i = 0; item->event.args && i < LM_EVENT_ARGS; i++)
		sum += item->event.args[i];
	for (uint32_t i = 0; item->event.content && i < item->event.content->len; i++)
		sum += item->event.content->bytes[i];
	return sum;
}

/* The payload of a frame, as it is after decompression. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lm_batch_reader *reader = NULL;
	struct lm_item item;
	uint64_t bytes = 0;

	if (lm_batch_reader_new(data, len, 1000, 1, &reader) < 0)
		return 0;
	while (lm_batch_reader_next(reader, &item) == 1)
		bytes += touch(&item);
	lm_batch_reader_free(reader);
	return bytes == UINT64_MAX;
}
