/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/buffer.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/event/address.h"
#include "lemona/index/catalog.h"

/*
 * What catalogs are made of (docs/formats/index.md, "Catalogs"): tables of sorted rows in blocks,
 * each with a directory of its blocks.
 */
enum catalog_table {
	TABLE_OBJECTS, /* key: number of the object */
	TABLE_LOOKUPS, /* type, key, value */
	TABLE_BOUNDS,  /* key: serial number of the bound */
	TABLE_STATES,  /* key: name */
	TABLE_USES,    /* key: socket */
	TABLE_STEPS,   /* key: time; value: order among those of one time */
	TABLE_COUNT,
};

#define SECTION_META 1u
#define SECTION_BLOCKS(table) (2u + 2u * (uint32_t)(table))
#define SECTION_DIRECTORY(table) (3u + 2u * (uint32_t)(table))

#define ROWS_PER_BLOCK 64u
#define DIRECTORY_ENTRY_BYTES 32u
#define CELLS_MAX 10u

/* What a look-up's key is. Numbers of the format. */
enum lookup_type {
	LOOKUP_ROOT = 1,         /* 0: directories that are "/" of somebody */
	LOOKUP_NAME_IN = 2,      /* directory << 16 | 16 bits of the component's hash */
	LOOKUP_NAME_ABSOLUTE = 3,/* hash of a component that is a whole path */
	LOOKUP_FILE_INODE = 4,   /* inode */
	LOOKUP_TGID = 5,
	LOOKUP_NEXT_VERSION = 6, /* the version before */
	LOOKUP_EXE = 7,
	LOOKUP_EXE_NAME = 8,
	LOOKUP_CHILD = 9,        /* parent */
	LOOKUP_REMOTE = 10,      /* hash of the address << 16 | port */
	LOOKUP_LOCAL = 11,
	LOOKUP_REMOTE_PATH = 12, /* hash of the path */
	LOOKUP_LOCAL_PATH = 13,
	LOOKUP_FLOW = 14,        /* hash of near and far end */
	LOOKUP_SOCKET_INODE = 15,
	LOOKUP_PEER_INODE = 16,
	LOOKUP_PAIR = 17,        /* the other one of a socketpair */
	LOOKUP_CONTENT = 18,     /* file */
	LOOKUP_BOUND_OF_NAME = 19, /* value: serial number of a bound */
	LOOKUP_BOUND_OF_FILE = 20,
};

struct key {
	uint64_t type, key, value;
};

