/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <sys/wait.h>

#include "export_internal.h"
#include "lemona/base/cleanup.h"

/*
 * Elastic Common Schema 8.11. What it has no field for stands under "lemona", as the schema asks
 * of custom fields.
 */
#define ECS_VERSION "8.11.0"

/* event.category and event.type: of both only what the schema's lists allow together. */
struct kind {
	const char *category, *type;
};

static const struct kind kinds[LM_OP_MAX + 1] = {
	[LM_OP_FORK] = { "process", "start" },
	[LM_OP_THREAD] = { "process", "info" },
	[LM_OP_EXEC] = { "process", "start" },
	[LM_OP_EXIT] = { "process", "end" },
	[LM_OP_OPEN] = { "file", "access" },
	[LM_OP_CLOSE] = { "file", "info" },
	[LM_OP_DUP] = { "file", "info" },
	[LM_OP_READ] = { "file", "access" },
	[LM_OP_WRITE] = { "file", "change" },
	[LM_OP_TRUNCATE] = { "file", "change" },
	[LM_OP_COPY] = { "file", "change" },
	[LM_OP_MMAP] = { "file", "access" },
	[LM_OP_MPROTECT] = { "file", "access" },
	[LM_OP_MUNMAP] = { "file", "info" },
	[LM_OP_READDIR] = { "file", "access" },
	[LM_OP_STAT] = { "file", "info" },
	[LM_OP_MKNOD] = { "file", "creation" },
	[LM_OP_MKDIR] = { "file", "creation" },
	[LM_OP_LINK] = { "file", "creation" },
	[LM_OP_SYMLINK] = { "file", "creation" },
	[LM_OP_RENAME] = { "file", "change" },
	[LM_OP_UNLINK] = { "file", "deletion" },
	[LM_OP_RMDIR] = { "file", "deletion" },
	[LM_OP_CHMOD] = { "file", "change" },
	[LM_OP_CHOWN] = { "file", "change" },
	[LM_OP_UTIMES] = { "file", "change" },
	[LM_OP_SETXATTR] = { "file", "change" },
	[LM_OP_SETFLAGS] = { "file", "change" },
	[LM_OP_MOUNT] = { "configuration", "change" },
	[LM_OP_UMOUNT] = { "configuration", "change" },
	[LM_OP_CLOCK] = { "configuration", "change" },
	[LM_OP_MODULE] = { "driver", "start" },
	[LM_OP_BPF] = { "driver", "start" },
	[LM_OP_KEXEC] = { "driver", "start" },
	[LM_OP_KERNEL] = { "driver", "change" },
	[LM_OP_SIGNAL] = { "process", "change" },
	[LM_OP_PTRACE] = { "process", "access" },
	[LM_OP_VMREAD] = { "process", "access" },
	[LM_OP_VMWRITE] = { "process", "change" },
	[LM_OP_SETCRED] = { "process", "change" },
	[LM_OP_CHDIR] = { "process", "change" },
	[LM_OP_CHROOT] = { "process", "change" },
	[LM_OP_SETNS] = { "process", "change" },
	[LM_OP_ATTRIBUTE] = { "process", "change" },
	[LM_OP_CONTROL] = { "process", "change" },
	[LM_OP_INSPECT] = { "process", "access" },
	[LM_OP_CALL] = { "api", "info" },
};

/* The same operations on sockets are the network's business. */
static struct kind socket_kind(const struct lm_event *event)
{
	switch ((enum lm_op)event->op) {
	case LM_OP_CONNECT:
	case LM_OP_ACCEPT:
		return (struct kind){ "network", "connection" };
	case LM_OP_CLOSE:
	case LM_OP_SHUTDOWN:
		return (struct kind){ "network", "end" };
	case LM_OP_SOCKET:
	case LM_OP_SOCKETPAIR:
	case LM_OP_BIND:
	case LM_OP_LISTEN:
		return (struct kind){ "network", "info" };
	default:
		return (struct kind){ "network", "access" };
	}
}

static struct kind kind_of(const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct kind *kind = event->op <= LM_OP_MAX ? &kinds[event->op] : NULL;
	uint8_t object = lm_labels_get(view->labels, event->object)->kind;

	if (object == LM_OBJECT_KIND_SOCKET)
		return socket_kind(event);
	if (event->flags & LM_EVENT_CREATED && event->op == LM_OP_OPEN)
		return (struct kind){ "file", "creation" };
	/* Pipes and memory are how processes talk. */
	if (!kind || !kind->category || object == LM_OBJECT_KIND_PIPE ||
		object == LM_OBJECT_KIND_MEMORY)
		return (struct kind){ "process", "info" };
	return *kind;
}

