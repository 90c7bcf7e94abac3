/* SPDX-License-Identifier: MIT */
#include "asked.h"

#include <sys/stat.h>

/* The rows of the other tables, on a small break-in; what is looked at for them. */

struct play {
	lm_object_id etc, tmp, shadow, drop, drop_name, moved_name, sshd, shell, tool, exe, socket;
	lm_object_id sh, sh_name;
};

/* sshd forks a shell that hears from 10.0.0.9, drops a program, renames it, and runs it. */
static struct play stage(struct scene *s)
{
	struct play p = { .etc = scene_file(s, S_IFDIR), .tmp = scene_file(s, S_IFDIR) };
	lm_object_id child;

	scene_bind(s, p.etc, scene_name(s, s->root, "etc"));
	scene_bind(s, p.tmp, scene_name(s, s->root, "tmp"));
	p.shadow = scene_file(s, S_IFREG | 0600);
	scene_bind(s, p.shadow, scene_name(s, p.etc, "shadow"));
	p.drop_name = scene_name(s, p.tmp, "drop");
	p.moved_name = scene_name(s, p.tmp, "=1+1");
	p.drop = scene_file(s, S_IFREG | 04755);
	p.sh = scene_file(s, S_IFREG | 0755);
	p.sh_name = scene_name(s, p.etc, "sh");
	scene_bind(s, p.sh, p.sh_name);
	p.sshd = scene_process(s, 10, 0, "sshd");
	p.socket = scene_socket(s, 1, 22, 9, 5000, 1);
	scene_event(s, LM_OP_ACCEPT, p.sshd, p.socket, 0);
	child = scene_fork(s, p.sshd, 20, "sshd");
	p.shell = scene_exec(s, child, p.sh, p.sh_name, "sh");
	scene_event(s, LM_OP_RECV, p.shell, p.socket, 0);
	scene_create(s, p.shell, p.drop, p.drop_name);
	scene_write(s, p.shell, p.drop);
	scene_rename(s, p.shell, p.drop, p.drop_name, p.moved_name);
	child = scene_fork(s, p.shell, 30, "sh");
	p.tool = scene_exec(s, child, p.drop, p.moved_name, "tool");
	scene_read(s, p.tool, p.shadow);
	scene_write(s, p.tool, p.shadow);
	scene_event(s, LM_OP_EXIT, p.tool, 0, 0);
	return p;
}

static void test_processes(void **state)
{
	struct scene *s = *state;

	stage(s);
	for (uint32_t pid = 1000; pid < 1200; pid++)
		scene_process(s, pid, 0, "other");
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select version, comm, exe, ppid, depth, ancestry from processes "
		"where pid = 30",
		"0,sh,,20,2,sshd[10] > sh[20] > sh[30]\r\n"
		"1,tool,/tmp/=1+1,20,2,sshd[10] > sh[20] > tool[30]\r\n");
	assert_rows(q, "select pid, status, until is null from processes where comm = 'tool' "
		"or comm = 'sshd' and pid = 10", "10,,1\r\n30,0,0\r\n");
	/* A version ends where the next one begins. */
	assert_rows(q, "select (select until_ns from processes where pid = 20 and version = 0) = "
		"(select max(time_ns) from events where op = 'exec' and pid = 20)", "1\r\n");
	assert_int_equal(count_looks(q, "select * from processes where pid = 30"), 2);
	assert_int_equal(count_looks(q, "select * from processes p join processes c "
		"on c.parent = p.id where p.pid = 10"), 1 + 2);
	assert_rows(q, "select p.comm from processes c, json_each(c.ancestors) a, processes p "
		"where c.comm = 'tool' and p.id = a.value order by a.key", "sh\r\nsshd\r\n");
	assert_plan(q, "select * from processes where pid = 30", "pid=");
}

