/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "filter_options.h"
#include "lemona/base/cleanup.h"
#include "lemona/exchange/answer.h"
#include "lemona/exchange/export.h"
#include "listing.h"

static const char help[] =
	"Usage: lemona export LOG --format FORMAT [OPTION]...\n"
	"\n"
	"Write the events of LOG, or the answer of a backtrack, in the format of another\n"
	"tool. Without --from, prov and graphml are of all the events that pass.\n"
	"\n"
	"Options:\n"
	"      --format FORMAT  of events: timesketch, ecs, ocsf or perfetto; of a graph:\n"
	"                       prov, graphml or dot\n"
	"  -o, --output FILE    write to FILE, not to standard output\n"
	"      --limit N        stop after N events\n"
	LM_FILTER_HELP
	"      --from SPEC      where an answer starts; may be given more than once\n"
	"      --to SPEC        of an answer only what lies on the way to SPEC\n"
	"      --intersect      with several --from: only what is common to all\n"
	"      --top N          only the N most telling paths; screen: as many as fit on 60\n"
	"                       nodes; all: everything (default, but for dot)\n"
	"      --direction D    backward (default) or forward\n"
	"      --no-filter NAME switch a filter of the answer off; all: every one\n"
	"  -h, --help           print this text\n"
	"\n"
	"An answer takes --since and --until, and no other filter of events.\n"
	"Of an option given several times any value is enough; different options must all\n"
	"be met.\n";

enum {
	OPTION_FORMAT = 256,
	OPTION_LIMIT,
	OPTION_FROM,
	OPTION_TO,
	OPTION_INTERSECT,
	OPTION_TOP,
	OPTION_DIRECTION,
	OPTION_NO_FILTER,
};

static const struct option options[] = {
	LM_FILTER_OPTIONS,
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "output", required_argument, NULL, 'o' },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "to", required_argument, NULL, OPTION_TO },
	{ "intersect", no_argument, NULL, OPTION_INTERSECT },
	{ "top", required_argument, NULL, OPTION_TOP },
	{ "direction", required_argument, NULL, OPTION_DIRECTION },
	{ "no-filter", required_argument, NULL, OPTION_NO_FILTER },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Options of an answer, and their values. */
#define WORDS_MAX 256

struct exporting {
	const char *path, *format, *output;
	struct lm_listing listing;
	struct lm_export *export;
	struct lm_whole *whole;
	struct lm_buffer line;
	bool forward, help;

	/* What backtrack is asked for when the format is that of an answer. */
	char *words[WORDS_MAX + 1];
	int word_count;
	bool from, only_answers; /* given: --from, or another option that only answers know */
};

static void release_exporting(struct exporting *exporting)
{
	lm_export_free(exporting->export);
	lm_whole_free(exporting->whole);
	lm_listing_release(&exporting->listing);
	lm_buffer_release(&exporting->line);
}

static bool is_graph(const char *format)
{
	static const char *const formats[] = { "prov", "graphml", "dot" };

	for (size_t i = 0; i < LM_ARRAY_SIZE(formats); i++)
		if (strcmp(format, formats[i]) == 0)
			return true;
	return false;
}

static int add_words(struct exporting *exporting, const char *option, char *value)
{
	if (exporting->word_count + 2 > WORDS_MAX) {
		lm_cli_usage("export", "too many options of an answer");
		return -EINVAL;
	}
	exporting->words[exporting->word_count++] = (char *)option;
	if (value)
		exporting->words[exporting->word_count++] = value;
	return 0;
}

static int parse_format(struct exporting *exporting)
{
	enum lm_export_format format;

	if (!is_graph(optarg) && lm_export_format_from_name(optarg, &format) < 0) {
		lm_cli_usage("export", "there is no format %s: timesketch, ecs, ocsf, perfetto, "
			"prov, graphml or dot", optarg);
		return -EINVAL;
	}
	exporting->format = optarg;
	return 0;
}

static int parse_direction(struct exporting *exporting)
{
	exporting->only_answers = true;
	exporting->forward = strcmp(optarg, "forward") == 0;
	if (exporting->forward || strcmp(optarg, "backward") == 0)
		return 0;
	lm_cli_usage("export", "there is no direction %s: backward or forward", optarg);
	return -EINVAL;
}

