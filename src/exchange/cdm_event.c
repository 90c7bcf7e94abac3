/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "cdm.h"
#include "strace.h"
#include "text.h"

/* How an event's subject, objects and paths become those of an operation. */
enum form {
	FORM_NONE = 0, /* tells of no influence, or not which */
	FORM_OBJECT,   /* on the object, or on a socket */
	FORM_IO,       /* read or write of a file, receive or send of a socket */
	FORM_SOCKET,   /* what was never described is a socket */
	FORM_NAME,     /* on the name as well */
	FORM_NAMES,    /* the object goes from one name to another, or has both */
	FORM_FLOW,     /* from the first object to the second */
	FORM_FORK,
	FORM_EXEC,
	FORM_ACTOR,    /* only of the subject itself */
	FORM_PRINCIPAL,
	FORM_CREATE,
	FORM_MAP,
	FORM_ATTRIBUTES,
	FORM_MODULE,
};

struct cdm_event_kind {
	const char *type;
	uint8_t op;   /* enum lm_op */
	uint8_t form; /* enum form */
};

/* docs/formats/import.md has this table. */
static const struct cdm_event_kind kinds[] = {
	{ "EVENT_ACCEPT", LM_OP_ACCEPT, FORM_SOCKET },
	{ "EVENT_ADD_OBJECT_ATTRIBUTE", LM_OP_NONE, FORM_NONE },
	{ "EVENT_BIND", LM_OP_BIND, FORM_SOCKET },
	{ "EVENT_BLIND", LM_OP_NONE, FORM_NONE },
	{ "EVENT_BOOT", LM_OP_NONE, FORM_NONE },
	{ "EVENT_CHANGE_PRINCIPAL", LM_OP_SETCRED, FORM_PRINCIPAL },
	{ "EVENT_CHECK_FILE_ATTRIBUTES", LM_OP_STAT, FORM_NAME },
	{ "EVENT_CLONE", LM_OP_FORK, FORM_FORK },
	{ "EVENT_CLOSE", LM_OP_CLOSE, FORM_OBJECT },
	{ "EVENT_CONNECT", LM_OP_CONNECT, FORM_SOCKET },
	{ "EVENT_CORRELATION", LM_OP_NONE, FORM_NONE },
	{ "EVENT_CREATE_OBJECT", LM_OP_OPEN, FORM_CREATE },
	{ "EVENT_CREATE_THREAD", LM_OP_FORK, FORM_FORK },
	{ "EVENT_DUP", LM_OP_DUP, FORM_OBJECT },
	{ "EVENT_EXECUTE", LM_OP_EXEC, FORM_EXEC },
	{ "EVENT_EXIT", LM_OP_EXIT, FORM_ACTOR },
	{ "EVENT_FCNTL", LM_OP_NONE, FORM_NONE },
	{ "EVENT_FINIT_MODULE", LM_OP_MODULE, FORM_MODULE },
	{ "EVENT_FLOWS_TO", LM_OP_COPY, FORM_FLOW },
	{ "EVENT_FORK", LM_OP_FORK, FORM_FORK },
	{ "EVENT_INIT_MODULE", LM_OP_MODULE, FORM_MODULE },
	{ "EVENT_LINK", LM_OP_LINK, FORM_NAMES },
	{ "EVENT_LOADLIBRARY", LM_OP_MMAP, FORM_MAP },
	{ "EVENT_LOGCLEAR", LM_OP_NONE, FORM_NONE },
	{ "EVENT_LOGIN", LM_OP_NONE, FORM_NONE },
	{ "EVENT_LOGOUT", LM_OP_NONE, FORM_NONE },
	{ "EVENT_LSEEK", LM_OP_NONE, FORM_NONE },
	{ "EVENT_MMAP", LM_OP_MMAP, FORM_MAP },
	{ "EVENT_MODIFY_FILE_ATTRIBUTES", LM_OP_CHMOD, FORM_ATTRIBUTES },
	{ "EVENT_MODIFY_PROCESS", LM_OP_ATTRIBUTE, FORM_ACTOR },
	{ "EVENT_MOUNT", LM_OP_MOUNT, FORM_NAME },
	{ "EVENT_MPROTECT", LM_OP_MPROTECT, FORM_MAP },
	{ "EVENT_OPEN", LM_OP_OPEN, FORM_NAME },
	{ "EVENT_OTHER", LM_OP_NONE, FORM_NONE },
	{ "EVENT_READ", LM_OP_READ, FORM_IO },
	{ "EVENT_READ_SOCKET_PARAMS", LM_OP_NONE, FORM_NONE },
	{ "EVENT_RECVFROM", LM_OP_RECV, FORM_IO },
	{ "EVENT_RECVMSG", LM_OP_RECV, FORM_IO },
	{ "EVENT_RENAME", LM_OP_RENAME, FORM_NAMES },
	{ "EVENT_SENDMSG", LM_OP_SEND, FORM_IO },
	{ "EVENT_SENDTO", LM_OP_SEND, FORM_IO },
	{ "EVENT_SERVICEINSTALL", LM_OP_NONE, FORM_NONE },
	{ "EVENT_SHM", LM_OP_MMAP, FORM_MAP },
	{ "EVENT_SIGNAL", LM_OP_SIGNAL, FORM_OBJECT },
	{ "EVENT_SPLICE", LM_OP_COPY, FORM_FLOW },
	{ "EVENT_STARTSERVICE", LM_OP_NONE, FORM_NONE },
	{ "EVENT_TEE", LM_OP_COPY, FORM_FLOW },
	{ "EVENT_TRUNCATE", LM_OP_TRUNCATE, FORM_NAME },
	{ "EVENT_UMOUNT", LM_OP_UMOUNT, FORM_NAME },
	{ "EVENT_UNIT", LM_OP_NONE, FORM_NONE },
	{ "EVENT_UNLINK", LM_OP_UNLINK, FORM_NAME },
	{ "EVENT_UPDATE", LM_OP_COPY, FORM_FLOW },
	{ "EVENT_VMSPLICE", LM_OP_WRITE, FORM_IO },
	{ "EVENT_WAIT", LM_OP_NONE, FORM_NONE },
	{ "EVENT_WRITE", LM_OP_WRITE, FORM_IO },
	{ "EVENT_WRITE_SOCKET_PARAMS", LM_OP_NONE, FORM_NONE },
};

