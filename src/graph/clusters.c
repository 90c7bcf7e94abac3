/* SPDX-License-Identifier: MIT */
#include <sys/random.h>
#include <sys/stat.h>

#include "answer.h"
#include "lemona/base/hash.h"
#include "lemona/base/time.h"

/*
 * Repeated shapes: objects of one sort whose influences go to and come from the
 * same, by the same operations, become one node. "The same" is one node, or
 * nodes that are folded into one themselves: of two compilers, each may have
 * read a source and written an object file of its own.
 *
 * That is the coarsest partition in which nodes of one class have edges of the
 * same operations with the same classes, found by refinement (bisimulation:
 * Paige and Tarjan, SIAM J. Comput. 16, 1987). A class is known by a hash here,
 * so a round costs as much as the edges, and each round looks one step further.
 */
#define CLUSTER_MIN 4   /* fewer are no repetition worth hiding */
#define ROUNDS_MAX 24   /* nodes that differ further away than this count as alike */

struct cluster {
	struct lm_answer *answer;
	const struct lm_index *index;
	uint64_t seed;
	uint64_t *colours, *next; /* by node */
	uint64_t *keys;           /* of one node's edges */
	struct answer_rows in, out;
};

static void release_cluster(struct cluster *cluster)
{
	free(cluster->colours);
	free(cluster->next);
	free(cluster->keys);
	answer_rows_release(&cluster->in);
	answer_rows_release(&cluster->out);
}

static uint64_t join(uint64_t hash, uint64_t value)
{
	return lm_hash_mix(lm_hash_mix(hash) + value);
}

static uint64_t join_bytes(uint64_t hash, const void *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		hash = join(hash, ((const uint8_t *)bytes)[i]);
	return join(hash, len);
}

/* The directory that a file was last seen in, or that a name is in. */
static lm_object_id directory_of(const struct lm_index *index, const struct lm_object *object)
{
	const struct lm_bound *bound;
	struct lm_object name;

	if (object->kind == LM_OBJECT_KIND_NAME)
		return object->name.dir;
	bound = lm_index_bound_of_file_at(index, object->id, UINT64_MAX - 1);
	return bound && lm_index_object(index, bound->name, &name) == 0 ? name.name.dir :
									  LM_OBJECT_NONE;
}

/* What makes objects of one kind one sort, before their edges are looked at; 0: nothing does. */
static uint64_t sort_of(const struct cluster *cluster, const struct lm_object *object)
{
	uint64_t hash = join(cluster->seed, object->kind);
	lm_object_id dir;

	switch (object->kind) {
	case LM_OBJECT_KIND_PROCESS:
		hash = join(join(hash, object->process.exe), object->process.uid);
		return object->process.exe ? hash :
			join_bytes(hash, object->process.comm.data, object->process.comm.len);
	case LM_OBJECT_KIND_FILE:
		dir = directory_of(cluster->index, object);
		if (!dir || S_ISCHR(object->file.mode) || S_ISBLK(object->file.mode))
			return 0;
		return join(join(hash, object->file.mode & S_IFMT), dir);
	case LM_OBJECT_KIND_NAME:
		return join(hash, directory_of(cluster->index, object));
	case LM_OBJECT_KIND_PIPE:
		return hash;
	case LM_OBJECT_KIND_MEMORY:
		return join(hash, object->memory.type);
	default:
		/* Each conversation over a socket has its time, which tells whose answer it was. */
		return 0;
	}
}

/* What is asked about, and where influence came in or went out, stays what it is. */
static bool stands_alone(const struct lm_answer_node *node)
{
	return node->object == LM_OBJECT_NONE ||
	       node->flags & (LM_NODE_DETECTION | LM_NODE_ENTRY | LM_NODE_EXIT | LM_NODE_TO);
}

