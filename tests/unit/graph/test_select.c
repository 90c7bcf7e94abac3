/* SPDX-License-Identifier: MIT */
#include "lemona/graph/select.h"
#include "scene.h"

#include <sys/stat.h>

/* What any index must answer to lists of events, and to questions about objects. */

struct select_scene {
	lm_object_id etc, usr, passwd, passwd_name, moved_name, lib, lib_name, first, second, third;
	lm_object_id socket, other;
};

/* Two processes, two files in directories, one of them renamed with its directory's name. */
static struct select_scene begin(struct scene *s)
{
	struct select_scene h = { .etc = scene_file(s, S_IFDIR), .usr = scene_file(s, S_IFDIR) };

	scene_bind(s, h.etc, scene_name(s, s->root, "etc"));
	scene_bind(s, h.usr, scene_name(s, s->root, "usr"));
	h.passwd = scene_file(s, S_IFREG);
	h.lib = scene_file(s, S_IFREG);
	h.passwd_name = scene_name(s, h.etc, "passwd");
	h.moved_name = scene_name(s, h.etc, "passwd-");
	h.lib_name = scene_name(s, h.usr, "lib");
	scene_bind(s, h.passwd, h.passwd_name);
	scene_bind(s, h.lib, h.lib_name);
	h.socket = scene_socket(s, 1, 22, 9, 5000, 1);
	h.other = scene_socket(s, 1, 22, 8, 5000, 1);
	h.first = scene_process(s, 10, 0, "first");
	scene_read(s, h.first, h.passwd);                       /* 1 */
	h.second = scene_fork(s, h.first, 20, "second");        /* 2 */
	scene_write(s, h.second, h.lib);                        /* 3 */
	scene_rename(s, h.second, h.passwd, h.passwd_name, h.moved_name); /* 4 */
	h.third = scene_exec(s, h.second, h.lib, h.lib_name, "third"); /* 5 */
	scene_event(s, LM_OP_EXIT, h.third, 0, 0);              /* 6 */
	scene_finish(s);
	return h;
}

/* The numbers of what is found, as digits. */
static void assert_found(const struct scene *s, struct lm_select select, const char *numbers)
{
	struct lm_select_cursor *cursor = NULL;
	struct lm_event event;
	char found[32] = "";
	size_t len = 0;
	int r;

	assert_int_equal(lm_select_open(s->index, &select, &cursor), 0);
	while ((r = lm_select_next(cursor, &event)) > 0 && len < sizeof(found) - 1)
		found[len++] = (char)('0' + event.id);
	assert_int_equal(r, 0);
	assert_null(lm_select_close(cursor));
	assert_string_equal(found, numbers);
}

static void test_all(void **state)
{
	begin(*state);
	assert_found(*state, (struct lm_select)LM_SELECT_INIT, "123456");
}

static void test_numbers(void **state)
{
	struct lm_select select = LM_SELECT_INIT;

	begin(*state);
	select.first_event = 2;
	select.last_event = 4;
	assert_found(*state, select, "234");
	select.last_event = 1;
	assert_found(*state, select, "");
	select.first_event = 6;
	select.last_event = UINT64_MAX;
	assert_found(*state, select, "6");
}

static void test_times(void **state)
{
	struct lm_select select = LM_SELECT_INIT;

	begin(*state);
	/* An event belongs to the time at which it ended: 1000999, 1001999, ... */
	select.since_ns = 1001999;
	select.until_ns = 1002999;
	assert_found(*state, select, "23");
	select.since_ns++;
	select.until_ns--;
	assert_found(*state, select, "");
}

static void test_actors(void **state)
{
	struct select_scene h = begin(*state);
	const lm_object_id both[] = { h.first, h.third };
	struct lm_select select = LM_SELECT_INIT;

	select.actors = both;
	select.actor_count = 2;
	assert_found(*state, select, "126");
	select.actors = &h.second;
	select.actor_count = 1;
	assert_found(*state, select, "345");
}

