/* SPDX-License-Identifier: MIT */
#include "lemona/base/error.h"
#include "rows_internal.h"

/*
 * Pages (docs/formats/index.md, "Pages"): rows in columns, so that what stands below each other is
 * alike. A column is read with a cursor of its own.
 */
enum column {
	COLUMN_RUNS,   /* actor and thread: how many rows */
	COLUMN_KINDS,  /* the different combinations of op, call, flags, arg and result */
	COLUMN_KIND,   /* which of them */
	COLUMN_WHICH,  /* how each object is told */
	COLUMN_OBJECT,
	COLUMN_EVENT,
	COLUMN_BEGIN,
	COLUMN_SPAN,
	COLUMN_COUNT,
	COLUMN_BYTES,
	COLUMN_UNTIL,
	COLUMN_CPU,
	COLUMNS,
};

/* What the rows of a page tend to share. */
struct kind {
	uint64_t arg;
	int64_t result;
	uint16_t op, call, flags;
};

/* How an object is told, two bits each. */
enum which { WHICH_NONE = 0, WHICH_LAST = 1, WHICH_KNOWN = 2, WHICH_NEW = 3 };

#define OBJECTS_A_ROW 4
#define MEMORY 64u /* objects that a page can point back to */

struct memory {
	lm_object_id last[OBJECTS_A_ROW]; /* of each place */
	lm_object_id any;                 /* what differences count from */
	lm_object_id ring[MEMORY];
	uint32_t next;
};

static void remember(struct memory *memory, int place, lm_object_id id)
{
	memory->last[place] = id;
	memory->any = id;
}

static void keep_in_ring(struct memory *memory, lm_object_id id)
{
	memory->ring[memory->next++ % MEMORY] = id;
}

static int find_in_ring(const struct memory *memory, lm_object_id id)
{
	for (uint32_t i = 0; i < MEMORY; i++) {
		if (memory->ring[i] == id)
			return (int)i;
	}
	return -1;
}

static void encode_object(struct lm_buffer *column, struct memory *memory, int place,
			  lm_object_id id, uint8_t *which)
{
	int at;

	if (id == LM_OBJECT_NONE)
		return;
	if (id == memory->last[place]) {
		*which |= (uint8_t)(WHICH_LAST << 2 * place);
		memory->any = id;
		return;
	}
	at = find_in_ring(memory, id);
	if (at >= 0) {
		*which |= (uint8_t)(WHICH_KNOWN << 2 * place);
		lm_buffer_append_byte(column, (uint8_t)at);
	} else {
		*which |= (uint8_t)(WHICH_NEW << 2 * place);
		lm_buffer_append_svarint(column, (int64_t)id - (int64_t)memory->any);
		keep_in_ring(memory, id);
	}
	remember(memory, place, id);
}

static lm_object_id decode_object(struct lm_bytes *column, struct memory *memory, int place,
				  uint8_t which)
{
	lm_object_id id = LM_OBJECT_NONE;

	switch ((enum which)(which >> 2 * place & 3)) {
	case WHICH_NONE:
		return LM_OBJECT_NONE;
	case WHICH_LAST:
		memory->any = memory->last[place];
		return memory->any;
	case WHICH_KNOWN:
		id = memory->ring[lm_bytes_u8(column) % MEMORY];
		break;
	case WHICH_NEW:
		id = (lm_object_id)((int64_t)memory->any + lm_bytes_svarint(column));
		keep_in_ring(memory, id);
		break;
	}
	remember(memory, place, id);
	return id;
}

static bool moves_bytes(const struct lm_row *row)
{
	return lm_op_moves_bytes(row->op) && row->result >= 0;
}

static struct kind kind_of(const struct lm_row *row)
{
	return (struct kind){
		.op = row->op, .call = row->call, .flags = row->flags, .arg = row->arg,
		.result = moves_bytes(row) ? 0 : row->result,
	};
}

static bool same_kind(const struct kind *a, const struct kind *b)
{
	return a->op == b->op && a->call == b->call && a->flags == b->flags && a->arg == b->arg &&
	       a->result == b->result;
}

#define KIND_SLOTS (2u * LM_ROWS_PAGE_MAX)

/* The kinds of a page, found by what they hold. */
struct kinds {
	struct kind at[LM_ROWS_PAGE_MAX];
	uint32_t count;
	uint16_t slots[KIND_SLOTS]; /* place in `at`, from 1 */
};

static uint32_t kind_slot(const struct kind *kind)
{
	uint64_t hash = (kind->arg ^ (uint64_t)kind->result << 7) * UINT64_C(0x9e3779b97f4a7c15);

	hash ^= (uint64_t)kind->op << 40 ^ (uint64_t)kind->call << 20 ^ kind->flags;
	hash *= UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 40) & (KIND_SLOTS - 1);
}

