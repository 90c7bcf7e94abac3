/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdio.h>

#include "lemona/graph/index.h"

/*
 * SQL over a log: its tables are virtual, nothing is imported, and nothing can be written.
 * docs/tables.md has every table with its columns.
 */
struct lm_query;

struct lm_query_options {
	uint64_t now_wall_ns;  /* what "-5m" counts back from */
	uint64_t timeout_ns;   /* for each statement; 0: no limit */
	uint64_t memory_bytes; /* of the whole process's SQLite; 0: no limit */
};

/**
 * @param index  finished; borrowed until lm_query_close()
 * @return 0; -ENOMEM; -EIO (SQLite could not be set up as it must be). A sentence is in diag
 */
int lm_query_open(const struct lm_index *index, const struct lm_query_options *options,
		  struct lm_query **ret_query, struct lm_diag *diag);
/** @return NULL */
struct lm_query *lm_query_close(struct lm_query *query);

enum lm_query_format {
	LM_QUERY_TABLE = 0, /* aligned, for a person */
	LM_QUERY_JSON = 1,  /* docs/tables.md */
	LM_QUERY_CSV = 2,   /* RFC 4180 */
};

/** How much a statement left out or could not know. */
struct lm_query_outcome {
	uint64_t rows;
	uint64_t looked;      /* rows of tables that had to be looked at */
	uint64_t gaps;        /* gaps within what the answer was drawn from */
	uint64_t gap_events;  /* events that are missing in them, as far as they were counted */
	bool gap_events_known;
	struct {
		uint64_t objects, events;
	} hidden[16];         /* by enum lm_filter: what filters of traces hid */
};

/**
 * Run the first statement of `sql`, and write its rows as they come. With LM_QUERY_JSON gaps and
 * filters are part of what is written; otherwise the caller says what ret_outcome holds.
 *
 * @param ret_tail     the rest of `sql`, also on failure; NULL: nobody asks
 * @param ret_outcome  set on success
 * @return 1: it ran; 0: there was nothing but space and comments; -EINVAL (no SQL that can be
 *         answered, or a detection point that matches nothing); -ETIME (the time limit); -EINTR
 *         (lm_query_interrupt()); -ENOMEM (or the limit of memory); -EIO (`out` failed); what
 *         lm_index_status() returns. A sentence is in diag
 */
int lm_query_run(struct lm_query *query, const char *sql, enum lm_query_format format, FILE *out,
		 const char **ret_tail, struct lm_query_outcome *ret_outcome,
		 struct lm_diag *diag);

/** Make the statement that runs, if one does, end with -EINTR. For signal handlers too. */
void lm_query_interrupt(struct lm_query *query);

/** Whether `sql` ends where a statement does: complete, or empty. */
bool lm_query_is_complete(const char *sql);

/* What there is, for whoever asks. All static. */
struct lm_query_column {
	const char *name, *type;
	const char *says; /* one line */
	bool argument;    /* of a table-valued function */
};

struct lm_query_table {
	const char *name, *says;
	size_t column_count;
};

size_t lm_query_table_count(void);
/** @return false when there are not so many */
bool lm_query_table(size_t i, struct lm_query_table *ret_table);
/** @return NULL when there are not so many */
const struct lm_query_column *lm_query_column(size_t table, size_t i);