static const struct cdm_event_kind *find_kind(struct lm_str type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (lm_str_equal(type, lm_str_from(kinds[i].type)))
			return &kinds[i];
	return NULL;
}

int cdm_event_read(struct cdm_run *run, const json_t *record, struct cdm_event *ret_event)
{
	struct cdm_event event = { .record = record, .type = cdm_text(record, "type") };
	int64_t time_ns, tid = 0, sequence = 0;
	int r = cdm_entity_of(run, record, "subject", &event.subject);

	if (r == 0)
		r = cdm_entity_of(run, record, "predicateObject", &event.object);
	if (r == 0)
		r = cdm_entity_of(run, record, "predicateObject2", &event.object2);
	if (r < 0)
		return r;
	if (!event.type.len || !cdm_number(record, "timestampNanos", 0, INT64_MAX, &time_ns))
		return -EBADMSG;
	cdm_number(record, "threadId", 0, UINT32_MAX, &tid);
	cdm_number(record, "sequence", 0, INT64_MAX, &sequence);
	cdm_number(record, "size", 0, INT64_MAX, &event.size);
	event.kind = find_kind(event.type);
	event.time_ns = (uint64_t)time_ns;
	event.tid = (uint32_t)tid;
	event.sequence = (uint64_t)sequence;
	event.path = cdm_text(record, "predicateObjectPath");
	event.path2 = cdm_text(record, "predicateObject2Path");
	*ret_event = event;
	return 0;
}

struct telling {
	struct cdm_run *run;
	struct world *world;
	const struct cdm_event *from;
	uint32_t process; /* entity that acts */
	struct lm_event event;
};

static struct lm_str property(const struct telling *telling, const char *key)
{
	const char *const keys[] = { key, NULL };

	return cdm_property(telling->from->record, keys);
}

/* The path of the event, else the one that the entity came with. */
static struct lm_str path_of(const struct telling *telling, struct lm_str path, uint32_t number)
{
	const struct cdm_entity *entity =
		cdm_entity(telling->run, cdm_entity_itself(telling->run, number));

	return path.len || entity->kind != CDM_FILE ? path : entity->text;
}

/* The name that the event says, else the one that the file was seen under last. */
static lm_object_id name_of(const struct telling *telling, struct lm_str path, lm_object_id file)
{
	lm_object_id name = cdm_name(telling->run, telling->world, path);

	return name ? name : world_name_of(telling->world, file);
}

static bool is_socket(const struct telling *telling, lm_object_id object)
{
	return world_socket(telling->world, object) != NULL;
}

static lm_object_id object_of(const struct telling *telling, uint32_t number, bool socket)
{
	return cdm_object(telling->run, telling->world, number, socket);
}

