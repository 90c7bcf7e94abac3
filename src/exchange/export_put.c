/* SPDX-License-Identifier: MIT */
#include "export_put.h"

#include <arpa/inet.h>
#include <inttypes.h>

#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/text.h"

static void put_key(struct lm_buffer *out, const char *key)
{
	uint8_t last = out->len ? out->data[out->len - 1] : '\n';

	if (last != '{' && last != '[' && last != '\n')
		lm_buffer_append_byte(out, ',');
	if (key)
		lm_buffer_printf(out, "\"%s\":", key);
}

void put_open(struct lm_buffer *out, const char *key)
{
	put_key(out, key);
	lm_buffer_append_byte(out, '{');
}

void put_close(struct lm_buffer *out)
{
	lm_buffer_append_byte(out, '}');
}

void put_open_array(struct lm_buffer *out, const char *key)
{
	put_key(out, key);
	lm_buffer_append_byte(out, '[');
}

void put_close_array(struct lm_buffer *out)
{
	lm_buffer_append_byte(out, ']');
}

void put_str(struct lm_buffer *out, const char *key, struct lm_str value)
{
	put_key(out, key);
	lm_buffer_append_json(out, value);
}

void put_text(struct lm_buffer *out, const char *key, const char *value)
{
	if (value && value[0])
		put_str(out, key, lm_str_from(value));
}

void put_escaped(struct lm_buffer *out, const char *key, const struct lm_buffer *text)
{
	put_key(out, key);
	lm_buffer_append_byte(out, '"');
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '"' || text->data[i] == '\\')
			lm_buffer_append_byte(out, '\\');
		lm_buffer_append_byte(out, text->data[i]);
	}
	lm_buffer_append_byte(out, '"');
	if (lm_buffer_status(text) < 0)
		out->failed = true;
}

void put_u64(struct lm_buffer *out, const char *key, uint64_t value)
{
	put_key(out, key);
	lm_buffer_printf(out, "%" PRIu64, value);
}

void put_i64(struct lm_buffer *out, const char *key, int64_t value)
{
	put_key(out, key);
	lm_buffer_printf(out, "%" PRId64, value);
}

void put_bool(struct lm_buffer *out, const char *key, bool value)
{
	put_key(out, key);
	lm_buffer_append_text(out, value ? "true" : "false");
}

void put_number_word(struct lm_buffer *out, const char *key, uint64_t value)
{
	put_key(out, key);
	lm_buffer_printf(out, "\"%" PRIu64 "\"", value);
}

void put_time(struct lm_buffer *out, const char *key, uint64_t wall_ns)
{
	char time[LM_TIME_TEXT_BYTES];

	if (!wall_ns)
		return;
	lm_time_format(wall_ns, time);
	put_text(out, key, time);
}

/* A string that was built in a buffer of its own. */
static void put_built(struct lm_buffer *out, const char *key, const struct lm_buffer *text)
{
	put_str(out, key, (struct lm_str){ (const char *)text->data, (uint32_t)text->len });
	if (lm_buffer_status(text) < 0)
		out->failed = true;
}

void put_message(struct lm_buffer *out, const char *key, const struct lm_event_view *view)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_labels_append_escaped(view->labels, view->event->actor, &text);
	lm_buffer_printf(&text, " %s", lm_op_name(view->event->op));
	lm_event_append_text(view, &text);
	put_escaped(out, key, &text);
}

void put_message_text(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const char *severity = lm_severity_name(event->arg);

	if (event->op != LM_OP_MESSAGE)
		return;
	if (severity)
		put_text(out, "severity", severity);
	put_path(out, "tag", view->labels, event->name);
	put_path(out, "text", view->labels, event->name2);
}

void put_gap_message(struct lm_buffer *out, const char *key, const struct lm_gap *gap)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_buffer_append_text(&text, "gap: ");
	lm_gap_append_text(gap, &text);
	put_escaped(out, key, &text);
}

void put_path(struct lm_buffer *out, const char *key, const struct lm_labels *labels,
	lm_object_id id)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	if (!id)
		return;
	lm_labels_append_path(labels, id, &path);
	put_built(out, key, &path);
}

void put_address(struct lm_buffer *out, const char *key, const struct lm_address *address)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	lm_address_append(address, &text);
	if (text.len)
		put_built(out, key, &text);
}

