/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_builder.h"
#include "lemona/base/error.h"

/*
 * Taking in items: definitions become rows, uses imply what was never defined, and what says
 * something of names waits to be replayed.
 */

/*
 * Object numbers are dense, but frames that were damaged take their numbers with them. A jump wider
 * than any run of lost frames is not an honest log.
 */
#define OBJECT_JUMP_MAX (1u << 22)
#define MEMORY_BYTES ((size_t)256 << 20)
#define STEPS_DUE 16384u

int list_grow(void **at, size_t *capacity, size_t size)
{
	size_t bigger = *capacity ? *capacity * 2 : 64;
	void *moved = reallocarray(*at, bigger, size);

	if (!moved)
		return -ENOMEM;
	*at = moved;
	*capacity = bigger;
	return 0;
}

struct lm_catalog_builder *lm_catalog_builder_free(struct lm_catalog_builder *builder)
{
	if (!builder)
		return NULL;
	lm_catalog_free(builder->written);
	for (size_t i = 0; builder->kinds && i < KIND_PAGES; i++)
		free(builder->kinds[i]);
	free(builder->kinds);
	arena_release(&builder->arena);
	free(builder->rows.at);
	free(builder->again.at);
	lm_map_release(&builder->again_places);
	free(builder->lookups.at);
	free(builder->bounds.at);
	free(builder->state_rows.at);
	lm_map_release(&builder->uses);
	lm_map_release(&builder->roots);
	states_release(&builder->states);
	free(builder->steps.at);
	free(builder);
	return NULL;
}

struct lm_catalog *lm_catalog_builder_written(struct lm_catalog_builder *builder)
{
	return builder->written;
}

struct lm_catalog *lm_catalog_builder_take(struct lm_catalog_builder *builder)
{
	struct lm_catalog *written = builder->written;

	builder->written = NULL;
	lm_catalog_builder_free(builder);
	return written;
}

uint64_t lm_catalog_builder_pending(const struct lm_catalog_builder *builder)
{
	return builder->pending;
}

/* What waited when the last part was written waits on. */
static int read_steps(struct lm_catalog_builder *builder, const struct part *part)
{
	struct cells_cursor cursor;
	struct cells cells;

	cursor_begin(&cursor, &part->tables[TABLE_STEPS]);
	while (cursor_next(&cursor, &cells)) {
		const uint64_t *at = cells.at;

		if (LIST_RESERVE(builder->steps) < 0)
			return -ENOMEM;
		builder->steps.at[builder->steps.count++] = (struct step){
			.time_ns = at[STEP_TIME], .order = at[STEP_ORDER],
			.begin_ns = at[STEP_BEGIN], .event = at[STEP_EVENT], .arg = at[STEP_ARG],
			.object = (lm_object_id)at[STEP_OBJECT],
			.name = (lm_object_id)at[STEP_NAME],
			.name2 = (lm_object_id)at[STEP_NAME2],
			.op = (uint16_t)at[STEP_OP], .flags = (uint16_t)at[STEP_FLAGS],
		};
	}
	return cursor.damaged ? -LM_E_DAMAGED : 0;
}

/* Go on where the written catalogs end. */
static int resume(struct lm_catalog_builder *builder, const struct part *part)
{
	const struct meta *meta = &part->meta;

	builder->object_count = builder->known_count =
		(uint64_t)lm_catalog_object_count(builder->written) + 1;
	builder->bindings = meta->bindings;
	builder->events = meta->events;
	builder->latest_ns = meta->latest_ns;
	builder->next_serial = builder->first_serial = meta->next_serial;
	builder->first_event = lm_part_info(part->file)->end_event;
	builder->finished = meta->final;
	return read_steps(builder, part);
}

int lm_catalog_builder_new(const struct lm_catalog_builder_options *options,
			   struct lm_catalog *written, struct lm_catalog_builder **ret_builder)
{
	struct lm_catalog_builder *builder = calloc(1, sizeof(*builder));
	struct lm_catalog *made = NULL;
	int r = builder && !written ? lm_catalog_new(&made) : 0;

