/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "catalog_internal.h"
#include "lemona/base/error.h"

/*
 * Writing and reading tables: blocks of sorted rows, each coded against the one before, and a
 * directory that says what each block begins with.
 */
static const uint8_t cells_of[TABLE_COUNT] = {
	[TABLE_LOOKUPS] = 3, [TABLE_BOUNDS] = BOUND_CELLS, [TABLE_STATES] = STATE_CELLS,
	[TABLE_USES] = USE_CELLS, [TABLE_STEPS] = STEP_CELLS,
};

uint32_t table_cells(enum catalog_table table)
{
	return cells_of[table];
}

/* Keys of one number stand together in front of the rows: whether one is there is seen quickly. */
static bool has_simple_key(enum catalog_table table)
{
	return table != TABLE_LOOKUPS && table != TABLE_STEPS;
}

struct key key_of_cells(enum catalog_table table, const struct cells *cells)
{
	switch (table) {
	case TABLE_LOOKUPS:
		return (struct key){ cells->at[0], cells->at[1], cells->at[2] };
	case TABLE_STEPS:
		return (struct key){ 0, cells->at[STEP_TIME], cells->at[STEP_ORDER] };
	default:
		return (struct key){ 0, cells->at[0], 0 };
	}
}

/* What a block's first row is coded against: nothing, but for its key. */
static struct cells cells_of_key(enum catalog_table table, const struct key *key)
{
	if (table == TABLE_LOOKUPS)
		return (struct cells){ { key->type, key->key, key->value } };
	return (struct cells){ { key->key, table == TABLE_STEPS ? key->value : 0 } };
}

int table_writer_begin(struct table_writer *writer, struct lm_part_writer *part,
		       enum catalog_table table)
{
	*writer = (struct table_writer){ .part = part, .table = table };
	if (table == TABLE_OBJECTS) {
		writer->coder = calloc(1, sizeof(*writer->coder));
		if (!writer->coder)
			return -ENOMEM;
	}
	return lm_part_begin(part, SECTION_BLOCKS(table));
}

void table_writer_release(struct table_writer *writer)
{
	lm_buffer_release(&writer->keys);
	lm_buffer_release(&writer->rows);
	lm_buffer_release(&writer->strings);
	lm_buffer_release(&writer->block);
	lm_buffer_release(&writer->directory);
	free(writer->coder);
	writer->coder = NULL;
}

static void note_failure(struct table_writer *writer, int r)
{
	if (r < 0 && writer->failure == 0)
		writer->failure = r;
}

static void append_entry(struct table_writer *writer)
{
	struct lm_buffer *out = &writer->directory;

	lm_buffer_append_u32(out, (uint32_t)writer->first.type);
	lm_buffer_append_u32(out, writer->count);
	lm_buffer_append_u64(out, writer->first.key);
	lm_buffer_append_u64(out, writer->first.value);
	lm_buffer_append_u64(out, lm_part_position(writer->part));
}

static void flush_block(struct table_writer *writer)
{
	struct lm_buffer *block = &writer->block;

	if (writer->count == 0)
		return;
	append_entry(writer);
	lm_buffer_reset(block);
	lm_buffer_append(block, writer->keys.data, writer->keys.len);
	if (writer->table == TABLE_OBJECTS)
		lm_buffer_append_varint(block, writer->rows.len);
	lm_buffer_append(block, writer->rows.data, writer->rows.len);
	lm_buffer_append(block, writer->strings.data, writer->strings.len);
	note_failure(writer, lm_buffer_status(&writer->keys));
	note_failure(writer, lm_buffer_status(&writer->rows));
	note_failure(writer, lm_buffer_status(&writer->strings));
	note_failure(writer, lm_buffer_status(block));
	note_failure(writer, lm_part_append(writer->part, block->data, block->len));
	lm_buffer_reset(&writer->keys);
	lm_buffer_reset(&writer->rows);
	lm_buffer_reset(&writer->strings);
	writer->count = 0;
}

/* A row with that key comes next: begin a block where one is needed. */
static void place_row(struct table_writer *writer, const struct key *key)
{
	if (writer->count == ROWS_PER_BLOCK ||
	    (writer->count > 0 && writer->first.type != key->type))
		flush_block(writer);
	if (writer->count == 0) {
		writer->first = writer->last = *key;
		writer->cells = cells_of_key(writer->table, key);
		if (writer->coder)
			object_coder_reset(writer->coder);
	}
	if (has_simple_key(writer->table))
		lm_buffer_append_varint(&writer->keys, key->key - writer->last.key);
	writer->last = *key;
	writer->count++;
}

