/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lemona/base/cleanup.h"
#include "strace.h"
#include "text.h"

#define KERNEL_MINOR_BITS 20

bool strace_annotation(struct lm_str text, struct lm_str *ret_inside, bool *ret_deleted)
{
	const char *open = text.len ? memchr(text.data, '<', text.len) : NULL;
	uint32_t begin, at;
	int depth = 1;

	if (!open)
		return false;
	begin = at = (uint32_t)(open - text.data) + 1;
	for (; at < text.len; at++) {
		if (text.data[at] == '<')
			depth++;
		else if (text.data[at] == '>' && text.data[at - 1] != '-' && --depth == 0)
			break;
	}
	if (depth)
		return false;
	*ret_inside = (struct lm_str){ text.data + begin, at - begin };
	text.data += at + 1;
	text.len -= at + 1;
	*ret_deleted = text_skip(&text, "(deleted)");
	return true;
}

/* "/dev/null<char 1:3>": what it says of the device is taken off. */
static void take_device(struct lm_str *inside, struct world_file *is)
{
	const char *open = inside->len ? memchr(inside->data, '<', inside->len) : NULL;
	struct lm_str device;
	uint64_t major, minor;

	if (!open)
		return;
	device = (struct lm_str){ open + 1, inside->len - (uint32_t)(open + 1 - inside->data) };
	inside->len = (uint32_t)(open - inside->data);
	is->mode = text_skip(&device, "char ") ? S_IFCHR :
		text_skip(&device, "block ") ? S_IFBLK : 0;
	if (is->mode && text_take_u64(&device, 10, &major) && text_skip(&device, ":") &&
		text_take_u64(&device, 10, &minor))
		is->rdev = (uint32_t)(major << KERNEL_MINOR_BITS | minor);
}

/* The path as bytes: strace escapes what does not print, and < and >. */
static lm_object_id find_file(struct world *world, const struct world_process *process,
	struct lm_str inside, bool deleted)
{
	LM_BUFFER struct lm_buffer path = LM_BUFFER_INIT, quoted = LM_BUFFER_INIT;
	struct world_file is = { 0 };
	struct world_place place;
	struct lm_str rest;

	take_device(&inside, &is);
	lm_buffer_append_byte(&quoted, '"');
	lm_buffer_append_str(&quoted, inside);
	lm_buffer_append_byte(&quoted, '"');
	if (lm_buffer_status(&quoted) < 0 || strace_unquote((struct lm_str){
			(const char *)quoted.data, (uint32_t)quoted.len }, &path, &rest) < 0)
		return LM_OBJECT_NONE;
	place = world_walk(world, process->is.root, process->is.root,
		(struct lm_str){ (const char *)path.data, (uint32_t)path.len });
	if (deleted || !place.name)
		return deleted ? LM_OBJECT_NONE : place.file;
	if (!place.file) {
		place.file = world_unknown_device(world, &is);
		world_bind(world, place.name, place.file);
	}
	return place.file;
}

/* A pipe or a socket by its number. */
static lm_object_id find_inode(struct world *world, struct strace_objects *objects, uint64_t inode,
	const struct lm_socket *socket)
{
	const uint64_t *found = lm_map_get(&objects->by_inode, inode);
	lm_object_id object;

	if (found)
		return (lm_object_id)*found;
	object = socket ? world_new_socket(world, socket) : world_new_pipe(world, inode);
	if (object && lm_map_put(&objects->by_inode, inode, object) < 0)
		return LM_OBJECT_NONE;
	return object;
}

/* "127.0.0.1:80" or "[::1]:80"; what follows is left */
static bool take_address(struct lm_str *text, struct lm_address *ret)
{
	bool bracket = text_skip(text, "[");
	struct lm_address address = { .family = bracket ? LM_AF_INET6 : LM_AF_INET };
	struct lm_str ip;
	char copy[INET6_ADDRSTRLEN];
	uint64_t port;

	if (!text_take_until(text, bracket ? ']' : ':', &ip) || ip.len >= sizeof(copy))
		return false;
	memcpy(copy, ip.data, ip.len);
	copy[ip.len] = '\0';
	if (inet_pton(bracket ? AF_INET6 : AF_INET, copy, address.ip) != 1)
		return false;
	if ((bracket && !text_skip(text, ":")) || !text_take_u64(text, 10, &port))
		return false;
	address.port = (uint16_t)port;
	*ret = address;
	return true;
}