static void test_touching(void **state)
{
	struct select_scene h = begin(*state);
	const lm_object_id several[] = { h.passwd, h.third };
	struct lm_select select = LM_SELECT_INIT;

	/* As object, object2, name and name2; whoever acted does not count. */
	select.touching = several;
	select.touching_count = 2;
	assert_found(*state, select, "145");
	select.touching_count = 1;
	select.touching = &h.moved_name;
	assert_found(*state, select, "4");
	select.touching = &h.lib_name;
	assert_found(*state, select, "5");
	select.touching = &h.first;
	assert_found(*state, select, "");
}

static void test_operations(void **state)
{
	struct lm_select select = LM_SELECT_INIT;

	begin(*state);
	lm_select_add_op(&select, LM_OP_RENAME);
	lm_select_add_op(&select, LM_OP_EXIT);
	assert_found(*state, select, "46");
	select.last_event = 5;
	assert_found(*state, select, "4");
}

static void assert_ids(struct lm_object_ids *ids, lm_object_id a, lm_object_id b)
{
	lm_object_ids_sort(ids);
	assert_int_equal(ids->count, (a != 0) + (b != 0));
	if (a)
		assert_int_equal(ids->at[0], a);
	if (b)
		assert_int_equal(ids->at[1], b);
	ids->count = 0;
}

static void test_processes(void **state)
{
	struct scene *s = *state;
	struct select_scene h = begin(s);
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	struct lm_event end;

	assert_int_equal(lm_index_processes_by_pid(s->index, 20, &ids), 0);
	assert_ids(&ids, h.second, h.third);
	assert_int_equal(lm_index_processes_by_pid(s->index, 21, &ids), 0);
	assert_ids(&ids, 0, 0);
	assert_int_equal(lm_index_children(s->index, h.first, &ids), 0);
	assert_ids(&ids, h.second, 0);
	assert_int_equal(lm_index_children(s->index, h.second, &ids), 0);
	assert_ids(&ids, h.third, 0);
	assert_int_equal(lm_index_process_end(s->index, h.first, &end), -ENOENT);
	assert_int_equal(lm_index_process_end(s->index, h.second, &end), 0);
	assert_int_equal(end.id, 5);
	assert_int_equal(lm_index_process_end(s->index, h.third, &end), 0);
	assert_int_equal(end.id, 6);
}

static void test_kinds(void **state)
{
	struct scene *s = *state;
	struct select_scene h = begin(s);

	assert_int_equal(lm_index_next_of_kind(s->index, LM_OBJECT_KIND_PROCESS, 0), h.first);
	assert_int_equal(
		lm_index_next_of_kind(s->index, LM_OBJECT_KIND_PROCESS, h.first + 1), h.second);
	assert_int_equal(lm_index_next_of_kind(s->index, LM_OBJECT_KIND_PROCESS, h.third + 1), 0);
	assert_int_equal(lm_index_next_of_kind(s->index, LM_OBJECT_KIND_PIPE, 0), 0);
}

static void test_sockets(void **state)
{
	struct scene *s = *state;
	struct select_scene h = begin(s);
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	struct lm_address address = { .family = LM_AF_INET, .port = 1, .ip = { 10, 0, 0, 9 } };

	assert_int_equal(lm_index_sockets_by_address(s->index, &address, true, &ids), 0);
	assert_ids(&ids, h.socket, 0);
	assert_int_equal(lm_index_sockets_by_address(s->index, &address, false, &ids), 0);
	assert_ids(&ids, 0, 0);
	address = (struct lm_address){ .family = LM_AF_INET, .port = 22, .ip = { 10, 0, 0, 1 } };
	assert_int_equal(lm_index_sockets_by_address(s->index, &address, false, &ids), 0);
	assert_ids(&ids, h.socket, h.other);
}

static void find_below(const struct scene *s, const char *path, bool exact,
	struct lm_object_ids *ids)
{
	assert_int_equal(lm_index_names_below(s->index, lm_str_from(path), exact, ids), 0);
}

