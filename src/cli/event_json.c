/* SPDX-License-Identifier: MIT */
#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lemona/base/escape.h"
#include "lemona/base/time.h"
#include "lemona/event/attributes.h"

/* Members are written with their comma in front; every line begins with a member without one. */

static void append_str(struct lm_buffer *out, const char *key, struct lm_str value)
{
	lm_buffer_printf(out, ",\"%s\":", key);
	lm_buffer_append_json(out, value);
}

static void append_u64(struct lm_buffer *out, const char *key, uint64_t value)
{
	lm_buffer_printf(out, ",\"%s\":%" PRIu64, key, value);
}

static void append_time(struct lm_buffer *out, const char *key, uint64_t wall_ns)
{
	char time[LM_TIME_TEXT_BYTES];

	lm_time_format(wall_ns, time);
	append_str(out, key, lm_str_from(time));
}

static void append_path(struct lm_buffer *out, const char *key, const struct lm_labels *labels,
	lm_object_id id)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	lm_labels_append_path(labels, id, &path);
	append_str(out, key, (struct lm_str){ (const char *)path.data, (uint32_t)path.len });
	if (lm_buffer_status(&path) < 0)
		out->failed = true;
}

/* What a person calls memory: "shm key 0x00000077". */
static void append_label(struct lm_buffer *out, const char *suffix, const struct lm_labels *labels,
	lm_object_id id)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	char key[16];

	snprintf(key, sizeof(key), "label%s", suffix);
	lm_labels_append(labels, id, &text);
	append_str(out, key, (struct lm_str){ (const char *)text.data, (uint32_t)text.len });
	if (lm_buffer_status(&text) < 0)
		out->failed = true;
}

static void append_address(struct lm_buffer *out, const char *prefix, const char *suffix,
	const struct lm_address *address)
{
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	char key[32];

	if (address->family == LM_AF_NONE || (address->family == LM_AF_UNIX && !address->path.len))
		return;
	snprintf(key, sizeof(key), "%s%s", prefix, suffix);
	lm_address_append(address, &text);
	append_str(out, key, (struct lm_str){ (const char *)text.data, (uint32_t)text.len });
	if (lm_buffer_status(&text) < 0)
		out->failed = true;
}

static struct lm_str cgroup_path(const struct lm_event_view *view,
	const struct lm_process *process)
{
	const struct lm_label *cgroup = lm_labels_get(view->labels, process->cgroup);

	return cgroup->kind == LM_OBJECT_KIND_CGROUP ? cgroup->cgroup.path : LM_STR_NONE;
}

static void append_actor(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_label *actor = lm_labels_get(view->labels, view->event->actor);

	append_u64(out, "actor", view->event->actor);
	if (actor->kind != LM_OBJECT_KIND_PROCESS)
		return;
	const struct lm_label *parent = lm_labels_get(view->labels, actor->process.parent);
	lm_object_id exe = actor->process.exe_name ? actor->process.exe_name : actor->process.exe;

	append_u64(out, "pid", actor->process.tgid);
	if (parent->kind == LM_OBJECT_KIND_PROCESS)
		append_u64(out, "ppid", parent->process.tgid);
	append_u64(out, "uid", actor->process.uid);
	append_str(out, "comm", actor->process.comm);
	if (exe)
		append_path(out, "exe", view->labels, exe);
	if (actor->process.all)
		lm_attributes_append_short_json(
			actor->process.all, cgroup_path(view, actor->process.all), out);
}

/* All that is known of a process, with the events that make it or change it. */
static void append_attributes(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	const struct lm_process *all = NULL;
	const struct lm_label *label;

	switch ((enum lm_op)event->op) {
	case LM_OP_FORK:
		label = lm_labels_get(view->labels, event->object);
		break;
	case LM_OP_EXEC:
		label = lm_labels_get(view->labels, event->object2);
		break;
	case LM_OP_SETCRED:
	case LM_OP_SETNS:
	case LM_OP_CHROOT:
		label = lm_labels_get(view->labels, event->actor);
		break;
	default:
		return;
	}
	if (label->kind == LM_OBJECT_KIND_PROCESS)
		all = label->process.all;
	if (!all)
		return;
	lm_buffer_printf(out, ",\"process\":{\"pid\":%u,\"version\":%u,\"uids\":[%u,%u,%u,%u],"
		"\"gids\":[%u,%u,%u,%u]", all->tgid, all->version, all->uid, all->euid,
		all->suid, all->fsuid, all->gid, all->egid, all->sgid, all->fsgid);
	lm_attributes_append_json(all, cgroup_path(view, all), out);
	lm_buffer_append_byte(out, '}');
}

