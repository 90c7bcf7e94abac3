/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <stdio.h>
#include <string.h>

#include "filter_options.h"
#include "follow.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "listing.h"

static const char help[] =
	"Usage: lemona events LOG [OPTION]...\n"
	"\n"
	"List the events of LOG in the order in which they were stored, one a line. Gaps\n"
	"are listed too, whatever is filtered.\n"
	"\n"
	"Options:\n"
	LM_FILTER_HELP
	"      --format FORMAT  text (default) or json: one object a line\n"
	"      --limit N        stop after N events\n"
	"      --follow         go on with what is recorded, from now on or from --since,\n"
	"                       until the log ends\n"
	"  -h, --help           print this text\n"
	"\n"
	"Of an option given several times any value is enough; different options must all\n"
	"be met.\n";

enum { OPTION_FORMAT = 256, OPTION_LIMIT, OPTION_FOLLOW };

static const struct option options[] = {
	LM_FILTER_OPTIONS,
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "follow", no_argument, NULL, OPTION_FOLLOW },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* A list goes on a little behind its last moment: what happened then is still being written. */
#define UNTIL_MARGIN_NS LM_NS_PER_SEC

struct events {
	const char *path;
	bool json, follow, help;
	struct lm_listing listing;
	struct lm_follow following;
	struct lm_buffer line;
};

static void release_events(struct events *events)
{
	lm_listing_release(&events->listing);
	lm_follow_release(&events->following);
	lm_buffer_release(&events->line);
}

static int parse_format(const char *word, bool *ret_json)
{
	*ret_json = strcmp(word, "json") == 0;
	if (*ret_json || strcmp(word, "text") == 0)
		return 0;
	lm_cli_usage("events", "there is no format %s: text or json", word);
	return -EINVAL;
}

static int parse_one(struct events *events, int option)
{
	struct lm_listing *listing = &events->listing;
	int r = lm_cli_filter_option("events", option, &listing->filter);

	if (r != 0)
		return r;
	switch (option) {
	case OPTION_FORMAT:
		return parse_format(optarg, &events->json);
	case OPTION_LIMIT:
		return lm_cli_number_option("events", "--limit", 1, UINT64_MAX, &listing->limit);
	case OPTION_FOLLOW:
		events->follow = true;
		return 0;
	case 'h':
		events->help = true;
		return 0;
	}
	return -EINVAL;
}

static int parse_arguments(int argc, char **argv, struct events *events)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(events, c);

		if (r < 0)
			return r;
	}
	if (events->help)
		return 0;
	if (events->follow && !events->listing.filter.since_wall_ns)
		events->listing.filter.since_wall_ns = lm_time_wall_ns();
	events->path = lm_cli_operand_log(argc, argv);
	return events->path ? 0 : -EINVAL;
}

/* @return 1; a negative code */
static int print_line(struct events *events)
{
	int r = lm_cli_print(&events->line);

	return r < 0 ? r : 1;
}

static int print_event(void *data, const struct lm_event_view *view)
{
	struct events *events = data;

	if (events->follow && lm_follow_is_own(&events->following, view))
		return 0;
	if (events->json)
		lm_event_print_json(view, &events->line);
	else
		lm_event_print_text(view, &events->line);
	return print_line(events);
}

static int print_gap(void *data, const struct lm_gap_view *view)
{
	struct events *events = data;

	if (events->json)
		lm_gap_print_json(view, &events->line);
	else
		lm_gap_print_text(view, &events->line);
	return print_line(events);
}

static int print_content(void *data, const struct lm_content_view *view)
{
	struct events *events = data;

	if (events->json)
		lm_content_print_json(view, &events->line);
	else
		lm_content_print_text(view, &events->line);
	return print_line(events);
}

/* Nothing that is still to come can pass the filter. */
static bool is_past(const struct lm_event_filter *filter)
{
	uint64_t now = lm_time_wall_ns();

	return now > UNTIL_MARGIN_NS && now - UNTIL_MARGIN_NS > filter->until_wall_ns;
}

/* @return 0; a negative code */
static int list_events(struct events *events)
{
	const struct lm_listing_sink sink = {
		.event = print_event, .gap = print_gap, .content = print_content, .data = events,
	};
	struct lm_listing *listing = &events->listing;
	int r;

	for (;;) {
		bool past = is_past(&listing->filter);

		r = lm_listing_walk(listing, &sink);
		if (r != 0 || !events->follow || past || lm_log_state(listing->log) != LM_LOG_LIVE)
			return r < 0 ? r : 0;
		/* What is printed is there to be read before anything is waited for. */
		if (fflush(stdout) != 0)
			return -EIO;
		if (!lm_follow_wait(&events->following))
			return 0;
	}
}

static int open_log(struct events *events, struct lm_diag *diag)
{
	int r = lm_listing_open(&events->listing, events->path, diag);

	if (r < 0 || !events->follow)
		return r;
	events->listing.stop = lm_follow_stop();
	return lm_follow_start(&events->following, events->path, events->listing.log, diag);
}

int lm_cli_events(int argc, char **argv)
{
	struct events events LM_CLEANUP(release_events) = {
		.listing = LM_LISTING_INIT,
		.following = LM_FOLLOW_INIT,
	};
	struct lm_diag diag = LM_DIAG_INIT;

	if (parse_arguments(argc, argv, &events) < 0)
		return LM_EXIT_USAGE;
	if (events.help) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	int r = open_log(&events, &diag);

	if (r == 0)
		r = list_events(&events);
	/* An output that went wrong is told, or kept quiet, by lm_cli_finish(). */
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, &diag);
	int exit_code = lm_cli_finish(LM_EXIT_OK);

	return exit_code ? exit_code : lm_listing_report(&events.listing);
}
