/* SPDX-License-Identifier: MIT */
#include "lemona/index/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "lemona/base/cleanup.h"

#define NAME_BYTES 64

struct lm_indexer {
	int dir_fd;
	uint8_t log_id[LM_PART_IDENTITY_BYTES];
	struct lm_rows_builder *rows;
	struct lm_store *store; /* the parts so far */
	uint32_t row_parts;
	uint64_t frame; /* first event of the one that is being read; 0: none yet */
};

int lm_indexer_new(int dir_fd, const uint8_t log_id[LM_PART_IDENTITY_BYTES],
		   struct lm_indexer **ret_indexer)
{
	struct lm_indexer *indexer = calloc(1, sizeof(*indexer));
	int r = indexer ? lm_rows_builder_new(&indexer->rows) : -ENOMEM;

	if (r == 0)
		r = lm_store_new(&indexer->store);
	if (r < 0) {
		lm_indexer_free(indexer);
		return r;
	}
	indexer->dir_fd = dir_fd;
	memcpy(indexer->log_id, log_id, sizeof(indexer->log_id));
	*ret_indexer = indexer;
	return 0;
}

struct lm_indexer *lm_indexer_free(struct lm_indexer *indexer)
{
	if (!indexer)
		return NULL;
	lm_rows_builder_free(indexer->rows);
	lm_store_free(indexer->store);
	free(indexer);
	return NULL;
}

/* A new file, under another name until it is whole. */
static int create_part(const struct lm_indexer *indexer, const char *name)
{
	int fd = indexer->dir_fd < 0 ?
		memfd_create("lemona-index", MFD_CLOEXEC) :
		openat(indexer->dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0600);

	return fd < 0 ? -errno : fd;
}

static int take_part(struct lm_indexer *indexer, int fd)
{
	struct lm_part *part;
	int r = lm_part_open(fd, &part, NULL);

	return r < 0 ? r : lm_store_add(indexer->store, part);
}

static int write_rows(struct lm_indexer *indexer)
{
	char name[NAME_BYTES], new_name[NAME_BYTES];
	int fd LM_CLOSE = -1;
	int r;

	indexer->row_parts++;
	snprintf(name, sizeof(name), "rows-%08" PRIu32 ".lmx", indexer->row_parts);
	snprintf(new_name, sizeof(new_name), "rows-%08" PRIu32 ".new", indexer->row_parts);
	fd = create_part(indexer, new_name);
	if (fd < 0)
		return fd;
	r = lm_rows_builder_write(indexer->rows, fd, indexer->log_id);
	if (r == 0 && indexer->dir_fd >= 0 &&
	    renameat(indexer->dir_fd, new_name, indexer->dir_fd, name) < 0)
		r = -errno;
	if (r < 0 && indexer->dir_fd >= 0)
		unlinkat(indexer->dir_fd, new_name, 0);
	return r < 0 ? r : take_part(indexer, fd);
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
	if (lm_rows_builder_is_full(indexer->rows))
		r = write_rows(indexer);
	return r < 0 ? r : lm_rows_builder_frame(indexer->rows, &frame);
}

int lm_indexer_add(struct lm_indexer *indexer, const struct lm_item *item,
		   const struct lm_log_place *place)
{
	int r;

	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		return lm_rows_builder_object(indexer->rows, &item->object);
	case LM_ITEM_EVENT:
		r = enter_frame(indexer, place);
		return r < 0 ? r : lm_rows_builder_event(indexer->rows, &item->event);
	case LM_ITEM_BINDING:
	case LM_ITEM_GAP:
		break;
	}
	return 0;
}

int lm_indexer_finish(struct lm_indexer *indexer, struct lm_store **ret_store)
{
	int r = lm_rows_builder_is_empty(indexer->rows) ? 0 : write_rows(indexer);

	if (r == 0 && ret_store)
		*ret_store = lm_take_ptr(indexer->store);
	return r;
}
