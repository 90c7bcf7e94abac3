/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_internal.h"
#include "lemona/base/error.h"

/*
 * Rows of the table of objects: what differs from the last object of the same kind in the block.
 */
struct field {
	uint16_t offset;
	uint16_t size; /* of an unsigned number, or a bool */
};

#define FIELD(kind, member)                                                                        \
	{ offsetof(struct lm_object, kind.member),                                                 \
	  sizeof(((struct lm_object *)NULL)->kind.member) }
#define HALF(kind, member, half)                                                                   \
	{ offsetof(struct lm_object, kind.member) + 8 * (half), sizeof(uint64_t) }

/* What changes most comes first: a mask is short when its high bits are clear. */
static const struct field process_fields[] = {
	FIELD(process, tgid), FIELD(process, ns_tgid), FIELD(process, start_ns),
	FIELD(process, parent), FIELD(process, previous), FIELD(process, version),
	FIELD(process, exe), FIELD(process, exe_name), FIELD(process, argc),
	FIELD(process, env_bytes), FIELD(process, loader), FIELD(process, script),
	FIELD(process, cwd), FIELD(process, root), FIELD(process, sid), FIELD(process, tty),
	FIELD(process, uid), FIELD(process, euid), FIELD(process, suid), FIELD(process, fsuid),
	FIELD(process, gid), FIELD(process, egid), FIELD(process, sgid), FIELD(process, fsgid),
	FIELD(process, loginuid), FIELD(process, session), FIELD(process, cap_effective),
	FIELD(process, cap_permitted), FIELD(process, cap_inheritable),
	FIELD(process, cap_bounding), FIELD(process, cap_ambient), FIELD(process, cgroup),
	FIELD(process, ns_pid), FIELD(process, ns_mnt), FIELD(process, ns_net),
	FIELD(process, ns_user), FIELD(process, ns_uts), FIELD(process, ns_ipc),
	FIELD(process, ns_cgroup), FIELD(process, ns_time), FIELD(process, adopter),
	FIELD(process, argv_cut), FIELD(process, seccomp), FIELD(process, no_new_privs),
};

/* Device, magic and UUID are told together: struct file_system. */
static const struct field file_fields[] = {
	FIELD(file, inode), FIELD(file, generation), FIELD(file, mode), FIELD(file, rdev),
};

static const struct field name_fields[] = { FIELD(name, dir) };

static const struct field socket_fields[] = {
	FIELD(socket, inode), FIELD(socket, cookie), FIELD(socket, family), FIELD(socket, type),
	FIELD(socket, protocol), FIELD(socket, peer_inode), FIELD(socket, path_file),
	FIELD(socket, local.family), FIELD(socket, local.port), HALF(socket, local.ip, 0),
	HALF(socket, local.ip, 1), FIELD(socket, remote.family), FIELD(socket, remote.port),
	HALF(socket, remote.ip, 0), HALF(socket, remote.ip, 1), FIELD(socket, dev),
	FIELD(socket, ns_net),
};

static const struct field pipe_fields[] = { FIELD(pipe, inode), FIELD(pipe, dev) };

static const struct field memory_fields[] = {
	FIELD(memory, inode), FIELD(memory, type), FIELD(memory, dev),
};

static const struct field cgroup_fields[] = {
	FIELD(cgroup, cgroup), FIELD(cgroup, hierarchy),
};

static const struct field content_fields[] = {
	FIELD(content, file), FIELD(content, time_ns), FIELD(content, size),
	FIELD(content, changed_ns), FIELD(content, state), HALF(content, sha256, 0),
	HALF(content, sha256, 1), HALF(content, sha256, 2), HALF(content, sha256, 3),
};

#define STRINGS_MAX 2u

struct layout {
	const struct field *fields;
	uint16_t field_count, string_count;
	uint16_t strings[STRINGS_MAX]; /* offsets of struct lm_str */
	size_t size;                   /* of the member of the union */
};

#define FIELDS(array) (array), LM_ARRAY_SIZE(array)
#define STRING(kind, member) (uint16_t)offsetof(struct lm_object, kind.member)

