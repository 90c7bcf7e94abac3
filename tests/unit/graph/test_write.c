/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

#include "lemona/base/cleanup.h"

/* The four outputs, of an answer with hostile names in it. */

static const char hostile[] = "e\"v\\i\nl\xff\x1b[31m";

static struct lm_answer *make_answer(struct scene *s)
{
	lm_object_id p = scene_process(s, 10, 0, hostile), q, f = scene_file(s, S_IFREG);
	lm_object_id sock = scene_socket(s, 1, 80, 2, 5000, 1), exe = scene_file(s, S_IFREG);
	lm_object_id name = scene_name(s, s->root, hostile);

	scene_event_full(s, (struct lm_event){ .op = LM_OP_RECV, .actor = p, .object = sock,
					       .result = 512 });
	scene_write(s, p, exe);
	q = scene_exec(s, scene_fork(s, p, 11, "sh"), exe, 0, "tool");
	scene_create(s, q, f, name);
	scene_write(s, q, f);
	scene_gap(s, 0, UINT64_MAX, 0);
	scene_finish(s);
	return scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, f);
}

static char *written(int (*write)(const struct lm_answer *answer, FILE *out),
		     const struct lm_answer *answer)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(write(answer, out), 0);
	fclose(out);
	return text;
}

static int write_plain(const struct lm_answer *answer, FILE *out)
{
	return lm_answer_write_text(answer, out, false);
}

static int write_colour(const struct lm_answer *answer, FILE *out)
{
	return lm_answer_write_text(answer, out, true);
}

static int write_svg(const struct lm_answer *answer, FILE *out)
{
	return lm_answer_write_svg(answer, out, NULL);
}

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \n");
}

static const char *check_string(const char *at)
{
	assert_int_equal(*at, '"');
	for (at++; *at != '"'; at++) {
		assert_true((unsigned char)*at >= 0x20);
		if (*at == '\\') {
			at++;
			assert_non_null(strchr("\"\\/bfnrtu", *at));
		}
	}
	return at + 1;
}

/* A strict reader of JSON: what it does not accept fails the test. */
static const char *check_json(const char *at)
{
	bool object = *at == '{';

	if (*at == '"')
		return check_string(at);
	if (*at != '{' && *at != '[') {
		size_t len = strspn(at, "0123456789");

		if (len == 0)
			len = strncmp(at, "true", 4) == 0 || strncmp(at, "null", 4) == 0 ? 4 :
			      strncmp(at, "false", 5) == 0				  ? 5 : 0;
		assert_true(len > 0);
		return at + len;
	}
	at = skip_space(at + 1);
	while (*at != (object ? '}' : ']')) {
		if (object) {
			at = check_string(at);
			assert_int_equal(*at, ':');
			at = skip_space(at + 1);
		}
		at = skip_space(check_json(at));
		if (*at == ',')
			at = skip_space(at + 1);
		else
			assert_int_equal(*at, object ? '}' : ']');
	}
	return at + 1;
}

static void test_json(void **state)
{
	struct lm_answer *answer ANSWER = make_answer(*state);
	char *text LM_FREE = written(lm_answer_write_json, answer);

	assert_int_equal(*skip_space(check_json(text)), '\0');
	assert_non_null(
		strstr(text, "{\"version\":1,\"direction\":\"backward\",\"host\":\"victim\","
			     "\"complete\":false"));
	assert_non_null(
		strstr(text, "\"kind\":\"socket\",\"label\":\"10.0.0.1:80 - 10.0.0.2:5000\""));
	assert_non_null(strstr(text, "\"local\":\"10.0.0.1:80\",\"remote\":\"10.0.0.2:5000\""));
	assert_non_null(strstr(text, "\"entry\":true"));
	assert_non_null(strstr(text, "\"detection\":true"));
	assert_non_null(strstr(text, "\"pid\":11,\"ppid\":10"));
	assert_non_null(strstr(text, "\"argv\":[\"tool\"]"));
	assert_non_null(strstr(text, "\"device\":\"8:1\""));
	assert_non_null(strstr(text, "\"op\":\"fork\""));
	assert_non_null(strstr(text, "\"count\":1,\"bytes\":512,\"event\":\"1\""));
	assert_non_null(strstr(text, "\"events\":null,\"reason\":"));
	assert_non_null(strstr(text, "2026-01-01T00:00:00.001"));
}

static void test_text(void **state)
{
	struct lm_answer *answer ANSWER = make_answer(*state);
	char *plain LM_FREE = written(write_plain, answer),
		    *colour LM_FREE = written(write_colour, answer);

	assert_null(strchr(plain, '\033'));
	assert_non_null(strchr(colour, '\033'));
	assert_null(strstr(colour, "\033[31m")); /* the one in the name */
	assert_non_null(strstr(plain, "What led to /e\"v\\\\i\\nl\\xff\\x1b[31m on victim"));
	assert_non_null(strstr(plain, "received 512 bytes from 10.0.0.1:80 - 10.0.0.2:5000"));
	assert_non_null(strstr(plain, "<- entry point"));
	assert_non_null(strstr(plain, "started tool[11]: tool"));
	assert_non_null(strstr(plain, "<- detection point"));
	assert_non_null(strstr(plain, "Not complete"));
}

