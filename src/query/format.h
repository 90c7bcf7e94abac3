/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "table.h"

/* Rows on their way out: one value after the other, none kept longer than it must be. */
struct sink {
	const struct sink_kind *kind;
	sqlite3_stmt *statement;
	FILE *out;
	struct lm_buffer buf;
	uint64_t rows;
	void *state; /* of the kind; freed by end() */
};

struct sink_kind {
	/* All return 0, -ENOMEM, or -EIO: `out` failed. */
	int (*begin)(struct sink *sink);
	int (*row)(struct sink *sink);
	/*
	 * After the last row, and after a failure.
	 * error: NULL, or the sentence that is told; query->outcome says the rest
	 */
	int (*end)(struct sink *sink, const struct lm_query *query, const char *error);
};

extern const struct sink_kind sink_table, sink_json, sink_csv;

/** Write out what is in buf, and empty it. */
int sink_flush(struct sink *sink);

/** One value as text, as SQLite writes numbers; blobs in hexadecimal digits. */
void sink_append_plain(struct lm_buffer *out, sqlite3_stmt *statement, int column);
