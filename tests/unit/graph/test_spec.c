/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

/* What a SPEC finds, and what is said when it finds nothing. */

#define NOW_WALL UINT64_C(1767225700000000000)

static int resolve(const struct scene *s, const char *text, struct lm_detections *out,
		   struct lm_diag *diag)
{
	return lm_spec_resolve(s->index, text, NOW_WALL, out, diag);
}

static bool finds(const struct scene *s, const char *text, lm_object_id object)
{
	struct lm_detections found LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_diag diag = LM_DIAG_INIT;

	if (resolve(s, text, &found, &diag) < 0)
		return false;
	for (size_t i = 0; i < found.count; i++) {
		if (found.at[i].object == object)
			return true;
	}
	return false;
}

static void fails(const struct scene *s, const char *text, int code, const char *says)
{
	struct lm_detections found LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_diag diag = LM_DIAG_INIT;

	assert_int_equal(resolve(s, text, &found, &diag), code);
	assert_int_equal(found.count, 0);
	if (!strstr(diag.text, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, diag.text, says);
}

struct house {
	lm_object_id passwd, passwd_old, name, shell, exe, sock6, unix_sock;
};

static struct house make_house(struct scene *s)
{
	lm_object_id etc = scene_file(s, S_IFDIR), bin = scene_file(s, S_IFDIR), p;
	struct house h = { .passwd_old = scene_file(s, S_IFREG), .passwd = scene_file(s, S_IFREG),
			   .exe = scene_file(s, S_IFREG) };
	lm_object_id temporary, sh;

	scene_bind(s, etc, scene_name(s, s->root, "etc"));
	scene_bind(s, bin, scene_name(s, s->root, "bin"));
	h.name = scene_name(s, etc, "passwd");
	temporary = scene_name(s, etc, "passwd+");
	sh = scene_name(s, bin, "sh");
	scene_bind(s, h.passwd_old, h.name);
	scene_bind(s, h.exe, sh);
	p = scene_process(s, 4242, 0, "useradd");
	scene_create(s, p, h.passwd, temporary);
	scene_rename(s, p, h.passwd, temporary, h.name);
	h.shell = scene_exec(s, p, h.exe, sh, "sh");
	return h;
}

static void test_file(void **state)
{
	struct scene *s = *state;
	struct house h = make_house(s);
	struct lm_detections found LM_DETECTIONS = LM_DETECTIONS_INIT;

	scene_finish(s);
	assert_true(finds(s, "file:/etc/passwd", h.passwd));
	assert_true(finds(s, "file:/etc/passwd", h.passwd_old));
	assert_true(finds(s, "file:/etc/passwd", h.name));
	assert_true(finds(s, "file:/etc/passwd+", h.passwd));
	assert_true(finds(s, "file:/etc//./passwd", h.passwd));
	assert_false(finds(s, "file:/etc", h.passwd));
	/* The file that was replaced matters until then. */
	assert_int_equal(resolve(s, "file:/etc/passwd", &found, NULL), 0);
	for (size_t i = 0; i < found.count; i++) {
		if (found.at[i].object == h.passwd_old)
			assert_true(found.at[i].end_ns < s->now);
	}
}

static void test_file_at_a_time(void **state)
{
	struct scene *s = *state;
	struct house h = make_house(s);

	scene_finish(s);
	/* Boot was at 2026-01-01T00:00:00Z; the clock of the scene starts 1 ms later. */
	assert_true(finds(s, "file:/etc/passwd@2026-01-01T00:00:00.0009Z", h.passwd_old));
	assert_false(finds(s, "file:/etc/passwd@2026-01-01T00:00:00.0009Z", h.passwd));
	assert_true(finds(s, "file:/etc/passwd@2026-01-01T00:01:00Z", h.passwd));
	assert_false(finds(s, "file:/etc/passwd@2026-01-01T00:01:00Z", h.passwd_old));
	assert_true(finds(s, "file:/etc/passwd@-5s", h.passwd));
	fails(s, "file:/etc/passwd@2026-13-77", -EINVAL, "not a time");
}

static void test_file_errors(void **state)
{
	struct scene *s = *state;

	make_house(s);
	scene_finish(s);
	fails(s, "file:/etc/pasword", -LM_E_NOMATCH, "/etc/passwd");
	fails(s, "file:etc/passwd", -EINVAL, "absolute");
	fails(s, "file:", -EINVAL, "absolute");
	fails(s, "file:/nothing/like/it/at/all", -LM_E_NOMATCH, "matches nothing");
	fails(s, "path:/etc/passwd", -EINVAL, "begin with file:");
	fails(s, "", -EINVAL, "begin with file:");
}

static void test_unlinked_and_linked_names(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p"), f = scene_file(s, S_IFREG);
	lm_object_id one = scene_name(s, s->root, "one"), two = scene_name(s, s->root, "two");
	uint64_t t_linked;
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	scene_create(s, p, f, one);
	scene_event_full(
		s, (struct lm_event){
			   .op = LM_OP_LINK, .actor = p, .object = f, .name = one, .name2 = two });
	t_linked = s->now;
	scene_event(s, LM_OP_UNLINK, p, f, one);
	scene_finish(s);
	assert_true(finds(s, "file:/one", f));
	assert_true(finds(s, "file:/two", f));
	assert_int_equal(lm_index_path_at(s->index, f, s->now + STEP_NS, 0, &path), 0);
	assert_int_equal(path.len, 4);
	assert_memory_equal(path.data, "/two", 4);
	assert_true(lm_index_bound_of_name_at(s->index, one, t_linked)->end_ns != UINT64_MAX);
}

/* Of a link the kernel reports the new name and the file: the old name stays what was claimed. */
static void test_claimed_old_name_of_a_link(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p");
	lm_object_id f = scene_file(s, S_IFREG), other = scene_file(s, S_IFREG);
	lm_object_id known = scene_name(s, s->root, "known"), fake = scene_name(s, s->root, "fake");
	lm_object_id one = scene_name(s, s->root, "one"), two = scene_name(s, s->root, "two");
	struct lm_event link = {
		.op = LM_OP_LINK, .actor = p, .object = f, .name = known, .name2 = one,
		.flags = LM_EVENT_CLAIMED | LM_EVENT_CONFIRMED,
	};

	scene_create(s, p, other, known);
	scene_event_full(s, link);
	link.name = fake;
	link.name2 = two;
	scene_event_full(s, link);
	scene_finish(s);
	assert_false(finds(s, "file:/known", f));
	assert_true(finds(s, "file:/known", other));
	assert_true(lm_index_bound_of_name_at(s->index, fake, s->now)->claimed);
	assert_false(lm_index_bound_of_name_at(s->index, one, s->now)->claimed);
	assert_false(lm_index_bound_of_name_at(s->index, two, s->now)->claimed);
	assert_int_equal(lm_index_bound_of_name_at(s->index, two, s->now)->file, f);
}

/* The recorder did not learn which file was renamed: the next open tells. */
static void test_rename_of_an_unknown_file(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p"), f = scene_file(s, S_IFREG);
	lm_object_id one = scene_name(s, s->root, "one"), two = scene_name(s, s->root, "two");
	uint64_t t_rename = s->now;

	scene_rename(s, p, 0, one, two);
	scene_event(s, LM_OP_OPEN, p, f, two);
	scene_finish(s);
	assert_true(finds(s, "file:/one", f));
	assert_int_equal(lm_index_bound_of_name_at(s->index, two, s->now)->file, f);
	assert_true(lm_index_bound_of_name_at(s->index, two, s->now)->begin_ns <= t_rename);
}

static void test_renamed_directory_renames_below(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p"), dir = scene_file(s, S_IFDIR);
	lm_object_id f = scene_file(s, S_IFREG);
	lm_object_id one = scene_name(s, s->root, "one"), two = scene_name(s, s->root, "two");
	lm_object_id leaf = scene_name(s, dir, "leaf");
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	uint64_t before;

	scene_bind(s, dir, one);
	scene_bind(s, f, leaf);
	before = s->now;
	scene_rename(s, p, dir, one, two);
	scene_finish(s);
	assert_int_equal(lm_index_path_at(s->index, f, before - 1, 0, &path), 0);
	assert_memory_equal(path.data, "/one/leaf", 9);
	lm_buffer_reset(&path);
	assert_int_equal(lm_index_path_at(s->index, f, s->now, 0, &path), 0);
	assert_memory_equal(path.data, "/two/leaf", 9);
	assert_true(finds(s, "file:/one/leaf", f));
	assert_true(finds(s, "file:/two/leaf", f));
}

static void test_two_roots(void **state)
{
	struct scene *s = *state;
	lm_object_id inner = scene_file(s, S_IFDIR), f = scene_file(s, S_IFREG);
	lm_object_id jail = scene_name(s, s->root, "jail"), leaf = scene_name(s, inner, "leaf");
	struct lm_item root = { .kind = LM_ITEM_BINDING,
				.binding = { .file = inner, .flags = LM_BINDING_ROOT } };
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	scene_bind(s, inner, jail);
	scene_bind(s, f, leaf);
	assert_int_equal(lm_index_add(s->index, &root), 0);
	scene_finish(s);
	assert_true(finds(s, "file:/leaf", f));
	assert_true(finds(s, "file:/jail/leaf", f));
	assert_int_equal(lm_index_path_at(s->index, f, s->now, inner, &path), 0);
	assert_int_equal(path.len, 5);
	lm_buffer_reset(&path);
	assert_int_equal(lm_index_path_at(s->index, f, s->now, s->root, &path), 0);
	assert_int_equal(path.len, 10);
}

static void test_proc_and_exe(void **state)
{
	struct scene *s = *state;
	struct house h = make_house(s);

	scene_finish(s);
	assert_true(finds(s, "proc:4242", h.shell));
	assert_true(finds(s, "exe:/bin/sh", h.shell));
	assert_true(finds(s, "proc:4242@2026-01-01T00:01:00Z", h.shell));
	assert_false(finds(s, "proc:4242@2026-01-01T00:00:00.001Z", h.shell));
	fails(s, "proc:4243", -LM_E_NOMATCH, "4242");
	fails(s, "proc:x", -EINVAL, "number");
	fails(s, "proc:99999999999", -EINVAL, "number");
	fails(s, "exe:/bin/sj", -LM_E_NOMATCH, "/bin/sh");
}

static void test_sock(void **state)
{
	struct scene *s = *state;
	lm_object_id in = scene_socket(s, 1, 80, 2, 5000, 1),
		     other = scene_socket(s, 2, 9, 3, 90, 1);
	struct lm_item local = { .kind = LM_ITEM_OBJECT,
		.object = { .id = s->objects + 1,
			.kind = LM_OBJECT_KIND_SOCKET,
			.socket = {
				.family = LM_AF_UNIX,
				.local = { .family = LM_AF_UNIX, .path = LM_STR("/run/x") },
			} } };
	struct lm_item six = { .kind = LM_ITEM_OBJECT, .object = {
		.id = s->objects + 2, .kind = LM_OBJECT_KIND_SOCKET, .socket = {
			.family = LM_AF_INET6,
			.local = { .family = LM_AF_INET6, .port = 80 },
			.remote = { .family = LM_AF_INET6, .port = 1234,
				    .ip = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		} } };

	assert_int_equal(lm_index_add(s->index, &local), 0);
	assert_int_equal(lm_index_add(s->index, &six), 0);
	scene_finish(s);
	assert_true(finds(s, "sock:10.0.0.2", in));
	assert_false(finds(s, "sock:10.0.0.2", other)); /* only its near end */
	assert_true(finds(s, "sock:10.0.0.2:5000", in));
	assert_true(finds(s, "sock:10.0.0.1:80", in));
	assert_true(finds(s, "sock:/run/x", local.object.id));
	assert_true(finds(s, "sock:2001:db8::1", six.object.id));
	assert_true(finds(s, "sock:[2001:db8::1]:1234", six.object.id));
	fails(s, "sock:[2001:db8::1]:1235", -LM_E_NOMATCH, "[2001:db8::1]:1234");
	fails(s, "sock:10.0.0.9", -LM_E_NOMATCH, "10.0.0.");
	fails(s, "sock:10.0.0", -EINVAL, "sock:192.0.2.1");
	fails(s, "sock:[::1", -EINVAL, "sock:192.0.2.1");
	fails(s, "sock:10.0.0.2:70000", -EINVAL, "number");
}

static void test_event_object_alert(void **state)
{
	struct scene *s = *state;
	lm_object_id p = scene_process(s, 10, 0, "p"), f = scene_file(s, S_IFREG);

	scene_write(s, p, f);
	scene_event(s, LM_OP_CLOSE, p, f, 0);
	scene_finish(s);
	assert_true(finds(s, "event:1", f));
	assert_false(finds(s, "event:1", p));
	assert_true(finds(s, "event:2", p)); /* influenced nothing: its actor */
	assert_true(finds(s, "object:3", p));
	fails(s, "event:3", -LM_E_NOMATCH, "event:1 to event:2");
	fails(s, "object:0", -LM_E_NOMATCH, "object:1");
	fails(s, "object:99", -LM_E_NOMATCH, "object:1");
	fails(s, "alert:1", -LM_E_NOMATCH, "no alerts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_file),
		SCENE_TEST(test_file_at_a_time),
		SCENE_TEST(test_file_errors),
		SCENE_TEST(test_unlinked_and_linked_names),
		SCENE_TEST(test_claimed_old_name_of_a_link),
		SCENE_TEST(test_rename_of_an_unknown_file),
		SCENE_TEST(test_renamed_directory_renames_below),
		SCENE_TEST(test_two_roots),
		SCENE_TEST(test_proc_and_exe),
		SCENE_TEST(test_sock),
		SCENE_TEST(test_event_object_alert),
	};

	return cmocka_run_group_tests_name("graph specifications", tests, NULL, NULL);
}
