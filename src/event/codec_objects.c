/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "codec_internal.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/error.h"

#define COMM_MAX_BYTES 64u

#define FIELD(member)                                                                              \
	{ offsetof(struct lm_object, member), sizeof(((struct lm_object *)0)->member), UINT64_MAX }
#define FIELD_BOOL(member)   { offsetof(struct lm_object, member), sizeof(bool), 1 }
#define FIELD_HALF(member, half) { offsetof(struct lm_object, member) + 8 * (half), 8, UINT64_MAX }
#define STRING(member, max)  { offsetof(struct lm_object, member), max }

static const struct object_scalar process_scalars[] = {
	FIELD(process.tgid), FIELD(process.ns_tgid), FIELD(process.start_ns),
	FIELD(process.version), FIELD(process.previous), FIELD(process.parent),
	FIELD(process.exe), FIELD(process.loader), FIELD(process.script),
	FIELD(process.cwd), FIELD(process.root), FIELD(process.exe_name),
	FIELD(process.sid), FIELD(process.tty), FIELD(process.uid),
	FIELD(process.euid), FIELD(process.suid), FIELD(process.fsuid),
	FIELD(process.gid), FIELD(process.egid), FIELD(process.sgid),
	FIELD(process.fsgid), FIELD(process.loginuid), FIELD(process.cap_effective),
	FIELD(process.cgroup), FIELD(process.ns_pid), FIELD(process.ns_mnt),
	FIELD(process.ns_net), FIELD(process.ns_user), FIELD(process.argc),
	FIELD(process.env_bytes), FIELD_BOOL(process.argv_cut),
	FIELD(process.session), FIELD(process.adopter), FIELD(process.cap_permitted),
	FIELD(process.cap_inheritable), FIELD(process.cap_bounding), FIELD(process.cap_ambient),
	FIELD(process.ns_uts), FIELD(process.ns_ipc), FIELD(process.ns_cgroup),
	FIELD(process.ns_time), FIELD(process.seccomp), FIELD_BOOL(process.no_new_privs),
};
static const struct object_string process_strings[] = {
	STRING(process.argv, LM_PROCESS_ARGV_MAX_BYTES),
	STRING(process.comm, COMM_MAX_BYTES),
};

static const struct object_scalar file_scalars[] = {
	FIELD(file.dev), FIELD(file.inode), FIELD(file.generation), FIELD(file.mode),
	FIELD(file.rdev), FIELD(file.fs_magic), FIELD_HALF(file.fs_uuid, 0),
	FIELD_HALF(file.fs_uuid, 1),
};

static const struct object_scalar name_scalars[] = { FIELD(name.dir) };
static const struct object_string name_strings[] = { STRING(name.component, LM_NAME_MAX_BYTES) };

static const struct object_scalar socket_scalars[] = {
	FIELD(socket.dev), FIELD(socket.inode), FIELD(socket.cookie), FIELD(socket.family),
	FIELD(socket.type), FIELD(socket.protocol), FIELD(socket.ns_net),
	FIELD(socket.local.family), FIELD(socket.local.port), FIELD_HALF(socket.local.ip, 0),
	FIELD_HALF(socket.local.ip, 1), FIELD(socket.remote.family), FIELD(socket.remote.port),
	FIELD_HALF(socket.remote.ip, 0), FIELD_HALF(socket.remote.ip, 1),
	FIELD(socket.peer_inode), FIELD(socket.path_file),
};
static const struct object_string socket_strings[] = {
	STRING(socket.local.path, LM_NAME_MAX_BYTES),
	STRING(socket.remote.path, LM_NAME_MAX_BYTES),
};

static const struct object_scalar pipe_scalars[] = { FIELD(pipe.dev), FIELD(pipe.inode) };

static const struct object_scalar memory_scalars[] = {
	FIELD(memory.type), FIELD(memory.dev), FIELD(memory.inode),
};
static const struct object_string memory_strings[] = { STRING(memory.label, LM_NAME_MAX_BYTES) };

static const struct object_scalar cgroup_scalars[] = {
	FIELD(cgroup.hierarchy), FIELD(cgroup.cgroup),
};
static const struct object_scalar content_scalars[] = {
	FIELD(content.file), FIELD(content.state), FIELD(content.size), FIELD(content.changed_ns),
	FIELD_HALF(content.sha256, 0), FIELD_HALF(content.sha256, 1),
	FIELD_HALF(content.sha256, 2), FIELD_HALF(content.sha256, 3),
};
static const struct object_string cgroup_strings[] = {
	STRING(cgroup.path, LM_CGROUP_PATH_MAX_BYTES),
};

#define SCALARS(table) .scalars = (table), .scalar_count = LM_ARRAY_SIZE(table)
#define STRINGS(table) .strings = (table), .string_count = LM_ARRAY_SIZE(table)

