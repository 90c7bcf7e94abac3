/* SPDX-License-Identifier: MIT */
#include "lemona/graph/select.h"
#include "match.h"

/*
 * Paths. A path matches a name when its components, read backwards, match the
 * names upwards to any root, all at one time.
 */
#define DEPTH_MAX 64

static bool is_root_path(struct lm_str path)
{
	return path.len == 1 && path.data[0] == '/';
}

/* Cut `component` and the slash before it off the end of `path`. */
static bool cut_component(struct lm_str *path, struct lm_str component)
{
	if (component.len == 0 || path->len < component.len + 1 ||
	    memcmp(path->data + path->len - component.len, component.data, component.len) != 0 ||
	    path->data[path->len - component.len - 1] != '/')
		return false;
	path->len -= component.len + 1;
	return true;
}

/* Whether `path` led through `name` at some time within `when`. */
static bool matches_up(const struct lm_index *index, lm_object_id id, struct lm_str path,
		       struct when when, int depth)
{
	const struct lm_name *name = index_name(index, id);
	const struct lm_bound *bounds = NULL;
	uint32_t count;

	if (!name || depth > DEPTH_MAX)
		return false;
	if (lm_str_equal(name->component, path) && path.len > 0 && path.data[0] == '/')
		return true;
	if (!cut_component(&path, name->component))
		return false;
	if (path.len == 0 && lm_index_is_root(index, name->dir))
		return true;
	count = lm_index_bounds_of_file(index, name->dir, &bounds);
	for (uint32_t i = 0; i < count; i++) {
		struct when both = {
			bounds[i].begin_ns > when.begin_ns ? bounds[i].begin_ns : when.begin_ns,
			bounds[i].end_ns < when.end_ns ? bounds[i].end_ns : when.end_ns,
		};

		if (both.begin_ns <= both.end_ns &&
		    matches_up(index, bounds[i].name, path, both, depth + 1))
			return true;
	}
	return false;
}

/* A name, and each file that it led to within `when`. */
static int add_name(const struct lm_index *index, lm_object_id id, struct lm_str path,
		    struct when when, struct lm_detections *out)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_name(index, id, &bounds);
	struct lm_detection name = { id, when.begin_ns, when.end_ns };
	int found = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct lm_detection file = {
			bounds[i].file,
			bounds[i].begin_ns > when.begin_ns ? bounds[i].begin_ns : when.begin_ns,
			bounds[i].end_ns < when.end_ns ? bounds[i].end_ns : when.end_ns,
		};
		struct when both = { file.begin_ns, file.end_ns };

		if (both.begin_ns > both.end_ns || !matches_up(index, id, path, both, 0))
			continue;
		if (lm_detections_add(out, file) < 0)
			return -ENOMEM;
		found++;
	}
	if (found == 0 && !matches_up(index, id, path, when, 0))
		return 0;
	return lm_detections_add(out, name) < 0 ? -ENOMEM : found + 1;
}

static int add_roots(const struct lm_index *index, struct when when, struct lm_detections *out)
{
	struct lm_catalog_ids roots LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

	if (lm_catalog_roots(index->parts.catalog, &roots) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < roots.count; i++) {
		struct lm_detection root = { roots.at[i], when.begin_ns, when.end_ns };

		if (lm_detections_add(out, root) < 0)
			return -ENOMEM;
	}
	return (int)roots.count;
}

int match_path(const struct lm_index *index, struct lm_str path, struct when when,
	       struct lm_detections *out)
{
	struct lm_object_ids names LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	int found = 0;

	if (is_root_path(path))
		return add_roots(index, when, out);
	if (lm_index_names_below(index, path, true, &names) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < names.count; i++) {
		int r = add_name(index, names.at[i], path, when, out);

		if (r < 0)
			return r;
		found += r;
	}
	return found;
}

int match_program(const struct lm_index *index, struct lm_str path, struct lm_detections *out)
{
	struct lm_detections files LM_DETECTIONS = LM_DETECTIONS_INIT;
	int found = 0, r = match_path(index, path, (struct when){ 0, UINT64_MAX }, &files);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < files.count; i++) {
		struct lm_catalog_ids ran LM_CATALOG_IDS = LM_CATALOG_IDS_INIT;

		if (lm_catalog_processes_of_exe(index->parts.catalog, files.at[i].object, &ran) < 0)
			return -ENOMEM;
		for (size_t k = 0; k < ran.count; k++) {
			struct lm_detection detection = { ran.at[k], 0, UINT64_MAX };

			if (lm_detections_add(out, detection) < 0)
				return -ENOMEM;
			found++;
		}
	}
	return found;
}