static void test_text_says_who_started_what(void **state)
{
	struct scene *s = *state;
	lm_object_id cron = scene_process(s, 10, 0, "cron"), job = scene_fork(s, cron, 11, "job");
	lm_object_id f = scene_file(s, S_IFREG);

	scene_event(s, LM_OP_RECV, job, scene_socket(s, 1, 80, 2, 5000, 1), 0);
	scene_write(s, job, f);
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, f);
	char *plain LM_FREE = written(write_plain, answer);

	assert_non_null(strstr(plain, "job[11] was started by cron[10]: cron"));
	assert_null(strstr(plain, "cron[10] started"));
}

/* The same path under two roots, and one that nobody touched. */
static void test_text_says_each_path_once(void **state)
{
	struct scene *s = *state;
	struct lm_detections from LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *answer ANSWER = NULL;
	lm_object_id p = scene_process(s, 10, 0, "p");

	for (int i = 0; i < 4; i++) {
		lm_object_id f = scene_file(s, S_IFREG);
		lm_object_id name = scene_name(s, s->root, i < 3 ? "passwd" : "other");

		scene_bind(s, f, name);
		if (i == 2)
			assert_int_equal(lm_detections_add(&from, (struct lm_detection){
				name, 0, UINT64_MAX }), 0);
		if (i == 0 || i == 3)
			scene_write(s, p, f);
		assert_int_equal(
			lm_detections_add(&from, (struct lm_detection){ f, 0, UINT64_MAX }), 0);
	}
	scene_finish(s);
	struct lm_trace_options options = { .from = &from };
	assert_int_equal(lm_trace(s->index, &options, &answer, NULL), 0);
	char *plain LM_FREE = written(write_plain, answer),
		    *json LM_FREE = written(lm_answer_write_json, answer);
	int told = 0;

	assert_non_null(strstr(plain, "What led to /passwd (3 files), /other on victim\n"));
	assert_non_null(strstr(plain, "\nNothing led to /passwd (2 files)\n"));
	for (const char *at = json; (at = strstr(at, "\"detection\":true")); at++)
		told++;
	assert_int_equal(told, 5);
}

static void test_dot_and_svg(void **state)
{
	struct lm_answer *answer ANSWER = make_answer(*state);
	char *dot LM_FREE = written(lm_answer_write_dot, answer);

	assert_non_null(strstr(dot, "digraph lemona {"));
	assert_non_null(strstr(dot, "entry point"));
	if (system("command -v dot > /dev/null") != 0)
		skip();
	char *svg LM_FREE = written(write_svg, answer);
	assert_non_null(strstr(svg, "</svg>"));
}

static void test_without_graphviz(void **state)
{
	struct lm_answer *answer ANSWER = make_answer(*state);
	char *path LM_FREE = strdup(getenv("PATH"));
	struct lm_diag diag = LM_DIAG_INIT;
	FILE *out LM_FCLOSE = tmpfile();

	assert_non_null(out);
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0);
	assert_int_equal(lm_answer_write_svg(answer, out, &diag), -ENOENT);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_non_null(strstr(diag.text, "not installed"));
}

static void test_full_disk(void **state)
{
	struct lm_answer *answer ANSWER = make_answer(*state);
	FILE *full LM_FCLOSE = fopen("/dev/full", "w");

	assert_non_null(full);
	assert_int_equal(lm_answer_write_json(answer, full), -EIO);
	assert_int_equal(lm_answer_write_text(answer, full, false), -EIO);
	assert_int_equal(lm_answer_write_dot(answer, full), -EIO);
}

static void test_nothing_to_tell(void **state)
{
	struct scene *s = *state;
	lm_object_id f = scene_file(s, S_IFREG), p = scene_process(s, 1, 0, "p");

	scene_read(s, p, f);
	scene_finish(s);
	struct lm_answer *answer ANSWER = scene_trace(s, LM_BACKWARD, LM_FILTERS_ALL, f);
	char *plain LM_FREE = written(write_plain, answer),
		    *json LM_FREE = written(lm_answer_write_json, answer);

	assert_non_null(strstr(plain, "Nothing in the log leads there."));
	assert_int_equal(*skip_space(check_json(json)), '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_json),	     SCENE_TEST(test_text),
		SCENE_TEST(test_text_says_who_started_what),
		SCENE_TEST(test_text_says_each_path_once),
		SCENE_TEST(test_dot_and_svg), SCENE_TEST(test_without_graphviz),
		SCENE_TEST(test_full_disk),  SCENE_TEST(test_nothing_to_tell),
	};

	return cmocka_run_group_tests_name("graph output", tests, NULL, NULL);
}
