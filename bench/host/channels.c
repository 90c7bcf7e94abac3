/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <sys/socket.h>

#include "calls.h"

#define SOCKFS_DEV 8u
#define PIPEFS_DEV 13u

enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_CLOSE = 3,
	CALL_DUP2 = 33,
	CALL_SOCKET = 41,
	CALL_CONNECT = 42,
	CALL_SENDTO = 44,
	CALL_RECVFROM = 45,
	CALL_BIND = 49,
	CALL_LISTEN = 50,
	CALL_ACCEPT4 = 288,
	CALL_PIPE2 = 293,
};

static void on_channel(
	struct proc *p, uint16_t op, uint16_t call, lm_object_id object, int64_t result)
{
	host_event(
		p, (struct lm_event){ .op = op, .call = call, .object = object, .result = result });
}

uint64_t socket_inode(struct world *w)
{
	return w->next_socket++;
}

struct lm_address address_of(uint32_t ip, uint16_t port)
{
	return (struct lm_address){ .family = LM_AF_INET,
		.port = port,
		.ip = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8),
			(uint8_t)ip } };
}

void sys_pipe(struct proc *p, struct channel *ret_pipe)
{
	*ret_pipe = (struct channel){
		.object = { .kind = LM_OBJECT_KIND_PIPE,
			.pipe = { .dev = PIPEFS_DEV, .inode = p->world->next_socket++ } }
	};
	host_define(p->world, &ret_pipe->object, p->now_ns);
	on_channel(p, LM_OP_PIPE, CALL_PIPE2, ret_pipe->object.id, 0);
}

void sys_pipe_read(struct proc *p, const struct channel *pipe, int64_t bytes)
{
	on_channel(p, LM_OP_READ, CALL_READ, pipe->object.id, bytes);
}

void sys_pipe_write(struct proc *p, const struct channel *pipe, int64_t bytes)
{
	on_channel(p, LM_OP_WRITE, CALL_WRITE, pipe->object.id, bytes);
}

void sys_dup(struct proc *p, lm_object_id object)
{
	host_event(p, (struct lm_event){ .op = LM_OP_DUP,
			      .call = CALL_DUP2,
			      .object = object,
			      .arg = 4,
			      .result = host_below(p->world, 3) });
}

void sys_close_object(struct proc *p, lm_object_id object)
{
	host_event(p, (struct lm_event){ .op = LM_OP_CLOSE,
			      .call = CALL_CLOSE,
			      .flags = LM_EVENT_DERIVED,
			      .object = object,
			      .arg = 4 });
}

static void define_socket(struct proc *p, struct channel *socket, uint16_t family, uint64_t inode)
{
	*socket = (struct channel){ .object = { .kind = LM_OBJECT_KIND_SOCKET,
					    .socket = {
						    .dev = SOCKFS_DEV,
						    .inode = inode,
						    .cookie = inode,
						    .family = family,
						    .type = SOCK_STREAM,
						    .protocol =
							    family == LM_AF_UNIX ? 0 : IPPROTO_TCP,
						    .ns_net = p->is.ns_net,
						    .local = { .family = family },
						    .remote = { .family = family },
					    } } };
}

void sys_listen(struct proc *p, struct channel *ret_socket, const struct lm_address *local,
	struct node *path)
{
	define_socket(p, ret_socket, local->family, socket_inode(p->world));
	ret_socket->object.socket.local = *local;
	if (path)
		ret_socket->object.socket.path_file = host_tell_file(p->world, path, p->now_ns);
	host_define(p->world, &ret_socket->object, p->now_ns);
}

void sys_connect(struct proc *p, struct channel *ret_socket, const struct lm_address *remote,
	struct node *path, uint64_t peer)
{
	struct lm_socket *socket = &ret_socket->object.socket;

	define_socket(p, ret_socket, remote->family, socket_inode(p->world));
	host_define(p->world, &ret_socket->object, p->now_ns);
	on_channel(p, LM_OP_SOCKET, CALL_SOCKET, ret_socket->object.id, 4);
	socket->remote = *remote;
	socket->peer_inode = peer;
	if (path)
		socket->path_file = host_tell_file(p->world, path, p->now_ns);
	else
		socket->local =
			address_of(0x0a000005, (uint16_t)host_between(p->world, 32768, 60999));
	host_define(p->world, &ret_socket->object, p->now_ns);
	on_channel(p, LM_OP_CONNECT, CALL_CONNECT, ret_socket->object.id, 0);
}

void sys_accept(struct proc *p, const struct channel *listener, struct channel *ret_socket,
	const struct lm_address *remote, uint64_t inode, uint64_t peer)
{
	const struct lm_socket *from = &listener->object.socket;
	struct lm_socket *socket = &ret_socket->object.socket;

	define_socket(p, ret_socket, from->family, inode);
	socket->local = from->local;
	socket->remote = *remote;
	socket->peer_inode = peer;
	socket->path_file = from->path_file;
	host_define(p->world, &ret_socket->object, p->now_ns);
	host_event(p, (struct lm_event){ .op = LM_OP_ACCEPT,
			      .call = CALL_ACCEPT4,
			      .object = ret_socket->object.id,
			      .object2 = listener->object.id,
			      .result = 9 });
}

void sys_send(struct proc *p, const struct channel *socket, int64_t bytes)
{
	on_channel(p, LM_OP_SEND, CALL_SENDTO, socket->object.id, bytes);
}

void sys_recv(struct proc *p, const struct channel *socket, int64_t bytes)
{
	on_channel(p, LM_OP_RECV, CALL_RECVFROM, socket->object.id, bytes);
}
