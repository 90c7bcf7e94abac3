/* SPDX-License-Identifier: MIT */
#include "asked.h"

#include <stdlib.h>

void asked_release(struct asked *asked)
{
	free(asked->text);
}

struct lm_query *open_query(const struct scene *scene)
{
	const struct lm_query_options options = {
		.now_wall_ns = UINT64_C(1767225700000000000), .memory_bytes = 64u << 20,
	};
	struct lm_query *query = NULL;
	struct lm_diag diag = LM_DIAG_INIT;

	if (lm_query_open(scene->index, &options, &query, &diag) < 0)
		fail_msg("%s", diag.text);
	return query;
}

struct asked ask(struct lm_query *query, enum lm_query_format format, const char *sql)
{
	struct asked asked = { .diag = LM_DIAG_INIT };
	FILE *out = open_memstream(&asked.text, &asked.len);

	assert_non_null(out);
	asked.code = lm_query_run(query, sql, format, out, NULL, &asked.outcome, &asked.diag);
	assert_int_equal(fclose(out), 0);
	return asked;
}

static struct asked ask_well(struct lm_query *query, const char *sql)
{
	struct asked asked = ask(query, LM_QUERY_CSV, sql);

	if (asked.code != 1)
		fail_msg("%s: %d %s", sql, asked.code, asked.diag.text);
	return asked;
}

void assert_rows(struct lm_query *query, const char *sql, const char *rows)
{
	struct asked asked ASKED = ask_well(query, sql);
	const char *head = strstr(asked.text, "\r\n");

	assert_non_null(head);
	if (strcmp(head + 2, rows) != 0)
		fail_msg("%s: expected\n%sbut it was\n%s", sql, rows, head + 2);
}

uint64_t count_looks(struct lm_query *query, const char *sql)
{
	struct asked asked ASKED = ask_well(query, sql);

	return asked.outcome.looked;
}

void assert_plan(struct lm_query *query, const char *sql, const char *holds)
{
	char text[1024];

	snprintf(text, sizeof(text), "explain query plan %s", sql);
	struct asked asked ASKED = ask_well(query, text);

	if (!strstr(asked.text, holds))
		fail_msg("%s: \"%s\" is not in the plan: %s", sql, holds, asked.text);
}

void assert_fails(struct lm_query *query, const char *sql, int code, const char *says)
{
	struct asked asked ASKED = ask(query, LM_QUERY_JSON, sql);

	if (asked.code != code || !strstr(asked.diag.text, says))
		fail_msg("%s: %d \"%s\", not %d \"%s\"", sql, asked.code, asked.diag.text, code,
			says);
}