/*
 * Edit distance, cut off at the length that a sentence has room for. Paths
 * compared are short, and it is computed for the few that look alike.
 */
#define DISTANCE_MAX_BYTES 200

static uint32_t edit_distance(struct lm_str a, struct lm_str b)
{
	uint32_t row[DISTANCE_MAX_BYTES + 1];

	if (a.len > DISTANCE_MAX_BYTES || b.len > DISTANCE_MAX_BYTES)
		return UINT32_MAX;
	for (uint32_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (uint32_t i = 1; i <= a.len; i++) {
		uint32_t corner = row[0];

		row[0] = i;
		for (uint32_t j = 1; j <= b.len; j++) {
			uint32_t change = corner + (a.data[i - 1] != b.data[j - 1]);
			uint32_t add = row[j - 1] + 1, drop = row[j] + 1;

			corner = row[j];
			row[j] = change < add ? change : add;
			if (drop < row[j])
				row[j] = drop;
		}
	}
	return row[b.len];
}

struct nearest {
	uint32_t distance;
	lm_object_id id;
};

static void keep_nearest(struct nearest nearest[NEAR_MAX], struct nearest candidate)
{
	for (int i = 0; i < NEAR_MAX; i++) {
		struct nearest swap = nearest[i];

		if (candidate.distance >= nearest[i].distance)
			continue;
		nearest[i] = candidate;
		candidate = swap;
	}
}

static struct lm_str last_component(struct lm_str path)
{
	uint32_t start = path.len;

	while (start > 0 && path.data[start - 1] != '/')
		start--;
	return (struct lm_str){ path.data + start, path.len - start };
}

/* Names alike come first; among them, the paths alike. */
static uint32_t distance_to(const struct lm_index *index, lm_object_id id, struct lm_str path,
			    struct lm_str last)
{
	const struct lm_name *name = lm_catalog_name(index->parts.catalog, id);
	struct lm_buffer text LM_BUFFER = LM_BUFFER_INIT;
	uint32_t apart = edit_distance(last_component(name->component), last), whole;

	if (apart > last.len / 2 + 1 && apart > 2)
		return UINT32_MAX;
	if (lm_index_path_at(index, id, UINT64_MAX - 1, LM_OBJECT_NONE, &text) < 0)
		return UINT32_MAX;
	whole = edit_distance((struct lm_str){ (const char *)text.data, (uint32_t)text.len }, path);
	return whole == UINT32_MAX ? UINT32_MAX : apart * 8 + whole;
}

static void append_nearest(const struct lm_index *index, const struct nearest nearest[NEAR_MAX],
			   struct lm_buffer *out)
{
	for (int i = 0; i < NEAR_MAX && nearest[i].distance != UINT32_MAX; i++) {
		if (i > 0)
			lm_buffer_append_text(out, ", ");
		lm_index_path_at(index, nearest[i].id, UINT64_MAX - 1, LM_OBJECT_NONE, out);
	}
}

static bool is_program(const struct lm_index *index, const struct lm_map *programs,
		       lm_object_id name)
{
	const struct lm_bound *bounds = NULL;
	uint32_t count = lm_index_bounds_of_name(index, name, &bounds);

	for (uint32_t i = 0; i < count; i++) {
		if (lm_map_get(programs, bounds[i].file))
			return true;
	}
	return false;
}

void near_paths(const struct lm_index *index, struct lm_str path, bool programs,
		struct lm_buffer *out)
{
	struct nearest nearest[NEAR_MAX] = { { UINT32_MAX, 0 }, { UINT32_MAX, 0 },
		{ UINT32_MAX, 0 } };
	struct lm_str last = last_component(path);
	struct lm_map ran LM_MAP = LM_MAP_INIT;

	/* A suggestion that cannot be made for want of memory is only a suggestion less. */
	for (lm_object_id id = 1; id <= near_end(index) && programs; id++) {
		const struct lm_process *process = lm_catalog_process(index->parts.catalog, id);

		if (process && process->exe && lm_map_put(&ran, process->exe, 1) < 0)
			return;
	}
	for (lm_object_id id = 1; id <= near_end(index); id++) {
		struct nearest candidate = { UINT32_MAX, id };

		if (!lm_catalog_name(index->parts.catalog, id) ||
		    (programs && !is_program(index, &ran, id)))
			continue;
		candidate.distance = distance_to(index, id, path, last);
		keep_nearest(nearest, candidate);
	}
	append_nearest(index, nearest, out);
}
