/* SPDX-License-Identifier: MIT */
#include "asked.h"

#include <sys/stat.h>

/*
 * Constraints on events reach the index: the plan names them, and what need not be looked at is
 * not. The clock says that event n ends at 2026-01-01T00:00:00.001 and n microseconds.
 */

struct house {
	lm_object_id etc, passwd, passwd_name, shadow, shadow_name, tmp, odd, odd_name, shell, tool;
};

#define ROUNDS 2000

/* Two processes that do the same all over; one of them something else, once. */
static struct house make_house(struct scene *s)
{
	struct house h = { .etc = scene_file(s, S_IFDIR), .tmp = scene_file(s, S_IFDIR) };

	scene_bind(s, h.etc, scene_name(s, s->root, "etc"));
	scene_bind(s, h.tmp, scene_name(s, s->root, "tmp"));
	h.passwd = scene_file(s, S_IFREG | 0644);
	h.shadow = scene_file(s, S_IFREG | 0600);
	h.odd = scene_file(s, S_IFREG | 0600);
	h.passwd_name = scene_name(s, h.etc, "passwd");
	h.shadow_name = scene_name(s, h.etc, "shadow");
	h.odd_name = scene_name(s, h.tmp, "a\nb\\\xff");
	scene_bind(s, h.passwd, h.passwd_name);
	scene_bind(s, h.shadow, h.shadow_name);
	scene_bind(s, h.odd, h.odd_name);
	h.shell = scene_process(s, 100, 0, "sh");
	h.tool = scene_process(s, 200, h.shell, "tool");
	for (int i = 0; i < ROUNDS; i++) {
		scene_read(s, h.shell, h.passwd);
		scene_write(s, h.tool, h.odd);
	}
	scene_event(s, LM_OP_UNLINK, h.tool, h.shadow, h.shadow_name);
	scene_finish(s);
	return h;
}

