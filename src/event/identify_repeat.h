/* SPDX-License-Identifier: MIT */
#pragma once

#include "identify_internal.h"

/* What identify_repeat.c and identify_keep.c share. */

#define RECENT_OBJECTS 1024u

/* The last definition of an object. */
struct kept {
	struct lm_object object; /* its strings follow */
	lm_object_id other;      /* of a file the name that it is bound to; of a name its file */
	uint32_t segment;        /* in which it was told last */
	uint8_t binding;         /* of a file: enum lm_binding_flag */
	bool needed, is_root;
	char strings[];
};

struct repeating {
	uint32_t segment;          /* counts from 1 */
	lm_object_id recent[RECENT_OBJECTS]; /* told in this segment */
	struct lm_map kept;        /* by object: struct kept * */
	struct lm_map contents;    /* the last one of a file, by that: likewise */
	size_t sweep_at;           /* when so many more are kept it is time to look at them */
};

static inline struct kept *get_kept(const struct lm_map *map, lm_object_id object)
{
	const uint64_t *value = lm_map_get(map, object);

	return value ? (struct kept *)(uintptr_t)*value : NULL;
}

/* identify_keep.c */
/* An item has been told in this segment. @return 0; -ENOMEM */
int note_item(struct lm_identify *id, const struct lm_item *item, uint32_t segment);