void put_ip(struct lm_buffer *out, const char *key, const struct lm_address *address)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (!lm_address_is_inet(address))
		return;
	inet_ntop(address->family == LM_AF_INET ? AF_INET : AF_INET6, address->ip, text,
		sizeof(text));
	put_text(out, key, text);
}

/* The argument that begins at `at`. */
static struct lm_str argument_at(struct lm_str argv, uint32_t at)
{
	const char *end = memchr(argv.data + at, '\0', argv.len - at);

	return (struct lm_str){ argv.data + at,
				end ? (uint32_t)(end - argv.data) - at : argv.len - at };
}

void put_args(struct lm_buffer *out, const char *key, struct lm_str argv)
{
	put_open_array(out, key);
	for (uint32_t at = 0; at < argv.len;) {
		struct lm_str argument = argument_at(argv, at);

		put_str(out, NULL, argument);
		at += argument.len + 1;
	}
	put_close_array(out);
}

void put_command_line(struct lm_buffer *out, const char *key, struct lm_str argv)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	if (!argv.len)
		return;
	for (uint32_t at = 0; at < argv.len;) {
		struct lm_str argument = argument_at(argv, at);

		if (at)
			lm_buffer_append_byte(&text, ' ');
		lm_buffer_append_str(&text, argument);
		at += argument.len + 1;
	}
	put_built(out, key, &text);
}

void put_flags(struct lm_buffer *out, const char *key, const struct lm_event *event)
{
	const char *name;

	put_open_array(out, key);
	for (unsigned int bit = 0; (name = lm_event_flag_name(bit)); bit++)
		if (event->flags >> bit & 1)
			put_text(out, NULL, name);
	put_close_array(out);
}

void put_error(struct lm_buffer *out, const char *key, const struct lm_event *event)
{
	const char *name = lm_event_failed(event) ? lm_error_name(-event->result) : NULL;

	if (name) {
		put_text(out, key, name);
	} else if (lm_event_failed(event)) {
		put_key(out, key);
		lm_buffer_printf(out, "\"errno %" PRId64 "\"", -event->result);
	}
}

void put_device(struct lm_buffer *out, const char *key, uint32_t dev)
{
	put_key(out, key);
	lm_buffer_printf(out, "\"%u:%u\"", dev >> 20, dev & 0xfffff);
}

void put_sha256(struct lm_buffer *out, const char *key, const struct lm_content *content)
{
	put_key(out, key);
	lm_buffer_append_byte(out, '"');
	lm_buffer_append_hex(out, content->sha256, sizeof(content->sha256));
	lm_buffer_append_byte(out, '"');
}

const struct lm_process *export_process(const struct lm_labels *labels, lm_object_id id)
{
	const struct lm_label *label = lm_labels_get(labels, id);

	return label->kind == LM_OBJECT_KIND_PROCESS ? label->process.all : NULL;
}

bool export_container(const struct lm_labels *labels, const struct lm_process *process,
	struct lm_container *ret_container)
{
	const struct lm_label *cgroup = lm_labels_get(labels, process->cgroup);

	return cgroup->kind == LM_OBJECT_KIND_CGROUP &&
	       lm_container_of(cgroup->cgroup.path, ret_container);
}

lm_object_id export_named(const struct lm_event_view *view, bool second)
{
	lm_object_id name = second ? view->event->name2 : view->event->name;
	lm_object_id object = second ? view->event->object2 : view->event->object;

	/* What a message has in the place of names is text. */
	if (view->event->op == LM_OP_MESSAGE)
		return LM_OBJECT_NONE;
	if (name)
		return name;
	return lm_labels_get(view->labels, object)->kind == LM_OBJECT_KIND_FILE ? object : 0;
}

const struct lm_label *export_socket(const struct lm_event_view *view)
{
	const struct lm_label *label = lm_labels_get(view->labels, view->event->object);

	return label->kind == LM_OBJECT_KIND_SOCKET ? label : NULL;
}

bool export_is_outbound(const struct lm_event_view *view)
{
	switch ((enum lm_op)view->event->op) {
	case LM_OP_CONNECT:
	case LM_OP_SEND:
	case LM_OP_WRITE:
		return true;
	default:
		return false;
	}
}
