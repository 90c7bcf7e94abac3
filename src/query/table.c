/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>
#include <string.h>

struct vtab {
	sqlite3_vtab base;
	struct lm_query *query;
	const struct table *table;
};

/* What table_register() gives to SQLite, and SQLite to connect(). */
struct registration {
	struct lm_query *query;
	const struct table *table;
};

static int sqlite_code(int r)
{
	switch (r) {
	case 0:
		return SQLITE_OK;
	case -ENOMEM:
		return SQLITE_NOMEM;
	case -EINTR:
		return SQLITE_INTERRUPT;
	default:
		return SQLITE_ERROR;
	}
}

/* A sentence of ours becomes SQLite's, which comes back when the statement has failed. */
static int fail(sqlite3_vtab *base, const struct lm_query *query, int r)
{
	if (r < 0 && r != -ENOMEM && r != -EINTR) {
		sqlite3_free(base->zErrMsg);
		base->zErrMsg = sqlite3_mprintf("%s",
			query->diag.text[0] ? query->diag.text : lm_strerror(r));
	}
	return sqlite_code(r);
}

static char *declaration(const struct table *table)
{
	sqlite3_str *text = sqlite3_str_new(NULL);

	sqlite3_str_appendf(text, "CREATE TABLE x(");
	for (int i = 0; i < table->column_count; i++) {
		const struct lm_query_column *column = &table->columns[i].told;

		sqlite3_str_appendf(text, "%s\"%w\" %s%s", i > 0 ? "," : "", column->name,
			column->type, column->argument ? " HIDDEN" : "");
	}
	sqlite3_str_appendf(text, ")");
	return sqlite3_str_finish(text);
}

static int connect_table(sqlite3 *db, void *data, int argc, const char *const *argv,
	sqlite3_vtab **ret_vtab, char **ret_error)
{
	const struct registration *registration = data;
	char *text = declaration(registration->table);
	int r = text ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;

	sqlite3_free(text);
	if (r != SQLITE_OK)
		return r;
	struct vtab *vtab = sqlite3_malloc64(sizeof(*vtab));

	if (!vtab)
		return SQLITE_NOMEM;
	*vtab = (struct vtab){ .query = registration->query, .table = registration->table };
	*ret_vtab = &vtab->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *base)
{
	sqlite3_free(base);
	return SQLITE_OK;
}

/* '\0': nothing that a table can make use of. */
static char op_of(unsigned char op, uint8_t push)
{
	static const struct {
		unsigned char sqlite;
		char op;
		uint8_t push;
	} ops[] = {
		{ SQLITE_INDEX_CONSTRAINT_EQ, '=', PUSH_EQ },
		{ SQLITE_INDEX_CONSTRAINT_LT, '<', PUSH_RANGE },
		{ SQLITE_INDEX_CONSTRAINT_GT, '>', PUSH_RANGE },
		{ SQLITE_INDEX_CONSTRAINT_LE, 'l', PUSH_RANGE },
		{ SQLITE_INDEX_CONSTRAINT_GE, 'g', PUSH_RANGE },
		{ SQLITE_INDEX_CONSTRAINT_LIKE, '~', PUSH_PREFIX },
		{ SQLITE_INDEX_CONSTRAINT_GLOB, '*', PUSH_PREFIX },
	};

	for (size_t i = 0; i < LM_ARRAY_SIZE(ops); i++) {
		if (ops[i].sqlite == op)
			return push & ops[i].push ? ops[i].op : '\0';
	}
	return '\0';
}

/* Another collation calls other texts equal. */
static bool compares_bytes(sqlite3_index_info *info, int i, const struct column *column, char op)
{
	return op == '~' || op == '*' || strcmp(column->told.type, "TEXT") != 0 ||
	       strcmp(sqlite3_vtab_collation(info, i), "BINARY") == 0;
}

/* "pid= time_ns>=": the plan as EXPLAIN QUERY PLAN shows it, and as begin_rows() reads it. */
static void append_plan(sqlite3_str *plan, const char *name, char op)
{
	static const char *const words[128] = { ['='] = "=", ['<'] = "<", ['>'] = ">", ['l'] = "<=",
		['g'] = ">=", ['~'] = "~", ['*'] = "*", ['i'] = "@" };

	sqlite3_str_appendf(plan, "%s%s%s", sqlite3_str_length(plan) ? " " : "", name,
		words[(unsigned char)op]);
}

static int take_constraint(sqlite3_index_info *info, int i, const struct table *table,
	struct constraints *constraints, sqlite3_str *plan)
{
	const struct sqlite3_index_constraint *c = &info->aConstraint[i];
	const struct column *column = c->iColumn >= 0 ? &table->columns[c->iColumn] : NULL;
	char op = column ? op_of(c->op, column->push) : '\0';
	sqlite3_value *value = NULL;

