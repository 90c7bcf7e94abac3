/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "lemona/exchange/answer.h"
#include "lemona/graph/write.h"

static const char help_backtrack[] =
	"Usage: lemona backtrack LOG --from SPEC [OPTION]...\n"
	"\n"
	"Walk from what was found wrong back to everything that may have led there.\n"
	"\n";

static const char help_forward[] =
	"Usage: lemona forward LOG --from SPEC [OPTION]...\n"
	"\n"
	"Walk from an intruder's way in forward to everything they may have touched.\n"
	"\n";

static const char help_options[] =
	"Options:\n"
	"      --from SPEC       where to start; may be given more than once\n"
	"      --to SPEC         keep only what lies on the way to SPEC; may be repeated\n"
	"      --intersect       with several --from: keep only what is common to all\n"
	"      --top N           keep only the N most telling paths; screen: as many as fit\n"
	"                        on 60 nodes (default of text, dot and svg); all: everything\n"
	"      --since T         leave out what ended before T: RFC 3339, or a span before\n"
	"                        now such as -5m\n"
	"      --until T         leave out what began after T\n"
	"      --format FORMAT   text (default), json, dot, svg, graphml or prov\n"
	"      --no-filter NAME  switch a filter off; may be repeated; all: every one\n"
	"  -h, --help            print this text\n"
	"\n"
	"SPEC: file:PATH, file:PATH@TIME, proc:PID, proc:PID@TIME, exe:PATH,\n"
	"      sock:ADDR[:PORT], event:ID, object:ID\n"
	"\n"
	"Filters:\n";

enum {
	OPTION_FROM = 256,
	OPTION_TO,
	OPTION_INTERSECT,
	OPTION_TOP,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_FORMAT,
	OPTION_NO_FILTER,
};

static const struct option options[] = {
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "to", required_argument, NULL, OPTION_TO },
	{ "intersect", no_argument, NULL, OPTION_INTERSECT },
	{ "top", required_argument, NULL, OPTION_TOP },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "until", required_argument, NULL, OPTION_UNTIL },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "no-filter", required_argument, NULL, OPTION_NO_FILTER },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_DOT, FORMAT_SVG, FORMAT_GRAPHML, FORMAT_PROV };

#define SPECS_MAX 256
#define TOP_MAX 1000000u

struct specs {
	const char *at[SPECS_MAX];
	size_t count;
};

/* What was asked for. */
struct question {
	const char *command;
	const char *path;
	enum lm_direction direction;
	enum format format;
	struct specs from, to;
	uint64_t since_wall_ns, until_wall_ns; /* 0: no limit */
	uint32_t filters;
	uint32_t top;  /* LM_TOP_*, or so many paths */
	bool top_given, intersect;
	bool help;
};

/* What it takes to answer. */
struct inquiry {
	struct lm_log *log;
	struct lm_index *index;
	struct lm_detections from, to;
	struct lm_detections *each; /* of --from, by SPEC */
	size_t each_count;
	struct lm_answer *answer;
};

static void release_inquiry(struct inquiry *inquiry)
{
	lm_answer_free(inquiry->answer);
	lm_detections_release(&inquiry->from);
	lm_detections_release(&inquiry->to);
	for (size_t i = 0; i < inquiry->each_count; i++)
		lm_detections_release(&inquiry->each[i]);
	free(inquiry->each);
	lm_index_free(inquiry->index);
	lm_log_free(inquiry->log);
}

static int add_spec(const struct question *question, struct specs *specs, const char *text)
{
	if (specs->count == SPECS_MAX) {
		lm_cli_usage(question->command, "more than %d specifications", SPECS_MAX);
		return -EINVAL;
	}
	specs->at[specs->count++] = text;
	return 0;
}

static int parse_format(struct question *question, const char *word)
{
	static const char *const words[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_JSON] = "json",
		[FORMAT_DOT] = "dot",
		[FORMAT_SVG] = "svg",
		[FORMAT_GRAPHML] = "graphml",
		[FORMAT_PROV] = "prov",
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			question->format = (enum format)i;
			return 0;
		}
	}
	lm_cli_usage(question->command, "there is no format %s: text, json, dot, svg, "
		"graphml or prov", word);
	return -EINVAL;
}