/* Files whose paths only events tell are known by them from then on. */
static void bind_path(const struct telling *telling, lm_object_id file, struct lm_str path)
{
	lm_object_id name;

	if (!path.len || !world_known_file(telling->world, file))
		return;
	name = cdm_name(telling->run, telling->world, path);
	if (name)
		world_bind(telling->world, name, file);
}

static int tell(struct telling *telling)
{
	world_event(telling->world, &telling->event);
	return 1;
}

static int apply_object(struct telling *telling)
{
	struct lm_event *event = &telling->event;
	bool is_talk = event->op == LM_OP_RECV || event->op == LM_OP_SEND;
	bool socket = telling->from->kind->form == FORM_SOCKET || is_talk;

	event->object = object_of(telling, telling->from->object, socket);
	if (!event->object)
		return 0;
	bind_path(telling, event->object, telling->from->path);
	socket = is_socket(telling, event->object);
	if (event->op == LM_OP_READ && socket)
		event->op = LM_OP_RECV;
	else if (event->op == LM_OP_WRITE && socket)
		event->op = LM_OP_SEND;
	else if (event->op == LM_OP_RECV && !socket)
		event->op = LM_OP_READ;
	else if (event->op == LM_OP_SEND && !socket)
		event->op = LM_OP_WRITE;
	event->result = lm_op_moves_bytes(event->op) ? telling->from->size : 0;
	return tell(telling);
}

static uint64_t open_flags(const struct telling *telling)
{
	struct lm_str flags = property(telling, "flags");

	if (!flags.len)
		flags = property(telling, "open_flags");
	return strace_number(flags);
}

static int apply_name(struct telling *telling)
{
	const struct cdm_event *from = telling->from;
	struct lm_event *event = &telling->event;

	event->object = object_of(telling, from->object, false);
	event->name = name_of(telling, from->path, event->object);
	if (!event->object && !event->name)
		return 0;
	if (event->op == LM_OP_OPEN)
		event->arg = open_flags(telling);
	if (event->op == LM_OP_TRUNCATE)
		event->arg = (uint64_t)from->size;
	if (event->name && world_known_file(telling->world, event->object) &&
		event->op != LM_OP_MOUNT)
		world_bind(telling->world, event->name, event->object);
	if (event->op == LM_OP_UNLINK || event->op == LM_OP_MOUNT)
		world_rebind(telling->world, event->name, LM_OBJECT_NONE);
	return tell(telling);
}

/*
 * Producers that make UUIDs of paths have another one for the file under its new name: it is the
 * same file from here on.
 */
static void join_names(const struct telling *telling)
{
	struct cdm_run *run = telling->run;
	uint32_t first = cdm_entity_itself(run, telling->from->object);
	uint32_t second = cdm_entity_itself(run, telling->from->object2);
	const struct cdm_entity *was = cdm_entity(run, first);
	struct cdm_entity *is = cdm_entity(run, second);

	if (was->kind == CDM_FILE && second && first != second && (is->kind == CDM_REFERRED ||
			(is->kind == CDM_FILE && is->file.mode == was->file.mode)))
		is->same = first;
}

static int apply_names(struct telling *telling)
{
	const struct cdm_event *from = telling->from;
	struct lm_event *event = &telling->event;

	event->object = object_of(telling, from->object, false);
	event->name = name_of(telling, from->path, event->object);
	event->name2 = cdm_name(telling->run, telling->world,
		path_of(telling, from->path2, from->object2));
	if (!event->object)
		return 0;
	if (event->name)
		world_bind(telling->world, event->name, event->object);
	join_names(telling);
	world_rebind(telling->world, event->name2, event->object);
	if (event->op == LM_OP_RENAME && event->name != event->name2)
		world_rebind(telling->world, event->name, LM_OBJECT_NONE);
	return tell(telling);
}

static int apply_flow(struct telling *telling)
{
	struct lm_event *event = &telling->event;

	event->object = object_of(telling, telling->from->object, false);
	event->object2 = object_of(telling, telling->from->object2, false);
	event->result = telling->from->size;
	return event->object && event->object2 ? tell(telling) : 0;
}

static int apply_fork(struct telling *telling)
{
	struct cdm_run *run = telling->run;
	uint32_t number = cdm_entity_itself(run, telling->from->object);
	const struct cdm_entity *child = cdm_entity(run, number);

	if (child->kind != CDM_SUBJECT)
		return 0;
	telling->event.result = child->subject.pid;
	if (child->subject.part)
		telling->event.op = LM_OP_THREAD;
	else
		telling->event.object = cdm_child(run, telling->world, number);
	return tell(telling);
}

