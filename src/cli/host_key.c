/* SPDX-License-Identifier: MIT */
#include "lemona/agent/host_key.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "lemona/base/cleanup.h"

static const char help[] =
	"Usage: lemona host-key [OPTION]...\n"
	"\n"
	"Print the key of this host, which signs the beginning of what record --tpm records:\n"
	"one line, to be kept elsewhere, for verify --host-key. The other half of it is\n"
	"sealed by this host's TPM.\n"
	"\n"
	"Options:\n"
	"      --new            make it first; one that is there is not replaced\n"
	"      --file FILE      the sealed key (default: /var/lib/lemona/host-key)\n"
	"      --tpm TCTI       with --new: the TPM (default: device:/dev/tpmrm0)\n"
	"      --tpm-auth FILE  with --new: a file that holds the password of its owner\n"
	"      --pcrs LIST      with --new: the TPM gives the key back only while these PCRs\n"
	"                       (of the SHA-256 bank, as in 0,7) are what they are now\n"
	"  -h, --help           print this text\n";

enum { OPTION_NEW = 256, OPTION_FILE, OPTION_TPM, OPTION_TPM_AUTH, OPTION_PCRS };

#define PCRS 24

static const struct option options[] = {
	{ "new", no_argument, NULL, OPTION_NEW },
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "tpm", required_argument, NULL, OPTION_TPM },
	{ "tpm-auth", required_argument, NULL, OPTION_TPM_AUTH },
	{ "pcrs", required_argument, NULL, OPTION_PCRS },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

struct arguments {
	bool make;
	const char *path;
	struct lm_tpm_access tpm; /* tcti NULL: the default */
	uint32_t pcrs;
};

/* "0,7": decimal numbers with commas between them. */
static int parse_pcrs(const char *text, uint32_t *ret_pcrs)
{
	const char *at = text;
	uint32_t pcrs = 0;

	for (;;) {
		char *end = NULL;
		unsigned long number = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : PCRS;

		if (number >= PCRS || (*end != ',' && *end != '\0')) {
			lm_cli_usage("host-key", "--pcrs wants numbers from 0 to 23, as in 0,7, "
				"not %s", text);
			return -EINVAL;
		}
		pcrs |= UINT32_C(1) << number;
		if (*end == '\0')
			break;
		at = end + 1;
	}
	*ret_pcrs = pcrs;
	return 0;
}

static int parse_one(struct arguments *arguments, int option)
{
	switch (option) {
	case OPTION_NEW:
		arguments->make = true;
		return 0;
	case OPTION_FILE:
		arguments->path = optarg;
		return 0;
	case OPTION_TPM:
		arguments->tpm.tcti = optarg;
		return 0;
	case OPTION_TPM_AUTH:
		arguments->tpm.auth_path = optarg;
		return 0;
	case OPTION_PCRS:
		return parse_pcrs(optarg, &arguments->pcrs);
	case 'h':
		return 1;
	}
	return -EINVAL;
}

/* @return 1 when --help was asked for; 0; -EINVAL after having said why */
static int parse_arguments(int argc, char **argv, struct arguments *arguments)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		int r = parse_one(arguments, c);

		if (r != 0)
			return r;
	}
	if (optind < argc) {
		lm_cli_usage("host-key", "%s is one word too many", argv[optind]);
		return -EINVAL;
	}
	if (!arguments->make &&
		(arguments->tpm.tcti || arguments->tpm.auth_path || arguments->pcrs)) {
		lm_cli_usage("host-key", "--tpm, --tpm-auth and --pcrs belong to --new");
		return -EINVAL;
	}
	if (!arguments->tpm.tcti)
		arguments->tpm.tcti = LM_TPM_DEFAULT;
	return 0;
}

int lm_cli_host_key(int argc, char **argv)
{
	struct arguments arguments = { .path = LM_HOST_KEY_DEFAULT };
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_diag diag = LM_DIAG_INIT;
	struct lm_public_key key;
	int r = parse_arguments(argc, argv, &arguments);

	if (r < 0)
		return LM_EXIT_USAGE;
	if (r > 0) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	if (arguments.make)
		r = lm_host_key_make(
			&arguments.tpm, arguments.path, arguments.pcrs, &key, &diag);
	else
		r = lm_host_key_read(arguments.path, &key, &diag);
	if (r == 0)
		r = lm_host_key_encode(&key, &out);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	lm_buffer_append_byte(&out, '\n');
	r = lm_cli_print(&out);
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, NULL);
	return lm_cli_finish(LM_EXIT_OK);
}
