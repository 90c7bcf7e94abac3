/* SPDX-License-Identifier: MIT */
#include "lemona/base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lemona/base/error.h"

__attribute__((format(printf, 2, 0))) static void set_text(struct lm_diag *diag, const char *fmt,
	va_list args)
{
	vsnprintf(diag->text, sizeof(diag->text), fmt, args);
}

int lm_diag_set(struct lm_diag *diag, int code, const char *fmt, ...)
{
	va_list args;

	if (!diag || diag->text[0] != '\0')
		return code;
	va_start(args, fmt);
	set_text(diag, fmt, args);
	va_end(args);
	return code;
}

int lm_diag_errno(struct lm_diag *diag, int code, const char *fmt, ...)
{
	va_list args;
	size_t used;

	if (!diag || diag->text[0] != '\0')
		return code;
	va_start(args, fmt);
	set_text(diag, fmt, args);
	va_end(args);
	used = strlen(diag->text);
	snprintf(diag->text + used, sizeof(diag->text) - used, ": %s", lm_strerror(code));
	return code;
}
