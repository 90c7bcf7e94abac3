/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import.h"
#include "lemona/base/cleanup.h"
#include "lemona/event/codec.h"

/* Built once for each importer: KIND is its source_kind; ALSO that of one that is run as well. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* libauparse forgets some of what malformed records make it copy. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libauparse.so";
}

/* What any log wants: numbers that are defined, times that do not go back, items that fit. */
struct checker {
	struct lm_batch *batch;
	lm_object_id last;
	uint64_t end_ns;
};

static int add(struct checker *checker, const struct lm_item *item)
{
	switch ((enum lm_item_kind)item->kind) {
	case LM_ITEM_OBJECT:
		return lm_batch_add_object(checker->batch, &item->object);
	case LM_ITEM_BINDING:
		return lm_batch_add_binding(checker->batch, &item->binding);
	case LM_ITEM_EVENT:
		return lm_batch_add_event(checker->batch, &item->event);
	case LM_ITEM_GAP:
		return lm_batch_add_gap(checker->batch, &item->gap);
	}
	abort();
}

static void check_event(struct checker *checker, const struct lm_event *event)
{
	const lm_object_id used[] = {
		event->actor, event->object, event->object2, event->name, event->name2,
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(used); i++)
		if (used[i] > checker->last)
			abort();
	if (!event->actor || event->end_ns < checker->end_ns || event->begin_ns > event->end_ns)
		abort();
	checker->end_ns = event->end_ns;
}

static int take_item(void *data, const struct lm_item *item)
{
	struct checker *checker = data;
	int r;

	if (item->kind == LM_ITEM_OBJECT && item->object.id > checker->last + 1)
		abort();
	if (item->kind == LM_ITEM_OBJECT && item->object.id > checker->last)
		checker->last = item->object.id;
	if (item->kind == LM_ITEM_EVENT)
		check_event(checker, &item->event);
	r = add(checker, item);
	if (r == -EMSGSIZE) {
		lm_batch_reset(checker->batch);
		r = add(checker, item);
	}
	if (r < 0)
		abort();
	return 0;
}

static void run(const struct source_kind *kind, int fd)
{
	struct checker state = { .batch = NULL }, *checker = &state;
	const struct world_sink sink = { .item = take_item, .data = checker };
	const struct lm_import_options options = { .format = LM_IMPORT_GUESS };
	struct import import = { .options = &options };
	struct source source = {
		.import = &import, .kind = kind, .name = "input", .lines = LINES_INIT(fd),
	};
	struct lm_diag diag = LM_DIAG_INIT;

	if (lseek(fd, 0, SEEK_SET) != 0 || lm_batch_new(&state.batch) < 0 ||
		world_new(&sink, &import.world) < 0)
		abort();
	if (source.kind->open(&source) == 0)
		(void)import_sources(&import, &source, 1, &diag);
	source.kind->close(&source);
	lines_release(&source.lines);
	world_free(import.world);
	lm_batch_free(state.batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	LM_CLOSE int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	run(&KIND, fd);
#ifdef ALSO
	run(&ALSO, fd);
#endif
	return 0;
}
