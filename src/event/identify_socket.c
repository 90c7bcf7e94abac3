/* SPDX-License-Identifier: MIT */
#include "identify_internal.h"

#include "lemona/base/cleanup.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static struct lm_address address_of(const struct lm_raw_address *raw)
{
	struct lm_address address = { .family = raw->family, .port = raw->port };

	memcpy(address.ip, raw->ip, sizeof(address.ip));
	return address;
}

static int define_socket(struct lm_identify *id, const struct lm_raw_socket *raw,
	lm_object_id root, lm_object_id node, lm_object_id object)
{
	uint8_t flags = raw->raw.flags & LM_RAW_FOUND ? LM_OBJECT_FOUND : 0;
	struct lm_object definition = {
		.id = object, .kind = LM_OBJECT_KIND_SOCKET, .time_ns = raw->raw.time_ns,
		.flags = flags | (raw->claimed_remote ? LM_OBJECT_CLAIMED : 0),
		.socket = {
			.dev = raw->dev, .inode = raw->inode, .cookie = raw->cookie,
			.family = raw->family, .type = raw->type, .protocol = raw->protocol,
			.ns_net = raw->ns_net, .peer_inode = raw->peer_inode,
			.local = address_of(&raw->local), .remote = address_of(&raw->remote),
		},
	};
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	const struct inode_entry *self = inode_of(id, object), *bound;
	struct lm_socket *s = &definition.socket;

	if (self && self->again)
		definition.flags |= LM_OBJECT_AGAIN;
	if (raw->family == AF_UNIX && raw->claimed_remote)
		/* Connected with nobody: whom it asked for belongs to the call. */
		definition.flags &= (uint8_t)~LM_OBJECT_CLAIMED;
	else if (raw->family == AF_UNIX) {
		struct lm_address *named = raw->remote.family ? &s->remote : &s->local;

		named->path = (struct lm_str){ (const char *)raw->path, raw->path_len };
		s->path_file = node;
		/* As bound it may be relative to a directory that nobody remembers. */
		bound = inode_of(id, node);
		if (bound && append_path(id, bound->name, root, &path) &&
			path.len <= LM_NAME_MAX_BYTES)
			named->path = (struct lm_str){
				(const char *)path.data, (uint32_t)path.len,
			};
	}
	return emit_object(id, &definition);
}

/*
 * A description without what belongs to the call alone. Unix sockets have paths, which are made
 * from what names are bound to now: those are always told anew.
 */
static bool is_told(struct lm_identify *id, const struct lm_raw_socket *raw, lm_object_id object)
{
	struct told_socket *told = &id->told_sockets[object % TOLD_SOCKETS];
	struct lm_raw_socket description = *raw;

	description.raw = (struct lm_raw){ .flags = raw->raw.flags & LM_RAW_FOUND };
	description.result = 0;
	description.inode2 = 0;
	description.fd = 0;
	if (raw->family != AF_UNIX && told->object == object &&
		memcmp(&told->raw, &description, sizeof(description)) == 0)
		return true;
	told->object = object;
	told->raw = description;
	return false;
}

/*
 * The object of a described socket. A new inode number from socket() or
 * accept() is a new socket even where the number has been used before.
 */
static int socket_object(struct lm_identify *id, const struct lm_raw_socket *raw, lm_object_id root,
	bool created, lm_object_id *ret_object)
{
	lm_object_id object = LM_OBJECT_NONE, node = LM_OBJECT_NONE;
	int r = 0;

	*ret_object = LM_OBJECT_NONE;
	if (!raw->inode)
		return 0;
	/* Numbers are given in the order of definitions: what this one refers to comes first. */
	if (raw->family == AF_UNIX)
		r = find_inode(id, raw->raw.time_ns, raw->path_inode, raw->path_dev, S_IFSOCK,
			&node);
	if (r == 0)
		r = place_socket(id, raw->dev, raw->inode, created, &object);
	if (r < 0)
		return r;
	*ret_object = object;
	if (is_told(id, raw, object))
		return 0;
	r = define_socket(id, raw, root, node, object);
	if (r < 0)
		id->told_sockets[object % TOLD_SOCKETS].object = LM_OBJECT_NONE;
	return r;
}

/* The name that a unix socket was to be connected with, and is not. */
static int set_claimed_name(struct lm_identify *id, const struct lm_raw_socket *raw,
	const struct process *process, struct lm_event *event)
{
	struct lm_str path = { (const char *)raw->path, raw->path_len };
	struct place place;
	int r;

	path.len = (uint32_t)strnlen(path.data, path.len);
	if (!path.len || *path.data == '@') /* no name in a file system */
		return 0;
	r = resolve(id, raw->raw.time_ns, process, process->attributes.cwd, path, false, &place);
	if (r == 0)
		event->name = place.name;
	return r;
}

int take_socket(struct lm_identify *id, const struct lm_raw_socket *raw)
{
	uint16_t op = raw->raw.flags & LM_RAW_FOUND ? LM_OP_NONE : op_of(raw->raw.call);
	bool created = op == LM_OP_SOCKET || op == LM_OP_ACCEPT;
	const struct inode_entry *bound;
	struct process *process;
	lm_object_id object = LM_OBJECT_NONE, file;
	struct lm_event event;
	int r;

	if (raw->path_len > sizeof(raw->path) ||
		(raw->inode && id->devices.sockfs && raw->dev != id->devices.sockfs))
		return -LM_E_FORMAT;
	r = process_of(id, &raw->raw, &process);
	if (r == 0)
		r = socket_object(id, raw, process->attributes.root, created && raw->result >= 0,
			&object);
	if (r < 0)
		return r;
	if (op == LM_OP_NONE) {
		remember_fd(process, raw->fd, object);
		return 0;
	}
	r = begin_event(id, &raw->raw, op, &process, &event);
	if (r < 0)
		return r;
	event.object = object;
	event.result = raw->result;
	event.arg = (uint32_t)raw->fd;
	if (raw->claimed_remote)
		event.flags |= LM_EVENT_CLAIMED;
	if (raw->claimed_remote && raw->family == AF_UNIX) {
		r = set_claimed_name(id, raw, process, &event);
		if (r < 0)
			return r;
	}
	if (op == LM_OP_ACCEPT && raw->inode2) {
		r = find_inode(id, raw->raw.time_ns, raw->inode2, id->devices.sockfs,
			S_IFSOCK | 0777, &event.object2);
		if (r < 0)
			return r;
	}
	remember_fd(process, raw->fd, object);
	if (op == LM_OP_BIND && raw->result >= 0 && raw->path_inode) {
		/* It has made a name. */
		r = find_inode(
			id, raw->raw.time_ns, raw->path_inode, raw->path_dev, S_IFSOCK, &file);
		if (r < 0)
			return r;
		bound = inode_of(id, file);
		event.name = bound ? bound->name : LM_OBJECT_NONE;
		take_created_report(id, &event);
	}
	return emit_event(id, &event);
}
