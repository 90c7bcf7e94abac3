/* SPDX-License-Identifier: MIT */
#include "lemona/exchange/import.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "lemona/agent/seal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"

static const char help[] =
	"Usage: lemona import -o LOG [OPTION]... FILE...\n"
	"\n"
	"Make LOG, a new log, of what other tools have recorded. Every command reads it like\n"
	"one that lemona itself has recorded, and says what it was imported from. FILE may be -,\n"
	"standard input; several are taken together, in the order of the times in them.\n"
	"\n"
	"Options:\n"
	"  -o, --output LOG     the directory to make; its parent must exist\n"
	"      --format FORMAT  what FILE is (default: by what it begins with)\n"
	"      --no-seal        have nothing signed: that the log is altered shows no more\n"
	"  -q, --quiet          say nothing but what went wrong\n"
	"  -h, --help           print this text\n"
	"\n"
	"Formats:\n"
	"  auditd               the log of Linux's audit daemon; what ausearch --raw prints\n"
	"  strace               what strace -f -ttt prints, best with -yy; the files of -ff\n"
	"  cdm                  DARPA's Common Data Model in JSON lines, versions 18 to 20\n"
	"  syslog               /var/log/syslog and its like: RFC 3164, RFC 5424, whole times\n"
	"  journal              systemd's journal: what journalctl -o export or -o json prints\n";

enum { OPTION_FORMAT = 256, OPTION_NO_SEAL };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "no-seal", no_argument, NULL, OPTION_NO_SEAL },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct request {
	struct lm_import_options import;
	bool no_seal, quiet, help;
};

static int parse_format(const char *text, enum lm_import_format *ret_format)
{
	for (int format = LM_IMPORT_GUESS + 1; format < LM_IMPORT_FORMAT_COUNT; format++) {
		if (strcmp(text, lm_import_format_name((enum lm_import_format)format)) == 0) {
			*ret_format = (enum lm_import_format)format;
			return 0;
		}
	}
	lm_cli_usage("import", "there is no format %s", text);
	return -EINVAL;
}

static int parse_one(struct request *request, int option)
{
	switch (option) {
	case 'o':
		request->import.log_path = optarg;
		return 0;
	case OPTION_FORMAT:
		return parse_format(optarg, &request->import.format);
	case OPTION_NO_SEAL:
		request->no_seal = true;
		return 0;
	case 'q':
		request->quiet = true;
		return 0;
	case 'h':
		request->help = true;
		return 0;
	}
	return -EINVAL;
}

static int parse_arguments(int argc, char **argv, struct request *request)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "o:qh", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(request, c);

		if (r < 0)
			return r;
	}
	if (request->help)
		return 0;
	if (!request->import.log_path || !request->import.log_path[0]) {
		lm_cli_usage("import", "where to? Name a new directory with -o LOG");
		return -EINVAL;
	}
	if (optind == argc) {
		lm_cli_usage("import", "import what? Name a file, or - for standard input");
		return -EINVAL;
	}
	request->import.files = (const char *const *)argv + optind;
	request->import.file_count = (size_t)(argc - optind);
	return 0;
}

#define SHOWN_BYTES 160

/* As much of the line as helps to find what is wrong with it. */
static void show_skipped(void *data, const char *file, uint64_t number, const char *why,
	struct lm_str line)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;
	bool cut = line.len > SHOWN_BYTES;

	if (cut)
		line.len = SHOWN_BYTES;
	lm_buffer_append_str(&text, line);
	lm_buffer_append_byte(&text, '\0');
	if (lm_buffer_status(&text) < 0)
		return;
	if (line.len)
		lm_cli_say("%s, line %" PRIu64 ": %s: %.*s%s", file, number, why,
			(int)line.len, (const char *)text.data, cut ? "..." : "");
	else
		lm_cli_say("%s, line %" PRIu64 ": %s", file, number, why);
}

/* Which kinds of records told nothing, in the order in which they came up. */
static void print_kinds(const struct lm_import_summary *summary)
{
	LM_BUFFER struct lm_buffer text = LM_BUFFER_INIT;

	for (size_t i = 0; i < summary->kind_count; i++)
		lm_buffer_printf(&text, "%s%" PRIu64 " %s", i ? ", " : "", summary->kinds[i].count,
			summary->kinds[i].name);
	lm_buffer_append_byte(&text, '\0');
	if (lm_buffer_status(&text) == 0)
		lm_cli_say("told nothing here: %s", (const char *)text.data);
}

static void print_summary(const struct lm_import_summary *summary)
{
	if (summary->kind_count)
		print_kinds(summary);
	lm_cli_say("%" PRIu64 " lines read, %" PRIu64 " events, %" PRIu64 " skipped, %" PRIu64
		   " of unknown kinds, %" PRIu64 " late",
		   summary->lines, summary->events, summary->skipped, summary->unknown,
		   summary->late);
}

static void end_seal(struct lm_seal **seal)
{
	lm_seal_end(*seal);
}

static int run(struct request *request)
{
	LM_CLEANUP(end_seal) struct lm_seal *seal = NULL;
	struct lm_import_summary summary;
	struct lm_diag diag = LM_DIAG_INIT;
	int r;

	if (!request->no_seal) {
		r = lm_seal_start(&seal, &diag);
		if (r < 0) {
			lm_cli_say("%s; --no-seal does without",
				diag.text[0] ? diag.text : lm_strerror(r));
			return LM_EXIT_FAILURE;
		}
		request->import.signer = lm_seal_signer(seal);
		request->import.log_id = lm_seal_log_id(seal);
	}
	request->import.skipped = show_skipped;
	r = lm_import_run(&request->import, &summary, &diag);
	if (r < 0) {
		lm_cli_fail(r, &diag);
		return LM_EXIT_FAILURE;
	}
	if (!request->quiet || summary.skipped)
		print_summary(&summary);
	if (!request->quiet && seal)
		lm_cli_say("its key, to be kept elsewhere: %s", lm_seal_key(seal));
	return summary.skipped ? LM_EXIT_FINDINGS : LM_EXIT_OK;
}

int lm_cli_import(int argc, char **argv)
{
	struct request request = { .quiet = false };

	if (parse_arguments(argc, argv, &request) < 0)
		return LM_EXIT_USAGE;
	if (request.help) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	return run(&request);
}
