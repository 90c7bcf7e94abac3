/* SPDX-License-Identifier: MIT */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lemona/base/hash.h"
#include "lemona/base/time.h"

#define NOT_SET UINT32_MAX /* loginuid, session */
#define MESSAGE_COMM_MAX_BYTES 64u

int message_join(struct import *import, struct message_run **ret_run)
{
	struct message_run *run = import->shared[LM_IMPORT_SYSLOG];

	*ret_run = NULL;
	if (!run) {
		run = calloc(1, sizeof(*run));
		if (!run)
			return -ENOMEM;
		if (getrandom(&run->seed, sizeof(run->seed), GRND_NONBLOCK) < 0)
			run->seed = lm_time_boot_ns();
		import->shared[LM_IMPORT_SYSLOG] = run;
	}
	run->users++;
	*ret_run = run;
	return 0;
}

void message_leave(struct import *import, struct message_run *run)
{
	if (!run || --run->users > 0)
		return;
	import->shared[LM_IMPORT_SYSLOG] = NULL;
	lm_map_release(&run->untied);
	for (size_t i = 0; i < run->cgroup_count; i++)
		free((char *)run->cgroups[i].path.data);
	free(run->cgroups);
	lm_map_release(&run->by_path);
	free(run);
}

void message_boot(struct world *world, struct message_run *run, struct lm_str boot)
{
	if (!boot.len || boot.len >= sizeof(run->boot) ||
		lm_str_equal(lm_str_from(run->boot), boot))
		return;
	if (run->boot[0])
		world_end_processes(world);
	memcpy(run->boot, boot.data, boot.len);
	run->boot[boot.len] = '\0';
}

/* A text as a name in no directory: one object, however often it is said. 0: no text */
static lm_object_id name_text(struct world *world, struct lm_str text)
{
	return text.len ? world_name(world, LM_OBJECT_NONE, text) : LM_OBJECT_NONE;
}

/* Of whom nothing but a tag is known: one process, of no number, for all that has this tag. */
static lm_object_id find_untied(struct world *world, struct message_run *run, lm_object_id name,
	struct lm_str tag)
{
	const uint64_t *found = lm_map_get(&run->untied, name);
	struct lm_object object = {
		.kind = LM_OBJECT_KIND_PROCESS, .flags = LM_OBJECT_FOUND | LM_OBJECT_PARTIAL,
		.process = {
			.start_ns = world_now(world), .root = world_root(world), .comm = tag,
			.loginuid = NOT_SET, .session = NOT_SET,
		},
	};
	lm_object_id id;

	if (found)
		return (lm_object_id)*found;
	if (object.process.comm.len > MESSAGE_COMM_MAX_BYTES)
		object.process.comm.len = MESSAGE_COMM_MAX_BYTES;
	id = world_define(world, &object);
	if (id && lm_map_put(&run->untied, name, id) < 0)
		return LM_OBJECT_NONE;
	return id;
}

static uint64_t hash_of(uint64_t hash, struct lm_str text)
{
	for (uint32_t i = 0; i < text.len; i++)
		hash = lm_hash_mix(hash ^ (uint8_t)text.data[i]);
	return hash ^ text.len;
}

/* Of two paths with one hash only one is remembered: the other gives an object each time. */
static bool keep_cgroup(struct message_run *run, lm_object_id object, struct lm_str path,
	uint64_t hash)
{
	size_t more = run->cgroup_capacity ? run->cgroup_capacity * 2 : 16;
	char *copy;

	if (run->cgroup_count == run->cgroup_capacity) {
		struct message_cgroup *moved = reallocarray(run->cgroups, more, sizeof(*moved));

		if (!moved)
			return false;
		run->cgroups = moved;
		run->cgroup_capacity = more;
	}
	copy = malloc(path.len);
	if (!copy)
		return false;
	memcpy(copy, path.data, path.len);
	run->cgroups[run->cgroup_count++] = (struct message_cgroup){
		.object = object, .path = { copy, path.len },
	};
	return lm_map_put(&run->by_path, hash, run->cgroup_count - 1) == 0;
}