static int tell_exec(struct telling *telling, uint32_t number)
{
	struct lm_process *is = cdm_entity(telling->run, number)->subject.is;

	is->exe = telling->event.object;
	is->exe_name = telling->event.name;
	cdm_new_version(telling->run, telling->world, number);
	telling->event.object2 = cdm_entity(telling->run, number)->object;
	return tell(telling);
}

/* Some tell of a new subject for the new program: it is the same process, in its next version. */
static int exec_as(struct telling *telling, uint32_t number)
{
	struct cdm_run *run = telling->run;
	const struct cdm_entity *after = cdm_entity(run, number);

	if (number == telling->process || after->subject.part)
		return tell_exec(telling, telling->process);
	if (after->object)
		return 0;
	telling->event.object2 = cdm_succeed(run, telling->world, number, telling->process);
	return tell(telling);
}

static int apply_exec(struct telling *telling)
{
	struct cdm_run *run = telling->run;
	const struct cdm_event *from = telling->from;
	uint32_t object = cdm_entity_itself(run, from->object);
	struct cdm_entity *process = cdm_entity(run, telling->process);
	struct lm_str words = property(telling, "cmdLine"), path;

	if (cdm_entity(run, object)->kind == CDM_SUBJECT)
		return exec_as(telling, object);
	path = path_of(telling, from->path, from->object);
	telling->event.object = object_of(telling, from->object, false);
	telling->event.name = cdm_name(run, telling->world, path);
	bind_path(telling, telling->event.object, path);
	if ((words.len && cdm_entity_set(&process->text, words, LM_PROCESS_ARGV_MAX_BYTES) < 0) ||
		(path.len && cdm_entity_set(&process->name, path, LM_NAME_MAX_BYTES) < 0))
		return -ENOMEM;
	return tell_exec(telling, telling->process);
}

static int apply_principal(struct telling *telling)
{
	struct cdm_run *run = telling->run;
	uint32_t number = cdm_entity_itself(run, telling->from->object);
	struct cdm_entity *object = cdm_entity(run, number);
	uint32_t owner = number;

	/* A subject that stands for the process under its new ids. */
	if (object->kind == CDM_SUBJECT) {
		owner = object->subject.owner;
		if (number != telling->process && !object->object)
			object->same = telling->process;
	}
	if (cdm_set_owner(run, telling->process, owner))
		cdm_tell_process(run, telling->world, telling->process);
	return tell(telling);
}

static int apply_create(struct telling *telling)
{
	struct cdm_run *run = telling->run;
	const struct cdm_event *from = telling->from;
	struct lm_event *event = &telling->event;
	uint32_t number = cdm_entity_itself(run, from->object);

	if (cdm_entity(run, number)->kind == CDM_SUBJECT)
		return 0;
	event->object = object_of(telling, number, false);
	if (!event->object)
		return 0;
	if (is_socket(telling, event->object)) {
		event->op = LM_OP_SOCKET;
	} else if (cdm_entity(run, number)->kind == CDM_PIPE) {
		event->op = LM_OP_PIPE;
	} else if (cdm_entity(run, number)->kind == CDM_OTHER) {
		event->op = LM_OP_IPCGET;
		event->flags |= LM_EVENT_CREATED;
	} else {
		event->arg = open_flags(telling) | O_CREAT;
		event->flags |= LM_EVENT_CREATED;
		event->name = name_of(telling, from->path, event->object);
		world_rebind(telling->world, event->name, event->object);
	}
	return tell(telling);
}

/* What is not told may have been so: a mapping then lets both ways pass. */
static uint64_t mapping_of(const struct telling *telling)
{
	static const char *const protections[] = {
		"protection", "arg_mem_flags", "prot", NULL,
	}, *const ways[] = { "flags", "arg_sharing_flags", NULL };
	struct lm_str protection = cdm_property(telling->from->record, protections);
	struct lm_str way = cdm_property(telling->from->record, ways);
	uint64_t bits = (text_has(protection, "PROT_READ") ? PROT_READ : 0u) |
		(text_has(protection, "PROT_WRITE") ? PROT_WRITE : 0u) |
		(text_has(protection, "PROT_EXEC") ? PROT_EXEC : 0u);

	if (strcmp(telling->from->kind->type, "EVENT_LOADLIBRARY") == 0)
		return PROT_READ | PROT_EXEC | (uint64_t)MAP_PRIVATE << 32;
	if (!bits)
		bits = PROT_READ | PROT_WRITE;
	return bits | (uint64_t)(text_has(way, "MAP_PRIVATE") ? MAP_PRIVATE : MAP_SHARED) << 32;
}

