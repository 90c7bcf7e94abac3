/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/same.h"

static const char help[] =
	"Usage: lemona events LOG [OPTION]...\n"
	"\n"
	"List the events of LOG in the order in which they were stored, one a line. Gaps\n"
	"are listed too, whatever is filtered.\n"
	"\n"
	"Options:\n"
	"      --since T        only what ended at or after T: RFC 3339, or a span before\n"
	"                       now such as -5m\n"
	"      --until T        only what ended at or before T\n"
	"      --pid N          only events of process N\n"
	"      --exe PATH       only events of processes that run PATH; without a slash,\n"
	"                       the last component is compared\n"
	"      --path PATH      only events on PATH; with a slash at its end, on all below it\n"
	"      --op NAME,...    only these operations: open, read, write, exec, ...\n"
	"      --format FORMAT  text (default) or json: one object a line\n"
	"      --limit N        stop after N events\n"
	"  -h, --help           print this text\n";

enum {
	OPTION_SINCE = 256,
	OPTION_UNTIL,
	OPTION_PID,
	OPTION_EXE,
	OPTION_PATH,
	OPTION_OP,
	OPTION_FORMAT,
	OPTION_LIMIT,
};

static const struct option options[] = {
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "until", required_argument, NULL, OPTION_UNTIL },
	{ "pid", required_argument, NULL, OPTION_PID },
	{ "exe", required_argument, NULL, OPTION_EXE },
	{ "path", required_argument, NULL, OPTION_PATH },
	{ "op", required_argument, NULL, OPTION_OP },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct listing {
	const char *path;
	struct lm_event_filter filter;
	uint64_t limit, printed;
	bool json, help;

	struct lm_log *log;
	struct lm_same *same;
	struct lm_labels *labels;
	struct lm_buffer line;
};

static void release_listing(struct listing *listing)
{
	lm_log_free(listing->log);
	lm_same_free(listing->same);
	lm_labels_free(listing->labels);
	lm_buffer_release(&listing->line);
}

static int parse_op(const char *name, size_t len, struct lm_event_filter *filter)
{
	char word[32] = "";

	if (len < sizeof(word))
		memcpy(word, name, len);
	enum lm_op op = lm_op_from_name(word);

	if (op == LM_OP_NONE || op > LM_OP_MAX) {
		lm_cli_usage("events", "there is no operation %.*s", (int)len, name);
		return -EINVAL;
	}
	filter->some_ops = filter->ops[op] = true;
	return 0;
}

static int parse_ops(const char *list, struct lm_event_filter *filter)
{
	for (const char *at = list;;) {
		size_t len = strcspn(at, ",");
		int r = parse_op(at, len, filter);

		if (r < 0)
			return r;
		if (!at[len])
			break;
		at += len + 1;
	}
	return 0;
}

static int parse_number(const char *name, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (lm_cli_parse_u64(optarg, &number) < 0 || number < min || number > max) {
		lm_cli_usage("events", "%s wants a number from %" PRIu64 " on, not %s", name, min,
			optarg);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static int parse_format(const char *word, bool *ret_json)
{
	*ret_json = strcmp(word, "json") == 0;
	if (*ret_json || strcmp(word, "text") == 0)
		return 0;
	lm_cli_usage("events", "there is no format %s: text or json", word);
	return -EINVAL;
}

static int parse_one(struct listing *listing, int option)
{
	struct lm_event_filter *filter = &listing->filter;
	uint64_t number = 0;
	int r = 0;

	switch (option) {
	case OPTION_SINCE:
		return lm_cli_parse_time("events", optarg, &filter->since_wall_ns);
	case OPTION_UNTIL:
		return lm_cli_parse_time("events", optarg, &filter->until_wall_ns);
	case OPTION_PID:
		r = parse_number("--pid", 1, UINT32_MAX, &number);
		filter->pid = (uint32_t)number;
		return r;
	case OPTION_EXE:
		filter->exe = optarg;
		return 0;
	case OPTION_PATH:
		filter->path = optarg;
		return 0;
	case OPTION_OP:
		return parse_ops(optarg, filter);
	case OPTION_FORMAT:
		return parse_format(optarg, &listing->json);
	case OPTION_LIMIT:
		return parse_number("--limit", 1, UINT64_MAX, &listing->limit);
	case 'h':
		listing->help = true;
		return 0;
	}
	return -EINVAL;
}

static int parse_arguments(int argc, char **argv, struct listing *listing)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(listing, c);

		if (r < 0)
			return r;
	}
	if (listing->help)
		return 0;
	listing->path = lm_cli_operand_log(argc, argv);
	return listing->path ? 0 : -EINVAL;
}