static int parse_filter(struct question *question, const char *name)
{
	uint32_t bits = lm_filter_bits(name);

	if (bits == 0) {
		lm_cli_usage(question->command, "there is no filter %s", name);
		return -EINVAL;
	}
	question->filters &= ~bits;
	return 0;
}

static int parse_top(struct question *question, const char *word)
{
	char *end = NULL;
	unsigned long long paths;

	question->top_given = true;
	question->top = strcmp(word, "all") == 0 ? LM_TOP_ALL : LM_TOP_SCREEN;
	if (strcmp(word, "all") == 0 || strcmp(word, "screen") == 0)
		return 0;
	paths = word[0] >= '0' && word[0] <= '9' ? strtoull(word, &end, 10) : 0;
	if (!end || *end != '\0' || paths == 0 || paths > TOP_MAX) {
		lm_cli_usage(question->command,
			"--top takes a number of paths from 1 to %u, screen or all, not %s",
			TOP_MAX, word);
		return -EINVAL;
	}
	question->top = (uint32_t)paths;
	return 0;
}

static int parse_one(struct question *question, int option)
{
	switch (option) {
	case OPTION_FROM:
		return add_spec(question, &question->from, optarg);
	case OPTION_TO:
		return add_spec(question, &question->to, optarg);
	case OPTION_INTERSECT:
		question->intersect = true;
		return 0;
	case OPTION_TOP:
		return parse_top(question, optarg);
	case OPTION_SINCE:
		return lm_cli_parse_time(question->command, optarg, &question->since_wall_ns);
	case OPTION_UNTIL:
		return lm_cli_parse_time(question->command, optarg, &question->until_wall_ns);
	case OPTION_FORMAT:
		return parse_format(question, optarg);
	case OPTION_NO_FILTER:
		return parse_filter(question, optarg);
	case 'h':
		question->help = true;
		return 0;
	}
	return -EINVAL;
}

/* The others are for people. */
static bool is_for_programs(enum format format)
{
	return format == FORMAT_JSON || format == FORMAT_GRAPHML || format == FORMAT_PROV;
}

static int parse_arguments(int argc, char **argv, struct question *question)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(question, c);

		if (r < 0)
			return r;
	}
	if (question->help)
		return 0;
	question->path = lm_cli_operand_log(argc, argv);
	if (!question->path)
		return -EINVAL;
	if (question->from.count == 0) {
		lm_cli_usage(question->command, "from where? For example --from file:/etc/passwd");
		return -EINVAL;
	}
	if (question->intersect && question->from.count < 2) {
		lm_cli_usage(question->command, "--intersect takes two --from or more");
		return -EINVAL;
	}
	/* A person reads a screen first; a program takes everything. */
	if (!question->top_given)
		question->top = is_for_programs(question->format) ? LM_TOP_ALL : LM_TOP_SCREEN;
	return 0;
}

static int print_help(const struct question *question)
{
	lm_cli_print_text(question->direction == LM_FORWARD ? help_forward : help_backtrack);
	lm_cli_print_text(help_options);
	for (int i = 0; i < LM_FILTER_COUNT; i++)
		printf("  %-15s %s\n", lm_filter_name((enum lm_filter)i),
			lm_filter_purpose((enum lm_filter)i));
	return lm_cli_finish(LM_EXIT_OK);
}

static int resolve_specs(const struct lm_index *index, const struct specs *specs,
	struct lm_detections *detections, struct lm_diag *diag)
{
	const uint64_t now = lm_time_wall_ns();

