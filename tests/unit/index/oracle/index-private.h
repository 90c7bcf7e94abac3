/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * An index of single items in memory, kept as simple as can be: what parts say is held against it.
 */

#include "lemona/base/array.h"
#include "lemona/base/cleanup.h"
#include "lemona/base/map.h"
#include "lemona/event/address.h"
#include "lemona/graph/index.h"
#include "lemona/index/row.h"

/* One object: where its last definition is kept, by kind. */
struct entry {
	uint64_t first_ns;
	uint64_t used_ns; /* end of the last event that it was an object of */
	uint32_t slot; /* into the table of its kind */
	uint8_t kind;
	uint8_t flags;
	bool root; /* "/" of some process */
};

#define TABLE(type, name) struct { type *at; size_t count, capacity; } name

/* Adjacency in compressed rows: at[start[id]..start[id + 1]). */
struct rows {
	uint32_t *start;
	uint32_t *at;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};

/* An influence in memory: its event tells the rest. */
struct kept_link {
	uint64_t begin_ns, end_ns;
	lm_object_id source, sink;
	uint32_t event;  /* position */
	uint16_t op;
	uint8_t control, flags, ordinal;
};

struct wall_offset {
	uint64_t from_ns;
	int64_t offset_ns;
};

struct lm_index {
	bool finished, cut;
	char host[256];
	char imported[64]; /* the tool that recorded it; empty: lemona did */
	uint64_t first_ns, last_ns; /* first UINT64_MAX while nothing happened */
	struct chunk *strings;

	TABLE(struct entry, objects); /* [0] is nobody */
	TABLE(struct lm_process, processes);
	TABLE(struct lm_file, files);
	TABLE(struct lm_name, names);
	TABLE(struct lm_socket, sockets);
	TABLE(struct lm_pipe, pipes);
	TABLE(struct lm_memory, memories);
	TABLE(struct lm_cgroup, cgroups);
	TABLE(struct lm_content, contents);

	uint64_t event_count;
	TABLE(struct lm_event, events);
	TABLE(struct lm_binding, bindings);
	TABLE(struct lm_gap, gaps);
	TABLE(struct wall_offset, offsets);

	TABLE(struct kept_link, links);
	struct rows incoming, outgoing;

	TABLE(struct lm_bound, bounds);
	struct rows by_name, by_file; /* into bounds, then gathered: */
	struct lm_bound *name_bounds, *file_bounds;
	struct rows in_dir; /* names by directory */

	struct lm_peer *peers;
	uint32_t *peer_start;
};

/**
 * Rows from a key a piece.
 * @param key_of  row of element i; 0: in none
 */
int rows_build(struct rows *rows, size_t row_count, size_t element_count,
	       lm_object_id (*key_of)(const struct lm_index *index, size_t i),
	       const struct lm_index *index);
void rows_release(struct rows *rows);

/* The parts of lm_index_finish(), in this order. 0 or -ENOMEM. */
int index_build_links(struct lm_index *index);
int index_build_names(struct lm_index *index);
int index_build_peers(struct lm_index *index);

const struct lm_name *index_name(const struct lm_index *index, lm_object_id id);
const struct lm_process *index_process(const struct lm_index *index, lm_object_id id);
const struct lm_socket *index_socket(const struct lm_index *index, lm_object_id id);
const struct lm_file *index_file(const struct lm_index *index, lm_object_id id);
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
