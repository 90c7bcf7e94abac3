/* SPDX-License-Identifier: MIT */
#include "touched.h"

#include <errno.h>

#include "load.h"

/*
 * A block holds BLOCK_OBJECTS objects: varint of the object's number minus that of the one before
 * (the first counts from the block's own), varint size of its list, and the list: varint of
 * (place - place before) << 3 | roles for each place. The directory has for each block the number
 * of its first object and where it begins.
 */
#define BLOCK_OBJECTS   64u
#define DIRECTORY_BYTES 8u

void touched_release(struct touched_list *list)
{
	free(list->at);
}

int touched_add(struct touched_list *list, lm_object_id object, uint32_t place,
		enum lm_rows_role role)
{
	uint64_t key = (uint64_t)object << 32 | place;

	if (list->count > 0 && list->at[list->count - 1].key == key) {
		list->at[list->count - 1].value |= 1u << role;
		return 0;
	}
	if (lm_array_reserve(list->at, list->capacity, list->count + 1) < 0)
		return -ENOMEM;
	list->at[list->count++] = (struct lm_sorted){ .key = key, .value = 1u << role };
	return 0;
}

/* One object's list; the same place may stand there several times. */
static size_t append_list(const struct lm_sorted *at, size_t count, struct lm_buffer *out)
{
	uint32_t object = (uint32_t)(at[0].key >> 32), before = 0;
	size_t i = 0;

	while (i < count && at[i].key >> 32 == object) {
		uint64_t key = at[i].key;
		uint32_t roles = 0;

		for (; i < count && at[i].key == key; i++)
			roles |= at[i].value;
		lm_buffer_append_varint(out, (uint64_t)((uint32_t)key - before) << 3 | roles);
		before = (uint32_t)key;
	}
	return i;
}

void touched_writer_release(struct touched_writer *writer)
{
	lm_buffer_release(&writer->directory);
	lm_buffer_release(&writer->block);
}

int touched_writer_begin(struct touched_writer *writer, struct lm_part_writer *part,
			 uint32_t section)
{
	writer->part = part;
	return lm_part_begin(part, section);
}

int touched_writer_add(struct touched_writer *writer, lm_object_id object,
		       const struct lm_buffer *list)
{
	int r = 0;

	if (writer->objects++ % BLOCK_OBJECTS == 0) {
		r = lm_part_append(writer->part, writer->block.data, writer->block.len);
		lm_buffer_reset(&writer->block);
		lm_buffer_append_u32(&writer->directory, object);
		lm_buffer_append_u32(&writer->directory,
				     (uint32_t)lm_part_position(writer->part));
		writer->before = object;
	}
	lm_buffer_append_varint(&writer->block, object - writer->before);
	lm_buffer_append_varint(&writer->block, list->len);
	lm_buffer_append(&writer->block, list->data, list->len);
	writer->before = object;
	return r;
}

int touched_writer_finish(struct touched_writer *writer, uint32_t directory_section)
{
	int r = lm_part_append(writer->part, writer->block.data, writer->block.len);

	if (lm_buffer_status(&writer->block) < 0 || lm_buffer_status(&writer->directory) < 0)
		return -ENOMEM;
	return r < 0 ? r : lm_part_put(writer->part, directory_section, writer->directory.data,
				       writer->directory.len);
}

int touched_write(struct touched_list *list, struct lm_part_writer *part, uint32_t section,
		  uint32_t directory_section)
{
	struct lm_sorted *spare LM_FREE = lm_array_new(list->count, sizeof(*spare));
	struct touched_writer writer LM_CLEANUP(touched_writer_release) = { .part = NULL };
	struct lm_buffer one LM_BUFFER = LM_BUFFER_INIT;
	const struct lm_sorted *at;
	int r = spare ? touched_writer_begin(&writer, part, section) : -ENOMEM;

	if (r < 0)
		return r;
	at = lm_sort(list->at, spare, list->count);
	for (size_t i = 0; i < list->count && r == 0;) {
		uint32_t object = (uint32_t)(at[i].key >> 32);

		lm_buffer_reset(&one);
		i += append_list(at + i, list->count - i, &one);
		r = lm_buffer_status(&one);
		if (r == 0)
			r = touched_writer_add(&writer, object, &one);
	}
	return r < 0 ? r : touched_writer_finish(&writer, directory_section);
}

void touched_open(struct touched *touched, const struct lm_part *part, uint32_t section,
		  uint32_t directory_section)
{
	size_t len;

	touched->blocks = lm_part_bytes(part, section);
	touched->directory = lm_part_section(part, directory_section, &len);
	touched->block_count = (uint32_t)(len / DIRECTORY_BYTES);
}

static struct lm_bytes block_bytes(const struct touched *touched, uint32_t block,
				   lm_object_id *ret_first)
{
	const uint8_t *entry = touched->directory + (size_t)block * DIRECTORY_BYTES;
	size_t len = lm_bytes_left(&touched->blocks), from = load_u32(entry + 4), to = len;

	if (block + 1 < touched->block_count)
		to = load_u32(entry + DIRECTORY_BYTES + 4);
	*ret_first = load_u32(entry);
	if (from > len || to > len || to < from)
		return lm_bytes_from(NULL, 0);
	return lm_bytes_from(touched->blocks.pos + from, to - from);
}

/* The next object of a block. @return whether there was one, whole */
static bool next_object(struct lm_bytes *rest, lm_object_id *object,
			struct touched_cursor *ret_cursor)
{
	struct lm_str list;

	if (lm_bytes_left(rest) == 0)
		return false;
	*object += (lm_object_id)lm_bytes_varint(rest);
	list = lm_bytes_str(rest, lm_bytes_varint(rest));
	*ret_cursor = (struct touched_cursor){ .left = lm_bytes_from(list.data, list.len) };
	return !rest->bad;
}

bool touched_find(const struct touched *touched, lm_object_id object,
		  struct touched_cursor *ret_cursor)
{
	uint32_t low = 0, high = touched->block_count;
	struct lm_bytes rest;
	lm_object_id at;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (load_u32(touched->directory + (size_t)middle * DIRECTORY_BYTES) <= object)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	rest = block_bytes(touched, low - 1, &at);
	for (uint32_t i = 0; i < BLOCK_OBJECTS && next_object(&rest, &at, ret_cursor); i++) {
		if (at >= object)
			return at == object;
	}
	return false;
}

bool touched_next(struct touched_cursor *cursor, uint32_t *ret_place, uint8_t *ret_roles)
{
	uint64_t entry, step;

	if (lm_bytes_left(&cursor->left) == 0)
		return false;
	entry = lm_bytes_varint(&cursor->left);
	step = entry >> 3;
	/* A place that is told again and again would be read as often. */
	if (cursor->left.bad || (cursor->begun && step == 0) || step > UINT32_MAX - cursor->place)
		return false;
	cursor->begun = true;
	cursor->place += (uint32_t)step;
	*ret_place = cursor->place;
	*ret_roles = entry & 7;
	return true;
}

bool touched_walk(const struct touched *touched, uint32_t *block, struct lm_bytes *rest,
		  lm_object_id *object, struct touched_cursor *ret_cursor)
{
	for (;;) {
		if (*block > 0 && next_object(rest, object, ret_cursor))
			return true;
		if (*block >= touched->block_count)
			return false;
		*rest = block_bytes(touched, (*block)++, object);
	}
}
