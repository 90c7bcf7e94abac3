/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "catalog_internal.h"
#include "lemona/base/error.h"
#include "lemona/base/hash.h"

/*
 * Objects, over all parts: the newest definition, and what earlier ones have said before it.
 */
int lm_catalog_new(struct lm_catalog **ret_catalog)
{
	struct lm_catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return -ENOMEM;
	catalog->memos = calloc(MEMO_SLOTS, sizeof(*catalog->memos));
	catalog->runs = calloc(RUN_SLOTS, sizeof(*catalog->runs));
	if (!catalog->memos || !catalog->runs) {
		lm_catalog_free(catalog);
		return -ENOMEM;
	}
	*ret_catalog = catalog;
	return 0;
}

void catalog_forget(struct lm_catalog *catalog)
{
	catalog->reader.part = NULL;
	for (size_t i = 0; i < MEMO_SLOTS; i++)
		catalog->memos[i].used = false;
	catalog->roots_known = false;
	for (size_t i = 0; i < RUN_SLOTS; i++) {
		lm_catalog_bounds_release(&catalog->runs[i].bounds);
		catalog->runs[i].id = 0;
	}
}

struct lm_catalog *lm_catalog_free(struct lm_catalog *catalog)
{
	if (!catalog)
		return NULL;
	if (catalog->memos && catalog->runs)
		catalog_forget(catalog);
	for (size_t i = 0; i < catalog->count; i++)
		part_free(catalog->parts[i]);
	values_release(&catalog->roots);
	free(catalog->parts);
	free(catalog->memos);
	free(catalog->runs);
	free(catalog);
	return NULL;
}

struct part *part_free(struct part *part)
{
	if (part)
		lm_part_free(part->file);
	free(part);
	return NULL;
}

static bool read_meta(const struct lm_part *file, struct meta *ret_meta)
{
	struct lm_bytes bytes = lm_part_bytes(file, SECTION_META);
	struct meta meta = {
		.object_count = lm_bytes_u64(&bytes), .next_serial = lm_bytes_u64(&bytes),
		.bindings = lm_bytes_u64(&bytes), .events = lm_bytes_u64(&bytes),
		.latest_ns = lm_bytes_u64(&bytes), .first_id = lm_bytes_u64(&bytes),
		.last_id = lm_bytes_u64(&bytes), .final = lm_bytes_u64(&bytes),
	};

	*ret_meta = meta;
	return !bytes.bad && lm_bytes_left(&bytes) == 0 && meta.object_count >= 1 &&
	       meta.object_count <= UINT32_MAX && meta.final <= 1;
}

int part_open(struct lm_part *file, struct part **ret_part)
{
	struct part *part;
	int r = 0;

	if (lm_part_info(file)->kind != LM_PART_CATALOG)
		return -LM_E_FORMAT;
	part = calloc(1, sizeof(*part));
	if (!part)
		return -ENOMEM;
	for (uint32_t i = 0; i < TABLE_COUNT && r == 0; i++)
		r = table_open(&part->tables[i], file, i);
	if (r == 0 && !read_meta(file, &part->meta))
		r = -LM_E_DAMAGED;
	if (r < 0) {
		free(part);
		return r;
	}
	part->file = file;
	*ret_part = part;
	return 0;
}

static int make_room(struct lm_catalog *catalog)
{
	size_t bigger = catalog->capacity ? catalog->capacity * 2 : 16;
	struct part **moved;

	if (catalog->count < catalog->capacity)
		return 0;
	moved = reallocarray(catalog->parts, bigger, sizeof(struct part *));
	if (!moved)
		return -ENOMEM;
	catalog->parts = moved;
	catalog->capacity = bigger;
	return 0;
}

int lm_catalog_add(struct lm_catalog *catalog, struct lm_part *file)
{
	const struct lm_part_info *last =
		catalog->count ? lm_catalog_part(catalog, catalog->count - 1) : NULL;
	struct part *part = NULL;
	int r = make_room(catalog);

	if (r == 0)
		r = part_open(file, &part);
	if (r < 0)
		return r;
	if (last && lm_part_info(file)->first_event < last->end_event) {
		free(part);
		return -LM_E_FORMAT;
	}
	catalog->parts[catalog->count++] = part;
	/* What was found before may be said anew. */
	catalog_forget(catalog);
	return 0;
}

static void free_file(struct lm_part **file)
{
	lm_part_free(*file);
}

int lm_catalog_add_file(struct lm_catalog *catalog, int fd, struct lm_diag *diag)
{
	struct lm_part *file LM_CLEANUP(free_file) = NULL;
	int r = lm_part_open(fd, &file, diag);

	if (r < 0)
		return r;
	r = lm_catalog_add(catalog, file);
	if (r < 0)
		return lm_diag_errno(diag, r, "A catalog of the index cannot be used");
	file = NULL;
	return 0;
}

size_t lm_catalog_part_count(const struct lm_catalog *catalog)
{
	return catalog->count;
}

