/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_builder.h"
#include "lemona/base/error.h"

/*
 * Merging: the rows of several parts, one table after the other, in order of their keys. Of one key
 * the newest row counts; objects are folded, and a socket's last use is the latest.
 */
#define LEVEL_MAX 60u

bool lm_catalog_merge_due(const struct lm_catalog *catalog, size_t *ret_first, size_t *ret_count)
{
	size_t run = 0;

	/* The newest ones first: of one level are those next to each other. */
	for (size_t i = catalog->count; i > 0; i--) {
		uint16_t level = lm_catalog_part(catalog, i - 1)->level;

		if (run > 0 && lm_catalog_part(catalog, i)->level != level)
			run = 0;
		if (++run == LM_CATALOG_FAN_OUT && level < LEVEL_MAX) {
			*ret_first = i - 1;
			*ret_count = run;
			return true;
		}
	}
	return false;
}

/* A walk over the objects of one part. */
struct object_cursor {
	const struct table *table;
	struct object_block *block;
	size_t next_block;
	uint32_t place;
	int failure;
};

/* The row that a part is at. */
struct input {
	struct cells_cursor cells;
	struct object_cursor objects;
	bool there;
	struct cells row;
	struct object_row object;
	struct key key;
};

struct merge {
	struct part **parts;
	size_t count;
	enum catalog_table table;
	struct input *inputs;
	struct table_writer writer;
	struct object_row folded;
	struct lm_object body;
};

static void release_merge(struct merge *merge)
{
	for (size_t i = 0; merge->inputs && i < merge->count; i++)
		free(merge->inputs[i].objects.block);
	free(merge->inputs);
	table_writer_release(&merge->writer);
}

static bool next_object(struct object_cursor *cursor, struct object_row *ret_row)
{
	while (!cursor->block || cursor->place == cursor->block->count) {
		free(cursor->block);
		cursor->block = NULL;
		if (cursor->next_block == cursor->table->count)
			return false;
		cursor->failure = object_block_decode(cursor->table, cursor->next_block++,
						      &cursor->block);
		cursor->place = 0;
		if (cursor->failure < 0)
			return false;
	}
	*ret_row = cursor->block->rows[cursor->place++];
	return true;
}

/* The next row of a part, behind the one before. @return 0; -LM_E_DAMAGED; -ENOMEM */
static int advance(struct merge *merge, struct input *input)
{
	const struct key before = input->key;
	bool first = !input->there;

	if (merge->table == TABLE_OBJECTS) {
		input->there = next_object(&input->objects, &input->object);
		input->key = (struct key){ 0, input->object.id, 0 };
	} else {
		input->there = cursor_next(&input->cells, &input->row);
		input->key = key_of_cells(merge->table, &input->row);
	}
	if (!input->there)
		return input->cells.damaged ? -LM_E_DAMAGED : input->objects.failure;
	return first || compare_keys(&before, &input->key) < 0 ? 0 : -LM_E_DAMAGED;
}

/* Rows of one key, of one part after the other. */
static void fold_object(struct merge *merge, const struct object_row *row, bool first)
{
	if (!first) {
		fold_rows(&merge->folded, row);
		return;
	}
	merge->folded = *row;
	merge->folded.body = body_size(row->kind) ? &merge->body.process : NULL;
	memset(&merge->body, 0, sizeof(merge->body));
	if (row->body)
		memcpy(&merge->body.process, row->body, body_size(row->kind));
}

static void add_folded(struct merge *merge)
{
	/* What was never defined has nothing to say. */
	if (!merge->folded.defined)
		merge->folded.body = NULL;
	table_add_object(&merge->writer, &merge->folded);
}

static const struct input *least_input(const struct merge *merge)
{
	const struct input *least = NULL;

	for (size_t i = 0; i < merge->count; i++) {
		const struct input *input = &merge->inputs[i];

		if (input->there && (!least || compare_keys(&input->key, &least->key) < 0))
			least = input;
	}
	return least;
}

