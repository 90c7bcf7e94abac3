/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "export_internal.h"
#include "lemona/base/time.h"

/*
 * Open Cybersecurity Schema Framework 1.1.0. An operation that no class has an activity for is
 * "Other" of the class that its object belongs to; what belongs to none is a Base Event.
 */
#define OCSF_VERSION "1.1.0"
#define OTHER 99u
#define OS_LINUX 200u

enum class {
	CLASS_BASE = 0,
	CLASS_FILE = 1001,
	CLASS_EXTENSION = 1002,
	CLASS_KERNEL = 1003,
	CLASS_MODULE = 1005,
	CLASS_PROCESS = 1007,
	CLASS_NETWORK = 4001,
};

struct activity {
	uint16_t class, id;
};

static const struct activity activities[LM_OP_MAX + 1] = {
	[LM_OP_FORK] = { CLASS_PROCESS, 1 },
	[LM_OP_THREAD] = { CLASS_PROCESS, OTHER },
	[LM_OP_EXEC] = { CLASS_PROCESS, 1 },
	[LM_OP_EXIT] = { CLASS_PROCESS, 2 },
	[LM_OP_PTRACE] = { CLASS_PROCESS, 3 },
	[LM_OP_VMREAD] = { CLASS_PROCESS, 3 },
	[LM_OP_VMWRITE] = { CLASS_PROCESS, 4 },
	[LM_OP_SETCRED] = { CLASS_PROCESS, 5 },
	[LM_OP_SIGNAL] = { CLASS_PROCESS, OTHER },
	[LM_OP_CONTROL] = { CLASS_PROCESS, OTHER },
	[LM_OP_INSPECT] = { CLASS_PROCESS, OTHER },
	[LM_OP_ATTRIBUTE] = { CLASS_PROCESS, OTHER },
	[LM_OP_CHDIR] = { CLASS_PROCESS, OTHER },
	[LM_OP_CHROOT] = { CLASS_PROCESS, OTHER },
	[LM_OP_SETNS] = { CLASS_PROCESS, OTHER },
	[LM_OP_OPEN] = { CLASS_FILE, 14 },
	[LM_OP_CLOSE] = { CLASS_FILE, OTHER },
	[LM_OP_DUP] = { CLASS_FILE, OTHER },
	[LM_OP_READ] = { CLASS_FILE, 2 },
	[LM_OP_READDIR] = { CLASS_FILE, 2 },
	[LM_OP_WRITE] = { CLASS_FILE, 3 },
	[LM_OP_TRUNCATE] = { CLASS_FILE, 3 },
	[LM_OP_COPY] = { CLASS_FILE, 2 },
	[LM_OP_MMAP] = { CLASS_FILE, OTHER },
	[LM_OP_MPROTECT] = { CLASS_FILE, OTHER },
	[LM_OP_MUNMAP] = { CLASS_FILE, OTHER },
	[LM_OP_STAT] = { CLASS_FILE, 8 },
	[LM_OP_MKNOD] = { CLASS_FILE, 1 },
	[LM_OP_MKDIR] = { CLASS_FILE, 1 },
	[LM_OP_LINK] = { CLASS_FILE, 1 },
	[LM_OP_SYMLINK] = { CLASS_FILE, 1 },
	[LM_OP_RENAME] = { CLASS_FILE, 5 },
	[LM_OP_UNLINK] = { CLASS_FILE, 4 },
	[LM_OP_RMDIR] = { CLASS_FILE, 4 },
	[LM_OP_CHMOD] = { CLASS_FILE, 7 },
	[LM_OP_CHOWN] = { CLASS_FILE, 7 },
	[LM_OP_UTIMES] = { CLASS_FILE, 6 },
	[LM_OP_SETXATTR] = { CLASS_FILE, 6 },
	[LM_OP_SETFLAGS] = { CLASS_FILE, 6 },
	[LM_OP_IOCTL] = { CLASS_FILE, OTHER },
	[LM_OP_MOUNT] = { CLASS_FILE, 12 },
	[LM_OP_UMOUNT] = { CLASS_FILE, 13 },
	[LM_OP_MODULE] = { CLASS_EXTENSION, 1 },
	[LM_OP_BPF] = { CLASS_KERNEL, 4 },
	[LM_OP_KEXEC] = { CLASS_KERNEL, 4 },
	[LM_OP_CLOCK] = { CLASS_KERNEL, 4 },
	[LM_OP_KERNEL] = { CLASS_KERNEL, 4 },
	[LM_OP_CALL] = { CLASS_KERNEL, 4 },
};

static struct activity socket_activity(const struct lm_event *event)
{
	const bool failed = lm_event_failed(event);

