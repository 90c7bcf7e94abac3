/* SPDX-License-Identifier: MIT */
#include "index-private.h"

/*
 * What has been asked of the catalog: it stays where it is as long as the index, so that whoever
 * asks may hold on to an answer while asking more.
 */
struct known {
	struct lm_object object; /* kind NONE: there is none */
	struct lm_bound *bounds; /* of a name, or of a file */
	lm_object_id *names;     /* in this directory */
	struct lm_peer *peers;
	uint32_t bound_count, name_count, peer_count;
	bool bounds_read, names_read, peers_read;
};

struct known_all {
	struct lm_map of; /* object -> place */
	TABLE(struct known *, all);
};

void known_release(struct lm_index *index)
{
	struct known_all *known = index->known;

	if (!known)
		return;
	for (size_t i = 0; i < known->all.count; i++) {
		free(known->all.at[i]->bounds);
		free(known->all.at[i]->names);
		free(known->all.at[i]->peers);
		free(known->all.at[i]);
	}
	free(known->all.at);
	lm_map_release(&known->of);
	free(known);
	index->known = NULL;
}

static struct known *add_known(const struct lm_index *index, lm_object_id id)
{
	struct known_all *known = index->known;
	struct known *one LM_FREE = calloc(1, sizeof(*one));
	size_t count = known->all.count;

	if (!one || lm_array_reserve(known->all.at, known->all.capacity, count + 1) < 0 ||
	    lm_map_put(&known->of, id, count) < 0)
		return NULL;
	if (lm_catalog_object(index->parts.catalog, id, &one->object) < 0)
		one->object = (struct lm_object){ .id = id };
	if (one->object.kind == LM_OBJECT_KIND_CONTENT)
		one->object.content.time_ns = one->object.time_ns;
	known->all.count = count + 1;
	known->all.at[count] = lm_take_ptr(one);
	return known->all.at[count];
}

/* NULL when there is no memory, which the index then tells. */
static struct known *find_known(const struct lm_index *index, lm_object_id id)
{
	struct lm_index *mutable = (struct lm_index *)(uintptr_t)index;
	const uint64_t *place;
	struct known *one;

	if (id == LM_OBJECT_NONE || !index->parts.catalog)
		return NULL;
	if (!index->known)
		mutable->known = calloc(1, sizeof(*index->known));
	place = index->known ? lm_map_get(&index->known->of, id) : NULL;
	if (place)
		return index->known->all.at[*place];
	one = index->known ? add_known(index, id) : NULL;
	if (!one)
		index_fail(index, -ENOMEM);
	return one;
}

const struct lm_object *index_object(const struct lm_index *index, lm_object_id id)
{
	const struct known *known = find_known(index, id);

	return known && known->object.kind != LM_OBJECT_KIND_NONE ? &known->object : NULL;
}

static void read_bounds(const struct lm_index *index, struct known *known)
{
	struct lm_catalog_bounds found LM_CATALOG_BOUNDS = LM_CATALOG_BOUNDS_INIT;
	lm_object_id id = known->object.id;
	int r = known->object.kind == LM_OBJECT_KIND_NAME ?
			lm_catalog_bounds_of_name(index->parts.catalog, id, &found) :
			lm_catalog_bounds_of_file(index->parts.catalog, id, &found);

	known->bounds = r == 0 ? lm_array_new(found.count, sizeof(*known->bounds)) : NULL;
	if (!known->bounds) {
		index_fail(index, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < found.count; i++) {
		const struct lm_catalog_bound *bound = &found.at[i];

		known->bounds[i] = (struct lm_bound){
			.name = bound->name, .file = bound->file, .begin_ns = bound->begin_ns,
			.end_ns = bound->end_ns, .event = bound->event, .claimed = bound->claimed,
		};
	}
	known->bound_count = (uint32_t)found.count;
}

static uint32_t get_bounds(const struct lm_index *index, lm_object_id id, bool of_name,
			   const struct lm_bound **ret_bounds)
{
	struct known *known = find_known(index, id);

	if (!known || (known->object.kind == LM_OBJECT_KIND_NAME) != of_name)
		return 0;
	if (!known->bounds_read)
		read_bounds(index, known);
	known->bounds_read = true;
	*ret_bounds = known->bounds;
	return known->bound_count;
}

uint32_t lm_index_bounds_of_name(const struct lm_index *index, lm_object_id name,
				 const struct lm_bound **ret_bounds)
{
	return get_bounds(index, name, true, ret_bounds);
}

uint32_t lm_index_bounds_of_file(const struct lm_index *index, lm_object_id file,
				 const struct lm_bound **ret_bounds)
{
	return get_bounds(index, file, false, ret_bounds);
}

uint32_t lm_index_names_in(const struct lm_index *index, lm_object_id dir,
			   const lm_object_id **ret_names)
{
	struct known *known = find_known(index, dir);

	if (!known)
		return 0;
	if (!known->names_read) {
		struct lm_catalog_ids ids = LM_CATALOG_IDS_INIT;

		if (lm_catalog_names_in(index->parts.catalog, dir, &ids) < 0)
			index_fail(index, -ENOMEM);
		known->names = ids.at;
		known->name_count = (uint32_t)ids.count;
		known->names_read = true;
	}
	*ret_names = known->names;
	return known->name_count;
}

static void read_peers(const struct lm_index *index, struct known *known)
{
	struct lm_catalog_peers found LM_CATALOG_PEERS = LM_CATALOG_PEERS_INIT;

	if (lm_catalog_peers(index->parts.catalog, known->object.id, &found) == 0)
		known->peers = lm_array_new(found.count, sizeof(*known->peers));
	if (!known->peers) {
		index_fail(index, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < found.count; i++)
		known->peers[i] = (struct lm_peer){
			.socket = found.at[i].socket, .since_ns = found.at[i].since_ns,
			.same_namespace = found.at[i].same_namespace,
		};
	known->peer_count = (uint32_t)found.count;
}

uint32_t lm_index_peers(const struct lm_index *index, lm_object_id socket,
			const struct lm_peer **ret_peers)
{
	struct known *known = find_known(index, socket);

	if (!known || known->object.kind != LM_OBJECT_KIND_SOCKET)
		return 0;
	if (!known->peers_read)
		read_peers(index, known);
	known->peers_read = true;
	*ret_peers = known->peers;
	return known->peer_count;
}
