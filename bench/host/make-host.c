/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "attack.h"
#include "daemons.h"
#include "jobs.h"
#include "lemona/base/error.h"
#include "truth.h"

/*
 * Makes the log of a host that does not exist: docs/bench.md, "Analysis", says what it is modelled
 * after.
 *
 *	make-host [--events N] [--days N] [--seed N] [--attacks N] LOG TRUTH
 *
 * The log is not sealed. TRUTH is written when the log is whole.
 */
struct settings {
	uint64_t events, days, seed, attacks;
	const char *log, *truth;
};

static int usage(void)
{
	fprintf(stderr, "usage: make-host [--events N] [--days N] [--seed N] [--attacks N] LOG "
			"TRUTH\n");
	return LM_EXIT_USAGE;
}

static bool read_number(const char *text, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *ret_number > 0;
}

static bool read_settings(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{ "events", required_argument, NULL, 'e' },
		{ "days", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ "attacks", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*settings = (struct settings){ .events = 1000000, .days = 5, .seed = 1, .attacks = 2 };
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t *number = option == 'e'   ? &settings->events
				   : option == 'd' ? &settings->days
				   : option == 's' ? &settings->seed
				   : option == 'a' ? &settings->attacks
						   : NULL;

		if (!number || !read_number(optarg, number))
			return false;
	}
	if (argc - optind != 2)
		return false;
	settings->log = argv[optind];
	settings->truth = argv[optind + 1];
	return true;
}

static struct world *make_world(const struct settings *settings)
{
	const struct lm_log_meta meta = { .host = "web1",
		.recorder = "make-host",
		.kernel = "6.1.0-31-amd64",
		.attach = "tracepoint",
		.level = "provenance",
		.boot_id = "00000000-0000-4000-8000-000000000001",
		.start_ns = HOST_START_NS,
		.start_wall_ns = HOST_WALL_NS + HOST_START_NS };
	struct world *w = host_allocate(sizeof(*w));
	struct lm_object kernel = { .kind = LM_OBJECT_KIND_KERNEL };
	struct lm_log_options options = { .segment_bytes = 0 };
	struct lm_diag diag = LM_DIAG_INIT;

	w->rng = host_hash(settings->seed);
	w->start_ns = HOST_START_NS;
	w->end_ns = HOST_START_NS + settings->days * HOST_DAY_NS;
	w->wanted = settings->events;
	w->frame_end_ns = HOST_START_NS + HOST_FRAME_NS;
	w->next_pid = 300;
	w->next_inode = 131073;
	w->next_socket = 20000;
	host_must(lm_log_create(settings->log, &meta, &options, &w->writer, &diag), settings->log);
	host_define(w, &kernel, w->start_ns);
	w->root = host_allocate(sizeof(*w->root));
	*w->root = (struct node){ .mode = S_IFDIR | 0755, .inode = 2 };
	host_tell_file(w, w->root, w->start_ns);
	w->truth = truth_new(w);
	return w;
}

int main(int argc, char **argv)
{
	struct settings settings;
	struct lm_log_counts counts;
	struct lm_diag diag = LM_DIAG_INIT;
	struct world *w;
	FILE *truth;

	if (!read_settings(argc, argv, &settings))
		return usage();
	w = make_world(&settings);
	daemons_start(w);
	attacks_start(w, (uint32_t)settings.attacks);
	jobs_start(w);
	host_run(w);
	host_must(lm_log_close(w->writer, &counts, &diag), settings.log);
	truth = fopen(settings.truth, "we");
	host_must(truth ? 0 : -errno, settings.truth);
	truth_write(w->truth, truth);
	host_must(fclose(truth) == 0 ? 0 : -errno, settings.truth);
	printf("%llu events, %llu objects, %llu bytes\n", (unsigned long long)counts.events,
		(unsigned long long)counts.objects, (unsigned long long)counts.bytes);
	return 0;
}
