/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lemona/agent/host_key.h"
#include "lemona/agent/record.h"
#include "lemona/agent/tpm.h"
#include "lemona/base/time.h"

static const char help[] =
	"Usage: lemona record -o LOG [OPTION]... [-- CMD [ARG]...]\n"
	"\n"
	"Record what every process of this host does into LOG, a new directory, until\n"
	"SIGINT, SIGTERM, SIGHUP or SIGQUIT arrives or CMD ends. Needs root.\n"
	"\n"
	"Options:\n"
	"  -o, --output LOG           the directory to make; its parent must exist\n"
	"      --level LEVEL          provenance (default), or reduced: repeats that change no\n"
	"                             dependency are counted, not recorded one by one; or full:\n"
	"                             every system call with its arguments and result as well\n"
	"      --sched                at level full: which thread had which CPU when\n"
	"      --content[=BYTES]      keep what is read and written: the first BYTES (64K) of\n"
	"                             each process, file and way\n"
	"      --content=none         keep nothing, not even what goes through terminals, which\n"
	"                             is kept by default\n"
	"      --attach WAY           how calls on paths are seen: trampoline (the kernel's\n"
	"                             own objects), tracepoint (what programs claim, and\n"
	"                             fanotify confirms), or auto (default: the first that\n"
	"                             this kernel allows)\n"
	"      --ring-size BYTES      size of the kernel's buffer for each CPU, a power of\n"
	"                             two; K, M and G may follow\n"
	"      --memory BYTES         what may be kept of the names and files seen; 64M; what\n"
	"                             was not used for longest is forgotten first\n"
	"      --segment-size BYTES   begin a new segment file above this size\n"
	"      --keep-bytes BYTES     delete the oldest segments while the log is larger\n"
	"      --keep-age SPAN        delete segments that ended so long ago: 90m, 36h, 30d\n"
	"      --no-seal              have nothing signed: that the log is altered shows no more\n"
	"      --tpm[=TCTI]           have a TPM (/dev/tpmrm0) witness the log: it shows later\n"
	"                             whether segments were cut off\n"
	"      --tpm-auth FILE        a file that holds the password of the TPM's owner\n"
	"      --host-key FILE        with --tpm: the sealed key of this host, which signs the\n"
	"                             log's beginning (default: /var/lib/lemona/host-key, if it\n"
	"                             is there); lemona host-key makes one\n"
	"      --require-host-key     record nothing unless the host's key signs\n"
	"  -q, --quiet                say nothing unless something went wrong or was lost\n"
	"  -h, --help                 print this text\n"
	"\n"
	"With CMD the exit code is CMD's own (128 + N when signal N ended it), or 3 when\n"
	"the recording failed.\n";

