/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>
#include <sqlite3.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"
#include "lemona/graph/select.h"
#include "lemona/graph/trace.h"
#include "lemona/query/query.h"

/*
 * What all tables have in common. A table describes its columns and which constraints on them it
 * can make use of; table.c speaks with SQLite. A constraint only narrows what a table looks at:
 * SQLite checks every row once more, so a table may always return too many.
 */

/* Constraints that a column can make use of. */
enum push {
	PUSH_EQ = 1u << 0,
	PUSH_IN = 1u << 1,    /* the whole list at once; else one look for each value */
	PUSH_RANGE = 1u << 2, /* < <= > >= */
	PUSH_PREFIX = 1u << 3, /* LIKE, GLOB */
};

struct column {
	struct lm_query_column told;
	uint8_t push; /* enum push */
};

struct constraint {
	int column;
	char op; /* '=' '<' '>' 'l' (<=) 'g' (>=) '~' (LIKE) '*' (GLOB) 'i' (IN) */
	sqlite3_value *value; /* NULL while a plan is made and the value is not known */
};

#define CONSTRAINTS_MAX 24

struct constraints {
	struct constraint at[CONSTRAINTS_MAX];
	int count;
};

struct estimate {
	double cost; /* in rows looked at */
	double rows;
	bool unique; /* at most one */
};

_Static_assert(LM_FILTER_COUNT <= LM_ARRAY_SIZE(((struct lm_query_outcome *)0)->hidden),
	"every filter tells what it hid");

struct table;

struct lm_query {
	sqlite3 *db;
	const struct lm_index *index;
	struct lm_query_options options;
	uint64_t deadline_ns; /* boot time of the host that asks; 0: none */
	bool timed_out;
	volatile sig_atomic_t interrupted; /* by lm_query_interrupt() */
	struct lm_diag diag;  /* what a table or a function said */
	/* What the running statement's answer is drawn from: boot time of the log. */
	uint64_t since_ns, until_ns; /* since above until: nothing yet */
	struct lm_query_outcome outcome;
};

struct cursor {
	sqlite3_vtab_cursor base;
	struct lm_query *query;
	const struct table *table;
	bool eof;
	int64_t rowid;
};

struct table {
	const char *name, *says;
	const struct column *columns;
	int column_count;
	size_t cursor_size;
	int order_column; /* rows come in its order; -1: none */
	/* How much work, and how many rows, with these constraints. */
	void (*estimate)(const struct lm_query *query, const struct constraints *constraints,
			 struct estimate *ret);
	/*
	 * Begin, and stand at the first row or set eof. begin() may be called again after end().
	 * @return 0 or a negative code, with a sentence in query->diag where it is not -ENOMEM
	 */
	int (*begin)(struct cursor *cursor, const struct constraints *constraints);
	int (*next)(struct cursor *cursor);
	/* One value of the present row. */
	int (*column)(struct cursor *cursor, sqlite3_context *context, int column);
	/* Give back what begin() took. */
	void (*end)(struct cursor *cursor);
};

extern const struct table table_events, table_processes, table_files, table_names, table_sockets,
	table_sessions, table_gaps, table_alerts, table_backtrack, table_forward, table_path_at,
	table_tree;

/** Make a table known to SQLite. @return an SQLite code */
int table_register(struct lm_query *query, const struct table *table);

/** @return NULL when there are not so many */
const struct table *table_at(size_t i);

/** Count a row that was looked at. @return 0; -EINTR: the statement shall stop */
int query_look(struct lm_query *query);
/** The answer is drawn from a stretch of the log: gaps in it count. */
void query_touch(struct lm_query *query, uint64_t since_ns, uint64_t until_ns);
void query_touch_all(struct lm_query *query);
bool query_is_touched(const struct lm_query *query, const struct lm_gap *gap);

/** Functions of SQL: ns(), rfc3339(), path_at(). @return an SQLite code */
int functions_register(struct lm_query *query);

#define COLUMN(name_, type_, push_, says_) { { name_, type_, says_, false }, push_ }
#define ARGUMENT(name_, says_) { { name_, "", says_, true }, PUSH_EQ }
