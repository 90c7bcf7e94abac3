/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "cdm.h"
#include "lemona/base/hash.h"
#include "text.h"

static uint64_t hash_of(struct cdm_uuid uuid)
{
	return lm_hash_mix(uuid.high) ^ uuid.low;
}

static int make_room(struct cdm_run *run)
{
	size_t more = run->capacity ? run->capacity * 2 : 256;
	struct cdm_entity *moved;

	if (run->count < run->capacity)
		return 0;
	if (more > UINT32_MAX)
		return -ENOMEM;
	moved = reallocarray(run->entities, more, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	run->entities = moved;
	run->capacity = more;
	if (run->count == 0)
		run->entities[run->count++] = (struct cdm_entity){ .next = 0 };
	return 0;
}

uint32_t cdm_entity_number(struct cdm_run *run, struct cdm_uuid uuid)
{
	const uint64_t *first = lm_map_get(&run->by_uuid, hash_of(uuid));
	uint32_t head = first ? (uint32_t)*first : 0, number;

	for (number = head; number; number = run->entities[number].next)
		if (run->entities[number].uuid.high == uuid.high &&
			run->entities[number].uuid.low == uuid.low)
			return number;
	if (make_room(run) < 0 || lm_map_put(&run->by_uuid, hash_of(uuid), run->count) < 0)
		return 0;
	number = (uint32_t)run->count++;
	run->entities[number] = (struct cdm_entity){ .uuid = uuid, .next = head };
	return number;
}

#define SAME_MAX 16 /* names of names: a file that was renamed so often, or somebody's circle */

uint32_t cdm_entity_itself(const struct cdm_run *run, uint32_t number)
{
	for (int i = 0; i < SAME_MAX && run->entities[number].same; i++)
		number = run->entities[number].same;
	return number;
}

int cdm_entity_of(struct cdm_run *run, const json_t *record, const char *key,
	uint32_t *ret_number)
{
	struct cdm_uuid uuid;
	int r = cdm_uuid(record, key, &uuid);

	*ret_number = 0;
	if (r <= 0)
		return r;
	*ret_number = cdm_entity_number(run, uuid);
	return *ret_number ? 0 : -ENOMEM;
}

int cdm_entity_set(struct lm_str *text, struct lm_str value, uint32_t most)
{
	char *copy;

	if (value.len > most)
		value.len = most;
	copy = malloc(value.len ? value.len : 1);
	if (!copy)
		return -ENOMEM;
	if (value.len)
		memcpy(copy, value.data, value.len);
	free((char *)text->data);
	*text = (struct lm_str){ copy, value.len };
	return 0;
}

static void free_details(struct cdm_entity *entity)
{
	if (entity->kind == CDM_SUBJECT)
		free(entity->subject.is);
	if (entity->kind == CDM_SOCKET && entity->socket) {
		free((char *)entity->socket->local.path.data);
		free((char *)entity->socket->remote.path.data);
		free(entity->socket);
	}
	free((char *)entity->text.data);
	free((char *)entity->name.data);
}

/*
 * The entity that a record is of. Told once more it stays what it is in the log; told to be
 * another kind of thing, it is something new.
 */
static struct cdm_entity *take_entity(struct cdm_run *run, uint32_t number, uint8_t kind)
{
	struct cdm_entity *entity = cdm_entity(run, number);

	if (entity->kind != kind) {
		free_details(entity);
		*entity = (struct cdm_entity){
			.uuid = entity->uuid, .next = entity->next, .kind = kind,
		};
	}
	return entity;
}

static int read_subject(struct cdm_run *run, uint32_t number, const json_t *record)
{
	static const char *const names[] = { "path", "name", NULL };
	static const char *const groups[] = { "tgid", NULL };
	struct lm_str type = cdm_text(record, "type"), group = cdm_property(record, groups);
	int64_t pid = 0, start_ns = 0;
	uint32_t parent, owner;
	struct cdm_entity *entity;
	int r = cdm_entity_of(run, record, "parentSubject", &parent);

	if (r == 0)
		r = cdm_entity_of(run, record, "localPrincipal", &owner);
	if (r < 0)
		return r;
	if (!cdm_number(record, "cid", INT32_MIN, UINT32_MAX, &pid))
		return -EBADMSG;
	cdm_number(record, "startTimestampNanos", 0, INT64_MAX, &start_ns);
	entity = take_entity(run, number, CDM_SUBJECT);
	entity->subject.pid = group.len ? (uint32_t)text_u64(group, 10) : (uint32_t)pid;
	entity->subject.parent = parent == number ? 0 : parent;
	entity->subject.owner = owner;
	entity->subject.start_ns = (uint64_t)start_ns;
	entity->subject.part = parent && !lm_str_equal(type, LM_STR("SUBJECT_PROCESS"));
	r = cdm_entity_set(&entity->text, cdm_text(record, "cmdLine"), LM_PROCESS_ARGV_MAX_BYTES);
	if (r == 0)
		r = cdm_entity_set(&entity->name, cdm_property(record, names), LM_NAME_MAX_BYTES);
	return r;
}

static int read_principal(struct cdm_run *run, uint32_t number, const json_t *record)
{
	static const char *const euids[] = { "euid", NULL }, *const egids[] = { "egid", NULL };
	struct cdm_entity *entity = take_entity(run, number, CDM_PRINCIPAL);
	const json_t *groups = cdm_get(record, "groupIds");
	const char *group = json_string_value(json_array_get(groups, 0));
	struct lm_str euid = cdm_property(record, euids), egid = cdm_property(record, egids);

	entity->principal.uid = (uint32_t)text_u64(cdm_text(record, "userId"), 10);
	entity->principal.gid = (uint32_t)text_u64(lm_str_from(group), 10);
	entity->principal.euid = euid.len ? (uint32_t)text_u64(euid, 10) : entity->principal.uid;
	entity->principal.egid = egid.len ? (uint32_t)text_u64(egid, 10) : entity->principal.gid;
	return 0;
}

static uint32_t mode_of(struct lm_str type)
{
	static const struct {
		const char *type;
		uint32_t mode;
	} modes[] = {
		{ "FILE_OBJECT_BLOCK", S_IFBLK }, { "FILE_OBJECT_CHAR", S_IFCHR },
		{ "FILE_OBJECT_DIR", S_IFDIR }, { "FILE_OBJECT_FILE", S_IFREG },
		{ "FILE_OBJECT_LINK", S_IFLNK }, { "FILE_OBJECT_NAMED_PIPE", S_IFIFO },
		{ "FILE_OBJECT_PEFILE", S_IFREG }, { "FILE_OBJECT_UNIX_SOCKET", S_IFSOCK },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (lm_str_equal(type, lm_str_from(modes[i].type)))
			return modes[i].mode;
	return 0;
}

#define PERMISSION_BITS 07777u

static int read_file(struct cdm_run *run, uint32_t number, const json_t *record)
{
	static const char *const paths[] = { "path", "filename", NULL };
	struct cdm_entity *entity = take_entity(run, number, CDM_FILE);
	const json_t *base = cdm_get(record, "baseObject");
	uint32_t mode = mode_of(cdm_text(record, "type"));

	if (mode)
		mode |= (uint32_t)text_u64(cdm_text(base, "permission"), 16) & PERMISSION_BITS;
	entity->file.mode = mode;
	return cdm_entity_set(&entity->text, cdm_property(base, paths), LM_NAME_MAX_BYTES);
}

static int read_registry(struct cdm_run *run, uint32_t number, const json_t *record)
{
	struct cdm_entity *entity = take_entity(run, number, CDM_FILE);

	entity->file.mode = 0;
	return cdm_entity_set(&entity->text, cdm_text(record, "key"), LM_NAME_MAX_BYTES);
}

static int64_t port_of(const json_t *record, const char *key)
{
	int64_t port = 0;

	cdm_number(record, key, 0, UINT16_MAX, &port);
	return port;
}

/* Addresses are numbers, or paths. What else producers put there ("NETLINK") is none. */
static int read_address(struct lm_address *to, struct lm_str text, int64_t port)
{
	char plain[INET6_ADDRSTRLEN];
	struct lm_str path = to->path;

	*to = (struct lm_address){ .path = path };
	if (text.len && (*text.data == '/' || *text.data == '@')) {
		to->family = LM_AF_UNIX;
		return cdm_entity_set(&to->path, text, LM_NAME_MAX_BYTES);
	}
	to->path.len = 0;
	if (text.len && text.len < sizeof(plain)) {
		memcpy(plain, text.data, text.len);
		plain[text.len] = '\0';
		if (inet_pton(AF_INET, plain, to->ip) == 1)
			to->family = LM_AF_INET;
		else if (inet_pton(AF_INET6, plain, to->ip) == 1)
			to->family = LM_AF_INET6;
	}
	if (to->family)
		to->port = (uint16_t)port;
	return 0;
}

static struct cdm_entity *take_socket(struct cdm_run *run, uint32_t number)
{
	struct cdm_entity *entity = take_entity(run, number, CDM_SOCKET);

	if (!entity->socket)
		entity->socket = calloc(1, sizeof(*entity->socket));
	return entity->socket ? entity : NULL;
}

static int read_flow(struct cdm_run *run, uint32_t number, const json_t *record)
{
	struct cdm_entity *entity = take_socket(run, number);
	struct lm_socket *is;
	int64_t protocol = 0;
	int r;

	if (!entity)
		return -ENOMEM;
	is = entity->socket;
	r = read_address(&is->local, cdm_text(record, "localAddress"),
		port_of(record, "localPort"));
	if (r == 0)
		r = read_address(&is->remote, cdm_text(record, "remoteAddress"),
			port_of(record, "remotePort"));
	cdm_number(record, "ipProtocol", 0, UINT8_MAX, &protocol);
	is->family = is->remote.family ? is->remote.family : is->local.family;
	is->protocol = (uint16_t)protocol;
	is->type = protocol == IPPROTO_TCP ? SOCK_STREAM : protocol == IPPROTO_UDP ? SOCK_DGRAM : 0;
	return r;
}

static int read_packet_socket(struct cdm_run *run, uint32_t number, const json_t *record)
{
	struct cdm_entity *entity = take_socket(run, number);

	if (!entity)
		return -ENOMEM;
	entity->socket->family = AF_PACKET;
	entity->socket->protocol = (uint16_t)text_u64(cdm_text(record, "proto"), 16);
	return 0;
}

/* A channel and its two ends are one object: what is written to one is read from the other. */
static int join_ends(struct cdm_run *run, uint32_t number, const json_t *record,
	const char *const keys[2])
{
	for (size_t i = 0; i < 2; i++) {
		struct cdm_entity *end;
		uint32_t other;
		int r = cdm_entity_of(run, record, keys[i], &other);

		if (r < 0)
			return r;
		end = cdm_entity(run, other);
		if (other && other != number && end->kind == CDM_REFERRED && !end->object)
			end->same = number;
	}
	return 0;
}

static int read_pipe(struct cdm_run *run, uint32_t number, const json_t *record)
{
	static const char *const ends[] = { "sourceUUID", "sinkUUID" };

	take_entity(run, number, CDM_PIPE);
	return join_ends(run, number, record, ends);
}

static int read_ipc(struct cdm_run *run, uint32_t number, const json_t *record)
{
	static const char *const ends[] = { "uuid1", "uuid2" };
	struct lm_str type = cdm_text(record, "type");

	if (text_has(type, "SOCKET")) {
		struct cdm_entity *entity = take_socket(run, number);

		if (!entity)
			return -ENOMEM;
		entity->socket->family = LM_AF_UNIX;
	} else {
		take_entity(run, number, CDM_PIPE);
	}
	return join_ends(run, number, record, ends);
}

static int read_memory(struct cdm_run *run, uint32_t number, const json_t *record)
{
	struct cdm_entity *entity = take_entity(run, number, CDM_OTHER);
	int64_t address = 0;
	char text[24];

	cdm_number(record, "memoryAddress", INT64_MIN, INT64_MAX, &address);
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
	entity->memory = LM_MEMORY_ANONYMOUS;
	return cdm_entity_set(&entity->text, lm_str_from(text), sizeof(text));
}

static int read_other(struct cdm_run *run, uint32_t number, const json_t *record)
{
	struct cdm_entity *entity = take_entity(run, number, CDM_OTHER);

	entity->memory = LM_MEMORY_CHANNEL;
	return cdm_entity_set(&entity->text, cdm_text(record, "type"), LM_NAME_MAX_BYTES);
}

int cdm_entity_read(struct cdm_run *run, const char *type, const json_t *record)
{
	static const struct {
		const char *type;
		int (*read)(struct cdm_run *run, uint32_t number, const json_t *record);
	} types[] = {
		{ "Subject", read_subject }, { "Principal", read_principal },
		{ "FileObject", read_file }, { "RegistryKeyObject", read_registry },
		{ "NetFlowObject", read_flow }, { "PacketSocketObject", read_packet_socket },
		{ "UnnamedPipeObject", read_pipe }, { "IpcObject", read_ipc },
		{ "MemoryObject", read_memory }, { "SrcSinkObject", read_other },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		uint32_t number;
		int r;

		if (strcmp(type, types[i].type) != 0)
			continue;
		r = cdm_entity_of(run, record, "uuid", &number);
		if (r == 0)
			r = number ? types[i].read(run, number, record) : -EBADMSG;
		return r < 0 ? r : 1;
	}
	return 0;
}

void cdm_release(struct cdm_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		free_details(&run->entities[i]);
	free(run->entities);
	lm_map_release(&run->by_uuid);
	lm_buffer_release(&run->path);
}