enum {
	OPTION_RING_SIZE = 256,
	OPTION_SEGMENT_SIZE,
	OPTION_MEMORY,
	OPTION_LEVEL,
	OPTION_ATTACH,
	OPTION_SCHED,
	OPTION_CONTENT,
	OPTION_NO_SEAL,
	OPTION_KEEP_BYTES,
	OPTION_KEEP_AGE,
	OPTION_TPM,
	OPTION_TPM_AUTH,
	OPTION_HOST_KEY,
	OPTION_REQUIRE_HOST_KEY,
};

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "level", required_argument, NULL, OPTION_LEVEL },
	{ "attach", required_argument, NULL, OPTION_ATTACH },
	{ "content", optional_argument, NULL, OPTION_CONTENT },
	{ "sched", no_argument, NULL, OPTION_SCHED },
	{ "ring-size", required_argument, NULL, OPTION_RING_SIZE },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "segment-size", required_argument, NULL, OPTION_SEGMENT_SIZE },
	{ "keep-bytes", required_argument, NULL, OPTION_KEEP_BYTES },
	{ "keep-age", required_argument, NULL, OPTION_KEEP_AGE },
	{ "no-seal", no_argument, NULL, OPTION_NO_SEAL },
	{ "tpm", optional_argument, NULL, OPTION_TPM },
	{ "tpm-auth", required_argument, NULL, OPTION_TPM_AUTH },
	{ "host-key", required_argument, NULL, OPTION_HOST_KEY },
	{ "require-host-key", no_argument, NULL, OPTION_REQUIRE_HOST_KEY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct record_request {
	struct lm_record_options record;
	bool quiet, help;
};

static int parse_size(const char *name, const char *text, uint64_t *ret_bytes)
{
	int r = lm_cli_parse_u64(text, ret_bytes);

	if (r == 0 && *ret_bytes > 0)
		return 0;
	lm_cli_usage("record", "%s wants a number of bytes above 0, not %s", name, text);
	return -EINVAL;
}

static int parse_age(const char *text, uint64_t *ret_ns)
{
	if (lm_time_parse_span(text, ret_ns) && *ret_ns > 0)
		return 0;
	lm_cli_usage("record", "--keep-age wants a span such as 90m, 36h or 30d, not %s", text);
	return -EINVAL;
}

static int parse_level(const char *text, uint32_t *ret_level)
{
	const char *name;

	for (uint32_t level = 0; (name = lm_level_name(level)); level++) {
		if (strcmp(name, text) == 0) {
			*ret_level = level;
			return 0;
		}
	}
	lm_cli_usage("record", "there is no level %s: provenance, reduced or full", text);
	return -EINVAL;
}

static int parse_ring_size(const char *text, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	int r = parse_size("--ring-size", text, &bytes);

	if (r < 0)
		return r;
	if (bytes & (bytes - 1)) {
		lm_cli_usage("record", "--ring-size wants a power of two, not %s", text);
		return -EINVAL;
	}
	*ret_bytes = bytes;
	return 0;
}

static int parse_attach(const char *text, enum lm_attach *ret_attach)
{
	for (enum lm_attach way = LM_ATTACH_AUTO; way <= LM_ATTACH_TRAMPOLINE; way++) {
		if (strcmp(text, lm_attach_name(way)) == 0) {
			*ret_attach = way;
			return 0;
		}
	}
	lm_cli_usage("record", "--attach wants auto, tracepoint or trampoline, not %s", text);
	return -EINVAL;
}

#define CONTENT_BYTES_DEFAULT (UINT64_C(64) << 10)

static int parse_content(const char *text, struct lm_record_options *record)
{
	record->no_terminals = text && strcmp(text, "none") == 0;
	record->content_bytes = text ? 0 : CONTENT_BYTES_DEFAULT;
	return !text || record->no_terminals ? 0 :
		parse_size("--content", text, &record->content_bytes);
}

static int parse_one(struct record_request *request, int option)
{
	switch (option) {
	case 'o':
		request->record.log_path = optarg;
		return 0;
	case OPTION_LEVEL:
		return parse_level(optarg, &request->record.level);
	case OPTION_ATTACH:
		return parse_attach(optarg, &request->record.attach);
	case OPTION_CONTENT:
		return parse_content(optarg, &request->record);
	case OPTION_SCHED:
		request->record.sched = true;
		return 0;
	case OPTION_RING_SIZE:
		return parse_ring_size(optarg, &request->record.ring_bytes);
	case OPTION_MEMORY:
		return parse_size("--memory", optarg, &request->record.memory_bytes);
	case OPTION_SEGMENT_SIZE:
		return parse_size("--segment-size", optarg, &request->record.segment_bytes);
	case OPTION_KEEP_BYTES:
		return parse_size("--keep-bytes", optarg, &request->record.keep_bytes);
	case OPTION_KEEP_AGE:
		return parse_age(optarg, &request->record.keep_ns);
	case OPTION_NO_SEAL:
		request->record.no_seal = true;
		return 0;
	case OPTION_TPM:
		request->record.tpm.tcti = optarg ? optarg : LM_TPM_DEFAULT;
		return 0;
	case OPTION_TPM_AUTH:
		request->record.tpm.auth_path = optarg;
		return 0;
	case OPTION_HOST_KEY:
		request->record.host_key.path = optarg;
		request->record.host_key.asked = true;
		return 0;
	case OPTION_REQUIRE_HOST_KEY:
		request->record.host_key.required = true;
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

static int parse_command(int argc, char **argv, struct record_request *request)
{
	if (optind == argc)
		return 0;
	/* getopt stops at the first operand, and just behind "--". */
	if (optind < 2 || argv[optind - 1][0] != '-' || argv[optind - 1][1] != '-' ||
	    argv[optind - 1][2] != '\0') {
		lm_cli_usage("record", "put -- before the command to record: -- %s", argv[optind]);
		return -EINVAL;
	}
	request->record.command = argv + optind;
	return 0;
}

/* What is only of use with a TPM must not be given in vain. */
static int check_tpm(struct lm_record_options *record)
{
	if (record->tpm.tcti && record->no_seal) {
		lm_cli_usage("record", "--tpm witnesses signatures, and --no-seal makes none");
		return -EINVAL;
	}
	if (!record->tpm.tcti && (record->tpm.auth_path || record->host_key.asked ||
				  record->host_key.required)) {
		lm_cli_usage("record", "--tpm-auth, --host-key and --require-host-key belong to "
			"--tpm");
		return -EINVAL;
	}
	if (record->tpm.tcti && !record->host_key.path)
		record->host_key.path = LM_HOST_KEY_DEFAULT;
	return 0;
}

static int parse_arguments(int argc, char **argv, struct record_request *request)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "+o:qh", options)) != -1) {
		int r = c == '?' ? -EINVAL : parse_one(request, c);

		if (r < 0)
			return r;
	}
	if (request->help)
		return 0;
	if (!request->record.log_path || !request->record.log_path[0]) {
		lm_cli_usage("record", "where to? Name a new directory with -o LOG");
		return -EINVAL;
	}
	if (request->record.sched && request->record.level != LM_LEVEL_FULL) {
		lm_cli_usage("record", "--sched belongs to --level full");
		return -EINVAL;
	}
	if (request->record.no_seal && (request->record.keep_bytes || request->record.keep_ns)) {
		lm_cli_usage("record", "what is deleted has to be vouched for: --keep-bytes and "
			"--keep-age do not go with --no-seal");
		return -EINVAL;
	}
	if (request->record.content_bytes && request->record.level == LM_LEVEL_REDUCED) {
		lm_cli_usage("record", "--content needs each call, and --level reduced folds them");
		return -EINVAL;
	}
	if (check_tpm(&request->record) < 0)
		return -EINVAL;
	return parse_command(argc, argv, request);
}

