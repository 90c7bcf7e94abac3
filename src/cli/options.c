/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lemona/base/time.h"

int lm_cli_option(int argc, char **argv, const char *short_options, const struct option *options)
{
	char silent[64];
	const bool stop_at_operand = short_options[0] == '+';

	/* A ':' in front makes getopt tell a missing argument from an unknown option. */
	snprintf(silent, sizeof(silent), "%s:%s", stop_at_operand ? "+" : "",
		 short_options + (stop_at_operand ? 1 : 0));
	opterr = 0;

	int position = optind ? optind : 1;
	int c = getopt_long(argc, argv, silent, options, NULL);

	if (c == ':') {
		lm_cli_usage(argv[0], "option %s needs a value", argv[optind - 1]);
		return '?';
	}
	if (c != '?')
		return c;
	/* An unknown short option inside a cluster does not advance optind. */
	const char *word = optind > position ? argv[optind - 1] : argv[position];

	if (optopt && word[0] == '-' && word[1] == '-' && strchr(word, '='))
		lm_cli_usage(argv[0], "option %s takes no value", word);
	else if (optopt && isprint(optopt) && !(word[0] == '-' && word[1] == '-'))
		lm_cli_usage(argv[0], "there is no option -%c", optopt);
	else
		lm_cli_usage(argv[0], "there is no option %s, or it is ambiguous", word);
	return '?';
}

const char *lm_cli_operand_log(int argc, char **argv)
{
	if (optind >= argc) {
		lm_cli_usage(argv[0], "which log? Name its directory");
		return NULL;
	}
	if (optind + 1 < argc) {
		lm_cli_usage(argv[0], "one log at a time: %s is one too many", argv[optind + 1]);
		return NULL;
	}
	return argv[optind];
}

static int parse_suffix(const char *suffix, unsigned int *ret_shift)
{
	static const char letters[] = "KMG";
	const char *at = *suffix ? strchr(letters, toupper((unsigned char)*suffix)) : NULL;

	if (*suffix && (!at || suffix[1]))
		return -EINVAL;
	*ret_shift = at ? 10 * (unsigned int)(at - letters + 1) : 0;
	return 0;
}

int lm_cli_parse_u64(const char *text, uint64_t *ret_value)
{
	char *end = NULL;
	unsigned int shift = 0;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);

	if (errno == ERANGE)
		return -ERANGE;
	int r = parse_suffix(end, &shift);

	if (r < 0)
		return r;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*ret_value = value << shift;
	return 0;
}

int lm_cli_parse_time(const char *command, const char *text, uint64_t *ret_wall_ns)
{
	struct lm_diag diag = LM_DIAG_INIT;
	int r = lm_time_parse(text, lm_time_wall_ns(), ret_wall_ns, &diag);

	if (r < 0)
		lm_cli_usage(command, "%s", diag.text[0] ? diag.text : "that is no time");
	return r;
}
