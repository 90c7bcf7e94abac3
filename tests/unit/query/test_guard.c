/* SPDX-License-Identifier: MIT */
#include "asked.h"

#include <stdlib.h>
#include <unistd.h>

/* What SQL may not do, and how it ends when it asks for too much. */

static void begin(struct scene *s)
{
	lm_object_id p = scene_process(s, 7, 0, "sh");

	for (int i = 0; i < 5000; i++)
		scene_read(s, p, scene_file(s, 0100644));
	scene_finish(s);
}

static void test_nothing_is_changed(void **state)
{
	static const char *const refused[] = {
		"attach '/tmp/lemona-query-test.db' as x", "detach main", "create table t(a)",
		"create temp table t(a)", "create view v as select 1",
		"create virtual table v using events", "drop table events", "vacuum",
		"vacuum into '/tmp/lemona-query-test.db'", "insert into events(id) values (1)",
		"delete from events", "update events set id = 1", "begin", "savepoint s",
		"pragma query_only = off", "pragma journal_mode = delete",
		"pragma writable_schema = 1", "pragma temp_store_directory = '/tmp'",
		"pragma case_sensitive_like = off", "reindex", "analyze",
		"update sqlite_master set type = 'x'", "delete from sqlite_master",
		"update sqlite_master set type = 'x' returning 1",
		"insert into sqlite_master(type) values ('x')", "update sqlite_schema set type = 1",
		"select load_extension('/tmp/x.so')", "alter table events rename to e",
	};
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);

	for (size_t i = 0; i < LM_ARRAY_SIZE(refused); i++) {
		struct asked asked ASKED = ask(q, LM_QUERY_CSV, refused[i]);

		if (asked.code != -EINVAL || !asked.diag.text[0] || asked.len > 0)
			fail_msg("%s: %d %s", refused[i], asked.code, asked.diag.text);
	}
	assert_int_equal(access("/tmp/lemona-query-test.db", F_OK), -1);
	assert_fails(q, "attach 'x' as y", -EINVAL, "A log cannot be changed");
	assert_rows(q, "select name from pragma_table_info('gaps') limit 1", "since_ns\r\n");
	assert_rows(q, "pragma table_info(alerts)", "0,id,INTEGER,0,,0\r\n"
		"1,time_ns,INTEGER,0,,0\r\n2,time,TEXT,0,,0\r\n3,rule,TEXT,0,,0\r\n"
		"4,level,TEXT,0,,0\r\n5,title,TEXT,0,,0\r\n6,event,INTEGER,0,,0\r\n"
		"7,process,INTEGER,0,,0\r\n8,object,INTEGER,0,,0\r\n");
}

static void test_bad_sql(void **state)
{
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);

	assert_fails(q, "selec 1", -EINVAL, "syntax error");
	assert_fails(q, "select nonesuch from events", -EINVAL, "no such column: nonesuch");
	assert_fails(q, "select \"sh\" from events", -EINVAL, "no such column");
	assert_fails(q, "select * from nowhere", -EINVAL, "no such table: nowhere");
	assert_fails(q, "select ns('yesterday')", -EINVAL, "yesterday");
	assert_fails(q, "select json('{')", -EINVAL, "JSON");
	assert_fails(q, "select '\xff' from", -EINVAL, "incomplete input");
	assert_fails(q, "select path_at(1, 'x')", -EINVAL, "x");
}

static void test_statements(void **state)
{
	struct scene *s = *state;
	struct lm_query_outcome outcome;
	const char *rest = "select 1; -- so\n select 2 ;; ";
	FILE *out = fopen("/dev/null", "w");
	int ran = 0;

	assert_non_null(out);
	begin(s);
	struct lm_query *q QUERY = open_query(s);

	while (*rest) {
		int r = lm_query_run(q, rest, LM_QUERY_CSV, out, &rest, &outcome, NULL);

		assert_true(r >= 0);
		ran += r;
	}
	fclose(out);
	assert_int_equal(ran, 2);
	assert_true(lm_query_is_complete("select 1;"));
	assert_false(lm_query_is_complete("select ';"));
}

static struct lm_query *open_limited(const struct scene *s, uint64_t timeout_ns, uint64_t memory)
{
	const struct lm_query_options options = { .timeout_ns = timeout_ns,
						  .memory_bytes = memory };
	struct lm_query *query = NULL;

	assert_int_equal(lm_query_open(s->index, &options, &query, NULL), 0);
	return query;
}

#define FOREVER "with recursive n(i) as (select 1 union all select i + 1 from n) "

static void test_time_limit(void **state)
{
	static const char *const endless[] = {
		FOREVER "select count(*) from n",
		FOREVER "select i from n where i < 0",
		"select count(*) from events a, events b, events c where a.result > b.arg + c.cpu",
		"select count(*) from files a, files b, files c where a.inode = b.id + c.id",
	};
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_limited(s, 50000000, 64u << 20);

	for (size_t i = 0; i < LM_ARRAY_SIZE(endless); i++)
		assert_fails(q, endless[i], -ETIME, "The time limit has passed");
	/* The next one has its time again. */
	assert_rows(q, "select 1", "1\r\n");
}

