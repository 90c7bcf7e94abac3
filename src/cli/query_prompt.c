/* SPDX-License-Identifier: MIT */
#include "query.h"

#include <editline/readline.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lemona/base/cleanup.h"

#define PROMPT      "lemona> "
#define PROMPT_MORE "   ...> "
#define HISTORY_LINES 1000
#define PATH_BYTES 4096

static const char help[] =
	".tables         list the tables\n"
	".schema [NAME]  list the columns, of one table or of all\n"
	".format NAME    answer as a table, json or csv\n"
	".help           print this text\n"
	".quit           leave; so does Ctrl-D\n"
	"Anything else is SQL, up to a semicolon. Ctrl-C ends a statement that runs.\n";

/* What Ctrl-C ends. */
static struct lm_query *running;
static volatile sig_atomic_t interrupted;

static void stop_statement(int signal_number)
{
	interrupted = 1;
	if (running)
		lm_query_interrupt(running);
}

static void catch_interrupts(struct lm_query *query)
{
	/* Without SA_RESTART: a line that is being typed is given up too. */
	struct sigaction action = { .sa_handler = query ? stop_statement : SIG_DFL };

	running = query;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

/* Where the user keeps what programs remember (XDG base directories). @return false: nowhere */
static bool find_history(char path[PATH_BYTES])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int len = state && state[0] == '/' ? snprintf(path, PATH_BYTES, "%s/lemona/", state) :
		  home && home[0] == '/' ?
			snprintf(path, PATH_BYTES, "%s/.local/state/lemona/", home) :
			0;

	if (len <= 0 || len >= PATH_BYTES - 16)
		return false;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int r = mkdir(path, 0700);

		*slash = '/';
		if (r < 0 && errno != EEXIST)
			return false;
	}
	memcpy(path + len, "query-history", sizeof("query-history"));
	return true;
}

static void list_tables(void)
{
	struct lm_query_table table;

	for (size_t i = 0; lm_query_table(i, &table); i++)
		printf("%-10s %s\n", table.name, table.says);
}

static void list_columns(size_t table, const char *name)
{
	const struct lm_query_column *column = NULL;

	printf("%s\n", name);
	for (size_t i = 0; (column = lm_query_column(table, i)); i++)
		printf("  %-14s %-8s %s\n", column->name,
			column->argument ? "argument" : column->type, column->says);
}

static void show_schema(const char *name)
{
	struct lm_query_table table;
	bool found = false;

	for (size_t i = 0; lm_query_table(i, &table); i++) {
		if (name[0] && strcmp(name, table.name) != 0)
			continue;
		list_columns(i, table.name);
		found = true;
	}
	if (!found)
		lm_cli_say("there is no table %s; .tables lists them", name);
}

/* @return false: leave */
static bool run_command(struct query_session *session, char *line)
{
	size_t len = strcspn(line, " \t");
	char *argument = line + len + strspn(line + len, " \t");
	char *end = argument + strlen(argument);

	while (end > argument && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == ';'))
		*--end = '\0';
	line[len] = '\0';
	if (strcmp(line, ".quit") == 0 || strcmp(line, ".exit") == 0)
		return false;
	if (strcmp(line, ".tables") == 0)
		list_tables();
	else if (strcmp(line, ".schema") == 0)
		show_schema(argument);
	else if (strcmp(line, ".help") == 0)
		lm_cli_print_text(help);
	else if (strcmp(line, ".format") != 0)
		lm_cli_say("there is no command %s; .help lists them", line);
	else if (query_parse_format(argument, &session->format) < 0)
		lm_cli_say("there is no format %s: table, json or csv", argument);
	return true;
}

static bool is_blank(const struct lm_buffer *text)
{
	return !text->data || text->data[strspn((const char *)text->data, " \t\n;")] == '\0';
}

/* Take in a line, and run what is complete. @return false: leave */
static bool take_line(struct query_session *session, struct lm_buffer *text, char *line)
{
	if (text->len == 0 && line[0] == '.')
		return run_command(session, line);
	if (text->len > 0)
		text->data[text->len - 1] = '\n';
	lm_buffer_append_text(text, line);
	lm_buffer_append_byte(text, '\0');
	if (lm_buffer_status(text) < 0) {
		lm_cli_say("the statement is too long");
		lm_buffer_reset(text);
	} else if (is_blank(text)) {
		lm_buffer_reset(text);
	} else if (lm_query_is_complete((const char *)text->data)) {
		query_run_statements(session, (const char *)text->data);
		lm_buffer_reset(text);
	}
	fflush(stdout);
	return !ferror(stdout);
}

/* Blank lines are worth nothing. */
static void remember(const char *line)
{
	if (line[strspn(line, " \t")])
		add_history(line);
}

static void read_lines(struct query_session *session)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	bool more = true;

	while (more) {
		interrupted = 0;
		char *line LM_FREE = readline(text.len ? PROMPT_MORE : PROMPT);

		if (line) {
			remember(line);
			more = take_line(session, &text, line);
		} else if (interrupted) {
			lm_buffer_reset(&text);
			putchar('\n');
		} else {
			putchar('\n');
			more = false;
		}
	}
}

int query_prompt(struct query_session *session)
{
	char path[PATH_BYTES];
	bool keeps = find_history(path);

	printf("SQL, or .help\n");
	using_history();
	stifle_history(HISTORY_LINES);
	/* None yet is no failure. */
	if (keeps)
		read_history(path);
	catch_interrupts(session->query);
	read_lines(session);
	catch_interrupts(NULL);
	mode_t before = umask(077);

	if (keeps && write_history(path) != 0)
		lm_cli_say("what was typed could not be kept in %s", path);
	umask(before);
	return LM_EXIT_OK;
}
