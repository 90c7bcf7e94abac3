/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lemona/base/cleanup.h"
#include "lemona/index/rows.h"
#include "lemona/index/span.h"
#include "lemona/index/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define SIZE_OFFSET 48u /* of the field of a part's header that must be the file's size */
#define ASKED 24u
#define ALL_ROLES 7u
#define MAX_BYTES (1u << 16)

static void read_rows(struct lm_part *part)
{
	static struct lm_row rows[LM_ROWS_PAGE_MAX];
	struct lm_buffer pages LM_BUFFER = LM_BUFFER_INIT;
	struct lm_rows *opened;
	struct lm_row_frame frame;
	const uint8_t *sinks;
	uint64_t time_ns;

	if (lm_rows_open(part, &opened) < 0)
		return;
	for (uint32_t i = 0; i < lm_rows_page_count(opened); i++) {
		struct lm_rows_page page = lm_rows_page(opened, i);
		int count = lm_rows_read(opened, i, rows);

		if (count > (int)LM_ROWS_PAGE_MAX || (count > 0 && page.rows == 0))
			abort();
		for (int k = 0; k < count; k++)
			lm_rows_frame(opened, rows[k].event, &frame);
	}
	for (lm_object_id id = 0; id < ASKED; id++) {
		lm_buffer_reset(&pages);
		if (lm_rows_find(opened, id, ALL_ROLES, &pages) < 0)
			abort();
		lm_rows_end(opened, id, id / 2, &time_ns);
	}
	for (size_t i = 0, count = lm_rows_sinks(opened, &sinks); i < count; i++) {
		volatile uint8_t byte = sinks[i * sizeof(uint32_t)];

		(void)byte;
	}
	lm_rows_free(opened);
}

static void read_span(struct lm_part *part)
{
	struct lm_buffer parts LM_BUFFER = LM_BUFFER_INIT;
	uint32_t first, count;
	struct lm_span *span;

	if (lm_span_open(part, &span) < 0)
		return;
	lm_span_range(span, &first, &count);
	for (lm_object_id id = 0; id < ASKED; id++) {
		lm_buffer_reset(&parts);
		if (lm_span_find(span, id, ALL_ROLES, &parts) < 0)
			abort();
		for (size_t i = 0; i + sizeof(uint32_t) <= parts.len; i += sizeof(uint32_t)) {
			uint32_t at;

			memcpy(&at, parts.data + i, sizeof(at));
			if (at < first || at - first >= count)
				abort();
		}
	}
	lm_span_free(span);
}

static void read_summary(struct lm_part *part)
{
	struct lm_summary summary LM_CLEANUP(lm_summary_release) = LM_SUMMARY_INIT;
	uint8_t log_id[LM_PART_IDENTITY_BYTES] = { 0 };
	int fd LM_CLOSE = memfd_create("again", MFD_CLOEXEC);

	if (lm_summary_read(part, &summary) == 0 && lm_summary_write(&summary, log_id, 2, fd) < 0)
		abort();
	lm_part_free(part);
}

/* A part of an index that is no catalog, whoever wrote it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd LM_CLOSE = memfd_create("part", MFD_CLOEXEC);
	static uint8_t bytes[MAX_BYTES];
	struct lm_part *part;
	uint64_t size = len;

	if (len < SIZE_OFFSET + sizeof(size) || len > sizeof(bytes))
		return 0;
	memcpy(bytes, data, len);
	memcpy(bytes + SIZE_OFFSET, &size, sizeof(size));
	if (write(fd, bytes, len) != (ssize_t)len)
		abort();
	if (lm_part_open(fd, &part, NULL) < 0)
		return 0;
	if (lm_part_info(part)->kind == LM_PART_ROWS)
		read_rows(part);
	else if (lm_part_info(part)->kind == LM_PART_SPAN)
		read_span(part);
	else
		read_summary(part);
	return 0;
}