	for (size_t i = 0; i < specs->count; i++) {
		int r = lm_spec_resolve(index, specs->at[i], now, detections, diag);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Each SPEC of --from on its own, for what is common to all. */
static int resolve_each(const struct question *question, struct inquiry *inquiry,
	struct lm_diag *diag)
{
	if (!question->intersect)
		return 0;
	inquiry->each = calloc(question->from.count, sizeof(*inquiry->each));
	if (!inquiry->each)
		return lm_diag_errno(diag, -ENOMEM, "The graph could not be built");
	for (size_t i = 0; i < question->from.count; i++) {
		struct specs one = { .at = { question->from.at[i] }, .count = 1 };
		int r = resolve_specs(inquiry->index, &one, &inquiry->each[i], diag);

		if (r < 0)
			return r;
		inquiry->each_count++;
	}
	return 0;
}

static int trace(const struct question *question, struct inquiry *inquiry, struct lm_diag *diag)
{
	const struct lm_trace_options trace_options = {
		.direction = question->direction,
		.filters = question->filters,
		.from = &inquiry->from,
		.to = &inquiry->to,
		.common = inquiry->each,
		.common_count = inquiry->each_count,
		.scores = is_for_programs(question->format),
		.top = question->top,
		.since_ns = question->since_wall_ns
			? lm_index_boot_ns(inquiry->index, question->since_wall_ns) : 0,
		.until_ns = question->until_wall_ns
			? lm_index_boot_ns(inquiry->index, question->until_wall_ns) : 0,
	};

	return lm_trace(inquiry->index, &trace_options, &inquiry->answer, diag);
}

/* @return 0, or an exit code after having said what is wrong */
static int investigate(const struct question *question, struct inquiry *inquiry)
{
	struct lm_diag diag = LM_DIAG_INIT;
	int r = lm_log_open(question->path, &inquiry->log, &diag);

	if (r == 0)
		r = lm_index_load(inquiry->log, &inquiry->index, &diag);
	if (r == 0 && lm_index_event_count(inquiry->index) == 0)
		r = lm_diag_set(&diag, -LM_E_EMPTY,
				"The log holds no events yet, so there is nothing to trace");
	if (r < 0)
		return lm_cli_fail(r, &diag);
	r = resolve_specs(inquiry->index, &question->from, &inquiry->from, &diag);
	if (r == 0)
		r = resolve_specs(inquiry->index, &question->to, &inquiry->to, &diag);
	if (r == 0)
		r = resolve_each(question, inquiry, &diag);
	if (r == -EINVAL || r == -LM_E_NOMATCH) {
		lm_cli_fail(r, &diag);
		return LM_EXIT_USAGE;
	}
	if (r == 0)
		r = trace(question, inquiry, &diag);
	return r < 0 ? lm_cli_fail(r, &diag) : 0;
}

/* Colour for a person at a terminal who did not refuse it (no-color.org). */
static bool wants_colour(void)
{
	const char *refused = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(refused && refused[0]) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static int write_answer(enum format format, const struct inquiry *inquiry, struct lm_diag *diag)
{
	const struct lm_answer *answer = inquiry->answer;

	switch (format) {
	case FORMAT_TEXT:
		return lm_answer_write_text(answer, stdout, wants_colour());
	case FORMAT_JSON:
		return lm_answer_write_json(answer, stdout);
	case FORMAT_DOT:
		return lm_answer_write_dot(answer, stdout);
	case FORMAT_SVG:
		return lm_answer_write_svg(answer, stdout, diag);
	case FORMAT_GRAPHML:
		return lm_export_answer_graphml(answer, lm_log_meta(inquiry->log), stdout);
	case FORMAT_PROV:
		return lm_export_answer_prov(answer, lm_log_meta(inquiry->log), stdout);
	}
	return -EINVAL;
}

static int run_question(int argc, char **argv, enum lm_direction direction)
{
	struct inquiry inquiry LM_CLEANUP(release_inquiry) = {
		.from = LM_DETECTIONS_INIT,
		.to = LM_DETECTIONS_INIT,
	};
	struct question question = {
		.command = argv[0],
		.direction = direction,
		.filters = LM_FILTERS_ALL,
	};
	struct lm_diag diag = LM_DIAG_INIT;

	if (parse_arguments(argc, argv, &question) < 0)
		return LM_EXIT_USAGE;
	if (question.help)
		return print_help(&question);
	int exit_code = investigate(&question, &inquiry);

	if (exit_code)
		return exit_code;
	int r = write_answer(question.format, &inquiry, &diag);

	/* A failed stdout is told, or kept quiet, by lm_cli_finish(). */
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, &diag);
	exit_code = lm_cli_finish(LM_EXIT_OK);
	return exit_code ? exit_code :
			   lm_cli_report_damage(lm_index_damage(inquiry.index), exit_code);
}

int lm_cli_backtrack(int argc, char **argv)
{
	return run_question(argc, argv, LM_BACKWARD);
}

int lm_cli_forward(int argc, char **argv)
{
	return run_question(argc, argv, LM_FORWARD);
}
