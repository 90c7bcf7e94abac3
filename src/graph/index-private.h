/* SPDX-License-Identifier: MIT */
#pragma once

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/graph/index.h"
#include "lemona/index/build.h"
#include "lemona/index/make.h"

#define TABLE(type, name) struct { type *at; size_t count, capacity; } name

/* An index of a log: its parts, and what was asked of them. */
struct lm_index {
	bool finished;
	char host[256];
	char imported[64]; /* the tool that recorded it; empty: lemona did */
	struct lm_parts parts;
	struct lm_indexer *indexer; /* until it is finished, of items that are told by hand */

	struct links_cache *cache;
	struct known_all *known;
	int status;
};

/* Influences (links-store.c). */
struct links_cache *links_cache_free(struct links_cache *cache);
struct lm_links links_of_store(const struct lm_index *index, lm_object_id id, bool into,
			       uint64_t before_ns, uint64_t after_ns);
struct lm_link link_of_store(const struct lm_links *links, uint32_t i);

/** The process that last influenced an object, or was last influenced by it, before a moment; 0 */
lm_object_id last_source_of_store(const struct lm_index *index, lm_object_id id, uint64_t t_ns);
lm_object_id last_sink_of_store(const struct lm_index *index, lm_object_id id, uint64_t t_ns);

/** Where the wall clock was set, by time: one at least. */
size_t index_offsets(const struct lm_index *index, const struct lm_summary_offset **ret_at);

/** Keep a code that a question had no way to return. */
void index_fail(const struct lm_index *index, int code);

/* What was asked of the catalog (known.c). */
void known_release(struct lm_index *index);

/*
 * The last definition of an object, NULL where there is none, or it is of another kind. Valid as
 * long as the index.
 */
const struct lm_object *index_object(const struct lm_index *index, lm_object_id id);
const struct lm_name *index_name(const struct lm_index *index, lm_object_id id);
const struct lm_process *index_process(const struct lm_index *index, lm_object_id id);
const struct lm_socket *index_socket(const struct lm_index *index, lm_object_id id);
const struct lm_file *index_file(const struct lm_index *index, lm_object_id id);
/** enum lm_object_flag; 0 of none. */
uint8_t index_flags(const struct lm_index *index, lm_object_id id);
/** When it was first defined; 0 of none. */
uint64_t index_first_ns(const struct lm_index *index, lm_object_id id);
/**
 * What a file held at a time, as far as it was read since.
 *
 * @param ret_sure  false: it may have been changed between then and the reading
 * @return NULL: never read, and never missed
 */
const struct lm_content *index_content(const struct lm_index *index, lm_object_id file,
	uint64_t at_ns, bool *ret_sure);
/* Path of a control group; LM_STR_NONE where it is not known. */
struct lm_str index_cgroup_path(const struct lm_index *index, lm_object_id id);
