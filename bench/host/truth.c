/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include <stdlib.h>
#include <string.h>

#include "lemona/event/dependency.h"

#define OBJECTS_MAX    8
#define DETECTIONS_MAX 8

struct thing {
	char label[96];
	const char *kind;
	enum role role;
	uint64_t key; /* what makes two the same: a pid, an inode */
	lm_object_id objects[OBJECTS_MAX];
	uint32_t count;
};

struct attack {
	char name[32];
	const char *kind;
	uint32_t number;
	lm_object_id entry;
	uint64_t detections[DETECTIONS_MAX]; /* events */
	uint32_t detection_count;
	uint64_t *events;
	size_t event_count, event_capacity;
	struct thing *things;
	size_t thing_count, thing_capacity;
	uint64_t begin_ns, end_ns;
};

struct truth {
	struct world *world;
	struct attack **attacks;
	size_t count;
};

struct truth *truth_new(struct world *w)
{
	struct truth *truth = host_allocate(sizeof(*truth));

	truth->world = w;
	return truth;
}

static void *grow(void *at, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return at;
	*capacity = *capacity ? 2 * *capacity : 16;
	at = realloc(at, *capacity * size);
	host_must(at ? 0 : -ENOMEM, "memory");
	return at;
}

struct attack *truth_attack(struct truth *truth, const char *kind, uint32_t number)
{
	struct attack *attack = host_allocate(sizeof(*attack));

	attack->kind = kind;
	attack->number = number;
	snprintf(attack->name, sizeof(attack->name), "%s-%u", kind, number);
	truth->attacks = realloc(truth->attacks, (truth->count + 1) * sizeof(struct attack *));
	host_must(truth->attacks ? 0 : -ENOMEM, "memory");
	truth->attacks[truth->count++] = attack;
	return attack;
}

uint32_t truth_number(const struct attack *attack)
{
	return attack->number;
}

void truth_event(struct attack *attack, uint64_t id, const struct lm_event *event, bool detects)
{
	struct lm_dependency influences[LM_DEPENDENCIES_MAX];

	/* What influences nothing is no step: a close, say. */
	if (lm_event_dependencies(event, influences) == 0)
		return;
	attack->events = grow(
		attack->events, attack->event_count, &attack->event_capacity, sizeof(uint64_t));
	attack->events[attack->event_count++] = id;
	if (detects && attack->detection_count < DETECTIONS_MAX)
		attack->detections[attack->detection_count++] = id;
	if (attack->begin_ns == 0)
		attack->begin_ns = event->end_ns;
	attack->end_ns = event->end_ns;
}

static struct thing *find_thing(struct attack *attack, const char *kind, uint64_t key)
{
	struct thing *thing;

	for (size_t i = 0; i < attack->thing_count; i++) {
		thing = &attack->things[i];
		if (thing->kind == kind && thing->key == key)
			return thing;
	}
	attack->things = grow(
		attack->things, attack->thing_count, &attack->thing_capacity, sizeof(struct thing));
	thing = &attack->things[attack->thing_count++];
	*thing = (struct thing){ .kind = kind, .key = key };
	return thing;
}

static void add_object(struct thing *thing, lm_object_id object)
{
	for (uint32_t i = 0; i < thing->count; i++) {
		if (thing->objects[i] == object)
			return;
	}
	if (object && thing->count < OBJECTS_MAX)
		thing->objects[thing->count++] = object;
}

static const char process_kind[] = "process", file_kind[] = "file", socket_kind[] = "socket";

void truth_process(struct attack *attack, const struct proc *p, enum role role)
{
	struct thing *thing = find_thing(attack, process_kind, p->pid);

	if (thing->count == 0)
		thing->role = role;
	snprintf(thing->label, sizeof(thing->label), "%.*s[%u]", (int)p->is.comm.len,
		p->is.comm.data, p->pid);
	add_object(thing, p->object);
}

static void append_path(const struct node *node, char *path, size_t size)
{
	size_t length;

	if (!node->parent)
		return;
	append_path(node->parent, path, size);
	length = strlen(path);
	snprintf(path + length, size - length, "/%s", node->component);
}

void truth_file(struct attack *attack, struct node *node, enum role role)
{
	struct thing *thing = find_thing(attack, file_kind, node->inode);

	if (thing->count == 0) {
		thing->role = role;
		append_path(node, thing->label, sizeof(thing->label));
	}
	add_object(thing, node->file);
	add_object(thing, node->name);
}

void truth_socket(struct attack *attack, const struct channel *socket, enum role role)
{
	const struct lm_socket *is = &socket->object.socket;
	struct thing *thing = find_thing(attack, socket_kind, is->inode);

	thing->role = role;
	snprintf(thing->label, sizeof(thing->label), "%u.%u.%u.%u:%u", is->remote.ip[0],
		is->remote.ip[1], is->remote.ip[2], is->remote.ip[3], is->remote.port);
	add_object(thing, socket->object.id);
}

void truth_entry(struct attack *attack, lm_object_id object)
{
	attack->entry = object;
}

static void write_thing(const struct thing *thing, FILE *out)
{
	static const char *const roles[] = { "attack", "carrier", "victim" };

	fprintf(out, "{\"kind\":\"%s\",\"label\":\"%s\",\"role\":\"%s\",\"objects\":[", thing->kind,
		thing->label, roles[thing->role]);
	for (uint32_t i = 0; i < thing->count; i++)
		fprintf(out, "%s%u", i ? "," : "", thing->objects[i]);
	fprintf(out, "]}");
}

static void write_attack(const struct attack *attack, FILE *out)
{
	fprintf(out,
		"{\"name\":\"%s\",\"kind\":\"%s\",\"begin_ns\":%llu,\"end_ns\":%llu,\n"
		" \"entry\":\"object:%u\",\"detections\":[",
		attack->name, attack->kind, (unsigned long long)attack->begin_ns,
		(unsigned long long)attack->end_ns, attack->entry);
	for (uint32_t i = 0; i < attack->detection_count; i++)
		fprintf(out, "%s\"event:%llu\"", i ? "," : "",
			(unsigned long long)attack->detections[i]);
	fprintf(out, "],\n \"events\":[");
	for (size_t i = 0; i < attack->event_count; i++)
		fprintf(out, "%s%llu", i ? "," : "", (unsigned long long)attack->events[i]);
	fprintf(out, "],\n \"things\":[\n");
	for (size_t i = 0; i < attack->thing_count; i++) {
		fprintf(out, "%s  ", i ? ",\n" : "");
		write_thing(&attack->things[i], out);
	}
	fprintf(out, "]}");
}

void truth_write(const struct truth *truth, FILE *out)
{
	const struct world *w = truth->world;

	fprintf(out,
		"{\"version\":1,\"events\":%llu,\"objects\":%u,\"begin_ns\":%llu,"
		"\"end_ns\":%llu,\n\"attacks\":[\n",
		(unsigned long long)w->events, w->objects, (unsigned long long)w->start_ns,
		(unsigned long long)w->end_ns);
	for (size_t i = 0; i < truth->count; i++) {
		fprintf(out, "%s", i ? ",\n" : "");
		write_attack(truth->attacks[i], out);
	}
	fprintf(out, "]}\n");
}