	switch ((enum lm_op)event->op) {
	case LM_OP_CONNECT:
		return (struct activity){ CLASS_NETWORK, !failed ? 1 :
			event->result == -ECONNREFUSED ? 5 : 4 };
	case LM_OP_ACCEPT:
		return (struct activity){ CLASS_NETWORK, failed ? 4 : 1 };
	case LM_OP_CLOSE:
	case LM_OP_SHUTDOWN:
		return (struct activity){ CLASS_NETWORK, 2 };
	case LM_OP_READ:
	case LM_OP_WRITE:
	case LM_OP_SEND:
	case LM_OP_RECV:
		return (struct activity){ CLASS_NETWORK, 6 };
	default:
		return (struct activity){ CLASS_NETWORK, OTHER };
	}
}

/* A class asks for the object that it is about: where that is not known, it is a Base Event. */
static bool has_subject(const struct lm_event_view *view, uint16_t class)
{
	switch (class) {
	case CLASS_FILE:
	case CLASS_MODULE:
		return export_named(view, false) != 0;
	case CLASS_EXTENSION:
		return export_named(view, true) != 0;
	default:
		return true;
	}
}

static struct activity activity_of(const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct lm_label *socket = export_socket(view);
	struct activity activity = { CLASS_BASE, OTHER };

	/* The class wants at least one IP address: a unix socket has none. */
	if (socket)
		return lm_address_is_inet(&socket->socket.local) ||
			lm_address_is_inet(&socket->socket.remote) ?
			socket_activity(event) : activity;
	if (event->op <= LM_OP_MAX && activities[event->op].class)
		activity = activities[event->op];
	if (event->op == LM_OP_OPEN && event->flags & LM_EVENT_CREATED)
		activity.id = 1;
	if (event->op == LM_OP_MMAP && event->arg & PROT_EXEC)
		activity = (struct activity){ CLASS_MODULE, 1 };
	return has_subject(view, activity.class) ? activity :
		(struct activity){ CLASS_BASE, OTHER };
}

static void put_classification(struct lm_buffer *out, struct activity activity)
{
	put_u64(out, "class_uid", activity.class);
	put_u64(out, "category_uid", activity.class / 1000);
	put_u64(out, "activity_id", activity.id);
	put_u64(out, "type_uid", activity.class * UINT64_C(100) + activity.id);
}

/* Milliseconds, as the schema counts; `exact` keeps what that loses. */
static void put_head(struct lm_buffer *out, const struct lm_export *export, uint64_t wall_ns,
	uint64_t id)
{
	put_u64(out, "time", wall_ns / LM_NS_PER_MS);
	put_open(out, "metadata");
	put_text(out, "version", OCSF_VERSION);
	put_open(out, "product");
	put_text(out, "name", "Lemona");
	put_text(out, "vendor_name", "Lemona");
	put_text(out, "version", export->meta.recorder);
	put_close(out);
	put_open_array(out, "profiles");
	put_text(out, NULL, "host");
	put_text(out, NULL, "container");
	put_close_array(out);
	put_text(out, "log_name", export->meta.boot_id);
	put_time(out, "original_time", wall_ns);
	if (id) {
		put_number_word(out, "uid", id);
		put_u64(out, "sequence", id);
	}
	put_close(out);
	put_open(out, "device");
	put_u64(out, "type_id", 0);
	put_text(out, "hostname", export->meta.host);
	put_text(out, "uid", export->meta.machine_id);
	put_open(out, "os");
	put_text(out, "name", "Linux");
	put_u64(out, "type_id", OS_LINUX);
	put_text(out, "build", export->meta.kernel);
	put_close(out);
	put_close(out);
}

static unsigned int file_type(uint32_t mode)
{
	static const uint8_t types[16] = {
		[0x1] = 6, [0x2] = 3, [0x4] = 2, [0x6] = 4, [0x8] = 1, [0xa] = 7, [0xc] = 5,
	};

	return types[mode >> 12 & 15];
}

/* "name" is the last component, "path" all of it. */
static void put_file(struct lm_buffer *out, const char *key, const struct lm_labels *labels,
	lm_object_id named, lm_object_id file)
{
	const struct lm_label *label = lm_labels_get(labels, file);
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;

	lm_labels_append_path(labels, named, &path);
	const struct lm_str whole = { (const char *)path.data, (uint32_t)path.len };
	uint32_t start = whole.len;

	while (start > 0 && whole.data[start - 1] != '/')
		start--;
	if (start == whole.len)
		start = 0;
	put_open(out, key);
	put_str(out, "name", (struct lm_str){ whole.data + start, whole.len - start });
	put_str(out, "path", whole);
	if (label->kind == LM_OBJECT_KIND_FILE) {
		put_u64(out, "type_id", file_type(label->file.mode));
		put_number_word(out, "uid", label->file.inode);
	} else {
		put_u64(out, "type_id", 0);
	}
	put_close(out);
	if (lm_buffer_status(&path) < 0)
		out->failed = true;
}

