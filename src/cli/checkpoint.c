/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <stdio.h>

#include "lemona/base/cleanup.h"
#include "lemona/log/notes.h"

static const char help[] =
	"Usage: lemona checkpoint LOG [OPTION]...\n"
	"\n"
	"Print the newest checkpoint of LOG: a few lines that fix all of it that was written\n"
	"until then, and their signature. Kept elsewhere they show later whether LOG is\n"
	"still what it was. The log may be one that is being written.\n"
	"\n"
	"Options:\n"
	"      --key   print the key instead by which all signatures of LOG are known\n"
	"  -h, --help  print this text\n";

enum { OPTION_KEY = 256 };

static const struct option options[] = {
	{ "key", no_argument, NULL, OPTION_KEY },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* @return 1 when --help was asked for; 0; -EINVAL after having said why */
static int parse_arguments(int argc, char **argv, const char **ret_path, bool *ret_key)
{
	int c = 0;

	while ((c = lm_cli_option(argc, argv, "h", options)) != -1) {
		if (c == 'h')
			return 1;
		if (c != OPTION_KEY)
			return -EINVAL;
		*ret_key = true;
	}
	*ret_path = lm_cli_operand_log(argc, argv);
	return *ret_path ? 0 : -EINVAL;
}

static int read_key(const char *path, struct lm_buffer *out, struct lm_diag *diag)
{
	int r = lm_log_key(path, out, diag);

	if (r == 0)
		lm_buffer_append_byte(out, '\n');
	return r;
}

int lm_cli_checkpoint(int argc, char **argv)
{
	LM_BUFFER struct lm_buffer out = LM_BUFFER_INIT;
	struct lm_checkpoint checkpoint;
	struct lm_diag diag = LM_DIAG_INIT;
	const char *path = NULL;
	bool key = false;
	int r = parse_arguments(argc, argv, &path, &key);

	if (r < 0)
		return LM_EXIT_USAGE;
	if (r > 0) {
		lm_cli_print_text(help);
		return lm_cli_finish(LM_EXIT_OK);
	}
	r = key ? read_key(path, &out, &diag) :
		  lm_log_newest_checkpoint(path, &out, &checkpoint, &diag);
	if (r < 0)
		return lm_cli_fail(r, &diag);
	r = lm_cli_print(&out);
	if (r < 0 && !ferror(stdout))
		return lm_cli_fail(r, NULL);
	return lm_cli_finish(LM_EXIT_OK);
}
