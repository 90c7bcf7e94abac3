/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import.h"
#include "lemona/base/cleanup.h"

#define EVENTS 2000u
/* As many events are looked at ahead, and as many may be held back: src/exchange/auditd.c. */
#define AHEAD_MAX (2 * 256u + 256u)

/* An import of one file, of which nobody keeps the log. */
struct scene {
	struct lm_import_options options;
	struct import import;
	struct source source;
	uint64_t events;
};

static int count_item(void *data, const struct lm_item *item)
{
	struct scene *scene = data;

	scene->events += item->kind == LM_ITEM_EVENT;
	return 0;
}

static void start(struct scene *scene, int fd)
{
	const struct world_sink sink = { .item = count_item, .data = scene };

	*scene = (struct scene){ .options = { .format = LM_IMPORT_AUDITD } };
	scene->import.options = &scene->options;
	scene->source = (struct source){
		.import = &scene->import, .kind = &auditd_kind, .name = "log",
		.lines = LINES_INIT(fd), .fd = -1,
	};
	assert_int_equal(world_new(&sink, &scene->import.world), 0);
	assert_int_equal(auditd_kind.open(&scene->source), 0);
}

static void stop(struct scene *scene)
{
	auditd_kind.close(&scene->source);
	lines_release(&scene->source.lines);
	world_free(scene->import.world);
}

/* One record an event, without the one that ends it; a thousand of them a second. */
static void append_events(struct lm_buffer *text, unsigned int first)
{
	for (unsigned int i = first; i < first + EVENTS; i++)
		lm_buffer_printf(text, "type=SYSCALL msg=audit(%u.%03u:%u): arch=c000003e "
			"syscall=1 success=yes exit=1 a0=1 a1=0 a2=1 a3=0 items=0 ppid=1 pid=9 "
			"comm=\"sh\" exe=\"/bin/sh\"\n", 1700000000 + i / 1000, i % 1000, i + 1);
}

static int make_log(const struct lm_buffer *text)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(lm_buffer_status(text), 0);
	assert_int_equal(write(fd, text->data, text->len), text->len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* Work on each record goes with what is held: so the most that is ever held is counted. */
static void import_all(struct scene *scene, const struct lm_buffer *text)
{
	LM_CLOSE int fd = make_log(text);
	uint64_t taken = 0, most = 0;
	int r;

	start(scene, fd);
	while ((r = auditd_kind.next(&scene->source)) > 0) {
		uint64_t ahead = scene->source.lines.number - taken;

		most = ahead > most ? ahead : most;
		assert_int_equal(auditd_kind.apply(&scene->source), 0);
		taken++;
	}
	assert_int_equal(r, 0);
	assert_true(most <= AHEAD_MAX);
	stop(scene);
}

static void test_held_events_are_bounded(void **state)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	struct scene scene;

	append_events(&text, 0);
	import_all(&scene, &text);
	assert_int_equal(scene.events, EVENTS);
	assert_int_equal(scene.import.count.late, 0);
}

/* What comes a second time is no part of what came before, and nothing waits for a time to pass. */
static void test_time_goes_back(void **state)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	struct scene scene;

	for (int i = 0; i < 3; i++)
		append_events(&text, 0);
	append_events(&text, 100000);
	append_events(&text, 0);
	import_all(&scene, &text);
	assert_int_equal(scene.events, 5 * EVENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_events_are_bounded),
		cmocka_unit_test(test_time_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