	if (!builder)
		return -ENOMEM;
	builder->options = *options;
	if (builder->options.memory_bytes == 0)
		builder->options.memory_bytes = MEMORY_BYTES;
	builder->object_count = builder->known_count = 1;
	builder->next_serial = builder->first_serial = builder->first_event = 1;
	builder->steps_due = STEPS_DUE;
	builder->kinds = calloc(KIND_PAGES, sizeof(struct kind_page *));
	builder->written = written ? written : made;
	if (r == 0 && !builder->kinds)
		r = -ENOMEM;
	if (r == 0 && builder->written->count > 0)
		r = resume(builder, builder->written->parts[builder->written->count - 1]);
	if (r < 0) {
		if (written)
			builder->written = NULL;
		lm_catalog_builder_free(builder);
		return r;
	}
	*ret_builder = builder;
	return 0;
}

/* Kinds of one page, as the written parts say them. */
static int load_page(struct lm_catalog_builder *builder, struct kind_page *page, uint64_t first)
{
	struct lm_catalog *written = builder->written;

	for (size_t i = 0; i < written->count; i++) {
		const struct table *table = &written->parts[i]->tables[TABLE_OBJECTS];
		const struct key key = { 0, first, 0 };
		bool behind = false;

		for (size_t b = table_find(table, &key); b < table->count && !behind; b++) {
			struct object_block *rows LM_FREE = NULL;
			int r = object_block_decode(table, b, &rows);

			if (r < 0)
				return r;
			behind = rows->rows[0].id >= first + KIND_PAGE;
			for (uint32_t j = 0; j < rows->count; j++) {
				const struct object_row *row = &rows->rows[j];

				if (row->id >= first && row->id < first + KIND_PAGE &&
				    !page->kinds[row->id - first])
					page->kinds[row->id - first] = row->kind;
			}
		}
	}
	return 0;
}

/* The byte that holds an object's kind. */
static int find_kind(struct lm_catalog_builder *builder, lm_object_id id, uint8_t **ret_kind)
{
	struct kind_page *page = builder->kinds[id / KIND_PAGE];

	if (!page) {
		uint64_t first = id - id % KIND_PAGE;
		int r = 0;

		page = calloc(1, sizeof(*page));
		if (!page)
			return -ENOMEM;
		if (first < builder->known_count)
			r = load_page(builder, page, first);
		if (r < 0) {
			free(page);
			return r;
		}
		builder->kinds[id / KIND_PAGE] = page;
		builder->kind_pages++;
	}
	page->used = true;
	*ret_kind = &page->kinds[id % KIND_PAGE];
	return 0;
}

int builder_kind(struct lm_catalog_builder *builder, lm_object_id id)
{
	uint8_t *kind;
	int r;

	if (id == LM_OBJECT_NONE || id >= builder->object_count)
		return LM_OBJECT_KIND_NONE;
	r = find_kind(builder, id, &kind);
	return r < 0 ? r : *kind;
}

int builder_lookup(struct lm_catalog_builder *builder, enum lookup_type type, uint64_t key,
		   uint64_t value)
{
	if (LIST_RESERVE(builder->lookups) < 0)
		return -ENOMEM;
	builder->lookups.at[builder->lookups.count++] = (struct key){ type, key, value };
	return 0;
}

static int reach_object(struct lm_catalog_builder *builder, lm_object_id id)
{
	if (id < builder->object_count)
		return 0;
	if (id - builder->object_count > OBJECT_JUMP_MAX || id == UINT32_MAX)
		return -LM_E_DAMAGED;
	builder->object_count = (uint64_t)id + 1;
	return 0;
}