static int print_event(struct listing *listing, const struct lm_event *event)
{
	const struct lm_event_view view = {
		.event = event,
		.labels = listing->labels,
		.wall_begin_ns = lm_cli_wall_ns(listing->log, event->begin_ns),
		.wall_end_ns = lm_cli_wall_ns(listing->log, event->end_ns),
	};
	int r = lm_event_filter_match(&listing->filter, &view);

	if (r <= 0)
		return r;
	if (listing->json)
		lm_event_print_json(&view, &listing->line);
	else
		lm_event_print_text(&view, &listing->line);
	listing->printed++;
	return lm_cli_print(&listing->line);
}

static int print_gap(struct listing *listing, const struct lm_gap *gap)
{
	const bool open = gap->end_ns == UINT64_MAX;
	const struct lm_gap_view view = {
		.gap = gap,
		.wall_begin_ns = lm_cli_wall_ns(listing->log, gap->begin_ns),
		.wall_end_ns = open ? 0 : lm_cli_wall_ns(listing->log, gap->end_ns),
	};

	if (view.wall_begin_ns > listing->filter.until_wall_ns ||
	    (!open && view.wall_end_ns < listing->filter.since_wall_ns))
		return 0;
	if (listing->json)
		lm_gap_print_json(&view, &listing->line);
	else
		lm_gap_print_text(&view, &listing->line);
	return lm_cli_print(&listing->line);
}

/* Who asks for some events only gets no contents: those belong to none of them. */
static int print_content(struct listing *listing, const struct lm_object *object)
{
	const struct lm_event_filter *filter = &listing->filter;
	const struct lm_content *content = &object->content;
	const struct lm_content_view view = {
		.content = content,
		.labels = listing->labels,
		.wall_ns = lm_cli_wall_ns(listing->log, object->time_ns),
		.wall_changed_ns = content->changed_ns ?
			lm_cli_wall_ns(listing->log, content->changed_ns) : 0,
	};

	if (filter->some_ops || filter->pid || filter->exe || filter->path ||
		view.wall_ns > filter->until_wall_ns || view.wall_ns < filter->since_wall_ns)
		return 0;
	if (listing->json)
		lm_content_print_json(&view, &listing->line);
	else
		lm_content_print_text(&view, &listing->line);
	return lm_cli_print(&listing->line);
}

static int take_item(struct listing *listing, const struct lm_item *item)
{
	int r = 0;

	switch (item->kind) {
	case LM_ITEM_EVENT:
		r = lm_labels_advance(listing->labels, item->event.end_ns);
		if (r == 0)
			r = print_event(listing, &item->event);
		return r < 0 ? r : lm_labels_apply(listing->labels, &item->event);
	case LM_ITEM_GAP:
		return print_gap(listing, &item->gap);
	default:
		r = lm_labels_add(listing->labels, item);
		if (r == 0 && item->kind == LM_ITEM_OBJECT &&
			item->object.kind == LM_OBJECT_KIND_CONTENT)
			r = print_content(listing, &item->object);
		return r;
	}
}

static int list_events(struct listing *listing)
{
	struct lm_item item;
	int r = 0;

	while (!(listing->limit && listing->printed >= listing->limit)) {
		r = lm_log_next(listing->log, &item);
		if (r <= 0)
			return r;
		r = lm_same_apply(listing->same, &item);
		if (r > 0)
			r = take_item(listing, &item);
		if (r < 0)
			return r;
	}
	return 0;
}

int lm_cli_events(int argc, char **argv)
{
	struct listing listing LM_CLEANUP(release_listing) = {
		.filter = { .until_wall_ns = UINT64_MAX },
	};
	struct lm_diag diag = LM_DIAG_INIT;

	if (parse_arguments(argc, argv, &listing) < 0)
		return LM_EXIT_USAGE;
	if (listing.help) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	int r = lm_log_open(listing.path, &listing.log, &diag);

	if (r == 0)
		r = lm_same_new(&listing.same);
	if (r == 0)
		r = lm_labels_new(&listing.labels);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	r = list_events(&listing);
	/* An output that went wrong is told, or kept quiet, by lm_cli_finish(). */
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, &diag);
	int exit_code = lm_cli_finish(LM_EXIT_OK);

	return exit_code ? exit_code : lm_cli_report_damage(listing.log, exit_code);
}
