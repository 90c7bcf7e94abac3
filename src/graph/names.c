/* SPDX-License-Identifier: MIT */
#include "index-private.h"

/*
 * Paths, derived from names at a time.
 */
#define DEPTH_MAX 256

struct climb {
	struct lm_str components[DEPTH_MAX]; /* from the object upwards */
	uint32_t count;
	uint32_t nearest; /* components below the nearest root; UINT32_MAX: none met */
	bool anchored;    /* the topmost component hangs on a root */
	bool absolute;    /* the topmost component is a whole claimed path */
};

static bool is_absolute(struct lm_str s)
{
	return s.len > 0 && s.data[0] == '/';
}

/* Collect components upwards until a root, the end of what is known, or the depth limit. */
static void climb_names(const struct lm_index *index, lm_object_id id, uint64_t t_ns,
			lm_object_id root, struct climb *climb)
{
	while (climb->count < DEPTH_MAX) {
		const struct lm_name *name = index_name(index, id);
		const struct lm_bound *bound;

		if (!name)
			return;
		climb->components[climb->count++] = name->component;
		if (is_absolute(name->component)) {
			climb->absolute = true;
			return;
		}
		if (lm_index_is_root(index, name->dir)) {
			if (climb->nearest == UINT32_MAX)
				climb->nearest = climb->count;
			if (root == LM_OBJECT_NONE || root == name->dir) {
				climb->anchored = true;
				return;
			}
		}
		bound = lm_index_bound_of_file_at(index, name->dir, t_ns);
		if (!bound)
			return;
		id = bound->name;
	}
}

int lm_index_path_at(const struct lm_index *index, lm_object_id file_or_name, uint64_t t_ns,
		     lm_object_id root, struct lm_buffer *out)
{
	struct climb climb;
	uint32_t count;

	climb.count = 0;
	climb.nearest = UINT32_MAX;
	climb.anchored = climb.absolute = false;
	if (lm_index_kind(index, file_or_name) != LM_OBJECT_KIND_NAME) {
		const struct lm_bound *bound = lm_index_bound_of_file_at(index, file_or_name, t_ns);

		if (lm_index_is_root(index, file_or_name) &&
		    (!bound || root == LM_OBJECT_NONE || root == file_or_name)) {
			lm_buffer_append_byte(out, '/');
			return 0;
		}
		if (!bound)
			return -ENOENT;
		file_or_name = bound->name;
	}
	climb_names(index, file_or_name, t_ns, root, &climb);
	if (climb.count == 0)
		return -ENOENT;
	count = climb.count;
	/* The asked-for root is not above: the nearest one is what somebody calls "/". */
	if (!climb.anchored && climb.nearest != UINT32_MAX) {
		count = climb.nearest;
		climb.anchored = true;
	}
	if (!climb.anchored && !climb.absolute)
		lm_buffer_append_byte(out, '?');
	for (uint32_t i = count; i > 0; i--) {
		if (!is_absolute(climb.components[i - 1]))
			lm_buffer_append_byte(out, '/');
		lm_buffer_append_str(out, climb.components[i - 1]);
	}
	return 0;
}

/* The process that last acted on an object before a time, or 0. */
static lm_object_id last_actor(const struct lm_index *index, lm_object_id id, uint64_t t_ns)
{
	lm_object_id actor = last_source_of_store(index, id, t_ns);

	return actor ? actor : last_sink_of_store(index, id, t_ns);
}

int lm_index_path_seen(const struct lm_index *index, lm_object_id file_or_name, uint64_t t_ns,
		       struct lm_buffer *out)
{
	const struct lm_process *process =
		index_process(index, last_actor(index, file_or_name, t_ns));

	return lm_index_path_at(index, file_or_name, t_ns, process ? process->root : LM_OBJECT_NONE,
				out);
}
