/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/event/filter.h"
#include "lemona/event/same.h"

static const char help[] =
	"Usage: lemona content LOG [OPTION]...\n"
	"\n"
	"Write to standard output, as they were, the bytes that events of LOG have read\n"
	"and written, in the order of the events. What is missing among them is told on\n"
	"standard error.\n"
	"\n"
	"Options:\n"
	"      --event N        only those of event N (lemona events --format json: id)\n"
	"      --terminal T     only those of a terminal: pts/3, or MAJOR:MINOR. What it\n"
	"                       showed, unless --op says otherwise\n"
	"      --since T        only what ended at or after T\n"
	"      --until T        only what ended at or before T\n"
	"      --pid N          only events of process N\n"
	"      --path PATH      only events on PATH; with a slash at its end, on all below it\n"
	"      --op NAME        only read, write, send, recv, vmread or vmwrite\n"
	"  -h, --help           print this text\n";

enum {
	OPTION_EVENT = 256,
	OPTION_TERMINAL,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_PID,
	OPTION_PATH,
	OPTION_OP,
};

static const struct option options[] = {
	{ "event", required_argument, NULL, OPTION_EVENT },
	{ "terminal", required_argument, NULL, OPTION_TERMINAL },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "until", required_argument, NULL, OPTION_UNTIL },
	{ "pid", required_argument, NULL, OPTION_PID },
	{ "path", required_argument, NULL, OPTION_PATH },
	{ "op", required_argument, NULL, OPTION_OP },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

#define PAIR_MAJOR 136u /* UNIX98_PTY_SLAVE_MAJOR, include/uapi/linux/major.h */
#define PAIRS_OF_MAJOR 256u
#define MINOR_MAX 0xfffffu
#define MAJOR_MAX 0xfffu

struct extraction {
	const char *path;
	struct lm_event_filter filter;
	uint64_t event;    /* 0: any */
	uint32_t terminal; /* 0: any */
	bool shown;        /* of the terminal, only what it showed */
	bool has_master;   /* whoever holds its other end has read: that is what it showed */
	bool help;
	uint64_t written, missing;

	struct lm_log *log;
	struct lm_same *same;
	struct lm_labels *labels;
};

static void release_extraction(struct extraction *extraction)
{
	lm_log_free(extraction->log);
	lm_same_free(extraction->same);
	lm_labels_free(extraction->labels);
}

static int parse_terminal(const char *text, uint32_t *ret_terminal)
{
	const char *colon = strchr(text, ':');
	uint64_t major = 0, minor = 0;

	if (strncmp(text, "pts/", 4) == 0 && lm_cli_parse_u64(text + 4, &minor) == 0) {
		major = PAIR_MAJOR + minor / PAIRS_OF_MAJOR;
		minor %= PAIRS_OF_MAJOR;
	} else if (colon && lm_cli_parse_u64(colon + 1, &minor) == 0) {
		char front[24];

		snprintf(front, sizeof(front), "%.*s", (int)(colon - text), text);
		if (lm_cli_parse_u64(front, &major) < 0)
			major = 0;
	}
	if (major == 0 || major > MAJOR_MAX || minor > MINOR_MAX) {
		lm_cli_usage("content", "--terminal wants pts/N or MAJOR:MINOR, not %s", text);
		return -EINVAL;
	}
	*ret_terminal = (uint32_t)(major << 20 | minor);
	return 0;
}

static int parse_number(const char *name, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (lm_cli_parse_u64(optarg, &number) < 0 || number < 1 || number > max) {
		lm_cli_usage("content", "%s wants a number from 1 on, not %s", name, optarg);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static int parse_op(struct lm_event_filter *filter)
{
	static const enum lm_op moving[] = {
		LM_OP_READ, LM_OP_WRITE, LM_OP_SEND, LM_OP_RECV, LM_OP_VMREAD, LM_OP_VMWRITE,
	};
	enum lm_op op = lm_op_from_name(optarg);

	for (size_t i = 0; i < LM_ARRAY_SIZE(moving); i++) {
		if (moving[i] == op) {
			filter->some_ops = filter->ops[op] = true;
			return 0;
		}
	}
	lm_cli_usage("content", "no bytes are kept of %s: read, write, send, recv, vmread or "
		"vmwrite", optarg);
	return -EINVAL;
}

static int parse_one(struct extraction *extraction, int option)
{
	struct lm_event_filter *filter = &extraction->filter;
	uint64_t number = 0;
	int r = 0;

	switch (option) {
	case OPTION_EVENT:
		return parse_number("--event", UINT64_MAX, &extraction->event);
	case OPTION_TERMINAL:
		return parse_terminal(optarg, &extraction->terminal);
	case OPTION_SINCE:
		return lm_cli_parse_time("content", optarg, &filter->since_wall_ns);
	case OPTION_UNTIL:
		return lm_cli_parse_time("content", optarg, &filter->until_wall_ns);
	case OPTION_PID:
		r = parse_number("--pid", UINT32_MAX, &number);
		filter->pids.at[0] = (uint32_t)number;
		filter->pids.count = 1;
		return r;
	case OPTION_PATH:
		filter->paths.at[0] = optarg;
		filter->paths.count = 1;
		return 0;
	case OPTION_OP:
		return parse_op(filter);
	case 'h':
		extraction->help = true;
		return 0;
	}
	return -EINVAL;
}

static int parse_arguments(int argc, char **argv, struct extraction *extraction)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(extraction, c);

		if (r < 0)
			return r;
	}
	if (extraction->help)
		return 0;
	extraction->shown = extraction->terminal && !extraction->filter.some_ops;
	extraction->path = lm_cli_operand_log(argc, argv);
	return extraction->path ? 0 : -EINVAL;
}

