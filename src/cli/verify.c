/* SPDX-License-Identifier: MIT */
#include "lemona/log/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "verify_host.h"
#include "verify_tpm.h"

static const char help[] =
	"Usage: lemona verify LOG [OPTION]...\n"
	"\n"
	"Say whether LOG is what its recorder wrote, and if not, what is wrong with it, and\n"
	"where.\n"
	"\n"
	"Options:\n"
	"      --checkpoint FILE  hold the log against a checkpoint that was taken earlier; may\n"
	"                         be given several times\n"
	"      --key KEY          the key that the recorder printed (default: what the file key\n"
	"                         in LOG says, which an intruder may have put there)\n"
	"      --host-key FILE    the key, as lemona host-key prints it, of the host that must\n"
	"                         have signed the beginning of the log\n"
	"      --tpm[=TCTI]       hold the log against the TPM (/dev/tpmrm0) that witnessed it\n"
	"      --tpm-auth FILE    a file that holds the password of the TPM's owner\n"
	"      --deep             decode all events, not only those that nothing signed\n"
	"      --format FORMAT    text (default) or json\n"
	"  -h, --help             print this text\n";

enum { OPTION_FORMAT = 256, OPTION_CHECKPOINT, OPTION_KEY, OPTION_HOST_KEY,
	OPTION_TPM, OPTION_TPM_AUTH, OPTION_DEEP };