static int parse_one(struct exporting *exporting, int option)
{
	switch (option) {
	case OPTION_FORMAT:
		return parse_format(exporting);
	case 'o':
		exporting->output = optarg;
		return 0;
	case OPTION_LIMIT:
		return lm_cli_number_option("export", "--limit", 1, UINT64_MAX,
			&exporting->listing.limit);
	case OPTION_FROM:
		exporting->from = exporting->only_answers = true;
		return add_words(exporting, "--from", optarg);
	case OPTION_TO:
		exporting->only_answers = true;
		return add_words(exporting, "--to", optarg);
	case OPTION_INTERSECT:
		exporting->only_answers = true;
		return add_words(exporting, "--intersect", NULL);
	case OPTION_TOP:
		exporting->only_answers = true;
		return add_words(exporting, "--top", optarg);
	case OPTION_NO_FILTER:
		exporting->only_answers = true;
		return add_words(exporting, "--no-filter", optarg);
	case OPTION_DIRECTION:
		return parse_direction(exporting);
	case 'h':
		exporting->help = true;
		return 0;
	}
	if (option == LM_OPTION_SINCE && add_words(exporting, "--since", optarg) < 0)
		return -EINVAL;
	if (option == LM_OPTION_UNTIL && add_words(exporting, "--until", optarg) < 0)
		return -EINVAL;
	return lm_cli_filter_option("export", option, &exporting->listing.filter) < 0 ?
		-EINVAL : 0;
}

/* Options that an answer has no use for would be passed over in silence. */
static int check_graph(const struct exporting *exporting)
{
	const struct lm_listing *listing = &exporting->listing;
	const bool dot = strcmp(exporting->format, "dot") == 0;

	if (!exporting->from && (dot || exporting->only_answers))
		return lm_cli_usage("export", "that is for an answer: from where? For example "
			"--from file:/etc/passwd");
	if (exporting->from && (lm_event_filter_is_narrow(&listing->filter) || listing->limit))
		return lm_cli_usage("export", "of the filters of events an answer takes --since "
			"and --until");
	return 0;
}

static int check_arguments(const struct exporting *exporting)
{
	if (!exporting->format)
		return lm_cli_usage("export", "which format? For example --format timesketch");
	if (is_graph(exporting->format))
		return check_graph(exporting);
	if (exporting->only_answers)
		return lm_cli_usage("export", "%s is for events: --from and what goes with it is "
			"for prov, graphml and dot", exporting->format);
	return 0;
}

/* @return 0; an exit code after having said what is wrong */
static int parse_arguments(int argc, char **argv, struct exporting *exporting)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "o:h", options)) != -1)
		if (c == '?' || parse_one(exporting, c) < 0)
			return LM_EXIT_USAGE;
	if (exporting->help)
		return 0;
	exporting->path = lm_cli_operand_log(argc, argv);
	return exporting->path ? check_arguments(exporting) : LM_EXIT_USAGE;
}

/* From here on standard output is the file: what watches one watches the other. */
static int open_output(const char *path)
{
	/* Evidence is for whoever could read the log. */
	LM_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
		struct lm_diag diag = LM_DIAG_INIT;
		int r = lm_diag_errno(&diag, -errno, "cannot write %s", path);

		return lm_cli_fail(r, &diag);
	}
	return 0;
}

/* An answer is backtrack's business, in any format. */
static int export_answer(struct exporting *exporting)
{
	char *argv[WORDS_MAX + 5];
	int argc = 0;

	argv[argc++] = (char *)(exporting->forward ? "forward" : "backtrack");
	memcpy(argv + argc, exporting->words,
		(size_t)exporting->word_count * sizeof(argv[0]));
	argc += exporting->word_count;
	argv[argc++] = (char *)"--format";
	argv[argc++] = (char *)exporting->format;
	argv[argc++] = (char *)exporting->path;
	argv[argc] = NULL;
	optind = 0; /* getopt(3): begin again */
	return exporting->forward ? lm_cli_forward(argc, argv) : lm_cli_backtrack(argc, argv);
}

/* @return 1; a negative code */
static int print_line(struct exporting *exporting)
{
	int r = lm_cli_print(&exporting->line);

	return r < 0 ? r : 1;
}

static int print_event(void *data, const struct lm_event_view *view)
{
	struct exporting *exporting = data;

	lm_export_event(exporting->export, view, &exporting->line);
	return print_line(exporting);
}