/*
 * What a terminal showed went out at its other end; one without another end shows what is
 * written.
 */
static bool is_of_terminal(const struct extraction *extraction, const struct lm_event *event)
{
	const struct lm_event_content *content = event->content;
	bool master = content->terminal & LM_TERMINAL_MASTER;

	if (!extraction->terminal)
		return true;
	if ((content->terminal & ~LM_TERMINAL_MASTER) != extraction->terminal)
		return false;
	if (!extraction->shown)
		return !master;
	return extraction->has_master ? master && event->op == LM_OP_READ :
		!master && event->op == LM_OP_WRITE;
}

/* @return 1 when its bytes are asked for; 0; -ENOMEM */
static int is_wanted(const struct extraction *extraction, const struct lm_event *event)
{
	const struct lm_event_view view = {
		.event = event,
		.labels = extraction->labels,
		.wall_begin_ns = lm_cli_wall_ns(extraction->log, event->begin_ns),
		.wall_end_ns = lm_cli_wall_ns(extraction->log, event->end_ns),
	};

	if (extraction->event && event->id != extraction->event)
		return 0;
	if (!is_of_terminal(extraction, event))
		return 0;
	return lm_event_filter_match(&extraction->filter, &view);
}

static int write_event(struct extraction *extraction, const struct lm_event *event)
{
	const struct lm_event_content *content = event->content;
	struct lm_buffer bytes LM_BUFFER = LM_BUFFER_INIT;
	int r = content ? is_wanted(extraction, event) : 0;

	if (r <= 0)
		return r;
	lm_buffer_append(&bytes, content->bytes, content->len);
	extraction->written += content->len;
	if (event->result > (int64_t)content->len)
		extraction->missing += (uint64_t)event->result - content->len;
	return lm_cli_print(&bytes);
}

static int take_item(struct extraction *extraction, const struct lm_item *item)
{
	int r;

	if (item->kind == LM_ITEM_GAP)
		return 0;
	if (item->kind != LM_ITEM_EVENT)
		return lm_labels_add(extraction->labels, item);
	r = lm_labels_advance(extraction->labels, item->event.end_ns);
	if (r == 0)
		r = write_event(extraction, &item->event);
	return r < 0 ? r : lm_labels_apply(extraction->labels, &item->event);
}

static int open_log(struct extraction *extraction, struct lm_diag *diag)
{
	extraction->log = lm_log_free(extraction->log);
	return lm_log_open(extraction->path, &extraction->log, diag);
}

/* Is there an end of the terminal that sees what it shows? */
static int look_for_master(struct extraction *extraction)
{
	struct lm_item item;
	int r;

	while ((r = lm_log_next(extraction->log, &item)) > 0) {
		const struct lm_event *event = &item.event;

		if (item.kind == LM_ITEM_EVENT && event->content && event->op == LM_OP_READ &&
			event->content->terminal ==
				(extraction->terminal | LM_TERMINAL_MASTER)) {
			extraction->has_master = true;
			return 0;
		}
	}
	return r;
}

static int write_all(struct extraction *extraction)
{
	struct lm_item item;
	int r;

	while ((r = lm_log_next(extraction->log, &item)) > 0) {
		r = lm_same_apply(extraction->same, &item);
		if (r > 0)
			r = take_item(extraction, &item);
		if (r < 0)
			return r;
	}
	return r;
}

/* Nothing on standard output may mean that nothing was kept, and not that nothing was moved. */
static void report(const struct extraction *extraction)
{
	if (!extraction->written)
		lm_cli_say("the log holds no bytes of such events");
	else if (extraction->missing)
		lm_cli_say("%" PRIu64 " bytes of these events were not kept", extraction->missing);
}

int lm_cli_content(int argc, char **argv)
{
	struct extraction extraction LM_CLEANUP(release_extraction) = {
		.filter = LM_EVENT_FILTER_INIT,
	};
	struct lm_diag diag = LM_DIAG_INIT;
	int r, exit_code;

	if (parse_arguments(argc, argv, &extraction) < 0)
		return LM_EXIT_USAGE;
	if (extraction.help) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	r = lm_same_new(&extraction.same);
	if (r == 0)
		r = lm_labels_new(&extraction.labels);
	if (r == 0)
		r = open_log(&extraction, &diag);
	if (r == 0 && extraction.shown) {
		r = look_for_master(&extraction);
		if (r == 0)
			r = open_log(&extraction, &diag);
	}
	if (r < 0)
		return lm_cli_fail(r, &diag);
	r = write_all(&extraction);
	/* An output that went wrong is told, or kept quiet, by lm_cli_finish(). */
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, &diag);
	report(&extraction);
	exit_code = lm_cli_finish(LM_EXIT_OK);
	return exit_code ? exit_code :
			   lm_cli_report_damage(lm_log_damage(extraction.log), exit_code);
}
