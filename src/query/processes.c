/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lemona/base/escape.h"
#include "lemona/event/attributes.h"
#include "objects.h"
#include "processes.h"

enum {
	ID, PID, VERSION, PREVIOUS, PARENT, PPID, COMM, EXE, EXE_FILE, COMMAND, ARGV, SCRIPT, CWD,
	UID, EUID, GID, EGID, LOGINUID, SESSION, SID, TTY, CONTAINER, CGROUP, CAPABILITIES,
	NO_NEW_PRIVS, SECCOMP, NS_PID, NS_MNT, NS_NET, NS_USER, START_NS, START, SINCE_NS, SINCE,
	UNTIL_NS, UNTIL, STATUS, SHA256, DEPTH, ANCESTRY, ANCESTORS, FOUND,
};

static const struct column columns[] = {
	[ID] = COLUMN("id", "INTEGER", PUSH_EQ | PUSH_RANGE, "number of the object"),
	[PID] = COLUMN("pid", "INTEGER", PUSH_EQ, "process number, initial pid namespace"),
	[VERSION] = COLUMN("version", "INTEGER", 0, "0 as forked, 1 more at every exec"),
	[PREVIOUS] = COLUMN("previous", "INTEGER", 0, "the version before, or NULL"),
	[PARENT] = COLUMN("parent", "INTEGER", PUSH_EQ, "the process that forked it, or NULL"),
	[PPID] = COLUMN("ppid", "INTEGER", 0, "process number of the parent"),
	[COMM] = COLUMN("comm", "TEXT", 0, "name that the kernel has for it"),
	[EXE] = COLUMN("exe", "TEXT", 0, "path of its program, as it was when this version began"),
	[EXE_FILE] = COLUMN("exe_file", "INTEGER", 0, "its program: files.id"),
	[COMMAND] = COLUMN("command", "TEXT", 0, "its arguments with spaces between them"),
	[ARGV] = COLUMN("argv", "TEXT", 0, "its arguments as an array of JSON, for json_each()"),
	[SCRIPT] = COLUMN("script", "TEXT", 0, "path of the #! script that it runs, or NULL"),
	[CWD] = COLUMN("cwd", "TEXT", 0, "its working directory, as last seen"),
	[UID] = COLUMN("uid", "INTEGER", 0, "real user, as last seen"),
	[EUID] = COLUMN("euid", "INTEGER", 0, "effective user, as last seen"),
	[GID] = COLUMN("gid", "INTEGER", 0, "real group, as last seen"),
	[EGID] = COLUMN("egid", "INTEGER", 0, "effective group, as last seen"),
	[LOGINUID] = COLUMN("loginuid", "INTEGER", 0, "user who logged in, or NULL"),
	[SESSION] = COLUMN("session", "TEXT", 0, "its session: sessions.id, or NULL"),
	[SID] = COLUMN("sid", "INTEGER", 0, "session number of the kernel"),
	[TTY] = COLUMN("tty", "TEXT", 0, "its terminal, or NULL"),
	[CONTAINER] = COLUMN("container", "TEXT", 0, "runtime:id of the container it is in"),
	[CGROUP] = COLUMN("cgroup", "TEXT", 0, "path of its control group"),
	[CAPABILITIES] = COLUMN("capabilities", "INTEGER", 0, "effective ones, a bit each"),
	[NO_NEW_PRIVS] = COLUMN("no_new_privs", "INTEGER", 0, "1: it can gain none by exec"),
	[SECCOMP] = COLUMN("seccomp", "TEXT", 0, "none, strict or filter"),
	[NS_PID] = COLUMN("ns_pid", "INTEGER", 0, "inode number of its pid namespace"),
	[NS_MNT] = COLUMN("ns_mnt", "INTEGER", 0, "inode number of its mount namespace"),
	[NS_NET] = COLUMN("ns_net", "INTEGER", 0, "inode number of its network namespace"),
	[NS_USER] = COLUMN("ns_user", "INTEGER", 0, "inode number of its user namespace"),
	[START_NS] = COLUMN("start_ns", "INTEGER", 0, "when the process was forked"),
	[START] = COLUMN("start", "TEXT", 0, "when the process was forked"),
	[SINCE_NS] = COLUMN("since_ns", "INTEGER", 0, "when this version began"),
	[SINCE] = COLUMN("since", "TEXT", 0, "when this version began"),
	[UNTIL_NS] = COLUMN("until_ns", "INTEGER", 0, "when it ended, by exec or exit, or NULL"),
	[UNTIL] = COLUMN("until", "TEXT", 0, "when it ended, by exec or exit, or NULL"),
	[STATUS] = COLUMN("status", "INTEGER", 0, "wait status; NULL where no exit was seen"),
	[SHA256] = COLUMN("sha256", "TEXT", 0, "hash of its program, or NULL"),
	[DEPTH] = COLUMN("depth", "INTEGER", 0, "how many ancestors are known"),
	[ANCESTRY] = COLUMN("ancestry", "TEXT", 0, "its ancestors, oldest first, and itself"),
	[ANCESTORS] = COLUMN("ancestors", "TEXT", 0,
		"numbers of its ancestors, nearest first, as an array of JSON"),
	[FOUND] = COLUMN("found", "INTEGER", 0, "1: it was there before the recorder"),
};