static void print_key(const char *key)
{
	if (key[0])
		lm_cli_say("its key, to be kept elsewhere: %s", key);
}

static void announce_start(void *data, const char *key)
{
	lm_cli_say("recording into %s; Ctrl-C ends it", (const char *)data);
	print_key(key);
}

static void tell_trouble(void *data, const char *sentence)
{
	lm_cli_say("%s", sentence);
}

static void print_summary(const struct lm_record_summary *summary)
{
	double seconds = (double)summary->elapsed_ns / (double)LM_NS_PER_SEC;
	uint64_t happened = summary->events + summary->folded;
	double events = (double)happened;
	char folded[48] = "";

	if (summary->folded)
		snprintf(folded, sizeof(folded), ", %" PRIu64 " of them folded", summary->folded);
	lm_cli_say("%" PRIu64 " events%s, %.0f events a second, %" PRIu64
		   " bytes, %.2f bytes an event, %" PRIu64 " lost",
		   happened, folded, seconds > 0 ? events / seconds : 0.0, summary->bytes,
		   happened ? (double)summary->bytes / events : 0.0, summary->lost);
}

/* One line, even when both the failure and what was kept have to be told. */
static int report_failure(int code, const struct lm_diag *diag,
			  const struct lm_record_summary *summary)
{
	const char *what = diag->text[0] ? diag->text : lm_strerror(code);

	if (summary->events || summary->lost)
		lm_cli_say("%s; events kept: %" PRIu64 ", lost: %" PRIu64, what,
			   summary->events, summary->lost);
	else
		lm_cli_say("%s", what);
	return LM_EXIT_FAILURE;
}

static int command_exit_code(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : LM_EXIT_FAILURE;
}

int lm_cli_record(int argc, char **argv)
{
	struct record_request request = { .quiet = false };
	struct lm_record_summary summary = { .events = 0 };
	struct lm_diag diag = LM_DIAG_INIT;

	if (parse_arguments(argc, argv, &request) < 0)
		return LM_EXIT_USAGE;
	if (request.help) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	if (!request.quiet && !request.record.command) {
		request.record.on_start = announce_start;
		request.record.on_start_data = (void *)request.record.log_path;
	}
	request.record.on_trouble = tell_trouble;
	int r = lm_record_run(&request.record, &summary, &diag);

	if (r < 0)
		return report_failure(r, &diag, &summary);
	if (!request.quiet || summary.lost)
		print_summary(&summary);
	if (!request.quiet && request.record.command)
		print_key(summary.key);
	return summary.command_ran ? command_exit_code(summary.command_status) : LM_EXIT_OK;
}
