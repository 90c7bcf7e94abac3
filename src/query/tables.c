/* SPDX-License-Identifier: MIT */
#include "table.h"

/* All tables there are, in the order in which a person reads of them. */
static const struct table *const tables[] = {
	&table_events, &table_processes, &table_files, &table_names, &table_sockets,
	&table_sessions, &table_gaps, &table_alerts, &table_backtrack, &table_forward,
	&table_path_at, &table_tree,
};

const struct table *table_at(size_t i)
{
	return i < LM_ARRAY_SIZE(tables) ? tables[i] : NULL;
}

size_t lm_query_table_count(void)
{
	return LM_ARRAY_SIZE(tables);
}

bool lm_query_table(size_t i, struct lm_query_table *ret_table)
{
	const struct table *table = table_at(i);

	if (!table)
		return false;
	*ret_table = (struct lm_query_table){ table->name, table->says,
					      (size_t)table->column_count };
	return true;
}

const struct lm_query_column *lm_query_column(size_t table, size_t i)
{
	const struct table *of = table_at(table);

	return of && i < (size_t)of->column_count ? &of->columns[i].told : NULL;
}
