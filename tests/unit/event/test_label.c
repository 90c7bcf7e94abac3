/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lemona/event/label.h"
#include "label_scene.h"

static void paths_are_derived_from_names(void **state)
{
	struct lm_labels *labels = new_scene();

	assert_label(labels, SCENE_PASSWD_NAME, "/etc/passwd");
	assert_label(labels, SCENE_PASSWD, "/etc/passwd");
	assert_label(labels, SCENE_ETC, "/etc");
	assert_label(labels, SCENE_ROOT, "/");
	lm_labels_free(labels);
}

static void renaming_a_directory_moves_what_is_below(void **state)
{
	struct lm_labels *labels = new_scene();

	add_name(labels, 100, SCENE_ROOT, "etc.old");
	apply_event(labels, &(struct lm_event){
		.op = LM_OP_RENAME, .object = SCENE_ETC, .name = SCENE_ETC_NAME, .name2 = 100 });
	assert_label(labels, SCENE_PASSWD, "/etc.old/passwd");
	lm_labels_free(labels);
}

static void a_rename_without_an_object_moves_what_the_name_meant(void **state)
{
	struct lm_labels *labels = new_scene();

	add_name(labels, 100, SCENE_ROOT, "x");
	apply_event(labels, &(struct lm_event){
		.op = LM_OP_RENAME, .name = SCENE_ETC_NAME, .name2 = 100 });
	assert_label(labels, SCENE_ETC, "/x");
	lm_labels_free(labels);
}

static void a_failed_rename_moves_nothing(void **state)
{
	struct lm_labels *labels = new_scene();

	add_name(labels, 100, SCENE_ROOT, "x");
	apply_event(labels, &(struct lm_event){ .op = LM_OP_RENAME, .object = SCENE_ETC,
		.name = SCENE_ETC_NAME, .name2 = 100, .result = -13 });
	assert_label(labels, SCENE_ETC, "/etc");
	lm_labels_free(labels);
}

static void a_directory_without_a_name_is_told_by_its_inode(void **state)
{
	struct lm_labels *labels = new_scene();

	add_file(labels, 100, 8u << 20 | 1, 77);
	add_name(labels, 101, 100, "f");
	assert_label(labels, 101, "[8:1 77]/f");
	assert_label(labels, 100, "[8:1 77]");
	assert_label(labels, 4000000000u, "[object 4000000000]");
	lm_labels_free(labels);
}

static void a_claimed_path_stays_as_claimed(void **state)
{
	struct lm_labels *labels = new_scene();

	add_name(labels, 100, 0, "../some/where");
	add_name(labels, 101, 0, "/some/where");
	add_name(labels, 102, SCENE_ETC, "/below");
	assert_label(labels, 100, "../some/where");
	assert_label(labels, 101, "/some/where");
	assert_label(labels, 102, "/etc/below");
	lm_labels_free(labels);
}

static void a_loop_of_directories_ends(void **state)
{
	struct lm_labels *labels = new_scene();
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	add_file(labels, 100, 1, 1);
	add_file(labels, 101, 1, 2);
	add_name(labels, 102, 100, "a");
	add_name(labels, 103, 101, "b");
	bind_at(labels, 0, 102, 101);
	bind_at(labels, 0, 103, 100);
	assert_false(lm_labels_append_path(labels, 100, &out));
	assert_int_equal(lm_buffer_status(&out), 0);
	assert_true(out.len < 10000);
	lm_labels_free(labels);
}

static void a_later_definition_waits_for_its_time(void **state)
{
	struct lm_labels *labels = new_scene();

	add_process(labels, SCENE_SHELL, 200, "renamed", 0);
	assert_label(labels, SCENE_SHELL, "sh[42]");
	assert_int_equal(lm_labels_advance(labels, 199), 0);
	assert_label(labels, SCENE_SHELL, "sh[42]");
	assert_int_equal(lm_labels_advance(labels, 200), 0);
	assert_label(labels, SCENE_SHELL, "renamed[42]");
	lm_labels_free(labels);
}