/* The row of an object in this stretch; NULL where it has none. */
static struct object_row *find_row(struct lm_catalog_builder *builder, lm_object_id id)
{
	size_t low = 0, high = builder->rows.count;
	const uint64_t *place;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (builder->rows.at[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < builder->rows.count && builder->rows.at[low].id == id)
		return &builder->rows.at[low];
	place = lm_map_get(&builder->again_places, id);
	return place ? &builder->again.at[*place] : NULL;
}

static int add_row(struct lm_catalog_builder *builder, const struct object_row *row)
{
	if (builder->rows.count == 0 || builder->rows.at[builder->rows.count - 1].id < row->id) {
		if (LIST_RESERVE(builder->rows) < 0)
			return -ENOMEM;
		builder->rows.at[builder->rows.count++] = *row;
		return 0;
	}
	if (LIST_RESERVE(builder->again) < 0 ||
	    lm_map_put(&builder->again_places, row->id, builder->again.count) < 0)
		return -ENOMEM;
	builder->again.at[builder->again.count++] = *row;
	return 0;
}

/* An object that is used without a definition (its frame was lost) is what its use says. */
static int imply_kind(struct lm_catalog_builder *builder, lm_object_id id,
		      enum lm_object_kind as)
{
	struct object_row row = { .id = id, .kind = (uint8_t)as, .flags = LM_OBJECT_PARTIAL };
	uint8_t *kind;
	int r = reach_object(builder, id);

	if (r < 0 || id == LM_OBJECT_NONE || as == LM_OBJECT_KIND_NONE)
		return r;
	r = find_kind(builder, id, &kind);
	if (r < 0 || *kind != LM_OBJECT_KIND_NONE)
		return r;
	*kind = (uint8_t)as;
	return add_row(builder, &row);
}

static int add_root(struct lm_catalog_builder *builder, lm_object_id file)
{
	if (lm_map_get(&builder->roots, file))
		return 0;
	if (lm_map_put(&builder->roots, file, 1) < 0)
		return -ENOMEM;
	return builder_lookup(builder, LOOKUP_ROOT, 0, file);
}

/* What a definition refers to exists. */
static int reach_references(struct lm_catalog_builder *builder, const struct lm_object *object)
{
	int r = 0;

	if (object->kind == LM_OBJECT_KIND_NAME)
		return reach_object(builder, object->name.dir);
	if (object->kind != LM_OBJECT_KIND_PROCESS || !object->process.root)
		return 0;
	r = reach_object(builder, object->process.root);
	return r < 0 ? r : add_root(builder, object->process.root);
}

/* A definition of an object that this stretch has spoken of already. */
static int redefine(struct lm_catalog_builder *builder, struct object_row *have,
		    struct object_row *row)
{
	int r = arena_keep_body(&builder->arena, row);