static const struct option options[] = {
	{ "checkpoint", required_argument, NULL, OPTION_CHECKPOINT },
	{ "key", required_argument, NULL, OPTION_KEY },
	{ "host-key", required_argument, NULL, OPTION_HOST_KEY },
	{ "tpm", optional_argument, NULL, OPTION_TPM },
	{ "tpm-auth", required_argument, NULL, OPTION_TPM_AUTH },
	{ "deep", no_argument, NULL, OPTION_DEEP },
	{ "format", required_argument, NULL, OPTION_FORMAT },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct arguments {
	const char *path;
	const char **checkpoints; /* as many as there are arguments fit */
	struct lm_verify_options options;
	struct lm_tpm_access tpm; /* tcti NULL: none is asked */
	const char *host_path; /* NULL: any host will do, or none */
	struct lm_public_key host_key;
	bool json;
};

static double seconds_since(uint64_t begin_ns)
{
	uint64_t ns = lm_time_boot_ns() - begin_ns;

	return (double)(ns ? ns : 1) / (double)LM_NS_PER_SEC;
}

static double rate_of(uint64_t bytes, double seconds)
{
	return (double)bytes / seconds / 1e6;
}

static void print_progress(void *data, uint64_t done, uint64_t total)
{
	const uint64_t *begin_ns = data;

	fprintf(stderr, "\rverified %" PRIu64 " of %" PRIu64 " MB, %.0f MB/s ", done / 1000000,
		total / 1000000, rate_of(done, seconds_since(*begin_ns)));
	fflush(stderr);
}

static void clear_progress(void)
{
	fprintf(stderr, "\r%60s\r", "");
}

/* "2026-01-02T03:04:05.678901Z", by the offset that the log's first header has. */
static void format_boot(const struct lm_verify_report *report, uint64_t boot_ns,
	char out[LM_CLI_TIME_BYTES])
{
	lm_cli_format_time_us(boot_ns + (uint64_t)report->wall_minus_boot_ns, out);
}

static void print_where(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_finding *finding)
{
	char time[LM_CLI_TIME_BYTES];

	if (finding->file[0] != '\0') {
		lm_buffer_append_text(out, " ");
		lm_buffer_append_escaped(out, lm_str_from(finding->file));
	}
	if (finding->first_frame && finding->last_frame > finding->first_frame)
		lm_buffer_printf(out, ", frames %" PRIu64 " to %" PRIu64, finding->first_frame,
			finding->last_frame);
	else if (finding->first_frame)
		lm_buffer_printf(out, ", frame %" PRIu64, finding->first_frame);
	if (finding->end_byte > finding->begin_byte)
		lm_buffer_printf(out, ", bytes %" PRIu64 " to %" PRIu64, finding->begin_byte,
			finding->end_byte - 1);
	else if (finding->begin_byte)
		lm_buffer_printf(out, ", at byte %" PRIu64, finding->begin_byte);
	if (finding->end_ns && finding->begin_ns) {
		format_boot(report, finding->begin_ns, time);
		lm_buffer_printf(out, ", %s", time);
		format_boot(report, finding->end_ns, time);
		lm_buffer_printf(out, " to %s", time);
	}
}

static void print_finding(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_finding *finding)
{
	lm_buffer_append_text(out, lm_verdict_word(finding->verdict));
	lm_buffer_append_byte(out, ':');
	print_where(out, report, finding);
	lm_buffer_append_text(out, ": ");
	lm_buffer_append_escaped(out, lm_str_from(finding->text));
	lm_buffer_append_byte(out, '\n');
}

static const char *state_name(enum lm_verify_state state)
{
	switch (state) {
	case LM_VERIFY_ENDED:
		return "ended";
	case LM_VERIFY_LIVE:
		return "live";
	case LM_VERIFY_UNFINISHED:
		return "unfinished";
	}
	return "unknown";
}

static void print_signed(struct lm_buffer *out, const struct lm_verify_report *report)
{
	char time[LM_CLI_TIME_BYTES];

	if (!report->sealed) {
		lm_buffer_append_text(out,
			"signed      nothing: the log is not sealed, and was checked against "
			"accidents only\n");
		return;
	}
	if (report->signed_leaves == 0) {
		lm_buffer_append_text(out, "signed      nothing\n");
		return;
	}
	lm_cli_format_time_us(report->signed_wall_ns, time);
	lm_buffer_printf(out, "signed      up to event %" PRIu64 ", %s\n", report->signed_event,
		time);
	if (report->unsigned_frames > 1 || report->state != LM_VERIFY_ENDED)
		lm_buffer_printf(out, "unsigned    the last %" PRIu64 " frames: who could write "
			"here could have written them\n", report->unsigned_frames);
}

static void print_text(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_public_key *host_key, const struct lm_tpm_state *tpm, double seconds)
{
	for (size_t i = 0; i < report->count; i++)
		print_finding(out, report, &report->findings[i]);
	if (report->dropped)
		lm_buffer_printf(out, "and %" PRIu64 " findings more\n", report->dropped);
	lm_buffer_printf(out, "%-11s %s\n", "verdict", report->sound ? "sound" : "not sound");
	lm_buffer_printf(out, "%-11s %s%s\n", "state", state_name(report->state),
		report->state == LM_VERIFY_UNFINISHED ?
			": the recorder was stopped before it could end it" : "");
	lm_buffer_printf(out, "%-11s %" PRIu64 " in %" PRIu64 " frames, %" PRIu64 " segments\n",
		"events", report->events, report->frames, report->segments);
	if (report->deleted_segments)
		lm_buffer_printf(out, "%-11s %" PRIu64 " segments, on purpose\n", "deleted",
			report->deleted_segments);
	lm_buffer_printf(out, "%-11s %" PRIu64 ", with %" PRIu64 " events\n", "gaps", report->gaps,
		report->lost);
	lm_buffer_printf(out, "%-11s %" PRIu64 "\n", "checkpoints", report->checkpoints);
	print_signed(out, report);
	lm_cli_print_host(out, report, host_key);
	if (tpm->verdict)
		lm_buffer_printf(out, "%-11s %s; it knows the ends of %" PRIu64 " segments\n",
			"tpm", lm_cli_tpm_word(tpm->verdict), tpm->known);
	lm_buffer_printf(out, "%-11s %" PRIu64
		" bytes in %.2f s, %.0f MB/s; uncompressed %.0f MB/s\n", "read", report->bytes,
		seconds, rate_of(report->bytes, seconds), rate_of(report->raw_bytes, seconds));
}

static void print_json_time(struct lm_buffer *out, const char *key, uint64_t wall_ns)
{
	char time[LM_TIME_TEXT_BYTES];

	lm_time_format(wall_ns, time);
	lm_buffer_printf(out, ",\"%s\":\"%s\"", key, time);
}

static void print_json_finding(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_finding *finding)
{
	lm_buffer_printf(out, "{\"word\":\"%s\",\"file\":", lm_verdict_word(finding->verdict));
	lm_buffer_append_json(out, lm_str_from(finding->file));
	if (finding->segment)
		lm_buffer_printf(out, ",\"segment\":%" PRIu32, finding->segment);
	if (finding->first_frame)
		lm_buffer_printf(out, ",\"first_frame\":%" PRIu64 ",\"last_frame\":%" PRIu64,
			finding->first_frame, finding->last_frame);
	lm_buffer_printf(out, ",\"begin_byte\":%" PRIu64 ",\"end_byte\":%" PRIu64,
		finding->begin_byte, finding->end_byte);
	if (finding->end_ns) {
		print_json_time(out, "begin",
			finding->begin_ns + (uint64_t)report->wall_minus_boot_ns);
		print_json_time(out, "end", finding->end_ns + (uint64_t)report->wall_minus_boot_ns);
	}
	lm_buffer_append_text(out, ",\"text\":");
	lm_buffer_append_json(out, lm_str_from(finding->text));
	lm_buffer_append_byte(out, '}');
}

static void print_json_list(struct lm_buffer *out, const struct lm_verify_report *report,
	const char *key, bool notes)
{
	const char *comma = "";

	lm_buffer_printf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < report->count; i++) {
		if ((report->findings[i].verdict == LM_VERDICT_NOTE) != notes)
			continue;
		lm_buffer_append_text(out, comma);
		print_json_finding(out, report, &report->findings[i]);
		comma = ",";
	}
	lm_buffer_append_byte(out, ']');
}