/* "TCP:[127.0.0.1:80->127.0.0.1:5000]": the ends of a socket that is known by its descriptor */
static lm_object_id find_connected(struct world *world, lm_object_id tracked, struct lm_str ends,
	struct lm_socket *socket)
{
	struct lm_socket *known;

	if (!take_address(&ends, &socket->local))
		return tracked;
	if (text_skip(&ends, "->") && !take_address(&ends, &socket->remote))
		return tracked;
	socket->family = socket->local.family;
	known = world_socket(world, tracked);
	if (!known || (known->remote.family && socket->remote.family &&
		(known->remote.port != socket->remote.port ||
		memcmp(known->remote.ip, socket->remote.ip, sizeof(known->remote.ip)) != 0)))
		return world_new_socket(world, socket);
	world_set_address(world, tracked, false, &socket->local);
	world_set_address(world, tracked, true, &socket->remote);
	return tracked;
}

/* "UNIX:[123->124,...]", "UNIX-STREAM:[123]" */
static lm_object_id find_unix(struct world *world, struct strace_objects *objects,
	struct lm_str ends)
{
	struct lm_socket socket = { .family = LM_AF_UNIX };
	uint64_t inode;

	if (!text_take_u64(&ends, 10, &inode))
		return LM_OBJECT_NONE;
	socket.inode = inode;
	if (text_skip(&ends, "->"))
		(void)text_take_u64(&ends, 10, &socket.peer_inode);
	return find_inode(world, objects, inode, &socket);
}

static lm_object_id find_socket(struct world *world, struct strace_objects *objects,
	lm_object_id tracked, struct lm_str inside)
{
	struct lm_socket socket = { 0 };
	struct lm_str name;
	uint64_t inode;

	if (text_skip(&inside, "socket:[")) {
		if (!text_take_u64(&inside, 10, &inode))
			return tracked;
		/* Made by a call that said more than this. */
		if (world_socket(world, tracked) && !lm_map_get(&objects->by_inode, inode) &&
			lm_map_put(&objects->by_inode, inode, tracked) == 0)
			return tracked;
		socket.inode = inode;
		return find_inode(world, objects, inode, &socket);
	}
	if (!text_take_until(&inside, ':', &name) || !text_skip(&inside, "["))
		return tracked;
	if (text_skip(&name, "TCP")) {
		socket.type = 1;
		return find_connected(world, tracked, inside, &socket);
	}
	if (text_skip(&name, "UDP")) {
		socket.type = 2;
		return find_connected(world, tracked, inside, &socket);
	}
	return text_skip(&name, "UNIX") && !tracked ? find_unix(world, objects, inside) : tracked;
}

static lm_object_id find_object(struct world *world, struct strace_objects *objects,
	struct world_process *process, lm_object_id tracked, struct lm_str text)
{
	struct lm_str inside;
	bool deleted;
	uint64_t inode;
	lm_object_id found;

	if (!strace_annotation(text, &inside, &deleted) || !inside.len)
		return tracked;
	if (*inside.data == '/') {
		found = find_file(world, process, inside, deleted);
		return found ? found : tracked;
	}
	if (text_skip(&inside, "pipe:["))
		return text_take_u64(&inside, 10, &inode) ?
			find_inode(world, objects, inode, NULL) : tracked;
	return find_socket(world, objects, tracked, inside);
}

lm_object_id strace_descriptor(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str text)
{
	uint64_t fd = 0;
	struct lm_str number = text;
	lm_object_id tracked, found;

	if (text_skip(&number, "AT_FDCWD")) {
		found = find_object(world, objects, process, LM_OBJECT_NONE, text);
		if (found)
			process->is.cwd = found;
		return found;
	}
	if (!text_take_u64(&number, 10, &fd))
		return LM_OBJECT_NONE;
	tracked = world_fd(process, fd);
	found = find_object(world, objects, process, tracked, text);
	if (found && found != tracked)
		world_set_fd(world, process, fd, found, false);
	return found;
}

lm_object_id strace_returned(struct world *world, struct strace_objects *objects,
	struct world_process *process, struct lm_str text)
{
	struct lm_str inside;
	bool deleted;

	/* What a socket is, its arguments tell better. */
	if (!strace_annotation(text, &inside, &deleted) || !inside.len || *inside.data != '/')
		return LM_OBJECT_NONE;
	return find_object(world, objects, process, LM_OBJECT_NONE, text);
}
