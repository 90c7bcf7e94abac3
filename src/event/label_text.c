/* SPDX-License-Identifier: MIT */
#include "lemona/event/label.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lemona/base/cleanup.h"
#include "lemona/base/escape.h"

/* Deeper than any path in use; a loop of directories in a damaged log ends here. */
#define PATH_DEPTH_MAX 512

static void append_device(uint32_t dev, struct lm_buffer *out)
{
	lm_buffer_printf(out, "%u:%u", dev >> 20, dev & 0xfffff);
}

static void append_inode(const struct lm_label *file, lm_object_id id, struct lm_buffer *out)
{
	if (file->kind != LM_OBJECT_KIND_FILE) {
		lm_buffer_printf(out, "[object %u]", id);
		return;
	}
	lm_buffer_append_byte(out, '[');
	append_device(file->file.dev, out);
	lm_buffer_printf(out, " %" PRIu64 "]", file->file.inode);
}

/*
 * Where a path begins: "/" for a root, nothing for the start of a claimed
 * path, the directory's inode where nothing better is known.
 */
static bool append_path_start(const struct lm_labels *labels, lm_object_id dir, bool alone,
	struct lm_buffer *out)
{
	const struct lm_label *file = lm_labels_get(labels, dir);

	if (dir == LM_OBJECT_NONE)
		return true;
	if (file->kind == LM_OBJECT_KIND_FILE && file->file.root) {
		if (alone)
			lm_buffer_append_byte(out, '/');
		return true;
	}
	append_inode(file, dir, out);
	return false;
}

static void append_components(const lm_object_id *names, size_t count,
	const struct lm_labels *labels, bool rooted, struct lm_buffer *out)
{
	for (size_t i = count; i-- > 0;) {
		struct lm_str component = lm_labels_get(labels, names[i])->name.component;

		/* A claimed path may begin with its own slash, or at a directory not known. */
		if ((i + 1 < count || rooted) && !(component.len && component.data[0] == '/'))
			lm_buffer_append_byte(out, '/');
		lm_buffer_append_str(out, component);
	}
}

bool lm_labels_append_path(const struct lm_labels *labels, lm_object_id id, struct lm_buffer *out)
{
	lm_object_id names[PATH_DEPTH_MAX];
	size_t count = 0;
	lm_object_id dir = id;
	const struct lm_label *label = lm_labels_get(labels, id);

	if (label->kind == LM_OBJECT_KIND_NAME) {
		names[count++] = id;
		dir = label->name.dir;
	}
	while (count < PATH_DEPTH_MAX) {
		const struct lm_label *file = lm_labels_get(labels, dir);

		if (file->kind != LM_OBJECT_KIND_FILE || !file->file.name)
			break;
		names[count++] = file->file.name;
		dir = lm_labels_get(labels, file->file.name)->name.dir;
	}
	bool whole = append_path_start(labels, dir, count == 0, out);

	append_components(names, count, labels, dir != LM_OBJECT_NONE, out);
	return whole && count < PATH_DEPTH_MAX;
}

void lm_address_append(const struct lm_address *address, struct lm_buffer *out)
{
	char text[INET6_ADDRSTRLEN] = "";

	switch (address->family) {
	case LM_AF_UNIX:
		lm_buffer_append_str(out, address->path);
		break;
	case LM_AF_INET:
		inet_ntop(AF_INET, address->ip, text, sizeof(text));
		lm_buffer_printf(out, "%s:%u", text, address->port);
		break;
	case LM_AF_INET6:
		inet_ntop(AF_INET6, address->ip, text, sizeof(text));
		lm_buffer_printf(out, "[%s]:%u", text, address->port);
		break;
	default:
		break;
	}
}

static const char *protocol_name(const struct lm_label *label)
{
	if (label->socket.family == LM_AF_UNIX)
		return "unix";
	if (label->socket.family != LM_AF_INET && label->socket.family != LM_AF_INET6)
		return "socket";
	switch (label->socket.protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	default:
		return label->socket.type == SOCK_STREAM ? "tcp"
		       : label->socket.type == SOCK_DGRAM ? "udp"
							  : "ip";
	}
}

