/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "make_log.h"

/* kill -9 at any instant: whatever was flushed is there, and the cut is told. */
#define KILLS          60
#define WAIT_MAX_US    9000u
#define SEGMENT_BYTES  16384u
#define FRAME_EVENTS   5u

/* Write until killed; *flushed counts the events that a reader may rely on. */
static void write_forever(const struct folder *folder, volatile uint32_t *flushed)
{
	struct lm_log_writer *writer = create_log(folder, SEGMENT_BYTES);

	for (uint32_t i = 0;; i += FRAME_EVENTS) {
		for (uint32_t k = 0; k < FRAME_EVENTS; k++) {
			struct lm_item item = make_event_item(i + k);

			lm_log_add(writer, &item);
		}
		if (lm_log_flush(writer) == 0)
			*flushed = i + FRAME_EVENTS;
	}
}

/* Kill a writer `us` after its start or, where it shall have written something, after that. */
static void kill_writer(const struct folder *folder, volatile uint32_t *flushed, bool written,
			unsigned int us)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		write_forever(folder, flushed);
		_exit(1);
	}
	while (written && *flushed == 0)
		usleep(50);
	usleep(us);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* All flushed events in order, then one CUT gap. */
static void check_log(const struct folder *folder, uint32_t flushed)
{
	struct lm_log *log = NULL;
	struct lm_item item;
	uint32_t events = 0, gaps = 0;
	int r = lm_log_open(folder->log, &log, NULL);

	/* Killed before its first header was whole: nothing was promised yet. */
	if (r < 0) {
		assert_int_equal(flushed, 0);
		assert_true(r == -ENOENT || r == -LM_E_EMPTY || r == -LM_E_DAMAGED);
		return;
	}
	while ((r = lm_log_next(log, &item)) == 1) {
		struct lm_event made;

		if (item.kind == LM_ITEM_GAP) {
			assert_int_equal(item.gap.reason, LM_GAP_CUT);
			gaps++;
			continue;
		}
		assert_int_equal(gaps, 0);
		made = make_event(events++);
		assert_event_same(&item.event, &made);
		assert_int_equal(item.event.id, events);
	}
	assert_int_equal(r, 0);
	assert_int_equal(gaps, 1);
	assert_int_equal(lm_log_state(log), LM_LOG_CUT);
	/* The frame being written when the kill came may be there as well. */
	assert_true(events == flushed || events == flushed + FRAME_EVENTS);
	lm_log_free(log);
}

static void test_kill_at_any_instant(void **state)
{
	struct folder *folder = *state;
	volatile uint32_t *flushed = mmap(NULL, sizeof(*flushed), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t with_events = 0;
	uint64_t h = (uint64_t)getpid() << 32 | (uint32_t)clock();

	assert_true(flushed != MAP_FAILED);
	for (int i = 0; i < KILLS; i++) {
		h = h * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		*flushed = 0;
		/* Every instant of the first writes, then of rotations too. */
		kill_writer(folder, flushed, i >= 10,
			(unsigned int)(h >> 33) % (i < 10 ? 900 : WAIT_MAX_US));
		check_log(folder, *flushed);
		with_events += *flushed > 0;
		remove_files(folder->log);
	}
	assert_true(with_events > KILLS / 4);
	munmap((void *)flushed, sizeof(*flushed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kill_at_any_instant, make_folder,
			remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
