/* SPDX-License-Identifier: MIT */
#pragma once

#include "bound.h"
#include "value.h"

/* Rows that are objects of one kind: all of them, or those of a list. */
struct objects {
	struct cursor base;
	enum lm_object_kind kind;
	struct range range;       /* of their numbers */
	bool listed;              /* only those in ids, which are sorted */
	struct lm_object_ids ids;
	size_t at;
	struct lm_object object;  /* the present row */
};

/** Go to the first row; kind, range, and what is listed, are set. */
int objects_begin(struct objects *objects);
int objects_next(struct cursor *cursor);
void objects_end(struct cursor *cursor);

/** Add the file behind each name, for a bound on the path of files. */
int objects_list_files(struct objects *objects, const struct path_bound *bound);

/** Rows of all objects of a kind, as far as that is known without counting. */
double objects_guess(const struct lm_query *query, enum lm_object_kind kind);
