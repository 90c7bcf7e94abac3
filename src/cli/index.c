/* SPDX-License-Identifier: MIT */
#include "lemona/index/make.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"

static const char help[] =
	"Usage: lemona index LOG [OPTION]...\n"
	"\n"
	"Make the index of a log that has ended, in the place of one that is there: files in\n"
	"LOG/index, from which backtrack, forward and query answer without reading the log.\n"
	"\n"
	"Options:\n"
	"  -q, --quiet            print nothing when it is done\n"
	"  -h, --help             print this text\n";

static const struct option options[] = {
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void free_log(struct lm_log **log)
{
	lm_log_free(*log);
}

static uint64_t bytes_of_segments(const struct lm_summary *summary)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < summary->segments.count; i++)
		bytes += summary->segments.at[i].bytes;
	return bytes;
}

static void print_result(const struct lm_parts *parts, uint64_t took_ns)
{
	uint64_t events = parts->summary.event_count;
	uint64_t bytes = parts->bytes, of_log = bytes_of_segments(&parts->summary);
	double seconds = (double)took_ns / (double)LM_NS_PER_SEC;

	printf("%" PRIu64 " events in %.1f s, %.0f a second; %" PRIu64 " bytes", events, seconds,
	       seconds > 0 ? (double)events / seconds : 0, bytes);
	if (events > 0)
		printf(", %.2f an event, beside %.2f of the log", (double)bytes / (double)events,
		       (double)of_log / (double)events);
	putchar('\n');
}

static int make_index(const char *path, bool quiet)
{
	struct lm_parts parts LM_CLEANUP(lm_parts_release) = LM_PARTS_INIT;
	LM_CLEANUP(free_log) struct lm_log *log = NULL;
	struct lm_diag diag = LM_DIAG_INIT;
	uint64_t begin_ns = lm_time_boot_ns();
	int r = lm_log_open(path, &log, &diag);

	if (r == 0)
		r = lm_parts_write(log, &parts, &diag);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	if (!quiet)
		print_result(&parts, lm_time_boot_ns() - begin_ns);
	return lm_cli_report_damage(parts.summary.damage[0] ? parts.summary.damage : NULL,
				    lm_cli_finish(LM_EXIT_OK));
}

int lm_cli_index(int argc, char **argv)
{
	bool quiet = false;
	int c;

	while ((c = lm_cli_option(argc, argv, "qh", options)) != -1) {
		switch (c) {
		case 'q':
			quiet = true;
			break;
		case 'h':
			lm_cli_print_text(help);
			return lm_cli_finish(LM_EXIT_OK);
		default:
			return LM_EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		lm_cli_usage("index", "give one log");
		return LM_EXIT_USAGE;
	}
	return make_index(argv[optind], quiet);
}