static uint32_t find_kind(struct kinds *kinds, const struct kind *kind, struct lm_buffer *column)
{
	uint32_t slot = kind_slot(kind);

	for (; kinds->slots[slot]; slot = (slot + 1) & (KIND_SLOTS - 1)) {
		if (same_kind(&kinds->at[kinds->slots[slot] - 1], kind))
			return kinds->slots[slot] - 1u;
	}
	kinds->at[kinds->count] = *kind;
	kinds->slots[slot] = (uint16_t)++kinds->count;
	lm_buffer_append_varint(column, kind->op);
	lm_buffer_append_varint(column, kind->call);
	lm_buffer_append_varint(column, kind->flags);
	lm_buffer_append_varint(column, kind->arg);
	lm_buffer_append_svarint(column, kind->result);
	return kinds->count - 1;
}

/* What rows are told against. */
struct before {
	lm_object_id actor;
	uint32_t tid;
	uint64_t event, end_ns;
	uint16_t cpu;
};

static void encode_row(struct lm_buffer *columns, struct kinds *kinds, struct memory *memory,
		       struct before *before, const struct lm_row *row)
{
	const struct kind kind = kind_of(row);
	uint8_t which = 0;

	lm_buffer_append_varint(&columns[COLUMN_KIND],
				find_kind(kinds, &kind, &columns[COLUMN_KINDS]));
	encode_object(&columns[COLUMN_OBJECT], memory, 0, row->object, &which);
	encode_object(&columns[COLUMN_OBJECT], memory, 1, row->object2, &which);
	encode_object(&columns[COLUMN_OBJECT], memory, 2, row->name, &which);
	encode_object(&columns[COLUMN_OBJECT], memory, 3, row->name2, &which);
	lm_buffer_append_byte(&columns[COLUMN_WHICH], which);
	lm_buffer_append_svarint(&columns[COLUMN_EVENT], (int64_t)(row->event - before->event));
	lm_buffer_append_svarint(&columns[COLUMN_BEGIN],
				 (int64_t)(row->begin_ns - before->end_ns));
	lm_buffer_append_varint(&columns[COLUMN_SPAN], row->end_ns - row->begin_ns);
	lm_buffer_append_varint(&columns[COLUMN_COUNT], row->count - 1);
	if (moves_bytes(row))
		lm_buffer_append_varint(&columns[COLUMN_BYTES], (uint64_t)row->result);
	if (row_lasts(row))
		lm_buffer_append_varint(&columns[COLUMN_UNTIL], row->until_ns - row->end_ns);
	lm_buffer_append_svarint(&columns[COLUMN_CPU], row->cpu - before->cpu);
	before->event = row->event;
	before->end_ns = row->end_ns;
	before->cpu = row->cpu;
}

static void note_row(struct rows_page_info *info, const struct lm_row *row, bool first)
{
	if (first)
		*info = (struct rows_page_info){
			.first_actor = row->actor, .begin_ns = UINT64_MAX,
			.first_event = UINT64_MAX,
		};
	info->last_actor = row->actor;
	info->rows++;
	if (row->begin_ns < info->begin_ns)
		info->begin_ns = row->begin_ns;
	if (row->until_ns > info->until_ns)
		info->until_ns = row->until_ns;
	if (row->event < info->first_event)
		info->first_event = row->event;
	if (row->event > info->last_event)
		info->last_event = row->event;
}

/* The rows of one actor and thread, as far as they are in the page. */
static uint32_t encode_run(struct lm_buffer *column, const struct lm_row *rows,
			   const struct lm_sorted *order, uint32_t count, struct before *before)
{
	const struct lm_row *first = &rows[order[0].value];
	uint32_t length = 1;

	while (length < count && order[length].key == order[0].key)
		length++;
	lm_buffer_append_varint(column, first->actor - before->actor);
	lm_buffer_append_svarint(column, (int64_t)first->tid - (int64_t)before->tid);
	lm_buffer_append_varint(column, length);
	before->actor = first->actor;
	before->tid = first->tid;
	return length;
}

static void join_columns(struct lm_buffer *columns, struct lm_buffer *out)
{
	for (int i = 0; i < COLUMNS; i++)
		lm_buffer_append_varint(out, columns[i].len);
	for (int i = 0; i < COLUMNS; i++) {
		lm_buffer_append(out, columns[i].data, columns[i].len);
		if (columns[i].failed)
			out->failed = true;
		lm_buffer_release(&columns[i]);
	}
}

void rows_page_encode(const struct lm_row *rows, const struct lm_sorted *order, uint32_t count,
		      struct lm_buffer *out, struct rows_page_info *ret_info)
{
	struct lm_buffer columns[COLUMNS] = { 0 };
	struct kinds kinds = { .count = 0 };
	struct memory memory = { .next = 0 };
	struct before before = { .actor = 0 };
	size_t begin = out->len;