static void test_files(void **state)
{
	struct scene *s = *state;
	struct play p = stage(s);
	char sql[128];

	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select path, type, printf('%o', mode), removed from files "
		"where mode & 0x800", "/tmp/=1+1,regular,4755,0\r\n");
	assert_rows(q, "select path from files where path like '/etc/%' order by 1",
		"/etc/sh\r\n/etc/shadow\r\n");
	assert_int_equal(count_looks(q, "select * from files where path like '/etc/%'"), 2);
	snprintf(sql, sizeof(sql), "select * from files where id = %u", p.shadow);
	assert_int_equal(count_looks(q, sql), 1);
	assert_plan(q, "select * from files where path glob '/etc/*'", "path*");
}

static void test_names(void **state)
{
	struct scene *s = *state;
	struct play p = stage(s);
	char sql[160];

	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	snprintf(sql, sizeof(sql), "select path, until is null from names where file = %u "
		"order by since_ns", p.drop);
	assert_rows(q, sql, "/tmp/drop,0\r\n/tmp/=1+1,1\r\n");
	assert_int_equal(count_looks(q, sql), 2);
	assert_rows(q, "select component from names where path like '/tmp/%' order by 1",
		"'=1+1\r\ndrop\r\n");
	assert_int_equal(count_looks(q, "select * from names where path like '/tmp/%'"), 2);
	assert_rows(q, "select e.op from names n join events e on e.id = n.event "
		"where n.path = '/tmp/drop'", "open\r\n");
	/* Before the rename, and after. */
	snprintf(sql, sizeof(sql), "select a.path from events e, path_at(%u, e.time_ns) a "
		"where e.op = 'write' and e.pid = 20", p.drop);
	assert_rows(q, sql, "/tmp/drop\r\n");
	snprintf(sql, sizeof(sql), "select a.path from path_at(%u, '2026-01-01T00:00:01Z') a",
		p.drop);
	assert_rows(q, sql, "/tmp/=1+1\r\n");
	snprintf(sql, sizeof(sql), "select path_at(%u, '2026-01-01T00:00:01Z')", p.drop);
	assert_rows(q, sql, "/tmp/=1+1\r\n");
}

static void test_sockets(void **state)
{
	struct scene *s = *state;

	stage(s);
	for (uint16_t port = 1; port < 50; port++)
		scene_socket(s, 1, 80, 3, port, 1);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select family, local, remote_address, remote_port from sockets "
		"where remote_address = '10.0.0.9'", "inet,10.0.0.1:22,10.0.0.9,5000\r\n");
	assert_int_equal(count_looks(q, "select * from sockets where remote_address = '10.0.0.9'"),
		1);
	assert_int_equal(count_looks(q, "select * from sockets where remote = '10.0.0.9:5000'"),
		1);
	assert_int_equal(count_looks(q, "select * from sockets where local = 'no address'"), 50);
	assert_plan(q, "select * from sockets where remote_address = 'x'", "remote_address=");
}

static void test_traces(void **state)
{
	struct scene *s = *state;

	stage(s);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select distinct sink_label from backtrack('file:/etc/shadow') "
		"where source_flags like '%entry%' order by 1", "sh[20]\r\nsshd[10]\r\n");
	assert_rows(q, "select count(*) > 0 from backtrack('file:/etc/shadow', "
		"'to=sock:10.0.0.9', 'no-filter=all') where sink_label = '/etc/shadow'", "1\r\n");
	assert_rows(q, "select distinct p.comm from forward('sock:10.0.0.9') f "
		"join processes p on p.id = f.sink where p.comm = 'tool'", "tool\r\n");
	/* Graph and relation in one: what a table says is where the trace begins. */
	assert_rows(q, "select count(*) > 0 from names n, backtrack('object:' || n.file) b "
		"where n.path = '/tmp/drop'", "1\r\n");
	assert_rows(q, "select count(*) from backtrack(null)", "0\r\n");
	assert_rows(q, "select distinct detection, option1 from "
		"forward('sock:10.0.0.9', 'no-filter=all')", "sock:10.0.0.9,no-filter=all\r\n");
	assert_rows(q, "select count(*) > 0, max(score) between 1 and 1000 from "
		"backtrack('file:/etc/shadow', 'top=1')", "1,1\r\n");
	assert_fails(q, "select * from forward('proc:10', 'top=0')", -EINVAL, "top=3");
	assert_rows(q, "select flags from events where op = 'open'", "created\r\n");
	assert_fails(q, "select * from backtrack", -EINVAL, "where to start");
	assert_fails(q, "select * from backtrack('file:/etc/shadov')", -EINVAL, "/etc/shadow");
	assert_fails(q, "select * from forward('nonsense')", -EINVAL, "names nothing");
	assert_fails(q, "select * from forward('proc:10', 'up=2')", -EINVAL, "no option \"up=2\"");
	assert_fails(q, "select * from forward('proc:10', 'no-filter=x')", -EINVAL, "no filter x");
	assert_fails(q, "select * from forward('proc:10', 'until=x')", -EINVAL, "x");
}