static void test_names(void **state)
{
	struct scene *s = *state;
	struct select_scene h = begin(s);
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;

	find_below(s, "/etc/", false, &ids);
	assert_ids(&ids, h.passwd_name, h.moved_name);
	find_below(s, "/etc/passwd", true, &ids);
	assert_ids(&ids, h.passwd_name, 0);
	find_below(s, "/etc/passwd", false, &ids);
	assert_ids(&ids, h.passwd_name, h.moved_name);
	find_below(s, "/usr/l", false, &ids);
	assert_ids(&ids, h.lib_name, 0);
	find_below(s, "/etc/passwd/", false, &ids);
	assert_ids(&ids, 0, 0);
	find_below(s, "etc", false, &ids);
	assert_ids(&ids, 0, 0);
	find_below(s, "/", false, &ids);
	assert_int_equal(ids.count, 5);
}

/* A directory that is inside itself, and one that two names lead to. */
static void test_loop_of_names(void **state)
{
	struct scene *s = *state;
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	lm_object_id dir = scene_file(s, S_IFDIR), inside, again;

	scene_bind(s, dir, scene_name(s, s->root, "dir"));
	inside = scene_name(s, dir, "inside");
	again = scene_name(s, dir, "again");
	scene_bind(s, dir, inside);
	scene_bind(s, dir, again);
	scene_finish(s);
	find_below(s, "/dir/", false, &ids);
	assert_ids(&ids, inside, again);
	find_below(s, "/dir/inside/again/inside/again", true, &ids);
	assert_ids(&ids, again, 0);
}

/* Names of which only a whole path is known. */
static void test_claimed_names(void **state)
{
	struct scene *s = *state;
	struct lm_object_ids ids LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	lm_object_id dir = scene_file(s, S_IFDIR), claimed, below;

	claimed = scene_name(s, 0, "/srv/www");
	scene_bind(s, dir, claimed);
	below = scene_name(s, dir, "page");
	scene_finish(s);
	find_below(s, "/srv/", false, &ids);
	assert_ids(&ids, claimed, below);
	find_below(s, "/srv/www", true, &ids);
	assert_ids(&ids, claimed, 0);
	find_below(s, "/srv/www/pa", false, &ids);
	assert_ids(&ids, below, 0);
	find_below(s, "/srv/wwwpage", true, &ids);
	assert_ids(&ids, 0, 0);
}

#define HOUR_NS UINT64_C(3600000000000)
#define EPOCH_NS UINT64_C(1767225600000000000)

/* The clock was set back by an hour when the host was up for two. */
static void test_window(void **state)
{
	struct scene *s = *state;
	uint64_t since = 0, until = 0;

	assert_int_equal(lm_index_add_wall_offset(s->index, 2 * HOUR_NS,
		(int64_t)(EPOCH_NS - HOUR_NS)), 0);
	scene_finish(s);
	assert_true(lm_index_boot_window(s->index, EPOCH_NS, EPOCH_NS + 9, &since, &until));
	assert_int_equal(since, 0);
	assert_int_equal(until, 9);
	/* From one to two o'clock was twice. */
	assert_true(lm_index_boot_window(s->index, EPOCH_NS + HOUR_NS + 5,
		EPOCH_NS + HOUR_NS + 6, &since, &until));
	assert_int_equal(since, HOUR_NS + 5);
	assert_int_equal(until, 2 * HOUR_NS + 6);
	assert_true(lm_index_boot_window(s->index, 0, UINT64_MAX, &since, &until));
	assert_int_equal(since, 0);
	assert_int_equal(until, UINT64_MAX);
	assert_true(lm_index_boot_window(s->index, EPOCH_NS + 5 * HOUR_NS, UINT64_MAX, &since,
		&until));
	assert_int_equal(since, 6 * HOUR_NS);
	assert_false(lm_index_boot_window(s->index, 5, EPOCH_NS - 1, &since, &until));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_all), SCENE_TEST(test_numbers), SCENE_TEST(test_times),
		SCENE_TEST(test_actors), SCENE_TEST(test_touching), SCENE_TEST(test_operations),
		SCENE_TEST(test_processes), SCENE_TEST(test_kinds), SCENE_TEST(test_sockets),
		SCENE_TEST(test_names), SCENE_TEST(test_loop_of_names),
		SCENE_TEST(test_claimed_names), SCENE_TEST(test_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
