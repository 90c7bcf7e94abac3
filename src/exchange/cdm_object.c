/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cdm.h"

#define ANCESTORS_MAX 64 /* what lies further back is told when it does something itself */
#define COMM_MAX_BYTES 64u
#define NOT_SET UINT32_MAX /* loginuid, session */

lm_object_id cdm_name(struct cdm_run *run, struct world *world, struct lm_str path)
{
	lm_object_id root = world_root(world);

	if (!path.len || lm_str_equal(path, LM_STR("<unknown>")))
		return LM_OBJECT_NONE;
	if (!memchr(path.data, '/', path.len) && memchr(path.data, '\\', path.len)) {
		lm_buffer_reset(&run->path);
		for (uint32_t i = 0; i < path.len; i++)
			lm_buffer_append_byte(&run->path,
				path.data[i] == '\\' ? '/' : (uint8_t)path.data[i]);
		if (lm_buffer_status(&run->path) < 0)
			return LM_OBJECT_NONE;
		path.data = (const char *)run->path.data;
	}
	return world_walk(world, root, root, path).name;
}

static struct lm_str last_component(struct lm_str path)
{
	for (uint32_t i = path.len; i > 0; i--)
		if (path.data[i - 1] == '/' || path.data[i - 1] == '\\')
			return (struct lm_str){ path.data + i, path.len - i };
	return path;
}

/* A thread, or a unit of a loop, is of the process above it. */
static uint32_t process_of(const struct cdm_run *run, uint32_t number)
{
	for (int i = 0; i < ANCESTORS_MAX; i++) {
		const struct cdm_entity *entity;

		number = cdm_entity_itself(run, number);
		entity = cdm_entity(run, number);
		if (entity->kind != CDM_SUBJECT || !entity->subject.part)
			break;
		number = entity->subject.parent;
	}
	return number;
}

bool cdm_set_owner(struct cdm_run *run, uint32_t number, uint32_t owner)
{
	const struct cdm_entity *is = cdm_entity(run, cdm_entity_itself(run, owner));
	struct lm_process *process = cdm_entity(run, number)->subject.is;
	struct lm_process before = *process;

	if (is->kind != CDM_PRINCIPAL)
		return false;
	process->uid = process->suid = is->principal.uid;
	process->euid = process->fsuid = is->principal.euid;
	process->gid = process->sgid = is->principal.gid;
	process->egid = process->fsgid = is->principal.egid;
	return before.uid != process->uid || before.euid != process->euid ||
		before.gid != process->gid || before.egid != process->egid;
}

static void set_texts(const struct cdm_entity *entity)
{
	struct lm_process *is = entity->subject.is;

	is->argv = entity->text;
	is->argc = entity->text.len > 0;
	is->comm = last_component(entity->name);
	if (is->comm.len > COMM_MAX_BYTES)
		is->comm.len = COMM_MAX_BYTES;
}

static lm_object_id define_process(struct cdm_run *run, struct world *world, uint32_t number,
	lm_object_id id, uint8_t flags)
{
	struct cdm_entity *entity = cdm_entity(run, number);
	struct lm_object object = {
		.id = id, .kind = LM_OBJECT_KIND_PROCESS, .flags = flags,
	};

	set_texts(entity);
	object.process = *entity->subject.is;
	entity->object = world_define(world, &object);
	return entity->object;
}

void cdm_tell_process(struct cdm_run *run, struct world *world, uint32_t number)
{
	define_process(run, world, number, cdm_entity(run, number)->object, 0);
}

lm_object_id cdm_new_version(struct cdm_run *run, struct world *world, uint32_t number)
{
	struct cdm_entity *entity = cdm_entity(run, number);

	entity->subject.is->version++;
	entity->subject.is->previous = entity->object;
	return define_process(run, world, number, LM_OBJECT_NONE, 0);
}

lm_object_id cdm_succeed(struct cdm_run *run, struct world *world, uint32_t number,
	uint32_t before)
{
	struct cdm_entity *entity = cdm_entity(run, number);
	struct lm_process *is = malloc(sizeof(*is));

	if (!is)
		return LM_OBJECT_NONE;
	*is = *cdm_entity(run, before)->subject.is;
	is->version++;
	is->previous = cdm_entity(run, before)->object;
	entity->subject.is = is;
	cdm_set_owner(run, number, entity->subject.owner);
	return define_process(run, world, number, LM_OBJECT_NONE, 0);
}

/* Its parent is defined already, where there is one. */
static lm_object_id start_process(struct cdm_run *run, struct world *world, uint32_t number,
	bool found)
{
	struct cdm_entity *entity = cdm_entity(run, number);
	uint32_t parent = process_of(run, entity->subject.parent);
	struct lm_process *is = calloc(1, sizeof(*is));
	uint64_t now_ns = world_now(world);

	if (!is)
		return LM_OBJECT_NONE;
	is->tgid = is->ns_tgid = entity->subject.pid;
	is->start_ns = entity->subject.start_ns && entity->subject.start_ns < now_ns ?
		entity->subject.start_ns : now_ns;
	is->parent = parent && cdm_entity(run, parent)->kind == CDM_SUBJECT ?
		cdm_entity(run, parent)->object : LM_OBJECT_NONE;
	is->root = world_root(world);
	is->loginuid = is->session = NOT_SET;
	entity->subject.is = is;
	cdm_set_owner(run, number, entity->subject.owner);
	if (entity->name.len && memchr(entity->name.data, '/', entity->name.len))
		is->exe_name = cdm_name(run, world, entity->name);
	return define_process(run, world, number, LM_OBJECT_NONE, found ? LM_OBJECT_FOUND : 0);
}

