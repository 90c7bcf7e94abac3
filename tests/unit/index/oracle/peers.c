/* SPDX-License-Identifier: MIT */
#include "index-private.h"

/*
 * The two ends of one connection on this host: inet sockets with mirrored
 * addresses, unix sockets that name their peer, the two of a socketpair.
 */

/* Both ends of an inet connection, comparable whichever way round. */
struct flow {
	struct lm_address near, far;
	lm_object_id socket;
	uint32_t ns_net;
	uint64_t begin_ns, end_ns; /* definition, and last use */
};

struct pair {
	lm_object_id a, b;
};

struct pairing {
	struct lm_index *index;
	struct flow *flows;
	size_t flow_count;
	TABLE(struct pair, pairs);
};

static void release_pairing(struct pairing *pairing)
{
	free(pairing->flows);
	free(pairing->pairs.at);
}

static int compare_addresses(const struct lm_address *a, const struct lm_address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

static int compare_ends(const struct lm_address *near_a, const struct lm_address *far_a,
			const struct lm_address *near_b, const struct lm_address *far_b)
{
	int order = compare_addresses(near_a, near_b);

	return order ? order : compare_addresses(far_a, far_b);
}

static int compare_flows(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	int order = compare_ends(&x->near, &x->far, &y->near, &y->far);

	if (order)
		return order;
	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return x->socket < y->socket ? -1 : x->socket > y->socket;
}

static int add_pair(struct pairing *pairing, lm_object_id a, lm_object_id b)
{
	size_t count = pairing->pairs.count;

	if (a == b)
		return 0;
	if (lm_array_reserve(pairing->pairs.at, pairing->pairs.capacity, count + 2) < 0)
		return -ENOMEM;
	pairing->pairs.at[count] = (struct pair){ a, b };
	pairing->pairs.at[count + 1] = (struct pair){ b, a };
	pairing->pairs.count = count + 2;
	return 0;
}

static int collect_flows(struct pairing *pairing)
{
	struct lm_index *index = pairing->index;

	pairing->flows = lm_array_new(index->sockets.count, sizeof(*pairing->flows));
	if (!pairing->flows)
		return -ENOMEM;
	for (lm_object_id id = 1; id < index->objects.count; id++) {
		const struct lm_socket *socket = index_socket(index, id);

		if (!socket || !lm_address_is_inet(&socket->remote) ||
		    !lm_address_is_inet(&socket->local))
			continue;
		pairing->flows[pairing->flow_count++] = (struct flow){
			.near = lm_address_plain(&socket->local),
			.far = lm_address_plain(&socket->remote),
			.socket = id,
			.ns_net = socket->ns_net,
			.begin_ns = index->objects.at[id].first_ns,
			.end_ns = index->objects.at[id].used_ns,
		};
	}
	if (pairing->flow_count > 0)
		qsort(pairing->flows, pairing->flow_count, sizeof(*pairing->flows), compare_flows);
	return 0;
}

/* First flow that goes the other way between the same two addresses. */
static size_t find_mirror(const struct pairing *pairing, const struct flow *flow)
{
	size_t low = 0, high = pairing->flow_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct flow *other = &pairing->flows[middle];

		if (compare_ends(&other->near, &other->far, &flow->far, &flow->near) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Ports are used again. The other end of a socket is the newest one that
 * existed when it was made, or one made while it was in use.
 */
static int pair_flow(struct pairing *pairing, const struct flow *flow)
{
	const struct flow *newest = NULL;
	int r = 0;

	for (size_t i = find_mirror(pairing, flow); i < pairing->flow_count && r == 0; i++) {
		const struct flow *other = &pairing->flows[i];

		if (compare_ends(&other->near, &other->far, &flow->far, &flow->near) != 0)
			break;
		if (other->begin_ns <= flow->begin_ns)
			newest = other;
		else if (other->begin_ns <= flow->end_ns)
			r = add_pair(pairing, flow->socket, other->socket);
		else
			break;
	}
	if (r == 0 && newest)
		r = add_pair(pairing, flow->socket, newest->socket);
	return r;
}

static int pair_unix(struct pairing *pairing)
{
	struct lm_index *index = pairing->index;
	struct lm_map by_inode LM_MAP = LM_MAP_INIT;

	for (lm_object_id id = 1; id < index->objects.count; id++) {
		const struct lm_socket *socket = index_socket(index, id);

		if (socket && socket->inode && lm_map_put(&by_inode, socket->inode, id) < 0)
			return -ENOMEM;
	}
	for (lm_object_id id = 1; id < index->objects.count; id++) {
		const struct lm_socket *socket = index_socket(index, id);
		const uint64_t *peer;

		if (!socket || !socket->peer_inode)
			continue;
		peer = lm_map_get(&by_inode, socket->peer_inode);
		if (peer && add_pair(pairing, id, (lm_object_id)*peer) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int pair_socketpairs(struct pairing *pairing)
{
	const struct lm_index *index = pairing->index;

	for (size_t i = 0; i < index->events.count; i++) {
		const struct lm_event *event = &index->events.at[i];

		if (event->op == LM_OP_SOCKETPAIR && event->object && event->object2 &&
		    !lm_event_failed(event) && add_pair(pairing, event->object, event->object2) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static struct lm_peer make_peer(const struct lm_index *index, const struct pair *pair)
{
	const struct lm_socket *a = index_socket(index, pair->a), *b = index_socket(index, pair->b);
	uint64_t first_a = index->objects.at[pair->a].first_ns;
	uint64_t first_b = index->objects.at[pair->b].first_ns;
	bool local = !lm_address_is_inet(&a->remote);

	/* A unix socket reaches into another network namespace only through the file system or an
	 * inherited descriptor: the same people share it, so it is never a border. */
	return (struct lm_peer){
		.socket = pair->b,
		.since_ns = first_a > first_b ? first_a : first_b,
		.same_namespace = local || a->ns_net == b->ns_net,
	};
}

static int store_pairs(struct pairing *pairing)
{
	struct lm_index *index = pairing->index;
	size_t stored = 0;

	index->peer_start = lm_array_new(index->objects.count + 1, sizeof(*index->peer_start));
	index->peers = lm_array_new(pairing->pairs.count, sizeof(*index->peers));
	if (!index->peer_start || !index->peers)
		return -ENOMEM;
	if (pairing->pairs.count > 0)
		qsort(pairing->pairs.at, pairing->pairs.count, sizeof(struct pair), compare_pairs);
	for (size_t i = 0; i < pairing->pairs.count; i++) {
		const struct pair *pair = &pairing->pairs.at[i];

		if (i > 0 && compare_pairs(pair, pair - 1) == 0)
			continue;
		if (!index_socket(index, pair->a) || !index_socket(index, pair->b))
			continue;
		index->peers[stored++] = make_peer(index, pair);
		index->peer_start[pair->a + 1]++;
	}
	for (size_t id = 1; id <= index->objects.count; id++)
		index->peer_start[id] += index->peer_start[id - 1];
	return 0;
}

int index_build_peers(struct lm_index *index)
{
	struct pairing pairing LM_CLEANUP(release_pairing) = { .index = index };
	int r = pair_socketpairs(&pairing);

	if (r == 0)
		r = collect_flows(&pairing);
	for (size_t i = 0; i < pairing.flow_count && r == 0; i++)
		r = pair_flow(&pairing, &pairing.flows[i]);
	if (r == 0)
		r = pair_unix(&pairing);
	if (r == 0)
		r = store_pairs(&pairing);
	return r;
}