static const struct layout layouts[LM_OBJECT_KIND_MAX + 1] = {
	[LM_OBJECT_KIND_PROCESS] = { FIELDS(process_fields), 2,
		{ STRING(process, argv), STRING(process, comm) }, sizeof(struct lm_process) },
	[LM_OBJECT_KIND_FILE] = { FIELDS(file_fields), 0, { 0 }, sizeof(struct lm_file) },
	[LM_OBJECT_KIND_NAME] = { FIELDS(name_fields), 1, { STRING(name, component) },
		sizeof(struct lm_name) },
	[LM_OBJECT_KIND_SOCKET] = { FIELDS(socket_fields), 2,
		{ STRING(socket, local.path), STRING(socket, remote.path) },
		sizeof(struct lm_socket) },
	[LM_OBJECT_KIND_PIPE] = { FIELDS(pipe_fields), 0, { 0 }, sizeof(struct lm_pipe) },
	[LM_OBJECT_KIND_MEMORY] = { FIELDS(memory_fields), 1, { STRING(memory, label) },
		sizeof(struct lm_memory) },
	[LM_OBJECT_KIND_CGROUP] = { FIELDS(cgroup_fields), 1, { STRING(cgroup, path) },
		sizeof(struct lm_cgroup) },
	[LM_OBJECT_KIND_CONTENT] = { FIELDS(content_fields), 0, { 0 }, sizeof(struct lm_content) },
};

#define BODY offsetof(struct lm_object, process)

/* Bits of a row's mask below those of the kind's own fields. */
enum { MASK_FLAGS = 1u << 0, MASK_FILE_SYSTEM = 1u << 1, MASK_FIELDS_SHIFT = 2 };

/* The byte before it. */
enum { HEAD_KIND = 0x0f, HEAD_DEFINED = 0x10 };

size_t body_size(uint8_t kind)
{
	return kind <= LM_OBJECT_KIND_MAX ? layouts[kind].size : 0;
}

bool kind_is_known(uint8_t kind)
{
	return kind > LM_OBJECT_KIND_NONE && kind <= LM_OBJECT_KIND_MAX;
}

void inherit_body(uint8_t kind, void *later, const void *earlier)
{
	struct lm_socket *socket = later;
	const struct lm_socket *before = earlier;

	if (kind != LM_OBJECT_KIND_SOCKET)
		return;
	if (socket->remote.family == LM_AF_NONE)
		socket->remote = before->remote;
	if (socket->local.family == LM_AF_NONE)
		socket->local = before->local;
	if (socket->peer_inode == 0)
		socket->peer_inode = before->peer_inode;
}

struct lm_object object_of_row(const struct object_row *row)
{
	struct lm_object object = { .id = row->id, .kind = row->kind, .flags = row->flags,
		.time_ns = row->first_ns };

	if (row->body)
		memcpy((char *)&object + BODY, row->body, body_size(row->kind));
	return object;
}

void object_coder_reset(struct object_coder *coder)
{
	memset(coder, 0, sizeof(*coder));
}

static uint64_t load(const struct lm_object *object, const struct field *field)
{
	const char *from = (const char *)object + field->offset;
	uint64_t wide;
	uint32_t word;
	uint16_t half;

	switch (field->size) {
	case 8:
		memcpy(&wide, from, sizeof(wide));
		return wide;
	case 4:
		memcpy(&word, from, sizeof(word));
		return word;
	case 2:
		memcpy(&half, from, sizeof(half));
		return half;
	default:
		return *(const uint8_t *)from;
	}
}

/* @return whether it fits */
static bool store(struct lm_object *object, const struct field *field, uint64_t value, bool is_bool)
{
	char *to = (char *)object + field->offset;
	uint32_t word = (uint32_t)value;
	uint16_t half = (uint16_t)value;
	uint8_t byte = (uint8_t)value;

	switch (field->size) {
	case 8:
		memcpy(to, &value, sizeof(value));
		return true;
	case 4:
		memcpy(to, &word, sizeof(word));
		return value == word;
	case 2:
		memcpy(to, &half, sizeof(half));
		return value == half;
	default:
		if (is_bool && value > 1)
			return false;
		*(uint8_t *)to = byte;
		return value == byte;
	}
}

static bool field_is_bool(const struct field *field)
{
	return field->offset == offsetof(struct lm_object, process.argv_cut) ||
	       field->offset == offsetof(struct lm_object, process.no_new_privs);
}

static struct file_system file_system_of(const struct lm_file *file)
{
	struct file_system fs = { .dev = file->dev, .fs_magic = file->fs_magic };