static void set_first_colours(struct cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->answer->view.node_count; i++) {
		const struct lm_answer_node *node = &cluster->answer->nodes[i];
		struct lm_object object;
		uint64_t sort = 0;

		if (!stands_alone(node) &&
		    lm_index_object(cluster->index, node->object, &object) == 0)
			sort = sort_of(cluster, &object);
		cluster->colours[i] = sort ? join(sort, node->flags) :
					     join(~cluster->seed, (uint64_t)i + 1);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Edges of the same operation with the same class count once: three headers are like four. */
static uint64_t join_edges(struct cluster *cluster, uint64_t hash, const struct answer_rows *rows,
			   uint32_t node, bool incoming)
{
	uint32_t count = rows->start[node + 1] - rows->start[node];

	for (uint32_t i = 0; i < count; i++) {
		const struct lm_answer_edge *edge =
			&cluster->answer->edges[rows->at[rows->start[node] + i]];

		cluster->keys[i] = join(join(cluster->colours[incoming ? edge->from : edge->to],
					     edge->op_name[0]),
					(uint64_t)edge->op << 1 | incoming);
	}
	if (count > 1)
		qsort(cluster->keys, count, sizeof(*cluster->keys), compare_numbers);
	for (uint32_t i = 0; i < count; i++) {
		if (i == 0 || cluster->keys[i] != cluster->keys[i - 1])
			hash = join(hash, cluster->keys[i]);
	}
	return hash;
}

/* @return number of classes */
static uint32_t refine(struct cluster *cluster)
{
	uint32_t nodes = cluster->answer->view.node_count, classes = 0;
	uint64_t *swap = cluster->colours;

	for (uint32_t i = 0; i < nodes; i++) {
		uint64_t hash = join_edges(cluster, cluster->colours[i], &cluster->in, i, true);

		cluster->next[i] = join_edges(cluster, hash, &cluster->out, i, false);
	}
	cluster->colours = cluster->next;
	cluster->next = swap;
	memcpy(cluster->next, cluster->colours, nodes * sizeof(*cluster->next));
	if (nodes > 0)
		qsort(cluster->next, nodes, sizeof(*cluster->next), compare_numbers);
	for (uint32_t i = 0; i < nodes; i++)
		classes += i == 0 || cluster->next[i] != cluster->next[i - 1];
	return classes;
}

static int find_classes(struct cluster *cluster)
{
	const struct lm_answer_view *view = &cluster->answer->view;
	uint32_t before = 0;
	int r;

	/* Nobody who writes into a log shall be able to choose what looks alike. */
	if (getrandom(&cluster->seed, sizeof(cluster->seed), GRND_NONBLOCK) < 0)
		cluster->seed = lm_time_boot_ns();
	cluster->colours = lm_array_new(view->node_count, sizeof(*cluster->colours));
	cluster->next = lm_array_new(view->node_count, sizeof(*cluster->next));
	cluster->keys = lm_array_new(view->edge_count, sizeof(*cluster->keys));
	r = cluster->colours && cluster->next && cluster->keys ? 0 : -ENOMEM;
	if (r == 0)
		r = answer_rows_build(&cluster->in, cluster->answer, true);
	if (r == 0)
		r = answer_rows_build(&cluster->out, cluster->answer, false);
	if (r < 0)
		return r;
	set_first_colours(cluster);
	for (int round = 0; round < ROUNDS_MAX; round++) {
		uint32_t classes = refine(cluster);

		if (classes == before)
			break;
		before = classes;
	}
	return 0;
}

/* "37 x cc1", "12 files in /tmp", "5 pipes". */
static void label_group(const struct lm_index *index, const struct lm_answer_node *group,
			struct lm_buffer *out)
{
	struct lm_buffer path LM_BUFFER = LM_BUFFER_INIT;
	struct lm_object object;

	lm_buffer_printf(out, "%llu %s", (unsigned long long)group->count,
			 group->of == LM_OBJECT_KIND_PROCESS ? "x " : label_kinds(group->of));
	if (lm_index_object(index, group->members[0], &object) < 0)
		return;
	if (group->of == LM_OBJECT_KIND_PROCESS) {
		lm_buffer_append_str(out, label_program(index, object.id));
	} else if (group->of == LM_OBJECT_KIND_FILE || group->of == LM_OBJECT_KIND_NAME) {
		lm_object_id dir = directory_of(index, &object);

		if (dir && lm_index_path_seen(index, dir, UINT64_MAX - 1, &path) == 0) {
			lm_buffer_append_text(out, " in ");
			lm_buffer_append(out, path.data, path.len);
		}
	}
	out->failed |= path.failed;
}

static int compare_objects(const void *a, const void *b)
{
	lm_object_id x = *(const lm_object_id *)a, y = *(const lm_object_id *)b;

	return x < y ? -1 : x > y;
}

/* The first node becomes the group; members are told in order of their numbers. */
static int make_group(struct cluster *cluster, const uint32_t *positions, uint32_t count)
{
	struct lm_answer_node *nodes = cluster->answer->nodes, *group = &nodes[positions[0]];
	struct lm_buffer label LM_BUFFER = LM_BUFFER_INIT;
	char first[sizeof(group->id)];

	group->members = lm_array_new(count, sizeof(*group->members));
	if (!group->members)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		group->members[i] = nodes[positions[i]].object;
	qsort(group->members, count, sizeof(*group->members), compare_objects);
	group->member_count = count < LM_MEMBERS_MAX ? count : LM_MEMBERS_MAX;
	group->count = count;
	answer_id(cluster->index, group->members[0], first);
	snprintf(group->id, sizeof(group->id), "g%.14s", first);
	group->object = LM_OBJECT_NONE;
	group->kind = LM_OBJECT_KIND_NONE;
	label_group(cluster->index, group, &label);
	lm_buffer_append_byte(&label, '\0');
	if (lm_buffer_status(&label) < 0)
		return -ENOMEM;
	group->label = (char *)lm_take_ptr(label.data);
	cluster->answer->clustered.objects += count;
	return 0;
}

struct coloured {
	uint64_t colour;
	uint32_t position;
};

static int compare_coloured(const void *a, const void *b)
{
	const struct coloured *x = a, *y = b;

	if (x->colour != y->colour)
		return x->colour < y->colour ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

/* leader[n]: the first node of the group that n is in, or n itself. */
static int make_groups(struct cluster *cluster, uint32_t *leader)
{
	uint32_t nodes = cluster->answer->view.node_count, next;
	struct coloured *sorted LM_FREE = lm_array_new(nodes, sizeof(*sorted));
	uint32_t *positions LM_FREE = lm_array_new(nodes, sizeof(*positions));
	int r = 0;

	if (!sorted || !positions)
		return -ENOMEM;
	for (uint32_t i = 0; i < nodes; i++) {
		sorted[i] = (struct coloured){ cluster->colours[i], i };
		leader[i] = i;
	}
	if (nodes > 0)
		qsort(sorted, nodes, sizeof(*sorted), compare_coloured);
	for (uint32_t i = 0; i < nodes && r == 0; i = next) {
		for (next = i; next < nodes && sorted[next].colour == sorted[i].colour; next++)
			positions[next - i] = sorted[next].position;
		if (next - i < CLUSTER_MIN)
			continue;
		for (uint32_t j = i; j < next; j++)
			leader[sorted[j].position] = sorted[i].position;
		r = make_group(cluster, positions, next - i);
	}
	return r;
}

int answer_cluster(struct lm_answer *answer, const struct walk *walk)
{
	struct cluster cluster LM_CLEANUP(release_cluster) = { .answer = answer,
							       .index = walk->index };
	uint32_t nodes = answer->view.node_count, kept = 0;
	uint32_t *leader LM_FREE = lm_array_new(nodes, sizeof(*leader));
	int r;

	if (!walk_filters(walk, LM_FILTER_CLUSTERS) || nodes < CLUSTER_MIN)
		return 0;
	r = leader ? find_classes(&cluster) : -ENOMEM;
	if (r == 0)
		r = make_groups(&cluster, leader);
	if (r < 0)
		return r;
	/* Leaders come first, so that each has its new place when the others ask for it. */
	for (uint32_t i = 0; i < nodes; i++)
		leader[i] = leader[i] == i ? kept++ : leader[leader[i]];
	answer->clustered.events = answer_remap(answer, leader);
	return 0;
}
