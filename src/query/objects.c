/* SPDX-License-Identifier: MIT */
#include "objects.h"

static lm_object_id following(struct objects *objects, lm_object_id after)
{
	const struct lm_index *index = objects->base.query->index;

	if (!objects->listed)
		return lm_index_next_of_kind(index, objects->kind, after + 1);
	while (objects->at < objects->ids.count) {
		lm_object_id id = objects->ids.at[objects->at++];

		if (id > after && lm_index_kind(index, id) == objects->kind)
			return id;
	}
	return LM_OBJECT_NONE;
}

static int step(struct objects *objects, lm_object_id after)
{
	lm_object_id id = following(objects, after);

	objects->base.eof = id == LM_OBJECT_NONE || id > objects->range.high ||
		lm_index_object(objects->base.query->index, id, &objects->object) < 0;
	if (objects->base.eof)
		return 0;
	objects->base.rowid = id;
	return query_look(objects->base.query);
}

int objects_begin(struct objects *objects)
{
	objects->at = 0;
	if (objects->range.low > objects->range.high || objects->range.low >= UINT32_MAX) {
		objects->base.eof = true;
		return 0;
	}
	if (objects->listed)
		lm_object_ids_sort(&objects->ids);
	return step(objects, objects->range.low > 1 ? (lm_object_id)(objects->range.low - 1) : 0);
}

int objects_next(struct cursor *cursor)
{
	struct objects *objects = (struct objects *)cursor;

	return step(objects, objects->object.id);
}

void objects_end(struct cursor *cursor)
{
	struct objects *objects = (struct objects *)cursor;

	lm_object_ids_release(&objects->ids);
	objects->listed = false;
}

int objects_list_files(struct objects *objects, const struct path_bound *bound)
{
	const struct lm_index *index = objects->base.query->index;
	struct lm_object_ids names LM_OBJECT_IDS = LM_OBJECT_IDS_INIT;
	struct lm_str path = { (const char *)bound->text.data, (uint32_t)bound->text.len };
	int r = lm_index_names_below(index, path, bound->exact, &names);

	objects->listed = true;
	for (size_t i = 0; i < names.count && r == 0; i++) {
		const struct lm_bound *bounds = NULL;
		uint32_t count = lm_index_bounds_of_name(index, names.at[i], &bounds);

		for (uint32_t j = 0; j < count && r == 0; j++)
			r = lm_object_ids_add(&objects->ids, bounds[j].file);
	}
	return r;
}

/* What logs hold of each, roughly: of ten objects four names, four files, one process. */
double objects_guess(const struct lm_query *query, enum lm_object_kind kind)
{
	const double all = (double)lm_index_object_count(query->index);

	switch (kind) {
	case LM_OBJECT_KIND_NAME:
	case LM_OBJECT_KIND_FILE:
		return all * 0.4 + 1;
	default:
		return all * 0.1 + 1;
	}
}