static void put_event(struct lm_buffer *out, const struct lm_export *export,
	const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct kind kind = kind_of(view);
	const bool timed = event->flags & LM_EVENT_TIMED;

	put_open(out, "event");
	put_text(out, "kind", "event");
	put_open_array(out, "category");
	put_text(out, NULL, kind.category);
	put_close_array(out);
	put_open_array(out, "type");
	put_text(out, NULL, kind.type);
	put_close_array(out);
	put_text(out, "action", lm_op_name(event->op));
	put_text(out, "outcome", lm_event_failed(event) ? "failure" : "success");
	put_number_word(out, "id", event->id);
	put_u64(out, "sequence", event->id);
	put_text(out, "provider", "lemona");
	put_text(out, "dataset", "lemona.event");
	if (timed) {
		put_time(out, "start", view->wall_begin_ns);
		put_u64(out, "duration", view->wall_end_ns - view->wall_begin_ns);
	}
	put_time(out, "end", view->wall_end_ns);
	put_close(out);
}

static void put_host(struct lm_buffer *out, const struct lm_export *export)
{
	put_open(out, "host");
	put_text(out, "hostname", export->meta.host);
	put_text(out, "id", export->meta.machine_id);
	put_open(out, "boot");
	put_text(out, "id", export->meta.boot_id);
	put_close(out);
	put_open(out, "os");
	put_text(out, "type", "linux");
	put_text(out, "kernel", export->meta.kernel);
	put_close(out);
	put_close(out);
}

static void put_head(struct lm_buffer *out, const struct lm_export *export, uint64_t wall_ns)
{
	put_time(out, "@timestamp", wall_ns);
	put_open(out, "ecs");
	put_text(out, "version", ECS_VERSION);
	put_close(out);
}

static void put_process(struct lm_buffer *out, const struct lm_export *export,
	const struct lm_event_view *view, const struct lm_process *process)
{
	const struct lm_process *parent = export_process(view->labels, process->parent);

	put_u64(out, "pid", process->tgid);
	put_entity(out, "entity_id", export, process);
	put_str(out, "name", process->comm);
	put_path(out, "executable", view->labels,
		process->exe_name ? process->exe_name : process->exe);
	if (process->argv.len) {
		put_args(out, "args", process->argv);
		put_u64(out, "args_count", process->argc);
		put_command_line(out, "command_line", process->argv);
	}
	put_time(out, "start", export_start_wall_ns(export, process));
	put_path(out, "working_directory", view->labels, process->cwd);
	if (parent) {
		put_open(out, "parent");
		put_u64(out, "pid", parent->tgid);
		put_entity(out, "entity_id", export, parent);
		put_str(out, "name", parent->comm);
		put_close(out);
	}
}

/* Of a fork and an exec the process is the new one, as the schema has it. */
static const struct lm_process *subject_of(const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct lm_process *made = NULL;

	if (event->op == LM_OP_FORK)
		made = export_process(view->labels, event->object);
	else if (event->op == LM_OP_EXEC)
		made = export_process(view->labels, event->object2);
	return made ? made : export_process(view->labels, event->actor);
}

