/* SPDX-License-Identifier: MIT */
#include "lemona/base/time.h"
#include "value.h"

/* Functions of SQL that the tables' values ask for. */

static void fail(sqlite3_context *context, struct lm_query *query, const struct lm_diag *diag)
{
	query->diag = *diag;
	sqlite3_result_error(context, diag->text, -1);
}

/* ns('2026-01-02T03:04:05Z'), ns('-5m'): a time as the tables' numbers are. */
static void call_ns(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct lm_query *query = sqlite3_user_data(context);
	struct lm_diag diag = LM_DIAG_INIT;
	uint64_t wall_ns = 0;

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	const char *text = (const char *)sqlite3_value_text(argv[0]);

	if (!text)
		sqlite3_result_error_nomem(context);
	else if (lm_time_parse(text, query->options.now_wall_ns, &wall_ns, &diag) < 0)
		fail(context, query, &diag);
	else
		sqlite3_result_int64(context, (sqlite3_int64)wall_ns);
}

/* rfc3339(time_ns): the same time for a person. */
static void call_rfc3339(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	char text[LM_TIME_TEXT_BYTES];
	sqlite3_int64 wall_ns = sqlite3_value_int64(argv[0]);

	if (sqlite3_value_numeric_type(argv[0]) != SQLITE_INTEGER || wall_ns < 0)
		return;
	lm_time_format((uint64_t)wall_ns, text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* path_at(file, time): the path that it had then, whichever one is surest. */
static void call_path_at(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct lm_query *query = sqlite3_user_data(context);
	sqlite3_int64 id = sqlite3_value_int64(argv[0]);
	uint64_t wall_ns = 0;
	int r = value_read_time(query, argv[1], &wall_ns);

	if (r > 0 && id > 0 && id < UINT32_MAX)
		r = value_path(context, query, (lm_object_id)id,
			lm_index_boot_ns(query->index, wall_ns), LM_OBJECT_NONE);
	if (r == -ENOMEM)
		sqlite3_result_error_nomem(context);
	else if (r < 0)
		sqlite3_result_error(context, query->diag.text, -1);
}

int functions_register(struct lm_query *query)
{
	static const struct {
		const char *name;
		int arguments, flags;
		void (*call)(sqlite3_context *context, int argc, sqlite3_value **argv);
	} functions[] = {
		{ "ns", 1, SQLITE_DETERMINISTIC, call_ns },
		{ "path_at", 2, 0, call_path_at },
		{ "rfc3339", 1, SQLITE_DETERMINISTIC, call_rfc3339 },
	};
	int r = SQLITE_OK;

	for (size_t i = 0; i < LM_ARRAY_SIZE(functions) && r == SQLITE_OK; i++)
		r = sqlite3_create_function_v2(query->db, functions[i].name,
			functions[i].arguments, SQLITE_UTF8 | SQLITE_INNOCUOUS | functions[i].flags,
			query, functions[i].call, NULL, NULL, NULL);
	return r;
}
