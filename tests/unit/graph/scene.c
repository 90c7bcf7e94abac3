/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <sys/stat.h>

static void add(struct scene *scene, const struct lm_item *item)
{
	assert_int_equal(lm_index_add(scene->index, item), 0);
}

static lm_object_id add_object(struct scene *scene, struct lm_object object)
{
	struct lm_item item = { .kind = LM_ITEM_OBJECT };

	object.id = ++scene->objects;
	object.time_ns = scene->now;
	item.object = object;
	assert_int_equal(lm_array_reserve(scene->defined, scene->defined_capacity,
					  (size_t)object.id + 1), 0);
	scene->defined[object.id] = object;
	add(scene, &item);
	return object.id;
}

void scene_begin(struct scene *scene)
{
	*scene = (struct scene){ .now = 1000000 };
	assert_int_equal(lm_index_new(&scene->index), 0);
	lm_index_set_host(scene->index, "victim");
	/* 2026-01-01T00:00:00Z at boot */
	assert_int_equal(lm_index_add_wall_offset(scene->index, 0, 1767225600000000000), 0);
	add_object(scene, (struct lm_object){ .kind = LM_OBJECT_KIND_KERNEL });
	scene->root = scene_file(scene, S_IFDIR | 0755);
	add(scene, &(struct lm_item){ .kind = LM_ITEM_BINDING,
			   .binding = { .file = scene->root, .flags = LM_BINDING_ROOT } });
}

void scene_finish(struct scene *scene)
{
	assert_int_equal(lm_index_finish(scene->index), 0);
}

void scene_end(struct scene *scene)
{
	scene->index = lm_index_free(scene->index);
	free(scene->defined);
	scene->defined = NULL;
	scene->defined_capacity = 0;
}

int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	scene_begin(scene);
	*state = scene;
	return 0;
}

int scene_teardown(void **state)
{
	scene_end(*state);
	free(*state);
	return 0;
}

static lm_object_id add_process(struct scene *scene, const struct lm_process *process)
{
	return add_object(scene, (struct lm_object){ .kind = LM_OBJECT_KIND_PROCESS,
						     .process = *process });
}

lm_object_id scene_process(
	struct scene *scene, uint32_t tgid, lm_object_id parent, const char *comm)
{
	struct lm_process process = {
		.tgid = tgid, .start_ns = scene->now, .parent = parent, .root = scene->root,
		.comm = lm_str_from(comm), .argv = lm_str_from(comm), .argc = 1,
	};

	return add_process(scene, &process);
}

lm_object_id scene_self(struct scene *scene, uint32_t tgid, const char *comm)
{
	return add_object(scene, (struct lm_object){
		.kind = LM_OBJECT_KIND_PROCESS, .flags = LM_OBJECT_SELF,
		.process = { .tgid = tgid, .start_ns = scene->now, .root = scene->root,
			     .comm = lm_str_from(comm), .argv = lm_str_from(comm), .argc = 1 },
	});
}

lm_object_id scene_fork(struct scene *scene, lm_object_id parent, uint32_t tgid, const char *comm)
{
	lm_object_id child = scene_process(scene, tgid, parent, comm);

	scene_event(scene, LM_OP_FORK, parent, child, 0);
	return child;
}

lm_object_id scene_exec(struct scene *scene, lm_object_id process, lm_object_id exe,
			lm_object_id name, const char *comm)
{
	struct lm_process before = scene->defined[process].process;
	lm_object_id version;

	before.version++;
	before.previous = process;
	before.exe = exe;
	before.exe_name = name;
	before.comm = before.argv = lm_str_from(comm);
	version = add_process(scene, &before);
	scene_event_full(scene, (struct lm_event){ .op = LM_OP_EXEC,
					.actor = process,
					.object = exe,
					.object2 = version,
					.name = name });
	return version;
}

lm_object_id scene_file(struct scene *scene, uint32_t mode)
{
	struct lm_file file = { .dev = 8u << 20 | 1, .inode = scene->objects + 100, .mode = mode };

	return add_object(scene, (struct lm_object){ .kind = LM_OBJECT_KIND_FILE, .file = file });
}