	for (uint32_t i = 0, end = 0; i < count; i++) {
		if (i == end)
			end += encode_run(&columns[COLUMN_RUNS], rows, order + i, count - i,
					  &before);
		encode_row(columns, &kinds, &memory, &before, &rows[order[i].value]);
		note_row(ret_info, &rows[order[i].value], i == 0);
	}
	join_columns(columns, out);
	ret_info->raw_bytes = (uint32_t)(out->len - begin);
}

static bool split_columns(struct lm_bytes *bytes, struct lm_bytes *columns)
{
	uint64_t sizes[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
		sizes[i] = lm_bytes_varint(bytes);
	for (int i = 0; i < COLUMNS; i++) {
		struct lm_str column = lm_bytes_str(bytes, sizes[i]);

		columns[i] = lm_bytes_from(column.data, column.len);
	}
	return !bytes->bad && lm_bytes_left(bytes) == 0;
}

static uint32_t decode_kinds(struct lm_bytes *column, struct kind *kinds)
{
	uint32_t count = 0;

	for (; lm_bytes_left(column) > 0 && count < LM_ROWS_PAGE_MAX; count++) {
		kinds[count].op = (uint16_t)lm_bytes_varint(column);
		kinds[count].call = (uint16_t)lm_bytes_varint(column);
		kinds[count].flags = (uint16_t)lm_bytes_varint(column);
		kinds[count].arg = lm_bytes_varint(column);
		kinds[count].result = lm_bytes_svarint(column);
	}
	return count;
}

static void decode_row(struct lm_bytes *columns, const struct kind *kind, struct memory *memory,
		       struct before *before, struct lm_row *row)
{
	uint8_t which = lm_bytes_u8(&columns[COLUMN_WHICH]);

	*row = (struct lm_row){
		.op = kind->op, .call = kind->call, .flags = kind->flags, .arg = kind->arg,
		.result = kind->result, .actor = before->actor, .tid = before->tid,
	};
	if (which) {
		row->object = decode_object(&columns[COLUMN_OBJECT], memory, 0, which);
		row->object2 = decode_object(&columns[COLUMN_OBJECT], memory, 1, which);
		row->name = decode_object(&columns[COLUMN_OBJECT], memory, 2, which);
		row->name2 = decode_object(&columns[COLUMN_OBJECT], memory, 3, which);
	}
	row->event = before->event + (uint64_t)lm_bytes_svarint(&columns[COLUMN_EVENT]);
	row->begin_ns = before->end_ns + (uint64_t)lm_bytes_svarint(&columns[COLUMN_BEGIN]);
	row->end_ns = row->begin_ns + lm_bytes_varint(&columns[COLUMN_SPAN]);
	row->count = (uint32_t)lm_bytes_varint(&columns[COLUMN_COUNT]) + 1;
	if (moves_bytes(row))
		row->result = (int64_t)(lm_bytes_varint(&columns[COLUMN_BYTES]) & INT64_MAX);
	row->until_ns = row->end_ns;
	if (row_lasts(row))
		row->until_ns += lm_bytes_varint(&columns[COLUMN_UNTIL]);
	row->cpu = (uint16_t)(before->cpu + lm_bytes_svarint(&columns[COLUMN_CPU]));
	before->cpu = row->cpu;
	before->event = row->event;
	before->end_ns = row->end_ns;
}

static bool all_used(const struct lm_bytes *columns)
{
	for (int i = 0; i < COLUMNS; i++) {
		if (columns[i].bad || lm_bytes_left(&columns[i]) > 0)
			return false;
	}
	return true;
}

int rows_page_decode(struct lm_bytes bytes, const struct rows_page_info *info,
		     struct lm_row *ret_rows)
{
	struct lm_bytes columns[COLUMNS];
	struct kind kinds[LM_ROWS_PAGE_MAX];
	struct memory memory = { .next = 0 };
	struct before before = { .actor = 0 };
	uint64_t end = 0;
	uint32_t kind_count;

	if (info->rows > LM_ROWS_PAGE_MAX || !split_columns(&bytes, columns))
		return -LM_E_DAMAGED;
	kind_count = decode_kinds(&columns[COLUMN_KINDS], kinds);
	for (uint32_t i = 0; i < info->rows; i++) {
		uint64_t kind = lm_bytes_varint(&columns[COLUMN_KIND]);

		if (i == end) {
			before.actor += (lm_object_id)lm_bytes_varint(&columns[COLUMN_RUNS]);
			before.tid = (uint32_t)((int64_t)before.tid +
						lm_bytes_svarint(&columns[COLUMN_RUNS]));
			end = i + lm_bytes_varint(&columns[COLUMN_RUNS]);
		}
		if (kind >= kind_count || end <= i)
			return -LM_E_DAMAGED;
		decode_row(columns, &kinds[kind], &memory, &before, &ret_rows[i]);
	}
	return end == info->rows && all_used(columns) ? 0 : -LM_E_DAMAGED;
}
