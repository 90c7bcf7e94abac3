/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_internal.h"

/*
 * The two ends of one connection on this host, from look-ups: sockets with mirrored addresses, unix
 * sockets that name their peer, the two of a socketpair.
 */

/* One end of an inet connection. */
struct flow {
	lm_object_id socket;
	uint64_t begin_ns, end_ns; /* definition, and last use */
};

struct flows {
	struct flow *at;
	size_t count, capacity;
};

static void release_flows(struct flows *flows)
{
	free(flows->at);
}

/* An inet connection's ends, as they are compared. */
struct ends {
	struct lm_address near_end, far_end;
};

void lm_catalog_peers_release(struct lm_catalog_peers *peers)
{
	free(peers->at);
	*peers = (struct lm_catalog_peers)LM_CATALOG_PEERS_INIT;
}

static int add_peer(struct lm_catalog_peers *peers, lm_object_id self, lm_object_id other)
{
	if (self == other)
		return 0;
	if (peers->count == peers->capacity) {
		size_t bigger = peers->capacity ? peers->capacity * 2 : 4;
		struct lm_catalog_peer *moved = reallocarray(peers->at, bigger, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		peers->at = moved;
		peers->capacity = bigger;
	}
	peers->at[peers->count++] = (struct lm_catalog_peer){ .socket = other };
	return 0;
}

static int add_flow(struct flows *flows, struct flow flow)
{
	if (flows->count == flows->capacity) {
		size_t bigger = flows->capacity ? flows->capacity * 2 : 4;
		struct flow *moved = reallocarray(flows->at, bigger, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		flows->at = moved;
		flows->capacity = bigger;
	}
	flows->at[flows->count++] = flow;
	return 0;
}

static int compare_flows(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->socket < y->socket ? -1 : x->socket > y->socket;
}

/* @return false where a socket is none of an inet connection */
static bool ends_of(const struct lm_socket *socket, struct ends *ret_ends)
{
	if (!socket || !lm_address_is_inet(&socket->local) || !lm_address_is_inet(&socket->remote))
		return false;
	ret_ends->near_end = lm_address_plain(&socket->local);
	ret_ends->far_end = lm_address_plain(&socket->remote);
	return true;
}

/* All sockets of a connection with those ends, in the order in which they were made. */
static int find_flows(struct lm_catalog *catalog, const struct ends *ends, struct flows *out)
{
	struct values values LM_CLEANUP(values_release) = { .at = NULL };
	uint64_t key = key_of_flow(&ends->near_end, &ends->far_end);
	int r = catalog_values(catalog, LOOKUP_FLOW, key, key, &values);

	for (size_t i = 0; i < values.count && r == 0; i++) {
		lm_object_id id = (lm_object_id)values.at[i];
		const struct object_row *row = catalog_row(catalog, id);
		uint64_t begin_ns = row ? row->first_ns : 0;
		struct ends have;

		if (values.at[i] != id || !ends_of(lm_catalog_socket(catalog, id), &have) ||
		    compare_addresses(&have.near_end, &ends->near_end) != 0 ||
		    compare_addresses(&have.far_end, &ends->far_end) != 0)
			continue;
		r = add_flow(out, (struct flow){ id, begin_ns, lm_catalog_last_use(catalog, id) });
	}
	if (r == 0 && out->count > 1)
		qsort(out->at, out->count, sizeof(*out->at), compare_flows);
	return r;
}

/* First of `flows` that was made after `t_ns`. */
static size_t first_after(const struct flows *flows, uint64_t t_ns)
{
	size_t low = 0, high = flows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (flows->at[middle].begin_ns <= t_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Ports are used again. The other end of a socket is the newest one that existed when it was made,
 * or one made while it was in use; and that other one has this one, too.
 */
static int add_mirrored(struct lm_catalog *catalog, lm_object_id self, const struct ends *ends,
			struct lm_catalog_peers *out)
{
	const struct ends mirrored = { ends->far_end, ends->near_end };
	struct flows same LM_CLEANUP(release_flows) = { .at = NULL };
	struct flows others LM_CLEANUP(release_flows) = { .at = NULL };
	int r = find_flows(catalog, ends, &same);
	struct flow flow = { .socket = self };
	size_t next;

	if (r == 0)
		r = find_flows(catalog, &mirrored, &others);
	for (size_t i = 0; i < same.count; i++)
		if (same.at[i].socket == self)
			flow = same.at[i];
	next = first_after(&others, flow.begin_ns);
	if (r == 0 && next > 0)
		r = add_peer(out, self, others.at[next - 1].socket);
	while (r == 0 && next < others.count && others.at[next].begin_ns <= flow.end_ns)
		r = add_peer(out, self, others.at[next++].socket);
	for (size_t i = 0; r == 0 && i < others.count; i++) {
		const struct flow *other = &others.at[i];
		size_t after = first_after(&same, other->begin_ns);
		bool newest = after > 0 && same.at[after - 1].socket == self;
		bool during = flow.begin_ns > other->begin_ns && flow.begin_ns <= other->end_ns;

		if (newest || during)
			r = add_peer(out, self, other->socket);
	}
	return r;
}

/* The socket that has an inode number: the last one, where it was used again. */
static int socket_of_inode(struct lm_catalog *catalog, uint64_t inode, lm_object_id *ret_socket)
{
	struct lm_catalog_ids ids LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	int r = lm_catalog_sockets_of_inode(catalog, inode, &ids);

	*ret_socket = ids.count > 0 ? ids.at[ids.count - 1] : LM_OBJECT_NONE;
	return r;
}

/* Those that name the socket with this inode number as their peer. */
static int add_naming(struct lm_catalog *catalog, lm_object_id self, uint64_t inode,
		      struct lm_catalog_peers *out)
{
	struct values values LM_CLEANUP(values_release) = { .at = NULL };
	lm_object_id last;
	int r = socket_of_inode(catalog, inode, &last);

	if (r < 0 || last != self)
		return r;
	r = catalog_values(catalog, LOOKUP_PEER_INODE, inode, inode, &values);
	for (size_t i = 0; i < values.count && r == 0; i++) {
		lm_object_id id = (lm_object_id)values.at[i];
		const struct lm_socket *socket = lm_catalog_socket(catalog, id);

		if (values.at[i] == id && socket && socket->peer_inode == inode)
			r = add_peer(out, self, id);
	}
	return r;
}

static int add_unix(struct lm_catalog *catalog, lm_object_id self, const struct lm_socket *socket,
		    struct lm_catalog_peers *out)
{
	lm_object_id peer = LM_OBJECT_NONE;
	int r = 0;

	if (socket->peer_inode)
		r = socket_of_inode(catalog, socket->peer_inode, &peer);
	if (r == 0 && peer)
		r = add_peer(out, self, peer);
	if (r == 0 && socket->inode)
		r = add_naming(catalog, self, socket->inode, out);
	return r;
}

static int add_pairs(struct lm_catalog *catalog, lm_object_id self, struct lm_catalog_peers *out)
{
	struct values values LM_CLEANUP(values_release) = { .at = NULL };
	int r = catalog_values(catalog, LOOKUP_PAIR, self, self, &values);

	for (size_t i = 0; i < values.count && r == 0; i++)
		if (values.at[i] <= UINT32_MAX &&
		    lm_catalog_socket(catalog, (lm_object_id)values.at[i]))
			r = add_peer(out, self, (lm_object_id)values.at[i]);
	return r;
}

static int compare_peers(const void *a, const void *b)
{
	const struct lm_catalog_peer *x = a, *y = b;

	return x->socket < y->socket ? -1 : x->socket > y->socket;
}

/* Sort, drop what comes twice, and say what the peers are to this one. */
static void finish_peers(struct lm_catalog *catalog, const struct lm_object *self,
			 struct lm_catalog_peers *out, size_t start)
{
	size_t kept = start;

	if (out->count > start + 1)
		qsort(out->at + start, out->count - start, sizeof(*out->at), compare_peers);
	for (size_t i = start; i < out->count; i++) {
		struct lm_catalog_peer *peer = &out->at[i];
		const struct object_row *row = catalog_row(catalog, peer->socket);

		if (!row || !row->body ||
		    (kept > start && out->at[kept - 1].socket == peer->socket))
			continue;
		/* A unix socket reaches into another network namespace only through the file
		 * system or an inherited descriptor: the same people share it, so it is never a
		 * border. */
		out->at[kept++] = (struct lm_catalog_peer){
			.socket = peer->socket,
			.since_ns = row->first_ns > self->time_ns ? row->first_ns : self->time_ns,
			.same_namespace = !lm_address_is_inet(&self->socket.remote) ||
				((const struct lm_socket *)row->body)->ns_net ==
					self->socket.ns_net,
		};
	}
	out->count = kept;
}

int lm_catalog_peers(struct lm_catalog *catalog, lm_object_id id, struct lm_catalog_peers *out)
{
	size_t start = out->count;
	struct lm_object self;
	struct ends ends;
	int r = 0;

	if (!lm_catalog_socket(catalog, id) || lm_catalog_object(catalog, id, &self) < 0)
		return 0;
	if (ends_of(&self.socket, &ends))
		r = add_mirrored(catalog, id, &ends, out);
	if (r == 0)
		r = add_unix(catalog, id, &self.socket, out);
	if (r == 0)
		r = add_pairs(catalog, id, out);
	if (r < 0) {
		out->count = start;
		return r;
	}
	finish_peers(catalog, &self, out, start);
	return 0;
}
