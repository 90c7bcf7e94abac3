/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/query/query.h"
#include "scene.h"

/* A statement and what came of it. */
struct asked {
	int code;           /* what lm_query_run() returned */
	char *text;         /* what was written; NUL-terminated */
	size_t len;
	struct lm_query_outcome outcome;
	struct lm_diag diag;
};

#define ASKED LM_CLEANUP(asked_release)
void asked_release(struct asked *asked);

/* No limit of time, 64 MiB of memory. */
struct lm_query *open_query(const struct scene *scene);

static inline void close_query(struct lm_query **query)
{
	lm_query_close(*query);
}
#define QUERY LM_CLEANUP(close_query)

struct asked ask(struct lm_query *query, enum lm_query_format format, const char *sql);

/** The rows of an answer as CSV, without the head: "1,open\r\n2,read\r\n". */
void assert_rows(struct lm_query *query, const char *sql, const char *rows);
/** How many rows of tables had to be looked at. */
uint64_t count_looks(struct lm_query *query, const char *sql);
/** That the plan of a statement holds a text. */
void assert_plan(struct lm_query *query, const char *sql, const char *holds);
/** That a statement fails with that code, and says that. */
void assert_fails(struct lm_query *query, const char *sql, int code, const char *says);