static void put_process(struct lm_buffer *out, const char *key, const struct lm_export *export,
	const struct lm_labels *labels, const struct lm_process *process)
{
	const struct lm_process *parent = export_process(labels, process->parent);
	lm_object_id exe = process->exe_name ? process->exe_name : process->exe;
	struct lm_container container;

	put_open(out, key);
	put_u64(out, "pid", process->tgid);
	put_entity(out, "uid", export, process);
	put_str(out, "name", process->comm);
	put_command_line(out, "cmd_line", process->argv);
	put_u64(out, "created_time", export_start_wall_ns(export, process) / LM_NS_PER_MS);
	put_open(out, "user");
	put_number_word(out, "uid", process->euid);
	put_close(out);
	if (exe)
		put_file(out, "file", labels, exe, process->exe);
	if (parent) {
		put_open(out, "parent_process");
		put_u64(out, "pid", parent->tgid);
		put_entity(out, "uid", export, parent);
		put_str(out, "name", parent->comm);
		put_close(out);
	}
	if (export_container(labels, process, &container)) {
		put_open(out, "container");
		put_str(out, "uid", container.id);
		put_str(out, "runtime", container.runtime);
		put_close(out);
	}
	put_close(out);
}

/* One that nobody announced has at least a number in the log. */
static void put_process_of(struct lm_buffer *out, const char *key, const struct lm_export *export,
	const struct lm_labels *labels, lm_object_id id)
{
	const struct lm_process *process = export_process(labels, id);

	if (process) {
		put_process(out, key, export, labels, process);
		return;
	}
	put_open(out, key);
	put_number_word(out, "uid", id);
	put_close(out);
}

static void put_actor(struct lm_buffer *out, const struct lm_export *export,
	const struct lm_event_view *view)
{
	put_open(out, "actor");
	put_process_of(out, "process", export, view->labels, view->event->actor);
	put_close(out);
}

static void put_endpoint(struct lm_buffer *out, const char *key, const struct lm_address *address)
{
	if (!lm_address_is_inet(address))
		return;
	put_open(out, key);
	put_ip(out, "ip", address);
	put_u64(out, "port", address->port);
	put_close(out);
}

static void put_network(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_label *label = export_socket(view);
	const bool outbound = export_is_outbound(view);
	const struct lm_event *event = view->event;
	uint16_t protocol = label->socket.protocol;

	put_endpoint(out, outbound ? "src_endpoint" : "dst_endpoint", &label->socket.local);
	put_endpoint(out, outbound ? "dst_endpoint" : "src_endpoint", &label->socket.remote);
	put_open(out, "connection_info");
	put_u64(out, "direction_id", outbound ? 2 : 1);
	put_u64(out, "protocol_num", protocol);
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		put_text(out, "protocol_name", protocol == IPPROTO_TCP ? "tcp" : "udp");
	put_u64(out, "protocol_ver_id", label->socket.family == LM_AF_INET6 ? 6 : 4);
	put_close(out);
	if (socket_activity(event).id == 6 && event->result >= 0) {
		put_open(out, "traffic");
		put_u64(out, outbound ? "bytes_out" : "bytes_in", (uint64_t)event->result);
		put_close(out);
	}
}

/* Whom a process activity is about. */
static lm_object_id target_of(const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	lm_object_id id = event->op == LM_OP_EXEC ? event->object2 : event->object;

	return export_process(view->labels, id) ? id : event->actor;
}