	if (!op)
		return SQLITE_OK;
	/* An argument that is not known yet: another order of the tables must make it known. */
	if (!c->usable)
		return column->told.argument ? SQLITE_CONSTRAINT : SQLITE_OK;
	if (!compares_bytes(info, i, column, op) || constraints->count == CONSTRAINTS_MAX)
		return SQLITE_OK;
	if (op == '=' && (column->push & PUSH_IN) && sqlite3_vtab_in(info, i, -1)) {
		sqlite3_vtab_in(info, i, 1);
		op = 'i';
	} else {
		sqlite3_vtab_rhs_value(info, i, &value);
	}
	constraints->at[constraints->count++] = (struct constraint){ c->iColumn, op, value };
	info->aConstraintUsage[i].argvIndex = constraints->count;
	info->aConstraintUsage[i].omit = column->told.argument;
	append_plan(plan, column->told.name, op);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct vtab *vtab = (const struct vtab *)base;
	const struct table *table = vtab->table;
	struct constraints constraints = { .count = 0 };
	struct estimate estimate = { 1, 1, false };
	sqlite3_str *plan = sqlite3_str_new(NULL);
	int r = SQLITE_OK;

	for (int i = 0; i < info->nConstraint && r == SQLITE_OK; i++)
		r = take_constraint(info, i, table, &constraints, plan);
	info->idxNum = constraints.count;
	info->idxStr = sqlite3_str_finish(plan);
	info->needToFreeIdxStr = 1;
	if (r != SQLITE_OK)
		return r;
	if (constraints.count > 0 && !info->idxStr)
		return SQLITE_NOMEM;
	table->estimate(vtab->query, &constraints, &estimate);
	info->estimatedCost = estimate.cost;
	info->estimatedRows = estimate.rows < 1 ? 1 : (sqlite3_int64)estimate.rows;
	info->idxFlags = estimate.unique ? SQLITE_INDEX_SCAN_UNIQUE : 0;
	info->orderByConsumed = info->nOrderBy == 1 && !info->aOrderBy[0].desc &&
				table->order_column >= 0 &&
				info->aOrderBy[0].iColumn == table->order_column;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **ret_cursor)
{
	const struct vtab *vtab = (const struct vtab *)base;
	struct cursor *cursor = sqlite3_malloc64(vtab->table->cursor_size);

	if (!cursor)
		return SQLITE_NOMEM;
	memset(cursor, 0, vtab->table->cursor_size);
	cursor->query = vtab->query;
	cursor->table = vtab->table;
	cursor->eof = true;
	*ret_cursor = &cursor->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;

	cursor->table->end(cursor);
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int column_by_name(const struct table *table, const char *name, size_t len)
{
	for (int i = 0; i < table->column_count; i++) {
		const char *have = table->columns[i].told.name;

		if (strlen(have) == len && memcmp(have, name, len) == 0)
			return i;
	}
	return -1;
}

static char op_by_word(const char *word)
{
	if (word[0] == '@')
		return 'i';
	if ((word[0] == '<' || word[0] == '>') && word[1] == '=')
		return word[0] == '<' ? 'l' : 'g';
	return word[0];
}

static void read_plan(const struct table *table, const char *plan, int argc, sqlite3_value **argv,
	struct constraints *ret)
{
	ret->count = 0;
	while (plan && *plan && ret->count < argc && ret->count < CONSTRAINTS_MAX) {
		size_t len = strcspn(plan, "=<>~*@");
		int column = column_by_name(table, plan, len);

		if (column < 0)
			return;
		ret->at[ret->count] = (struct constraint){ column, op_by_word(plan + len),
							   argv[ret->count] };
		ret->count++;
		plan += len;
		plan += strcspn(plan, " ");
		plan += *plan == ' ';
	}
}

static int begin_rows(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
	sqlite3_value **argv)
{
	struct cursor *cursor = (struct cursor *)base;
	struct constraints constraints;

	cursor->table->end(cursor);
	cursor->eof = false;
	cursor->rowid = 0;
	read_plan(cursor->table, plan, argc, argv, &constraints);
	int r = cursor->table->begin(cursor, &constraints);

	if (r < 0)
		cursor->eof = true;
	return fail(base->pVtab, cursor->query, r);
}

static int next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *cursor = (struct cursor *)base;
	int r = cursor->table->next(cursor);

	if (r < 0)
		cursor->eof = true;
	return fail(base->pVtab, cursor->query, r);
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
	return ((const struct cursor *)base)->eof;
}

static int get_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column)
{
	struct cursor *cursor = (struct cursor *)base;

	return fail(base->pVtab, cursor->query, cursor->table->column(cursor, context, column));
}

static int get_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret_rowid)
{
	*ret_rowid = ((const struct cursor *)base)->rowid;
	return SQLITE_OK;
}

/* Without xCreate a table is there by its name alone. Nothing writes. */
static const sqlite3_module module = {
	.iVersion = 3,
	.xConnect = connect_table,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_table,
	.xDestroy = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = begin_rows,
	.xNext = next_row,
	.xEof = is_at_end,
	.xColumn = get_column,
	.xRowid = get_rowid,
};

int table_register(struct lm_query *query, const struct table *table)
{
	struct registration *registration = malloc(sizeof(*registration));

	if (!registration)
		return SQLITE_NOMEM;
	*registration = (struct registration){ query, table };
	return sqlite3_create_module_v2(query->db, table->name, &module, registration, free);
}