/* Of a file and the memory that it is mapped to, the file counts. */
static int apply_map(struct telling *telling)
{
	struct lm_event *event = &telling->event;
	lm_object_id second = object_of(telling, telling->from->object2, false);

	event->object = object_of(telling, telling->from->object, false);
	if (!event->object || (world_known_file(telling->world, second) &&
			!world_known_file(telling->world, event->object)))
		event->object = second;
	if (!event->object)
		return 0;
	if (event->object != second)
		bind_path(telling, event->object, telling->from->path);
	event->arg = mapping_of(telling);
	return tell(telling);
}

/* Which attributes were changed only the name of the call says. */
static uint16_t attribute_op(const json_t *record)
{
	static const struct {
		const char *part;
		uint16_t op;
	} parts[] = {
		{ "chown", LM_OP_CHOWN }, { "utime", LM_OP_UTIMES }, { "attr", LM_OP_SETXATTR },
		{ "flags", LM_OP_SETFLAGS },
	};
	const json_t *names = cdm_get(record, "names");
	struct lm_str name = cdm_text(record, "name");

	if (!name.len)
		name = lm_str_from(json_string_value(json_array_get(names, 0)));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (text_has(name, parts[i].part))
			return parts[i].op;
	return LM_OP_CHMOD;
}

static int apply_attributes(struct telling *telling)
{
	struct lm_str mode = property(telling, "mode");

	telling->event.op = attribute_op(telling->from->record);
	if (telling->event.op == LM_OP_CHMOD && mode.len)
		telling->event.arg = text_u64(mode, 8);
	else if (telling->event.op == LM_OP_CHMOD || telling->event.op == LM_OP_CHOWN)
		telling->event.flags |= LM_EVENT_PARTIAL;
	return apply_name(telling);
}

static int apply_module(struct telling *telling)
{
	telling->event.object = LM_OBJECT_KERNEL;
	telling->event.object2 = object_of(telling, telling->from->object, false);
	bind_path(telling, telling->event.object2, telling->from->path);
	return tell(telling);
}

static int apply_form(struct telling *telling)
{
	switch ((enum form)telling->from->kind->form) {
	case FORM_NONE:
		return 0;
	case FORM_OBJECT:
	case FORM_IO:
	case FORM_SOCKET:
		return apply_object(telling);
	case FORM_NAME:
		return apply_name(telling);
	case FORM_NAMES:
		return apply_names(telling);
	case FORM_FLOW:
		return apply_flow(telling);
	case FORM_FORK:
		return apply_fork(telling);
	case FORM_EXEC:
		return apply_exec(telling);
	case FORM_ACTOR:
		return tell(telling);
	case FORM_PRINCIPAL:
		return apply_principal(telling);
	case FORM_CREATE:
		return apply_create(telling);
	case FORM_MAP:
		return apply_map(telling);
	case FORM_ATTRIBUTES:
		return apply_attributes(telling);
	case FORM_MODULE:
		return apply_module(telling);
	}
	return 0;
}

/* What its program is called, where only events tell. */
static int learn_program(struct telling *telling)
{
	struct lm_str program = property(telling, "exec");
	struct cdm_entity *process = cdm_entity(telling->run, telling->process);
	int r;

	if (!program.len || (process->subject.is->comm.len &&
			lm_str_equal(process->subject.is->comm, program)))
		return 0;
	r = cdm_entity_set(&process->name, program, LM_NAME_MAX_BYTES);
	if (r == 0)
		cdm_tell_process(telling->run, telling->world, telling->process);
	return r;
}

int cdm_event_apply(struct cdm_run *run, struct world *world, const struct cdm_event *from)
{
	struct telling telling = {
		.run = run, .world = world, .from = from,
		.event = {
			.begin_ns = from->time_ns, .end_ns = from->time_ns, .tid = from->tid,
			.call = LM_CALL_NONE,
		},
	};
	int r;

	if (!from->kind || from->kind->form == FORM_NONE || !from->subject)
		return 0;
	telling.event.op = from->kind->op;
	world_set_now(world, from->time_ns);
	cdm_assume_subject(run, from->subject, from->tid);
	telling.event.actor = cdm_process(run, world, from->subject, &telling.process);
	if (!telling.event.actor)
		return world_status(world);
	if (!telling.event.tid)
		telling.event.tid = cdm_entity(run, telling.process)->subject.pid;
	r = learn_program(&telling);
	if (r == 0)
		r = apply_form(&telling);
	return world_status(world) < 0 ? world_status(world) : r;
}
