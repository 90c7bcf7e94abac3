/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "catalog_internal.h"
#include "lemona/base/error.h"
#include "lemona/base/hash.h"

/*
 * Look-ups: candidates from each part, held against what is said of them last.
 */
uint64_t hash_text(struct lm_str text)
{
	uint64_t hash = text.len, word;
	uint32_t i = 0;

	/* The format fixes this: words of eight bytes, the last one filled up with zeros. */
	for (; i + 8 <= text.len; i += 8) {
		memcpy(&word, text.data + i, 8);
		hash = lm_hash_mix(hash ^ le64toh(word));
	}
	word = 0;
	if (i < text.len)
		memcpy(&word, text.data + i, text.len - i);
	return lm_hash_mix(hash ^ le64toh(word));
}

uint64_t key_of_name(lm_object_id dir, struct lm_str component)
{
	return (uint64_t)dir << 16 | (hash_text(component) & UINT16_MAX);
}

int compare_addresses(const struct lm_address *a, const struct lm_address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return memcmp(a->ip, b->ip, sizeof(a->ip));
}

static uint64_t hash_ip(const struct lm_address *address)
{
	struct lm_address plain = lm_address_plain(address);
	uint64_t low, high;

	memcpy(&low, plain.ip, 8);
	memcpy(&high, plain.ip + 8, 8);
	return lm_hash_mix(lm_hash_mix(plain.family ^ le64toh(low)) ^ le64toh(high));
}

uint64_t key_of_address(const struct lm_address *address, uint16_t port)
{
	return hash_ip(address) << 16 | port;
}

uint64_t key_of_flow(const struct lm_address *near_end, const struct lm_address *far_end)
{
	uint64_t hash = lm_hash_mix(hash_ip(near_end) ^ near_end->port);

	return lm_hash_mix(lm_hash_mix(hash ^ hash_ip(far_end)) ^ far_end->port);
}

void values_release(struct values *values)
{
	free(values->at);
	*values = (struct values){ .at = NULL };
}