void table_add_object(struct table_writer *writer, const struct object_row *row)
{
	const struct key key = { 0, row->id, 0 };

	place_row(writer, &key);
	object_encode(writer->coder, row, &writer->rows, &writer->strings);
}

static void encode_lookup(struct table_writer *writer, const struct cells *cells)
{
	uint64_t step = cells->at[1] - writer->cells.at[1];

	lm_buffer_append_varint(&writer->rows, step);
	if (step == 0)
		lm_buffer_append_varint(&writer->rows, cells->at[2] - writer->cells.at[2]);
	else
		lm_buffer_append_svarint(&writer->rows,
			(int64_t)(cells->at[2] - writer->cells.at[2]));
}

static void encode_cells(struct table_writer *writer, const struct cells *cells)
{
	uint32_t first = has_simple_key(writer->table) ? 1 : 0, count = cells_of[writer->table];
	uint64_t mask = 0;

	for (uint32_t i = first; i < count; i++)
		if (cells->at[i] != writer->cells.at[i])
			mask |= UINT64_C(1) << (i - first);
	lm_buffer_append_varint(&writer->rows, mask);
	for (uint32_t i = first; i < count; i++)
		if (cells->at[i] != writer->cells.at[i])
			lm_buffer_append_svarint(&writer->rows,
				(int64_t)(cells->at[i] - writer->cells.at[i]));
}

void table_add_cells(struct table_writer *writer, const struct cells *cells)
{
	const struct key key = key_of_cells(writer->table, cells);

	place_row(writer, &key);
	if (writer->table == TABLE_LOOKUPS)
		encode_lookup(writer, cells);
	else
		encode_cells(writer, cells);
	writer->cells = *cells;
}

int table_writer_end(struct table_writer *writer)
{
	flush_block(writer);
	note_failure(writer, lm_buffer_status(&writer->directory));
	if (writer->failure < 0)
		return writer->failure;
	return lm_part_put(writer->part, SECTION_DIRECTORY(writer->table), writer->directory.data,
			   writer->directory.len);
}

int table_open(struct table *table, const struct lm_part *part, enum catalog_table which)
{
	size_t directory_bytes = 0;

	*table = (struct table){ .table = which };
	table->blocks = lm_part_section(part, SECTION_BLOCKS(which), &table->len);
	table->directory = lm_part_section(part, SECTION_DIRECTORY(which), &directory_bytes);
	if (directory_bytes % DIRECTORY_ENTRY_BYTES || !table->blocks || !table->directory) {
		bool empty = directory_bytes == 0 && table->len == 0;

		return empty ? 0 : -LM_E_DAMAGED;
	}
	table->count = directory_bytes / DIRECTORY_ENTRY_BYTES;
	return 0;
}

static uint64_t load_u64(const uint8_t *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return le64toh(v);
}

static uint32_t load_u32(const uint8_t *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return le32toh(v);
}

static struct key entry_key(const struct table *table, size_t i)
{
	const uint8_t *entry = table->directory + i * DIRECTORY_ENTRY_BYTES;

	return (struct key){ load_u32(entry), load_u64(entry + 8), load_u64(entry + 16) };
}

bool table_block(const struct table *table, size_t i, struct block *ret_block)
{
	const uint8_t *entry = table->directory + i * DIRECTORY_ENTRY_BYTES;
	uint64_t begin, end = table->len;

	if (i >= table->count)
		return false;
	begin = load_u64(entry + 24);
	if (i + 1 < table->count)
		end = load_u64(entry + DIRECTORY_ENTRY_BYTES + 24);
	if (begin > end || end > table->len)
		return false;
	ret_block->first = entry_key(table, i);
	ret_block->rows = load_u32(entry + 4);
	ret_block->bytes = lm_bytes_from(table->blocks + begin, (size_t)(end - begin));
	return ret_block->rows > 0 && ret_block->rows <= ROWS_PER_BLOCK;
}