lm_object_id scene_device(struct scene *scene, uint32_t major, uint32_t minor)
{
	struct lm_file file = { .dev = 5, .inode = scene->objects + 100, .mode = S_IFCHR | 0666,
				.rdev = major << 20 | minor };

	return add_object(scene, (struct lm_object){ .kind = LM_OBJECT_KIND_FILE, .file = file });
}

lm_object_id scene_name(struct scene *scene, lm_object_id dir, const char *component)
{
	struct lm_name name = { .dir = dir, .component = lm_str_from(component) };

	return add_object(scene, (struct lm_object){ .kind = LM_OBJECT_KIND_NAME, .name = name });
}

lm_object_id scene_pipe(struct scene *scene)
{
	struct lm_pipe pipe = { .dev = 14, .inode = scene->objects + 100 };

	return add_object(scene, (struct lm_object){ .kind = LM_OBJECT_KIND_PIPE, .pipe = pipe });
}

lm_object_id scene_socket(struct scene *scene, uint8_t local, uint16_t local_port, uint8_t remote,
			  uint16_t remote_port, uint32_t ns_net)
{
	struct lm_socket socket = {
		.dev = 9, .inode = scene->objects + 100, .family = LM_AF_INET, .ns_net = ns_net,
		.local = { .family = LM_AF_INET, .port = local_port, .ip = { 10, 0, 0, local } },
		.remote = { .family = LM_AF_INET, .port = remote_port, .ip = { 10, 0, 0, remote } },
	};

	return add_object(
		scene, (struct lm_object){ .kind = LM_OBJECT_KIND_SOCKET, .socket = socket });
}

void scene_bind(struct scene *scene, lm_object_id file, lm_object_id name)
{
	struct lm_item item = { .kind = LM_ITEM_BINDING,
				.binding = { .time_ns = scene->now, .file = file, .name = name } };

	add(scene, &item);
}

uint64_t scene_event_full(struct scene *scene, struct lm_event event)
{
	struct lm_item item = { .kind = LM_ITEM_EVENT };

	event.id = ++scene->events;
	if (event.end_ns == 0) {
		event.begin_ns = scene->now;
		event.end_ns = scene->now + STEP_NS - 1;
		scene->now += STEP_NS;
	}
	item.event = event;
	add(scene, &item);
	return event.id;
}

uint64_t scene_event(struct scene *scene, enum lm_op op, lm_object_id actor, lm_object_id object,
		     lm_object_id name)
{
	return scene_event_full(scene,
		(struct lm_event){ .op = op, .actor = actor, .object = object, .name = name });
}

void scene_gap(struct scene *scene, uint64_t begin_ns, uint64_t end_ns, uint64_t count)
{
	struct lm_item item = { .kind = LM_ITEM_GAP,
				.gap = { .begin_ns = begin_ns, .end_ns = end_ns, .count = count,
					 .reason = LM_GAP_FULL } };

	add(scene, &item);
}

lm_object_id scene_intruder(struct scene *scene)
{
	lm_object_id p = scene_process(scene, 10, 0, "intruder");

	scene_event(scene, LM_OP_RECV, p, scene_socket(scene, 1, 80, 2, 5000, 1), 0);
	return p;
}

void scene_read(struct scene *scene, lm_object_id actor, lm_object_id file)
{
	scene_event_full(scene, (struct lm_event){ .op = LM_OP_READ, .actor = actor, .object = file,
						   .result = 10 });
}

void scene_write(struct scene *scene, lm_object_id actor, lm_object_id file)
{
	scene_event_full(scene, (struct lm_event){ .op = LM_OP_WRITE, .actor = actor,
						   .object = file, .result = 10 });
}

void scene_create(struct scene *scene, lm_object_id actor, lm_object_id file, lm_object_id name)
{
	scene_event_full(scene, (struct lm_event){ .op = LM_OP_OPEN, .actor = actor, .object = file,
						   .name = name, .flags = LM_EVENT_CREATED });
}

void scene_rename(struct scene *scene, lm_object_id actor, lm_object_id file, lm_object_id from,
		  lm_object_id to)
{
	scene_event_full(scene, (struct lm_event){ .op = LM_OP_RENAME,
					.actor = actor,
					.object = file,
					.name = from,
					.name2 = to });
}