static bool has_address(const struct lm_address *address)
{
	return address->family == LM_AF_INET || address->family == LM_AF_INET6 ||
	       (address->family == LM_AF_UNIX && address->path.len > 0);
}

static void append_socket(const struct lm_label *label, struct lm_buffer *out)
{
	bool local = has_address(&label->socket.local);
	bool remote = has_address(&label->socket.remote);

	lm_buffer_append_text(out, protocol_name(label));
	if (!local && !remote) {
		lm_buffer_printf(out, ":[%" PRIu64 "]", label->socket.inode);
		return;
	}
	if (local) {
		lm_buffer_append_byte(out, ' ');
		lm_address_append(&label->socket.local, out);
	}
	if (remote) {
		lm_buffer_append_text(out, " > ");
		lm_address_append(&label->socket.remote, out);
	}
}

static void append_memory(const struct lm_label *label, struct lm_buffer *out)
{
	static const char *const words[] = {
		[LM_MEMORY_MEMFD] = "memfd",   [LM_MEMORY_SHM] = "shm",
		[LM_MEMORY_ANONYMOUS] = "shared memory", [LM_MEMORY_QUEUE] = "message queue",
		[LM_MEMORY_EVENTFD] = "eventfd", [LM_MEMORY_SEMAPHORES] = "semaphores",
		[LM_MEMORY_KEY] = "key",       [LM_MEMORY_CHANNEL] = "channel",
	};
	uint16_t type = label->memory.type;
	const char *word = type < LM_ARRAY_SIZE(words) && words[type] ? words[type] : "memory";

	lm_buffer_append_text(out, word);
	if (label->memory.label.len) {
		lm_buffer_append_byte(out, ' ');
		lm_buffer_append_str(out, label->memory.label);
	} else {
		lm_buffer_printf(out, ":[%" PRIu64 "]", label->memory.inode);
	}
}

void lm_labels_append(const struct lm_labels *labels, lm_object_id id, struct lm_buffer *out)
{
	const struct lm_label *label = lm_labels_get(labels, id);

	switch ((enum lm_object_kind)label->kind) {
	case LM_OBJECT_KIND_KERNEL:
		lm_buffer_append_text(out, "kernel");
		break;
	case LM_OBJECT_KIND_PROCESS:
		lm_buffer_append_str(out, label->process.comm);
		lm_buffer_printf(out, "[%u]", label->process.tgid);
		break;
	case LM_OBJECT_KIND_FILE:
	case LM_OBJECT_KIND_NAME:
		lm_labels_append_path(labels, id, out);
		break;
	case LM_OBJECT_KIND_SOCKET:
		append_socket(label, out);
		break;
	case LM_OBJECT_KIND_PIPE:
		lm_buffer_printf(out, "pipe:[%" PRIu64 "]", label->pipe.inode);
		break;
	case LM_OBJECT_KIND_MEMORY:
		append_memory(label, out);
		break;
	case LM_OBJECT_KIND_CONTENT:
		lm_buffer_printf(out, "[content %u]", id);
		break;
	case LM_OBJECT_KIND_CGROUP:
		lm_buffer_append_text(out, "cgroup ");
		lm_buffer_append_str(out, label->cgroup.path);
		break;
	case LM_OBJECT_KIND_NONE:
		lm_buffer_printf(out, "[object %u]", id);
		break;
	}
}

void lm_labels_append_escaped(const struct lm_labels *labels, lm_object_id id,
	struct lm_buffer *out)
{
	struct lm_buffer raw LM_BUFFER = LM_BUFFER_INIT;

	lm_labels_append(labels, id, &raw);
	lm_buffer_append_escaped(out, (struct lm_str){ (const char *)raw.data, (uint32_t)raw.len });
	if (lm_buffer_status(&raw) < 0)
		out->failed = true;
}
