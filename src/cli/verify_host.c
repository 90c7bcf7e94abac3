/* SPDX-License-Identifier: MIT */
#include "verify_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lemona/base/cleanup.h"
#include "lemona/crypto/host.h"

#define KEY_FILE_BYTES 256u

int lm_cli_read_host_key(const char *path, struct lm_public_key *ret_key, struct lm_diag *diag)
{
	FILE *file LM_FCLOSE = fopen(path, "re");
	char text[KEY_FILE_BYTES];
	size_t len;
	int r;

	if (!file)
		return lm_diag_errno(diag, -errno, "cannot read %s", path);
	len = fread(text, 1, sizeof(text), file);
	if (ferror(file))
		return lm_diag_errno(diag, -EIO, "cannot read %s", path);
	r = lm_host_key_parse((struct lm_str){ text, (uint32_t)len }, ret_key);
	if (r == -EIO || r == -ENOMEM)
		return lm_diag_errno(diag, r, "cannot use %s", path);
	if (r < 0)
		return lm_diag_set(diag, -EINVAL, "%s holds no key of a host: one looks like "
			"lemona-host/...+...+..., as lemona host-key prints it", path);
	return 0;
}

/* "given", "another", or "unknown": whose that key is, nobody said. */
static const char *whose(const struct lm_verify_report *report, const struct lm_public_key *given)
{
	if (!given)
		return "unknown";
	return memcmp(given, &report->host_key, sizeof(*given)) == 0 ? "given" : "another";
}

void lm_cli_print_host(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_public_key *given)
{
	static const char *const words[][2] = {
		{ "given", "the one given" },
		{ "another", "not the one given" },
		{ "unknown", "whose that is, --host-key says" },
	};
	char name[LM_HOST_NAME_BYTES];
	const char *word = whose(report, given);

	if (report->host == LM_HOST_NONE)
		return;
	if (report->host != LM_HOST_SIGNED) {
		lm_buffer_printf(out, "host        none: its key could not be used (%s)\n",
			lm_host_reason(report->host));
		return;
	}
	if (!report->host_signed || lm_host_name(&report->host_key, name) < 0) {
		lm_buffer_append_text(out, "host        none: its signature does not fit\n");
		return;
	}
	for (size_t i = 0; i < LM_ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i][0]) == 0)
			lm_buffer_printf(out, "host        %.*s: %s\n", (int)sizeof(name), name,
				words[i][1]);
}

void lm_cli_print_host_json(struct lm_buffer *out, const struct lm_verify_report *report,
	const struct lm_public_key *given)
{
	if (report->host == LM_HOST_NONE)
		return;
	if (report->host != LM_HOST_SIGNED) {
		lm_buffer_printf(out, ",\"host\":\"none\",\"host_reason\":\"%s\"",
			lm_host_reason(report->host));
		return;
	}
	lm_buffer_printf(out, ",\"host\":\"%s\",\"host_key\":\"",
		report->host_signed ? whose(report, given) : "unsigned");
	/* Hex digits and base 64: nothing to escape. */
	(void)lm_host_key_encode(&report->host_key, out);
	lm_buffer_append_byte(out, '"');
}
