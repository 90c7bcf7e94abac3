/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "lemona/event/coverage.h"

/* Prints docs/coverage.md. */
int main(void)
{
	struct lm_buffer page LM_BUFFER = LM_BUFFER_INIT;

	lm_coverage_write(&page);
	if (lm_buffer_status(&page) < 0) {
		fputs("coverage-page: out of memory\n", stderr);
		return 1;
	}
	if (fwrite(page.data, 1, page.len, stdout) != page.len || fflush(stdout) != 0) {
		perror("coverage-page: standard output");
		return 1;
	}
	return 0;
}