static inline int compare_keys(const struct key *a, const struct key *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

/*
 * A row of a table of numbers. Look-ups: type, key, value. The others begin with their key:
 *   bounds  serial, name, file, begin, end - begin (0 when open), event, flags
 *   states  name, as_of, open, pending, since, from, from_since
 *   uses    socket, last use
 *   steps   time, order, op, flags, object, name, name2, arg, begin, event
 */
struct cells {
	uint64_t at[CELLS_MAX];
};

enum { BOUND_SERIAL, BOUND_NAME, BOUND_FILE, BOUND_BEGIN, BOUND_LENGTH, BOUND_EVENT, BOUND_FLAGS,
       BOUND_CELLS };
enum { BOUND_CLAIMED = 1u << 0, BOUND_OPEN = 1u << 1 };
enum { STATE_NAME, STATE_AS_OF, STATE_OPEN, STATE_PENDING, STATE_SINCE, STATE_FROM,
       STATE_FROM_SINCE, STATE_CELLS };
enum { USE_SOCKET, USE_LAST, USE_CELLS };
enum { STEP_TIME, STEP_ORDER, STEP_OP, STEP_FLAGS, STEP_OBJECT, STEP_NAME, STEP_NAME2, STEP_ARG,
       STEP_BEGIN, STEP_EVENT, STEP_CELLS };

/* A row of the table of objects: what one catalog, or all of them, say of an object. */
struct object_row {
	lm_object_id id;
	uint8_t kind, flags;
	bool defined;      /* false: only used, as what it then must be */
	uint64_t first_ns; /* of its first definition; 0: it was used before */
	void *body;        /* the member of struct lm_object of its kind, or NULL */
};

/** Size of what `body` points to; 0 for kinds that have none. */
size_t body_size(uint8_t kind);
/** Whether `kind` is one that an object may have. */
bool kind_is_known(uint8_t kind);
/** What a later definition keeps of an earlier one: sockets remember their connection. */
void inherit_body(uint8_t kind, void *later, const void *earlier);
struct lm_object object_of_row(const struct object_row *row);

/* Memory of rows: freed as a whole. */
struct arena {
	struct arena_chunk *chunks;
};

void arena_release(struct arena *arena);
/** 8-byte aligned, not initialized. NULL when there is no memory. */
void *arena_take(struct arena *arena, size_t size);
/** Copy a row's body, and its strings. @return 0; -ENOMEM */
int arena_keep_body(struct arena *arena, struct object_row *row);

/*
 * Coding of object rows in one block (catalog_object.c).
 */
struct file_system {
	uint32_t dev, fs_magic;
	uint8_t fs_uuid[16];
};

#define FILE_SYSTEMS 4u

struct object_coder {
	uint64_t first_ns;
	uint8_t flags;
	struct lm_object last[LM_OBJECT_KIND_MAX + 1]; /* of each kind */
	struct file_system recent[FILE_SYSTEMS];       /* [0]: of the last file */
};

void object_coder_reset(struct object_coder *coder);
/** Everything but the number. Strings go to `strings`. */
void object_encode(struct object_coder *coder, const struct object_row *row, struct lm_buffer *out,
		   struct lm_buffer *strings);
/**
 * The other way. The body is the coder's, until the next row.
 * @param strings  moved past those of the row
 * @return 0; -LM_E_DAMAGED
 */
int object_decode(struct object_coder *coder, struct lm_bytes *in, struct lm_bytes *strings,
		  struct object_row *ret_row);

/*
 * Writing a table.
 */
struct table_writer {
	struct lm_part_writer *part;
	enum catalog_table table;
	struct lm_buffer keys, rows, strings, block, directory;
	struct key first, last;
	struct cells cells;
	struct object_coder *coder; /* of the table of objects */
	uint32_t count;             /* rows in this block */
	int failure;
};

/** @return 0; -ENOMEM; what lm_part_begin() returns */
int table_writer_begin(struct table_writer *writer, struct lm_part_writer *part,
		       enum catalog_table table);
/* In rising order of keys. Failures are told at the end. */
void table_add_object(struct table_writer *writer, const struct object_row *row);
void table_add_cells(struct table_writer *writer, const struct cells *cells);
/** Writes what is left, and the directory. @return 0; -ENOMEM; what lm_part_append() returns */
int table_writer_end(struct table_writer *writer);
void table_writer_release(struct table_writer *writer);

uint32_t table_cells(enum catalog_table table);
struct key key_of_cells(enum catalog_table table, const struct cells *cells);

/*
 * Reading a table.
 */
struct table {
	const uint8_t *blocks;
	size_t len;
	const uint8_t *directory;
	size_t count; /* blocks */
	enum catalog_table table;
};

/** @return 0; -LM_E_DAMAGED */
int table_open(struct table *table, const struct lm_part *part, enum catalog_table which);

struct block {
	struct key first;
	uint32_t rows;
	struct lm_bytes bytes;
};

/** @return false where directory and blocks do not agree */
bool table_block(const struct table *table, size_t i, struct block *ret_block);
/** The last block that begins at or before `key`, or 0. The table has one at least. */
size_t table_find(const struct table *table, const struct key *key);

/** Row `id` is in a block of a table with a key of one number. @return place; UINT32_MAX: no */
uint32_t block_place(struct block *block, uint64_t id, uint64_t *ret_ids);

/* A walk over the rows of a table of numbers. */
struct cells_cursor {
	const struct table *table;
	size_t next_block;
	struct block block;
	uint32_t place;    /* of the next row in it */
	uint64_t ids[ROWS_PER_BLOCK];
	struct cells cells; /* the row before */
	bool peeked;        /* it is to be given out again */
	bool damaged;
};

void cursor_begin(struct cells_cursor *cursor, const struct table *table);
/** The next row is the first one at or behind `key`. */
void cursor_seek(struct cells_cursor *cursor, const struct table *table, const struct key *key);
/** @return false at the end, or where the table is damaged */
bool cursor_next(struct cells_cursor *cursor, struct cells *ret_cells);

/* All objects of a block, in one piece of memory. */
struct object_block {
	uint32_t count;
	size_t size; /* bytes */
	struct object_row rows[];
};

/** @return 0; -ENOMEM; -LM_E_DAMAGED */
int object_block_decode(const struct table *table, size_t i, struct object_block **ret_block);

/* A catalog file. */
struct part {
	struct lm_part *file;
	struct table tables[TABLE_COUNT];
	struct meta {
		uint64_t object_count; /* one past the greatest number that was spoken of */
		uint64_t next_serial, bindings, events, latest_ns;
		uint64_t first_id, last_id; /* of the objects here; last 0: none */
		uint64_t final;        /* nothing waits in the steps */
	} meta;
};

#define META_CELLS (sizeof(struct meta) / sizeof(uint64_t))

/*
 * The block that objects were read from last: the next row is had cheaply when it is behind the
 * last one.
 */
struct object_reader {
	const struct part *part; /* NULL: none */
	size_t block;
	uint32_t next;           /* row */
	struct lm_bytes rows, strings;
	struct object_coder coder;
};

/** Read row `place` of a block, where it has one. @return 0; -LM_E_DAMAGED */
int object_reader_read(struct object_reader *reader, const struct part *part, size_t block,
		       struct block *bytes, uint32_t place, struct object_row *ret_row);

#define MEMO_SLOTS 8192u

struct memo {
	bool used;
	struct object_row row; /* kind NONE: there is no such object */
	union {
		struct lm_process process;
		struct lm_file file;
		struct lm_name name;
		struct lm_socket socket;
		struct lm_pipe pipe;
		struct lm_memory memory;
		struct lm_cgroup cgroup;
		struct lm_content content;
	} body;
};

struct run_memo {
	uint64_t id;
	bool of_file;
	struct lm_catalog_bounds bounds;
};

#define RUN_SLOTS 512u

/* What look-ups found. */
struct values {
	uint64_t *at;
	size_t count, capacity;
};

struct lm_catalog {
	struct part **parts;
	size_t count, capacity;
	struct object_reader reader;
	struct memo *memos;    /* MEMO_SLOTS, by number */
	struct run_memo *runs; /* RUN_SLOTS */
	struct values roots;
	bool roots_known;
	int failure; /* the first one: answers since may be incomplete */
};

void catalog_forget(struct lm_catalog *catalog);
void catalog_fail(struct lm_catalog *catalog, int code);
int part_open(struct lm_part *file, struct part **ret_part);
struct part *part_free(struct part *part);

/** What all catalogs say of an object; NULL: nothing. Valid until the next question. */
const struct object_row *catalog_row(struct lm_catalog *catalog, lm_object_id id);
/** What `later` adds to what is known. The body of `row` is written to. */
void fold_rows(struct object_row *row, const struct object_row *later);

void values_release(struct values *values);
/** The values of a look-up's keys, of all parts, sorted, each once. @return 0; -ENOMEM */
int catalog_values(struct lm_catalog *catalog, enum lookup_type type, uint64_t first,
		   uint64_t last, struct values *out);
/** The newest version of a bound. @return whether there is one */
bool catalog_bound(struct lm_catalog *catalog, uint64_t serial, struct cells *ret_cells);
/** The highest value of an exact key in one part; 0: none. */
uint64_t part_last_value(struct lm_catalog *catalog, const struct part *part,
			 enum lookup_type type, uint64_t key);
/** A row of a table with a key of one number, which has no more than that key in front. */
bool table_row(const struct table *table, struct block *block, uint32_t place,
	       struct cells *ret_cells);
/** Append the values of keys from `first` to `last`. @return 0; -ENOMEM; -LM_E_DAMAGED */
int table_values(const struct table *table, enum lookup_type type, uint64_t first, uint64_t last,
		 struct values *out);
int values_add(struct values *values, uint64_t value);
/** A row of a table with a key of one number in one part. */
bool part_cells(struct lm_catalog *catalog, const struct part *part, enum catalog_table table,
		uint64_t key, struct cells *ret_cells);

/* Keys of look-ups. */
uint64_t hash_text(struct lm_str text);
uint64_t key_of_name(lm_object_id dir, struct lm_str component);
uint64_t key_of_address(const struct lm_address *address, uint16_t port);
uint64_t key_of_flow(const struct lm_address *near_end, const struct lm_address *far_end);
int compare_addresses(const struct lm_address *a, const struct lm_address *b);

/* As lm_bytes_varint(), where nothing but speed depends on the form being the shortest. */
static inline uint64_t read_varint(struct lm_bytes *bytes)
{
	const uint8_t *at = bytes->pos;
	uint64_t v;

	if (bytes->end - at < 10)
		return lm_bytes_varint(bytes);
	v = *at & 0x7f;
	for (uint32_t shift = 7; *at++ & 0x80; shift += 7) {
		if (shift > 63) {
			bytes->bad = true;
			return 0;
		}
		v |= (uint64_t)(*at & 0x7f) << shift;
	}
	bytes->pos = at;
	return v;
}

static inline uint64_t read_delta(struct lm_bytes *bytes)
{
	uint64_t v = read_varint(bytes);

	return (v >> 1) ^ -(v & 1);
}