static void test_hidden(void **state)
{
	struct scene *s = *state;

	stage(s);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);
	struct asked some ASKED = ask(q, LM_QUERY_JSON,
		"select 1 from backtrack('file:/etc/shadow')");
	struct asked all ASKED = ask(q, LM_QUERY_JSON,
		"select 1 from backtrack('file:/etc/shadow', 'no-filter=all')");

	assert_non_null(strstr(some.text, "\"hidden\":[{\"filter\":"));
	assert_non_null(strstr(all.text, "\"hidden\":[]"));
}

static void test_tree(void **state)
{
	struct scene *s = *state;

	stage(s);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select level, pid, comm from tree(10)",
		"0,10,sshd\r\n1,20,sshd\r\n1,20,sh\r\n2,30,sh\r\n2,30,tool\r\n");
	assert_rows(q, "select count(*) from tree(30)", "2\r\n");
	assert_rows(q, "select count(*) from tree(31)", "0\r\n");
	assert_fails(q, "select * from tree", -EINVAL, "tree(1)");
}

static void test_sessions(void **state)
{
	struct scene *s = *state;
	struct lm_item item = { .kind = LM_ITEM_OBJECT };

	stage(s);
	item.object = (struct lm_object){
		.id = s->objects + 1, .kind = LM_OBJECT_KIND_PROCESS, .time_ns = s->now,
		.process = { .tgid = 77, .start_ns = s->now, .session = 4, .loginuid = 1000,
			     .sid = 77, .tty = 136u << 20 | 2, .comm = LM_STR("bash") },
	};
	assert_int_equal(lm_index_add(s->index, &item), 0);
	item.object.id++;
	item.object.process.tgid = 78;
	assert_int_equal(lm_index_add(s->index, &item), 0);
	item.object.id++;
	item.object.process.tgid = 79;
	item.object.process.session = item.object.process.loginuid = UINT32_MAX;
	assert_int_equal(lm_index_add(s->index, &item), 0);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select id, login, loginuid, comm, processes from sessions "
		"where pid in (77, 79)",
		"login:4,4,1000,bash,2\r\nterminal:77:pts/2,,,bash,1\r\n");
	assert_rows(q, "select pid from processes where session = 'login:4'", "77\r\n78\r\n");
}

