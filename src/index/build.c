/* SPDX-License-Identifier: MIT */
#include "lemona/index/build.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/same.h"
#include "lemona/index/rows.h"

/* One log on its way into an index. */
struct making {
	struct lm_log *log;
	int dir_fd;
	struct lm_same *same;
	struct lm_rows_builder *rows;
	uint32_t row_parts;
	uint64_t frame; /* first event of the one that is being read; 0: none yet */
};

static void release_making(struct making *making)
{
	lm_same_free(making->same);
	lm_rows_builder_free(making->rows);
}

/* A new file under another name, until it is whole. */
static int write_row_part(struct making *making)
{
	char name[64], new_name[80];
	int fd LM_CLOSE = -1;
	int r;

	snprintf(name, sizeof(name), "rows-%08" PRIu32 ".lmx", ++making->row_parts);
	snprintf(new_name, sizeof(new_name), "%s.new", name);
	fd = openat(making->dir_fd, new_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	r = lm_rows_builder_write(making->rows, fd, lm_log_identity(making->log));
	if (r == 0 && renameat(making->dir_fd, new_name, making->dir_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(making->dir_fd, new_name, 0);
	return r;
}

static int enter_frame(struct making *making)
{
	struct lm_log_place place;
	struct lm_row_frame frame;
	int r = 0;

	lm_log_place(making->log, &place);
	if (place.first_event == making->frame)
		return 0;
	making->frame = place.first_event;
	if (lm_rows_builder_is_full(making->rows))
		r = write_row_part(making);
	frame = (struct lm_row_frame){
		.first_event = place.first_event, .offset = place.offset,
		.segment = place.segment, .events = place.events,
	};
	return r < 0 ? r : lm_rows_builder_frame(making->rows, &frame);
}

static int take_item(struct making *making, struct lm_item *item)
{
	int r = lm_same_apply(making->same, item);

	if (r <= 0)
		return r;
	if (item->kind == LM_ITEM_OBJECT)
		return lm_rows_builder_object(making->rows, &item->object);
	if (item->kind != LM_ITEM_EVENT)
		return 0;
	r = enter_frame(making);
	return r < 0 ? r : lm_rows_builder_event(making->rows, &item->event);
}

int lm_index_make(struct lm_log *log, int dir_fd, struct lm_diag *diag)
{
	struct making making LM_CLEANUP(release_making) = { .log = log, .dir_fd = dir_fd };
	struct lm_item item;
	int r = lm_same_new(&making.same);

	if (r == 0)
		r = lm_rows_builder_new(&making.rows);
	while (r == 0 && (r = lm_log_next(log, &item)) > 0)
		r = take_item(&making, &item);
	if (r == 0 && !lm_rows_builder_is_empty(making.rows))
		r = write_row_part(&making);
	return r < 0 ? lm_diag_errno(diag, r, "The index could not be made") : 0;
}
