/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world_internal.h"

struct lm_socket *world_socket(struct world *world, lm_object_id object)
{
	const struct world_object *known = world_object(world, object);

	return known && known->kind == LM_OBJECT_KIND_SOCKET ? &world->sockets[known->at] : NULL;
}

/* Take an address over, its path in memory of its own. @return false without memory */
static bool take_address(struct world *world, struct lm_address *to, const struct lm_address *from)
{
	char *path = NULL;

	if (from->path.len) {
		path = malloc(from->path.len);
		if (!path) {
			world_fail(world, -ENOMEM);
			return false;
		}
		memcpy(path, from->path.data, from->path.len);
	}
	free((char *)to->path.data);
	*to = *from;
	to->path = (struct lm_str){ path, from->path.len };
	return true;
}

static lm_object_id define_socket(struct world *world, lm_object_id id,
	const struct lm_socket *socket)
{
	struct lm_object object = {
		.id = id, .kind = LM_OBJECT_KIND_SOCKET, .socket = *socket,
	};

	return world_define(world, &object);
}

lm_object_id world_new_socket(struct world *world, const struct lm_socket *socket)
{
	struct lm_socket *moved = world_grow(world, world->sockets, world->socket_count,
		&world->socket_capacity, sizeof(*moved));
	struct lm_socket *kept;
	lm_object_id id;

	if (!moved)
		return LM_OBJECT_NONE;
	world->sockets = moved;
	id = define_socket(world, LM_OBJECT_NONE, socket);
	if (!id)
		return LM_OBJECT_NONE;
	kept = &world->sockets[world->socket_count];
	*kept = *socket;
	kept->local.path = kept->remote.path = LM_STR_NONE;
	world->objects[id].at = (uint32_t)world->socket_count++;
	take_address(world, &kept->local, &socket->local);
	take_address(world, &kept->remote, &socket->remote);
	return id;
}

static bool is_same(const struct lm_address *a, const struct lm_address *b)
{
	return a->family == b->family && a->port == b->port &&
		memcmp(a->ip, b->ip, sizeof(a->ip)) == 0 && lm_str_equal(a->path, b->path);
}

void world_set_address(struct world *world, lm_object_id object, bool remote,
	const struct lm_address *address)
{
	struct lm_socket *socket = world_socket(world, object);
	struct lm_address *to;

	if (!socket || address->family == LM_AF_NONE)
		return;
	to = remote ? &socket->remote : &socket->local;
	if (is_same(to, address) || !take_address(world, to, address))
		return;
	if (!socket->family)
		socket->family = address->family;
	define_socket(world, object, socket);
}

void world_free_sockets(struct world *world)
{
	for (size_t i = 0; i < world->socket_count; i++) {
		free((char *)world->sockets[i].local.path.data);
		free((char *)world->sockets[i].remote.path.data);
	}
	free(world->sockets);
}

lm_object_id world_new_pipe(struct world *world, uint64_t inode)
{
	struct lm_object object = {
		.kind = LM_OBJECT_KIND_PIPE, .pipe = { .inode = inode },
	};

	return world_define(world, &object);
}
