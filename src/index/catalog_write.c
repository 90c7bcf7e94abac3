/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_builder.h"
#include "lemona/base/error.h"

/*
 * Writing the rows of a stretch into a part, and beginning the next one.
 */
#define KIND_PAGES_SHARE 4u /* of the memory: the rest is for the states of names */
#define ROOTS_MAX 65536u

static void free_file(struct lm_part **file)
{
	lm_part_free(*file);
}

static void free_writer(struct lm_part_writer **writer)
{
	lm_part_writer_free(*writer);
}

static int compare_rows(const void *a, const void *b)
{
	const struct object_row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_lookups(const void *a, const void *b)
{
	return compare_keys(a, b);
}

/* Tables of numbers begin with their key. */
static int compare_cells(const void *a, const void *b)
{
	const struct cells *x = a, *y = b;

	return x->at[0] < y->at[0] ? -1 : x->at[0] > y->at[0];
}

#define SORT(list, compare)                                                                        \
	do {                                                                                       \
		if ((list).count > 1)                                                              \
			qsort((list).at, (list).count, sizeof(*(list).at), compare);               \
	} while (0)

static int add_lookups(struct lm_catalog_builder *builder)
{
	int r = 0;

	for (size_t i = 0; i < builder->rows.count && r == 0; i++)
		r = builder_row_lookups(builder, &builder->rows.at[i]);
	for (size_t i = 0; i < builder->again.count && r == 0; i++)
		r = builder_row_lookups(builder, &builder->again.at[i]);
	for (size_t i = 0; i < builder->bounds.count && r == 0; i++) {
		const uint64_t *at = builder->bounds.at[i].at;

		r = builder_lookup(builder, LOOKUP_BOUND_OF_NAME, at[BOUND_NAME],
				   at[BOUND_SERIAL]);
		if (r == 0)
			r = builder_lookup(builder, LOOKUP_BOUND_OF_FILE, at[BOUND_FILE],
					   at[BOUND_SERIAL]);
	}
	SORT(builder->lookups, compare_lookups);
	return r;
}

static int write_objects(struct lm_catalog_builder *builder, struct table_writer *writer)
{
	size_t again = 0;

	SORT(builder->again, compare_rows);
	for (size_t i = 0; i < builder->rows.count; i++) {
		while (again < builder->again.count &&
		       builder->again.at[again].id < builder->rows.at[i].id)
			table_add_object(writer, &builder->again.at[again++]);
		table_add_object(writer, &builder->rows.at[i]);
	}
	while (again < builder->again.count)
		table_add_object(writer, &builder->again.at[again++]);
	return 0;
}

static int write_lookups(struct lm_catalog_builder *builder, struct table_writer *writer)
{
	for (size_t i = 0; i < builder->lookups.count; i++) {
		const struct key *key = &builder->lookups.at[i];
		const struct cells cells = { { key->type, key->key, key->value } };

		if (i == 0 || compare_keys(key, key - 1) != 0)
			table_add_cells(writer, &cells);
	}
	return 0;
}

static int write_bounds(struct lm_catalog_builder *builder, struct table_writer *writer)
{
	SORT(builder->bounds, compare_cells);
	for (size_t i = 0; i < builder->bounds.count; i++)
		table_add_cells(writer, &builder->bounds.at[i]);
	return 0;
}

static int write_states(struct lm_catalog_builder *builder, struct table_writer *writer)
{
	SORT(builder->state_rows, compare_cells);
	for (size_t i = 0; i < builder->state_rows.count; i++)
		table_add_cells(writer, &builder->state_rows.at[i]);
	return 0;
}

static int write_uses(struct lm_catalog_builder *builder, struct table_writer *writer)
{
	LIST(struct cells, uses) = { .at = NULL };
	uint64_t key, value;

	for (size_t slot = 0; builder->uses.slots && slot <= builder->uses.mask; slot++) {
		if (!lm_map_at(&builder->uses, slot, &key, &value))
			continue;
		if (LIST_RESERVE(uses) < 0) {
			free(uses.at);
			return -ENOMEM;
		}
		uses.at[uses.count++] = (struct cells){ { key, value } };
	}
	SORT(uses, compare_cells);
	for (size_t i = 0; i < uses.count; i++)
		table_add_cells(writer, &uses.at[i]);
	free(uses.at);
	return 0;
}

static int write_steps(struct lm_catalog_builder *builder, struct table_writer *writer)
{
	for (size_t i = 0; i < builder->steps.count; i++) {
		const struct step *step = &builder->steps.at[i];
		const struct cells cells = { { step->time_ns, step->order, step->op, step->flags,
			step->object, step->name, step->name2, step->arg, step->begin_ns,
			step->event } };

		table_add_cells(writer, &cells);
	}
	return 0;
}

static int write_table(struct lm_catalog_builder *builder, struct lm_part_writer *part,
		       enum catalog_table table,
		       int (*write)(struct lm_catalog_builder *, struct table_writer *))
{
	struct table_writer writer LM_CLEANUP(table_writer_release) = { .part = part };
	int r = table_writer_begin(&writer, part, table);

	if (r == 0)
		r = write(builder, &writer);
	return r < 0 ? r : table_writer_end(&writer);
}

int write_meta(struct lm_part_writer *writer, const struct meta *meta)
{
	const uint64_t numbers[] = { meta->object_count, meta->next_serial, meta->bindings,
		meta->events, meta->latest_ns, meta->first_id, meta->last_id, meta->final };
	struct lm_buffer out LM_BUFFER = LM_BUFFER_INIT;

	for (size_t i = 0; i < LM_ARRAY_SIZE(numbers); i++)
		lm_buffer_append_u64(&out, numbers[i]);
	if (lm_buffer_status(&out) < 0)
		return -ENOMEM;
	return lm_part_put(writer, SECTION_META, out.data, out.len);
}

static struct meta make_meta(const struct lm_catalog_builder *builder, bool final)
{
	struct meta meta = { .object_count = builder->object_count,
		.next_serial = builder->next_serial, .bindings = builder->bindings,
		.events = builder->events, .latest_ns = builder->latest_ns,
		.first_id = UINT64_MAX, .final = final };

	if (builder->rows.count > 0) {
		meta.first_id = builder->rows.at[0].id;
		meta.last_id = builder->rows.at[builder->rows.count - 1].id;
	}
	/* What was told again has smaller numbers than the last of those. */
	for (size_t i = 0; i < builder->again.count; i++)
		if (builder->again.at[i].id < meta.first_id)
			meta.first_id = builder->again.at[i].id;
	return meta;
}

static int write_all(struct lm_catalog_builder *builder, int fd, const struct lm_part_info *info,
		     const struct meta *meta)
{
	static int (*const writes[TABLE_COUNT])(struct lm_catalog_builder *,
						struct table_writer *) = {
		[TABLE_OBJECTS] = write_objects, [TABLE_LOOKUPS] = write_lookups,
		[TABLE_BOUNDS] = write_bounds, [TABLE_STATES] = write_states,
		[TABLE_USES] = write_uses, [TABLE_STEPS] = write_steps,
	};
	struct lm_part_writer *part LM_CLEANUP(free_writer) = NULL;
	int r = lm_part_writer_new(fd, info, &part);

	if (r == 0)
		r = write_meta(part, meta);
	for (uint32_t table = 0; table < TABLE_COUNT && r == 0; table++)
		r = write_table(builder, part, table, writes[table]);
	return r < 0 ? r : lm_part_finish(part);
}

/* Kinds of objects that nobody spoke of can be read again. */
static void forget_kinds(struct lm_catalog_builder *builder)
{
	size_t most = builder->options.memory_bytes / KIND_PAGES_SHARE / sizeof(struct kind_page);
	bool many = builder->kind_pages > most;

	for (size_t i = 0; i <= builder->object_count / KIND_PAGE; i++) {
		struct kind_page *page = builder->kinds[i];

		if (!page)
			continue;
		if (many && !page->used) {
			free(page);
			builder->kinds[i] = NULL;
			builder->kind_pages--;
			continue;
		}
		page->used = false;
	}
}

/* All that was collected is in the catalogs now. */
static int begin_stretch(struct lm_catalog_builder *builder, uint64_t end_event, bool final)
{
	int r = states_forget(&builder->states,
			      builder->options.memory_bytes / 2 / (2 * sizeof(struct state)));

	states_settle(&builder->states);
	forget_kinds(builder);
	if (builder->roots.count > ROOTS_MAX)
		lm_map_release(&builder->roots);
	arena_release(&builder->arena);
	builder->rows.count = builder->again.count = builder->lookups.count = 0;
	builder->bounds.count = builder->state_rows.count = 0;
	lm_map_release(&builder->again_places);
	lm_map_release(&builder->uses);
	builder->pending = 0;
	builder->known_count = builder->object_count;
	builder->first_serial = builder->next_serial;
	builder->first_event = end_event;
	builder->finished = final;
	return r;
}

static int write_part(struct lm_catalog_builder *builder, int fd, uint64_t end_event, bool final)
{
	struct lm_part_info info = { .kind = LM_PART_CATALOG,
		.first_event = builder->first_event, .end_event = end_event };
	struct lm_part *file LM_CLEANUP(free_file) = NULL;
	int r = builder_replay(builder, final);
	struct meta meta;

	memcpy(info.log_id, builder->options.log_id, sizeof(info.log_id));
	if (r == 0)
		r = builder_name_rows(builder);
	if (r == 0)
		r = add_lookups(builder);
	meta = make_meta(builder, final);
	if (r == 0)
		r = write_all(builder, fd, &info, &meta);
	if (r == 0)
		r = lm_part_open(fd, &file, NULL);
	if (r == 0)
		r = lm_catalog_add(builder->written, file);
	if (r < 0)
		return r;
	file = NULL;
	return begin_stretch(builder, end_event, final);
}

int lm_catalog_builder_write(struct lm_catalog_builder *builder, int fd, uint64_t end_event,
			     bool final)
{
	if (builder->failure < 0)
		return builder->failure;
	if (builder->finished || end_event < builder->first_event)
		return -EINVAL;
	builder->failure = write_part(builder, fd, end_event, final);
	return builder->failure;
}