static void test_by_number(void **state)
{
	struct scene *s = *state;

	make_house(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select id, op, pid from events where id = 4001", "4001,unlink,200\r\n");
	assert_rows(q, "select count(*) from events where id between 3 and 7", "5\r\n");
	assert_rows(q, "select count(*) from events where id > 4000.5", "1\r\n");
	assert_rows(q, "select count(*) from events where id < 'a text'", "4001\r\n");
	assert_rows(q, "select count(*) from events where id = null", "0\r\n");
	assert_int_equal(count_looks(q, "select * from events where id = 4001"), 1);
	assert_int_equal(count_looks(q, "select * from events where id >= 10 and id < 20"), 10);
	assert_int_equal(count_looks(q, "select * from events where id in (5, 7, 9)"), 3);
	assert_plan(q, "select * from events where id = 4001", "INDEX 1:id=");
	assert_plan(q, "select * from events where id >= 10 and id < 20", "id>= id<");
}

static void test_by_time(void **state)
{
	struct scene *s = *state;

	make_house(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select id, time, time_ns, begin_ns from events where id = 2",
		"2,2026-01-01T00:00:00.001001999Z,1767225600001001999,1767225600001001000\r\n");
	assert_rows(q, "select min(id), max(id) from events where "
		"time_ns >= ns('2026-01-01T00:00:00.0011Z') and time < '2026-01-01T00:00:00.0012'",
		"101,200\r\n");
	assert_int_equal(count_looks(q, "select * from events where "
		"time >= '2026-01-01T00:00:00.0011' and time < '2026-01-01T00:00:00.0012'"), 100);
	assert_int_equal(count_looks(q, "select * from events where time_ns > ns('-1m')"), 0);
	assert_plan(q, "select * from events where time >= '2026' and time_ns < 5", "time>=");
	assert_plan(q, "select * from events where time >= '2026' and time_ns < 5", "time_ns<");
}

static void test_by_process(void **state)
{
	struct scene *s = *state;

	make_house(s);
	struct lm_query *q QUERY = open_query(s);

	assert_rows(q, "select distinct pid, comm, op from events where pid = 100",
		"100,sh,read\r\n");
	assert_int_equal(count_looks(q, "select * from events where pid = 200"), ROUNDS + 1);
	assert_int_equal(count_looks(q, "select * from events where pid = 201"), 0);
	assert_plan(q, "select * from events where pid = 200", "pid=");
	/* Two looks at processes, and what one of them did. */
	assert_int_equal(count_looks(q, "select e.id from processes p join events e "
		"on e.process = p.id where p.comm = 'sh'"), 2 + ROUNDS);
	assert_plan(q, "select e.id from processes p join events e on e.process = p.id "
		"where p.comm = 'sh'", "process=");
}

static void test_by_operation(void **state)
{
	struct scene *s = *state;

	make_house(s);
	struct lm_query *q QUERY = open_query(s);

	assert_int_equal(count_looks(q, "select * from events where op = 'unlink'"), 1);
	assert_int_equal(
		count_looks(q, "select * from events where op in ('unlink', 'read')"), ROUNDS + 1);
	assert_int_equal(count_looks(q, "select * from events where op = 'fly'"), 0);
	assert_rows(q, "select count(*) from events where op = 'UNLINK' collate nocase", "1\r\n");
	assert_plan(q, "select * from events where op in ('unlink', 'read')", "op@");
	assert_rows(q, "select bytes, result, error, count, flags from events where op = 'unlink'",
		",0,,1,\r\n");
}

static void test_by_object(void **state)
{
	struct scene *s = *state;
	struct house h = make_house(s);
	struct lm_query *q QUERY = open_query(s);
	char sql[128];

	snprintf(sql, sizeof(sql), "select * from events where object = %u", h.shadow);
	assert_int_equal(count_looks(q, sql), 1);
	snprintf(sql, sizeof(sql), "select * from events where name = %u", h.shadow_name);
	assert_int_equal(count_looks(q, sql), 1);
	assert_int_equal(count_looks(q, "select * from events where object = -1"), 0);
	assert_int_equal(count_looks(q, "select * from events where object = 99999999999"), 0);
	assert_plan(q, "select * from events where object = 7", "object=");
}

static void test_by_path(void **state)
{
	static const char *const below_etc[] = {
		"path like '/etc/%'", "path glob '/etc/*'", "path >= '/etc/' and path < '/etc0'",
		"path like '/etc/pa_swd' or path glob '/etc/sh*'",
	};
	struct scene *s = *state;
	char sql[256];

	make_house(s);
	struct lm_query *q QUERY = open_query(s);

	for (size_t i = 0; i < LM_ARRAY_SIZE(below_etc); i++) {
		snprintf(sql, sizeof(sql), "select count(*) from events where %s", below_etc[i]);
		assert_rows(q, sql, "2001\r\n");
		assert_int_equal(count_looks(q, sql), ROUNDS + 1);
	}
	assert_rows(q, "select op, path from events where path = '/etc/shadow'",
		"unlink,/etc/shadow\r\n");
	assert_int_equal(count_looks(q, "select * from events where path = '/etc/shadow'"), 1);
	assert_int_equal(count_looks(q, "select * from events where path like '/ETC/%'"), 0);
	assert_plan(q, "select * from events where path like '/etc/%'", "path~");
	assert_plan(q, "select * from events where path glob '/etc/*'", "path*");
	/* Nothing is known of what this begins with: everything is looked at. */
	assert_int_equal(count_looks(q, "select * from events where path like '%shadow'"), 4001);
}

/* A line feed, a backslash, and a byte that is no UTF-8: escaped once, the same everywhere. */
static void test_hostile_name(void **state)
{
	struct scene *s = *state;

	make_house(s);
	struct lm_query *q QUERY = open_query(s);
	const char *sql = "select distinct path from events where path like '/tmp/a%'";
	struct asked table ASKED = ask(q, LM_QUERY_TABLE, sql);
	struct asked json ASKED = ask(q, LM_QUERY_JSON, sql);

	assert_rows(q, sql, "/tmp/a\\nb\\\\\\xff\r\n");
	assert_string_equal(table.text,
		"path\n---------------\n/tmp/a\\nb\\\\\\xff\n");
	assert_non_null(strstr(json.text, "[\"/tmp/a\\\\nb\\\\\\\\\\\\xff\"]"));
	assert_int_equal(count_looks(q,
		"select * from events where path = '/tmp/a\\nb\\\\\\xff'"), ROUNDS);
	assert_int_equal(count_looks(q,
		"select * from events where path like '/tmp/a\\nb%'"), ROUNDS);
	assert_int_equal(count_looks(q,
		"select * from events where path like '/tmp/a\\x%'"), ROUNDS);
}

static void test_order(void **state)
{
	struct scene *s = *state;

	make_house(s);
	struct lm_query *q QUERY = open_query(s);

	/* The first rows come without looking at the rest. */
	assert_int_equal(count_looks(q, "select * from events order by id limit 3"), 3);
	assert_rows(q, "select id from events order by id desc limit 1", "4001\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_by_number), SCENE_TEST(test_by_time),
		SCENE_TEST(test_by_process), SCENE_TEST(test_by_operation),
		SCENE_TEST(test_by_object), SCENE_TEST(test_by_path),
		SCENE_TEST(test_hostile_name), SCENE_TEST(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
