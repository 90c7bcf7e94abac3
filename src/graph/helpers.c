/* SPDX-License-Identifier: MIT */
#include "walk.h"

/*
 * Helpers: a process and all that it started, which nothing but its parent
 * feeds and which feed nothing but its parent. Whatever they did is the
 * parent's doing. The same goes for a file that only its maker reads. Backward
 * only: forward, each program that an intruder ran is worth seeing.
 */

/* One process, all its versions. */
struct family {
	lm_object_id root;             /* its first version */
	uint32_t parent, child, sibling; /* families, position + 1; 0: none in the answer */
	uint32_t vertex;               /* one of its versions; the others follow by next */
	uint32_t tried;                /* in the tree that was tried in this round */
};

struct helpers {
	struct walk *walk;
	struct adjacency in, out;
	TABLE(struct family, families); /* in order of number: parents first */
	struct lm_map family_of_root;   /* position + 1 */
	uint32_t *family_of;            /* by vertex: position + 1, 0: no process */
	uint32_t *next;                 /* by vertex: another version */
	uint32_t round;
	uint32_t outside;               /* the parent of the tree that is tried, position + 1 */
};

static void release_helpers(struct helpers *helpers)
{
	adjacency_release(&helpers->in);
	adjacency_release(&helpers->out);
	free(helpers->families.at);
	lm_map_release(&helpers->family_of_root);
	free(helpers->family_of);
	free(helpers->next);
}

static int compare_families(const void *a, const void *b)
{
	const struct family *x = a, *y = b;

	return x->root < y->root ? -1 : x->root > y->root;
}

static int add_family(struct helpers *helpers, lm_object_id root)
{
	size_t count = helpers->families.count;

	if (lm_map_get(&helpers->family_of_root, root))
		return 0;
	if (lm_array_reserve(helpers->families.at, helpers->families.capacity, count + 1) < 0 ||
	    lm_map_put(&helpers->family_of_root, root, 1) < 0)
		return -ENOMEM;
	helpers->families.at[count] = (struct family){ .root = root };
	helpers->families.count = count + 1;
	return 0;
}

static lm_object_id root_of_vertex(const struct helpers *helpers, uint32_t vertex)
{
	const struct vertex *v = &helpers->walk->vertices.at[vertex];

	if (v->hidden || !index_process(helpers->walk->index, v->object))
		return LM_OBJECT_NONE;
	return object_process_root(helpers->walk->index, v->object);
}

static int gather_families(struct helpers *helpers)
{
	const struct walk *walk = helpers->walk;

	helpers->family_of = lm_array_new(walk->vertices.count, sizeof(*helpers->family_of));
	helpers->next = lm_array_new(walk->vertices.count, sizeof(*helpers->next));
	if (!helpers->family_of || !helpers->next)
		return -ENOMEM;
	for (uint32_t v = 1; v < walk->vertices.count; v++) {
		lm_object_id root = root_of_vertex(helpers, v);

		if (root && add_family(helpers, root) < 0)
			return -ENOMEM;
	}
	if (helpers->families.count > 0)
		qsort(helpers->families.at, helpers->families.count, sizeof(struct family),
		      compare_families);
	for (uint32_t i = 0; i < helpers->families.count; i++) {
		/* Replaces what is there, so it cannot fail for want of room. */
		if (lm_map_put(&helpers->family_of_root, helpers->families.at[i].root, i + 1) < 0)
			return -ENOMEM;
	}
	for (uint32_t v = 1; v < walk->vertices.count; v++) {
		lm_object_id root = root_of_vertex(helpers, v);
		struct family *family;

		if (!root)
			continue;
		helpers->family_of[v] = (uint32_t)*lm_map_get(&helpers->family_of_root, root);
		family = &helpers->families.at[helpers->family_of[v] - 1];
		helpers->next[v] = family->vertex;
		family->vertex = v;
	}
	return 0;
}

