/* SPDX-License-Identifier: MIT */
#include "lemona/index/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/index/catalog_build.h"
#include "lemona/index/span.h"

struct lm_indexer {
	int dir_fd;
	uint8_t log_id[LM_PART_IDENTITY_BYTES];
	struct lm_rows_builder *rows;
	struct lm_catalog_builder *catalog;
	struct lm_store *store; /* the row parts so far */
	uint32_t row_parts, span_parts, catalog_parts;
	struct { uint32_t *at; size_t count, capacity; } catalogs; /* numbers of those that count */
	uint64_t frame; /* first event of the one that is being read; 0: none yet */
	uint64_t end_event;
};

int lm_indexer_new(int dir_fd, const uint8_t log_id[LM_PART_IDENTITY_BYTES],
		   struct lm_indexer **ret_indexer)
{
	struct lm_indexer *indexer = calloc(1, sizeof(*indexer));
	struct lm_catalog_builder_options options = { .memory_bytes = 0 };
	int r = indexer ? lm_rows_builder_new(&indexer->rows) : -ENOMEM;

	memcpy(options.log_id, log_id, sizeof(options.log_id));
	if (r == 0)
		r = lm_catalog_builder_new(&options, NULL, &indexer->catalog);
	if (r == 0)
		r = lm_store_new(&indexer->store);
	if (r < 0) {
		lm_indexer_free(indexer);
		return r;
	}
	indexer->dir_fd = dir_fd;
	indexer->end_event = 1;
	memcpy(indexer->log_id, log_id, sizeof(indexer->log_id));
	*ret_indexer = indexer;
	return 0;
}

struct lm_indexer *lm_indexer_free(struct lm_indexer *indexer)
{
	if (!indexer)
		return NULL;
	lm_rows_builder_free(indexer->rows);
	lm_catalog_builder_free(indexer->catalog);
	lm_store_free(indexer->store);
	free(indexer->catalogs.at);
	free(indexer);
	return NULL;
}

void lm_indexer_part_name(enum lm_part_kind kind, uint32_t number, char out[LM_INDEXER_NAME_BYTES])
{
	static const char *const names[] = {
		[LM_PART_ROWS] = "rows", [LM_PART_SPAN] = "span", [LM_PART_CATALOG] = "catalog",
	};

	snprintf(out, LM_INDEXER_NAME_BYTES, "%s-%08" PRIu32 ".lmx", names[kind], number);
}

/* A part on its way: under another name until it is whole. */
struct new_part {
	int fd;
	char name[LM_INDEXER_NAME_BYTES], new_name[LM_INDEXER_NAME_BYTES];
};

static void close_part(struct new_part *part)
{
	lm_cleanup_close(&part->fd);
}