	memcpy(fs.fs_uuid, file->fs_uuid, sizeof(fs.fs_uuid));
	return fs;
}

/* Put a file system in front of the recent ones; `place` is where it was, else the last goes. */
static void move_to_front(struct object_coder *coder, uint32_t place, struct file_system fs)
{
	if (place == FILE_SYSTEMS)
		place--;
	memmove(coder->recent + 1, coder->recent, place * sizeof(fs));
	coder->recent[0] = fs;
}

static void encode_file_system(struct object_coder *coder, struct file_system fs,
			       struct lm_buffer *out)
{
	uint32_t place = 0;

	while (place < FILE_SYSTEMS && memcmp(&coder->recent[place], &fs, sizeof(fs)) != 0)
		place++;
	lm_buffer_append_byte(out, (uint8_t)place);
	if (place == FILE_SYSTEMS) {
		lm_buffer_append_u32(out, fs.dev);
		lm_buffer_append_u32(out, fs.fs_magic);
		lm_buffer_append(out, fs.fs_uuid, sizeof(fs.fs_uuid));
	}
	move_to_front(coder, place, fs);
}

static bool decode_file_system(struct object_coder *coder, struct lm_bytes *in)
{
	uint8_t place = lm_bytes_u8(in);
	struct file_system fs;

	if (place > FILE_SYSTEMS)
		return false;
	if (place < FILE_SYSTEMS) {
		fs = coder->recent[place];
	} else {
		struct lm_str uuid;

		fs.dev = lm_bytes_u32(in);
		fs.fs_magic = lm_bytes_u32(in);
		uuid = lm_bytes_str(in, sizeof(fs.fs_uuid));
		if (in->bad)
			return false;
		memcpy(fs.fs_uuid, uuid.data, sizeof(fs.fs_uuid));
	}
	move_to_front(coder, place, fs);
	return true;
}

static struct lm_str *string_of(struct lm_object *object, uint16_t offset)
{
	return (struct lm_str *)(void *)((char *)object + offset);
}

static uint64_t mask_of(const struct object_coder *coder, const struct lm_object *object)
{
	const struct layout *layout = &layouts[object->kind];
	const struct lm_object *last = &coder->last[object->kind];
	uint64_t mask = object->flags == coder->flags ? 0 : MASK_FLAGS;

	if (object->kind == LM_OBJECT_KIND_FILE) {
		struct file_system fs = file_system_of(&object->file);

		if (memcmp(&fs, &coder->recent[0], sizeof(fs)) != 0)
			mask |= MASK_FILE_SYSTEM;
	}
	for (uint32_t i = 0; i < layout->field_count; i++)
		if (load(object, &layout->fields[i]) != load(last, &layout->fields[i]))
			mask |= UINT64_C(1) << (i + MASK_FIELDS_SHIFT);
	return mask;
}

void object_encode(struct object_coder *coder, const struct object_row *row, struct lm_buffer *out,
		   struct lm_buffer *strings)
{
	const struct layout *layout = &layouts[row->kind];
	struct lm_object object = object_of_row(row);
	uint64_t mask = row->body ? mask_of(coder, &object) :
				    (row->flags == coder->flags ? 0 : MASK_FLAGS);

	lm_buffer_append_byte(out, (uint8_t)(row->kind | (row->defined ? HEAD_DEFINED : 0)));
	lm_buffer_append_svarint(out, (int64_t)(row->first_ns - coder->first_ns));
	lm_buffer_append_varint(out, mask);
	coder->first_ns = row->first_ns;
	if (mask & MASK_FLAGS)
		lm_buffer_append_byte(out, row->flags);
	coder->flags = row->flags;
	if (!row->body)
		return;
	if (mask & MASK_FILE_SYSTEM)
		encode_file_system(coder, file_system_of(&object.file), out);
	for (uint32_t i = 0; i < layout->field_count; i++)
		if (mask & UINT64_C(1) << (i + MASK_FIELDS_SHIFT))
			lm_buffer_append_svarint(out, (int64_t)(load(&object, &layout->fields[i]) -
				load(&coder->last[row->kind], &layout->fields[i])));
	for (uint32_t i = 0; i < layout->string_count; i++) {
		struct lm_str s = *string_of(&object, layout->strings[i]);

		lm_buffer_append_varint(out, s.len);
		lm_buffer_append_str(strings, s);
	}
	coder->last[row->kind] = object;
}