const struct object_layout lm_object_layouts[LM_OBJECT_KIND_MAX + 1] = {
	[LM_OBJECT_KIND_PROCESS] = { SCALARS(process_scalars), STRINGS(process_strings) },
	[LM_OBJECT_KIND_FILE] = { SCALARS(file_scalars) },
	[LM_OBJECT_KIND_NAME] = { SCALARS(name_scalars), STRINGS(name_strings) },
	[LM_OBJECT_KIND_SOCKET] = { SCALARS(socket_scalars), STRINGS(socket_strings) },
	[LM_OBJECT_KIND_PIPE] = { SCALARS(pipe_scalars) },
	[LM_OBJECT_KIND_MEMORY] = { SCALARS(memory_scalars), STRINGS(memory_strings) },
	[LM_OBJECT_KIND_CGROUP] = { SCALARS(cgroup_scalars), STRINGS(cgroup_strings) },
	[LM_OBJECT_KIND_CONTENT] = { SCALARS(content_scalars) },
};

_Static_assert(LM_ARRAY_SIZE(process_scalars) <= OBJECT_SCALARS_MAX, "the largest kind fits");
_Static_assert(LM_ARRAY_SIZE(process_scalars) + OBJECT_STRINGS_MAX <= 64, "the mask has 64 bits");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	"scalars and halves of byte arrays are copied as they stand in memory");

static inline uint64_t load_scalar(const struct lm_object *object,
	const struct object_scalar *scalar)
{
	const uint8_t *at = (const uint8_t *)object + scalar->offset;
	uint64_t v = 0;

	switch (scalar->size) { /* one load each, where a variable size would be a call */
	case 1:
		return *at;
	case 2:
		memcpy(&v, at, 2);
		return v;
	case 4:
		memcpy(&v, at, 4);
		return v;
	default:
		memcpy(&v, at, 8);
		return v;
	}
}

static struct lm_str load_string(const struct lm_object *object, const struct object_string *string)
{
	struct lm_str s;

	memcpy(&s, (const uint8_t *)object + string->offset, sizeof(s));
	return s;
}

static bool is_kind(unsigned int kind)
{
	return kind > LM_OBJECT_KIND_NONE && kind <= LM_OBJECT_KIND_MAX;
}

/* A column that cannot grow is as good as before. */
static int make_room(struct lm_buffer *column, size_t more)
{
	if (lm_buffer_reserve(column, more) == 0)
		return 0;
	column->failed = false;
	return -ENOMEM;
}

/*
 * Which fields have to be written, and room for all of them, so that writing cannot fail.
 *
 * @return 0; -EMSGSIZE when a string is longer than a reader takes; -ENOMEM
 */
static int prepare(struct lm_buffer *columns, struct lm_buffer *fields, const uint64_t *before,
	const struct lm_object *object, uint64_t *ret_mask)
{
	const struct object_layout *layout = &lm_object_layouts[object->kind];
	size_t string_bytes = 0;
	uint64_t mask = 0;

	for (unsigned int i = 0; i < layout->scalar_count; i++) {
		if (load_scalar(object, &layout->scalars[i]) == before[i])
			continue;
		mask |= UINT64_C(1) << i;
		if (make_room(&fields[i], VARINT_MAX_BYTES) < 0)
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < layout->string_count; i++) {
		struct lm_str s = load_string(object, &layout->strings[i]);

		if (s.len > layout->strings[i].max_bytes)
			return -EMSGSIZE;
		if (s.len > 0)
			mask |= UINT64_C(1) << (layout->scalar_count + i);
		string_bytes += s.len;
	}
	for (unsigned int i = COLUMN_OBJECT_KIND; i <= COLUMN_STRING_SIZE; i++)
		if (make_room(&columns[i], OBJECT_STRINGS_MAX * VARINT_MAX_BYTES) < 0)
			return -ENOMEM;
	*ret_mask = mask;
	return make_room(&columns[COLUMN_STRING], string_bytes);
}

/* Bytes that the columns have grown by: counted where they are written. */
static size_t put(struct lm_buffer *column, uint64_t v)
{
	size_t len = column->len;

	lm_buffer_append_varint(column, v);
	return column->len - len;
}

static size_t put_signed(struct lm_buffer *column, int64_t v)
{
	size_t len = column->len;

	lm_buffer_append_svarint(column, v);
	return column->len - len;
}

int lm_object_append(struct lm_buffer *columns, struct lm_buffer *fields,
	struct object_memory *memory, const struct lm_object *object, size_t *ret_bytes)
{
	const struct object_layout *layout;
	uint64_t mask, *before;
	size_t bytes = 2;
	int r;