static void print_json(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_public_key *host_key, const struct lm_tpm_state *tpm, double seconds)
{
	lm_buffer_printf(out, "{\"version\":1,\"sound\":%s,\"state\":\"%s\",\"sealed\":%s",
		report->sound ? "true" : "false", state_name(report->state),
		report->sealed ? "true" : "false");
	print_json_list(out, report, "findings", false);
	print_json_list(out, report, "notes", true);
	lm_buffer_printf(out, ",\"dropped_findings\":%" PRIu64, report->dropped);
	lm_buffer_printf(out, ",\"segments\":%" PRIu64 ",\"deleted_segments\":%" PRIu64
		",\"frames\":%" PRIu64 ",\"events\":%" PRIu64, report->segments,
		report->deleted_segments, report->frames, report->events);
	lm_buffer_printf(out, ",\"gaps\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"checkpoints\":%" PRIu64,
		report->gaps, report->lost, report->checkpoints);
	lm_buffer_printf(out, ",\"leaves\":%" PRIu64 ",\"signed_leaves\":%" PRIu64
		",\"signed_event\":%" PRIu64 ",\"unsigned_frames\":%" PRIu64, report->leaves,
		report->signed_leaves, report->signed_event, report->unsigned_frames);
	if (report->signed_leaves)
		print_json_time(out, "signed_until", report->signed_wall_ns);
	lm_cli_print_host_json(out, report, host_key);
	if (tpm->verdict)
		lm_buffer_printf(out, ",\"tpm\":\"%s\",\"tpm_segments\":%" PRIu64,
			lm_cli_tpm_word(tpm->verdict), tpm->known);
	lm_buffer_printf(out, ",\"bytes\":%" PRIu64 ",\"raw_bytes\":%" PRIu64
		",\"seconds\":%.6f}\n", report->bytes, report->raw_bytes, seconds);
}

/* @return 1 when --help was asked for; 0; -EINVAL after having said why */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		switch (c) {
		case 'h':
			return 1;
		case OPTION_CHECKPOINT:
			arguments->checkpoints[arguments->options.checkpoint_count++] = optarg;
			break;
		case OPTION_KEY:
			arguments->options.key = lm_str_from(optarg);
			break;
		case OPTION_HOST_KEY:
			arguments->host_path = optarg;
			break;
		case OPTION_TPM:
			arguments->tpm.tcti = optarg ? optarg : LM_TPM_DEFAULT;
			break;
		case OPTION_TPM_AUTH:
			arguments->tpm.auth_path = optarg;
			break;
		case OPTION_DEEP:
			arguments->options.deep = true;
			break;
		case OPTION_FORMAT:
			arguments->json = strcmp(optarg, "json") == 0;
			if (arguments->json || strcmp(optarg, "text") == 0)
				break;
			lm_cli_usage("verify", "there is no format %s: text or json", optarg);
			return -EINVAL;
		default:
			return -EINVAL;
		}
	}
	arguments->options.checkpoints = arguments->checkpoints;
	arguments->path = lm_cli_operand_log(argc, argv);
	if (arguments->path && arguments->tpm.auth_path && !arguments->tpm.tcti) {
		lm_cli_usage("verify", "--tpm-auth belongs to --tpm");
		return -EINVAL;
	}
	return arguments->path ? 0 : -EINVAL;
}

static int verify(struct arguments *arguments, uint64_t begin_ns)
{
	LM_CLEANUP(lm_verify_report_release) struct lm_verify_report report = { 0 };
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_tpm_state tpm = { 0 };
	struct lm_diag diag = LM_DIAG_INIT;
	double seconds;
	int r = 0;

	if (arguments->host_path) {
		r = lm_cli_read_host_key(arguments->host_path, &arguments->host_key, &diag);
		arguments->options.host_key = &arguments->host_key;
	}
	if (r == 0)
		r = lm_verify(arguments->path, &arguments->options, &report, &diag);
	if (arguments->options.progress)
		clear_progress();
	if (r == -EINVAL)
		return lm_cli_usage("verify", "%s", diag.text);
	seconds = seconds_since(begin_ns);
	if (r == 0 && arguments->tpm.tcti)
		r = lm_cli_verify_tpm(&arguments->tpm, &report, &tpm, &diag);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	if (arguments->json)
		print_json(&out, &report, arguments->options.host_key, &tpm, seconds);
	else
		print_text(&out, &report, arguments->options.host_key, &tpm, seconds);
	r = lm_cli_print(&out);
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, NULL);
	return lm_cli_finish(report.sound ? LM_EXIT_OK : LM_EXIT_DAMAGED);
}

int lm_cli_verify(int argc, char **argv)
{
	LM_FREE const char **checkpoints = calloc((size_t)argc + 1, sizeof(*checkpoints));
	struct arguments arguments = { .checkpoints = checkpoints };
	uint64_t begin_ns = lm_time_boot_ns();
	int r;

	if (!checkpoints)
		return lm_cli_fail(-ENOMEM, NULL);
	r = parse_arguments(argc, argv, &arguments);
	if (r < 0)
		return LM_EXIT_USAGE;
	if (r > 0) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	if (isatty(STDERR_FILENO)) {
		arguments.options.progress = print_progress;
		arguments.options.progress_data = &begin_ns;
	}
	return verify(&arguments, begin_ns);
}