const struct lm_part_info *lm_catalog_part(const struct lm_catalog *catalog, size_t i)
{
	return i < catalog->count ? lm_part_info(catalog->parts[i]->file) : NULL;
}

int lm_catalog_status(const struct lm_catalog *catalog)
{
	return catalog->failure;
}

void catalog_fail(struct lm_catalog *catalog, int code)
{
	if (catalog->failure == 0)
		catalog->failure = code;
}

bool lm_catalog_is_final(const struct lm_catalog *catalog)
{
	return catalog->count > 0 && catalog->parts[catalog->count - 1]->meta.final;
}

uint32_t lm_catalog_object_count(const struct lm_catalog *catalog)
{
	uint64_t count = 1;

	for (size_t i = 0; i < catalog->count; i++)
		if (catalog->parts[i]->meta.object_count > count)
			count = catalog->parts[i]->meta.object_count;
	return (uint32_t)(count - 1);
}

/* What one part says of an object. @return whether it does; the body until the next one */
static bool part_row(struct lm_catalog *catalog, const struct part *part, lm_object_id id,
		     struct object_row *ret_row)
{
	const struct table *table = &part->tables[TABLE_OBJECTS];
	const struct key key = { 0, id, 0 };
	struct block block;
	uint32_t place;
	size_t i;

	if (id < part->meta.first_id || id > part->meta.last_id || table->count == 0)
		return false;
	i = table_find(table, &key);
	if (!table_block(table, i, &block)) {
		catalog_fail(catalog, -LM_E_DAMAGED);
		return false;
	}
	place = block_place(&block, id, NULL);
	if (place == UINT32_MAX)
		return false;
	if (object_reader_read(&catalog->reader, part, i, &block, place, ret_row) < 0) {
		catalog_fail(catalog, -LM_E_DAMAGED);
		return false;
	}
	ret_row->id = id;
	return true;
}

void fold_rows(struct object_row *row, const struct object_row *later)
{
	size_t size = body_size(row->kind);

	/* A number that is used for another kind of object: what it was first stays. */
	if (!later->defined || later->kind != row->kind)
		return;
	row->flags = later->flags;
	if (later->body)
		memcpy(row->body, later->body, size);
	row->defined = true;
}

/* The first row becomes what the memo holds, later ones are folded into it. */
static void fold_memo(struct memo *memo, const struct object_row *row)
{
	if (memo->row.kind != LM_OBJECT_KIND_NONE) {
		fold_rows(&memo->row, row);
		return;
	}
	memo->row = *row;
	memo->row.body = body_size(row->kind) ? &memo->body : NULL;
	memset(&memo->body, 0, body_size(row->kind));
	if (row->body)
		memcpy(&memo->body, row->body, body_size(row->kind));
}

const struct object_row *catalog_row(struct lm_catalog *catalog, lm_object_id id)
{
	struct memo *memo = &catalog->memos[lm_hash_mix(id) % MEMO_SLOTS];

	if (id == LM_OBJECT_NONE)
		return NULL;
	if (!memo->used || memo->row.id != id) {
		memo->used = true;
		memo->row = (struct object_row){ .id = id };
		for (size_t i = 0; i < catalog->count; i++) {
			struct object_row row;

			if (part_row(catalog, catalog->parts[i], id, &row))
				fold_memo(memo, &row);
		}
		memo->row.id = id;
	}
	return memo->row.kind == LM_OBJECT_KIND_NONE ? NULL : &memo->row;
}

enum lm_object_kind lm_catalog_kind(struct lm_catalog *catalog, lm_object_id id)
{
	const struct object_row *row = catalog_row(catalog, id);

	return row ? row->kind : LM_OBJECT_KIND_NONE;
}

int lm_catalog_object(struct lm_catalog *catalog, lm_object_id id, struct lm_object *ret_object)
{
	const struct object_row *row;

	if (id == LM_OBJECT_NONE || id > lm_catalog_object_count(catalog))
		return -ENOENT;
	row = catalog_row(catalog, id);
	*ret_object = row ? object_of_row(row) : (struct lm_object){ .id = id };
	return 0;
}

static const void *body_of(struct lm_catalog *catalog, lm_object_id id, enum lm_object_kind kind)
{
	const struct object_row *row = catalog_row(catalog, id);

	return row && row->kind == kind ? row->body : NULL;
}

const struct lm_process *lm_catalog_process(struct lm_catalog *catalog, lm_object_id id)
{
	return body_of(catalog, id, LM_OBJECT_KIND_PROCESS);
}

const struct lm_file *lm_catalog_file(struct lm_catalog *catalog, lm_object_id id)
{
	return body_of(catalog, id, LM_OBJECT_KIND_FILE);
}

const struct lm_name *lm_catalog_name(struct lm_catalog *catalog, lm_object_id id)
{
	return body_of(catalog, id, LM_OBJECT_KIND_NAME);
}

const struct lm_socket *lm_catalog_socket(struct lm_catalog *catalog, lm_object_id id)
{
	return body_of(catalog, id, LM_OBJECT_KIND_SOCKET);
}
