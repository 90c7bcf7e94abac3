/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "bound.h"
#include "lemona/base/map.h"
#include "lemona/event/attributes.h"
#include "processes.h"

/*
 * Sessions: the processes of one login, or of one terminal where nobody logged in. The kernel has
 * no object for either, so all processes are looked at once.
 */

enum {
	ID, LOGIN, LOGINUID, UID, SID, TTY, LEADER, PID, COMM, COMMAND, SINCE_NS, SINCE, LAST_NS,
	LAST, PROCESSES, PROGRAMS,
};

static const struct column columns[] = {
	[ID] = COLUMN("id", "TEXT", 0, "login:NUMBER or terminal:SID:TTY, as processes.session"),
	[LOGIN] = COLUMN("login", "INTEGER", 0, "audit session of the login, or NULL"),
	[LOGINUID] = COLUMN("loginuid", "INTEGER", 0, "user who logged in, or NULL"),
	[UID] = COLUMN("uid", "INTEGER", 0, "real user of its first process, as last seen"),
	[SID] = COLUMN("sid", "INTEGER", 0, "session number of the kernel, of its first process"),
	[TTY] = COLUMN("tty", "TEXT", 0, "terminal of its first process, or NULL"),
	[LEADER] = COLUMN("leader", "INTEGER", 0, "its first process: processes.id"),
	[PID] = COLUMN("pid", "INTEGER", 0, "number of its first process"),
	[COMM] = COLUMN("comm", "TEXT", 0, "name that the kernel has for its first process"),
	[COMMAND] = COLUMN("command", "TEXT", 0, "arguments of its first process"),
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "when its first process began"),
	[SINCE] = COLUMN("since", "TEXT", 0, "when its first process began"),
	[LAST_NS] = COLUMN("last_ns", "INTEGER", 0, "when its last program began"),
	[LAST] = COLUMN("last", "TEXT", 0, "when its last program began"),
	[PROCESSES] = COLUMN("processes", "INTEGER", 0, "how many processes it had"),
	[PROGRAMS] = COLUMN("programs", "INTEGER", 0, "how often they ran a program"),
};

struct session {
	lm_object_id leader;
	uint64_t last_ns;
	uint64_t processes, programs;
};

struct sessions {
	struct cursor base;
	struct session *at;
	size_t count, capacity;
	struct lm_object leader; /* of the present row */
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	ret->rows = 16;
	ret->cost = (double)lm_index_object_count(query->index) * 0.1 + 16;
}

/* 0: in no session */
static uint64_t key_of(const struct lm_process *process)
{
	if (process->session != UINT32_MAX)
		return UINT64_C(1) << 63 | process->session;
	return process->tty && process->sid ? (uint64_t)process->sid << 32 | process->tty : 0;
}

static struct session *add_session(struct sessions *sessions, struct lm_map *known, uint64_t key)
{
	uint64_t *at = lm_map_get(known, key);

	if (at)
		return &sessions->at[*at];
	if (sessions->count == sessions->capacity) {
		size_t capacity = sessions->capacity ? 2 * sessions->capacity : 16;
		struct session *more = realloc(sessions->at, capacity * sizeof(*more));

		if (!more)
			return NULL;
		sessions->at = more;
		sessions->capacity = capacity;
	}
	if (lm_map_put(known, key, sessions->count) < 0)
		return NULL;
	sessions->at[sessions->count] = (struct session){ .leader = LM_OBJECT_NONE };
	return &sessions->at[sessions->count++];
}

static int add_process(struct sessions *sessions, struct lm_map *known,
	const struct lm_object *process)
{
	uint64_t key = key_of(&process->process), since_ns = process_since_ns(process);

	if (!key)
		return 0;
	struct session *session = add_session(sessions, known, key);

	if (!session)
		return -ENOMEM;
	if (session->leader == LM_OBJECT_NONE)
		session->leader = process->id;
	if (since_ns > session->last_ns)
		session->last_ns = since_ns;
	if (process->process.version == 0 || session->leader == process->id)
		session->processes++;
	if (process->process.exe)
		session->programs += process->process.version > 0;
	return 0;
}

static int collect(struct sessions *sessions)
{
	struct lm_query *query = sessions->base.query;
	struct lm_map known LM_MAP = LM_MAP_INIT;
	struct lm_object process;
	lm_object_id id = 0;
	int r = 0;

	while (r == 0 && (id = lm_index_next_of_kind(query->index, LM_OBJECT_KIND_PROCESS,
			id + 1))) {
		r = query_look(query);
		if (r == 0 && find_process(query, id, &process))
			r = add_process(sessions, &known, &process);
	}
	return r;
}

static int show(struct sessions *sessions)
{
	struct cursor *cursor = &sessions->base;

	cursor->eof = (size_t)cursor->rowid >= sessions->count ||
		!find_process(cursor->query, sessions->at[cursor->rowid].leader,
			&sessions->leader);
	return 0;
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct sessions *sessions = (struct sessions *)cursor;
	int r = collect(sessions);

	query_touch_all(cursor->query);
	return r < 0 ? r : show(sessions);
}

static int next(struct cursor *cursor)
{
	cursor->rowid++;
	return show((struct sessions *)cursor);
}

static void end(struct cursor *cursor)
{
	struct sessions *sessions = (struct sessions *)cursor;

	free(sessions->at);
	sessions->at = NULL;
	sessions->count = sessions->capacity = 0;
}

static int put_tty(sqlite3_context *context, const struct lm_process *process)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_tty_append(process->tty, &text);
	return text.len || text.failed ? value_buffer(context, &text) : 0;
}

static int put_optional(sqlite3_context *context, uint32_t number)
{
	if (number != UINT32_MAX)
		sqlite3_result_int64(context, number);
	return 0;
}

static int put_leader(sqlite3_context *context, const struct lm_object *leader, int column)
{
	const struct lm_process *process = &leader->process;

	switch (column) {
	case ID:
		return process_put_session(context, process);
	case LOGIN:
		return put_optional(context, process->session);
	case LOGINUID:
		return put_optional(context, process->loginuid);
	case UID:
		return put_optional(context, process->uid);
	case SID:
		return value_id(context, process->sid);
	case TTY:
		return put_tty(context, process);
	case LEADER:
		return value_id(context, leader->id);
	case PID:
		return value_id(context, process->tgid);
	case COMM:
		return value_str(context, process->comm);
	default:
		return process_put_command(context, process);
	}
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	const struct sessions *sessions = (const struct sessions *)cursor;
	const struct session *session = &sessions->at[cursor->rowid];

	switch (column) {
	case SINCE_NS:
		return value_time_ns(context, cursor->query, process_since_ns(&sessions->leader));
	case SINCE:
		return value_time(context, cursor->query, process_since_ns(&sessions->leader));
	case LAST_NS:
		return value_time_ns(context, cursor->query, session->last_ns);
	case LAST:
		return value_time(context, cursor->query, session->last_ns);
	case PROCESSES:
		sqlite3_result_int64(context, (sqlite3_int64)session->processes);
		return 0;
	case PROGRAMS:
		sqlite3_result_int64(context, (sqlite3_int64)session->programs);
		return 0;
	default:
		return put_leader(context, &sessions->leader, column);
	}
}

const struct table table_sessions = {
	.name = "sessions",
	.says = "logins and terminals",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct sessions),
	.order_column = -1,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = end,
};