static int print_gap(void *data, const struct lm_gap_view *view)
{
	struct exporting *exporting = data;

	lm_export_gap(exporting->export, view, &exporting->line);
	return print_line(exporting);
}

static int print_content(void *data, const struct lm_content_view *view)
{
	struct exporting *exporting = data;

	lm_export_content(exporting->export, view, &exporting->line);
	return print_line(exporting);
}

static int walk_events(struct exporting *exporting)
{
	const struct lm_listing_sink sink = {
		.event = print_event, .gap = print_gap, .content = print_content,
		.data = exporting,
	};
	int r;

	lm_export_begin(exporting->export, &exporting->line);
	r = lm_cli_print(&exporting->line);
	if (r == 0)
		r = lm_listing_walk(&exporting->listing, &sink);
	if (r < 0)
		return r;
	lm_export_end(exporting->export, &exporting->line);
	return lm_cli_print(&exporting->line);
}

static int export_events(struct exporting *exporting)
{
	enum lm_export_format format = LM_EXPORT_TIMESKETCH;
	struct lm_diag diag = LM_DIAG_INIT;
	int r = lm_export_format_from_name(exporting->format, &format);

	if (r == 0)
		r = lm_listing_open(&exporting->listing, exporting->path, &diag);
	if (r == 0)
		r = lm_export_new(format, lm_log_meta(exporting->listing.log),
			&exporting->export);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	if (exporting->output && open_output(exporting->output) != 0)
		return LM_EXIT_FAILURE;
	r = walk_events(exporting);
	/* An output that went wrong is told, or kept quiet, by lm_cli_finish(). */
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, &diag);
	int exit_code = lm_cli_finish(LM_EXIT_OK);

	return exit_code ? exit_code : lm_listing_report(&exporting->listing);
}

static int take_event(void *data, const struct lm_event_view *view)
{
	struct exporting *exporting = data;
	int r = lm_whole_add(exporting->whole, view);

	return r < 0 ? r : 1;
}

static int take_gap(void *data, const struct lm_gap_view *view)
{
	struct exporting *exporting = data;

	lm_whole_add_gap(exporting->whole);
	return 1;
}

static int take_content(void *data, const struct lm_content_view *view)
{
	return 0;
}

static int read_whole(struct exporting *exporting, struct lm_diag *diag)
{
	const struct lm_listing_sink sink = {
		.event = take_event, .gap = take_gap, .content = take_content, .data = exporting,
	};
	int r = lm_listing_open(&exporting->listing, exporting->path, diag);

	if (r == 0)
		r = lm_whole_new(lm_log_meta(exporting->listing.log), &exporting->whole);
	if (r == 0)
		r = lm_listing_walk(&exporting->listing, &sink);
	if (r == -E2BIG)
		return lm_diag_set(diag, r, "more than %u edges: narrow the events by filters, or "
			"ask with --from", LM_WHOLE_EDGES_MAX);
	return r < 0 ? r : 0;
}

/* Nothing is written before it is known that it can be. */
static int export_whole(struct exporting *exporting)
{
	enum lm_whole_format format = strcmp(exporting->format, "prov") == 0 ? LM_WHOLE_PROV :
									       LM_WHOLE_GRAPHML;
	struct lm_diag diag = LM_DIAG_INIT;
	int r = read_whole(exporting, &diag);

	if (r < 0)
		return lm_cli_fail(r, &diag);
	if (exporting->output && open_output(exporting->output) != 0)
		return LM_EXIT_FAILURE;
	r = lm_whole_write(exporting->whole, exporting->listing.labels, format, stdout);
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, &diag);
	int exit_code = lm_cli_finish(LM_EXIT_OK);

	return exit_code ? exit_code : lm_listing_report(&exporting->listing);
}

int lm_cli_export(int argc, char **argv)
{
	struct exporting exporting LM_CLEANUP(release_exporting) = {
		.listing = LM_LISTING_INIT,
	};
	int exit_code = parse_arguments(argc, argv, &exporting);

	if (exit_code)
		return exit_code;
	if (exporting.help) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	if (!is_graph(exporting.format))
		return export_events(&exporting);
	if (!exporting.from)
		return export_whole(&exporting);
	exit_code = exporting.output ? open_output(exporting.output) : 0;
	return exit_code ? exit_code : export_answer(&exporting);
}
