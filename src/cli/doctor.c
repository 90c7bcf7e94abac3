/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <stdio.h>

#include "lemona/agent/host_key.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"
#include "lemona/sensor/doctor.h"

static const char help[] =
	"Usage: lemona doctor [OPTION]...\n"
	"\n"
	"Try everything that recording needs or would like, and say what this host allows,\n"
	"what that means for the evidence, and what can be done about it. Needs root.\n"
	"\n"
	"Options:\n"
	"      --tpm TCTI       the TPM to look for (default: device:/dev/tpmrm0)\n"
	"      --tpm-auth FILE  a file that holds the password of the TPM's owner\n"
	"      --host-key FILE  the sealed key of this host (default:\n"
	"                       /var/lib/lemona/host-key)\n"
	"  -h, --help           print this text\n"
	"\n"
	"Exit code: 0 all is well, 1 usable with limits, 3 this host cannot be recorded.\n";

enum { OPTION_TPM = 256, OPTION_TPM_AUTH, OPTION_HOST_KEY };

static const struct option options[] = {
	{ "tpm", required_argument, NULL, OPTION_TPM },
	{ "tpm-auth", required_argument, NULL, OPTION_TPM_AUTH },
	{ "host-key", required_argument, NULL, OPTION_HOST_KEY },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *result_name(enum lm_check_result result)
{
	switch (result) {
	case LM_CHECK_OK:
		return "ok";
	case LM_CHECK_DEGRADED:
		return "limited";
	case LM_CHECK_MISSING:
		return "missing";
	}
	return "unknown";
}

static void print_note(struct lm_buffer *out, const char *word, const char *text)
{
	if (text && text[0])
		lm_buffer_printf(out, "%-8s %-20s %s: %s\n", "", "", word, text);
}

static void print_check(struct lm_buffer *out, const struct lm_check *check)
{
	lm_buffer_printf(out, "%-8s %-20s ", result_name(check->result), check->name);
	lm_buffer_append_escaped(out, lm_str_from(check->found));
	lm_buffer_append_byte(out, '\n');
	print_note(out, "means", check->meaning);
	print_note(out, "fix", check->fix);
}

/* Nothing is lost without one: a line, and no limit. */
static void look_for_tpm(const struct lm_tpm_access *access, struct lm_check *ret_check)
{
	struct lm_diag diag = LM_DIAG_INIT;
	int count = lm_tpm_count_logs(access, &diag);

	*ret_check = (struct lm_check){ .name = "tpm", .meaning = "", .fix = "" };
	if (count < 0)
		snprintf(ret_check->found, sizeof(ret_check->found), "not used: %.140s", diag.text);
	else if (count == 0)
		snprintf(ret_check->found, sizeof(ret_check->found),
			"not used: there is one, for record --tpm");
	else
		snprintf(ret_check->found, sizeof(ret_check->found), "used: it witnesses %d logs",
			count);
}

/* Nobody shall throw a key away that only lacks a password: what was found says what helps then. */
static const char *host_key_fix(int code)
{
	switch (lm_host_state_of(code)) {
	case LM_HOST_DAMAGED:
	case LM_HOST_OTHER_TPM:
	case LM_HOST_PCRS:
		return "move the file away; lemona host-key --new makes another key";
	default:
		return "";
	}
}

/* One that is there and cannot be used is a limit; that there is none is not. */
static void try_host_key(const struct lm_tpm_access *access, const char *path,
	struct lm_check *ret_check)
{
	LM_CLEANUP(lm_seed_wipe) struct lm_seed seed = { { 0 } };
	char name[LM_HOST_NAME_BYTES];
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_public_key key;
	int r = lm_host_key_unseal(access, path, &seed, &diag);

	*ret_check = (struct lm_check){ .name = "host key", .meaning = "", .fix = "" };
	if (r == 0)
		r = lm_sign_public(&seed, &key);
	if (r == 0)
		r = lm_host_name(&key, name);
	if (r == 0) {
		snprintf(ret_check->found, sizeof(ret_check->found),
			"used: %.*s signs what record --tpm begins", (int)sizeof(name), name);
	} else if (r == -ENOENT) {
		snprintf(ret_check->found, sizeof(ret_check->found),
			"not used: there is none at %.120s", path);
	} else {
		ret_check->result = LM_CHECK_DEGRADED;
		snprintf(ret_check->found, sizeof(ret_check->found), "%.150s", diag.text);
		ret_check->meaning = "logs are not signed by this host";
		ret_check->fix = host_key_fix(r);
	}
}

/* @return exit code of the verdict */
static int print_verdict(struct lm_buffer *out, const struct lm_check *checks, int count,
	bool usable)
{
	int limits = 0;

	for (int i = 0; i < count; i++)
		limits += checks[i].result != LM_CHECK_OK;
	if (!usable) {
		lm_buffer_append_text(out, "\nThis host cannot be recorded.\n");
		return LM_EXIT_FAILURE;
	}
	if (limits) {
		lm_buffer_append_text(out,
			"\nThis host can be recorded, within the limits above.\n");
		return LM_EXIT_FINDINGS;
	}
	lm_buffer_append_text(out, "\nThis host can be recorded.\n");
	return LM_EXIT_OK;
}

int lm_cli_doctor(int argc, char **argv)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;
	struct lm_check checks[LM_DOCTOR_CHECKS_MAX + 2];
	struct lm_tpm_access tpm = { .tcti = LM_TPM_DEFAULT };
	const char *host_key = LM_HOST_KEY_DEFAULT;
	struct lm_diag diag = LM_DIAG_INIT;
	bool usable = false;
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		switch (c) {
		case OPTION_TPM:
			tpm.tcti = optarg;
			continue;
		case OPTION_TPM_AUTH:
			tpm.auth_path = optarg;
			continue;
		case OPTION_HOST_KEY:
			host_key = optarg;
			continue;
		case 'h':
			lm_cli_print_text(help);
			return lm_cli_finish(LM_EXIT_OK);
		}
		return LM_EXIT_USAGE;
	}
	if (optind < argc)
		return lm_cli_usage("doctor", "%s is one word too many", argv[optind]);
	int count = lm_doctor_run(checks, &usable, &diag);

	if (count < 0)
		return lm_cli_fail(count, &diag);
	look_for_tpm(&tpm, &checks[count++]);
	try_host_key(&tpm, host_key, &checks[count++]);
	for (int i = 0; i < count; i++)
		print_check(&out, &checks[i]);
	int exit_code = print_verdict(&out, checks, count, usable);
	int r = lm_cli_print(&out);

	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, NULL);
	return lm_cli_finish(exit_code);
}