static void put_subject(struct lm_buffer *out, const struct lm_export *export,
	const struct lm_event_view *view)
{
	const struct lm_process *process = subject_of(view);
	const int status = (int)view->event->result;

	put_open(out, "process");
	if (process)
		put_process(out, export, view, process);
	put_open(out, "thread");
	put_u64(out, "id", view->event->tid);
	put_close(out);
	if (view->event->op == LM_OP_EXIT)
		put_i64(out, "exit_code",
			WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	put_close(out);
}

static void put_user(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_process *process = subject_of(view);
	struct lm_container container;

	if (!process)
		return;
	put_open(out, "user");
	put_number_word(out, "id", process->uid);
	put_open(out, "effective");
	put_number_word(out, "id", process->euid);
	put_close(out);
	put_close(out);
	if (!export_container(view->labels, process, &container))
		return;
	put_open(out, "container");
	put_str(out, "id", container.id);
	put_str(out, "runtime", container.runtime);
	put_close(out);
}

static const char *file_type(uint32_t mode)
{
	switch (mode & 0170000) {
	case 0040000:
		return "dir";
	case 0120000:
		return "symlink";
	default:
		return "file";
	}
}

static void put_file(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_label *label = lm_labels_get(view->labels, view->event->object);
	const bool file = label->kind == LM_OBJECT_KIND_FILE;
	lm_object_id named = export_named(view, false);

	if (!named && !file)
		return;
	put_open(out, "file");
	put_path(out, "path", view->labels, named);
	if (file) {
		put_number_word(out, "inode", label->file.inode);
		put_device(out, "device", label->file.dev);
		if (label->file.mode)
			put_text(out, "type", file_type(label->file.mode));
	}
	if (view->event->op == LM_OP_SYMLINK)
		put_path(out, "target_path", view->labels, view->event->name2);
	put_close(out);
}

static void put_end(struct lm_buffer *out, const char *key, const struct lm_address *address)
{
	if (address->family == LM_AF_NONE || (address->family == LM_AF_UNIX && !address->path.len))
		return;
	put_open(out, key);
	put_address(out, "address", address);
	put_ip(out, "ip", address);
	if (lm_address_is_inet(address))
		put_u64(out, "port", address->port);
	put_close(out);
}

static void put_network(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_label *label = export_socket(view);
	const bool outbound = export_is_outbound(view);

	if (!label)
		return;
	put_end(out, outbound ? "source" : "destination", &label->socket.local);
	put_end(out, outbound ? "destination" : "source", &label->socket.remote);
	put_open(out, "network");
	if (label->socket.family == LM_AF_INET || label->socket.family == LM_AF_INET6)
		put_text(out, "type", label->socket.family == LM_AF_INET ? "ipv4" : "ipv6");
	if (label->socket.protocol == IPPROTO_TCP || label->socket.protocol == IPPROTO_UDP)
		put_text(out, "transport", label->socket.protocol == IPPROTO_TCP ? "tcp" : "udp");
	put_text(out, "direction", outbound ? "egress" : "ingress");
	put_close(out);
}

/* What the schema has no field for. */
static void put_own(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct lm_process *process = export_process(view->labels, event->actor);
	char call[32];

	put_open(out, "lemona");
	put_text(out, "call", lm_call_name(event->call, call));
	put_u64(out, "actor", event->actor);
	put_u64(out, "arg", event->arg);
	put_i64(out, "result", event->result);
	put_time(out, "begin", view->wall_begin_ns);
	put_flags(out, "flags", event);
	put_path(out, "path2", view->labels, export_named(view, true));
	put_message_text(out, view);
	if (process && process->session != UINT32_MAX)
		put_u64(out, "session", process->session);
	if (process && process->loginuid != UINT32_MAX)
		put_u64(out, "loginuid", process->loginuid);
	if (export_process(view->labels, event->object))
		put_u64(out, "target_pid", export_process(view->labels, event->object)->tgid);
	put_close(out);
}

static void write_event(struct lm_export *export, const struct lm_event_view *view,
	struct lm_buffer *out)
{
	put_open(out, NULL);
	put_head(out, export, view->wall_end_ns);
	put_message(out, "message", view);
	put_event(out, export, view);
	put_host(out, export);
	put_subject(out, export, view);
	put_user(out, view);
	put_file(out, view);
	put_network(out, view);
	if (lm_event_failed(view->event)) {
		put_open(out, "error");
		put_error(out, "code", view->event);
		put_close(out);
	}
	put_own(out, view);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

static void put_other_event(struct lm_buffer *out, const char *kind, const char *dataset)
{
	put_open(out, "event");
	put_text(out, "kind", kind);
	put_text(out, "provider", "lemona");
	put_text(out, "dataset", dataset);
}

/* Something happened that could not be taken in. */
static void write_gap(struct lm_export *export, const struct lm_gap_view *view,
	struct lm_buffer *out)
{
	const struct lm_gap *gap = view->gap;

	put_open(out, NULL);
	put_head(out, export, view->wall_begin_ns);
	put_gap_message(out, "message", gap);
	put_other_event(out, "pipeline_error", "lemona.gap");
	put_time(out, "start", view->wall_begin_ns);
	put_time(out, "end", view->wall_end_ns);
	put_text(out, "reason", lm_gap_reason_name(gap->reason));
	put_close(out);
	put_host(out, export);
	if (gap->tgid) {
		put_open(out, "process");
		put_u64(out, "pid", gap->tgid);
		put_close(out);
	}
	put_open(out, "lemona");
	put_u64(out, "missing", gap->count);
	put_close(out);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

static void write_content(struct lm_export *export, const struct lm_content_view *view,
	struct lm_buffer *out)
{
	const struct lm_content *content = view->content;
	const bool hashed = content->state == LM_CONTENT_HASHED;

	put_open(out, NULL);
	put_head(out, export, view->wall_ns);
	put_other_event(out, "state", "lemona.content");
	put_close(out);
	put_host(out, export);
	put_open(out, "file");
	put_path(out, "path", view->labels, content->file);
	if (hashed) {
		put_u64(out, "size", content->size);
		put_open(out, "hash");
		put_sha256(out, "sha256", content);
		put_close(out);
		put_time(out, "ctime", view->wall_changed_ns);
	}
	put_close(out);
	if (!hashed) {
		put_open(out, "lemona");
		put_text(out, "unhashed", lm_content_state_name(content->state));
		put_close(out);
	}
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

const struct export_writer export_ecs = {
	.event = write_event, .gap = write_gap, .content = write_content,
};