static const char *socket_family_name(uint16_t family)
{
	switch (family) {
	case LM_AF_UNIX:
		return "unix";
	case LM_AF_INET:
		return "inet";
	case LM_AF_INET6:
		return "inet6";
	default:
		return "other";
	}
}

/* The facts of one object, under keys with "" or "2" behind them. */
static void append_object(const struct lm_event_view *view, lm_object_id id, const char *suffix,
	struct lm_buffer *out)
{
	const struct lm_label *label = lm_labels_get(view->labels, id);

	if (!id)
		return;
	lm_buffer_printf(out, ",\"object%s\":%u,\"kind%s\":\"%s\"", suffix, id, suffix,
		lm_object_kind_name(label->kind));
	switch ((enum lm_object_kind)label->kind) {
	case LM_OBJECT_KIND_FILE:
		lm_buffer_printf(out, ",\"device%s\":\"%u:%u\",\"inode%s\":%" PRIu64, suffix,
			label->file.dev >> 20, label->file.dev & 0xfffff, suffix,
			label->file.inode);
		break;
	case LM_OBJECT_KIND_PROCESS:
		lm_buffer_printf(out, ",\"target%s\":%u", suffix, label->process.tgid);
		break;
	case LM_OBJECT_KIND_SOCKET:
		lm_buffer_printf(out, ",\"family%s\":\"%s\"", suffix,
			socket_family_name(label->socket.family));
		append_address(out, "local", suffix, &label->socket.local);
		append_address(out, "remote", suffix, &label->socket.remote);
		break;
	case LM_OBJECT_KIND_PIPE:
		lm_buffer_printf(out, ",\"inode%s\":%" PRIu64, suffix, label->pipe.inode);
		break;
	case LM_OBJECT_KIND_MEMORY:
		lm_buffer_printf(out, ",\"inode%s\":%" PRIu64, suffix, label->memory.inode);
		append_label(out, suffix, view->labels, id);
		break;
	case LM_OBJECT_KIND_NONE:
	case LM_OBJECT_KIND_KERNEL:
	case LM_OBJECT_KIND_NAME:
	case LM_OBJECT_KIND_CGROUP:
	case LM_OBJECT_KIND_CONTENT:
		break;
	}
}

/* "path" is the name acted on where there is one, else a name of the file. */
static void append_one_path(const struct lm_event_view *view, lm_object_id name,
	lm_object_id object, const char *suffix, struct lm_buffer *out)
{
	char key[16];

	if (name)
		lm_buffer_printf(out, ",\"name%s\":%u", suffix, name);
	else if (lm_labels_get(view->labels, object)->kind != LM_OBJECT_KIND_FILE)
		return;
	snprintf(key, sizeof(key), "path%s", suffix);
	append_path(out, key, view->labels, name ? name : object);
}

/* The names of a message are no paths. */
static void append_message(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	const char *severity = lm_severity_name(event->arg);

	if (severity)
		lm_buffer_printf(out, ",\"severity\":\"%s\",\"facility\":%" PRIu64, severity,
			event->arg >> 3 & 31);
	if (event->name)
		append_path(out, "tag", view->labels, event->name);
	append_path(out, "text", view->labels, event->name2);
}

static void append_result(const struct lm_event *event, struct lm_buffer *out)
{
	lm_buffer_printf(out, ",\"arg\":%" PRIu64 ",\"result\":%" PRId64, event->arg,
		event->result);
	if (!lm_event_failed(event))
		return;
	const char *name = lm_error_name(-event->result);

	if (name)
		append_str(out, "error", lm_str_from(name));
	else
		lm_buffer_printf(out, ",\"error\":\"errno %" PRId64 "\"", -event->result);
}