static int create_part(const struct lm_indexer *indexer, enum lm_part_kind kind, uint32_t number,
		       struct new_part *ret_part)
{
	lm_indexer_part_name(kind, number, ret_part->name);
	snprintf(ret_part->new_name, sizeof(ret_part->new_name), "new.lmx");
	ret_part->fd = indexer->dir_fd < 0 ?
		memfd_create("lemona-index", MFD_CLOEXEC) :
		openat(indexer->dir_fd, ret_part->new_name,
		       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return ret_part->fd < 0 ? -errno : 0;
}

/* @param r  what writing it returned */
static int keep_part(const struct lm_indexer *indexer, const struct new_part *part, int r)
{
	if (indexer->dir_fd < 0)
		return r;
	/* A summary tells of parts that are whole, and is not there before they are. */
	if (r == 0 && fdatasync(part->fd) < 0)
		r = -errno;
	if (r == 0 && renameat(indexer->dir_fd, part->new_name, indexer->dir_fd, part->name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(indexer->dir_fd, part->new_name, 0);
	return r;
}

static int write_span(struct lm_indexer *indexer)
{
	struct new_part part LM_CLEANUP(close_part) = { .fd = -1 };
	struct lm_part *opened;
	int r;

	if (!lm_store_span_due(indexer->store))
		return 0;
	r = create_part(indexer, LM_PART_SPAN, ++indexer->span_parts, &part);
	if (r < 0)
		return r;
	r = keep_part(indexer, &part, lm_store_write_span(indexer->store, part.fd));
	if (r == 0)
		r = lm_part_open(part.fd, &opened, NULL);
	return r < 0 ? r : lm_store_add_span(indexer->store, opened);
}

static int write_rows(struct lm_indexer *indexer)
{
	struct new_part part LM_CLEANUP(close_part) = { .fd = -1 };
	struct lm_part *opened;
	int r = create_part(indexer, LM_PART_ROWS, ++indexer->row_parts, &part);

	if (r < 0)
		return r;
	r = keep_part(indexer, &part,
		      lm_rows_builder_write(indexer->rows, part.fd, indexer->log_id));
	if (r == 0)
		r = lm_part_open(part.fd, &opened, NULL);
	if (r == 0)
		r = lm_store_add(indexer->store, opened);
	return r < 0 ? r : write_span(indexer);
}

/* Those that were merged into one are not needed any more. */
static void replace_catalogs(struct lm_indexer *indexer, size_t first, size_t count)
{
	uint32_t *at = indexer->catalogs.at;

	for (size_t i = first; i < first + count && indexer->dir_fd >= 0; i++) {
		char name[LM_INDEXER_NAME_BYTES];

		lm_indexer_part_name(LM_PART_CATALOG, at[i], name);
		unlinkat(indexer->dir_fd, name, 0);
	}
	at[first] = indexer->catalog_parts;
	memmove(&at[first + 1], &at[first + count],
		(indexer->catalogs.count - first - count) * sizeof(*at));
	indexer->catalogs.count -= count - 1;
}

static int merge_catalogs(struct lm_indexer *indexer)
{
	struct lm_catalog *written = lm_catalog_builder_written(indexer->catalog);
	size_t first, count;
	int r = 0;

	while (r == 0 && lm_catalog_merge_due(written, &first, &count)) {
		struct new_part part LM_CLEANUP(close_part) = { .fd = -1 };

		r = create_part(indexer, LM_PART_CATALOG, ++indexer->catalog_parts, &part);
		if (r == 0)
			r = keep_part(indexer, &part,
				      lm_catalog_merge(written, first, count, part.fd));
		if (r == 0)
			replace_catalogs(indexer, first, count);
	}
	return r;
}

static int write_catalog(struct lm_indexer *indexer, bool final)
{
	struct new_part part LM_CLEANUP(close_part) = { .fd = -1 };
	int r = create_part(indexer, LM_PART_CATALOG, ++indexer->catalog_parts, &part);

	if (r < 0)
		return r;
	r = keep_part(indexer, &part,
		      lm_catalog_builder_write(indexer->catalog, part.fd, indexer->end_event,
					       final));
	if (r == 0 && lm_array_reserve(indexer->catalogs.at, indexer->catalogs.capacity,
				       indexer->catalogs.count + 1) < 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	indexer->catalogs.at[indexer->catalogs.count++] = indexer->catalog_parts;
	return merge_catalogs(indexer);
}

static int enter_frame(struct lm_indexer *indexer, const struct lm_log_place *place)
{
	struct lm_row_frame frame = {
		.first_event = place->first_event, .offset = place->offset,
		.segment = place->segment, .events = place->events,
	};
	int r = 0;

	if (place->first_event == indexer->frame)
		return 0;
	indexer->frame = place->first_event;
	if (lm_rows_builder_is_full(indexer->rows)) {
		r = write_rows(indexer);
		if (r == 0)
			r = write_catalog(indexer, false);
	}
	return r < 0 ? r : lm_rows_builder_frame(indexer->rows, &frame);
}

int lm_indexer_add(struct lm_indexer *indexer, const struct lm_item *item,
		   const struct lm_log_place *place)
{
	int r = 0;

	if (item->kind == LM_ITEM_EVENT) {
		r = enter_frame(indexer, place);
		if (r == 0)
			r = lm_rows_builder_event(indexer->rows, &item->event);
		indexer->end_event = item->event.id + 1;
	} else if (item->kind == LM_ITEM_OBJECT) {
		r = lm_rows_builder_object(indexer->rows, &item->object);
	}
	return r < 0 ? r : lm_catalog_builder_add(indexer->catalog, item);
}

static int list_part(struct lm_summary *summary, enum lm_part_kind kind, uint32_t number)
{
	size_t count = summary->parts.count;

	if (lm_array_reserve(summary->parts.at, summary->parts.capacity, count + 1) < 0)
		return -ENOMEM;
	summary->parts.at[count] = (struct lm_summary_part){ number, (uint16_t)kind };
	summary->parts.count = count + 1;
	return 0;
}

int lm_indexer_list(const struct lm_indexer *indexer, struct lm_summary *summary)
{
	int r = 0;

	for (uint32_t i = 1; r == 0 && i <= indexer->row_parts; i++)
		r = list_part(summary, LM_PART_ROWS, i);
	for (uint32_t i = 1; r == 0 && i <= indexer->span_parts; i++)
		r = list_part(summary, LM_PART_SPAN, i);
	for (size_t i = 0; r == 0 && i < indexer->catalogs.count; i++)
		r = list_part(summary, LM_PART_CATALOG, indexer->catalogs.at[i]);
	return r;
}

uint64_t lm_indexer_end(const struct lm_indexer *indexer)
{
	return indexer->end_event;
}

int lm_indexer_finish(struct lm_indexer *indexer, struct lm_store **ret_store,
		      struct lm_catalog **ret_catalog)
{
	int r = lm_rows_builder_is_empty(indexer->rows) ? 0 : write_rows(indexer);

	if (r == 0)
		r = write_catalog(indexer, true);
	if (r < 0)
		return r;
	*ret_store = lm_take_ptr(indexer->store);
	*ret_catalog = lm_catalog_builder_take(lm_take_ptr(indexer->catalog));
	return 0;
}