struct processes {
	struct objects base;
	bool end_known; /* the members below are those of the present row */
	bool ended;
	struct lm_event end;
};

static void estimate(const struct lm_query *query, const struct constraints *constraints,
	struct estimate *ret)
{
	double rows = objects_guess(query, LM_OBJECT_KIND_PROCESS), look_up = 1;

	for (int i = 0; i < constraints->count; i++) {
		const struct constraint *c = &constraints->at[i];

		ret->unique = ret->unique || (c->column == ID && c->op == '=');
		if (c->column == ID)
			rows = c->op == '=' ? 1 : rows / 4;
		else if (c->column == PID)
			rows = rows < 2 ? rows : 2;
		else
			rows = rows < 8 ? rows : 8;
		look_up += c->column == ID ? 0 : 4;
	}
	ret->rows = rows;
	ret->cost = ret->unique ? 1 : rows + look_up;
}

/* All versions of what a process forked: they all have that parent. */
static int list_children(struct objects *objects, sqlite3_int64 parent)
{
	const struct lm_index *index = objects->base.query->index;
	struct lm_object object;
	int r = 0;

	if (parent <= 0 || parent >= UINT32_MAX)
		return 0;
	r = lm_index_children(index, (lm_object_id)parent, &objects->ids);
	for (size_t i = 0; i < objects->ids.count && r == 0; i++) {
		struct lm_object_ids below LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;

		r = lm_index_children(index, objects->ids.at[i], &below);
		for (size_t j = 0; j < below.count && r == 0; j++) {
			/* A loop of versions is no honest log: what is there already ends it. */
			if (find_process(objects->base.query, below.at[j], &object) &&
				object.process.previous == objects->ids.at[i] &&
				object.id > objects->ids.at[i])
				r = lm_object_ids_add(&objects->ids, below.at[j]);
		}
	}
	return r;
}

static int begin(struct cursor *cursor, const struct constraints *constraints)
{
	struct processes *processes = (struct processes *)cursor;
	struct objects *objects = &processes->base;
	sqlite3_value *pid = constraint_equal(constraints, PID);
	sqlite3_value *parent = constraint_equal(constraints, PARENT);
	sqlite3_int64 number = pid ? sqlite3_value_int64(pid) : 0;
	int r = 0;

	query_touch_all(cursor->query);
	processes->end_known = false;
	objects->kind = LM_OBJECT_KIND_PROCESS;
	objects->range = range_of(constraints, ID);
	objects->listed = pid || parent;
	if (pid && number >= 0 && number <= UINT32_MAX)
		r = lm_index_processes_by_pid(cursor->query->index, (uint32_t)number,
			&objects->ids);
	else if (!pid && parent)
		r = list_children(objects, sqlite3_value_int64(parent));
	return r < 0 ? r : objects_begin(objects);
}

static int next(struct cursor *cursor)
{
	((struct processes *)cursor)->end_known = false;
	return objects_next(cursor);
}

/* Arguments end in a NUL each; the last one's may be missing. */
static bool next_argument(struct lm_str *rest, struct lm_str *ret_argument)
{
	const char *stop = rest->len ? memchr(rest->data, '\0', rest->len) : NULL;
	uint32_t len = stop ? (uint32_t)(stop - rest->data) : rest->len;

	if (rest->len == 0)
		return false;
	*ret_argument = (struct lm_str){ rest->data, len };
	rest->data += len + (stop ? 1 : 0);
	rest->len -= len + (stop ? 1 : 0);
	return true;
}

int process_put_command(sqlite3_context *context, const struct lm_process *process)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	struct lm_str rest = process->argv, argument;

	if (rest.len == 0)
		return 0;
	while (next_argument(&rest, &argument)) {
		if (text.len > 0)
			lm_buffer_append_byte(&text, ' ');
		lm_buffer_append_str(&text, argument);
	}
	if (process->argv_cut)
		lm_buffer_append_text(&text, " ...");
	return value_buffer(context, &text);
}

