/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/event/label.h"

/* A small host to name things in: /etc/passwd, and a shell that runs /bin/sh. */
enum {
	SCENE_ROOT = 2,
	SCENE_ETC,
	SCENE_ETC_NAME,
	SCENE_PASSWD,
	SCENE_PASSWD_NAME,
	SCENE_BIN,
	SCENE_BIN_NAME,
	SCENE_SH,
	SCENE_SH_NAME,
	SCENE_SHELL,
};

static inline void add_file(struct lm_labels *labels, lm_object_id id, uint32_t dev, uint64_t inode)
{
	const struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = id, .kind = LM_OBJECT_KIND_FILE, .file = { .dev = dev, .inode = inode } } };

	assert_int_equal(lm_labels_add(labels, &item), 0);
}

static inline void add_name(struct lm_labels *labels, lm_object_id id, lm_object_id dir,
	const char *component)
{
	const struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = id, .kind = LM_OBJECT_KIND_NAME,
		.name = { .dir = dir, .component = lm_str_from(component) } } };

	assert_int_equal(lm_labels_add(labels, &item), 0);
}

static inline void add_process(struct lm_labels *labels, lm_object_id id, uint64_t time_ns,
	const char *comm, uint8_t flags)
{
	const struct lm_item item = { .kind = LM_ITEM_OBJECT, .object = {
		.id = id, .kind = LM_OBJECT_KIND_PROCESS, .flags = flags, .time_ns = time_ns,
		.process = { .tgid = 42, .exe = SCENE_SH, .exe_name = SCENE_SH_NAME, .uid = 1000,
			.loginuid = UINT32_MAX, .session = UINT32_MAX,
			.comm = lm_str_from(comm) } } };

	assert_int_equal(lm_labels_add(labels, &item), 0);
}

static inline void bind_at(struct lm_labels *labels, uint64_t time_ns, lm_object_id name,
	lm_object_id file)
{
	const struct lm_item item = { .kind = LM_ITEM_BINDING, .binding = {
		.time_ns = time_ns, .name = name, .file = file,
		.flags = name ? 0 : LM_BINDING_ROOT } };

	assert_int_equal(lm_labels_add(labels, &item), 0);
}

static inline void apply_event(struct lm_labels *labels, const struct lm_event *event)
{
	assert_int_equal(lm_labels_apply(labels, event), 0);
}

static inline struct lm_labels *new_scene(void)
{
	struct lm_labels *labels = NULL;

	assert_int_equal(lm_labels_new(&labels), 0);
	for (lm_object_id id = SCENE_ROOT; id <= SCENE_SH_NAME; id++)
		if (id != SCENE_ETC_NAME && id != SCENE_PASSWD_NAME && id != SCENE_BIN_NAME &&
		    id != SCENE_SH_NAME)
			add_file(labels, id, 8u << 20 | 1, id);
	add_name(labels, SCENE_ETC_NAME, SCENE_ROOT, "etc");
	add_name(labels, SCENE_PASSWD_NAME, SCENE_ETC, "passwd");
	add_name(labels, SCENE_BIN_NAME, SCENE_ROOT, "bin");
	add_name(labels, SCENE_SH_NAME, SCENE_BIN, "sh");
	bind_at(labels, 1, 0, SCENE_ROOT);
	bind_at(labels, 1, SCENE_ETC_NAME, SCENE_ETC);
	bind_at(labels, 1, SCENE_PASSWD_NAME, SCENE_PASSWD);
	bind_at(labels, 1, SCENE_BIN_NAME, SCENE_BIN);
	bind_at(labels, 1, SCENE_SH_NAME, SCENE_SH);
	add_process(labels, SCENE_SHELL, 1, "sh", 0);
	assert_int_equal(lm_labels_advance(labels, 1), 0);
	return labels;
}

static inline void assert_label(const struct lm_labels *labels, lm_object_id id,
	const char *expected)
{
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	lm_labels_append(labels, id, &out);
	lm_buffer_append_byte(&out, '\0');
	assert_int_equal(lm_buffer_status(&out), 0);
	assert_string_equal((const char *)out.data, expected);
}