	if (!is_kind(object->kind) || object->id == LM_OBJECT_NONE)
		return -EINVAL;
	layout = &lm_object_layouts[object->kind];
	before = &memory->scalars[field_column(object->kind, 0)];
	fields = &fields[field_column(object->kind, 0)];
	r = prepare(columns, fields, before, object, &mask);
	if (r < 0)
		return r;
	lm_buffer_append_byte(&columns[COLUMN_OBJECT_KIND], object->kind);
	lm_buffer_append_byte(&columns[COLUMN_OBJECT_FLAGS], object->flags);
	bytes += put_signed(&columns[COLUMN_OBJECT_NUMBER],
		(int64_t)object->id - (int64_t)memory->id - 1);
	bytes += put(&columns[COLUMN_OBJECT_MASK], mask);
	memory->id = object->id;
	for (uint64_t left = mask & ((UINT64_C(1) << layout->scalar_count) - 1); left;
		left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		uint64_t v = load_scalar(object, &layout->scalars[i]);

		bytes += put_signed(&fields[i], (int64_t)(v - before[i]));
		before[i] = v;
	}
	for (unsigned int i = 0; i < layout->string_count; i++) {
		struct lm_str s = load_string(object, &layout->strings[i]);

		if (s.len == 0)
			continue;
		bytes += put(&columns[COLUMN_STRING_SIZE], s.len) + s.len;
		lm_buffer_append_str(&columns[COLUMN_STRING], s);
	}
	*ret_bytes = bytes;
	return 0;
}

static uint64_t scalar_max(const struct object_scalar *scalar)
{
	uint64_t width_max = scalar->size >= 8 ? UINT64_MAX :
		(UINT64_C(1) << (8 * scalar->size)) - 1;

	return scalar->max < width_max ? scalar->max : width_max;
}

/* @return whether all that was written fits its fields */
static bool take_scalars(struct lm_bytes *fields, const struct object_layout *layout, uint64_t mask,
	uint64_t *before, struct lm_object *object)
{
	for (unsigned int i = 0; i < layout->scalar_count; i++) {
		const struct object_scalar *scalar = &layout->scalars[i];

		if (mask & UINT64_C(1) << i) {
			before[i] += (uint64_t)lm_bytes_svarint(&fields[i]);
			if (fields[i].bad || before[i] > scalar_max(scalar))
				return false;
		}
		memcpy((uint8_t *)object + scalar->offset, &before[i], scalar->size);
	}
	return true;
}

static bool take_strings(struct lm_bytes *columns, const struct object_layout *layout,
	uint64_t mask, struct lm_object *object)
{
	for (unsigned int i = 0; i < layout->string_count; i++) {
		const struct object_string *string = &layout->strings[i];
		struct lm_str s;
		uint64_t len;

		if (!(mask & UINT64_C(1) << (layout->scalar_count + i)))
			continue;
		len = lm_bytes_varint(&columns[COLUMN_STRING_SIZE]);
		if (len == 0 || len > string->max_bytes)
			return false;
		s = lm_bytes_str(&columns[COLUMN_STRING], (size_t)len);
		memcpy((uint8_t *)object + string->offset, &s, sizeof(s));
	}
	return !columns[COLUMN_STRING_SIZE].bad && !columns[COLUMN_STRING].bad;
}

int lm_object_take(struct lm_bytes *columns, struct lm_bytes *fields, struct object_memory *memory,
	struct lm_object *ret_object)
{
	struct lm_object object = { .kind = lm_bytes_u8(&columns[COLUMN_OBJECT_KIND]) };
	const struct object_layout *layout;
	uint64_t id, mask;

	object.flags = lm_bytes_u8(&columns[COLUMN_OBJECT_FLAGS]);
	id = memory->id + 1 + (uint64_t)lm_bytes_svarint(&columns[COLUMN_OBJECT_NUMBER]);
	mask = lm_bytes_varint(&columns[COLUMN_OBJECT_MASK]);
	for (unsigned int i = COLUMN_OBJECT_KIND; i <= COLUMN_OBJECT_MASK; i++)
		if (columns[i].bad)
			return -LM_E_DAMAGED;
	if (!is_kind(object.kind) || id == LM_OBJECT_NONE || id > UINT32_MAX)
		return -LM_E_DAMAGED;
	object.id = (lm_object_id)id;
	layout = &lm_object_layouts[object.kind];
	if (mask >> (layout->scalar_count + layout->string_count) != 0)
		return -LM_E_DAMAGED;
	if (!take_scalars(&fields[field_column(object.kind, 0)], layout, mask,
		    &memory->scalars[field_column(object.kind, 0)], &object) ||
		!take_strings(columns, layout, mask, &object))
		return -LM_E_DAMAGED;
	memory->id = object.id;
	*ret_object = object;
	return 0;
}