/* Their paths are all that is known of them: they are numbered as they come. 0: no path */
static lm_object_id find_cgroup(struct world *world, struct message_run *run, struct lm_str path)
{
	struct lm_object object = {
		.kind = LM_OBJECT_KIND_CGROUP,
		.cgroup = { .cgroup = run->cgroup_count + 1, .path = path },
	};
	const uint64_t *found;
	uint64_t hash;
	lm_object_id id;

	if (path.len > LM_CGROUP_PATH_MAX_BYTES)
		path.len = object.cgroup.path.len = LM_CGROUP_PATH_MAX_BYTES;
	hash = hash_of(run->seed, path);
	found = path.len ? lm_map_get(&run->by_path, hash) : NULL;
	if (found && lm_str_equal(run->cgroups[*found].path, path))
		return run->cgroups[*found].object;
	if (!path.len)
		return LM_OBJECT_NONE;
	id = world_define(world, &object);
	return id && keep_cgroup(run, id, path, hash) ? id : LM_OBJECT_NONE;
}

static struct lm_str last_component(struct lm_str path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (!slash)
		return path;
	path.len -= (uint32_t)(slash + 1 - path.data);
	path.data = slash + 1;
	return path;
}

/* What the journal says of a process that was never seen at work. */
static void describe(struct world *world, struct message_run *run, struct world_process *process,
	const struct message *message)
{
	struct lm_process *is = &process->is;
	struct lm_str comm = message->comm.len ? message->comm : last_component(message->tag);

	world_set_comm(world, process, comm);
	if (message->has_ids) {
		is->uid = is->euid = is->suid = is->fsuid = message->uid;
		is->gid = is->egid = is->sgid = is->fsgid = message->gid;
	}
	if (message->command.len) {
		world_set_argv(world, process, message->command);
		is->argc = 1;
	}
	if (message->exe.len && *message->exe.data == '/') {
		struct world_place place = world_walk(world, is->root, is->root, message->exe);

		is->exe_name = place.name;
		is->exe = place.file ? place.file : world_unknown_file(world, 0);
		world_bind(world, is->exe_name, is->exe);
	}
	is->cgroup = find_cgroup(world, run, message->cgroup);
	world_redefine(world, process);
}

static lm_object_id find_actor(struct world *world, struct message_run *run,
	const struct message *message, lm_object_id tag)
{
	struct world_process *process;
	lm_object_id cgroup;

	if (!message->pid)
		return find_untied(world, run, tag, message->tag);
	process = world_process(world, message->pid);
	if (!process) {
		process = world_find_process(world, message->pid, 0);
		if (process)
			describe(world, run, process, message);
	} else if (message->cgroup.len) {
		cgroup = find_cgroup(world, run, message->cgroup);
		if (cgroup != process->is.cgroup) {
			process->is.cgroup = cgroup;
			world_redefine(world, process);
		}
	}
	return process ? process->object : LM_OBJECT_NONE;
}

int message_apply(struct import *import, struct message_run *run, const struct message *message)
{
	struct world *world = import->world;
	struct lm_event event = {
		.begin_ns = message->time_ns, .end_ns = message->time_ns, .op = LM_OP_MESSAGE,
		.tid = message->pid, .call = LM_CALL_NONE, .arg = message->priority,
		.flags = LM_EVENT_CLAIMED | LM_EVENT_TIMED,
	};

	world_set_now(world, message->time_ns);
	if (message->begin_ns && message->begin_ns < message->time_ns)
		event.begin_ns = message->begin_ns;
	if (message->text.len > LM_NAME_MAX_BYTES)
		event.flags |= LM_EVENT_PARTIAL;
	event.name = name_text(world, message->tag);
	event.name2 = name_text(world, message->text);
	event.actor = find_actor(world, run, message, event.name);
	if (!event.actor)
		return world_status(world) < 0 ? world_status(world) : -ENOMEM;
	world_event(world, &event);
	return world_status(world) < 0 ? world_status(world) : 1;
}
