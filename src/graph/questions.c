/* SPDX-License-Identifier: MIT */
#include "answer.h"
#include "lemona/graph/select.h"
#include "match.h"

/* Objects by what they are called or belong to: lemona/graph/select.h. */

void lm_object_ids_release(struct lm_object_ids *ids)
{
	free(ids->at);
	*ids = (struct lm_object_ids)LM_OBJECT_IDS_INIT;
}

int lm_object_ids_add(struct lm_object_ids *ids, lm_object_id id)
{
	if (lm_array_reserve(ids->at, ids->capacity, ids->count + 1) < 0)
		return -ENOMEM;
	ids->at[ids->count++] = id;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	lm_object_id x = *(const lm_object_id *)a, y = *(const lm_object_id *)b;

	return x < y ? -1 : x > y;
}

void lm_object_ids_sort(struct lm_object_ids *ids)
{
	size_t kept = 0;

	if (ids->count == 0)
		return;
	qsort(ids->at, ids->count, sizeof(*ids->at), compare_ids);
	for (size_t i = 1; i < ids->count; i++) {
		if (ids->at[i] != ids->at[kept])
			ids->at[++kept] = ids->at[i];
	}
	ids->count = kept + 1;
}

lm_object_id lm_index_next_of_kind(const struct lm_index *index, enum lm_object_kind kind,
				   lm_object_id from)
{
	uint32_t count = lm_index_object_count(index);

	for (lm_object_id id = from ? from : 1; id <= count && id; id++) {
		if (lm_catalog_kind(index->parts.catalog, id) == kind)
			return id;
	}
	return LM_OBJECT_NONE;
}

/* @param r  what finding them returned */
static int add_found(const struct lm_catalog_ids *found, int r, struct lm_object_ids *ids)
{
	for (size_t i = 0; i < found->count && r == 0; i++)
		r = lm_object_ids_add(ids, found->at[i]);
	return r;
}

int lm_index_processes_by_pid(const struct lm_index *index, uint32_t pid,
			      struct lm_object_ids *ids)
{
	struct lm_catalog_ids found LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

	return add_found(&found, lm_catalog_processes(index->parts.catalog, pid, &found), ids);
}

/* A version that was made by exec is below the one before it, not beside it. */
int lm_index_children(const struct lm_index *index, lm_object_id process,
		      struct lm_object_ids *ids)
{
	struct lm_catalog_ids next LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	struct lm_catalog_ids children LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	const size_t before = ids->count;
	int r = process ? lm_catalog_next_versions(index->parts.catalog, process, &next) : 0;

	r = add_found(&next, r, ids);
	if (r == 0 && process)
		r = lm_catalog_children(index->parts.catalog, process, &children);
	for (size_t i = 0; i < children.count && r == 0; i++) {
		const struct lm_process *child = index_process(index, children.at[i]);

		if (child && !child->previous && children.at[i] != process)
			r = lm_object_ids_add(ids, children.at[i]);
	}
	if (ids->count - before > 1)
		qsort(ids->at + before, ids->count - before, sizeof(*ids->at), compare_ids);
	return r;
}

/* Whether a row is the end of a version: it executed something else, or exited. */
static bool is_end(const struct lm_row *row, lm_object_id process)
{
	return row->actor == process &&
	       (row->op == LM_OP_EXIT ||
		(row->op == LM_OP_EXEC && row->object2 && row->result >= 0));
}

int lm_index_process_end(const struct lm_index *index, lm_object_id process,
			 struct lm_event *ret_event)
{
	struct lm_store_cursor cursor LM_CLEANUP(lm_store_cursor_release) = { .store = NULL };
	const struct lm_row *rows;
	uint64_t found = 0;
	int r;

	r = lm_store_find(index->parts.store, process, UINT8_MAX, 0, UINT64_MAX, &cursor);
	cursor.backward = true;
	while (r == 0 && !found && (r = lm_store_next(&cursor, &rows)) > 0) {
		for (int i = 0; i < r; i++) {
			if (is_end(&rows[i], process) && (!found || rows[i].event < found))
				found = rows[i].event;
		}
		r = 0;
	}
	if (r < 0)
		return r;
	return found ? lm_index_event(index, found, ret_event) : -ENOENT;
}

int lm_index_sockets_by_address(const struct lm_index *index, const struct lm_address *address,
				bool any_port, struct lm_object_ids *ids)
{
	struct lm_catalog_ids remote LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	struct lm_catalog_ids local LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	struct lm_object_ids both LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	struct lm_catalog *catalog = index->parts.catalog;
	int r = add_found(&remote, lm_catalog_sockets(catalog, address, any_port, true, &remote),
			  &both);

	if (r == 0)
		r = add_found(&local, lm_catalog_sockets(catalog, address, any_port, false, &local),
			      &both);
	lm_object_ids_sort(&both);
	for (size_t i = 0; i < both.count && r == 0; i++)
		r = lm_object_ids_add(ids, both.at[i]);
	return r;
}

/* A directory in which the rest of the asked-for path is looked for. */
struct place {
	lm_object_id dir;
	uint32_t at; /* where the rest begins */
};

struct descent {
	const struct lm_index *index;
	struct lm_str path;
	bool exact;
	struct lm_object_ids *out;
	struct place *places;
	size_t count, capacity;
	struct lm_map seen; /* places that were pushed: a log may hold a loop of directories */
};

static void release_descent(struct descent *descent)
{
	free(descent->places);
	lm_map_release(&descent->seen);
}

