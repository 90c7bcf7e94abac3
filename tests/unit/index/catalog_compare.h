/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "lemona/graph/index.h"
#include "lemona/index/catalog_build.h"

/*
 * One log told twice: to an index in memory, and to catalogs that are written at any point, merged,
 * and taken up again by another builder. They must answer alike.
 */
#define TWIN_PARTS_MAX 4096

struct twin {
	struct lm_index *index;
	struct lm_catalog_builder *builder;
	struct lm_catalog *catalog; /* in the end */
	int fds[TWIN_PARTS_MAX];    /* of the parts of the builder */
	size_t parts;
	uint64_t next_event;
	uint64_t seed;
	size_t memory_bytes;
};

void twin_begin(struct twin *twin, uint64_t seed, size_t memory_bytes);
/** Both take it, or both refuse it. Events are numbered. @return what both said */
int twin_add(struct twin *twin, const struct lm_item *item);
void twin_write(struct twin *twin, bool final);
/** Merge some parts that lie next to each other. */
void twin_merge(struct twin *twin, size_t first, size_t count);
void twin_merge_due(struct twin *twin);
/** Begin again with what is written. */
void twin_restart(struct twin *twin);
/** Write the rest, and finish the index. */
void twin_finish(struct twin *twin);
/** Every question about every object; look-ups and peers of one in `every`. */
void twin_compare(struct twin *twin, uint32_t every);
void twin_end(struct twin *twin);

uint64_t twin_draw(struct twin *twin, uint64_t below);
