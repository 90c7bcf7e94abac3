/* SPDX-License-Identifier: MIT */
#include "value.h"

#include "lemona/base/escape.h"
#include "lemona/base/time.h"

#define MINOR_BITS 20

int value_plain(sqlite3_context *context, const struct lm_buffer *text)
{
	if (lm_buffer_status(text) < 0)
		return -ENOMEM;
	sqlite3_result_text64(context, text->len ? (const char *)text->data : "", text->len,
		SQLITE_TRANSIENT, SQLITE_UTF8);
	return 0;
}

int value_str(sqlite3_context *context, struct lm_str s)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_buffer_append_escaped(&text, s);
	return value_plain(context, &text);
}

static void append_json_byte(struct lm_buffer *out, uint8_t byte)
{
	if (byte == '"' || byte == '\\')
		lm_buffer_printf(out, "\\%c", byte);
	else if (byte == '\n')
		lm_buffer_append_text(out, "\\n");
	else if (byte < 0x20 || byte == 0x7f)
		lm_buffer_printf(out, "\\u%04x", byte);
	else
		lm_buffer_append_byte(out, byte);
}

void value_append_json(struct lm_buffer *out, struct lm_str s)
{
	const uint8_t *p = (const uint8_t *)s.data;
	uint32_t point = 0;

	lm_buffer_append_byte(out, '"');
	for (uint32_t i = 0; i < s.len;) {
		uint32_t len = lm_utf8_measure(p + i, s.len - i, &point);

		if (len == 0)
			lm_buffer_printf(out, "\\\\x%02x", p[i]);
		else if (len == 1)
			append_json_byte(out, p[i]);
		else
			lm_buffer_append(out, p + i, len);
		i += len ? len : 1;
	}
	lm_buffer_append_byte(out, '"');
}

int value_buffer(sqlite3_context *context, struct lm_buffer *raw)
{
	if (lm_buffer_status(raw) < 0)
		return -ENOMEM;
	return value_str(context, (struct lm_str){ (const char *)raw->data, (uint32_t)raw->len });
}

int value_id(sqlite3_context *context, uint64_t id)
{
	if (id)
		sqlite3_result_int64(context, (sqlite3_int64)id);
	return 0;
}

int value_time_ns(sqlite3_context *context, const struct lm_query *query, uint64_t boot_ns)
{
	if (boot_ns != UINT64_MAX)
		sqlite3_result_int64(context,
			(sqlite3_int64)lm_index_wall_ns(query->index, boot_ns));
	return 0;
}

int value_time(sqlite3_context *context, const struct lm_query *query, uint64_t boot_ns)
{
	char text[LM_TIME_TEXT_BYTES];

	if (boot_ns == UINT64_MAX)
		return 0;
	lm_time_format(lm_index_wall_ns(query->index, boot_ns), text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
	return 0;
}

static int put_path(sqlite3_context *context, struct lm_buffer *path, int r)
{
	return r == -ENOENT ? 0 : r < 0 ? r : value_buffer(context, path);
}

int value_path(sqlite3_context *context, const struct lm_query *query, lm_object_id id,
	uint64_t at_ns, lm_object_id root)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	return put_path(context, &path, lm_index_path_at(query->index, id, at_ns, root, &path));
}

int value_path_seen(sqlite3_context *context, const struct lm_query *query, lm_object_id id,
	uint64_t at_ns)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	return put_path(context, &path, lm_index_path_seen(query->index, id, at_ns, &path));
}

int value_label(sqlite3_context *context, const struct lm_query *query, lm_object_id id,
	uint64_t at_ns)
{
	struct lm_buffer label LM_BUFFER = LM_BUFFER_INIT;

	lm_index_label(query->index, id, at_ns, &label);
	return label.len == 0 && !label.failed ? 0 : value_buffer(context, &label);
}

int value_exe(sqlite3_context *context, const struct lm_query *query,
	const struct lm_object *process)
{
	const struct lm_process *p = &process->process;
	lm_object_id id = p->exe_name ? p->exe_name : p->exe;

	return id ? value_path(context, query, id, process->time_ns, p->root) : 0;
}

int value_device(sqlite3_context *context, uint32_t dev)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", dev >> MINOR_BITS, dev & ((1u << MINOR_BITS) - 1));
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
	return 0;
}

int value_read_time(struct lm_query *query, sqlite3_value *value, uint64_t *ret_wall_ns)
{
	sqlite3_int64 number = 0;
	const char *text = NULL;

	switch (sqlite3_value_type(value)) {
	case SQLITE_NULL:
		return 0;
	case SQLITE_TEXT:
		text = (const char *)sqlite3_value_text(value);
		if (!text)
			return -ENOMEM;
		return lm_time_parse(text, query->options.now_wall_ns, ret_wall_ns,
			&query->diag) < 0 ? -EINVAL : 1;
	default:
		number = sqlite3_value_int64(value);
		*ret_wall_ns = number > 0 ? (uint64_t)number : 0;
		return 1;
	}
}

bool find_process(const struct lm_query *query, lm_object_id id, struct lm_object *ret_object)
{
	return lm_index_object(query->index, id, ret_object) == 0 &&
	       ret_object->kind == LM_OBJECT_KIND_PROCESS;
}