static void test_memory_limit(void **state)
{
	static const char *const greedy[] = {
		"with recursive n(i) as (select 1 union select i + 1 from n) select max(i) from n",
		"select length(group_concat(hex(zeroblob(8000000)))) from events",
		FOREVER "select i, zeroblob(1000) from n order by 2, 1",
	};
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_limited(s, UINT64_C(60000000000), 8u << 20);

	for (size_t i = 0; i < LM_ARRAY_SIZE(greedy); i++) {
		struct asked asked ASKED = ask(q, LM_QUERY_CSV, greedy[i]);

		if (asked.code != -ENOMEM && asked.code != -EINVAL)
			fail_msg("%s: %d %s", greedy[i], asked.code, asked.diag.text);
	}
	assert_rows(q, "select count(*) from events", "5000\r\n");
}

static void test_interrupt(void **state)
{
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);

	lm_query_interrupt(q);
	/* It is for a statement that runs. */
	assert_rows(q, "select 1", "1\r\n");
}

static void test_depth(void **state)
{
	struct lm_buffer sql LM_BUFFER = LM_BUFFER_INIT;
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);

	lm_buffer_append_text(&sql, "select ");
	for (int i = 0; i < 100000; i++)
		lm_buffer_append_byte(&sql, '(');
	lm_buffer_append_byte(&sql, '\0');
	assert_int_equal(lm_buffer_status(&sql), 0);
	struct asked asked ASKED = ask(q, LM_QUERY_CSV, (const char *)sql.data);

	assert_int_equal(asked.code, -EINVAL);
	lm_buffer_reset(&sql);
	lm_buffer_append_text(&sql, "select 1 -- ");
	for (int i = 0; i < 2000000; i++)
		lm_buffer_append_byte(&sql, 'x');
	lm_buffer_append_byte(&sql, '\0');
	struct asked longer ASKED = ask(q, LM_QUERY_CSV, (const char *)sql.data);

	assert_int_equal(longer.code, -EINVAL);
}

static void test_csv(void **state)
{
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);
	struct asked asked ASKED = ask(q, LM_QUERY_CSV,
		"select 'a,b' as \"=x\", 'say \"no\"', '=cmd()', -5, '-5', '''t', null, x'00ff', "
		"'two' || char(10) || 'lines', 1.5, '@x', '+1', ''");

	assert_string_equal(strstr(asked.text, "\r\n") + 2,
		"\"a,b\",\"say \"\"no\"\"\",'=cmd(),-5,'-5,''t,,00ff,\"two\nlines\",1.5,'@x,'+1,"
		"\r\n");
	assert_memory_equal(asked.text, "'=x,", 4);
}

static void test_json(void **state)
{
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);
	struct asked asked ASKED = ask(q, LM_QUERY_JSON,
		"select 9223372036854775807 as a, 1e999, -0.5, 'q\"\\' || char(10, 27), x'00ff', "
		"null, cast(x'41ff' as text) as a");

	assert_string_equal(strstr(asked.text, "\"rows\""),
		"\"rows\":[\n[9223372036854775807,null,-0.5,\"q\\\"\\\\\\n\\u001b\",\"00ff\",null,"
		"\"A\\\\xff\"]],\n\"gaps\":[],\n\"hidden\":[],\n\"complete\":true}\n");
	struct asked failed ASKED = ask(q, LM_QUERY_JSON,
		"select json(case id when 3 then '{' else '1' end) from events");

	assert_int_equal(failed.code, -EINVAL);
	assert_string_equal(strstr(failed.text, "\"rows\""),
		"\"rows\":[\n[\"1\"],\n[\"1\"]],\n\"gaps\":[],\n\"hidden\":[],\n\"complete\":false,"
		"\"error\":\"malformed JSON\"}\n");
}

static void test_table(void **state)
{
	struct scene *s = *state;

	begin(s);
	struct lm_query *q QUERY = open_query(s);
	struct asked asked ASKED = ask(q, LM_QUERY_TABLE,
		"select 1 as n, 'a' || char(27) || '\\' as t union all select 1000, null");

	assert_string_equal(asked.text,
		"   n  t\n" "----  ------\n" "   1  a\\x1b\\\n" "1000  \n");
}

/* Widths are those of the first rows; all the others come, whatever they hold. */
static void test_long_table(void **state)
{
	struct scene *s = *state;
	size_t lines = 0;

	begin(s);
	struct lm_query *q QUERY = open_query(s);
	struct asked asked ASKED = ask(q, LM_QUERY_TABLE,
		"select id, case id when 4000 then printf('%500s', 'x') else 'y' end, op "
		"from events");

	for (const char *at = asked.text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 5002);
	assert_non_null(strstr(asked.text, "x read\n"));
}

static void test_output_fails(void **state)
{
	struct scene *s = *state;
	struct lm_query_outcome outcome;
	FILE *full = fopen("/dev/full", "w");

	begin(s);
	struct lm_query *q QUERY = open_query(s);

	assert_non_null(full);
	assert_int_equal(lm_query_run(q, FOREVER "select i from n", LM_QUERY_CSV, full, NULL,
		&outcome, NULL), -EIO);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_nothing_is_changed), SCENE_TEST(test_bad_sql),
		SCENE_TEST(test_statements), SCENE_TEST(test_time_limit),
		SCENE_TEST(test_memory_limit), SCENE_TEST(test_interrupt),
		SCENE_TEST(test_depth), SCENE_TEST(test_csv), SCENE_TEST(test_json),
		SCENE_TEST(test_table), SCENE_TEST(test_long_table),
		SCENE_TEST(test_output_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