static int put_argv(sqlite3_context *context, const struct lm_process *process)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT, one LM_BUFFER = LM_BUFFER_INIT;
	struct lm_str rest = process->argv, argument;

	if (rest.len == 0)
		return 0;
	lm_buffer_append_byte(&text, '[');
	while (next_argument(&rest, &argument)) {
		lm_buffer_reset(&one);
		lm_buffer_append_escaped(&one, argument);
		if (text.len > 1)
			lm_buffer_append_byte(&text, ',');
		value_append_json(&text, (struct lm_str){ (const char *)one.data,
							  (uint32_t)one.len });
		text.failed = text.failed || one.failed;
	}
	lm_buffer_append_byte(&text, ']');
	return value_plain(context, &text);
}

static int put_container(const struct lm_query *query, sqlite3_context *context,
	const struct lm_process *process)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	struct lm_container container;

	if (!lm_container_of(lm_index_cgroup_path(query->index, process->cgroup), &container))
		return 0;
	lm_buffer_append_str(&text, container.runtime);
	lm_buffer_append_byte(&text, ':');
	lm_buffer_append_str(&text, container.id);
	return value_buffer(context, &text);
}

static int put_cgroup(const struct lm_query *query, sqlite3_context *context,
	const struct lm_process *process)
{
	struct lm_str path = lm_index_cgroup_path(query->index, process->cgroup);

	return path.len ? value_str(context, path) : 0;
}

static int put_tty(sqlite3_context *context, const struct lm_process *process)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_tty_append(process->tty, &text);
	return text.len || text.failed ? value_buffer(context, &text) : 0;
}

#define ANCESTORS_MAX 256

/* Parents, nearest first. A log may hold a loop. */
static int climb(const struct lm_query *query, const struct lm_object *of,
	struct lm_object ret[ANCESTORS_MAX])
{
	lm_object_id id = of->process.parent;
	int count = 0;

	while (count < ANCESTORS_MAX && find_process(query, id, &ret[count]))
		id = ret[count++].process.parent;
	return count;
}

static void append_process(struct lm_buffer *out, const struct lm_process *process)
{
	lm_buffer_append_str(out, process->comm);
	lm_buffer_printf(out, "[%u]", process->tgid);
}

static int put_ancestry(const struct lm_query *query, sqlite3_context *context,
	const struct lm_object *object, int column)
{
	struct lm_object ancestors[ANCESTORS_MAX];
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	int count = climb(query, object, ancestors);

	if (column == DEPTH) {
		sqlite3_result_int(context, count);
		return 0;
	}
	if (column == ANCESTORS) {
		for (int i = 0; i < count; i++)
			lm_buffer_printf(&text, "%c%u", i > 0 ? ',' : '[', ancestors[i].id);
		lm_buffer_append_text(&text, count > 0 ? "]" : "[]");
		return value_plain(context, &text);
	}
	for (int i = count; i > 0; i--) {
		append_process(&text, &ancestors[i - 1].process);
		lm_buffer_append_text(&text, " > ");
	}
	append_process(&text, &object->process);
	return value_buffer(context, &text);
}

static const struct lm_event *find_end(struct processes *processes, int *ret_code)
{
	const struct lm_query *query = processes->base.base.query;

	*ret_code = 0;
	if (!processes->end_known) {
		int r = lm_index_process_end(query->index, processes->base.object.id,
			&processes->end);

		if (r < 0 && r != -ENOENT) {
			*ret_code = r;
			return NULL;
		}
		processes->ended = r == 0;
		processes->end_known = true;
	}
	return processes->ended ? &processes->end : NULL;
}

static int put_end(struct processes *processes, sqlite3_context *context, int column)
{
	int r = 0;
	const struct lm_event *end = find_end(processes, &r);

	if (!end)
		return r;
	if (column == UNTIL_NS)
		return value_time_ns(context, processes->base.base.query, end->end_ns);
	if (column == UNTIL)
		return value_time(context, processes->base.base.query, end->end_ns);
	if (end->op == LM_OP_EXIT)
		sqlite3_result_int64(context, end->result);
	return 0;
}

int process_put_session(sqlite3_context *context, const struct lm_process *process)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	if (process->session != UINT32_MAX) {
		lm_buffer_printf(&text, "login:%u", process->session);
	} else if (process->tty != 0 && process->sid != 0) {
		lm_buffer_printf(&text, "terminal:%u:", process->sid);
		lm_tty_append(process->tty, &text);
	}
	return text.len || text.failed ? value_buffer(context, &text) : 0;
}