/* That it was forked, by whom its record says, at the latest now. */
static void tell_fork(struct cdm_run *run, struct world *world, uint32_t number)
{
	const struct lm_process *is = cdm_entity(run, number)->subject.is;
	const struct cdm_entity *parent =
		cdm_entity(run, process_of(run, cdm_entity(run, number)->subject.parent));
	struct lm_event event = {
		.begin_ns = is->start_ns, .end_ns = world_now(world), .op = LM_OP_FORK,
		.actor = is->parent, .call = LM_CALL_NONE, .result = is->tgid,
		.flags = LM_EVENT_TIMED | LM_EVENT_DERIVED,
		.object = cdm_entity(run, number)->object,
	};

	if (!is->parent)
		return;
	event.tid = parent->subject.pid;
	world_event(world, &event);
}

void cdm_assume_subject(struct cdm_run *run, uint32_t number, uint32_t tid)
{
	struct cdm_entity *entity = cdm_entity(run, process_of(run, number));

	if (entity->kind != CDM_REFERRED || entity == run->entities)
		return;
	*entity = (struct cdm_entity){
		.uuid = entity->uuid, .next = entity->next, .kind = CDM_SUBJECT,
		.subject = { .pid = tid },
	};
}

lm_object_id cdm_process(struct cdm_run *run, struct world *world, uint32_t number,
	uint32_t *ret_number)
{
	uint32_t line[ANCESTORS_MAX], count = 0;

	number = process_of(run, number);
	*ret_number = number;
	if (cdm_entity(run, number)->kind != CDM_SUBJECT)
		return LM_OBJECT_NONE;
	for (uint32_t at = number; count < ANCESTORS_MAX;) {
		const struct cdm_entity *entity = cdm_entity(run, at);

		if (!at || entity->kind != CDM_SUBJECT || entity->object)
			break;
		line[count++] = at;
		at = process_of(run, entity->subject.parent);
	}
	/* The oldest one first; somebody's circle ends where it began. */
	while (count > 0) {
		uint32_t at = line[--count];

		if (cdm_entity(run, at)->object)
			continue;
		if (!start_process(run, world, at, true))
			return LM_OBJECT_NONE;
		tell_fork(run, world, at);
	}
	return cdm_entity(run, number)->object;
}

lm_object_id cdm_child(struct cdm_run *run, struct world *world, uint32_t number)
{
	const struct cdm_entity *entity;

	number = process_of(run, number);
	entity = cdm_entity(run, number);
	if (entity->kind != CDM_SUBJECT || entity->object)
		return entity->kind == CDM_SUBJECT ? entity->object : LM_OBJECT_NONE;
	return start_process(run, world, number, false);
}

static lm_object_id define_file(struct cdm_run *run, struct world *world,
	const struct cdm_entity *entity)
{
	lm_object_id file = world_unknown_file(world, entity->file.mode);
	lm_object_id name = cdm_name(run, world, entity->text);

	if (file && name)
		world_bind(world, name, file);
	return file;
}

static lm_object_id define_other(struct world *world, const struct cdm_entity *entity)
{
	struct lm_object object = {
		.kind = LM_OBJECT_KIND_MEMORY,
		.memory = { .type = entity->memory, .label = entity->text },
	};

	return world_define(world, &object);
}

lm_object_id cdm_object(struct cdm_run *run, struct world *world, uint32_t number, bool socket)
{
	static const struct lm_socket unknown;
	struct cdm_entity *entity;
	uint32_t process;

	number = cdm_entity_itself(run, number);
	entity = cdm_entity(run, number);
	if (entity->object || !number)
		return entity->object;
	switch ((enum cdm_kind)entity->kind) {
	case CDM_SUBJECT:
		return cdm_process(run, world, number, &process);
	case CDM_PRINCIPAL:
		return LM_OBJECT_NONE;
	case CDM_SOCKET:
		entity->object = world_new_socket(world, entity->socket);
		break;
	case CDM_PIPE:
		entity->object = world_new_pipe(world, 0);
		break;
	case CDM_OTHER:
		entity->object = define_other(world, entity);
		break;
	case CDM_REFERRED:
		entity->kind = socket ? CDM_SOCKET : CDM_FILE;
		entity->object = socket ? world_new_socket(world, &unknown) :
			world_unknown_file(world, 0);
		break;
	case CDM_FILE:
		entity->object = define_file(run, world, entity);
		break;
	}
	return entity->object;
}