	if (r < 0)
		return r;
	if (have->body && row->body)
		inherit_body(row->kind, row->body, have->body);
	have->body = row->body;
	have->flags = row->flags;
	have->defined = true;
	return 0;
}

/* A definition of an object that earlier catalogs know: it is told whole. */
static int inherit_written(struct lm_catalog_builder *builder, struct object_row *row)
{
	const struct lm_socket *before;

	if (row->kind != LM_OBJECT_KIND_SOCKET || row->id >= builder->known_count)
		return 0;
	before = lm_catalog_socket(builder->written, row->id);
	if (before)
		inherit_body(row->kind, row->body, before);
	return lm_catalog_status(builder->written);
}

static int keep_row(struct lm_catalog_builder *builder, const struct lm_object *object,
		    uint8_t *kind)
{
	struct lm_object copy = *object;
	struct object_row row = { .id = object->id, .kind = object->kind, .flags = object->flags,
		.defined = true, .first_ns = *kind ? 0 : object->time_ns,
		.body = body_size(object->kind) ? &copy.process : NULL };
	struct object_row *have = *kind ? find_row(builder, object->id) : NULL;
	int r;

	if (object->kind == LM_OBJECT_KIND_CONTENT)
		copy.content.time_ns = object->time_ns;
	*kind = object->kind;
	if (have)
		return redefine(builder, have, &row);
	/* Before strings are copied: those of the catalogs go when these are merged. */
	r = inherit_written(builder, &row);
	if (r == 0)
		r = arena_keep_body(&builder->arena, &row);
	return r < 0 ? r : add_row(builder, &row);
}

static int add_object(struct lm_catalog_builder *builder, const struct lm_object *object)
{
	uint8_t *kind;
	int r = reach_object(builder, object->id);

	if (r < 0)
		return r;
	if (object->id == LM_OBJECT_NONE || !kind_is_known(object->kind))
		return -LM_E_DAMAGED;
	r = find_kind(builder, object->id, &kind);
	if (r == 0 && *kind != LM_OBJECT_KIND_NONE && *kind != object->kind)
		r = -LM_E_DAMAGED;
	if (r == 0)
		r = reach_references(builder, object);
	return r < 0 ? r : keep_row(builder, object, kind);
}

/* The last use of a socket, or of what may turn out to be one. */
static int note_use(struct lm_catalog_builder *builder, lm_object_id id, uint64_t time_ns)
{
	int kind = builder_kind(builder, id);
	uint64_t *last_ns;

	if (kind < 0)
		return kind;
	if (id == LM_OBJECT_NONE ||
	    (kind != LM_OBJECT_KIND_SOCKET && kind != LM_OBJECT_KIND_NONE))
		return 0;
	last_ns = lm_map_get(&builder->uses, id);
	if (!last_ns)
		return lm_map_put(&builder->uses, id, time_ns);
	if (*last_ns < time_ns)
		*last_ns = time_ns;
	return 0;
}

static int reach_event(struct lm_catalog_builder *builder, const struct lm_event *event)
{
	int r = imply_kind(builder, event->actor, LM_OBJECT_KIND_PROCESS);

	if (r == 0)
		r = reach_object(builder, event->object);
	if (r == 0)
		r = reach_object(builder, event->object2);
	if (r == 0)
		r = imply_kind(builder, event->name, LM_OBJECT_KIND_NAME);
	if (r == 0)
		r = imply_kind(builder, event->name2, LM_OBJECT_KIND_NAME);
	return r;
}

static int add_event(struct lm_catalog_builder *builder, const struct lm_event *event)
{
	struct step step = {
		.time_ns = event->end_ns, .order = ORDER_EVENT | builder->events,
		.begin_ns = event->begin_ns < event->end_ns ? event->begin_ns : event->end_ns,
		.event = event->id, .arg = event->arg, .object = event->object,
		.name = event->name, .name2 = event->name2, .op = event->op, .flags = event->flags,
	};
	int r;

	if (lm_op_is_aside(event->op))
		return 0;
	builder->events++;
	r = reach_event(builder, event);
	if (r == 0)
		r = note_use(builder, event->object, event->end_ns);
	if (r == 0)
		r = note_use(builder, event->object2, event->end_ns);
	if (event->end_ns > builder->latest_ns)
		builder->latest_ns = event->end_ns;
	if (r < 0 || lm_event_failed(event))
		return r;
	if (event->op == LM_OP_SOCKETPAIR && event->object && event->object2) {
		r = builder_lookup(builder, LOOKUP_PAIR, event->object, event->object2);
		if (r == 0)
			r = builder_lookup(builder, LOOKUP_PAIR, event->object2, event->object);
	}
	return r == 0 && event->name ? builder_step(builder, &step) : r;
}

static int add_binding(struct lm_catalog_builder *builder, const struct lm_binding *binding)
{
	struct step step = {
		.time_ns = binding->time_ns, .order = builder->bindings++,
		.begin_ns = binding->time_ns, .object = binding->file, .name = binding->name,
		.op = LM_OP_NONE, .flags = binding->flags,
	};
	int r = imply_kind(builder, binding->file, LM_OBJECT_KIND_FILE);

	if (r == 0)
		r = imply_kind(builder, binding->name, LM_OBJECT_KIND_NAME);
	if (r < 0)
		return r;
	if (binding->flags & LM_BINDING_ROOT)
		return add_root(builder, binding->file);
	return binding->file && binding->name ? builder_step(builder, &step) : 0;
}

int lm_catalog_builder_add(struct lm_catalog_builder *builder, const struct lm_item *item)
{
	int r = 0;

	if (builder->finished || builder->failure < 0)
		return builder->failure < 0 ? builder->failure : -EBUSY;
	builder->pending++;
	if (item->kind == LM_ITEM_OBJECT)
		r = add_object(builder, &item->object);
	else if (item->kind == LM_ITEM_BINDING)
		r = add_binding(builder, &item->binding);
	else if (item->kind == LM_ITEM_EVENT)
		r = add_event(builder, &item->event);
	else if (item->kind != LM_ITEM_GAP)
		r = -LM_E_DAMAGED;
	if (r == -ENOMEM)
		builder->failure = r;
	return r;
}