/* Fold all rows of the least key, the oldest first, and go on behind them. */
static int merge_key(struct merge *merge, const struct input *least)
{
	const struct key key = least->key;
	struct cells cells = least->row;
	bool first = true;
	int r = 0;

	for (size_t i = 0; i < merge->count && r == 0; i++) {
		struct input *input = &merge->inputs[i];

		if (!input->there || compare_keys(&input->key, &key) != 0)
			continue;
		if (merge->table == TABLE_OBJECTS)
			fold_object(merge, &input->object, first);
		else if (merge->table != TABLE_USES ||
			 input->row.at[USE_LAST] > cells.at[USE_LAST])
			cells = input->row;
		first = false;
		r = advance(merge, input);
	}
	if (r < 0)
		return r;
	if (merge->table == TABLE_OBJECTS)
		add_folded(merge);
	else
		table_add_cells(&merge->writer, &cells);
	return 0;
}

static int begin_inputs(struct merge *merge)
{
	int r = 0;

	merge->inputs = calloc(merge->count, sizeof(*merge->inputs));
	if (!merge->inputs)
		return -ENOMEM;
	for (size_t i = 0; i < merge->count && r == 0; i++) {
		struct input *input = &merge->inputs[i];
		const struct table *table = &merge->parts[i]->tables[merge->table];

		/* What waits is what the newest one says. */
		if (merge->table == TABLE_STEPS && i + 1 < merge->count)
			continue;
		cursor_begin(&input->cells, table);
		input->objects.table = table;
		r = advance(merge, input);
	}
	return r;
}

static int merge_table(struct lm_part_writer *part, struct part **parts, size_t count,
		       enum catalog_table table)
{
	struct merge merge LM_CLEANUP(release_merge) = { .parts = parts, .count = count,
		.table = table };
	const struct input *least;
	int r = table_writer_begin(&merge.writer, part, table);

	if (r == 0)
		r = begin_inputs(&merge);
	while (r == 0 && (least = least_input(&merge)))
		r = merge_key(&merge, least);
	return r < 0 ? r : table_writer_end(&merge.writer);
}

static struct meta merge_meta(struct part **parts, size_t count)
{
	struct meta meta = parts[count - 1]->meta;

	for (size_t i = 0; i < count; i++) {
		const struct meta *each = &parts[i]->meta;

		if (each->first_id < meta.first_id)
			meta.first_id = each->first_id;
		if (each->last_id > meta.last_id)
			meta.last_id = each->last_id;
		if (each->object_count > meta.object_count)
			meta.object_count = each->object_count;
	}
	return meta;
}

static void free_writer(struct lm_part_writer **writer)
{
	lm_part_writer_free(*writer);
}

static int write_merged(struct part **parts, size_t count, int fd)
{
	const struct lm_part_info *newest = lm_part_info(parts[count - 1]->file);
	struct lm_part_info info = *lm_part_info(parts[0]->file);
	struct meta meta = merge_meta(parts, count);
	struct lm_part_writer *part LM_CLEANUP(free_writer) = NULL;
	int r;

	info.end_event = newest->end_event;
	for (size_t i = 0; i < count; i++)
		if (lm_part_info(parts[i]->file)->level > info.level)
			info.level = lm_part_info(parts[i]->file)->level;
	info.level++;
	r = lm_part_writer_new(fd, &info, &part);
	if (r == 0)
		r = write_meta(part, &meta);
	for (uint32_t table = 0; table < TABLE_COUNT && r == 0; table++)
		r = merge_table(part, parts, count, table);
	return r < 0 ? r : lm_part_finish(part);
}

static void free_file(struct lm_part **file)
{
	lm_part_free(*file);
}

int lm_catalog_merge(struct lm_catalog *catalog, size_t first, size_t count, int fd)
{
	struct lm_part *file LM_CLEANUP(free_file) = NULL;
	struct part *merged = NULL;
	int r;

	if (count == 0 || first > catalog->count || count > catalog->count - first)
		return -EINVAL;
	r = write_merged(catalog->parts + first, count, fd);
	if (r == 0)
		r = lm_part_open(fd, &file, NULL);
	if (r == 0)
		r = part_open(file, &merged);
	if (r < 0)
		return r;
	file = NULL;
	for (size_t i = first; i < first + count; i++)
		part_free(catalog->parts[i]);
	catalog->parts[first] = merged;
	memmove(&catalog->parts[first + 1], &catalog->parts[first + count],
		(catalog->count - first - count) * sizeof(catalog->parts[0]));
	catalog->count -= count - 1;
	catalog_forget(catalog);
	return 0;
}