/* The nearest ancestor that the answer holds. Ancestors have smaller numbers. */
static uint32_t find_parent(const struct helpers *helpers, lm_object_id root)
{
	const struct lm_index *index = helpers->walk->index;

	for (;;) {
		const struct lm_process *process = index_process(index, root);
		lm_object_id parent;
		const uint64_t *family;

		if (!process || !process->parent)
			return 0;
		parent = object_process_root(index, process->parent);
		if (parent >= root)
			return 0;
		family = lm_map_get(&helpers->family_of_root, parent);
		if (family)
			return (uint32_t)*family;
		root = parent;
	}
}

static void link_families(struct helpers *helpers)
{
	for (uint32_t i = 0; i < helpers->families.count; i++) {
		struct family *family = &helpers->families.at[i];

		family->parent = find_parent(helpers, family->root);
		if (family->parent) {
			struct family *parent = &helpers->families.at[family->parent - 1];

			family->sibling = parent->child;
			parent->child = i + 1;
		}
	}
}

/* Next family of the tree below `top`, parents before children; 0 at the end. */
static uint32_t next_in_tree(const struct helpers *helpers, uint32_t top, uint32_t at)
{
	const struct family *families = helpers->families.at;

	if (families[at - 1].child)
		return families[at - 1].child;
	while (at != top && !families[at - 1].sibling)
		at = families[at - 1].parent;
	return at == top ? 0 : families[at - 1].sibling;
}

static bool is_inside(const struct helpers *helpers, uint32_t vertex)
{
	uint32_t family = helpers->family_of[vertex];

	return family && helpers->families.at[family - 1].tried == helpers->round;
}

static bool touches_only(const struct helpers *helpers, uint32_t vertex,
			 const struct adjacency *adjacency, bool incoming, bool outside_too)
{
	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		const struct edge *edge = &helpers->walk->edges.at[adjacency->at[i]];
		uint32_t other = incoming ? edge->from : edge->to;

		if (edge->hidden || is_inside(helpers, other))
			continue;
		if (!outside_too || helpers->family_of[other] != helpers->outside)
			return false;
	}
	return true;
}

/* A pipe may join the tree and its parent; a file or name must be the tree's alone. */
static bool is_private(const struct helpers *helpers, uint32_t vertex)
{
	const struct vertex *v = &helpers->walk->vertices.at[vertex];
	enum lm_object_kind kind = lm_index_kind(helpers->walk->index, v->object);
	bool pipe = kind == LM_OBJECT_KIND_PIPE;

	if (!pipe && kind != LM_OBJECT_KIND_FILE && kind != LM_OBJECT_KIND_NAME &&
	    kind != LM_OBJECT_KIND_MEMORY)
		return false;
	return !v->detection && !v->wanted && !v->entry &&
	       touches_only(helpers, vertex, &helpers->in, true, pipe) &&
	       touches_only(helpers, vertex, &helpers->out, false, pipe);
}

static bool stays_private(const struct helpers *helpers, uint32_t vertex,
			  const struct adjacency *adjacency, bool incoming)
{
	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1]; i++) {
		const struct edge *edge = &helpers->walk->edges.at[adjacency->at[i]];
		uint32_t other = incoming ? edge->from : edge->to;

		if (edge->hidden || is_inside(helpers, other) ||
		    helpers->family_of[other] == helpers->outside)
			continue;
		if (!is_private(helpers, other))
			return false;
	}
	return true;
}

static bool family_helps(const struct helpers *helpers, const struct family *family)
{
	for (uint32_t v = family->vertex; v; v = helpers->next[v]) {
		const struct vertex *vertex = &helpers->walk->vertices.at[v];

		if (vertex->detection || vertex->wanted ||
		    !stays_private(helpers, v, &helpers->in, true) ||
		    !stays_private(helpers, v, &helpers->out, false))
			return false;
	}
	return true;
}