size_t table_find(const struct table *table, const struct key *key)
{
	size_t low = 0, high = table->count;

	/* The first block that begins behind the key. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct key first = entry_key(table, middle);

		if (compare_keys(&first, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? low - 1 : 0;
}

uint32_t block_place(struct block *block, uint64_t id, uint64_t *ret_ids)
{
	uint64_t at = block->first.key;
	uint32_t place = UINT32_MAX;

	for (uint32_t i = 0; i < block->rows; i++) {
		at += read_varint(&block->bytes);
		if (ret_ids)
			ret_ids[i] = at;
		if (at == id)
			place = i;
	}
	return block->bytes.bad ? UINT32_MAX : place;
}

void cursor_begin(struct cells_cursor *cursor, const struct table *table)
{
	cursor->table = table;
	cursor->next_block = 0;
	cursor->block.rows = cursor->place = 0;
	cursor->peeked = cursor->damaged = false;
}

/* @return false where there is no next block */
static bool next_block(struct cells_cursor *cursor)
{
	const struct table *table = cursor->table;

	if (cursor->next_block >= table->count)
		return false;
	if (!table_block(table, cursor->next_block, &cursor->block)) {
		cursor->damaged = true;
		return false;
	}
	cursor->next_block++;
	cursor->place = 0;
	cursor->cells = cells_of_key(table->table, &cursor->block.first);
	if (has_simple_key(table->table))
		block_place(&cursor->block, 0, cursor->ids);
	return true;
}

static inline void decode_lookup(struct lm_bytes *bytes, struct cells *cells)
{
	uint64_t step = read_varint(bytes);

	cells->at[1] += step;
	cells->at[2] += step ? read_delta(bytes) : read_varint(bytes);
}

/* Cells from `first` on; the one before them is not in the row. */
static inline void decode_cells(struct lm_bytes *bytes, uint32_t first, uint32_t count,
				struct cells *cells)
{
	uint64_t mask = read_varint(bytes);

	if (mask >> (count - first)) {
		bytes->bad = true;
		return;
	}
	for (; mask; mask &= mask - 1)
		cells->at[first + (uint32_t)__builtin_ctzll(mask)] += read_delta(bytes);
}

static void decode_next(struct cells_cursor *cursor)
{
	enum catalog_table table = cursor->table->table;

	if (table == TABLE_LOOKUPS) {
		decode_lookup(&cursor->block.bytes, &cursor->cells);
		return;
	}
	if (has_simple_key(table))
		cursor->cells.at[0] = cursor->ids[cursor->place];
	decode_cells(&cursor->block.bytes, has_simple_key(table) ? 1 : 0, cells_of[table],
		     &cursor->cells);
}

bool cursor_next(struct cells_cursor *cursor, struct cells *ret_cells)
{
	if (cursor->peeked) {
		cursor->peeked = false;
		*ret_cells = cursor->cells;
		return true;
	}
	if (cursor->damaged ||
	    (cursor->place == cursor->block.rows && !next_block(cursor)))
		return false;
	decode_next(cursor);
	cursor->place++;
	if (cursor->block.bytes.bad) {
		cursor->damaged = true;
		return false;
	}
	*ret_cells = cursor->cells;
	return true;
}

void cursor_seek(struct cells_cursor *cursor, const struct table *table, const struct key *key)
{
	struct cells cells;

	cursor_begin(cursor, table);
	if (table->count == 0)
		return;
	cursor->next_block = table_find(table, key);
	while (cursor_next(cursor, &cells)) {
		struct key at = key_of_cells(table->table, &cells);

		if (compare_keys(&at, key) >= 0) {
			cursor->peeked = true;
			return;
		}
	}
}

bool table_row(const struct table *table, struct block *block, uint32_t place,
	       struct cells *ret_cells)
{
	struct cells cells = cells_of_key(table->table, &block->first);

	for (uint32_t i = 0; i <= place && !block->bytes.bad; i++)
		decode_cells(&block->bytes, 1, cells_of[table->table], &cells);
	*ret_cells = cells;
	return !block->bytes.bad;
}

int table_values(const struct table *table, enum lookup_type type, uint64_t first, uint64_t last,
		 struct values *out)
{
	const struct key key = { type, first, 0 };
	struct block block;

	for (size_t i = table_find(table, &key); i < table->count; i++) {
		struct cells cells;

		if (!table_block(table, i, &block))
			return -LM_E_DAMAGED;
		if (block.first.type > type ||
		    (block.first.type == type && block.first.key > last))
			return 0;
		if (block.first.type < type)
			continue;
		cells = cells_of_key(TABLE_LOOKUPS, &block.first);
		for (uint32_t row = 0; row < block.rows; row++) {
			decode_lookup(&block.bytes, &cells);
			if (block.bytes.bad)
				return -LM_E_DAMAGED;
			if (cells.at[1] > last)
				return 0;
			if (cells.at[1] >= first && values_add(out, cells.at[2]) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static size_t body_room(void)
{
	size_t room = 0;

	for (uint8_t kind = 0; kind <= LM_OBJECT_KIND_MAX; kind++)
		if (body_size(kind) > room)
			room = body_size(kind);
	return room;
}

static size_t whole(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

/* Where rows and strings are, behind the numbers. */
static bool split_block(struct block *block, struct lm_bytes *ret_rows,
			struct lm_bytes *ret_strings)
{
	uint64_t rows_bytes = read_varint(&block->bytes);
	size_t left = lm_bytes_left(&block->bytes);

	if (block->bytes.bad || rows_bytes > left)
		return false;
	*ret_rows = lm_bytes_from(block->bytes.pos, (size_t)rows_bytes);
	*ret_strings = lm_bytes_from(ret_rows->end, left - (size_t)rows_bytes);
	return true;
}

int object_reader_read(struct object_reader *reader, const struct part *part, size_t block,
		       struct block *bytes, uint32_t place, struct object_row *ret_row)
{
	int r = 0;

	if (reader->part != part || reader->block != block || reader->next > place) {
		reader->part = NULL;
		if (!split_block(bytes, &reader->rows, &reader->strings))
			return -LM_E_DAMAGED;
		object_coder_reset(&reader->coder);
		reader->next = 0;
	}
	while (r == 0 && reader->next <= place) {
		r = object_decode(&reader->coder, &reader->rows, &reader->strings, ret_row);
		reader->next++;
	}
	reader->part = r == 0 ? part : NULL;
	reader->block = block;
	return r;
}

/* Decode all rows, bodies at `bodies`, which has room for any. @return bytes of bodies, or < 0 */
static int64_t decode_rows(struct block *block, struct object_row *rows, const uint64_t *ids,
			   char *bodies)
{
	struct object_coder coder;
	struct lm_bytes in, strings;
	size_t used = 0;

	if (!split_block(block, &in, &strings))
		return -LM_E_DAMAGED;
	object_coder_reset(&coder);
	for (uint32_t i = 0; i < block->rows; i++) {
		int r = object_decode(&coder, &in, &strings, &rows[i]);

		if (r < 0)
			return r;
		if (ids[i] > UINT32_MAX || ids[i] == 0 || (i > 0 && ids[i] <= ids[i - 1]))
			return -LM_E_DAMAGED;
		rows[i].id = (lm_object_id)ids[i];
		if (!rows[i].body)
			continue;
		memcpy(bodies + used, rows[i].body, body_size(rows[i].kind));
		rows[i].body = bodies + used;
		used += whole(body_size(rows[i].kind));
	}
	return (int64_t)used;
}

int object_block_decode(const struct table *table, size_t i, struct object_block **ret_block)
{
	size_t room = sizeof(struct object_block) + ROWS_PER_BLOCK * sizeof(struct object_row);
	uint64_t ids[ROWS_PER_BLOCK];
	struct object_block *decoded LM_FREE = NULL, *fitting;
	struct block block;
	char *bodies;
	int64_t used;

	if (!table_block(table, i, &block))
		return -LM_E_DAMAGED;
	decoded = malloc(room + ROWS_PER_BLOCK * whole(body_room()));
	if (!decoded)
		return -ENOMEM;
	block_place(&block, 0, ids);
	bodies = (char *)decoded + room;
	used = block.bytes.bad ? -LM_E_DAMAGED : decode_rows(&block, decoded->rows, ids, bodies);
	if (used < 0)
		return (int)used;
	decoded->count = block.rows;
	decoded->size = room + (size_t)used;
	fitting = malloc(decoded->size);
	if (!fitting)
		return -ENOMEM;
	memcpy(fitting, decoded, decoded->size);
	for (uint32_t row = 0; row < fitting->count; row++)
		if (fitting->rows[row].body)
			fitting->rows[row].body = (char *)fitting +
				((char *)fitting->rows[row].body - (char *)decoded);
	*ret_block = fitting;
	return 0;
}