static void put_subject(struct lm_buffer *out, const struct lm_export *export,
	const struct lm_event_view *view, struct activity activity)
{
	const struct lm_event *event = view->event;
	const int status = (int)event->result;
	char call[32];

	switch ((enum class)activity.class) {
	case CLASS_FILE:
		put_file(out, "file", view->labels, export_named(view, false), event->object);
		if (event->op == LM_OP_RENAME && export_named(view, true))
			put_file(out, "file_result", view->labels, export_named(view, true),
				event->object);
		break;
	case CLASS_MODULE:
	case CLASS_EXTENSION:
		put_open(out, activity.class == CLASS_MODULE ? "module" : "driver");
		put_file(out, "file", view->labels,
			export_named(view, activity.class == CLASS_EXTENSION),
			activity.class == CLASS_MODULE ? event->object : event->object2);
		if (activity.class == CLASS_MODULE)
			put_u64(out, "load_type_id", OTHER);
		put_close(out);
		break;
	case CLASS_KERNEL:
		put_open(out, "kernel");
		put_text(out, "name", event->op == LM_OP_CALL && event->call != LM_CALL_NONE ?
			lm_call_name(event->call, call) : lm_op_name(event->op));
		put_u64(out, "type_id", event->op == LM_OP_CALL ? 2 : OTHER);
		put_text(out, "system_call", lm_call_name(event->call, call));
		put_close(out);
		break;
	case CLASS_PROCESS:
		put_process_of(out, "process", export, view->labels, target_of(view));
		if (event->op == LM_OP_EXIT)
			put_i64(out, "exit_code", WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				WEXITSTATUS(status));
		if (event->op == LM_OP_VMWRITE)
			put_u64(out, "injection_type_id", OTHER);
		break;
	case CLASS_NETWORK:
		put_network(out, view);
		break;
	case CLASS_BASE:
		break;
	}
}

/* What the schema has no attribute for. */
static void put_unmapped(struct lm_buffer *out, const struct lm_event_view *view)
{
	const struct lm_event *event = view->event;
	const struct lm_process *process = export_process(view->labels, event->actor);
	char call[32];

	put_open(out, "unmapped");
	put_text(out, "call", lm_call_name(event->call, call));
	put_u64(out, "tid", event->tid);
	put_u64(out, "arg", event->arg);
	put_i64(out, "result", event->result);
	put_time(out, "begin", view->wall_begin_ns);
	put_time(out, "end", view->wall_end_ns);
	put_flags(out, "flags", event);
	put_path(out, "path2", view->labels, export_named(view, true));
	put_message_text(out, view);
	if (process) {
		put_u64(out, "uid", process->uid);
		if (process->session != UINT32_MAX)
			put_u64(out, "session", process->session);
		if (process->loginuid != UINT32_MAX)
			put_u64(out, "loginuid", process->loginuid);
	}
	put_close(out);
}

static void write_event(struct lm_export *export, const struct lm_event_view *view,
	struct lm_buffer *out)
{
	const struct lm_event *event = view->event;
	const struct activity activity = activity_of(view);
	const bool failed = lm_event_failed(event);

	put_open(out, NULL);
	put_classification(out, activity);
	put_text(out, "activity_name", lm_op_name(event->op));
	put_u64(out, "severity_id", 1);
	put_u64(out, "status_id", failed ? 2 : 1);
	put_error(out, "status_code", event);
	put_message(out, "message", view);
	put_head(out, export, view->wall_end_ns, event->id);
	put_actor(out, export, view);
	put_subject(out, export, view, activity);
	if (event->flags & LM_EVENT_TIMED) {
		put_u64(out, "start_time", view->wall_begin_ns / LM_NS_PER_MS);
		put_u64(out, "end_time", view->wall_end_ns / LM_NS_PER_MS);
	}
	put_unmapped(out, view);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

static void write_gap(struct lm_export *export, const struct lm_gap_view *view,
	struct lm_buffer *out)
{
	const struct lm_gap *gap = view->gap;

	put_open(out, NULL);
	put_classification(out, (struct activity){ CLASS_BASE, OTHER });
	put_text(out, "activity_name", "gap");
	put_u64(out, "severity_id", 3);
	put_gap_message(out, "message", gap);
	put_head(out, export, view->wall_begin_ns, 0);
	put_open(out, "unmapped");
	put_time(out, "begin", view->wall_begin_ns);
	put_time(out, "end", view->wall_end_ns);
	put_u64(out, "events", gap->count);
	put_text(out, "reason", lm_gap_reason_name(gap->reason));
	if (gap->tgid)
		put_u64(out, "pid", gap->tgid);
	put_close(out);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

static void write_content(struct lm_export *export, const struct lm_content_view *view,
	struct lm_buffer *out)
{
	const struct lm_content *content = view->content;

	put_open(out, NULL);
	put_classification(out, (struct activity){ CLASS_BASE, OTHER });
	put_text(out, "activity_name", "content");
	put_u64(out, "severity_id", 1);
	put_head(out, export, view->wall_ns, 0);
	put_open(out, "unmapped");
	put_path(out, "path", view->labels, content->file);
	if (content->state == LM_CONTENT_HASHED) {
		put_u64(out, "size", content->size);
		put_sha256(out, "sha256", content);
	} else {
		put_text(out, "unhashed", lm_content_state_name(content->state));
	}
	put_close(out);
	put_close(out);
	lm_buffer_append_byte(out, '\n');
}

const struct export_writer export_ocsf = {
	.event = write_event, .gap = write_gap, .content = write_content,
};