static void test_gaps(void **state)
{
	struct scene *s = *state;

	stage(s);
	scene_gap(s, 1000000, 1002000, 7);
	scene_gap(s, 900000000, 900000001, 0);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);
	struct asked early ASKED = ask(q, LM_QUERY_JSON,
		"select 1 from events where time < '2026-01-01T00:00:00.5'");
	struct asked late ASKED = ask(q, LM_QUERY_CSV,
		"select 1 from events where time > '2026-01-01T00:00:00.95'");
	struct asked none ASKED = ask(q, LM_QUERY_JSON, "select count(*) from gaps");
	struct asked all ASKED = ask(q, LM_QUERY_TABLE, "select count(*) from processes");

	assert_rows(q, "select events, reason, since from gaps",
		"7,full,2026-01-01T00:00:00.001000000Z\r\n"
		",full,2026-01-01T00:00:00.900000000Z\r\n");
	assert_int_equal(early.outcome.gaps, 1);
	assert_int_equal(early.outcome.gap_events, 7);
	assert_true(early.outcome.gap_events_known);
	assert_non_null(strstr(early.text, "\"events\":7,\"reason\":\"full\"}]"));
	assert_non_null(strstr(early.text, "\"complete\":false"));
	assert_int_equal(late.outcome.gaps, 0);
	assert_non_null(strstr(none.text, "\"gaps\":[],\n\"hidden\":[],\n\"complete\":true}"));
	assert_int_equal(all.outcome.gaps, 2);
	assert_false(all.outcome.gap_events_known);
}

static void test_alerts(void **state)
{
	struct scene *s = *state;

	stage(s);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select count(*) from alerts a left join events e on e.id = a.event",
		"0\r\n");
}

/* Objects that are their own parents, directories inside themselves, numbers of nothing. */
static void test_hostile_log(void **state)
{
	struct scene *s = *state;
	struct lm_query_table table;
	struct lm_item item = { .kind = LM_ITEM_OBJECT };
	lm_object_id dir = scene_file(s, S_IFDIR), name = scene_name(s, dir, "\xff\n");

	scene_bind(s, dir, name);
	item.object = (struct lm_object){
		.id = s->objects + 1, .kind = LM_OBJECT_KIND_PROCESS, .time_ns = UINT64_MAX - 1,
		.process = { .tgid = 5, .parent = s->objects + 1, .previous = s->objects + 1,
			     .exe = 4000000, .exe_name = dir, .root = name, .cgroup = dir,
			     .cwd = 3999999, .script = s->objects + 1, .tty = UINT32_MAX,
			     .comm = LM_STR("\x1b[31m"), .argv = LM_STR("a\0\0b") },
	};
	assert_int_equal(lm_index_add(s->index, &item), 0);
	s->objects++;
	scene_event_full(s, (struct lm_event){ .op = 200, .actor = item.object.id,
		.object = 3999998, .object2 = name, .name = dir + 1, .flags = UINT16_MAX,
		.call = UINT16_MAX, .result = INT64_MIN, .arg = UINT64_MAX });
	scene_event_full(s, (struct lm_event){ .op = LM_OP_READ, .actor = item.object.id,
		.object = item.object.id, .result = -5 });
	scene_gap(s, UINT64_MAX - 5, 3, UINT64_MAX);
	scene_finish(s);
	struct lm_query *q QUERY = open_query(s);

	for (size_t i = 0; lm_query_table(i, &table); i++) {
		char sql[128];
		bool asks = strchr(table.says, '(');

		snprintf(sql, sizeof(sql), "select * from %s%s", table.name,
			!asks				     ? "" :
			strcmp(table.name, "tree") == 0	     ? "(5)" :
			strcmp(table.name, "path_at") == 0   ? "(5, 9e18)" :
							       "('proc:5', 'no-filter=all')");
		struct asked asked ASKED = ask(q, LM_QUERY_JSON, sql);

		if (asked.code != 1 || strchr(asked.text, '\x1b'))
			fail_msg("%s: %d %s", sql, asked.code, asked.diag.text);
	}
	assert_rows(q, "select ancestry like '\\x1b[31m[5] > %', depth, command, json_array_length("
		"argv) from processes", "1,256,a  b,3\r\n");
	assert_rows(q, "select count(*) from names where path like '/a/%'", "0\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_processes), SCENE_TEST(test_files), SCENE_TEST(test_names),
		SCENE_TEST(test_sockets), SCENE_TEST(test_traces), SCENE_TEST(test_hidden),
		SCENE_TEST(test_tree), SCENE_TEST(test_sessions), SCENE_TEST(test_gaps),
		SCENE_TEST(test_alerts), SCENE_TEST(test_hostile_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
