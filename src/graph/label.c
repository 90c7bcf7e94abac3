/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>

#include "answer.h"

#define KERNEL_MINOR_BITS 20

const char *label_kind(uint8_t kind)
{
	switch (kind) {
	case LM_OBJECT_KIND_KERNEL:
		return "kernel";
	case LM_OBJECT_KIND_PROCESS:
		return "process";
	case LM_OBJECT_KIND_NAME:
		return "name";
	case LM_OBJECT_KIND_SOCKET:
		return "socket";
	case LM_OBJECT_KIND_PIPE:
		return "pipe";
	case LM_OBJECT_KIND_CGROUP:
		return "cgroup";
	case LM_OBJECT_KIND_CONTENT:
		return "content";
	case LM_OBJECT_KIND_NONE:
		return "group";
	default:
		return "file";
	}
}

const char *label_kinds(uint8_t kind)
{
	switch (kind) {
	case LM_OBJECT_KIND_PROCESS:
		return "processes";
	case LM_OBJECT_KIND_NAME:
		return "names";
	case LM_OBJECT_KIND_SOCKET:
		return "sockets";
	case LM_OBJECT_KIND_PIPE:
		return "pipes";
	case LM_OBJECT_KIND_MEMORY:
		return "memory objects";
	default:
		return "files";
	}
}

void label_device(uint32_t dev, struct lm_buffer *out)
{
	lm_buffer_printf(out, "%u:%u", dev >> KERNEL_MINOR_BITS,
			 dev & ((1u << KERNEL_MINOR_BITS) - 1));
}

void label_address(const struct lm_address *address, struct lm_buffer *out)
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
		/* A dual-stack server writes IPv4 this way: read it as what it is. */
		if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address->ip)) {
			inet_ntop(AF_INET, address->ip + 12, text, sizeof(text));
			lm_buffer_printf(out, "%s:%u", text, address->port);
			break;
		}
		inet_ntop(AF_INET6, address->ip, text, sizeof(text));
		lm_buffer_printf(out, "[%s]:%u", text, address->port);
		break;
	default:
		break;
	}
}

struct lm_str label_program(const struct lm_index *index, lm_object_id id)
{
	const struct lm_process *process = index_process(index, id);

	if (!process)
		return LM_STR_NONE;
	if (process->comm.len > 0)
		return process->comm;
	return process->argv.len > 0 ? lm_str_from(process->argv.data) : LM_STR("process");
}

static void label_socket(const struct lm_socket *socket, struct lm_buffer *out)
{
	size_t start = out->len;

	if (socket->remote.family == LM_AF_INET || socket->remote.family == LM_AF_INET6) {
		label_address(&socket->local, out);
		lm_buffer_append_text(out, " - ");
		label_address(&socket->remote, out);
		return;
	}
	label_address(&socket->remote, out);
	if (out->len == start)
		label_address(&socket->local, out);
	if (out->len == start)
		lm_buffer_printf(out, "socket %llu", (unsigned long long)socket->inode);
}

static void label_memory(const struct lm_memory *memory, struct lm_buffer *out)
{
	static const char *const types[] = {
		[0] = "memory", [LM_MEMORY_MEMFD] = "memfd", [LM_MEMORY_SHM] = "shm",
		[LM_MEMORY_ANONYMOUS] = "shared memory", [LM_MEMORY_QUEUE] = "message queue",
		[LM_MEMORY_EVENTFD] = "eventfd", [LM_MEMORY_SEMAPHORES] = "semaphores",
		[LM_MEMORY_KEY] = "key", [LM_MEMORY_CHANNEL] = "channel",
	};

	lm_buffer_append_text(out,
			      memory->type < LM_ARRAY_SIZE(types) ? types[memory->type] : types[0]);
	lm_buffer_append_byte(out, ' ');
	if (memory->label.len > 0)
		lm_buffer_append_str(out, memory->label);
	else
		lm_buffer_printf(out, "%llu", (unsigned long long)memory->inode);
}

void label_object(const struct lm_index *index, lm_object_id id, const char *path,
		  struct lm_buffer *out)
{
	struct lm_object object;

	if (lm_index_object(index, id, &object) < 0)
		return;
	switch (object.kind) {
	case LM_OBJECT_KIND_KERNEL:
		lm_buffer_append_text(out, "kernel");
		break;
	case LM_OBJECT_KIND_PROCESS:
		lm_buffer_append_str(out, label_program(index, id));
		lm_buffer_printf(out, "[%u]", object.process.tgid);
		break;
	case LM_OBJECT_KIND_FILE:
		if (path) {
			lm_buffer_append_text(out, path);
			break;
		}
		lm_buffer_printf(out, "inode %llu on ", (unsigned long long)object.file.inode);
		label_device(object.file.dev, out);
		break;
	case LM_OBJECT_KIND_NAME:
		if (path)
			lm_buffer_append_text(out, path);
		else
			lm_buffer_append_str(out, object.name.component);
		break;
	case LM_OBJECT_KIND_SOCKET:
		label_socket(&object.socket, out);
		break;
	case LM_OBJECT_KIND_PIPE:
		lm_buffer_printf(out, "pipe %llu", (unsigned long long)object.pipe.inode);
		break;
	case LM_OBJECT_KIND_MEMORY:
		label_memory(&object.memory, out);
		break;
	case LM_OBJECT_KIND_CGROUP:
		lm_buffer_append_text(out, "cgroup ");
		lm_buffer_append_str(out, object.cgroup.path);
		break;
	case LM_OBJECT_KIND_CONTENT:
		lm_buffer_printf(out, "content of object %u", object.content.file);
		break;
	default:
		lm_buffer_printf(out, "object %u", id);
		break;
	}
}