static void a_partial_definition_is_completed_at_once(void **state)
{
	struct lm_labels *labels = new_scene();

	add_process(labels, 100, 5, "", LM_OBJECT_PARTIAL);
	add_process(labels, 100, 500, "late", LM_OBJECT_FOUND);
	assert_label(labels, 100, "late[42]");
	lm_labels_free(labels);
}

static void a_later_binding_waits_for_its_time(void **state)
{
	struct lm_labels *labels = new_scene();

	add_name(labels, 100, SCENE_ROOT, "etc2");
	bind_at(labels, 300, 100, SCENE_ETC);
	assert_label(labels, SCENE_PASSWD, "/etc/passwd");
	assert_int_equal(lm_labels_advance(labels, 300), 0);
	assert_label(labels, SCENE_PASSWD, "/etc2/passwd");
	lm_labels_free(labels);
}

static void a_redefined_file_keeps_its_name(void **state)
{
	struct lm_labels *labels = new_scene();

	add_file(labels, SCENE_PASSWD, 1, 12);
	assert_int_equal(lm_labels_advance(labels, UINT64_MAX), 0);
	assert_label(labels, SCENE_PASSWD, "/etc/passwd");
	lm_labels_free(labels);
}

static void sockets_show_both_ends(void **state)
{
	struct lm_labels *labels = new_scene();
	struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = 100, .kind = LM_OBJECT_KIND_SOCKET, .socket = {
			.inode = 9, .family = LM_AF_INET, .type = 1, .protocol = 6,
			.local = { LM_AF_INET, 22, { 10, 0, 0, 1 }, LM_STR_NONE },
			.remote = { LM_AF_INET, 51234, { 203, 0, 113, 7 }, LM_STR_NONE } } } };

	assert_int_equal(lm_labels_add(labels, &item), 0);
	assert_label(labels, 100, "tcp 10.0.0.1:22 > 203.0.113.7:51234");

	item.object.id = 101;
	item.object.socket.family = LM_AF_INET6;
	item.object.socket.protocol = 17;
	item.object.socket.local = (struct lm_address){
		LM_AF_INET6, 53, { [15] = 1 }, LM_STR_NONE };
	item.object.socket.remote = (struct lm_address){ .family = LM_AF_NONE };
	assert_int_equal(lm_labels_add(labels, &item), 0);
	assert_label(labels, 101, "udp [::1]:53");

	item.object.id = 102;
	item.object.socket.family = LM_AF_UNIX;
	item.object.socket.local = (struct lm_address){ .family = LM_AF_UNIX };
	assert_int_equal(lm_labels_add(labels, &item), 0);
	assert_label(labels, 102, "unix:[9]");
	lm_labels_free(labels);
}

static void long_strings_are_kept_whole(void **state)
{
	static char component[200000];
	struct lm_labels *labels = new_scene();
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	for (size_t i = 0; i < sizeof(component) - 1; i++)
		component[i] = (char)('a' + i % 26);
	add_name(labels, 100, SCENE_ROOT, component);
	add_name(labels, 101, SCENE_ROOT, "after");
	lm_labels_append_path(labels, 100, &out);
	assert_int_equal(out.len, sizeof(component));
	assert_memory_equal(out.data + 1, component, sizeof(component) - 1);
	assert_label(labels, 101, "/after");
	lm_labels_free(labels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_derived_from_names),
		cmocka_unit_test(renaming_a_directory_moves_what_is_below),
		cmocka_unit_test(a_rename_without_an_object_moves_what_the_name_meant),
		cmocka_unit_test(a_failed_rename_moves_nothing),
		cmocka_unit_test(a_directory_without_a_name_is_told_by_its_inode),
		cmocka_unit_test(a_claimed_path_stays_as_claimed),
		cmocka_unit_test(a_loop_of_directories_ends),
		cmocka_unit_test(a_later_definition_waits_for_its_time),
		cmocka_unit_test(a_partial_definition_is_completed_at_once),
		cmocka_unit_test(a_later_binding_waits_for_its_time),
		cmocka_unit_test(a_redefined_file_keeps_its_name),
		cmocka_unit_test(sockets_show_both_ends),
		cmocka_unit_test(long_strings_are_kept_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