static bool decode_fields(struct object_coder *coder, struct lm_bytes *in, uint64_t mask,
			  struct lm_object *object)
{
	const struct layout *layout = &layouts[object->kind];

	while (mask) {
		uint32_t i = (uint32_t)__builtin_ctzll(mask);
		const struct field *field;

		if (i >= layout->field_count)
			return false;
		field = &layout->fields[i];
		if (!store(object, field, load(object, field) + read_delta(in),
			   field_is_bool(field)))
			return false;
		mask &= mask - 1;
	}
	if (object->kind == LM_OBJECT_KIND_FILE) {
		object->file.dev = coder->recent[0].dev;
		object->file.fs_magic = coder->recent[0].fs_magic;
		memcpy(object->file.fs_uuid, coder->recent[0].fs_uuid,
		       sizeof(object->file.fs_uuid));
	}
	return true;
}

/* Everything that a definition says. */
static bool decode_body(struct object_coder *coder, struct lm_bytes *in, struct lm_bytes *strings,
			uint8_t kind, uint64_t mask)
{
	const struct layout *layout = &layouts[kind];
	struct lm_object *object = &coder->last[kind];

	object->kind = kind;
	if ((mask & MASK_FILE_SYSTEM) &&
	    (kind != LM_OBJECT_KIND_FILE || !decode_file_system(coder, in)))
		return false;
	if (!decode_fields(coder, in, mask >> MASK_FIELDS_SHIFT, object))
		return false;
	for (uint32_t i = 0; i < layout->string_count; i++) {
		uint64_t len = read_varint(in);

		if (len > lm_bytes_left(strings))
			return false;
		*string_of(object, layout->strings[i]) =
			len ? lm_bytes_str(strings, (size_t)len) : LM_STR_NONE;
	}
	return true;
}

int object_decode(struct object_coder *coder, struct lm_bytes *in, struct lm_bytes *strings,
		  struct object_row *ret_row)
{
	uint8_t head = lm_bytes_u8(in), kind = head & HEAD_KIND;
	uint64_t mask;

	if (!kind_is_known(kind) || head & ~(HEAD_KIND | HEAD_DEFINED))
		return -LM_E_DAMAGED;
	coder->first_ns += read_delta(in);
	mask = read_varint(in);
	if (mask & MASK_FLAGS)
		coder->flags = lm_bytes_u8(in);
	*ret_row = (struct object_row){ .kind = kind, .flags = coder->flags,
		.defined = head & HEAD_DEFINED, .first_ns = coder->first_ns };
	if (!ret_row->defined)
		return in->bad || mask & ~(uint64_t)MASK_FLAGS ? -LM_E_DAMAGED : 0;
	if (!decode_body(coder, in, strings, kind, mask) || in->bad)
		return -LM_E_DAMAGED;
	if (body_size(kind))
		ret_row->body = (char *)&coder->last[kind] + BODY;
	return 0;
}

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(8) char data[];
};

#define CHUNK_BYTES ((size_t)1 << 20)

void arena_release(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}

static void *take(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunks;

	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct arena_chunk){ .next = arena->chunks, .size = room };
		arena->chunks = chunk;
	}
	chunk->used += size;
	return chunk->data + chunk->used - size;
}

void *arena_take(struct arena *arena, size_t size)
{
	return take(arena, (size + 7) & ~(size_t)7);
}

static int keep_string(struct arena *arena, struct lm_str *s)
{
	char *copy;

	if (s->len == 0) {
		*s = LM_STR_NONE;
		return 0;
	}
	copy = arena_take(arena, s->len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, s->data, s->len);
	s->data = copy;
	return 0;
}

int arena_keep_body(struct arena *arena, struct object_row *row)
{
	const struct layout *layout = &layouts[row->kind];
	char *copy;

	if (!row->body)
		return 0;
	copy = arena_take(arena, layout->size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, row->body, layout->size);
	for (uint32_t i = 0; i < layout->string_count; i++) {
		struct lm_str *s = (struct lm_str *)(void *)(copy + layout->strings[i] - BODY);

		if (keep_string(arena, s) < 0)
			return -ENOMEM;
	}
	row->body = copy;
	return 0;
}
