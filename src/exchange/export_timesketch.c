/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "export_internal.h"
#include "lemona/base/time.h"

/*
 * Timesketch takes any members beside its own four, and shows them as columns: so they are flat.
 */

/* Microseconds as a number, and as text with an offset. */
static void put_times(struct lm_buffer *out, uint64_t wall_ns)
{
	char time[LM_TIME_TEXT_BYTES];
	char text[LM_TIME_TEXT_BYTES + 8];

	lm_time_format(wall_ns, time);
	/* "...05.678901234Z": the last three digits go. */
	snprintf(text, sizeof(text), "%.26s+00:00", time);
	put_text(out, "datetime", text);
	put_u64(out, "timestamp", wall_ns / 1000);
}

static void put_head(struct lm_buffer *out, const struct lm_export *export, uint64_t wall_ns,
	const char *desc, const char *type, const char *subtype)
{
	char data_type[64];

	put_times(out, wall_ns);
	put_text(out, "timestamp_desc", desc);
	snprintf(data_type, sizeof(data_type), "lemona:%s%s%s", type, subtype ? ":" : "",
		subtype ? subtype : "");
	put_text(out, "data_type", data_type);
	put_text(out, "hostname", export->meta.host);
}

static void put_actor(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_process *process = export_process(view->labels, view->event->actor);
	const struct lm_process *parent =
		process ? export_process(view->labels, process->parent) : NULL;
	struct lm_container container;

	put_u64(out, "tid", view->event->tid);
	if (!process)
		return;
	put_u64(out, "pid", process->tgid);
	if (parent)
		put_u64(out, "ppid", parent->tgid);
	put_u64(out, "uid", process->uid);
	put_u64(out, "euid", process->euid);
	put_str(out, "comm", process->comm);
	put_path(out, "exe", view->labels,
		process->exe_name ? process->exe_name : process->exe);
	put_command_line(out, "command_line", process->argv);
	if (process->loginuid != UINT32_MAX)
		put_u64(out, "loginuid", process->loginuid);
	if (process->session != UINT32_MAX)
		put_u64(out, "session", process->session);
	if (export_container(view->labels, process, &container)) {
		put_str(out, "container_runtime", container.runtime);
		put_str(out, "container_id", container.id);
	}
}

static void put_object(struct lm_buffer *out, const struct lm_event_view *view, bool second)
{
	static const char *const keys[][6] = {
		{ "object_kind", "path", "inode", "device", "local", "remote" },
		{ "object_kind2", "path2", "inode2", "device2", "local2", "remote2" },
	};
	lm_object_id id = second ? view->event->object2 : view->event->object;
	const struct lm_label *label = lm_labels_get(view->labels, id);

	if (id)
		put_text(out, keys[second][0], lm_object_kind_name(label->kind));
	put_path(out, keys[second][1], view->labels, export_named(view, second));
	if (label->kind == LM_OBJECT_KIND_FILE) {
		put_u64(out, keys[second][2], label->file.inode);
		put_device(out, keys[second][3], label->file.dev);
	} else if (label->kind == LM_OBJECT_KIND_SOCKET) {
		put_address(out, keys[second][4], &label->socket.local);
		put_address(out, keys[second][5], &label->socket.remote);
	} else if (label->kind == LM_OBJECT_KIND_PROCESS) {
		put_u64(out, second ? "target_pid2" : "target_pid", label->process.tgid);
	}
}

static void write_event(struct lm_export *export, const struct lm_event_view *view,
	struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	char desc[64], call[32];

	snprintf(desc, sizeof(desc), "End of %s", lm_op_name(event->op));
	put_open(out, NULL);
	put_message(out, "message", view);
	put_head(out, export, view->wall_end_ns, desc, "event", lm_op_name(event->op));
	put_u64(out, "event_id", event->id);
	put_time(out, "begin", view->wall_begin_ns);
	put_text(out, "op", lm_op_name(event->op));
	put_text(out, "call", lm_call_name(event->call, call));
	put_actor(out, view);
	put_object(out, view, false);
	put_object(out, view, true);
	put_message_text(out, view);
	put_u64(out, "arg", event->arg);
	put_i64(out, "result", event->result);
	put_error(out, "error", event);
	if (event->flags)
		put_flags(out, "flags", event);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

static void write_gap(struct lm_export *export, const struct lm_gap_view *view,
	struct lm_buffer *out)
{
	const struct lm_gap *gap = view->gap;

	put_open(out, NULL);
	put_gap_message(out, "message", gap);
	put_head(out, export, view->wall_begin_ns, "Begin of gap", "gap", NULL);
	put_time(out, "end", view->wall_end_ns);
	put_u64(out, "events", gap->count);
	put_text(out, "reason", lm_gap_reason_name(gap->reason));
	if (gap->tgid)
		put_u64(out, "pid", gap->tgid);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

static void write_content(struct lm_export *export, const struct lm_content_view *view,
	struct lm_buffer *out)
{
	const struct lm_content *content = view->content;
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;

	put_open(out, NULL);
	lm_buffer_append_text(&text, "content of ");
	lm_labels_append_escaped(view->labels, content->file, &text);
	put_escaped(out, "message", &text);
	put_head(out, export, view->wall_ns, "Content read", "content", NULL);
	put_path(out, "path", view->labels, content->file);
	if (content->state == LM_CONTENT_HASHED) {
		put_u64(out, "size", content->size);
		put_sha256(out, "hash_sha256", content);
		put_time(out, "changed", view->wall_changed_ns);
	} else {
		put_text(out, "unhashed", lm_content_state_name(content->state));
	}
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

const struct export_writer export_timesketch = {
	.event = write_event, .gap = write_gap, .content = write_content,
};
