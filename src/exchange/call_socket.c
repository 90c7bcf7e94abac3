/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "call.h"

#define TYPE_MASK 0xfu /* of a socket's type: above it are flags */
/* Pairs have no numbers in a text log: these are ours, above all that a kernel gives. */
#define PAIR_INODES (UINT64_C(1) << 63)

static bool is_closing(const struct call *call)
{
	switch (call->native) {
	case SYS_socket:
	case SYS_socketpair:
		return call->args[1] & SOCK_CLOEXEC;
	case SYS_accept4:
		return call->args[3] & SOCK_CLOEXEC;
	case SYS_pipe2:
		return call->args[1] & O_CLOEXEC;
	}
	return false;
}

static lm_object_id make_socket(struct world *world, const struct call *call,
	const struct lm_socket *like)
{
	struct lm_socket socket = { .family = call->address.family };

	if (call->native == SYS_socket) {
		socket.family = (uint16_t)call->args[0];
		socket.type = call->args[1] & TYPE_MASK;
		socket.protocol = (uint16_t)call->args[2];
	} else if (like) {
		socket.family = like->family;
		socket.type = like->type;
		socket.protocol = like->protocol;
		socket.local = like->local;
		socket.remote = call->address;
	}
	return world_new_socket(world, &socket);
}

/* The socket behind the first argument: made up where it was there before the log began. */
static lm_object_id find_socket(struct world *world, struct world_process *process,
	const struct call *call)
{
	uint64_t fd = call->args[0] & UINT32_MAX;
	lm_object_id object = world_fd(process, fd);

	if (object || call->result == -EBADF || call->result == -ENOTSOCK)
		return object;
	object = make_socket(world, call, NULL);
	world_set_fd(world, process, fd, object, false);
	return object;
}

/* A unix socket that is bound to a path makes a file there. */
static void bind_path(struct world *world, const struct world_process *process,
	const struct call *call, struct lm_event *event)
{
	const struct lm_str path = call->address.path;
	const struct call_path named = {
		.known = true, .text = path, .is = call->path.is, .dir = call->path.dir,
	};
	struct world_place place;

	if (call->address.family != LM_AF_UNIX || !path.len || *path.data == '@')
		return;
	place = call_resolve(world, process, call, &named, CALL_AT_FDCWD);
	event->name = place.name;
	if (call->result < 0 || !place.name)
		return;
	world_bind(world, place.name, named.is.inode ? world_file(world, &named.is, true) :
		world_unknown_file(world, S_IFSOCK));
}

static bool is_connecting(const struct call *call)
{
	return call->result >= 0 || call->result == -EINPROGRESS || call->result == -EINTR;
}

void call_socket(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	bool gives = event->op == LM_OP_SOCKET || event->op == LM_OP_ACCEPT;

	if (gives && call->result < 0) {
		world_event(world, event);
		return;
	}
	if (event->op == LM_OP_ACCEPT)
		event->object2 = find_socket(world, process, call);
	if (gives) {
		event->object = call->returned ? call->returned :
			make_socket(world, call, world_socket(world, event->object2));
		world_event(world, event);
		world_set_fd(world, process, (uint64_t)call->result, event->object,
			is_closing(call));
		return;
	}
	event->object = find_socket(world, process, call);
	if (event->object)
		event->flags |= LM_EVENT_DERIVED;
	if (event->op == LM_OP_CONNECT && is_connecting(call))
		world_set_address(world, event->object, true, &call->address);
	if (event->op == LM_OP_BIND) {
		if (call->result >= 0)
			world_set_address(world, event->object, false, &call->address);
		bind_path(world, process, call, event);
	}
	world_event(world, event);
}

static void make_pair(struct world *world, const struct call *call, struct lm_event *event)
{
	struct lm_socket socket = {
		.family = (uint16_t)call->args[0], .type = call->args[1] & TYPE_MASK,
		.protocol = (uint16_t)call->args[2],
	};
	uint64_t inode = PAIR_INODES + 2 * world_numbers(world);

	if (event->op == LM_OP_PIPE) {
		event->object = event->object2 = world_new_pipe(world, 0);
		return;
	}
	socket.inode = inode;
	socket.peer_inode = inode + 1;
	event->object = world_new_socket(world, &socket);
	socket.inode = inode + 1;
	socket.peer_inode = inode;
	event->object2 = world_new_socket(world, &socket);
}

void call_pair(struct world *world, struct world_process *process, const struct call *call,
	struct lm_event *event)
{
	lm_object_id ends[2];

	if (call->result < 0 || !call->has_pair) {
		world_event(world, event);
		return;
	}
	event->object = call->pair_objects[0];
	event->object2 = call->pair_objects[1];
	if (!event->object || !event->object2)
		make_pair(world, call, event);
	ends[0] = event->object;
	ends[1] = event->object2;
	if (ends[0] == ends[1])
		event->object2 = LM_OBJECT_NONE;
	world_event(world, event);
	for (unsigned int i = 0; i < 2; i++)
		world_set_fd(world, process, call->pair[i], ends[i], is_closing(call));
}
