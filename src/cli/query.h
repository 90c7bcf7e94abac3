/* SPDX-License-Identifier: MIT */
#pragma once

#include "cli.h"
#include "lemona/query/query.h"

/* A log that is being asked. */
struct query_session {
	struct lm_log *log;
	struct lm_index *index;
	struct lm_query *query;
	enum lm_query_format format;
};

/** "table", "json", "csv". @return 0; -EINVAL */
int query_parse_format(const char *word, enum lm_query_format *ret_format);

/** Ask a person at a terminal, until they leave. @return an exit code */
int query_prompt(struct query_session *session);

/**
 * Run statements one after the other, up to the first that fails.
 * @return an exit code, after having said what is wrong
 */
int query_run_statements(struct query_session *session, const char *sql);
