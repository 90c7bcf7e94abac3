/* SPDX-License-Identifier: MIT */
#include "query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/time.h"
#include "lemona/graph/trace.h"

static const char help[] =
	"Usage: lemona query LOG [SQL] [OPTION]...\n"
	"\n"
	"Ask LOG in SQL. Without SQL, statements are read from a prompt, or from standard\n"
	"input where that is no terminal.\n"
	"\n"
	"Options:\n"
	"      --format FORMAT  table (default), json or csv\n"
	"      --timeout T      give a statement up after T: 500ms, 90s, 5m; default 60s,\n"
	"                       0s: never\n"
	"      --memory BYTES   most that SQL may take, with K, M or G; default 512M\n"
	"  -h, --help           print this text\n"
	"\n"
	"Tables:\n";

enum { OPTION_FORMAT = 256, OPTION_TIMEOUT, OPTION_MEMORY };

static const struct option options[] = {
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

#define TIMEOUT_NS (60 * LM_NS_PER_SEC)
#define MEMORY_BYTES (UINT64_C(512) << 20)
#define MEMORY_MIN_BYTES (UINT64_C(1) << 20)
/* What is read from standard input, at most. */
#define INPUT_MAX_BYTES (16u << 20)

struct command {
	const char *path, *sql; /* sql NULL: read statements */
	struct lm_query_options options;
	bool help;
};

static void release_session(struct query_session *session)
{
	lm_query_close(session->query);
	lm_index_free(session->index);
	lm_log_free(session->log);
}

int query_parse_format(const char *word, enum lm_query_format *ret_format)
{
	static const char *const words[] = {
		[LM_QUERY_TABLE] = "table",
		[LM_QUERY_JSON] = "json",
		[LM_QUERY_CSV] = "csv",
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret_format = (enum lm_query_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_one(struct command *command, struct query_session *session, int option)
{
	switch (option) {
	case OPTION_FORMAT:
		if (query_parse_format(optarg, &session->format) == 0)
			return 0;
		lm_cli_usage("query", "there is no format %s: table, json or csv", optarg);
		return -EINVAL;
	case OPTION_TIMEOUT:
		if (lm_time_parse_span(optarg, &command->options.timeout_ns))
			return 0;
		lm_cli_usage("query", "--timeout wants a span such as 90s, not %s", optarg);
		return -EINVAL;
	case OPTION_MEMORY:
		if (lm_cli_parse_u64(optarg, &command->options.memory_bytes) == 0 &&
			command->options.memory_bytes >= MEMORY_MIN_BYTES)
			return 0;
		lm_cli_usage("query", "--memory wants 1M or more, not %s", optarg);
		return -EINVAL;
	case 'h':
		command->help = true;
		return 0;
	}
	return -EINVAL;
}

static int parse_operands(int argc, char **argv, struct command *command)
{
	if (optind >= argc)
		return lm_cli_usage("query", "which log? Name its directory"), -EINVAL;
	if (optind + 2 < argc)
		return lm_cli_usage("query", "put the whole SQL in quotes: %s is one word too many",
			argv[optind + 2]), -EINVAL;
	command->path = argv[optind];
	command->sql = optind + 1 < argc ? argv[optind + 1] : NULL;
	return 0;
}

static int parse_arguments(int argc, char **argv, struct command *command,
	struct query_session *session)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(command, session, c);

		if (r < 0)
			return r;
	}
	return command->help ? 0 : parse_operands(argc, argv, command);
}

static int print_help(void)
{
	struct lm_query_table table;

	lm_cli_print_text(help);
	for (size_t i = 0; lm_query_table(i, &table); i++)
		printf("  %-10s %s\n", table.name, table.says);
	return lm_cli_finish(LM_EXIT_OK);
}

/* Gaps and filters, where the format of the answer has no place for them. */
static void tell_outcome(const struct lm_query_outcome *outcome)
{
	for (int i = 0; i < LM_FILTER_COUNT; i++) {
		if (outcome->hidden[i].objects || outcome->hidden[i].events)
			lm_cli_say("filter %s hid %" PRIu64 " objects and %" PRIu64 " events",
				lm_filter_name((enum lm_filter)i), outcome->hidden[i].objects,
				outcome->hidden[i].events);
	}
	if (outcome->gaps == 0)
		return;
	lm_cli_say("events are missing where this answer comes from: %" PRIu64 " gaps, %s%" PRIu64
		   " events; select * from gaps tells of them", outcome->gaps,
		outcome->gap_events_known ? "" : "at least ", outcome->gap_events);
}

int query_run_statements(struct query_session *session, const char *sql)
{
	const char *rest = sql;
	int r = 1;

	while (*rest) {
		struct lm_query_outcome outcome;
		struct lm_diag diag = LM_DIAG_INIT;

		r = lm_query_run(session->query, rest, session->format, stdout, &rest, &outcome,
			&diag);
		/* The answer before what is said about it; lm_cli_finish() tells what failed. */
		if (fflush(stdout) != 0 || ferror(stdout))
			return LM_EXIT_OK;
		if (r == -EINVAL) {
			lm_cli_fail(r, &diag);
			return LM_EXIT_USAGE;
		}
		if (r < 0)
			return lm_cli_fail(r, &diag);
		if (r > 0 && session->format != LM_QUERY_JSON)
			tell_outcome(&outcome);
	}
	return LM_EXIT_OK;
}

static int run_input(struct query_session *session)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	char block[4096];
	size_t len = 0;

	while ((len = fread(block, 1, sizeof(block), stdin)) > 0 && text.len < INPUT_MAX_BYTES)
		lm_buffer_append(&text, block, len);
	if (ferror(stdin) || lm_buffer_status(&text) < 0) {
		lm_cli_say("the statements could not be read");
		return LM_EXIT_FAILURE;
	}
	if (text.len >= INPUT_MAX_BYTES)
		return lm_cli_usage("query", "more than %u MiB of SQL", INPUT_MAX_BYTES >> 20);
	if (text.len && memchr(text.data, '\0', text.len))
		return lm_cli_usage("query", "there is a zero byte in the SQL");
	lm_buffer_append_byte(&text, '\0');
	return lm_buffer_status(&text) < 0 ? LM_EXIT_FAILURE :
		query_run_statements(session, (const char *)text.data);
}

/* @return 0, or an exit code after having said what is wrong */
static int open_session(const struct command *command, struct query_session *session)
{
	struct lm_diag diag = LM_DIAG_INIT;
	int r = lm_log_open(command->path, &session->log, &diag);

	if (r == 0)
		r = lm_index_load(session->log, &session->index, &diag);
	if (r == 0)
		r = lm_query_open(session->index, &command->options, &session->query, &diag);
	return r < 0 ? lm_cli_fail(r, &diag) : 0;
}

int lm_cli_query(int argc, char **argv)
{
	struct query_session session LM_CLEANUP(release_session) = { .format = LM_QUERY_TABLE };
	struct command command = {
		.options = { .now_wall_ns = lm_time_wall_ns(), .timeout_ns = TIMEOUT_NS,
			     .memory_bytes = MEMORY_BYTES },
	};

	if (parse_arguments(argc, argv, &command, &session) < 0)
		return LM_EXIT_USAGE;
	if (command.help)
		return print_help();
	int exit_code = open_session(&command, &session);

	if (exit_code)
		return exit_code;
	exit_code = command.sql		    ? query_run_statements(&session, command.sql) :
		    isatty(STDIN_FILENO) ? query_prompt(&session) :
					   run_input(&session);
	exit_code = lm_cli_finish(exit_code);
	return exit_code ? exit_code :
			   lm_cli_report_damage(lm_index_damage(session.index), exit_code);
}