static int push_place(struct descent *descent, lm_object_id dir, uint32_t at)
{
	uint64_t key = (uint64_t)dir << 32 | at;

	if (lm_map_get(&descent->seen, key))
		return 0;
	if (lm_map_put(&descent->seen, key, 1) < 0 ||
	    lm_array_reserve(descent->places, descent->capacity, descent->count + 1) < 0)
		return -ENOMEM;
	descent->places[descent->count++] = (struct place){ dir, at };
	return 0;
}

/* Whatever directory a name led to, at any time. */
static int push_bound(struct descent *descent, lm_object_id name, uint32_t at)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_name(descent->index, name, &bounds);
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = push_place(descent, bounds[i].file, at);
	return r;
}

static int visit_name(struct descent *descent, lm_object_id id, uint32_t at)
{
	const struct lm_name *name = index_name(descent->index, id);
	struct lm_str rest = { descent->path.data + at, descent->path.len - at };
	const char *slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
	struct lm_str part = { rest.data, slash ? (uint32_t)(slash - rest.data) : rest.len };

	if (!name)
		return 0;
	if (slash)
		return lm_str_equal(name->component, part) ?
			push_bound(descent, id, at + part.len + 1) : 0;
	if (descent->exact ? !lm_str_equal(name->component, part) :
		    name->component.len < part.len ||
			    (part.len && memcmp(name->component.data, part.data, part.len) != 0))
		return 0;
	if (lm_object_ids_add(descent->out, id) < 0)
		return -ENOMEM;
	return descent->exact ? 0 : push_bound(descent, id, descent->path.len);
}

/* A name that is a whole path, as it was claimed: it hangs on nothing. */
static int visit_claimed(struct descent *descent, lm_object_id id, struct lm_str whole)
{
	struct lm_str path = descent->path;
	uint32_t shared = whole.len < path.len ? whole.len : path.len;

	if (memcmp(whole.data, path.data, shared) != 0)
		return 0;
	if (whole.len < path.len)
		return path.data[whole.len] == '/' ? push_bound(descent, id, whole.len + 1) : 0;
	if (descent->exact)
		return whole.len == path.len ? lm_object_ids_add(descent->out, id) : 0;
	if (lm_object_ids_add(descent->out, id) < 0)
		return -ENOMEM;
	return push_bound(descent, id, path.len);
}

/* Every "/", and the names that hang on none. */
static int begin_descent(struct descent *descent)
{
	struct lm_catalog *catalog = descent->index->parts.catalog;
	struct lm_catalog_ids roots LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	struct lm_catalog_ids names LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;
	int r = lm_catalog_roots(catalog, &roots);

	for (size_t i = 0; i < roots.count && r == 0; i++)
		r = push_place(descent, roots.at[i], 1);
	if (r == 0)
		r = lm_catalog_names_in(catalog, LM_OBJECT_NONE, &names);
	for (size_t i = 0; i < names.count && r == 0; i++) {
		const struct lm_name *name = index_name(descent->index, names.at[i]);

		if (name && name->component.len > 0 && name->component.data[0] == '/')
			r = visit_claimed(descent, names.at[i], name->component);
	}
	return r;
}

/* The names in a directory that may be the next step of the way. */
static int list_names(const struct descent *descent, const struct place *place,
		      struct lm_catalog_ids *out)
{
	struct lm_str rest = { descent->path.data + place->at, descent->path.len - place->at };
	const char *slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;

	if (slash || descent->exact)
		return lm_catalog_names(descent->index->parts.catalog, place->dir,
			(struct lm_str){ rest.data,
					 slash ? (uint32_t)(slash - rest.data) : rest.len }, out);
	return lm_catalog_names_in(descent->index->parts.catalog, place->dir, out);
}

int lm_index_names_below(const struct lm_index *index, struct lm_str path, bool exact,
			 struct lm_object_ids *ids)
{
	struct descent descent LM_CLEANUP(release_descent) = {
		.index = index, .path = path, .exact = exact, .out = ids, .seen = LM_MAP_INIT,
	};
	const size_t before = ids->count;
	int r = path.len > 0 && path.data[0] == '/' ? begin_descent(&descent) : 0;

	while (r == 0 && descent.count > 0) {
		struct place place = descent.places[--descent.count];
		struct lm_catalog_ids names LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

		r = list_names(&descent, &place, &names);
		for (size_t i = 0; i < names.count && r == 0; i++)
			r = visit_name(&descent, names.at[i], place.at);
	}
	if (r < 0) {
		ids->count = before;
		return r;
	}
	lm_object_ids_sort(ids);
	return 0;
}

int lm_index_content_at(const struct lm_index *index, lm_object_id file, uint64_t at_ns,
			struct lm_content *ret_content, bool *ret_sure)
{
	bool sure = false;
	const struct lm_content *content = index_content(index, file, at_ns, &sure);

	if (!content)
		return -ENOENT;
	*ret_content = *content;
	*ret_sure = sure;
	return 0;
}

struct lm_str lm_index_cgroup_path(const struct lm_index *index, lm_object_id cgroup)
{
	return index_cgroup_path(index, cgroup);
}

void lm_index_label(const struct lm_index *index, lm_object_id object, uint64_t at_ns,
		    struct lm_buffer *out)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	enum lm_object_kind kind = lm_index_kind(index, object);
	bool named = (kind == LM_OBJECT_KIND_FILE || kind == LM_OBJECT_KIND_NAME) &&
		     lm_index_path_seen(index, object, at_ns, &path) == 0;

	lm_buffer_append_byte(&path, '\0');
	if (lm_buffer_status(&path) < 0)
		out->failed = true;
	else
		label_object(index, object, named ? (const char *)path.data : NULL, out);
}

void lm_index_label_address(const struct lm_address *address, struct lm_buffer *out)
{
	label_address(address, out);
}