static int put_number(sqlite3_context *context, const struct lm_process *process, int column)
{
	const uint64_t numbers[] = {
		[PID] = process->tgid, [VERSION] = process->version, [UID] = process->uid,
		[EUID] = process->euid, [GID] = process->gid, [EGID] = process->egid,
		[SID] = process->sid, [CAPABILITIES] = process->cap_effective,
		[NO_NEW_PRIVS] = process->no_new_privs, [NS_PID] = process->ns_pid,
		[NS_MNT] = process->ns_mnt, [NS_NET] = process->ns_net,
		[NS_USER] = process->ns_user,
	};

	sqlite3_result_int64(context, (sqlite3_int64)numbers[column]);
	return 0;
}

static int put_sha256(const struct lm_query *query, sqlite3_context *context,
	const struct lm_object *object)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	struct lm_content content;
	bool sure = false;

	if (lm_index_content_at(query->index, object->process.exe, object->time_ns, &content,
		    &sure) < 0 || content.state != LM_CONTENT_HASHED)
		return 0;
	lm_buffer_append_hex(&text, content.sha256, sizeof(content.sha256));
	return value_plain(context, &text);
}

static int put_text(const struct lm_query *query, sqlite3_context *context,
	const struct lm_object *object, int column)
{
	const struct lm_process *process = &object->process;

	switch (column) {
	case COMM:
		return value_str(context, process->comm);
	case EXE:
		return value_exe(context, query, object);
	case COMMAND:
		return process_put_command(context, process);
	case ARGV:
		return put_argv(context, process);
	case SCRIPT:
		return value_path(context, query, process->script, object->time_ns, process->root);
	case CWD:
		return value_path(context, query, process->cwd, UINT64_MAX - 1, process->root);
	case SESSION:
		return process_put_session(context, process);
	case TTY:
		return put_tty(context, process);
	case CONTAINER:
		return put_container(query, context, process);
	case CGROUP:
		return put_cgroup(query, context, process);
	case SECCOMP:
		sqlite3_result_text(context, lm_seccomp_name(process->seccomp), -1, SQLITE_STATIC);
		return 0;
	default:
		return put_sha256(query, context, object);
	}
}

static int put_related(const struct lm_query *query, sqlite3_context *context,
	const struct lm_object *object, int column)
{
	const struct lm_process *process = &object->process;
	struct lm_object parent;

	switch (column) {
	case PREVIOUS:
		return value_id(context, process->previous);
	case PARENT:
		return value_id(context, process->parent);
	case EXE_FILE:
		return value_id(context, process->exe);
	case LOGINUID:
		if (process->loginuid != UINT32_MAX)
			sqlite3_result_int64(context, process->loginuid);
		return 0;
	case FOUND:
		sqlite3_result_int(context, object->flags & LM_OBJECT_FOUND ? 1 : 0);
		return 0;
	default:
		if (find_process(query, process->parent, &parent))
			sqlite3_result_int64(context, parent.process.tgid);
		return 0;
	}
}

static int put_column(struct cursor *cursor, sqlite3_context *context, int column)
{
	struct processes *processes = (struct processes *)cursor;
	const struct lm_query *query = cursor->query;
	const struct lm_object *object = &processes->base.object;
	uint64_t since_ns = process_since_ns(object);

	switch (column) {
	case ID:
		return value_id(context, object->id);
	case START_NS:
		return value_time_ns(context, query, object->process.start_ns);
	case START:
		return value_time(context, query, object->process.start_ns);
	case SINCE_NS:
		return value_time_ns(context, query, since_ns);
	case SINCE:
		return value_time(context, query, since_ns);
	case UNTIL_NS:
	case UNTIL:
	case STATUS:
		return put_end(processes, context, column);
	case DEPTH:
	case ANCESTRY:
	case ANCESTORS:
		return put_ancestry(query, context, object, column);
	case PREVIOUS:
	case PARENT:
	case PPID:
	case EXE_FILE:
	case LOGINUID:
	case FOUND:
		return put_related(query, context, object, column);
	case PID:
	case VERSION:
	case UID:
	case EUID:
	case GID:
	case EGID:
	case SID:
	case CAPABILITIES:
	case NO_NEW_PRIVS:
	case NS_PID:
	case NS_MNT:
	case NS_NET:
	case NS_USER:
		return put_number(context, &object->process, column);
	default:
		return put_text(query, context, object, column);
	}
}

const struct table table_processes = {
	.name = "processes",
	.says = "processes, one row for each program that a process ran",
	.columns = columns,
	.column_count = LM_ARRAY_SIZE(columns),
	.cursor_size = sizeof(struct processes),
	.order_column = ID,
	.estimate = estimate,
	.begin = begin,
	.next = next,
	.column = put_column,
	.end = objects_end,
};
