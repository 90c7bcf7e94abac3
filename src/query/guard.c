/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <string.h>

#include "lemona/base/time.h"

/* Steps of SQLite's machine between two looks at the clock: well below a millisecond. */
#define STEPS 4096

#define TEXT_MAX_BYTES (16 << 20)  /* of one value, and of one row */
#define SQL_MAX_BYTES (1 << 20)
#define PATTERN_MAX_BYTES 4096     /* of LIKE and GLOB: they may go back and forth in it */

static bool is_harmless_pragma(const char *name, const char *argument)
{
	static const char *const names[] = { "table_info", "table_xinfo", "table_list",
					     "function_list" };

	for (size_t i = 0; i < LM_ARRAY_SIZE(names); i++) {
		if (name && strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* What may be done: read, call functions, recurse. Everything that is not listed may not. */
static int authorize(void *data, int action, const char *first, const char *second,
	const char *database, const char *inside)
{
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return second && sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY :
										  SQLITE_OK;
	case SQLITE_UPDATE:
		/*
		 * SQLite asks this when a virtual table of its own or of ours tells it what
		 * columns it has, which SQLite does by SQL that it never runs. Who asks for it in
		 * earnest is refused all the same: DEFENSIVE, query_only.
		 */
		return first && strcmp(first, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_PRAGMA:
		return is_harmless_pragma(first, second) ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static int stop_when_late(void *data)
{
	return guard_is_late(data);
}

static int set_limits(struct lm_query *query)
{
	static const struct {
		int what, most;
	} limits[] = {
		{ SQLITE_LIMIT_LENGTH, TEXT_MAX_BYTES },
		{ SQLITE_LIMIT_SQL_LENGTH, SQL_MAX_BYTES },
		{ SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MAX_BYTES },
		{ SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(limits); i++)
		sqlite3_limit(query->db, limits[i].what, limits[i].most);
	if (query->options.memory_bytes)
		sqlite3_hard_heap_limit64((sqlite3_int64)query->options.memory_bytes);
	return SQLITE_OK;
}

static int configure(sqlite3 *db)
{
	static const struct {
		int what, value;
	} switches[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		/* "a" is a name, 'a' a text: a column that is not there must not become one. */
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	};
	int r = SQLITE_OK;

	for (size_t i = 0; i < LM_ARRAY_SIZE(switches) && r == SQLITE_OK; i++)
		r = sqlite3_db_config(db, switches[i].what, switches[i].value, NULL);
	return r;
}

int guard_up(struct lm_query *query)
{
	/*
	 * Paths differ by case, so LIKE must. What is sorted stays in memory: a host under
	 * investigation is not written to.
	 */
	static const char pragmas[] = "PRAGMA case_sensitive_like = ON;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA query_only = ON;";
	int r = sqlite3_exec(query->db, pragmas, NULL, NULL, NULL);

	if (r == SQLITE_OK)
		r = configure(query->db);
	if (r == SQLITE_OK)
		r = set_limits(query);
	if (r == SQLITE_OK)
		r = sqlite3_set_authorizer(query->db, authorize, query);
	if (r == SQLITE_OK)
		sqlite3_progress_handler(query->db, STEPS, stop_when_late, query);
	return r;
}

void guard_start_clock(struct lm_query *query)
{
	uint64_t now_ns = lm_time_boot_ns();

	query->timed_out = false;
	query->interrupted = 0;
	if (query->options.timeout_ns == 0 ||
		__builtin_add_overflow(now_ns, query->options.timeout_ns, &query->deadline_ns))
		query->deadline_ns = UINT64_MAX;
}

bool guard_is_late(struct lm_query *query)
{
	query->timed_out = query->timed_out || lm_time_boot_ns() > query->deadline_ns;
	return query->timed_out || query->interrupted;
}

int guard_explain(const struct lm_query *query, int code, struct lm_diag *diag)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return lm_diag_set(diag, -ENOMEM, "The answer needs more memory than it may have: "
			"ask for less, or raise --memory");
	case SQLITE_INTERRUPT:
		if (!query->timed_out)
			return lm_diag_set(diag, -EINTR, "The statement was interrupted");
		return lm_diag_set(diag, -ETIME, "The time limit has passed: ask for less, or "
			"raise --timeout");
	case SQLITE_AUTH:
		return lm_diag_set(diag, -EINVAL, "A log cannot be changed: only SELECT, VALUES, "
			"WITH and EXPLAIN can be asked");
	default:
		return lm_diag_set(diag, -EINVAL, "%s", query->diag.text[0] ?
			query->diag.text : sqlite3_errmsg(query->db));
	}
}