int values_add(struct values *values, uint64_t value)
{
	if (values->count == values->capacity) {
		size_t bigger = values->capacity ? values->capacity * 2 : 32;
		uint64_t *moved = reallocarray(values->at, bigger, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		values->at = moved;
		values->capacity = bigger;
	}
	values->at[values->count++] = value;
	return 0;
}

static int compare_values(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort_values(struct values *values)
{
	size_t kept = 0;

	if (values->count < 2)
		return;
	qsort(values->at, values->count, sizeof(*values->at), compare_values);
	for (size_t i = 0; i < values->count; i++)
		if (kept == 0 || values->at[kept - 1] != values->at[i])
			values->at[kept++] = values->at[i];
	values->count = kept;
}

int catalog_values(struct lm_catalog *catalog, enum lookup_type type, uint64_t first,
		   uint64_t last, struct values *out)
{
	out->count = 0;
	for (size_t i = 0; i < catalog->count; i++) {
		int r = table_values(&catalog->parts[i]->tables[TABLE_LOOKUPS], type, first, last,
				     out);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			catalog_fail(catalog, r);
	}
	sort_values(out);
	return 0;
}

uint64_t part_last_value(struct lm_catalog *catalog, const struct part *part,
			 enum lookup_type type, uint64_t key)
{
	const struct table *table = &part->tables[TABLE_LOOKUPS];
	const struct key end = { type, key, UINT64_MAX };
	struct cells_cursor cursor;
	struct cells cells;
	uint64_t value = 0;

	if (table->count == 0)
		return 0;
	cursor_begin(&cursor, table);
	cursor.next_block = table_find(table, &end);
	while (cursor_next(&cursor, &cells) && cells.at[0] == type && cells.at[1] <= key)
		if (cells.at[1] == key)
			value = cells.at[2];
	if (cursor.damaged)
		catalog_fail(catalog, -LM_E_DAMAGED);
	return value;
}

bool part_cells(struct lm_catalog *catalog, const struct part *part, enum catalog_table which,
		uint64_t id, struct cells *ret_cells)
{
	const struct table *table = &part->tables[which];
	const struct key key = { 0, id, 0 };
	struct block block;
	uint32_t place;

	if (table->count == 0)
		return false;
	if (!table_block(table, table_find(table, &key), &block)) {
		catalog_fail(catalog, -LM_E_DAMAGED);
		return false;
	}
	place = block_place(&block, id, NULL);
	if (place == UINT32_MAX)
		return false;
	if (!table_row(table, &block, place, ret_cells)) {
		catalog_fail(catalog, -LM_E_DAMAGED);
		return false;
	}
	ret_cells->at[0] = id;
	return true;
}

void lm_catalog_ids_release(struct lm_catalog_ids *ids)
{
	free(ids->at);
	*ids = (struct lm_catalog_ids)LM_CATALOG_IDS_INIT;
}

static int add_id(struct lm_catalog_ids *ids, lm_object_id id)
{
	if (ids->count == ids->capacity) {
		size_t bigger = ids->capacity ? ids->capacity * 2 : 16;
		lm_object_id *moved = reallocarray(ids->at, bigger, sizeof(*moved));

		if (!moved)
			return -ENOMEM;
		ids->at = moved;
		ids->capacity = bigger;
	}
	ids->at[ids->count++] = id;
	return 0;
}

/* A question by look-up: what a candidate must be. */
struct wanted {
	enum lookup_type type;
	enum lm_object_kind kind;
	uint64_t number; /* what the field must hold */
	uint32_t dev;
	struct lm_str text;
	const struct lm_address *address;
	bool any_port;
};

static bool same_address(const struct lm_address *have, const struct wanted *wanted)
{
	struct lm_address a, b;

	if (wanted->address->family == LM_AF_UNIX)
		return have->family == LM_AF_UNIX &&
		       lm_str_equal(have->path, wanted->address->path);
	if (!lm_address_is_inet(have))
		return false;
	a = lm_address_plain(have);
	b = lm_address_plain(wanted->address);
	if (wanted->any_port)
		a.port = b.port = 0;
	return compare_addresses(&a, &b) == 0;
}

static bool process_fits(const struct lm_process *process, const struct wanted *wanted)
{
	switch (wanted->type) {
	case LOOKUP_TGID:
		return process->tgid == wanted->number;
	case LOOKUP_NEXT_VERSION:
		return process->previous == wanted->number;
	case LOOKUP_EXE:
		return process->exe == wanted->number;
	case LOOKUP_EXE_NAME:
		return process->exe_name == wanted->number;
	default:
		return process->parent == wanted->number;
	}
}

static bool name_fits(const struct lm_name *name, const struct wanted *wanted)
{
	if (wanted->type == LOOKUP_NAME_IN && name->dir != wanted->number)
		return false;
	return !wanted->text.data || lm_str_equal(name->component, wanted->text);
}

static bool socket_fits(const struct lm_socket *socket, const struct wanted *wanted)
{
	switch (wanted->type) {
	case LOOKUP_SOCKET_INODE:
		return socket->inode == wanted->number;
	case LOOKUP_REMOTE:
	case LOOKUP_REMOTE_PATH:
		return same_address(&socket->remote, wanted);
	default:
		return same_address(&socket->local, wanted);
	}
}

static bool fits(struct lm_catalog *catalog, lm_object_id id, const struct wanted *wanted)
{
	const struct object_row *row = catalog_row(catalog, id);

	if (!row || row->kind != wanted->kind)
		return false;
	switch (row->kind) {
	case LM_OBJECT_KIND_PROCESS:
		return process_fits(row->body, wanted);
	case LM_OBJECT_KIND_FILE: {
		const struct lm_file *file = row->body;

		return file->inode == wanted->number && file->dev == wanted->dev;
	}
	case LM_OBJECT_KIND_NAME:
		return name_fits(row->body, wanted);
	case LM_OBJECT_KIND_SOCKET:
		return socket_fits(row->body, wanted);
	case LM_OBJECT_KIND_CONTENT:
		return ((const struct lm_content *)row->body)->file == wanted->number;
	default:
		return false;
	}
}

static int find_ids(struct lm_catalog *catalog, const struct wanted *wanted, uint64_t first,
		    uint64_t last, struct lm_catalog_ids *out)
{
	struct values values LM_CLEANUP(values_release) = { .at = NULL };
	int r = catalog_values(catalog, wanted->type, first, last, &values);

	for (size_t i = 0; i < values.count && r == 0; i++) {
		lm_object_id id = (lm_object_id)values.at[i];

		if (values.at[i] == id && fits(catalog, id, wanted))
			r = add_id(out, id);
	}
	return r;
}

static int find_number(struct lm_catalog *catalog, enum lookup_type type, enum lm_object_kind kind,
		       uint64_t number, struct lm_catalog_ids *out)
{
	const struct wanted wanted = { .type = type, .kind = kind, .number = number };

	return number ? find_ids(catalog, &wanted, number, number, out) : 0;
}

int lm_catalog_processes(struct lm_catalog *catalog, uint32_t tgid, struct lm_catalog_ids *out)
{
	const struct wanted wanted = { .type = LOOKUP_TGID, .kind = LM_OBJECT_KIND_PROCESS,
		.number = tgid };

	return find_ids(catalog, &wanted, tgid, tgid, out);
}

int lm_catalog_next_versions(struct lm_catalog *catalog, lm_object_id id,
			     struct lm_catalog_ids *out)
{
	return find_number(catalog, LOOKUP_NEXT_VERSION, LM_OBJECT_KIND_PROCESS, id, out);
}

int lm_catalog_children(struct lm_catalog *catalog, lm_object_id parent,
			struct lm_catalog_ids *out)
{
	return find_number(catalog, LOOKUP_CHILD, LM_OBJECT_KIND_PROCESS, parent, out);
}

int lm_catalog_processes_of_exe(struct lm_catalog *catalog, lm_object_id file,
				struct lm_catalog_ids *out)
{
	return find_number(catalog, LOOKUP_EXE, LM_OBJECT_KIND_PROCESS, file, out);
}

int lm_catalog_processes_of_exe_name(struct lm_catalog *catalog, lm_object_id name,
				     struct lm_catalog_ids *out)
{
	return find_number(catalog, LOOKUP_EXE_NAME, LM_OBJECT_KIND_PROCESS, name, out);
}

int lm_catalog_contents(struct lm_catalog *catalog, lm_object_id file, struct lm_catalog_ids *out)
{
	return find_number(catalog, LOOKUP_CONTENT, LM_OBJECT_KIND_CONTENT, file, out);
}

int lm_catalog_sockets_of_inode(struct lm_catalog *catalog, uint64_t inode,
				struct lm_catalog_ids *out)
{
	return find_number(catalog, LOOKUP_SOCKET_INODE, LM_OBJECT_KIND_SOCKET, inode, out);
}

int lm_catalog_names_in(struct lm_catalog *catalog, lm_object_id dir, struct lm_catalog_ids *out)
{
	const struct wanted wanted = { .type = LOOKUP_NAME_IN, .kind = LM_OBJECT_KIND_NAME,
		.number = dir };

	return find_ids(catalog, &wanted, (uint64_t)dir << 16, (uint64_t)dir << 16 | UINT16_MAX,
			out);
}

int lm_catalog_names(struct lm_catalog *catalog, lm_object_id dir, struct lm_str component,
		     struct lm_catalog_ids *out)
{
	const struct wanted wanted = { .type = LOOKUP_NAME_IN, .kind = LM_OBJECT_KIND_NAME,
		.number = dir, .text = { component.len ? component.data : "", component.len } };
	uint64_t key = key_of_name(dir, component);

	return find_ids(catalog, &wanted, key, key, out);
}

int lm_catalog_absolute_names(struct lm_catalog *catalog, struct lm_str path,
			      struct lm_catalog_ids *out)
{
	const struct wanted wanted = { .type = LOOKUP_NAME_ABSOLUTE, .kind = LM_OBJECT_KIND_NAME,
		.text = path };
	uint64_t key = hash_text(path);

	return path.len > 0 && path.data[0] == '/' ? find_ids(catalog, &wanted, key, key, out) : 0;
}

int lm_catalog_files(struct lm_catalog *catalog, uint32_t dev, uint64_t inode,
		     struct lm_catalog_ids *out)
{
	const struct wanted wanted = { .type = LOOKUP_FILE_INODE, .kind = LM_OBJECT_KIND_FILE,
		.number = inode, .dev = dev };

	return find_ids(catalog, &wanted, inode, inode, out);
}

int lm_catalog_sockets(struct lm_catalog *catalog, const struct lm_address *address, bool any_port,
		       bool remote, struct lm_catalog_ids *out)
{
	struct wanted wanted = { .type = remote ? LOOKUP_REMOTE : LOOKUP_LOCAL,
		.kind = LM_OBJECT_KIND_SOCKET, .address = address, .any_port = any_port };
	uint64_t key;

	if (address->family == LM_AF_UNIX) {
		wanted.type = remote ? LOOKUP_REMOTE_PATH : LOOKUP_LOCAL_PATH;
		key = hash_text(address->path);
		return find_ids(catalog, &wanted, key, key, out);
	}
	if (!lm_address_is_inet(address))
		return 0;
	key = key_of_address(address, 0);
	return any_port ? find_ids(catalog, &wanted, key, key | UINT16_MAX, out) :
			  find_ids(catalog, &wanted, key | address->port, key | address->port,
				   out);
}

int lm_catalog_roots(struct lm_catalog *catalog, struct lm_catalog_ids *out)
{
	int r = 0;

	lm_catalog_is_root(catalog, LM_OBJECT_NONE);
	if (!catalog->roots_known)
		return -ENOMEM;
	for (size_t i = 0; i < catalog->roots.count && r == 0; i++)
		if (catalog->roots.at[i] && catalog->roots.at[i] <= UINT32_MAX)
			r = add_id(out, (lm_object_id)catalog->roots.at[i]);
	return r;
}

bool lm_catalog_is_root(struct lm_catalog *catalog, lm_object_id file)
{
	const uint64_t id = file;

	/* There are few, and each step of a path asks. */
	if (!catalog->roots_known &&
	    catalog_values(catalog, LOOKUP_ROOT, 0, 0, &catalog->roots) < 0) {
		catalog_fail(catalog, -ENOMEM);
		return false;
	}
	catalog->roots_known = true;
	return file && catalog->roots.count > 0 &&
	       bsearch(&id, catalog->roots.at, catalog->roots.count, sizeof(id), compare_values);
}

uint64_t lm_catalog_last_use(struct lm_catalog *catalog, lm_object_id socket)
{
	uint64_t last_ns = 0;
	struct cells cells;

	for (size_t i = 0; i < catalog->count; i++)
		if (part_cells(catalog, catalog->parts[i], TABLE_USES, socket, &cells) &&
		    cells.at[USE_LAST] > last_ns)
			last_ns = cells.at[USE_LAST];
	return last_ns;
}