static void append_flags(const struct lm_event *event, struct lm_buffer *out)
{
	const char *separator = "";
	const char *name = NULL;

	lm_buffer_append_text(out, ",\"flags\":[");
	for (unsigned int bit = 0; (name = lm_event_flag_name(bit)); bit++) {
		if (!(event->flags >> bit & 1))
			continue;
		lm_buffer_printf(out, "%s\"%s\"", separator, name);
		separator = ",";
	}
	lm_buffer_append_byte(out, ']');
}

static void append_objects(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;

	if (event->op == LM_OP_MESSAGE) {
		append_message(view, out);
		return;
	}
	append_object(view, event->object, "", out);
	append_one_path(view, event->name, event->object, "", out);
	append_object(view, event->object2, "2", out);
	append_one_path(view, event->name2, event->object2, "2", out);
}

void lm_event_print_json(const struct lm_event_view *view, struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	char call[32];

	lm_buffer_printf(out, "{\"id\":%" PRIu64, event->id);
	append_time(out, "time", view->wall_end_ns);
	append_time(out, "begin", view->wall_begin_ns);
	append_u64(out, "tid", event->tid);
	append_actor(view, out);
	append_str(out, "op", lm_str_from(lm_op_name(event->op)));
	append_str(out, "call", lm_str_from(lm_call_name(event->call, call)));
	append_u64(out, "cpu", event->cpu);
	append_objects(view, out);
	if (event->args)
		lm_event_append_args(event, out);
	append_result(event, out);
	if (event->content)
		lm_event_append_content_json(event, out);
	append_flags(event, out);
	append_attributes(view, out);
	lm_buffer_append_text(out, "}\n");
}

static void append_kinds(uint64_t kinds, struct lm_buffer *out)
{
	const char *separator = "";

	lm_buffer_append_text(out, ",\"kinds\":[");
	for (unsigned int bit = 0; bit < 64; bit++) {
		if (!(kinds >> bit & 1))
			continue;
		lm_buffer_printf(out, "%s\"%s\"", separator, lm_gap_kind_name(bit));
		separator = ",";
	}
	lm_buffer_append_byte(out, ']');
}

void lm_content_print_json(const struct lm_content_view *view, struct lm_buffer *out)
{
	const struct lm_content *content = view->content;

	lm_buffer_append_text(out, "{\"content\":true");
	append_time(out, "time", view->wall_ns);
	append_u64(out, "object", content->file);
	append_path(out, "path", view->labels, content->file);
	if (content->state != LM_CONTENT_HASHED) {
		append_str(out, "unhashed", lm_str_from(lm_content_state_name(content->state)));
	} else {
		append_u64(out, "size", content->size);
		lm_buffer_append_text(out, ",\"sha256\":\"");
		lm_buffer_append_hex(out, content->sha256, sizeof(content->sha256));
		lm_buffer_append_byte(out, '"');
		if (view->wall_changed_ns)
			append_time(out, "changed", view->wall_changed_ns);
	}
	lm_buffer_append_text(out, "}\n");
}

void lm_gap_print_json(const struct lm_gap_view *view, struct lm_buffer *out)
{
	const struct lm_gap *gap = view->gap;

	lm_buffer_append_text(out, "{\"gap\":true");
	append_time(out, "begin", view->wall_begin_ns);
	if (view->wall_end_ns)
		append_time(out, "end", view->wall_end_ns);
	append_u64(out, "events", gap->count);
	append_str(out, "reason", lm_str_from(lm_gap_reason_name(gap->reason)));
	if (gap->kinds)
		append_kinds(gap->kinds, out);
	if (gap->tgid)
		append_u64(out, "pid", gap->tgid);
	if (gap->cpu != LM_GAP_CPU_NONE)
		append_u64(out, "cpu", gap->cpu);
	lm_buffer_append_text(out, "}\n");
}
