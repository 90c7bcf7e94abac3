/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <time.h>

#include "../unit/log/make_log.h"
#include "../unit/log/test_signer.h"

/*
 * Writes a log under load, as a recorder does, and tells what a reader may rely on.
 *
 * usage: load-log LOG EVENTS SEGMENT_BYTES PAUSE_US CHECKPOINT_US KEEP_BYTES [PROGRESS]
 * EVENTS: 0 goes on until killed. PAUSE_US: between frames. CHECKPOINT_US: between checkpoints; 0:
 * not sealed. KEEP_BYTES: older segments are deleted; 0: none.
 * PROGRESS: a file that holds, as u64, how many events were reported as written.
 *
 * Prints "ready" when the log was made and "closed" at the end. A frame that was refused is
 * no error: the log has a gap then. Exit code 3 when the log could not be made, 4 when it could not
 * be finished.
 */
#define FRAME_EVENTS 40u

static uint64_t *map_progress(const char *path)
{
	LM_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *map;

	if (fd < 0 || ftruncate(fd, sizeof(uint64_t)) < 0)
		return NULL;
	map = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

static void say(const char *text)
{
	if (write(STDOUT_FILENO, text, strlen(text)) < 0)
		exit(2);
}

static void add_frame(struct lm_log_writer *writer, uint32_t first)
{
	for (uint32_t i = first; i < first + FRAME_EVENTS; i++) {
		struct lm_item item;

		if (i % 7 == 0) {
			item = make_object_item(i / 7);
			(void)lm_log_add(writer, &item);
		}
		item = make_event_item(i);
		(void)lm_log_add(writer, &item);
	}
}

static void pause_us(unsigned long us)
{
	const struct timespec wait = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

	if (us > 0)
		nanosleep(&wait, NULL);
}

static void write_events(struct lm_log_writer *writer, unsigned long events, unsigned long pause,
	uint64_t *progress)
{
	for (uint32_t i = 0; events == 0 || i < events; i += FRAME_EVENTS) {
		add_frame(writer, i);
		if (lm_log_flush(writer) == 0)
			__atomic_store_n(progress, i + FRAME_EVENTS, __ATOMIC_RELEASE);
		pause_us(pause);
	}
}

static int write_log(char **argv, uint64_t *progress)
{
	struct lm_log_options options = {
		.segment_bytes = strtoul(argv[3], NULL, 10),
		.checkpoint_ns = strtoul(argv[5], NULL, 10) * 1000,
		.keep_bytes = strtoul(argv[6], NULL, 10),
	};
	struct lm_log_meta meta = make_meta();
	struct lm_log_writer *writer = NULL;
	struct lm_diag diag = LM_DIAG_INIT;
	struct test_signer signer;
	int code = 0;

	if (test_signer_init(&signer) < 0)
		return 2;
	if (options.checkpoint_ns > 0) {
		options.signer = &signer.signer;
		options.log_id = signer.log_id;
	}
	if (lm_log_create(argv[1], &meta, &options, &writer, &diag) < 0) {
		code = 3;
	} else {
		say("ready\n");
		write_events(writer, strtoul(argv[2], NULL, 10), strtoul(argv[4], NULL, 10),
			progress);
		code = lm_log_close(writer, NULL, &diag) < 0 ? 4 : 0;
	}
	test_signer_release(&signer);
	if (code)
		fprintf(stderr, "load-log: %s\n", diag.text);
	else
		say("closed\n");
	return code;
}

int main(int argc, char **argv)
{
	uint64_t none = 0, *progress = &none;

	if (argc < 7 || argc > 8 || (argc == 8 && !(progress = map_progress(argv[7])))) {
		fprintf(stderr, "usage: load-log LOG EVENTS SEGMENT_BYTES PAUSE_US CHECKPOINT_US "
			"KEEP_BYTES [PROGRESS]\n");
		return 2;
	}
	return write_log(argv, progress);
}
