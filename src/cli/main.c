/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lemona/base/cleanup.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "record", lm_cli_record, "record what every process does, into a new log" },
	{ "events", lm_cli_events, "list the events of a log" },
	{ "content", lm_cli_content, "write out the bytes that events of a log have moved" },
	{ "backtrack", lm_cli_backtrack, "walk from what was found wrong back to its origin" },
	{ "forward", lm_cli_forward, "walk from an intruder forward to what they touched" },
	{ "query", lm_cli_query, "ask a log in SQL" },
	{ "index", lm_cli_index, "make the index of a log, for answers without reading it" },
	{ "export", lm_cli_export, "write a log, or an answer, in the format of another tool" },
	{ "status", lm_cli_status, "say what state a log is in" },
	{ "verify", lm_cli_verify, "say whether a log is what its recorder wrote" },
	{ "prove", lm_cli_prove, "prove that an event stands in a log" },
	{ "checkpoint", lm_cli_checkpoint, "print what to keep elsewhere of a log's signatures" },
	{ "host-key", lm_cli_host_key, "print or make the key by which this host signs logs" },
	{ "import", lm_cli_import, "make a log of what other tools have recorded" },
	{ "doctor", lm_cli_doctor, "say whether this host can be recorded, and how well" },
};

static int print_help(void)
{
	lm_cli_print_text("Usage: lemona COMMAND [OPTION]...\n"
			  "\n"
			  "The flight recorder and crash investigator of a Linux host.\n"
			  "\n"
			  "Commands:\n");
	for (size_t i = 0; i < LM_ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	lm_cli_print_text("\n"
			  "Options:\n"
			  "  -h, --help     print this text; lemona COMMAND --help says more\n"
			  "  -V, --version  print the version\n"
			  "\n"
			  "Exit codes: 0 fine, 1 findings, 2 usage, 3 failure, 4 damaged log.\n"
			  "Start with: lemona record -o LOG\n"
			  "Then:       lemona backtrack LOG --from file:PATH\n");
	return lm_cli_finish(LM_EXIT_OK);
}

/*
 * A file opened by us must never land on a standard descriptor: a message
 * would be written into the evidence. A closed stdout stays unwritable, so
 * that losing the output is noticed.
 */
static int occupy_standard_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) != fd)
			return -EBADF;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (occupy_standard_fds() < 0)
		return LM_EXIT_FAILURE;
	if (argc < 2)
		return lm_cli_usage("", "which command? For example: lemona record -o LOG");
	const char *word = argv[1];

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print_help();
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		lm_cli_print_text("lemona " LEMONA_VERSION "\n");
		return lm_cli_finish(LM_EXIT_OK);
	}
	for (size_t i = 0; i < LM_ARRAY_SIZE(commands); i++)
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return lm_cli_usage("", "there is no %s %s", word[0] == '-' ? "option" : "command", word);
}
