/* SPDX-License-Identifier: MIT */
#include "index-private.h"

static uint32_t row_of(const struct lm_index *index, const struct rows *rows,
		       const struct lm_bound *bounds, lm_object_id id, const struct lm_bound **ret)
{
	if (id == LM_OBJECT_NONE || id >= index->objects.count)
		return 0;
	*ret = bounds + rows->start[id];
	return rows->start[id + 1] - rows->start[id];
}

uint32_t lm_index_bounds_of_name(const struct lm_index *index, lm_object_id name,
				 const struct lm_bound **ret_bounds)
{
	return row_of(index, &index->by_name, index->name_bounds, name, ret_bounds);
}

uint32_t lm_index_bounds_of_file(const struct lm_index *index, lm_object_id file,
				 const struct lm_bound **ret_bounds)
{
	return row_of(index, &index->by_file, index->file_bounds, file, ret_bounds);
}

uint32_t lm_index_names_in(const struct lm_index *index, lm_object_id dir,
			   const lm_object_id **ret_names)
{
	if (dir == LM_OBJECT_NONE || dir >= index->objects.count)
		return 0;
	*ret_names = index->in_dir.at + index->in_dir.start[dir];
	return index->in_dir.start[dir + 1] - index->in_dir.start[dir];
}