static int hide_around(struct helpers *helpers, uint32_t vertex, const struct adjacency *adjacency,
		       bool incoming)
{
	int r = 0;

	for (uint32_t i = adjacency->start[vertex]; i < adjacency->start[vertex + 1] && r == 0;
		i++) {
		const struct edge *edge = &helpers->walk->edges.at[adjacency->at[i]];
		uint32_t other = incoming ? edge->from : edge->to;

		if (!edge->hidden && !helpers->family_of[other] && is_private(helpers, other))
			r = walk_hide(helpers->walk, other, &helpers->in, &helpers->out,
				      LM_FILTER_HELPERS);
	}
	return r;
}

static int hide_family(struct helpers *helpers, const struct family *family)
{
	int r = 0;

	for (uint32_t v = family->vertex; v && r == 0; v = helpers->next[v]) {
		r = hide_around(helpers, v, &helpers->in, true);
		if (r == 0)
			r = hide_around(helpers, v, &helpers->out, false);
		if (r == 0)
			r = walk_hide(helpers->walk, v, &helpers->in, &helpers->out,
				      LM_FILTER_HELPERS);
	}
	return r;
}

/* Largest trees first: what fails as a whole is tried again below. */
static int try_tree(struct helpers *helpers, uint32_t top)
{
	struct family *families = helpers->families.at;
	bool helps = true;
	int r = 0;

	helpers->round++;
	helpers->outside = families[top - 1].parent;
	if (!helpers->outside || helpers->walk->vertices.at[families[top - 1].vertex].hidden)
		return 0;
	for (uint32_t at = top; at; at = next_in_tree(helpers, top, at))
		families[at - 1].tried = helpers->round;
	for (uint32_t at = top; at && helps; at = next_in_tree(helpers, top, at))
		helps = family_helps(helpers, &families[at - 1]);
	for (uint32_t at = top; at && helps && r == 0; at = next_in_tree(helpers, top, at))
		r = hide_family(helpers, &families[at - 1]);
	return r;
}

/* The first process that a vertex is joined to by an edge in sight, as a family; 0: none. */
static uint32_t family_beside(const struct helpers *helpers, uint32_t vertex)
{
	const struct adjacency *in = &helpers->in;

	for (uint32_t i = in->start[vertex]; i < in->start[vertex + 1]; i++) {
		const struct edge *edge = &helpers->walk->edges.at[in->at[i]];

		if (!edge->hidden)
			return helpers->family_of[edge->from];
	}
	return 0;
}

/* A file that one process made and only that process read back leads nowhere else. */
static int hide_own_files(struct helpers *helpers)
{
	struct walk *walk = helpers->walk;
	int r = 0;

	helpers->outside = 0;
	for (uint32_t v = 1; v < walk->vertices.count && r == 0; v++) {
		uint32_t family = walk->vertices.at[v].hidden || helpers->family_of[v] ?
					  0 : family_beside(helpers, v);

		if (!family)
			continue;
		helpers->families.at[family - 1].tried = ++helpers->round;
		if (is_private(helpers, v))
			r = walk_hide(walk, v, &helpers->in, &helpers->out, LM_FILTER_HELPERS);
	}
	return r;
}

int filter_helpers(struct walk *walk)
{
	struct helpers helpers LM_CLEANUP(release_helpers) = { .walk = walk };
	int r;

	if (!walk_filters(walk, LM_FILTER_HELPERS) || walk->options.direction != LM_BACKWARD)
		return 0;
	r = gather_families(&helpers);
	if (r == 0)
		r = adjacency_build(&helpers.in, walk, true);
	if (r == 0)
		r = adjacency_build(&helpers.out, walk, false);
	if (r == 0)
		link_families(&helpers);
	for (uint32_t i = 1; i <= helpers.families.count && r == 0; i++)
		r = try_tree(&helpers, i);
	return r < 0 ? r : hide_own_files(&helpers);
}
