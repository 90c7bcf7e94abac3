/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lemona/base/escape.h"
#include "lemona/base/time.h"

#define SENTENCE_MAX_BYTES 2048

/* Escaped whole: a path in the sentence may hold a newline of an intruder's. */
static void say_sentence(const char *sentence, const char *suffix)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	lm_buffer_append_text(&out, "lemona: ");
	lm_buffer_append_escaped(&out, lm_str_from(sentence));
	lm_buffer_append_text(&out, suffix);
	lm_buffer_append_byte(&out, '\n');
	if (lm_buffer_status(&out) == 0)
		fwrite(out.data, 1, out.len, stderr);
	else
		fputs("lemona: out of memory\n", stderr);
}

void lm_cli_say(const char *fmt, ...)
{
	char sentence[SENTENCE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	say_sentence(sentence, "");
}

int lm_cli_fail(int code, const struct lm_diag *diag)
{
	say_sentence(diag && diag->text[0] ? diag->text : lm_strerror(code), "");
	return lm_exit_code(code);
}

int lm_cli_usage(const char *command, const char *fmt, ...)
{
	char sentence[SENTENCE_MAX_BYTES];
	char suffix[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	snprintf(suffix, sizeof(suffix), "; see lemona %s%s--help", command, command[0] ? " " : "");
	say_sentence(sentence, suffix);
	return LM_EXIT_USAGE;
}

uint64_t lm_cli_wall_ns(const struct lm_log *log, uint64_t boot_ns)
{
	return boot_ns + (uint64_t)lm_log_wall_offset_ns(log, boot_ns);
}

void lm_cli_format_time_us(uint64_t wall_ns, char out[LM_CLI_TIME_BYTES])
{
	char full[LM_TIME_TEXT_BYTES];

	lm_time_format(wall_ns, full);
	size_t len = strlen(full);

	/* "...05.678901234Z": the last three digits go. */
	if (len >= 4 && full[len - 1] == 'Z')
		memcpy(full + len - 4, "Z", 2);
	snprintf(out, LM_CLI_TIME_BYTES, "%s", full);
}

int lm_cli_print(struct lm_buffer *buf)
{
	int r = lm_buffer_status(buf);

	if (r < 0)
		return r;
	if (buf->len)
		fwrite(buf->data, 1, buf->len, stdout);
	lm_buffer_reset(buf);
	return ferror(stdout) ? -EIO : 0;
}

void lm_cli_print_text(const char *text)
{
	fputs(text, stdout);
}

/* Also when the write that failed lies further back, and its errno with it. */
static bool reader_is_gone(int error)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return error == EPIPE || (poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)));
}

int lm_cli_finish(int exit_code)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	int error = errno;

	if (reader_is_gone(error))
		return exit_code;
	lm_cli_say("the output could not be written: %s",
		error ? strerror(error) : "an earlier write failed");
	return LM_EXIT_FAILURE;
}

int lm_cli_report_damage(const char *damage, int exit_code)
{
	if (!damage)
		return exit_code;
	say_sentence(damage, "");
	return LM_EXIT_DAMAGED;
}