static struct lm_answer *trace(const struct scene *scene, enum lm_direction direction,
			       uint32_t filters, struct lm_detection detection)
{
	struct lm_detections from LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *answer = NULL;

	assert_int_equal(lm_detections_add(&from, detection), 0);
	struct lm_trace_options options = { .direction = direction, .filters = filters,
					    .from = &from };
	assert_int_equal(lm_trace(scene->index, &options, &answer, NULL), 0);
	return answer;
}

struct lm_answer *scene_trace(const struct scene *scene, enum lm_direction direction,
			      uint32_t filters, lm_object_id from)
{
	return trace(scene, direction, filters, (struct lm_detection){ from, 0, UINT64_MAX });
}

struct lm_answer *scene_trace_at(const struct scene *scene, enum lm_direction direction,
				 uint32_t filters, lm_object_id from, uint64_t t_ns)
{
	return trace(scene, direction, filters, (struct lm_detection){ from, t_ns, t_ns });
}

struct lm_answer *scene_trace_options(const struct scene *scene, struct lm_trace_options options,
				      const lm_object_id *from, size_t count)
{
	struct lm_detections all LM_DETECTIONS = LM_DETECTIONS_INIT;
	struct lm_answer *answer = NULL;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(lm_detections_add(&all, (struct lm_detection){
			from[i], 0, UINT64_MAX }), 0);
	options.from = &all;
	assert_int_equal(lm_trace(scene->index, &options, &answer, NULL), 0);
	return answer;
}

uint32_t scene_without(const char *filter)
{
	uint32_t bits = lm_filter_bits(filter);

	assert_int_not_equal(bits, 0);
	return LM_FILTERS_ALL & ~bits;
}

const struct lm_answer_node *answer_node(const struct lm_answer *answer, lm_object_id object)
{
	struct lm_answer_view view = lm_answer_view(answer);

	for (uint32_t i = 0; i < view.node_count; i++) {
		if (view.nodes[i].object == object)
			return &view.nodes[i];
	}
	return NULL;
}

bool answer_has(const struct lm_answer *answer, lm_object_id object)
{
	return answer_node(answer, object) != NULL;
}

const struct lm_answer_edge *answer_edge(const struct lm_answer *answer, lm_object_id from,
					 lm_object_id to, const char *op)
{
	struct lm_answer_view view = lm_answer_view(answer);

	for (uint32_t i = 0; i < view.edge_count; i++) {
		const struct lm_answer_edge *edge = &view.edges[i];

		if (view.nodes[edge->from].object == from && view.nodes[edge->to].object == to &&
		    strcmp(edge->op_name, op) == 0)
			return edge;
	}
	return NULL;
}

static struct lm_answer_hidden hidden_by(const struct lm_answer *answer, enum lm_filter filter)
{
	struct lm_answer_view view = lm_answer_view(answer);

	for (uint32_t i = 0; i < view.hidden_count; i++) {
		if (view.hidden[i].filter == filter)
			return view.hidden[i];
	}
	return (struct lm_answer_hidden){ .filter = filter };
}

uint64_t answer_hidden(const struct lm_answer *answer, enum lm_filter filter)
{
	return hidden_by(answer, filter).objects;
}

uint64_t answer_hidden_events(const struct lm_answer *answer, enum lm_filter filter)
{
	return hidden_by(answer, filter).events;
}

const struct lm_answer_node *answer_group(const struct lm_answer *answer, lm_object_id member)
{
	struct lm_answer_view view = lm_answer_view(answer);

	for (uint32_t i = 0; i < view.node_count; i++) {
		for (uint32_t m = 0; m < view.nodes[i].member_count; m++) {
			if (view.nodes[i].members[m] == member)
				return &view.nodes[i];
		}
	}
	return NULL;
}

char *answer_written(int (*write)(const struct lm_answer *answer, FILE *out),
		     const struct lm_answer *answer)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(write(answer, out), 0);
	fclose(out);
	return text;
}

static int write_plain(const struct lm_answer *answer, FILE *out)
{
	return lm_answer_write_text(answer, out, false);
}

char *answer_text(const struct lm_answer *answer)
{
	return answer_written(write_plain, answer);
}
